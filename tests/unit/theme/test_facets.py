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


def test_counties_stand_under_their_city_and_what_the_province_itself_holds_first():
    # Everything below the province counts for it: 10 of all, 5 and 3 of them in the cities.
    items = _items(_230102=2, _230100=5, _230000=10, _230600=3)
    found = facets.arrange("hljshare_region", items, ["230102"], ZH)
    assert [(value.name, value.count) for value in found] == [
        ("230000", 2),
        ("230100", 5),
        ("230600", 3),
    ]
    assert [value.label for value in found[1].children] == ["道里区"]
    assert found[1].children[0].active
    assert found[1].open
    assert not found[2].open


def test_a_province_without_data_of_its_own_is_not_offered():
    found = facets.arrange("hljshare_region", _items(_230100=5, _230000=5), [], ZH)
    assert [value.name for value in found] == ["230100"]


def test_another_place_takes_the_place_of_the_one_chosen():
    args = [("q", "公交"), ("hljshare_city", "230600"), ("page", "3")]
    assert facets.replace_place(args, "230102", False) == [
        ("q", "公交"),
        ("hljshare_region", "230102"),
    ]
    assert facets.replace_place(args, "230600", True) == [("q", "公交")]
    assert facets.replace_place(args, "230000", False)[-1] == ("hljshare_city", "230000")


def test_a_value_that_no_list_knows_is_shown_as_it_is():
    (found,) = facets.arrange("hljshare_format", _items(CSV=3), [], ZH)
    assert found.label == "CSV"
