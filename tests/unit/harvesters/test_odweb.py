"""Inspur's ODWeb: pages that repeat, numbers as text, packed groups, errors sent with status
200.
"""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from ckanext.hljshare.ingest.fetch import Fetcher, SourceError, parse_networks
from ckanext.hljshare.ingest.record import PARTIAL
from harvesters import mapping
from harvesters.odweb import Odweb
from tests.sources.server import Reply, serve

ENTRY = {
    "cata_title": "松北市公交线路",
    "org_name": "交通运输局",
    "open_type": "1",
    "update_cycle": "7",
    "use_type": "1,2,",
    "group_name": "zt-1:12:道路交通,hy-2:10:金融业",
    "released_time": "2018-03-01 17:55:02",
    "update_time": "2018-03-01 17:55:16",
    "cata_tags": "公交,线路",
    "description": "<p>公交线路</p>",
    "data_count": "27293",
}


class Portal:
    """Answers as the real one did in 2018: pages past the end begin again."""

    def __init__(self, ids, total=None, page=6, **more):
        self.ids, self.total, self.page, self.more = (
            list(ids),
            len(ids) if total is None else total,
            page,
            more,
        )
        self.lists = 0

    def post_form(self, url, form):
        if "GetDownLoadInfo" in url:
            return json.dumps(
                {
                    "data": [
                        {
                            "fileId": "f-" + form["cata_id"],
                            "fileName": "公交.csv",
                            "fileFormat": "csv",
                        }
                    ]
                }
            ).encode()
        self.lists += 1
        start = int(form["start"]) % max(1, len(self.ids))
        rows = [
            {"cata_id": name, **ENTRY, **self.more} for name in self.ids[start : start + self.page]
        ]
        return json.dumps({"recordsTotal": str(self.total), "data": rows}).encode()

    def get(self, url, params=None):
        items = [{"column_name": "线路", "column_type": "C", "column_length": "50"}]
        return json.dumps({"code": "200", "data": {"items": items, "shared_type": "1"}}).encode()


def source():
    return mapping.load("qiqihar")


def test_repeating_pages_end_at_the_total():
    portal = Portal([f"id{number}" for number in range(20)])
    found = list(Odweb("http://x/odweb", source(), portal).records())
    assert len({record.native_id for record in found}) == len(found) == 20
    assert portal.lists == 4


def test_a_total_that_is_never_reached_does_not_turn_for_ever():
    portal = Portal(["a", "b", "c"], total=99)
    adapter = Odweb("http://x/odweb", source(), portal)
    assert len(list(adapter.records())) == 3
    assert adapter.total == 99
    assert portal.lists < 10


def test_a_record_has_theme_industry_files_and_items():
    record = next(Odweb("http://x/odweb/", source(), Portal(["a"])).records())
    assert (record.fields["theme"], record.fields["industry"]) == ("transport", "J")
    assert (
        record.fields["open_type"],
        record.fields["share_type"],
        record.fields["update_cycle"],
    ) == ("open", "unconditional", "annual")
    assert record.fields["items"] == [{"name": "线路", "data_type": "C", "length": 50}]
    assert record.fields["notes"] == "公交线路"
    file = record.resources[0]
    assert (file.native_id, file.format, file.name) == ("f-a", "CSV", "公交.csv")
    assert file.url.startswith("http://x/odweb/catalog/") and file.url.endswith("f-a")  # noqa: PT018


def test_the_same_code_means_what_the_citys_mapping_says():
    levels = {}
    for city in ("qiqihar", "jiamusi"):
        levels[city] = next(
            Odweb("http://x/odweb", mapping.load(city), Portal(["a"])).records()
        ).fields["open_type"]
    assert levels == {"qiqihar": "open", "jiamusi": "on_request"}


def test_an_unknown_code_is_held():
    record = next(Odweb("http://x/odweb", source(), Portal(["a"], open_type="9")).records())
    assert record.held == "opening-unknown: 9"


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>login</html>",
        b'{"code": 500}',
        b'{"code":"401","data":[]}',
        b"[]",
        b'{"data": null}',
    ],
)
def test_an_error_sent_with_status_200_is_not_an_empty_catalog(answer):
    portal = Portal(["a"])
    portal.post_form = lambda url, form: answer
    with pytest.raises(SourceError):
        list(Odweb("http://x/odweb", source(), portal).records())


class Refusing(Portal):
    """A portal whose second calls fail with a reason, for some datasets or for all."""

    def __init__(self, ids, reason, failing=None):
        super().__init__(ids)
        self.reason = reason
        self.failing = set(ids if failing is None else failing)
        self.asked = 0

    def post_form(self, url, form):
        if "GetDownLoadInfo" in url and form["cata_id"] in self.failing:
            raise SourceError(self.reason)
        return super().post_form(url, form)

    def get(self, url, params=None):
        self.asked += 1
        if params["cata_id"] in self.failing:
            raise SourceError(self.reason)
        return super().get(url, params)


def test_a_portal_with_a_list_alone_comes_in_whole():
    """Older installations have no calls for details and files; they are asked for once."""
    portal = Refusing(["a", "b", "c"], "unreachable: HTTP 404")
    found = list(Odweb("http://x/odweb", source(), portal).records())
    assert [record.native_id for record in found] == ["a", "b", "c"]
    assert portal.asked == 1
    assert all(PARTIAL not in record.warnings for record in found)


@pytest.mark.parametrize("reason", ["unreachable: HTTP 500", "not-a-catalog: HTML"])
def test_one_dataset_without_its_details_stops_no_other(reason):
    """It is marked, so that what stood of it is not undone."""
    portal = Refusing(["a", "b", "c"], reason, failing=["b"])
    found = list(Odweb("http://x/odweb", source(), portal).records())
    assert [PARTIAL in record.warnings for record in found] == [False, True, False]


def test_details_that_fail_for_a_while_are_not_taken_for_a_list_alone():
    """An outage of the second calls marks every dataset; none loses what it had."""
    portal = Refusing(["a", "b"], "unreachable: HTTP 502")
    found = list(Odweb("http://x/odweb", source(), portal).records())
    assert all(PARTIAL in record.warnings for record in found)


class Site(Portal):
    """The same over HTTP; past its end it gives its last page, as Harbin's did in 2018."""

    lists_only = False

    def __call__(self, request):
        if self.lists_only and "method=GetCatalog&" not in request.target + "&":
            return None
        if "GetCatalogDetail" in request.target:
            return Reply(self.get(request.path, request.query))
        form = request.form
        if "GetDownLoadInfo" in request.target:
            return Reply(self.post_form(request.target, form))
        last = max(0, len(self.ids) - self.page)
        form["start"] = str(min(int(form["start"]), last))
        return Reply(self.post_form(request.target, form))


FETCHER = Fetcher(parse_networks("127.0.0.0/8"), first_wait=0.01)


@pytest.mark.parametrize("total", [138, 999])
def test_a_server_that_repeats_its_last_page_gives_138(total):
    portal = Site([f"id{number:03}" for number in range(138)], total=total)
    portal.lists_only = True
    with serve(portal) as site:
        found = list(Odweb(site.url + "/odweb", source(), FETCHER).records())
    assert len({record.native_id for record in found}) == len(found) == 138


@pytest.mark.parametrize("native", ["307/1", "a%2Fb", "x&method=Delete#", "甲 乙", "../../admin"])
def test_odd_ids_stay_whole_and_stay_inside_their_parameter(native):
    with serve(Site([native])) as site:
        record = next(Odweb(site.url + "/odweb", source(), FETCHER).records())
        asked = [request for request in site.asked if "cata_id" in request.query]
    assert record.native_id == native
    assert [request.query["cata_id"] for request in asked] == [native]
    for url in (record.fields["source_url"], record.resources[0].url):
        parts = urlsplit(url)
        assert parts.path.startswith("/odweb/catalog/")
        assert parts.fragment == ""
        assert list(parse_qs(parts.query).values())[-1][0].removeprefix("f-") == native


def test_control_characters_in_ids_and_titles_are_taken_out():
    portal = Portal(["a\x00\u200bb"], cata_title="公交\x0b\u202e线路", org_name="交通\u00a0局")
    record = next(Odweb("http://x/odweb", source(), portal).records())
    assert (record.native_id, record.title, record.provider) == ("ab", "公交线路", "交通 局")


def test_details_of_another_dataset_are_not_taken_for_its_own():
    portal = Portal(["a", "b"])
    wrong = {"cata_id": "b", "open_type": "1", "cata_title": "别的"}
    portal.get = lambda url, params=None: json.dumps({"code": "200", "data": wrong}).encode()
    first, second = Odweb("http://x/odweb", source(), portal).records()
    assert (first.title, PARTIAL in first.warnings) == ("松北市公交线路", True)
    assert PARTIAL not in second.warnings


@pytest.mark.parametrize(
    "more",
    [
        {"open_type": ["1"]},
        {"cata_title": {"a": 1}},
        {"released_time": "0000-00-00", "update_time": "1970-01-01 00:00:00"},
        {"group_name": None, "use_type": None, "cata_tags": None, "description": None},
        {"group_name": "zt-1:12:" + "甲" * 100_000, "use_type": ",,,", "update_cycle": "¾"},
        {"org_name": 7, "cata_tags": [1, "甲"], "description": 3.5},
    ],
)
def test_values_of_any_kind_do_not_end_the_run(more):
    record = next(Odweb("http://x/odweb", source(), Portal(["a"], **more)).records())
    assert record.native_id == "a"


def test_markup_and_scripts_in_a_description_are_taken_out():
    words = "<p onmouseover=alert(1)>公交<script>alert(1)</script></p><img src=x onerror=alert(2)>"
    record = next(Odweb("http://x/odweb", source(), Portal(["a"], description=words)).records())
    assert record.fields["notes"] == "公交"


@pytest.mark.parametrize("answer", [b"[" * 200_000, b'{"data":' * 100_000, b"\xff\xfe\x00", b""])
def test_answers_that_break_parsers_are_a_reason(answer):
    portal = Portal(["a"])
    portal.post_form = lambda url, form: answer
    with pytest.raises(SourceError):
        list(Odweb("http://x/odweb", source(), portal).records())
