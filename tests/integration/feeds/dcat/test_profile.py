"""The profile in ckanext-dcat's own actions, and a feed read into this portal's schema."""

import json

import pytest
from ckan.tests.helpers import call_action
from ckanext.dcat.processors import RDFParser, RDFSerializer
from rdflib import Graph, URIRef
from rdflib.namespace import DCTERMS, FOAF, RDF

from ckanext.hljshare.feeds.dcat import agencies
from ckanext.hljshare.feeds.dcat.terms import DCAT

PROFILE = "hljshare_dcat_ap_3"
FIELDS = {
    "theme": "transport",
    "industry": "G",
    "region_code": "230100",
    "released": "2024-03-01",
    "data_updated": "2024-06-30",
    "contact_name": "信息中心",
    "contact_phone": "0451-12345",
    "license_id": "hlj-open",
    "use_condition": "注明来源",
    "use_scope": "全国",
    "resource_code": "3072301000012/000001",
}


def shown(dataset):
    """The dataset as an anonymous visitor sees it."""
    return call_action("package_show", {"user": "", "ignore_auth": False}, id=dataset["id"])


@pytest.mark.parametrize("level", ["open", "on_request", "closed"])
def test_a_portal_with_this_profile_reads_its_own_feed(make_dataset, level):
    """Dataset → RDF → fields of the schema: equal, with all files that were told."""
    file = {
        "name": "线路.csv",
        "url": "http://files.example.cn/a.csv",
        "format": "CSV",
        "size": 3,
        "hash": "sha256:" + "0" * 64,
    }
    fields = {**FIELDS, **({} if level == "open" else {"license_id": ""})}
    dataset = shown(make_dataset(open_type=level, resources=[file], **fields))
    serializer = RDFSerializer(profiles=[PROFILE])
    words = serializer.serialize_dataset(dataset, "turtle")
    assert "[]" not in words
    assert "_:" not in words
    parser = RDFParser(profiles=[PROFILE])
    parser.parse(words, "turtle")
    (found,) = parser.datasets()
    kept = (
        "title",
        "notes",
        "open_type",
        "share_type",
        "update_cycle",
        "open_basis",
        "open_condition",
        "share_condition",
    )
    wanted = {name: dataset[name] for name in (*kept, *FIELDS) if dataset.get(name)}
    assert {name: found.get(name) for name in wanted} == wanted
    files = [
        (item["name"], item["format"], item.get("size"), item.get("hash"))
        for item in found["resources"]
    ]
    told = {
        "open": [("线路.csv", "CSV", 3, file["hash"])],
        "on_request": [("线路.csv", "CSV", None, None)],
        "closed": [],
    }
    assert files == told[level]
    if level != "open":
        assert "files.example.cn" not in words


@pytest.mark.usefixtures("with_request_context")
def test_stock_actions_use_the_profile(make_dataset, agency):
    """`dcat_dataset_show` and `dcat_catalog_show`: whole pages with all that they refer to."""
    dataset = make_dataset(**FIELDS)
    one = Graph().parse(
        data=call_action("dcat_dataset_show", id=dataset["id"], format="ttl", profiles=[PROFILE])
    )
    node = URIRef(f"http://test.ckan.net/dataset/{dataset['id']}")
    publisher = one.value(node, DCTERMS.publisher)
    assert publisher == URIRef(f"http://test.ckan.net/organization/{agency['id']}")
    assert str(one.value(publisher, FOAF.name)) == agency["title"]
    whole = Graph().parse(data=call_action("dcat_catalog_show", format="ttl", profiles=[PROFILE]))
    catalog = whole.value(None, RDF.type, DCAT.Catalog)
    assert (catalog, DCAT.dataset, node) in whole
    assert whole.value(catalog, DCTERMS.publisher)


def test_agencies_are_the_tree_of_organizations(agency):
    """Parents by id, codes, levels; those deleted are none."""
    province = organization("hlj", title="黑龙江省", level="province", region_code="230000")
    city = organization("harbin", title="哈尔滨市", parent="hlj", uscc="11230100000000000A")
    gone = organization("gone", title="已撤", parent="hlj")
    call_action("organization_delete", id=gone["id"])
    found = agencies.load()
    assert set(found) == {agency["id"], province["id"], city["id"]}
    assert found[city["id"]].parent == province["id"]
    codes = (found[city["id"]].uscc, found[province["id"]].level)
    assert codes == ("11230100000000000A", "province")
    assert agencies.top(found) == found[province["id"]]


def organization(name, **fields):
    """An organization, made by the system's own user."""
    user = call_action("get_site_user")["name"]
    return call_action("organization_create", {"user": user}, name=name, **fields)


@pytest.mark.parametrize("ending", ["ttl", "rdf", "jsonld", "nt"])
def test_vocabularies_are_at_their_addresses(app, ending):
    """Each list in each syntax, with a check whether it has changed."""
    kinds = {"ttl": "turtle", "rdf": "xml", "jsonld": "json-ld", "nt": "nt"}
    answer = app.get(f"/vocabulary/region.{ending}")
    found = Graph().parse(data=answer.body, format=kinds[ending])
    city = URIRef("http://test.ckan.net/vocabulary/region/230100")
    labels = {
        str(label)
        for label in found.objects(city, URIRef("http://www.w3.org/2004/02/skos/core#prefLabel"))
    }
    assert labels == {"哈尔滨市", "Harbin City"}
    again = app.get(
        f"/vocabulary/region.{ending}",
        headers={"If-None-Match": answer.headers["ETag"]},
        status=304,
    )
    assert again.body == ""


@pytest.mark.parametrize(
    "path",
    ["region", "region/230100", "format/GeoJSON", "licence/hlj-open", "terms", "theme/transport"],
)
def test_what_an_iri_means_can_be_looked_up(app, path):
    """A list or a code leads to the list in Turtle."""
    answer = app.get(f"/vocabulary/{path}", follow_redirects=False, status=303)
    assert answer.headers["Location"] == f"http://test.ckan.net/vocabulary/{path.split('/')[0]}.ttl"


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "nothing.ttl",
        "region/999999",
        "region.exe",
        "../x",
        "format/<x>",
        "region/a%00b",
        "%00.ttl",
    ],
)
def test_what_is_no_term_is_not_found(app, path):
    """404, also for what only looks like a list."""
    app.get(f"/vocabulary/{path}", follow_redirects=False, status=404)


def test_a_restricted_file_is_in_no_action_of_ckanext_dcat(make_dataset):
    """For a visitor or an administrator: the feed is the same for all."""
    file = {"name": "明细", "url": "http://secret.example.cn/geheim.csv", "format": "CSV"}
    dataset = make_dataset(open_type="on_request", resources=[file])
    sysadmin = {"user": call_action("get_site_user")["name"], "ignore_auth": False}
    for context in ({"user": "", "ignore_auth": False}, sysadmin):
        words = call_action(
            "dcat_dataset_show", context, id=dataset["id"], format="jsonld", profiles=[PROFILE]
        )
        assert "geheim" not in words
        assert json.loads(words)
