"""The tree of organizations from a flat list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.catalog import orgdata, orgtree

PARENTS = {"hlj": None, "harbin": "hlj", "heihe": "hlj", "harbin-tjj": "harbin"}
NODES = [{"name": name, "parent": parent} for name, parent in PARENTS.items()]


@st.composite
def forests(draw):
    """Parents without a circle: each hangs below one that comes before it."""
    size = draw(st.integers(1, 30))
    return {str(n): draw(st.sampled_from([None, *[str(m) for m in range(n)]])) for n in range(size)}


def test_counts_of_children_stand_in_the_totals_of_those_above():
    tops = orgtree.build(NODES, {"harbin-tjj": 3, "heihe": 2, "hlj": 1})
    found = {node["name"]: (node["count"], node["total"]) for node in orgtree.walk(tops)}
    assert found == {"hlj": (1, 6), "harbin": (0, 3), "heihe": (2, 2), "harbin-tjj": (3, 3)}


@given(forests(), st.data())
def test_the_tops_hold_all_that_is_counted_and_everybody_stands_once(parents, data):
    counts = {name: data.draw(st.integers(0, 9)) for name in parents}
    tops = orgtree.build([{"name": n, "parent": p} for n, p in parents.items()], counts)
    assert sum(node["total"] for node in tops) == sum(counts.values())
    assert sorted(node["name"] for node in orgtree.walk(tops)) == sorted(parents)


@given(forests(), st.data())
def test_a_move_is_refused_exactly_when_it_would_close_a_circle(parents, data):
    name = data.draw(st.sampled_from(sorted(parents)))
    target = data.draw(st.sampled_from([None, *sorted(parents)]))
    refused = orgtree.would_cycle(parents, name, target)
    assert refused is (target == name or target in orgtree.descendants(parents, name))
    if refused:
        with pytest.raises(orgtree.OrganizationCycleError):
            orgtree.paths({**parents, name: target})
    else:
        assert orgtree.path({**parents, name: target}, name)[-1] == name


def test_an_unknown_parent_counts_as_none():
    assert orgtree.path({"a": "gone"}, "a") == ["a"]


def test_a_part_of_the_tree():
    part = orgtree.subtree(orgtree.build(NODES), "harbin")
    assert [node["name"] for node in orgtree.walk([part])] == ["harbin", "harbin-tjj"]
    assert orgtree.subtree(orgtree.build(NODES), "moon") is None


def test_the_whole_province_is_one_tree_with_agencies_for_each_city():
    listed = orgdata.read()
    tops = orgtree.build(listed)
    assert [top["name"] for top in tops] == ["hlj"]
    cities = [node for node in tops[0]["children"] if node["level"] == "city"]
    assert len(cities) == 13
    for city in cities:
        agencies = [node for node in city["children"] if node["level"] == "agency"]
        assert len(agencies) >= 24
        assert all(node["title"].startswith(city["title"]) for node in agencies)
    names = [item["name"] for item in listed]
    assert len(names) == len(set(names))
    titles = {item["title"] for item in listed if item["level"] == "agency"}
    assert {"黑龙江省统计局", "哈尔滨市交通运输局", "大兴安岭地区行政公署办公室"} <= titles


def test_no_two_organizations_share_a_credit_code_and_nobody_is_named():
    listed = orgdata.read()
    codes = [item["uscc"] for item in listed if item["uscc"]]
    assert len(codes) == len(set(codes))
    assert all(item["contact_phone"].endswith("-12345") for item in listed)


def test_a_file_of_another_shape_is_refused(tmp_path):
    file = tmp_path / "organizations.yaml"
    file.write_text("- 哈尔滨市\n", encoding="utf-8")
    with pytest.raises(ValueError, match="agencies"):
        orgdata.read(file)
