"""What the demo province publishes."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import catalog as demo
import pytest
import yaml

ALL = demo.province()
ROOT = Path(__file__).resolve().parents[3]
# Columns that would hold natural persons. 法定代表人 and the like are left out altogether.
PERSONS = re.compile(
    "姓名|身份证|证件号码|手机|移动电话|联系人|负责人|法定代表人|家庭住址|户主|患者姓|出生日期|车牌|银行卡|社保卡号"
)


def test_the_province_has_its_13_cities_and_enough_datasets() -> None:
    counts = Counter(d.place for d in ALL)
    assert len(ALL) >= 450
    assert len(counts) == 14
    assert counts["harbin"] >= 80
    assert all(counts[p] >= 40 for p in ("qiqihar", "daqing", "mudanjiang", "jiamusi"))
    assert min(counts.values()) >= 20
    assert counts["hlj"] >= 30


def test_titles_are_the_cities_own() -> None:
    """No 13 copies of one list; no title stands twice in a city."""
    assert sum(1 for d in ALL if d.common) <= len(ALL) / 2
    assert max(Counter((d.place, d.title) for d in ALL).values()) == 1


def test_all_levels_are_there() -> None:
    levels = Counter(d.level for d in ALL)
    assert levels["on_request"] >= 0.12 * len(ALL)
    assert levels["closed"] >= 0.04 * len(ALL)
    assert 4 <= levels["unknown"] <= 8


@pytest.mark.parametrize("level", ["on_request", "closed"])
def test_restricted_datasets_say_why(level: str) -> None:
    for dataset in (d for d in ALL if d.level == level):
        assert dataset.basis, dataset.title
        assert all(
            law.startswith(("中华人民共和国", "不动产"))
            and re.fullmatch("第[一二三四五六七八九十百]+条", article)
            for law, article in dataset.basis
        )
        assert dataset.condition or level == "closed", dataset.title


def test_sharing_agrees_with_opening() -> None:
    assert not [d.title for d in ALL if d.share == "none" and d.level != "closed"]
    assert not [d.title for d in ALL if d.level == "closed" and d.share == "unconditional"]
    assert not [d.title for d in ALL if d.share != "unconditional" and not d.share_condition]


def test_words_are_of_the_lists() -> None:
    """Themes, industries, cycles and agencies are those of the province's lists."""
    words = demo.words()
    for dataset in ALL:
        assert dataset.theme in words["themes"]
        assert dataset.industry in words["industries"]
        assert dataset.cycle in words["cycle_age"]
        assert dataset.agency in (
            words["province_agencies"] if dataset.place == "hlj" else words["agencies"]
        )
    assert {d.cycle for d in ALL} == set(words["cycle_age"])
    assert {d.theme for d in ALL} == set(words["themes"])


def test_agencies_stand_in_the_organization_tree() -> None:
    tree = yaml.safe_load((ROOT / "scheming" / "organizations.yaml").read_text(encoding="utf-8"))[
        "agencies"
    ]
    known = {level: {a["title"] for a in tree[level]} for level in ("province", "city")}
    missing = {
        d.agency for d in ALL if d.agency not in known["province" if d.place == "hlj" else "city"]
    }
    assert not missing


def test_regions_are_the_six_digit_codes() -> None:
    for name, place in demo.places().items():
        assert re.fullmatch(r"23\d{4}", place["code"])
        assert place["code"] == demo.sources()[name]["region"]
        assert all(code[:4] == place["code"][:4] for code in place["counties"].values())
    counties = [c for p in demo.places().values() for c in p["counties"].values()]
    assert len(counties) == len(set(counties)) >= 120


def test_columns_describe_no_natural_person() -> None:
    for dataset in ALL:
        assert 4 <= len(dataset.columns) <= 14, dataset.title
        fields = [c.field for c in dataset.columns]
        assert len(set(fields)) == len(fields)
        assert all(re.fullmatch("[A-Za-z0-9]+", f) and f.lower() != "xx" for f in fields), fields
        for column in dataset.columns:
            assert not PERSONS.search(column.name), (dataset.title, column.name)
            assert column.letter in "CNYDTLMGBIF"
            assert column.length > 0


def test_ids_are_unique_and_unguessable() -> None:
    assert len({(d.place, d.native_id) for d in ALL}) == len(ALL)
    ids = [f.file_id for d in ALL for f in d.files]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[0-9a-f]{32}", i) for i in ids)


def test_dates_are_in_order_and_not_ahead_of_the_demos_day() -> None:
    assert all(d.released <= d.updated <= demo.TODAY for d in ALL)


def test_a_line_that_is_no_dataset_is_refused() -> None:
    with pytest.raises(ValueError, match="five or six parts"):
        demo._own("harbin", "只有标题 | 统计局")


def test_every_source_is_told_apart_by_its_codes() -> None:
    """A source's words for the levels differ (where one serves two, the condition tells)."""
    for name, source in demo.sources().items():
        words = source["speaks"]["open"]
        if source["speaks"].get("sheet", {}).get("opening") == "是否向社会开放":
            assert all(d.condition for d in demo.catalog(name) if d.level == "on_request")
            assert not any(d.condition for d in demo.catalog(name) if d.level in ("open", "closed"))
        else:
            assert len(set(words.values())) == 3
        said = {demo.says(d, "open") for d in demo.catalog(name) if d.level == "unknown"}
        assert not said & set(words.values())
