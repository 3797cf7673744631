"""Names, agencies, suspicions, records and addresses: the small rules of ingest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.ingest import naming, suspect
from ckanext.hljshare.ingest.dataset import (
    Placement,
    Source,
    merged_dataset,
    new_dataset,
    readable_errors,
)
from ckanext.hljshare.ingest.fetch import Fetcher, SourceError, as_json, is_allowed, parse_networks
from ckanext.hljshare.ingest.providers import Directory, Organization
from ckanext.hljshare.ingest.record import CatalogRecord, ResourceRecord

HARBIN = Source("s1", "harbin", "哈尔滨市平台", "odweb", "http://x", "org")
PLACE = Placement("org-1", contact_phone="0451-12345")


def test_a_datasets_name_is_a_rule_of_source_and_id_not_of_its_title():
    name = naming.dataset_name("harbin", "哈尔滨市空气质量|生态环境局")
    assert name == naming.dataset_name("harbin", "哈尔滨市空气质量|生态环境局")
    assert name != naming.dataset_name("harbin", "哈尔滨市空气质量|统计局")
    assert (  # noqa: PT018
        name.isascii()
        and name.startswith("harbin-")
        and len(naming.dataset_name("x" * 200, "1")) <= 100
    )


@given(st.lists(st.text(), max_size=30))
def test_column_names_fit_postgresql_and_are_all_different(headers):
    names = naming.column_ids(headers)
    assert len({name.casefold() for name in names}) == len(headers)
    assert all(
        0 < len(name.encode()) <= 63 and not name.startswith("_") and '"' not in name
        for name in names
    )


def test_long_chinese_headers_are_shortened_and_stay_apart():
    header = "本年度累计办结的行政许可事项数量及其占全部事项的比重"
    first, second = naming.column_ids([header + "甲", header + "乙"])
    assert first != second and header.startswith(first)  # noqa: PT018


@pytest.mark.parametrize(
    "name", ["统计局", "哈尔滨市统计局", "市统计局", "哈尔滨统计局", " 统计局 "]
)
def test_an_agency_is_found_with_and_without_its_citys_name(name):
    directory = Directory(Organization("c", "哈尔滨市"), [Organization("t", "哈尔滨市统计局")])
    assert directory.find(name) == "t"


def test_an_agency_of_before_the_reform_is_found_by_its_successor():
    directory = Directory(
        Organization("c", "哈尔滨市"), [Organization("t", "哈尔滨市税务局")], {"地税局": "税务局"}
    )
    assert directory.find("地税局") == directory.find("哈尔滨市地税局") == "t"


def test_an_unknown_or_ambiguous_agency_is_not_guessed():
    directory = Directory(
        Organization("c", "鹤岗市"),
        [Organization("a", "向阳区统计局"), Organization("b", "向阳区统计局")],
    )
    assert directory.find("统计局") is None
    assert directory.find("向阳区统计局") is None
    assert directory.find(None) is None


def test_columns_that_identify_people_are_seen_and_offices_are_not():
    assert suspect.identifying_items(["姓名", "身份证号", "手机号码", "家庭住址", "银行账号"]) == [
        "姓名",
        "身份证号",
        "手机号码",
        "家庭住址",
        "银行账号",
    ]
    assert (
        suspect.identifying_items(
            ["企业名称", "法定代表人姓名", "联系电话", "机构地址", "负责人姓名", "人数"]
        )
        == []
    )


def test_titles_about_relief_recipients_are_suspected():
    assert suspect.people_in_title("哈尔滨市医疗救助人员信息")
    assert suspect.people_in_title("哈尔滨市城市特困供养人员信息")
    assert not suspect.people_in_title("哈尔滨市公交线路信息")


def test_view_counts_and_warnings_do_not_change_a_record():
    one = CatalogRecord("1", "甲", warnings=("date-month-only",), raw={"views": "1"})
    assert one.content_hash() == CatalogRecord("1", "甲", raw={"views": "2"}).content_hash()
    assert one.content_hash() != CatalogRecord("1", "乙").content_hash()


def test_a_record_survives_json():
    record = CatalogRecord(
        "1",
        "甲",
        "统计局",
        {"items": [{"name": "年份"}]},
        ("标签",),
        (ResourceRecord("f", "甲.csv", "http://x"),),
        held="opening-missing",
    )
    assert CatalogRecord.from_json(record.to_json()) == record


def test_a_held_record_becomes_a_private_dataset_with_its_reason():
    made = new_dataset(CatalogRecord("1", "甲"), HARBIN, PLACE, "opening-missing")
    assert (made["private"], made["held_reason"]) == (True, "opening-missing")


def test_an_update_takes_away_what_the_source_no_longer_says_and_keeps_what_people_added():
    before = CatalogRecord("1", "甲", fields={"industry": "J", "notes": "旧"})
    now = CatalogRecord("1", "甲", fields={"notes": "新"})
    existing = {
        "id": "x",
        "industry": "J",
        "notes": "旧",
        "review_date": "2030-01-01",
        "private": False,
    }
    merged = merged_dataset(existing, now, before, HARBIN, PLACE, None, None)
    assert "industry" not in merged
    assert (merged["notes"], merged["review_date"], merged["private"]) == (
        "新",
        "2030-01-01",
        False,
    )


def test_a_kept_level_keeps_its_basis():
    existing = {
        "id": "x",
        "open_type": "closed",
        "open_basis": [{"law": "统计法"}],
        "private": False,
    }
    now = CatalogRecord("1", "甲", fields={"open_type": "open"})
    merged = merged_dataset(existing, now, None, HARBIN, PLACE, "closed", None)
    assert (merged["open_type"], merged["open_basis"]) == ("closed", [{"law": "统计法"}])


def test_errors_are_readable():
    assert (
        readable_errors({"notes": ["Missing"], "items": [{}, {"name": ["Missing"]}]})
        == "notes Missing; items.name Missing"
    )


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "::1",
        "fe80::1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "224.0.0.1",
    ],
)
def test_addresses_inside_are_refused_unless_named(address):
    assert not is_allowed(address, ())


def test_a_named_network_is_allowed_and_the_public_internet_always():
    assert is_allowed("127.0.0.1", parse_networks("127.0.0.0/8 10.0.0.0/8"))
    assert is_allowed("::ffff:10.0.0.1", parse_networks("10.0.0.0/8"))
    assert is_allowed("93.184.216.34", ())


def test_a_private_address_is_refused_when_connecting():
    with pytest.raises(SourceError, match="address-refused"):
        Fetcher().get("http://127.0.0.1:9/")


def test_local_files_only_where_allowed():
    with pytest.raises(SourceError, match="address-refused"):
        Fetcher().get("file:///etc/hostname")


def test_a_login_page_sent_as_200_is_not_a_catalog():
    with pytest.raises(SourceError, match="not-a-catalog: HTML"):
        as_json("<html>请登录</html>".encode())
