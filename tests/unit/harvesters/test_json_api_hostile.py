"""What real JSON portals do wrong, and what hostile ones may try: the run goes on, or stops with a
reason for the report and nothing taken for an empty list.
"""

import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.hljshare.ingest.fetch import Fetcher, SourceError, parse_networks
from ckanext.hljshare.ingest.record import CatalogRecord
from harvesters import mapping
from harvesters.json_api import JsonApi
from tests.sources.server import Reply, serve

TODAY = date(2026, 3, 1)
WORDS = """
title: 某市
codes: {open: {"1": open, "2": on_request}}
paging: {size: 2}
json:
  list:
    url: list
    query: {page: "${page}", size: "${size}"}
    paging: page
    rows: data.rows
    total: data.total
  id: id
  fields: {title: name, notes: note}
"""
ROW = {"org_name": "统计局", "open_type": "1", "update_cycle": "每月"}


def row(key, **more):
    return {"id": key, "name": f"数据{key}", **ROW, **more}


def rows_of(*keys):
    return [row(key) for key in keys]


def source(site, words=WORDS, path="/api/", more_sites=(), **more):
    ports = " ".join(f"127.0.0.1:{each.port}" for each in (site, *more_sites))
    fetcher = Fetcher(allowed=parse_networks(ports), first_wait=0.01, max_bytes=20_000_000)
    return JsonApi(site.url + path, mapping.load_text("某市", words), fetcher, TODAY, **more)


def read(answer, words=WORDS, **more):
    with serve(answer) as site:
        found = source(site, words, **more)
        return list(found.records()), found.total


def one_page(rows, total=None):
    return {"code": 0, "data": {"rows": rows, "total": len(rows) if total is None else total}}


def stops_with(answer, words=WORDS, **more):
    with pytest.raises(SourceError) as caught:
        read(answer, words, **more)
    return caught.value.reason


def test_pages_that_begin_again_end_at_the_total():
    keys = [f"{number}" for number in range(7)]
    asked = []

    def answer(request):
        asked.append(request)
        start = (int(request.query["page"]) - 1) * 2 % 8
        return one_page(rows_of(*keys[start : start + 2]), "7")

    found, total = read(answer)
    assert [record.native_id for record in found] == keys
    assert total == 7
    assert len(asked) == 4


@pytest.mark.parametrize(("total", "read_as"), [("", None), ("many", None), (99, 99), ("2", 2)])
def test_pages_that_only_repeat_end(total, read_as):
    asked = []

    def answer(request):
        asked.append(request)
        return one_page(rows_of("a", "b"), total)

    found, claimed = read(answer)
    assert len(found) == 2
    assert len(asked) < 6
    assert claimed == read_as


def test_thousands_commas_are_read():
    assert read(lambda request: one_page(rows_of("a"), "1，234"))[1] == 1234


def test_several_totals_are_added_up():
    words = WORDS.replace("total: data.total", "total: [city, county]")
    answer = {**one_page(rows_of("a", "b")), "city": 1, "county": "1"}
    assert read(lambda request: answer, words)[1] == 2


@pytest.mark.parametrize(("pages", "total"), [(2, 3), (1, 2), (4, 7)])
def test_a_number_of_pages_is_a_number_of_records_within_a_page(pages, total):
    words = WORDS.replace("total: data.total", "pages: data.pages")

    def answer(request):
        number = int(request.query["page"])
        listed = {1: rows_of("a", "b"), 2: rows_of("c")}.get(number, [])
        return {"data": {"rows": listed, "pages": pages}}

    found, claimed = read(answer, words)
    assert claimed == total
    assert len(found) == min(3, pages * 2)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig", "utf-16"])
def test_what_the_bytes_are_counts_and_not_the_header(encoding):
    words = json.dumps(one_page([row("a", name="哈尔滨市㐂𠀀")]), ensure_ascii=False)
    said = "utf-8" if encoding == "gb18030" else "gbk"
    wrong = {"Content-Type": f"application/json; charset={said}"}
    body = words.encode(encoding)
    found, _total = read(lambda request: Reply(body, headers=wrong))
    assert found[0].title == "哈尔滨市㐂𠀀"


def test_bytes_in_no_encoding_are_refused_not_dropped():
    reply = Reply(b'{"data": {"rows": [{"id": "a", "name": "\xff\xff"}]}}')
    assert stops_with(lambda request: reply) == "not-a-catalog: unknown encoding"


def test_an_encoding_can_be_said():
    words = WORDS + "  encoding: big5\n"
    page = one_page([{"id": "a", "name": "資料", "open_type": "1"}])
    body = json.dumps(page, ensure_ascii=False).encode("big5")
    found, _total = read(lambda request: Reply(body), words)
    assert found[0].title == "資料"


def test_one_object_stands_for_a_list_of_one():
    found, _total = read(lambda request: {"data": {"rows": row("a"), "total": 1}})
    assert [record.native_id for record in found] == ["a"]


LOGIN = "<html><head><title>统一身份认证</title></head><body>…</body></html>"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("<html><body>维护中</body></html>", "not-a-catalog: HTML"),
        ('<form><input name="p" type="password"></form>', "login-page"),
        (LOGIN, "login-page"),
        ({"code": 500, "msg": "系统异常"}, "source-error: code 500 系统异常"),
        ({"code": 500, "data": {"rows": []}}, "source-error: code 500"),
        ({"code": "401", "message": "请登录", "data": None}, "source-error: code 401 请登录"),
        ({"success": False, "data": {"rows": []}}, "source-error: code success false"),
        ({"status": "error", "data": {}}, "source-error: code error"),
        ({"data": {"list": []}}, "not-a-catalog: no list of datasets"),
        ([], "not-a-catalog: no list of datasets"),
        (b"", "not-a-catalog: empty answer"),
        (b"ok", "not-a-catalog: no JSON"),
        (b"[" * 200_000, "not-a-catalog: nested too deep"),
        (b'{"data": {"rows": [', "not-a-catalog: no JSON"),
        (
            {"code": 500, "msg": "jdbc:mysql://10.1.2.3/x down"},
            "source-error: code 500 … down",
        ),
    ],
)
def test_an_answer_that_is_no_catalog_stops_with_its_reason(answer, reason):
    assert stops_with(lambda request: answer) == reason


def test_an_error_in_the_middle_is_not_the_end_of_the_list():
    def answer(request):
        if request.query["page"] == "2":
            return {"code": 500, "data": {"rows": []}}
        return one_page(rows_of("a", "b"), 6)

    assert stops_with(answer) == "source-error: code 500"


def test_half_a_list_disagrees_with_its_total():
    def answer(request):
        return one_page(rows_of("a", "b") if request.query["page"] == "1" else [], 6)

    found, total = read(answer)
    assert (len(found), total) == (2, 6)


def test_rows_that_are_no_datasets_stop_no_other_and_are_not_lost():
    """Each becomes a record that the metadata rules refuse: a line in the report."""
    odd = [None, 7, "x", [], {}, {"id": None, "name": None}]
    found, total = read(lambda request: one_page([*odd, row("a")], len(odd) + 1))
    assert found[-1].native_id == "a"
    assert len(found) == len({record.native_id for record in found}) == total == len(odd) + 1
    assert {record.title for record in found[:-1]} == {""}


def test_without_an_id_title_and_agency_identify_and_it_is_said():
    found, _total = read(lambda request: one_page([row(None, name="甲"), row("", name="乙")]))
    assert [record.title for record in found] == ["甲", "乙"]
    assert all("native-id-unstable" in record.warnings for record in found)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        (1686873600000, "2023-06-16"),
        ("1686873600000", "2023-06-16"),
        ("20230615101010", "2023-06-15"),
        ("2023-06-15T23:30:00Z", "2023-06-16"),
        ("2023年6月", "2023-06-01"),
        ("0000-00-00", None),
        ("0000-00-00 00:00:00", None),
        ("1970-01-01", None),
        (0, None),
        (10**30, None),
        ("9" * 5000, None),
        ("null", None),
        (True, None),
        ({"a": 1}, None),
    ],
)
def test_dates_in_every_dress(written, day):
    found, _total = read(lambda request: one_page([row("a", released_time=written)]))
    assert found[0].fields.get("released") == day


def test_times_that_are_eight_hours_off_are_shifted_and_days_are_not():
    words = WORDS + "dates: {shift_hours: 8}\n"
    listed = [row("a", released_time="2023-06-14 16:00:00"), row("b", released_time="2023-06-15")]
    found, _total = read(lambda request: one_page(listed), words)
    assert [record.fields["released"] for record in found] == ["2023-06-15", "2023-06-15"]


def test_a_form_of_dates_of_ones_own():
    words = WORDS + 'dates: {formats: ["%d.%m.%Y"]}\n'
    found, _total = read(lambda request: one_page([row("a", released_time="15.06.2023")]), words)
    assert found[0].fields["released"] == "2023-06-15"


def test_markup_and_scripts_do_not_come_in():
    nasty = "<p onclick=x>说明</p><script>alert(1)</script><style>a{}</style>"
    found, _total = read(lambda request: one_page([row("a", name="<em>公交</em>线路", note=nasty)]))
    assert (found[0].title, found[0].fields["notes"]) == ("公交线路", "说明")


def test_half_a_character_and_control_characters_do_not_come_in():
    body = json.dumps(one_page([row("\ud800a\x00", name="甲\ud800\x00\u202e乙")])).encode()
    found, _total = read(lambda request: Reply(body))
    assert (found[0].native_id, found[0].title) == ("a", "甲乙")
    assert CatalogRecord.from_json(found[0].to_json()) == found[0]


def test_an_id_too_long_for_an_index_is_cut_and_stays_its_own():
    found, _total = read(lambda request: one_page([row("甲" * 5000), row("甲" * 5001)]))
    assert len({record.native_id for record in found}) == 2
    assert all(len(record.native_id.encode()) < 2000 for record in found)


def test_a_number_and_its_text_are_one_id():
    found, total = read(lambda request: one_page([row(key, name="甲") for key in (7, "7", 7.0)], 1))
    assert (len(found), total) == (1, 1)


def test_a_dataset_in_two_lists_is_one():
    """As where a portal lists its files and its interfaces apart."""
    first, second = WORDS.index("  list:"), WORDS.index("  id: id")
    entry = WORDS[first:second].replace("  list:\n", "").replace("\n    ", "\n      ").strip()
    words = (
        f"{WORDS[:first]}  list:\n    - {entry}\n    - {entry.replace('url: list', 'url: api')}\n"
    )
    words += WORDS[second:]

    def answer(request):
        return one_page(rows_of("b", "c") if request.path.endswith("api") else rows_of("a", "b"))

    found, total = read(answer, words)
    assert [record.native_id for record in found] == ["a", "b", "c"]
    assert total == 3


@pytest.mark.parametrize("said", [2, 3])
def test_an_id_given_twice_comes_again_only_with_another_title_agency_or_level(said):
    """The engine reports the second; visits counted between two pages are no difference. Whether
    the source counts its datasets or its rows, nothing is missing.
    """
    listed = [row("a", visits=1), row("a", visits=2), row("a", name="别的"), row("b")]
    found, total = read(lambda request: one_page(listed, said))
    assert [record.title for record in found] == ["数据a", "别的", "数据b"]
    assert total == 2


FILES = WORDS + "  files: {rows: files, url: url}\n"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "", None, "data:text/html,x", "http://[x"]
)
def test_what_is_no_web_address_is_no_file(url):
    found, _total = read(
        lambda request: one_page([row("a", files=[{"name": "a.csv", "url": url}])]), FILES
    )
    assert found[0].resources == ()


def test_files_with_one_id_are_kept_apart():
    files = [{"id": 1, "name": f"{name}.csv", "url": f"/{name}.csv"} for name in "ab"]
    found, _total = read(lambda request: one_page([row("a", files=files)]), FILES)
    assert [file.native_id for file in found[0].resources] == ["1", "1-2"]


def test_an_answer_of_gigabytes_is_not_read():
    huge = Reply(b"", headers={"Content-Length": str(2 * 1024**3)})
    assert stops_with(lambda request: huge) == "unreachable: too large"


SECRET = WORDS + '  headers: {X-Token: "${secret:KEY}"}\n'
KEYS = {"KEY": "s3cret", "KEY.host": "127.0.0.1"}


def test_a_secret_goes_to_its_host_and_stands_in_no_message():
    with serve(lambda request: one_page(rows_of("a"))) as site:
        assert len(list(source(site, SECRET, secret=KEYS.get).records())) == 1
    assert site.asked[0].headers["X-Token"] == "s3cret"


@pytest.mark.parametrize(
    "keys",
    [{}, {"KEY": "s3cret"}, {"KEY": "s3cret", "KEY.host": "data.example.gov.cn"}],
    ids=["none", "no host", "another host"],
)
def test_a_secret_of_another_host_is_not_given_away(keys):
    """Whoever may edit a mapping cannot have a secret sent to a server of their own."""
    with serve(lambda request: one_page([])) as site:
        with pytest.raises(SourceError, match="mapping-invalid") as caught:
            list(source(site, SECRET, secret=keys.get).records())
        assert "s3cret" not in caught.value.reason
    assert site.asked == []


def test_a_next_link_to_another_host_gets_no_secret():
    words = SECRET.replace("paging: page", "paging: next\n    next: next")
    with serve(lambda request: one_page(rows_of("b"))) as other:
        first = {**one_page(rows_of("a")), "next": other.url + "/more"}
        first["data"]["total"] = 2
        with serve(lambda request: first) as site:
            found = source(site, words, more_sites=(other,), secret=KEYS.get)
            assert [record.native_id for record in found.records()] == ["a", "b"]
    assert "X-Token" not in other.asked[0].headers


def test_next_links_and_marks_lead_on_and_end():
    words = WORDS.replace("paging: page", "paging: cursor\n    next: next")
    words = words.replace('page: "${page}"', 'mark: "${cursor}"')

    def answer(request):
        mark = request.query["mark"]
        following = {"": "m2", "m2": "m3", "m3": "m2"}[mark]
        return {"data": {"rows": rows_of(f"r{mark}")}, "next": following}

    found, total = read(answer, words)
    assert [record.native_id for record in found] == ["r", "rm2", "rm3"]
    assert total is None


def test_a_redirect_inside_is_refused():
    with serve(lambda request: "secret") as private:
        away = Reply(status=302, headers={"Location": private.url + "/x"})
        assert stops_with(lambda request: away) == "address-refused: private network"
        assert private.asked == []


_PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
_JSON = st.recursive(
    _PLAIN | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
_KEYS = ("id", "name", "note", "open_type", "update_cycle", "released_time", "cata_tags", "files")
_ROW = st.fixed_dictionaries({}, optional=dict.fromkeys(_KEYS, _JSON))


@settings(max_examples=150, deadline=None)
@given(st.lists(_ROW | _JSON, max_size=6))
def test_whatever_stands_in_a_row_the_run_goes_on(rows):
    class Portal:
        def get(self, url, params=None, **_):
            return json.dumps(one_page([*rows, row("the last")], 10**6)).encode()

    found = list(JsonApi("http://x/", mapping.load_text("x", FILES), Portal(), TODAY).records())
    assert "the last" in {record.native_id for record in found}
    for record in found:
        assert CatalogRecord.from_json(record.to_json()) == record
        assert record.native_id == record.native_id.strip()
        record.content_hash().encode()
