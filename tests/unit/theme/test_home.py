"""The numbers of the home page."""

from ckanext.hljshare.theme import home


def _facet(**counts):
    return {"items": [{"name": name.lstrip("_"), "count": n} for name, n in counts.items()]}


def _result(**facets):
    return {"count": 12, "results": [], "search_facets": facets}


def test_all_levels_themes_and_cities_are_there_even_with_nothing_in_them():
    page = home.assemble({"count": 0, "results": [], "search_facets": {}}, [], 0)
    assert page["levels"] == {"open": 0, "on_request": 0, "closed": 0}
    assert len(page["themes"]) == 14
    assert len(page["tiles"]) == 13
    assert page["cities"] == 0


def test_numbers_are_those_of_the_search():
    page = home.assemble(
        _result(
            hljshare_open_type=_facet(open=9, on_request=2, closed=1),
            hljshare_city=_facet(_230000=3, _230100=8, _230600=1),
        ),
        [],
        30,
    )
    assert (page["datasets"], page["open"], page["files"]) == (12, 9, 30)
    assert page["province"] == 3
    assert page["cities"] == 2
