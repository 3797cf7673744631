"""The public register and its rates, as everybody meets them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from ckan.tests import factories

ARTICLE = {"law": "中华人民共和国数据安全法", "article": "第三十八条"}


@pytest.fixture
def get(app, house) -> Callable[..., Any]:
    """Return a function that opens a page, as nobody by default."""

    def open_(path: str, user: str | None = None) -> Any:
        headers = {"Authorization": factories.APIToken(user=user)["token"]} if user else {}
        return app.get(path, headers=headers, follow_redirects=False)

    return open_


def numbers(text: str) -> list[str]:
    """Return the numbers of the entries in their order."""
    return re.findall(r'<small class="num">(SQ-\d+-\d+)</small>', text)


def lines(answer: Any) -> list[dict[str, str]]:
    """Return the lines of a CSV by its headings' places."""
    assert answer.get_data().startswith("\ufeff".encode())
    return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_everybody_sees_what_was_asked_and_nobody_by_whom(get, submitted):
    """No name, no contact, no purpose; in the list, the entry and the file."""
    request = submitted(applicant_name="王小明", contact="13900001234", purpose="研究公交线网")
    for path in ("/request", f"/request/{request['number']}", "/request/register.csv"):
        for user in (None, "stranger", "outsider"):
            answer = get(path, user)
            text = answer.get_data().decode()
            assert answer.status_code == 200
            assert "哈尔滨市公交客流信息" in text
            for secret in ("王小明", "13900001234", "研究公交线网", "Applicant"):
                assert secret not in text


def test_drafts_and_agencies_requests_are_not_listed(get, call, dataset, submitted):
    """The register is of the public's requests, once submitted."""
    draft = call("applicant", "create", dataset=dataset["name"], purpose="草稿")
    text = get("/request").body
    assert draft["number"] not in text
    assert get(f"/request/{draft['number']}").status_code in (302, 404)


def test_filters(get, call, submitted, clock, house):
    """By words, agency, result and days; together."""
    clock("2026-03-02 09:00")
    old = submitted()
    call("handler", "decline", id=old["id"], reason="重复", basis=[ARTICLE])
    clock("2026-04-01 09:00")
    new = submitted("stranger")

    def shown(query: str) -> list[str]:
        return numbers(get(f"/request?{query}").body)

    assert shown("") == [new["number"], old["number"]]
    assert shown("result=declined") == [old["number"]]
    assert shown("result=open") == [new["number"]]
    assert shown("since=2026-03-15") == [new["number"]]
    assert shown("until=2026-03-15") == [old["number"]]
    assert shown(f"agency={house.agency['title']}") == [new["number"], old["number"]]
    assert shown("agency=daqing-sthjj") == []
    assert shown("q=公交客流&result=declined") == [old["number"]]
    assert shown(f"q={new['number']}") == [new["number"]]


def test_days_that_are_none_are_said_at_their_field(get, submitted):
    """The page comes, with the error and what was entered."""
    answer = get("/request?since=gestern&q=公交")
    assert answer.status_code == 400
    assert 'id="e-since"' in answer.body
    assert 'value="公交"' in answer.body
    assert get("/request?after=x").status_code == 400


def test_overdue_shows(get, call, submitted, clock):
    """What is late is marked, under way or answered."""
    clock("2026-03-02 09:00")
    late = submitted()
    call("handler", "accept", id=late["id"])
    assert numbers(get("/request?result=overdue").body) == []
    clock("2026-03-16 09:00")
    page = get("/request?result=overdue").body
    assert numbers(page) == [late["number"]]
    assert "b-no" in page


def test_pages_follow_each_other(get, submitted, monkeypatch):
    """The newest first; the next page goes on where this one ends, with the filters."""
    from ckanext.hljshare.requests import register_views

    monkeypatch.setattr(register_views, "ROWS", 2)
    made = [submitted(user)["number"] for user in ("applicant", "stranger", "consumer")]
    first = get("/request?q=公交").body
    link = re.search(r'rel="next" href="([^"]+)"', first)
    assert link is not None
    second = get(link.group(1).replace("&amp;", "&")).body
    assert numbers(first) + numbers(second) == made[::-1]


def test_csv_holds_all_and_runs_nothing(get, call, submitted, monkeypatch):
    """All matching lines in their order, past a page; formulas are defused."""
    from ckanext.hljshare.requests.logic import reading

    monkeypatch.setattr(reading, "COUNTED", 2)
    made = [submitted(user)["number"] for user in ("applicant", "stranger", "consumer")]
    evil = submitted(dataset=None, agency="harbin-jtysj", data_name='=HYPERLINK("x")')
    assert lines(get("/request/register.csv"))[1][1] == "受理后公示名称"
    call("handler", "accept", id=evil["id"])
    found = lines(get("/request/register.csv"))
    assert [line[0] for line in found[1:]] == [evil["number"], *made[::-1]]
    assert found[1][1].startswith("'=")
    assert len(lines(get(f"/request/register.csv?q={made[0]}"))) == 2
    assert get("/request/register.csv?since=x").status_code == 400


def test_rates(get, call, submitted, clock):
    """Who answered in time and who did not; without an end there is no rate, which is not zero."""
    empty = get("/request/rates").body
    assert "0%" not in empty
    clock("2026-03-02 09:00")
    for user, day in (("applicant", "2026-03-05 09:00"), ("stranger", "2026-03-20 09:00")):
        clock("2026-03-02 09:00")
        request = submitted(user)
        call("handler", "accept", id=request["id"])
        clock(day)
        call("handler", "propose", id=request["id"], decision="refuse", reason="x", basis=[ARTICLE])
        call("approver", "decide", id=request["id"], sign=True)
    page = get("/request/rates").body
    assert "哈尔滨市交通运输局" in page
    assert "50%" in page
    assert "50%" not in get("/request/rates?year=2024").body
    assert get("/request/rates?year=x").status_code == 200


def test_the_name_of_a_dataset_that_is_not_public_is_not_told(get, call, submitted, dataset):
    """Only that there is a request."""
    request = submitted()
    call_ = {"user": "root", "ignore_auth": True}
    from ckan.plugins import toolkit as tk

    tk.get_action("package_patch")(call_, {"id": dataset["id"], "private": True})
    for path in ("/request", f"/request/{request['number']}", "/request/register.csv"):
        text = get(path).get_data().decode()
        assert request["number"] in text
        assert "哈尔滨市公交客流信息" not in text


def test_search_engines_keep_no_copy_of_the_table(get, submitted):
    """The register itself may be found."""
    submitted()
    assert get("/request/register.csv").headers["X-Robots-Tag"] == "noindex"
    assert get("/request/register.csv?since=x").headers["X-Robots-Tag"] == "noindex"
    assert "X-Robots-Tag" not in get("/request").headers


@pytest.mark.parametrize("bad", ["%00", "%01", "x" * 3000])
@pytest.mark.parametrize(
    ("path", "user"),
    [
        ("/request?q={}", None),
        ("/request?agency={}", None),
        ("/request?after={}", None),
        ("/request?since={}", None),
        ("/request/rates?year={}", None),
        ("/request/register.csv?agency={}", None),
        ("/request/register.csv?q={}", None),
        ("/request/agreement/{}", None),
        ("/desk?agency={}", "handler"),
        ("/desk?q={}", "handler"),
        ("/desk?after={}", "handler"),
        ("/desk/deadlines/{}.ics", None),
        ("/collection/{}", "handler"),
        ("/collection/{}.csv", "handler"),
        ("/collection/{}/file/{}", "handler"),
        ("/collection?page={}", "handler"),
        ("/my/email/{}", "applicant"),
    ],
)
def test_nonsense_in_an_address_is_answered(get, path, user, bad):
    """By a page, or by saying that there is none."""
    assert get(path.replace("{}", bad), user).status_code in (200, 400, 404, 410)
