"""The graph of a dataset: no blank node, the same in every syntax, the same each time."""

from itertools import permutations

import pytest
from hypothesis import HealthCheck, example, given, settings
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.compare import isomorphic
from rdflib.namespace import DCTERMS, RDF, SKOS

from ckanext.hljshare.feeds.dcat import described, graph, syntax, terms, vocabularies
from tests.unit.feeds.dcat import catalogs, strategies

EU = "http://publications.europa.eu/resource/authority/"


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(datasets=strategies.catalog(min_size=1, max_size=3))
def test_every_syntax_gives_the_same_graph(datasets):
    """Turtle, RDF/XML, JSON-LD and N-Triples, read by rdflib's four parsers."""
    page = syntax.named(catalogs.whole(datasets), strategies.SITE)
    for ending, kind in syntax.SYNTAXES.items():
        words = "".join(syntax.document([syntax.piece(page, ending)], ending, strategies.SITE))
        words.encode("utf-8")
        read = Graph().parse(data=words, format=kind.rdflib)
        assert isomorphic(read, page), ending


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(dataset=strategies.datasets)
def test_statements_stand_alone(dataset):
    """Without blank nodes, each of the dataset's own, and the same when made again."""
    made = graph.dataset_graph(dataset)
    assert not [node for triple in made for node in triple if isinstance(node, BNode)]
    assert set(made) == set(graph.dataset_graph(dataset))
    own = f"{strategies.SITE}/dataset/"
    for subject in made.subjects():
        typed = set(made.predicates(subject)) == {RDF.type}  # a page or file that is pointed to
        series = "/organization/" in subject and "#series-" in subject
        assert subject.startswith(own) or typed or series or str(subject) == strategies.SITE


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(dataset=strategies.datasets)
@example(
    {
        "id": "1",
        "name": "one",
        "open_type": "closed",
        "resources": [{"id": "2", "url": "http://secret.example.cn/x"}],
    }
)
def test_nothing_of_restricted_content_leaves(dataset):
    """Where a file is not open, its address, size, checksum and file name are in no triple, and
    what only editors see is in none at all.
    """
    planted = [
        {
            **resource,
            "url": f"http://secret.example.cn/{number}",
            "hash": "sha256:" + f"{number:064x}",
            "size": 987654321 + number,
        }
        for number, resource in enumerate(dataset["resources"])
    ]
    dataset = {**dataset, "resources": planted}
    made = graph.dataset_graph(dataset)
    words = made.serialize(format="nt")
    assert "/locator" not in words
    assert "秘密文件" not in words
    for number, resource in enumerate(planted):
        if graph.mapping.levels.of_resource(dataset, resource) != "open":
            assert f"http://secret.example.cn/{number}>" not in words
            assert f"{number:064x}" not in words
            assert f'"{987654321 + number}"' not in words


def test_all_that_is_referred_to_is_described():
    """A page leaves no term or agency without a description."""
    page = catalogs.whole([full()])
    for iri in graph.refs(graph.dataset_graph(full())):
        assert (URIRef(iri), RDF.type, None) in page, iri


def test_an_agency_stands_in_its_tree():
    """Publisher with its code, its parent, both with their regions."""
    page = catalogs.whole([full()])
    agency = URIRef(f"{strategies.SITE}/organization/agency-1")
    parent = page.value(agency, URIRef("http://www.w3.org/ns/org#subOrganizationOf"))
    assert page.value(agency, DCTERMS.identifier) == Literal("1123010000")
    assert page.value(parent, URIRef("http://xmlns.com/foaf/0.1/name")) == Literal(
        "黑龙江省", lang="zh"
    )
    assert page.value(page.value(agency, DCTERMS.spatial), SKOS.notation) == Literal("230100")


def test_data_dates_are_not_those_of_the_record():
    """The data's release and update; left out where they are unknown; the record has its own."""
    made = graph.dataset_graph(full(released="2024-03-01", data_updated=None))
    node = URIRef(f"{strategies.SITE}/dataset/id-1")
    assert str(made.value(node, DCTERMS.issued)) == "2024-03-01"
    assert made.value(node, DCTERMS.modified) is None
    record = URIRef(f"{node}#record")
    assert str(made.value(record, DCTERMS.modified)) == "2026-11-29T06:58:15+00:00"


def test_instalments_share_a_series():
    """Two years of one table of one agency are one series; another agency's is another."""
    one, two = full(title="公交线路（2024年）"), full(id="id-2", title="公交线路（2025年）")
    other = full(id="id-3", title="公交线路（2025年）", owner_org="agency-2")
    series = [
        set(graph.dataset_graph(d).objects(None, terms.DCAT.inSeries)) for d in (one, two, other)
    ]
    assert series[0] == series[1] != series[2]
    page = catalogs.whole([one, two, other])
    node = series[0].pop()
    assert page.value(node, DCTERMS.title) == Literal("公交线路", lang="zh")


@pytest.mark.parametrize("list_id", vocabularies.concept_lists())
def test_every_list_can_be_looked_up(list_id):
    """As a scheme with a title, and a label for each of its terms."""
    found = described.concept_scheme(list_id)
    node = URIRef(f"{strategies.SITE}/vocabulary/{list_id}")
    assert found.value(node, DCTERMS.title)
    assert len(set(found.subjects())) > 1
    for concept in found.subjects(RDF.type, SKOS.Concept):
        assert found.value(concept, SKOS.prefLabel)


def test_our_terms_lead_to_the_eus():
    """A list that has a counterpart says which of its terms is near."""
    found = described.concept_scheme("theme")
    node = URIRef(f"{strategies.SITE}/vocabulary/theme/transport")
    assert (node, SKOS.closeMatch, URIRef(f"{EU}data-theme/TRAN")) in found


def test_order_of_files_and_tags_says_nothing():
    """RDF has no order: shuffled lists give the same graph."""
    dataset = full()
    graphs = [
        set(graph.dataset_graph({**dataset, "resources": list(files)}))
        for files in permutations(dataset["resources"])
    ]
    assert all(found == graphs[0] for found in graphs)


def full(**fields):
    """A dataset with everything."""
    return {
        "id": "id-1",
        "name": "dataset-1",
        "title": "公交线路信息",
        "notes": "全市公交线路。",
        "open_type": "open",
        "owner_org": "agency-1",
        "organization": {"name": "harbin-jtysj", "title": "哈尔滨市交通运输局"},
        "resource_code": "307230100/000001",
        "theme": "transport",
        "industry": "G",
        "region_code": "230100",
        "update_cycle": "monthly",
        "license_id": "CC-BY-4.0",
        "metadata_created": "2026-11-29T06:58:08.527226",
        "metadata_modified": "2026-11-29T06:58:15.158031",
        "resources": [
            {
                "id": "r1",
                "url": "http://example.cn/a.csv",
                "format": "CSV",
                "name": "a",
                "size": 3,
                "hash": "sha256:" + "a" * 64,
                "datastore_active": True,
            },
            {"id": "r2", "url": "http://example.cn/api", "format": "API", "name": "b"},
            {"id": "r3", "url": "http://example.cn/c.foo", "format": "FOO", "name": "c"},
        ],
        **fields,
    }
