"""The 13 units of the province as tiles."""

from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.theme import tiles


def test_every_city_of_the_code_list_has_one_tile_and_a_place_of_its_own():
    drawn = tiles.tiles({})
    cities = {item["code"] for item in codelists.items("region") if item["level"] == "city"}
    assert {tile.code for tile in drawn} == cities
    assert len({(tile.column, tile.row) for tile in drawn}) == len(drawn) == 13
    assert all(1 <= t.column <= tiles.COLUMNS and 1 <= t.row <= tiles.ROWS for t in drawn)


def test_a_tile_leads_to_the_organization_of_its_city():
    slugs = {item["code"]: item["slug"] for item in codelists.items("region") if "slug" in item}
    assert all(tile.organization == slugs[tile.code] for tile in tiles.tiles({}))


def test_harbin_stands_south_of_suihua_and_west_of_jixi():
    at = {tile.organization: tile for tile in tiles.tiles({})}
    assert at["harbin"].row > at["suihua"].row
    assert at["harbin"].column < at["jixi"].column


@given(
    st.dictionaries(st.sampled_from([code for code, *_ in tiles.POSITIONS]), st.integers(0, 9999))
)
def test_more_datasets_are_never_lighter(counts):
    drawn = sorted(tiles.tiles(counts), key=lambda tile: tile.count)
    shades = [tile.shade for tile in drawn]
    assert shades == sorted(shades)
    assert all((tile.shade == 0) == (tile.count == 0) for tile in drawn)
