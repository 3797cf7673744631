"""Filters: order and tree of their values."""

from ckanext.hljshare.theme import facets

ZH = "zh_Hans_CN"


def _items(**counts):
    """Names that begin with a digit are written with an underscore before it."""
    return [{"name": name.lstrip("_"), "count": count} for name, count in counts.items()]


def test_levels_keep_their_order_whatever_their_counts():
    found = facets.arrange("hljshare_open_type", _items(closed=9, open=1, on_request=5), [], ZH)
    assert [value.label for value in found] == ["无条件开放", "依申请开放", "不予开放"]


def test_themes_stand_by_count():
    found = facets.arrange("hljshare_theme", _items(culture=2, health=7), [], ZH)
    assert [value.label for value in found] == ["卫生健康", "文体休闲"]


def test_counties_stand_under_their_city_and_the_province_first():
    items = _items(_230102=2, _230100=5, _230000=1, _230600=3)
    found = facets.arrange("hljshare_region", items, ["230102"], ZH)
    assert [value.name for value in found] == ["230000", "230100", "230600"]
    assert [value.label for value in found[1].children] == ["道里区"]
    assert found[1].children[0].active


def test_a_value_that_no_list_knows_is_shown_as_it_is():
    (found,) = facets.arrange("hljshare_format", _items(CSV=3), [], ZH)
    assert found.label == "CSV"
