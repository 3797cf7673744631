"""Reading a year's notice from a file: holiday-cn JSON, CSV, or iCalendar. Pure.

A file is taken whole or not at all: a missing holiday would silently make deadlines wrong.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta

from icalendar import Calendar as ICalendar
from icalendar import Event

from ckanext.hljshare.deadlines.calendar import Day, Statutory, Year

LARGEST = 1024 * 1024  # bytes
LONGEST_NAME = 50
LONGEST_EVENT = 20  # days
EARLIEST, LATEST = 2000, 2100

DATE_COLUMNS = ("date", "日期")
NAME_COLUMNS = ("name", "名称", "节日")
OFF_COLUMNS = ("is_off", "isoffday", "是否休息", "类型")
SOURCE_COLUMNS = ("source", "来源")
REST_WORDS = frozenset({"true", "1", "yes", "是", "休", "休息", "放假", "假"})
WORK_WORDS = frozenset({"false", "0", "no", "否", "班", "上班", "补班"})


class CalendarFileError(ValueError):
    """Why a file is refused: a code, and the value it is about.

    Codes: large, format, empty, date, name, flag, outside, twice, holiday, year.
    """

    def __init__(self, code: str, value: object = "") -> None:
        super().__init__(f"{code}: {value}" if value else code)
        self.code = code
        self.value = str(value)


def read(
    content: bytes, statutory: Statutory, kind: str | None = None, only: int | None = None
) -> list[Year]:
    """The years of a file, sorted and checked. Raises CalendarFileError.

    `kind`: json, csv or ical; without it, told by the content. `only`: take this year alone.
    """
    if len(content) > LARGEST:
        raise CalendarFileError("large", LARGEST // 1024)
    text = _decode(content)
    reader = _READERS.get(kind or _kind(text))
    if reader is None:
        raise CalendarFileError("format", kind)
    years = [year for year in reader(text) if only is None or year.year == only]
    if not years:
        raise CalendarFileError("year", only) if only else CalendarFileError("empty")
    return [_checked(year, statutory) for year in sorted(years, key=lambda year: year.year)]


def _decode(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise CalendarFileError("format")


def _kind(text: str) -> str:
    start = text.lstrip()[:20].upper()
    if start.startswith("{"):
        return "json"
    return "ical" if start.startswith("BEGIN:VCALENDAR") else "csv"


def _json(text: str) -> Iterator[Year]:
    """holiday-cn: {"year", "papers": [url], "days": [{"date", "name", "isOffDay"}]}."""
    try:
        loaded = json.loads(text)
        year, given, papers = loaded["year"], loaded["days"], loaded.get("papers") or []
        rows = [(item["date"], item["name"], item["isOffDay"]) for item in given]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise CalendarFileError("format", "JSON") from None
    if not isinstance(year, int) or isinstance(year, bool):
        raise CalendarFileError("format", "JSON")
    days = []
    for day, name, off in rows:
        if not isinstance(off, bool):
            raise CalendarFileError("flag", off)
        days.append(Day(_date(day), _name(name), off))
    if not days:
        raise CalendarFileError("empty", year)
    source = papers[0] if papers and isinstance(papers, list) else ""
    yield Year(year, tuple(days), _address(source))


def _csv(text: str) -> Iterator[Year]:
    """A header with date, name, is_off and perhaps source; the words may be Chinese."""
    rows = csv.reader(io.StringIO(text))
    try:
        header = [cell.strip().lower() for cell in next(rows)]
        body = [row for row in rows if any(cell.strip() for cell in row)]
    except (StopIteration, csv.Error):
        raise CalendarFileError("format", "CSV") from None
    places = [_column(header, names) for names in (DATE_COLUMNS, NAME_COLUMNS, OFF_COLUMNS)]
    if None in places:
        raise CalendarFileError("format", "CSV")
    source = _column(header, SOURCE_COLUMNS)
    days, sources = [], defaultdict(str)
    for row in body:
        if len(row) != len(header):
            raise CalendarFileError("format", ",".join(row)[:LONGEST_NAME])
        day, name, flag = (row[place].strip() for place in places if place is not None)
        if flag.lower() not in REST_WORDS | WORK_WORDS:
            raise CalendarFileError("flag", flag[:LONGEST_NAME])
        days.append(Day(_date(day), _name(name), flag.lower() in REST_WORDS))
        if source is not None:
            sources[_notice_year(days[-1])] = _address(row[source])
    yield from _by_year(days, sources)


def _ical(text: str) -> Iterator[Year]:
    """All-day events whose summary says 休 or 班, as published calendars of holidays have them."""
    try:
        parsed = ICalendar.from_ical(text)
        spans = [
            (event.start, event.end, str(event.get("SUMMARY", "")))
            for event in parsed.walk("VEVENT")
            if isinstance(event, Event)
        ]
    except (ValueError, KeyError, AttributeError, TypeError, IndexError):
        raise CalendarFileError("format", "iCalendar") from None
    days = []
    for start, end, summary in spans:
        if isinstance(start, datetime) or isinstance(end, datetime):
            raise CalendarFileError("date", start)
        length = (end - start).days
        if not 1 <= length <= LONGEST_EVENT:
            raise CalendarFileError("date", start)
        works, rests = "班" in summary, "休" in summary or "假" in summary
        if works == rests:
            raise CalendarFileError("flag", summary[:LONGEST_NAME])
        name = summary.split("（")[0].split("(")[0]
        days += [
            Day(_bounded(start + timedelta(days=step)), _name(name), rests)
            for step in range(length)
        ]
    yield from _by_year(days, {})


_READERS: dict[str, Callable[[str], Iterator[Year]]] = {
    "json": _json,
    "csv": _csv,
    "ical": _ical,
}


def _column(header: list[str], names: tuple[str, ...]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _date(text: object) -> date:
    try:
        return _bounded(date.fromisoformat(str(text)))
    except ValueError:
        raise CalendarFileError("date", str(text)[:LONGEST_NAME]) from None


def _bounded(day: date) -> date:
    if not EARLIEST <= day.year <= LATEST:
        raise CalendarFileError("date", day)
    return day


def _name(text: object) -> str:
    name = str(text).strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise CalendarFileError("name", name[:LONGEST_NAME])
    return name


def _address(text: object) -> str:
    """A web address, or nothing: it is shown as a link."""
    address = str(text).strip()
    return address if address.startswith(("https://", "http://")) and len(address) < 500 else ""


def _notice_year(day: Day) -> int:
    """The year whose notice names a day: New Year's holiday may begin in December."""
    return day.date.year + (day.date.month == 12 and "元旦" in day.name)


def _by_year(days: Iterable[Day], sources: dict[int, str]) -> Iterator[Year]:
    groups: dict[int, list[Day]] = defaultdict(list)
    for day in days:
        groups[_notice_year(day)].append(day)
    for year, group in groups.items():
        yield Year(year, tuple(group), sources.get(year, ""))


def _checked(year: Year, statutory: Statutory) -> Year:
    """The same year with its days sorted and each once. Raises CalendarFileError."""
    if not EARLIEST <= year.year <= LATEST:
        raise CalendarFileError("outside", year.year)
    days: dict[date, Day] = {}
    for day in year.days:
        december = day.date.year == year.year - 1 and day.date.month == 12
        if day.date.year != year.year and not december:
            raise CalendarFileError("outside", day.date)
        if days.setdefault(day.date, day).is_off != day.is_off:
            raise CalendarFileError("twice", day.date)
    for holiday in statutory.of(year.year):
        found = days.get(holiday)
        # 2 May and New Year's Eve became holidays only in 2025.
        younger = year.year < 2025 and (holiday.month, holiday.day) == (5, 2)
        if not younger and (found is None or not found.is_off):
            raise CalendarFileError("holiday", holiday)
    return Year(year.year, tuple(days[day] for day in sorted(days)), year.source)
