"""Links in the heads of pages."""

from ckanext.hljshare.feeds.web import links

HOME = "http://data.example.cn/portal"


def test_a_dataset_links_to_itself_in_each_syntax():
    found = links.of_dataset(HOME, "bus", has_croissant=False)
    assert {link.href for link in found} == {
        f"{HOME}/dataset/bus.{ending}" for ending in ("ttl", "rdf", "jsonld", "nt")
    }


def test_an_open_one_to_croissant_too():
    last = links.of_dataset(HOME, "bus", has_croissant=True)[-1]
    assert last.href == f"{HOME}/dataset/bus/croissant.jsonld"
    assert last.type == "application/ld+json"


def test_the_catalog_and_agencies_have_feeds():
    assert f"{HOME}/feeds/catalog.atom" in {link.href for link in links.of_catalog(HOME)}
    assert [link.href for link in links.of_agency(HOME, "jtj")] == [f"{HOME}/feeds/agency/jtj.atom"]
