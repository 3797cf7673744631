"""What the feed tells of a dataset at each level, and what it keeps to itself."""

import re

import pytest

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.feeds.dcat import mapping, vocabularies
from ckanext.hljshare.feeds.dcat.terms import Where

WHERE = Where("http://data.example.cn", "http://www.example.cn")
FILE = {
    "id": "r1",
    "name": "明细.csv",
    "url": "http://files.example.cn/a.csv",
    "format": "CSV",
    "size": 10,
    "hash": "sha256:" + "0" * 64,
    "created": "2026-01-02T03:04:05",
}


def dataset(level, *files, **fields):
    return {
        "id": "d1",
        "name": "one",
        "title": "一",
        "open_type": level,
        "resources": files,
        **fields,
    }


def told(level, *files, **fields):
    return mapping.entry(dataset(level, *files, **fields), WHERE).distributions


def test_an_open_file_has_all():
    """Address, size, checksum; the page of the file is where it is accessed."""
    (found,) = told("open", FILE)
    assert found.download_url == FILE["url"]
    assert found.access_url == "http://www.example.cn/dataset/one/resource/r1"
    assert (found.size, found.checksum) == (10, ("sha256", "0" * 64))
    assert found.iri == "http://data.example.cn/dataset/d1/resource/r1"


def test_a_file_on_request_has_the_request_page():
    """And its public title and format; nothing else."""
    (found,) = told("on_request", FILE)
    assert found.access_url == "http://www.example.cn/request/new?dataset=one"
    assert (found.title, found.format.iri.rsplit("/", 1)[1]) == ("明细.csv", "CSV")
    assert (found.download_url, found.size, found.checksum) == ("", None, None)
    assert (found.issued, found.modified) == ("", "")


@pytest.mark.parametrize(
    ("level", "own", "derivative", "wanted"),
    [
        ("open", "", "", ["open"]),
        ("open", "on_request", "", ["on_request"]),
        ("open", "closed", "", []),
        ("on_request", "open", "", ["on_request"]),
        ("on_request", "open", "sample", ["open"]),
        ("on_request", "closed", "", ["on_request"]),
        ("closed", "", "", []),
        ("closed", "open", "", []),
        ("closed", "open", "masked", ["open"]),
        ("", "", "", []),
        ("unheard-of", "open", "", []),
    ],
)
def test_files_count_by_their_effective_level(level, own, derivative, wanted):
    """Stricter than the dataset; looser only for what is masked or a sample; unknown is closed. A
    dataset on request always says where it is asked for.
    """
    found = told(level, {**FILE, "open_type": own, "derivative": derivative})
    assert [item.level for item in found] == wanted


def test_an_interface_is_no_download():
    """Its address is where it is accessed."""
    (found,) = told("open", {**FILE, "format": "API"})
    assert (found.is_service, found.access_url, found.download_url) == (True, FILE["url"], "")


def test_an_address_that_is_none_leaves_the_page():
    """A file without a usable address still has the page on the portal."""
    (found,) = told("open", {**FILE, "url": "http://[bad"})
    assert found.download_url == ""
    assert found.access_url.endswith("/dataset/one/resource/r1")


def test_the_rights_statement_names_basis_and_conditions():
    """Clause 6.1 a: what is not open says why."""
    basis = [{"law": "数据安全法", "article": "第三十八条"}, {"law": "《统计法》"}]
    found = mapping.entry(
        dataset("on_request", open_basis=basis, open_condition="说明用途。", use_scope="省"),
        WHERE,
    )
    basis_words = "依据：《数据安全法》第三十八条；《统计法》"
    assert found.rights == f"依申请开放。{basis_words}。开放条件：说明用途。适用范围：省。"
    opened = mapping.entry(dataset("open", open_basis=basis, open_condition="说明用途"), WHERE)
    assert opened.rights == "无条件开放。"
    assert opened.laws == ()


def test_the_source_page_of_what_is_not_open_is_not_told():
    """It may lead to the data themselves."""
    fields = {
        "source_url": "http://source.example.cn/page",
        "source_site": "大庆",
        "source_name": "daqing",
    }
    assert mapping.entry(dataset("open", **fields), WHERE).source_page == fields["source_url"]
    restricted = mapping.entry(dataset("on_request", **fields), WHERE)
    assert restricted.source_page == ""
    assert "采集自大庆（daqing）" in restricted.provenance


@pytest.mark.parametrize("list_id", ["theme", "update_cycle", "open_type"])
def test_every_code_has_a_term_of_the_eus_with_labels(list_id):
    """All 14 themes, all cycles, all levels; each term in both languages."""
    listed = vocabularies.WORDS["eu"][vocabularies.AUTHORITIES[list_id]]["terms"]
    for code in codelists.codes(list_id):
        terms = [iri.rsplit("/", 1)[1] for iri in vocabularies.eu_terms(list_id, code)]
        assert terms
        for term in terms:
            assert set(listed[term]) == {"en", "zh"}


def test_formats():
    """By code, alias and case; an unknown one is a concept of our own, an empty one none."""
    csv, api = (vocabularies.format_of(word, WHERE) for word in (".csv", "接口"))
    assert csv.iri.endswith("/file-type/CSV")
    assert csv.media.endswith("/text/csv")
    assert api.is_service
    odd = vocabularies.format_of("A b/<x>", WHERE)
    assert (odd.iri, odd.media) == ("http://data.example.cn/vocabulary/format/A%20b%2F%3Cx%3E", "")
    assert vocabularies.format_of(" ", WHERE) is None


def test_no_two_formats_have_one_name():
    """Of the national list and the others, with all their aliases."""
    words = [
        w.casefold()
        for item in vocabularies.formats()
        for w in {item["code"], *item.get("aliases", [])}
    ]
    assert len(words) == len(set(words))
    for item in vocabularies.formats():
        assert re.fullmatch(r"[a-z]+/[A-Za-z0-9.+-]+", item.get("media", "a/b"))
