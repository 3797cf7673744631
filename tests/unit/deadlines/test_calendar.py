"""Reading the notices of rest days, and knowing what is missing."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.deadlines import shipped
from ckanext.hljshare.deadlines.calendar import Calendar, holidays, missing, reminder_key
from ckanext.hljshare.deadlines.calendar_files import LARGEST, CalendarFileError, read

STATUTORY = shipped.statutory()
# A notice as 2027's might be.
REST = {
    "元旦": [("01-01", "01-03")],
    "春节": [("02-05", "02-11")],
    "清明节": [("04-03", "04-05")],
    "劳动节": [("05-01", "05-05")],
    "端午节": [("06-09", "06-09")],
    "中秋节": [("09-15", "09-15")],
    "国庆节": [("10-01", "10-07")],
}
WORKED = {"02-20": "春节", "10-09": "国庆节"}


def notice():
    """(date, name, is_off) of every day."""
    found = []
    for name, spans in REST.items():
        for first, last in spans:
            current, end = (date.fromisoformat(f"2027-{text}") for text in (first, last))
            while current <= end:
                found.append((current.isoformat(), name, True))
                current = date.fromordinal(current.toordinal() + 1)
    found += [(f"2027-{text}", name, False) for text, name in WORKED.items()]
    return sorted(found)


def as_json(days, **more):
    listed = [{"name": name, "date": day, "isOffDay": off} for day, name, off in days]
    papers = ["https://www.gov.cn/x.htm"]
    return json.dumps({"year": 2027, "papers": papers, "days": listed, **more}).encode()


def as_csv(days, header="date,name,is_off", words=("true", "false")):
    rows = [f"{day},{name},{words[0] if off else words[1]}" for day, name, off in days]
    return "\n".join([header, *rows, ""])


def as_ical(days):
    events = []
    for day, name, off in days:
        events += [
            "BEGIN:VEVENT",
            f"DTSTART;VALUE=DATE:{day.replace('-', '')}",
            f"SUMMARY:{name}（{'休' if off else '班'}）",
            "END:VEVENT",
        ]
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//ZH", *events, "END:VCALENDAR", ""]
    ).encode()


EXPECTED = [(date.fromisoformat(day), name, off) for day, name, off in notice()]


@pytest.mark.parametrize(
    "content",
    [
        as_json(notice()),
        as_csv(notice()).encode(),
        as_csv(notice(), "日期,名称,类型", ("休", "班")).encode("gb18030"),
        b"\xef\xbb\xbf" + as_csv(notice(), words=("1", "0")).encode(),
        as_ical(notice()),
    ],
    ids=["json", "csv", "chinese csv", "excel csv", "ical"],
)
def test_three_formats_say_the_same(content):
    [year] = read(content, STATUTORY)
    assert year.year == 2027
    assert [(day.date, day.name, day.is_off) for day in year.days] == EXPECTED


def test_an_ical_event_may_span_days():
    content = as_ical([day for day in notice() if day[1] != "国庆节"]).replace(
        b"END:VCALENDAR",
        "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20271001\r\nDTEND;VALUE=DATE:20271008\r\n"
        "SUMMARY:国庆节(休)\r\nEND:VEVENT\r\nEND:VCALENDAR".encode(),
    )
    [year] = read(content, STATUTORY)
    assert [day.date.day for day in year.days if day.name == "国庆节"] == [1, 2, 3, 4, 5, 6, 7]


def test_december_belongs_to_the_notice_of_the_new_year():
    [year] = read(as_csv([("2026-12-31", "元旦", True), *notice()]).encode(), STATUTORY)
    assert year.year == 2027
    assert year.days[0].date == date(2026, 12, 31)


def test_one_year_of_several():
    both = as_csv([*notice(), ("2028-01-01", "元旦", True)]).encode()
    with pytest.raises(CalendarFileError) as refused:
        read(both, STATUTORY)
    assert refused.value.code == "holiday"
    assert [year.year for year in read(both, STATUTORY, only=2027)] == [2027]
    with pytest.raises(CalendarFileError) as refused:
        read(both, STATUTORY, only=2030)
    assert refused.value.code == "year"


def without(text):
    return [day for day in notice() if day[0] != text]


BAD = {
    "empty announced year": (as_json([]), "empty"),
    "no spring festival": (as_json(without("2027-02-06")), "holiday"),
    "national day worked": (
        as_json([*without("2027-10-01"), ("2027-10-01", "国庆节", False)]),
        "holiday",
    ),
    "another year's day": (as_json([*notice(), ("2029-01-01", "元旦", True)]), "outside"),
    "twice": (as_json([*notice(), ("2027-02-20", "春节", True)]), "twice"),
    "no such date": (as_json([*notice(), ("2027-02-30", "春节", True)]), "date"),
    "far away": (as_json([*notice(), ("9999-12-31", "春节", True)]), "date"),
    "flag as text": (as_json(notice()).replace(b"true", b'"yes"', 1), "flag"),
    "name with a line break": (as_json([*notice(), ("2027-03-01", "a\nb", True)]), "name"),
    "long name": (as_json([*notice(), ("2027-03-01", "x" * 51, True)]), "name"),
    "csv flag": (as_csv(notice()).replace("true", "maybe", 1).encode(), "flag"),
    "csv short row": (as_csv(notice()).encode() + b"2027-03-01\n", "format"),
    "csv without header": (b"2027-01-01,x,true\n", "format"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "format"),
    "nothing": (b"", "format"),
    "broken json": (b'{"year": 2027, "days": [', "format"),
    "json of something else": (b'{"data": []}', "format"),
    "json year as text": (as_json(notice(), year="2027"), "format"),
    "deep json": (b'{"a":' * 100_000, "format"),
    "ical neither rest nor work": (as_ical(notice()).replace("休".encode(), b"", 1), "flag"),
    "ical with a clock": (
        as_ical(notice()).replace(b";VALUE=DATE:20270101", b":20270101T080000Z"),
        "date",
    ),
    "ical endless": (
        as_ical(notice()).replace(
            b"VALUE=DATE:20270101", b"VALUE=DATE:20270101\r\nDTEND;VALUE=DATE:20991231"
        ),
        "date",
    ),
    "broken ical": (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:x\r\n", "format"),
    "huge": (b" " * (LARGEST + 1), "large"),
}


@pytest.mark.parametrize(("content", "code"), BAD.values(), ids=BAD.keys())
def test_bad_files_are_refused_with_a_reason(content, code):
    with pytest.raises(CalendarFileError) as refused:
        read(content, STATUTORY)
    assert refused.value.code == code


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_but_be_refused(content):
    for kind in (None, "json", "csv", "ical"):
        with pytest.raises(CalendarFileError):
            read(content, STATUTORY, kind)


def test_the_shipped_years_are_there():
    calendar = shipped.calendar()
    assert sorted(calendar.years) == list(range(2020, 2027))
    assert calendar.is_rest(date(2026, 2, 23))
    assert not calendar.is_rest(date(2026, 2, 28))
    assert calendar.is_rest(date(2022, 12, 31))
    assert calendar.is_rest(date(2020, 1, 31))  # the holiday that was made longer


def test_the_later_notice_counts_for_a_day_in_december():
    before = shipped.calendar()
    [year] = read(as_csv([("2026-12-31", "元旦", True), *notice()]).encode(), STATUTORY)
    after = Calendar([*shipped.years(), year], STATUTORY, "2")
    assert not before.is_rest(date(2026, 12, 31))
    assert after.is_rest(date(2026, 12, 31))


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        ("2026-09-30", []),
        ("2026-10-01", [2027]),
        ("2026-12-31", [2027]),
        ("2027-01-01", [2027]),
        ("2027-10-01", [2027, 2028]),
    ],
)
def test_next_year_is_missed_from_october(today, expected):
    assert missing(range(2020, 2027), date.fromisoformat(today)) == expected


def test_reminded_monthly_and_in_december_weekly():
    days = [date.fromordinal(date(2026, 10, 1).toordinal() + n) for n in range(92)]
    keys = [reminder_key(2027, day) for day in days]
    assert len(set(keys[:61])) == 2
    assert len(set(keys[61:])) == 5
    assert reminder_key(2027, date(2027, 1, 4)) != reminder_key(2027, date(2026, 12, 31))


def test_a_notice_is_told_by_holidays():
    found = {item.name: item for item in holidays(shipped.years()[-1].days)}
    spring = found["春节"]
    assert (spring.first, spring.last, spring.length) == (date(2026, 2, 15), date(2026, 2, 23), 9)
    assert spring.worked == (date(2026, 2, 14), date(2026, 2, 28))
    assert found["清明节"].worked == ()
