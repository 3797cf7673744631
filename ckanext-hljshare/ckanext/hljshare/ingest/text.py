"""Reading what city portals write: keys, names, summaries, tags, dates (research notes on payloads,
part "text" and "dates").

Pure. Nothing here guesses: what cannot be read is ``None`` with a warning, and the caller keeps
the raw text.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from html.parser import HTMLParser

from ckanext.hljshare.catalog.tags import clean as clean_tags

LOCAL = timezone(timedelta(hours=8), "Asia/Shanghai")  # the province has kept one offset since 1991
MAX_TAGS = 50
_EMPTY_WORDS = {"", "-", "--", "/", "null", "none", "undefined", "nan", "n/a", "无数据"}
_LONGEST_EMPTY = max(map(len, _EMPTY_WORDS))
_CACHED_KEY = 40  # characters: headings, codes and names of agencies come again and again
_SPACES = re.compile(r"\s+")
_NOISE = re.compile(r"\((?:必填|选填|必填项|选填项|可选|必选)\)|[*※]")
_BLOCKS = {"p", "br", "div", "li", "tr", "ul", "ol", "table", "h1", "h2", "h3", "h4"}


def today() -> date:
    """Today's date in Asia/Shanghai."""
    return datetime.now(LOCAL).date()


def clean(value: object) -> str:
    """Text without control and invisible characters, with plain spaces; line breaks are kept."""
    if value is None:
        return ""
    # Printable means: none of the categories below, and no space but U+0020. Most texts are.
    if isinstance(value, str):
        lines = value.replace("\n", "").replace("\t", "") if "\n" in value else value
        if lines.isprintable():
            return value.strip()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).replace("\r\n", "\n").replace("\r", "\n")
    kept = []
    for char in text:
        category = unicodedata.category(char)
        if category == "Zs":
            kept.append(" ")
        elif char in "\n\t" or category not in ("Cc", "Cf", "Cs", "Co", "Cn"):
            kept.append(char)
    return "".join(kept).strip()


def line(value: object) -> str:
    """`clean`, on one line, inner white space collapsed: for titles and names."""
    text = clean(value)
    if "  " not in text and text.isprintable():
        return text
    return _SPACES.sub(" ", text)


def is_empty(value: object) -> bool:
    """True for nothing and for the words portals write instead of nothing."""
    if value is None:
        return True
    if isinstance(value, str) and value.isprintable():
        value = value.strip()
        return len(value) <= _LONGEST_EMPTY and value.casefold() in _EMPTY_WORDS
    return clean(value).casefold() in _EMPTY_WORDS


def key(value: object) -> str:
    """A comparison key: NFKC, case folded, without white space, filling-in hints such as
    （必填） and
    colons.
    """
    if isinstance(value, str) and len(value) <= _CACHED_KEY:
        return _key(value)
    return _key.__wrapped__(value)


@lru_cache(maxsize=20_000)
def _key(value: object) -> str:
    text = unicodedata.normalize("NFKC", clean(value)).casefold()
    text = _SPACES.sub("", text)
    return _NOISE.sub("", text).strip(":")


def code(value: object) -> str:
    """A code as its source writes it, comparable: ``1`` and ``"1"`` are one code, ``"01"`` is
    another.
    """
    if isinstance(value, bool):
        return "1" if value else "0"
    return unicodedata.normalize("NFKC", clean(value)).casefold().rstrip(",;")


class _Stripper(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self.hidden += 1
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self.hidden = max(0, self.hidden - 1)
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def strip_html(value: object) -> str:
    """A summary without markup; text that only looks like it (``a < b``) is left as it is."""
    text = clean(value)
    if re.search(r"<[a-zA-Z/!][^<>]*>", text):
        stripper = _Stripper()
        stripper.feed(text)
        stripper.close()
        text = "".join(stripper.parts)
    elif "&" in text:
        text = html.unescape(text)
    lines = [re.sub(r"[ \t]+", " ", part).strip() for part in clean(text).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def split_list(value: object) -> list[str]:
    """Parts of a packed list, in order, each once: split by , ， 、 ; ； | and white space."""
    parts = re.split(r"[,，、;；|\s]+", clean(value))
    return list(dict.fromkeys(part for part in parts if part))


def tags(value: object) -> tuple[str, ...]:
    """Tags CKAN accepts, in order, each once, at most `MAX_TAGS`."""
    words = (
        [clean(word) for word in value] if isinstance(value, (list, tuple)) else split_list(value)
    )
    return tuple(clean_tags(words))[:MAX_TAGS]


@dataclass(frozen=True)
class Moment:
    """A time read from a source: local time of Asia/Shanghai, how exact it is, and what is odd
    about it.
    """

    value: datetime | None
    precision: str = "second"  # second, day, month
    warning: str | None = None

    @property
    def day(self) -> str | None:
        """CCYY-MM-DD, or None."""
        return self.value.strftime("%Y-%m-%d") if self.value else None


_DIGITS = {
    4: ("%Y", "month"),
    6: ("%Y%m", "month"),
    8: ("%Y%m%d", "day"),
    12: ("%Y%m%d%H%M", "second"),
    14: ("%Y%m%d%H%M%S", "second"),
}
_PARTED = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})(?:\s*[-/.月]\s*(\d{1,2}))?\s*[日月号]?"
    r"(?:[T\s]*(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})(?:\.\d+)?)?秒?)?\s*(Z|[+-]\d{2}:?\d{2})?"
)


def parse_date(value: object, today: date | None = None) -> Moment:
    """Read a date or time in any of the forms seen on real portals.

    Takes ``2018-03-01 18:19:41``, ``2024/6/1``, ``20230615``, ``20230615101010``, ISO 8601 with
    ``T`` and offset,
    epoch seconds and milliseconds (number or text), ``2023年6月``, spreadsheet dates and serial
    numbers. Placeholders
    (``0000-00-00``, ``1970-01-01``) and dates after ``today`` are unreadable: the metadata rules
    would refuse the whole dataset for one.
    """
    if isinstance(value, datetime):
        return _checked(value if value.tzinfo is None else value.astimezone(LOCAL), "second", today)
    if isinstance(value, date):
        return _checked(datetime(value.year, value.month, value.day), "day", today)  # noqa: DTZ001
    if is_empty(value):
        return Moment(None)
    text = unicodedata.normalize("NFKC", line(value))
    try:
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return _checked(*_from_number(text), today)
        match = _PARTED.fullmatch(text)
        if match:
            return _checked(*_from_parts(match), today)
    except (ValueError, OverflowError):
        pass
    return Moment(None, warning=f"date-unreadable: {text[:40]}")


def _from_number(text: str) -> tuple[datetime, str]:
    whole = text.split(".")[0]
    if len(whole) == 13 or len(whole) == 10 or (whole == "0"):
        seconds = int(whole) / (1000 if len(whole) == 13 else 1)
        return datetime.fromtimestamp(seconds, LOCAL).replace(microsecond=0), "second"
    if len(whole) == 5:  # days since 1899-12-30, as spreadsheets count
        moment = datetime(1899, 12, 30) + timedelta(days=float(text))  # noqa: DTZ001
        return moment.replace(microsecond=0), "day" if "." not in text else "second"
    pattern, precision = _DIGITS.get(len(whole), ("%Y%m%d", "day"))
    return datetime.strptime(whole, pattern), precision  # noqa: DTZ007


def _from_parts(match: re.Match[str]) -> tuple[datetime, str]:
    year, month, day, hour, minute, second, offset = match.groups()
    moment = datetime(  # noqa: DTZ001
        int(year), int(month), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0)
    )
    if offset:
        sign = -1 if offset[0] == "-" else 1
        digits = "0000" if offset == "Z" else offset[1:].replace(":", "")
        zone = timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
        moment = moment.replace(tzinfo=zone).astimezone(LOCAL)
    return moment, "month" if day is None else "second" if hour else "day"


def _checked(moment: datetime, precision: str, today: date | None) -> Moment:
    moment = moment.replace(tzinfo=None)
    if moment.year < 1900 or moment.date() == date(1970, 1, 1):
        return Moment(None, warning=f"date-placeholder: {moment:%Y-%m-%d}")
    if today is not None and moment.date() > today:
        return Moment(None, warning=f"date-in-future: {moment:%Y-%m-%d}")
    return Moment(moment, precision, "date-month-only" if precision == "month" else None)


def release_and_update(
    released: object, updated: object, today: date | None = None
) -> tuple[str | None, str | None, list[str]]:
    """Days of release and of last update, with warnings; a missing update is the release (as
    portals mean it).
    """
    first, last = parse_date(released, today), parse_date(updated, today)
    warnings = [moment.warning for moment in (first, last) if moment.warning]
    if first.value and last.value and last.value < first.value:
        warnings.append(f"updated-before-released: {last.day} < {first.day}")
    return first.day, last.day or first.day, warnings


def decode(data: bytes) -> tuple[str, str]:
    """Text and encoding of bytes: BOM, strict UTF-8, then GB18030 strict. Raises ValueError; never
    drops a byte.
    """
    for mark, name in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(name), name
    for name in ("utf-8", "gb18030"):
        try:
            return data.decode(name), name
        except UnicodeDecodeError:
            continue
    raise ValueError("neither UTF-8 nor GB18030")
