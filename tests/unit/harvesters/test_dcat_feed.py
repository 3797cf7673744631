"""DCAT feeds: every field DCAT-AP carries, every syntax, pages, levels that are never guessed."""

from dataclasses import replace

import pytest

from ckanext.hljshare.ingest.fetch import Fetcher, SourceError, parse_networks
from harvesters import mapping
from harvesters.dcat_feed import DcatFeed
from tests.sources.dcat import EU, PREFIXES, Feed, dataset
from tests.sources.server import Reply, serve

FETCHER = Fetcher(parse_networks("127.0.0.0/8"), first_wait=0.01)


def which(**feed):
    return replace(mapping.load(), feed=feed)


def read(feed, mapped=None, own_site="", path="/catalog"):
    with serve(feed) as site:
        adapter = DcatFeed(site.url + path, mapped or which(), FETCHER, own_site=own_site)
        return list(adapter.records()), adapter, site


def only(words, mapped=None):
    """The one record of a dataset in Turtle, ``:d`` for its node."""
    body = PREFIXES + "@prefix : <http://x.cn/> . :c a dcat:Catalog . :d a dcat:Dataset ; " + words
    return read(lambda request: Reply(body.encode()), mapped)[0][0]


SYNTAXES = [
    ("turtle", "text/turtle; charset=utf-8"),
    ("xml", "application/rdf+xml"),
    ("pretty-xml", "text/xml"),
    ("json-ld", "application/ld+json"),
    ("nt", "application/n-triples"),
    ("turtle", "text/html"),
    ("json-ld", "text/plain"),
    ("xml", ""),
]


@pytest.mark.parametrize(("syntax", "content_type"), SYNTAXES)
def test_every_field_that_dcat_ap_carries_in_every_syntax(syntax, content_type):
    found, adapter, _site = read(Feed(["7"], syntax=syntax, content_type=content_type))
    record, fields = found[0], found[0].fields
    assert (record.native_id, record.title, record.provider) == ("7", "道路信息7", "交通运输局")
    assert (record.held, record.tags, adapter.total) == (None, ("道路", "长度"), 1)
    assert {
        name: fields.get(name)
        for name in (
            *(
                "notes",
                "open_type",
                "update_cycle",
                "released",
                "data_updated",
                "theme",
                "industry",
            ),
            *("region_code", "license_id", "resource_code", "source_url", "contact_name"),
            *("contact_phone", "format_type"),
        )
    } == {
        "notes": "道路名称",
        "open_type": "open",
        "update_cycle": "dekad",
        "released": "2024-03-01",
        "data_updated": "2024-06-30",
        "theme": "transport",
        "industry": "G",
        "region_code": "230100",
        "license_id": "CC-BY-4.0",
        "resource_code": "3070230100012/000055",
        "source_url": "http://feed.example.cn/page/7",
        "contact_name": "数据科",
        "contact_phone": "0451-12345",
        "format_type": "CSV",
    }
    csv, page = sorted(record.resources, key=lambda file: file.format, reverse=True)
    assert (csv.name, csv.format, csv.size, csv.url) == (
        "道路.csv", "CSV", 2048, "http://feed.example.cn/file/7.csv",
    )  # fmt: skip
    assert csv.modified.startswith("2024-06-30")
    assert (page.name, page.format, page.url) == ("目录", "", "http://feed.example.cn/show/7")


def test_the_same_catalog_gives_the_same_records_whatever_the_syntax():
    hashes = {
        tuple(record.content_hash() for record in read(Feed(["7", "8"], syntax=syntax))[0])
        for syntax in ("turtle", "xml", "json-ld", "nt", "turtle")
    }
    assert len(hashes) == 1


def test_no_address_of_a_file_is_in_what_is_remembered_of_it():
    """A file's own name in RDF is often its address."""
    record = read(Feed(["7"], level=EU + "access-right/NON_PUBLIC"))[0][0]
    assert all("feed.example.cn" not in file.native_id + file.name for file in record.resources)


@pytest.mark.parametrize(
    ("level", "open_type", "held"),
    [
        (EU + "access-right/PUBLIC", "open", None),
        (EU.replace("http:", "https:") + "access-right/RESTRICTED", "on_request", None),
        (EU + "access-right/NON_PUBLIC", "closed", None),
        (EU + "access-right/CONFIDENTIAL", None, "opening-unknown: CONFIDENTIAL"),
        ("http://evil.example/PUBLIC", None, "opening-unknown: PUBLIC"),
        ("http://example.cn/rights/1", None, "opening-unknown: 1"),
    ],
)
def test_the_level_by_the_list_of_the_eu_and_nothing_else(level, open_type, held):
    record = read(Feed(["7"], level=level), which(assume_open=True))[0][0]
    assert (record.fields.get("open_type"), record.held) == (open_type, held)


def test_the_basis_stands_in_the_rights_statement():
    record = read(Feed(["7"], level=EU + "access-right/RESTRICTED"))[0][0]
    assert record.fields["open_basis"] == [{"law": "数据安全法", "article": "第三十八条"}]


@pytest.mark.parametrize(
    ("rights", "open_type", "held"),
    [
        ('"open"', None, "opening-unknown: open"),
        ('[ rdfs:label "内部" ]', None, "opening-unknown: 内部"),
        ("[]", None, "opening-unknown: ?"),
        ('[ rdfs:label "公开"@zh ]', "open", None),
        ("<http://example.cn/rights/2>", "closed", None),
        (f"<{EU}access-right/PUBLIC> , <{EU}access-right/NON_PUBLIC>", None, "opening-conflict"),
        (f'<{EU}access-right/PUBLIC> , "内部"', None, "opening-unknown: 内部"),
    ],
)
def test_levels_by_the_mapping(rights, open_type, held):
    codes = {"open": {"公开": "open", "http://example.cn/rights/2": "closed"}}
    record = only(f'dct:title "甲" ; dct:accessRights {rights} .', replace(which(), codes=codes))
    assert record.fields.get("open_type") == open_type
    assert (record.held or "").startswith(held or "")
    assert bool(record.held) == bool(held)


def test_silence_is_held_unless_an_administrator_vouches():
    assert only('dct:title "甲" .').held == "opening-missing"
    assert only('dct:title "甲" .', which(assume_open=True)).fields["open_type"] == "open"


def test_a_file_of_unknown_level_holds_its_dataset_and_a_stricter_one_keeps_its_own():
    words = (
        f'dct:title "甲" ; dct:accessRights <{EU}access-right/PUBLIC> ; dcat:distribution '
        '[ dcat:downloadURL <http://x.cn/1> ; dct:title "一" ; dct:accessRights %s ] .'
    )
    assert only(words % "<http://x.cn/odd>").held == "opening-unknown: odd"
    record = only(words % f"<{EU}access-right/RESTRICTED>")
    assert (record.held, record.resources[0].open_type) == (None, "on_request")


@pytest.mark.parametrize("style", ["next", "view", "nextPage"])
def test_hydra_pages(style):
    ids = [f"id{number:02}" for number in range(25)]
    found, adapter, site = read(Feed(ids, size=10, style=style))
    assert [record.native_id for record in found] == ids
    assert (adapter.total, len(site.asked)) == (25, 3)


def test_pages_that_repeat_for_ever_end():
    found, _adapter, site = read(Feed(["a", "b", "c"], size=2, repeats=True))
    assert len(found) == 3
    assert len(site.asked) < 8


def test_a_page_that_leads_to_itself_is_the_last():
    feed = Feed(["a"])
    words = feed.page(1) + "<http://x/> hydra:next </catalog> ."
    found, _adapter, site = read(lambda request: Reply(words.encode()))
    assert (len(found), len(site.asked)) == (1, 1)


@pytest.mark.parametrize(
    "answer", [Reply(b"", 404), Reply(b"<html>login</html>"), Reply(b"@prefix"), Reply(b"")]
)
def test_one_broken_page_stops_the_run_with_a_reason(answer):
    feed = Feed([f"id{number}" for number in range(25)], size=10, broken={2: answer})
    with pytest.raises(SourceError, match=r"not-a-catalog|unreachable"):
        read(feed)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://x/y", "javascript:x"])
def test_the_next_page_is_on_the_web(target):
    words = Feed(["a"]).page(1) + f"<http://x/> hydra:next <{target}> ."
    with pytest.raises(SourceError, match="address-refused"):
        read(lambda request: Reply(words.encode()))


def test_a_next_page_in_a_private_network_is_refused():
    words = Feed(["a"]).page(1) + "<http://x/> hydra:next <http://169.254.169.254/latest> ."
    with pytest.raises(SourceError, match="address-refused"):
        read(lambda request: Reply(words.encode()))


def test_a_dump_from_this_machines_disk_by_the_command_line(tmp_path):
    path = tmp_path / "all.ttl"
    path.write_text(Feed(["a", "b"]).page(1), encoding="gb18030")
    records = list(DcatFeed(str(path), which(), Fetcher(local_files=True)).records())
    assert [record.title for record in records] == ["道路信息a", "道路信息b"]


def test_what_this_portal_published_there_is_not_taken_back():
    feed = Feed(["1", "2"], site="http://data.hlj.example.cn/portal")
    found, adapter, _site = read(feed, own_site="https://data.hlj.example.cn/portal")
    assert len(found) == 2  # another scheme and port
    found, adapter, _site = read(feed, own_site="http://data.hlj.example.cn/portal/")
    assert (found, adapter.total) == ([], 0)


def test_datasets_without_identifiers_are_called_by_address_or_title_and_agency():
    body = PREFIXES + (
        '<http://x.cn/%E7%94%B2/1> a dcat:Dataset ; dct:title "甲" . '
        '[] a dcat:Dataset ; dct:title "乙" ; dct:publisher "统计局" . '
        '[] a dcat:Dataset ; dct:identifier "a/b%2Fc" ; dct:title "丙" .'
    )
    found = read(lambda request: Reply(body.encode()))[0]
    assert {record.native_id for record in found} == {
        "http://x.cn/%E7%94%B2/1",
        "乙|统计局",
        "a/b%2Fc",
    }


def test_two_datasets_with_one_identifier_both_reach_the_report():
    body = PREFIXES + (
        '<http://x.cn/1> a dcat:Dataset ; dct:identifier "7" ; dct:title "甲" . '
        '<http://x.cn/2> a dcat:Dataset ; dct:identifier "7" ; dct:title "乙" . '
        '<http://x.cn/3> a dcat:Dataset ; dct:identifier "N/A" ; dct:title "丙" .'
    )
    found = read(lambda request: Reply(body.encode()))[0]
    assert [(record.native_id, record.title) for record in found] == [
        ("7", "甲"),
        ("7", "乙"),
        ("http://x.cn/3", "丙"),
    ]


def test_a_closed_dataset_without_addresses_is_complete():
    record = only(
        f'dct:title "甲" ; dct:accessRights <{EU}access-right/NON_PUBLIC> ; '
        'dct:rights [ rdfs:label "《统计法》第九条" ] ; dcat:distribution [ dct:format "CSV" ] .'
    )
    assert record.resources == ()
    assert not any(words.startswith("files-without") for words in record.warnings)


def test_interfaces_of_services():
    record = only(
        'dct:title "甲" . :s a dcat:DataService ; dcat:servesDataset :d ; dct:title "查询" ; '
        "dcat:endpointURL <http://x.cn/api> ."
    )
    assert [(file.name, file.format) for file in record.resources] == [("查询", "API")]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ('"R/P1M"', "monthly"),
        (f"<{EU}frequency/ANNUAL_2>", "semiannual"),
        ("<http://purl.org/cld/freq/weekly>", "weekly"),
        ('"每年"', "annual"),
        (f"<{EU}frequency/DECENNIAL>", "irregular"),
    ],
)
def test_cycles_of_other_vocabularies(words, expected):
    record = only(f'dct:title "甲" ; dct:accrualPeriodicity {words} .')
    assert record.fields["update_cycle"] == expected
    unknown = [word for word in record.warnings if word.startswith("cycle-unknown")]
    assert bool(unknown) == ("DECENNIAL" in words)


def test_markup_in_descriptions_is_taken_out_and_script_addresses_left_behind():
    record = only(
        'dct:title "甲" ; dct:description "<p onclick=x>公交<script>alert(1)</script></p>" ; '
        "dcat:landingPage <javascript:alert(1)> ; "
        "dcat:distribution [ dcat:downloadURL <javascript:alert(1)> ] ."
    )
    assert record.fields["notes"] == "公交"
    assert record.fields["source_url"] == "http://x.cn/d"
    assert record.resources == ()


def test_a_dataset_of_two_pages_is_one():
    feed = Feed(["a", "b", "c"], size=2)
    feed.broken[2] = Reply((PREFIXES + dataset(feed.site, "a") + dataset(feed.site, "z")).encode())
    assert [record.native_id for record in read(feed)[0]] == ["a", "b", "z"]
