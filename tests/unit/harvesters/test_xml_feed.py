"""Catalogs in XML: envelopes, encodings that lie, one record or many, and attacks on parsers."""

import pytest

from ckanext.hljshare.ingest.fetch import Fetcher, SourceError, parse_networks
from harvesters import mapping
from harvesters.xml_feed import XmlFeed
from tests.sources.server import Reply, serve
from tests.sources.xml_catalog import MAPPING, Service

FETCHER = Fetcher(parse_networks("127.0.0.0/8"), first_wait=0.01)


@pytest.fixture
def which(tmp_path):
    def write(words=MAPPING):
        path = tmp_path / "x.yaml"
        path.write_text(words, encoding="utf-8")
        return mapping.load_file(path)

    return write


def read(service, which):
    with serve(service) as site:
        adapter = XmlFeed(site.url + "/service?key=目录", which, FETCHER)
        return list(adapter.records()), adapter, site


def test_a_record_field_by_field(which):
    found, adapter, site = read(Service(["307/1"]), which())
    record = found[0]
    assert (record.native_id, record.title, record.provider, record.held) == (
        "307/1", "公交线路307/1", "交通运输局", None,
    )  # fmt: skip
    assert (record.fields["open_type"], record.fields["update_cycle"]) == ("open", "annual")
    assert (record.fields["released"], record.fields["data_updated"]) == ("2024-06-01",) * 2
    assert record.tags == ("公交", "线路")
    assert record.fields["items"] == [
        {"name": "线路名称", "data_type": "C"},
        {"name": "站点数", "data_type": "N"},
    ]
    assert [(file.native_id, file.name, file.format, file.url) for file in record.resources] == [
        ("f1", "公交线路307/1.csv", "CSV", site.url + "/f/307/1.csv")
    ]
    assert adapter.total == 1


@pytest.mark.parametrize("flat", [False, True])
def test_one_record_or_many(which, flat):
    assert len(read(Service(["a"], flat_single=flat), which())[0]) == 1
    assert len(read(Service(["a", "b"], flat_single=flat), which())[0]) == 2


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("GB18030", "gb18030"), ("UTF-8", "gb18030"), ("GB2312", "utf-8"), ("utf-8", "utf-8-sig"),
     ("UTF-16", "utf-16"), ("no-such", "utf-8")],
)  # fmt: skip
def test_the_bytes_decide_whatever_the_declaration_says(which, declared, encoding):
    found, _adapter, _site = read(Service(["a"], declared=declared, encoding=encoding), which())
    assert found[0].provider == "交通运输局"


@pytest.mark.parametrize("repeats", [True, False])
def test_pages_end_at_the_total_or_where_they_repeat(which, repeats):
    ids = [f"id{number}" for number in range(25)]
    assert [r.native_id for r in read(Service(ids, repeats=repeats), which())[0]] == ids
    found, adapter, site = read(Service(ids, total="999", repeats=repeats), which())
    assert (len(found), adapter.total) == (25, 999)
    assert len(site.asked) < 8


@pytest.mark.parametrize("level", ["2", "是", "true"])
def test_a_level_the_mapping_does_not_know_is_held(which, level):
    record = read(Service(["a"], level=level), which())[0][0]
    assert record.held == f"opening-unknown: {level}"
    assert "open_type" not in record.fields


def test_without_codes_no_number_means_open(which):
    words = MAPPING.replace('  open: {"0": open, "1": on_request}\n', "")
    assert read(Service(["a"], level="1"), which(words))[0][0].held == "opening-unknown: 1"
    assert read(Service(["a"], level=""), which(words))[0][0].held == "opening-missing"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<html><body>请登录</body></html>", "HTML"),
        ("<!DOCTYPE html><html><body>请登录</body></html>", "HTML"),
        ('{"code": 500}', "no XML"),
        ("", "no XML"),
        ("<BusinessMessage><code>200</code></BusinessMessage>", "without a list"),
        ("<Fault/>", "code"),
        ("<BusinessMessage><code>200</code><data><content><content>", "no XML"),
    ],
)
def test_what_is_no_catalog_says_so(which, body, reason):
    with serve(lambda request: Reply(body.encode())) as site, pytest.raises(SourceError) as raised:
        list(XmlFeed(site.url, which(), FETCHER).records())
    assert reason in str(raised.value)


def test_an_error_with_status_200_is_no_empty_catalog(which):
    with pytest.raises(SourceError, match="source-error: code 500"):
        read(Service(["a"], code="500"), which())


ENVELOPE = "<BusinessMessage><code>200</code><data><content><content><resId>1</resId><resourceName>"
CLOSED = "</resourceName></content></content></data></BusinessMessage>"
LAUGHS = '<!ENTITY a0 "哈">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
)


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "{url}/inner">]>',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "{url}/inner"> %p;]>',
        '<!DOCTYPE x SYSTEM "{url}/inner">',
        f"<!DOCTYPE x [{LAUGHS}<!ENTITY e '&a11;'>]>",
        '<!-- <a> --><?pi ?>\n <!DOCTYPE x [<!ENTITY e "y">]>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_documents_with_a_type_are_refused_and_nothing_is_fetched(which, prolog, encoding):
    with serve(lambda request: Reply(body)) as site:
        words = prolog.replace("{url}", site.url) + ENVELOPE + "&e;" + CLOSED
        body = words.encode(encoding)
        with pytest.raises(SourceError, match="DOCTYPE"):
            list(XmlFeed(site.url + "/list", which(), FETCHER).records())
        assert site.paths() == ["/list"]


def test_a_summary_that_only_talks_of_a_doctype_is_text(which):
    words = ENVELOPE + "<![CDATA[<!DOCTYPE a [<!ENTITY b 'c'>]>甲]]>" + CLOSED
    with serve(lambda request: words.encode()) as site:
        assert "甲" in next(XmlFeed(site.url, which(), FETCHER).records()).title


@pytest.mark.parametrize("odd", ["甲\x0b乙", "甲\x00乙", "甲\x1f乙"])
def test_control_characters_do_not_break_the_catalog(which, odd):
    with serve(lambda request: (ENVELOPE + odd + CLOSED).encode()) as site:
        assert next(XmlFeed(site.url, which(), FETCHER).records()).title == "甲乙"


def test_markup_in_a_summary_is_taken_out(which):
    remark = "</resourceName><remark>&lt;p onclick='x'&gt;公交&lt;script&gt;alert(1)&lt;/script&gt;"
    words = ENVELOPE + "甲" + remark + "</remark></content></content></data></BusinessMessage>"
    with serve(lambda request: words.encode()) as site:
        assert next(XmlFeed(site.url, which(), FETCHER).records()).fields["notes"] == "公交"


def test_elements_nested_without_end_are_refused(which):
    words = "<a>" * 200_000
    with serve(lambda request: words.encode()) as site, pytest.raises(SourceError):
        list(XmlFeed(site.url, which(), FETCHER).records())


def test_too_large_a_document_is_not_parsed(which, monkeypatch):
    monkeypatch.setattr("harvesters.markup.MAX_XML_BYTES", 1000)
    monkeypatch.setattr("harvesters.markup.xml_root.__defaults__", (1000,))
    with pytest.raises(SourceError, match="too large"):
        read(Service([f"id{n}" for n in range(9)]), which())


def test_a_mapping_without_rows_cannot_be_used(which):
    with pytest.raises(mapping.MappingError, match="rows"):
        XmlFeed("http://x", mapping.load(), FETCHER)


def test_namespaces_and_attributes(which):
    words = """
title: 甲
codes: {open: {"1": open}}
xml: {rows: list/r, fields: {title: "n", open: "@kflx", provider: who/name}}
"""
    body = (
        '<x:list xmlns:x="urn:x" xmlns:y="urn:y"><x:r kflx="1" y:cata_id="7"><y:n>甲</y:n>'
        "<who><name>统计局</name></who></x:r></x:list>"
    )
    with serve(lambda request: body.encode()) as site:
        record = next(XmlFeed(site.url, which(words), FETCHER).records())
    assert (record.native_id, record.title, record.provider, record.held) == (
        "7", "甲", "统计局", None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("xml: {total: a/b}", "xml"),
        ("xml: {rows: a, isOpen: b}", "xml"),
        ("xml: {rows: a, paging: {size: n}}", "xml/paging"),
        ("xml: {rows: a, files: {rows: f}}", "xml/files"),
        ("html: {list: index}", "html/list"),
        ("html: {script: x}", "html"),
        ("feed: {assume_open: 'yes'}", "feed/assume_open"),
        ("feed: {rows: 5000}", "feed/rows"),
        ("feed: {types: []}", "feed/types"),
    ],
)
def test_a_wrong_section_of_a_mapping_says_where(which, words, where):
    with pytest.raises(mapping.MappingError, match=where):
        which("title: 甲\n" + words + "\n")
