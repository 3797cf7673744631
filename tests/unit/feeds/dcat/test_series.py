"""Titles that differ only in the period name one series."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.feeds.dcat import series

SAME = [
    ("哈尔滨市公交线路（2024年）", "哈尔滨市公交线路（2025年）", "哈尔滨市公交线路"),
    (
        "鸡西市2025—2026年度供热期供热企业信息",
        "鸡西市2026—2027年度供热期供热企业信息",
        "鸡西市供热期供热企业信息",
    ),
    (
        "黑龙江统计年鉴2024（电子版）表格目录",
        "黑龙江统计年鉴2025（电子版）表格目录",
        "黑龙江统计年鉴（电子版）表格目录",
    ),
    ("2024年第一季度生产总值", "2025年三季度生产总值", "生产总值"),
    ("空气质量月报2024年1月", "空气质量月报2024年12月份", "空气质量月报"),
    ("财政收支情况（2024年1-6月）", "财政收支情况（2025年上半年）", "财政收支情况"),
    ("第八届冰雪节活动安排", "第九届冰雪节活动安排", "冰雪节活动安排"),
    ("学校名单（2024学年）", "学校名单（２０２５学年）", "学校名单"),
    ("医保定点医院名录（2025版）", "医保定点医院名录（2026年版）", "医保定点医院名录"),
    ("录取最低分（2024年，历史类）", "录取最低分（2025年，历史类）", "录取最低分（历史类）"),
    ("政务公报 第3期", "政务公报 第12期", "政务公报"),
]
NONE = [
    "哈尔滨市公交线路信息",
    "人口主要指标（2005—2024年）",
    "大庆市2010—2024年地区生产总值",
    "1:2000基础地理信息数据",
    "12345热线办件",
    "2024年",
    "每月一号停水公告",
    "5月1日放假安排",
    "",
]


@pytest.mark.parametrize(("one", "other", "title"), SAME)
def test_instalments(one, other, title):
    """Years, seasons, quarters, months, editions."""
    first, second = series.of_title(one), series.of_title(other)
    assert first
    assert second
    assert first.digest == second.digest
    assert first.title == title


@pytest.mark.parametrize("title", NONE)
def test_what_is_no_instalment(title):
    """No period, a span of years that the data cover, other numbers, nothing besides a period."""
    assert series.of_title(title) is None


@given(
    year=st.integers(1950, 2049),
    other=st.integers(1950, 2049),
    form=st.sampled_from(["{}年", "（{}年度）", " {}"]),
)
def test_the_year_does_not_matter(year, other, form):
    """Any two years give one series; another table is another series."""
    found = [series.of_title("商品零售总额" + form.format(value)) for value in (year, other)]
    assert found[0] == found[1]
    assert found[0] != series.of_title("居民消费价格" + form.format(year))


@given(st.text(max_size=60))
def test_any_title_is_read(title):
    """No title is too odd, and a series' own title names no series again, or the same."""
    found = series.of_title(title)
    if found:
        again = series.of_title(found.title)
        assert again is None or again.digest == found.digest or len(again.title) < len(found.title)
