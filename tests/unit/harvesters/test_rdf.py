"""RDF from strangers: entities, contexts at other addresses, floods and nests."""

import json

import pytest
from rdflib import Graph

from ckanext.hljshare.ingest.fetch import SourceError
from harvesters import rdf

RDF_XML = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:dct="http://purl.org/dc/terms/"><rdf:Description rdf:about="http://x/1">'
    "<dct:title>{}</dct:title></rdf:Description></rdf:RDF>"
)


def parse(words, content_type="", url="http://x.cn/catalog"):
    data = words if isinstance(words, bytes) else words.encode()
    return rdf.parse(data, content_type, url)


@pytest.fixture
def asked(monkeypatch):
    """Every address that anything in this process tries to open."""
    opened = []

    def refuse(*args, **kwargs):
        opened.append(args)
        raise OSError("no network in this test")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    return opened


LAUGHS = '<!ENTITY a0 "ha">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
)


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:1/x">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x">',
        f"<!DOCTYPE x [{LAUGHS}<!ENTITY e '&a11;'>]>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_with_a_doctype_is_refused(asked, prolog, encoding):
    words = '<?xml version="1.0"?>' + prolog + RDF_XML.format("&e;")
    with pytest.raises(SourceError, match="DOCTYPE"):
        parse(words.encode(encoding), "application/rdf+xml")
    assert asked == []


CONTEXTS = [
    {"@context": "http://127.0.0.1:1/context.jsonld", "@id": "http://x/1"},
    {"@context": ["http://127.0.0.1:1/c", {"a": "http://a/"}], "@id": "http://x/1"},
    {"@context": {"@import": "http://127.0.0.1:1/c"}, "@id": "http://x/1"},
    {"@context": {"a": {"@id": "http://a/", "@context": "http://127.0.0.1:1/c"}}, "a": {}},
    {"@graph": [{"@id": "http://x/1", "http://p/": {"@context": "file:///etc/passwd"}}]},
    {"@context": [["http://127.0.0.1:1/c"]]},
    [{"@context": "//127.0.0.1:1/c"}],
]


@pytest.mark.parametrize("document", CONTEXTS)
def test_contexts_at_other_addresses_are_never_fetched(asked, document):
    with pytest.raises(SourceError, match="context at another address"):
        parse(json.dumps(document), "application/ld+json")
    assert asked == []


def test_the_last_of_two_contexts_counts_for_the_check_as_for_the_reading(asked):
    words = '{"@context": {"a": "http://a/"}, "@context": "http://127.0.0.1:1/c", "@id": "x"}'
    with pytest.raises(SourceError, match="context"):
        parse(words)
    assert asked == []


def test_a_document_with_its_own_context_is_read():
    context = {"dct": "http://purl.org/dc/terms/", "t": {"@id": "dct:title", "@language": "zh"}}
    graph = parse(json.dumps({"@context": context, "@id": "/1", "t": "甲"}))
    assert [(str(s), str(o)) for s, _p, o in graph] == [("http://x.cn/1", "甲")]


@pytest.mark.parametrize(
    ("words", "content_type"),
    [
        ("[" * 100_000, "application/ld+json"),
        ('{"a":' * 100_000, ""),
        ("@prefix : <http://x/> . :a :b " + "[ :b " * 50_000, "text/turtle"),
        ("@prefix : <http://x/> . :a :b " + "( " * 50_000, "text/turtle"),
        ("<a> <b> <c", "application/n-triples"),
        ("<rdf:RDF>", "application/rdf+xml"),
        (b"\x00\x01\x02\xff\xff", ""),
        ("<html><body>请登录</body></html>", "text/turtle"),
        ("<!DOCTYPE html><html>", "application/rdf+xml"),
        ("PK\x03\x04", "text/turtle"),
    ],
)
def test_what_cannot_be_read_is_a_reason_and_no_crash(words, content_type):
    with pytest.raises(SourceError, match="not-a-catalog"):
        parse(words, content_type)


@pytest.mark.parametrize("kind", ["turtle", "nt", "xml", "json-ld"])
def test_a_flood_of_statements_ends_while_it_is_read(monkeypatch, kind):
    monkeypatch.setattr(rdf, "MAX_TRIPLES", 100)
    lines = "".join(f"<http://x/{n}> <http://p/q> <http://o/> .\n" for n in range(200))
    words = Graph().parse(data=lines, format="nt").serialize(format=kind)
    with pytest.raises(SourceError, match="more than 100 statements"):
        parse(words, {v: k for k, v in rdf.TYPES.items()}[kind])


def test_too_many_bytes_are_not_parsed(monkeypatch):
    monkeypatch.setattr(rdf, "MAX_BYTES", 10)
    with pytest.raises(SourceError, match="too large"):
        parse("<http://x/1> <http://p/> <http://o/> .")


@pytest.mark.parametrize(
    ("words", "content_type", "url", "kind"),
    [
        ("<http://x> <http://p> <http://o> .", "", "http://x/a.nt", "nt"),
        ("<http://x> <http://p> <http://o> .", "text/html", "http://x/a", "turtle"),
        ("@prefix a: <http://a/> .", "application/rdf+xml", "http://x/a.rdf", "turtle"),
        ('<?xml version="1.0"?><rdf:RDF/>', "text/turtle", "http://x/a.ttl", "xml"),
        ("<rdf:RDF >", "", "", "xml"),
        ("  {}", "text/turtle", "", "json-ld"),
        ("[] a <http://x> .", "text/turtle", "", "turtle"),
        ("[{}]", "", "", "json-ld"),
    ],
)
def test_how_a_text_begins_comes_before_its_header_and_its_ending(words, content_type, url, kind):
    assert rdf.kind_of(words, content_type, url) == kind
