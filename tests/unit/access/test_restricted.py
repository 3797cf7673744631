"""The list of what is not open: which entries, and what is said of each."""

from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.access import restricted
from ckanext.hljshare.catalog import codelists, search

DATASET = {
    "id": "1",
    "name": "harbin-1",
    "title": "出租汽车轨迹",
    "resource_code": "307/1",
    "organization": {"name": "harbin-jtysj", "title": "哈尔滨市交通运输局"},
    "region_code": "230102",
    "open_type": "on_request",
    "share_type": "conditional",
    "open_basis": [
        {"law": "中华人民共和国数据安全法", "article": "第三十八条"},
        {"law": "某办法", "article": "", "url": "https://example.gov.cn/law"},
    ],
    "open_condition": "说明用途",
    "items": [{"name": "时段"}, {"name": "网格编号"}],
    "review_date": "2027-01-01",
}
WORDS = restricted.Words(
    label=codelists.label, page=lambda name: f"http://portal/dataset/{name}", separator="；"
)


def test_a_row_has_a_cell_for_each_column_and_cites_law_and_article():
    row = dict(
        zip(
            restricted.COLUMNS,
            restricted.cells(restricted.entry(DATASET), WORDS),
            strict=True,
        )
    )
    assert row["basis"] == "中华人民共和国数据安全法 第三十八条；某办法"
    assert row["links"] == "https://example.gov.cn/law"
    assert (row["city"], row["open_type"]) == ("哈尔滨市", "依申请开放")
    assert row["items"] == "时段；网格编号"
    assert row["page"] == "http://portal/dataset/harbin-1"


def test_an_entry_without_region_belongs_to_the_province():
    assert restricted.entry({**DATASET, "region_code": None}).city == restricted.PROVINCE
    assert restricted.entry({**DATASET, "region_code": "230000"}).city == restricted.PROVINCE


def test_what_a_source_left_out_or_spoiled_does_not_break_the_list():
    bare = restricted.entry({"id": "1", "name": "x", "open_basis": "text", "organization": None})
    assert bare.bases == ()
    assert bare.title == "x"


def test_a_part_of_a_law_in_any_order_finds_it_with_or_without_brackets():
    laws = ["中华人民共和国数据安全法", "中华人民共和国统计法", "GDPR notes"]
    assert restricted.laws_with(laws, "《数据安全法》") == ["中华人民共和国数据安全法"]
    assert restricted.laws_with(laws, "统计 中华") == ["中华人民共和国统计法"]
    assert restricted.laws_with(laws, "gdpr") == ["GDPR notes"]
    assert restricted.laws_with(laws, "不存在") == []


def test_a_law_that_nothing_has_finds_nothing_and_not_everything():
    found = restricted.query(restricted.Filters(law="不存在"), laws=[])
    assert '+hljshare_law:("")' in found


@given(st.text(), st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_what_is_typed_never_becomes_a_part_of_the_query(level, city, agency, laws):
    """Whatever stands in the address, only our own fields are asked, and open data never shown."""
    filters = restricted.Filters.read({"level": level, "city": city, "agency": agency})
    named = search.filter_fields(restricted.query(filters, laws or None))
    assert named is not None
    assert named <= {
        "dataset_type",
        "hljshare_open_type",
        "hljshare_city",
        "hljshare_org_path",
        "hljshare_law",
        "+dataset_type",
        "+hljshare_open_type",
        "+hljshare_city",
        "+hljshare_org_path",
        "+hljshare_law",
    }
    assert filters.level in ("", "on_request", "closed")


def test_the_parameters_of_the_downloads_are_those_of_the_page():
    args = {"level": "closed", "city": "230100", "agency": "a", "law": "法", "q": "公交"}
    assert restricted.Filters.read(args).parameters() == args
    assert restricted.Filters.read({"level": "open"}).parameters() == {}
