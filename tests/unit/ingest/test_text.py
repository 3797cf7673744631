"""Text, tags and dates of city portals are read as they are meant, or not at all."""

import re
import unicodedata
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.ingest import text


@pytest.mark.parametrize(
    ("raw", "day"),
    [
        ("2018-03-01 18:19:41", "2018-03-01"),
        ("2024/6/1", "2024-06-01"),
        ("2024.6.1", "2024-06-01"),
        ("20230615", "2023-06-15"),
        ("20230615101010", "2023-06-15"),
        ("2023-06-15T10:10:10", "2023-06-15"),
        ("2023-06-15T10:10:10.123+08:00", "2023-06-15"),
        ("2023-06-15T16:00:00Z", "2023-06-16"),  # midnight in Harbin
        (1686873600000, "2023-06-16"),
        ("1686873600000", "2023-06-16"),
        (1686873600, "2023-06-16"),
        ("2023年6月", "2023-06-01"),
        ("2023年6月5日", "2023-06-05"),
        ("２０２３年６月５日", "2023-06-05"),
        (45078, "2023-06-01"),  # a spreadsheet's serial number
        (datetime(2023, 6, 1, 8), "2023-06-01"),  # noqa: DTZ001
        (date(2023, 6, 1), "2023-06-01"),
    ],
)
def test_a_date_in_any_usual_form_is_read(raw, day):
    assert text.parse_date(raw).day == day


@pytest.mark.parametrize("raw", ["", None, "null", "-"])
def test_no_date_is_no_date_and_no_warning(raw):
    assert text.parse_date(raw) == text.Moment(None)


@pytest.mark.parametrize("raw", ["0000-00-00", "1970-01-01", 0, "2023-13-45", "上周", "99999999"])
def test_a_placeholder_or_nonsense_is_not_a_date_but_a_warning(raw):
    moment = text.parse_date(raw)
    assert moment.value is None
    assert moment.warning


def test_a_date_in_the_future_is_refused():
    assert text.parse_date("2031-01-01", date(2026, 1, 1)).warning == "date-in-future: 2031-01-01"


def test_a_month_is_read_as_its_first_day_with_a_warning():
    assert text.parse_date("2023年6月").warning == "date-month-only"


def test_a_missing_update_is_the_release():
    assert text.release_and_update("2020-01-02", "") == ("2020-01-02", "2020-01-02", [])


def test_an_update_before_the_release_is_reported():
    _first, _last, warnings = text.release_and_update("2020-01-02", "2019-01-02")
    assert warnings == ["updated-before-released: 2019-01-02 < 2020-01-02"]


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.dates(), st.datetimes()))
def test_no_value_makes_date_reading_fail(value):
    assert isinstance(text.parse_date(value), text.Moment)


@given(st.dates(min_value=date(1971, 1, 1), max_value=date(2099, 12, 31)))
def test_every_day_written_plainly_comes_back(day):
    for form in ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y年%m月%d日"):
        assert text.parse_date(day.strftime(form)).day == day.isoformat()


def test_keys_ignore_width_space_hints_and_colons():
    assert text.key("信息资源 名称\n（必填）：") == text.key("信息资源名称")


def test_a_number_and_its_text_are_one_code_but_a_leading_zero_is_another():
    assert text.code(1) == text.code("1") == text.code(" １ ")
    assert text.code("01") != text.code("1")


def test_markup_leaves_summaries_and_comparisons_stay():
    assert text.strip_html("<p>甲&nbsp;乙</p><script>x()</script><br>丙") == "甲 乙\n\n丙"
    assert text.strip_html("人数 a < b 且 c > d") == "人数 a < b 且 c > d"


def test_control_and_invisible_characters_leave_titles():
    assert text.line("公\x00交\u200b线\ufeff路\u3000\n信息") == "公交线路 信息"


def test_tags_are_split_by_all_their_separators_and_cleaned():
    assert text.tags("公交,线路，站点、票价;首班；末班 2014年（亿元） 路")[:6] == (
        "公交",
        "线路",
        "站点",
        "票价",
        "首班",
        "末班",
    )
    assert all(2 <= len(tag) <= 100 for tag in text.tags("路,a/b,公交（新）"))


def test_too_many_tags_are_capped():
    assert len(text.tags(",".join(f"标签{n}" for n in range(900)))) == text.MAX_TAGS


def test_bytes_are_utf8_or_gb18030_and_never_lose_a_character():
    assert text.decode("公交".encode("gb18030")) == ("公交", "gb18030")
    assert text.decode("公交".encode()) == ("公交", "utf-8")
    assert text.decode("\ufeff公交".encode()) == ("公交", "utf-8-sig")
    with pytest.raises(ValueError):
        text.decode(b"\xff\xff\xff\x80")


@given(st.text() | st.text(alphabet="ab \n\t\r\x00\xa0\u3000\u200b\u2028甲-/", max_size=14))
def test_the_quick_ways_say_what_the_slow_ones_would(words):
    """Most texts are plain and are not looked at character by character."""
    kept = []
    for char in words.replace("\r\n", "\n").replace("\r", "\n"):
        category = unicodedata.category(char)
        if category == "Zs":
            kept.append(" ")
        elif char in "\n\t" or category not in ("Cc", "Cf", "Cs", "Co", "Cn"):
            kept.append(char)
    slow = "".join(kept).strip()
    assert text.clean(words) == slow
    assert text.line(words) == re.sub(r"\s+", " ", slow)
    assert text.is_empty(words) == (slow.casefold() in text._EMPTY_WORDS)
    folded = re.sub(r"\s+", "", unicodedata.normalize("NFKC", slow).casefold())
    assert text.key(words) == text._NOISE.sub("", folded).strip(":")


@pytest.mark.parametrize(
    "words", ["undefined", " undefined\x00", "undefined\x00", "无数据\n", "\x00"]
)
def test_what_portals_write_for_nothing_is_nothing_with_invisible_characters_too(words):
    assert text.is_empty(words)
