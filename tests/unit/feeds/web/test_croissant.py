"""Open tables as machine learning tools load them: judged by the format's own validator."""

import json
from itertools import product

import mlcroissant
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.hljshare.feeds.dcat.agencies import Agency
from ckanext.hljshare.feeds.dcat.terms import Where
from ckanext.hljshare.feeds.web import croissant
from ckanext.hljshare.feeds.web.croissant import Column

WHERE = Where("http://data.example.cn", "http://www.example.cn")
AGENCY = Agency("o1", "harbin-jtj", "哈尔滨市交通运输局", uscc="11230100MB1234567X")
FILE = {
    "id": "r1",
    "name": "明细.csv",
    "url": "http://files.example.cn/a.csv",
    "format": "CSV",
    "size": 10,
    "hash": "sha256:" + "0" * 64,
    "datastore_active": True,
}
DATASET = {
    "id": "d1",
    "name": "bus",
    "title": "公交线路",
    "notes": "起点",
    "open_type": "open",
    "license_id": "hlj-open",
    "released": "2025-02-03",
    "data_updated": "2026-03-04",
    "metadata_created": "2026-11-29T01:02:03.000004",
    "items": [{"name": "线路", "field": "xl", "description": "编号"}],
    "resources": [FILE],
}
COLUMNS = {"r1": [Column("线路", "text"), Column("票价(元)", "numeric"), Column("班次", "int4")]}


def told(columns=COLUMNS, **fields):
    return croissant.document({**DATASET, **fields}, AGENCY, WHERE, columns)


def judged(document):
    """Let the validator read it; there must be nothing that it finds wrong, or misses."""
    found = mlcroissant.Dataset(jsonld=json.loads(json.dumps(document)))
    assert not found.metadata.ctx.issues.errors
    return found.metadata


@pytest.mark.parametrize(
    ("name", "label", "heading"),
    [
        ("线路", None, "线路"),
        ("线路", "线路", "线路"),
        ("占比 ％", "占比 %", "占比 %"),  # the database takes no percent sign
        ("编号", "_编号", "_编号"),
        ("字" * 21, "字" * 30, "字" * 30),  # cut to 63 bytes
        ("xl", "线路", ""),  # somebody has explained it in the dictionary
        ("票价", "票价（元）", ""),
        ("名称_2", "名称", ""),  # of two headings alike none can be told
    ],
)
def test_a_heading_is_that_of_the_file_or_not_told(name, label, heading):
    assert croissant.heading(name, label) == heading


def test_an_open_table_is_valid_and_whole():
    metadata = judged(told())
    assert not metadata.ctx.issues.warnings
    assert (metadata.name, metadata.version) == ("公交线路", "2026.3.4")
    (file,) = metadata.distribution
    assert (file.content_url, file.sha256) == (FILE["url"], "0" * 64)
    (records,) = metadata.record_sets
    fields = {field.name: str(field.data_types[0]).rsplit("/", 1)[1] for field in records.fields}
    assert fields == {"线路": "Text", "票价(元)": "Float", "班次": "Integer"}
    assert records.fields[0].description == "编号"
    assert records.fields[1].source.extract.column == "票价(元)"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, unique=True))
def test_any_headings_make_a_valid_description(headings):
    """Two that differ in signs only are two fields."""
    found = told({"r1": [Column(heading, "text") for heading in headings]})
    assert len({field["@id"] for field in found["recordSet"][0]["field"]}) == len(headings)
    judged(found)


@pytest.mark.parametrize(
    "fields",
    [
        {"format": "XLSX"},
        {"encoding": "GB18030"},
        {"datastore_active": False},
    ],
)
def test_a_file_whose_columns_cannot_be_taken_is_told_without(fields):
    found = told(resources=[{**FILE, **fields}])
    assert "recordSet" not in found
    assert len(judged(found).distribution) == 1


@pytest.mark.parametrize(
    "fields",
    [{"hash": ""}, {"hash": "sha1:" + "0" * 40}, {"url": "not an address"}, {"format": "REST"}],
)
def test_a_file_that_cannot_be_loaded_and_checked_is_not_told(fields):
    assert told(resources=[{**FILE, **fields}]) is None


LEVELS = ("open", "on_request", "closed", "", None)


@pytest.mark.parametrize(("level", "own"), list(product(LEVELS, LEVELS)))
def test_only_open_files_are_told(level, own):
    """And the columns of no others, even if they are handed over."""
    second = {**FILE, "id": "r2", "url": "http://files.example.cn/b.csv", "open_type": own}
    found = told({**COLUMNS, "r2": [Column("保密列", "text")]}, open_type=level,
                 resources=[FILE, second])  # fmt: skip
    text = json.dumps(found, ensure_ascii=False)
    assert (FILE["url"] in text) is (level == "open")
    assert ("保密列" in text) is (level == "open" and own in ("open", "", None))
    assert croissant.exists({**DATASET, "open_type": level}, WHERE) is (level == "open")
