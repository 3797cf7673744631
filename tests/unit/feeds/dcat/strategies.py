"""Datasets as an anonymous visitor is shown them, with all that people and sources have written
into fields: what is missing, what is odd, what breaks syntaxes.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ckanext.hljshare.catalog import codelists

SITE = "http://test.ckan.net"
NASTY = [
    "道路信息",
    "",
    " ",
    "公交线路\n站点\r\n票价\r备注",
    '引号"双"\'单\'“中文”\\反斜杠\\"',
    '"""三引号"""',
    'ends with quote"',
    "ends with backslash\\",
    "</script><script>alert(1)</script>]]>&amp;<b>",
    "控制\x00字符\x0b\x1f\x7f\x85\u2028行\u2029段",
    "半个\ud83d代理 \ufffe \uffff",
    "表情🚌👨‍👩‍👧 𠮷野家",
    "=HYPERLINK(1)",
    "很长" * 2000,
    "@zh",
    "_:b0",
    "<http://example.org/>",
    '{"@id": "x"}',
]
ADDRESSES = [
    "http://test.ckan.net/dataset/x/resource/y/download/file.csv",
    "http://example.cn/公告\u3000附件\u00a0\u2003\u200b.html",
    "http://example.cn/\u202efdp.exe",
    "http://exam\u00a0ple.cn/",
    'https://data.example.cn/道路 信息.csv?名称=公交 线路&q="1"#第一页',
    "http://example.cn/a b.csv",
    "http://example.cn/<x>{y}|z\\^`.csv",
    "http://example.cn/[a]/b?c[0]=1",
    "http://example.cn/100%/a%zz%41",
    "http://example.cn/a#b#c",
    "http://[::1]:80/x",
    "http://[bad",
    "http://",
    "http:///x",
    "http://用户@例子.中国:8080/文件.xlsx",
    "http://example.cn:99999999/x",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "not an address",
    "",
    None,
    "ftp://example.cn/a.zip",
    "HTTP://EXAMPLE.CN/A",
    "http://example.cn/\n\t换行",
    "http://example.cn/a/../b/./c//d",
    "http://exa mple.cn/",
    "//example.cn/x",
]
FORMATS = [
    "CSV",
    "csv",
    "XLSX",
    "GeoJSON",
    "SHP",
    "API",
    "REST",
    "WebService",
    "WMS",
    "ZIP",
    "",
    None,
    "OFD",
]
FORMATS += ["CSV/ZIP", "未知 格式", "<x>", "a" * 300, "..", ".", "?", "%2F", "接口", "KML"]

words = st.one_of(st.sampled_from(NASTY), st.text(max_size=40), st.none())
addresses = st.one_of(
    st.sampled_from(ADDRESSES), st.text(max_size=30).map("http://example.cn/".__add__)
)
dates = st.sampled_from(
    ["2024-03-01", "", None, "2024", "不明", "2024-13-01", "2024-03-01T10:00:00", "0001-01-01"]
)
levels = st.sampled_from(["open", "on_request", "closed", "", None, "unheard-of"])


def codes(list_id: str) -> st.SearchStrategy[Any]:
    """A code of a list, or none, or something else."""
    return st.sampled_from([*codelists.codes(list_id), "", None, "unheard-of", "<x>"])


hashes = st.sampled_from(
    [
        "sha256:" + "0f" * 32,
        "SHA256:" + "AB" * 32,
        "md5:" + "1" * 32,
        "sha256:12",
        "",
        None,
        "x" * 64,
        "sha256:" + "g" * 64,
    ]
)
resources = st.fixed_dictionaries(
    {"id": st.uuids().map(str), "url": addresses},
    optional={
        "name": words,
        "description": words,
        "format": st.sampled_from(FORMATS),
        "open_type": levels,
        "derivative": st.sampled_from(["masked", "sample", "", None, "copy"]),
        "size": st.sampled_from([0, 1, 2048, 2**40, -1, "77", "x", None, 10**30]),
        "hash": hashes,
        "created": st.sampled_from(["2026-11-29T06:58:08.542106", None, "x"]),
        "data_updated": dates,
        "datastore_active": st.booleans(),
        "locator": st.just("http://secret.example.cn/locator"),
        "filename": st.just("秘密文件.csv"),
    },
)
bases = st.lists(
    st.fixed_dictionaries({"law": words}, optional={"article": words, "url": addresses}), max_size=3
)
datasets = st.fixed_dictionaries(
    {
        "id": st.uuids().map(str),
        "name": st.uuids().map(lambda value: f"dataset-{value}"),
        "title": words,
        "open_type": levels,
        "metadata_created": st.just("2026-11-29T06:58:08.527226"),
        "metadata_modified": st.just("2026-11-29T06:58:15.158031"),
        "resources": st.lists(resources, max_size=4),
    },
    optional={
        "notes": words,
        "resource_code": st.sampled_from(["307230100/000001", "", None, '3"x']),
        "owner_org": st.sampled_from(["agency-1", "agency-2", "of nobody", None]),
        "organization": st.sampled_from([{"name": "harbin-jtysj", "title": "交通局"}, {}, None]),
        "tags": st.lists(st.fixed_dictionaries({"name": words}), max_size=4),
        "theme": codes("theme"),
        "industry": codes("industry"),
        "region_code": st.one_of(codes("region"), st.just("230182")),
        "share_type": codes("share_type"),
        "update_cycle": codes("update_cycle"),
        "share_condition": words,
        "share_basis": words,
        "open_condition": words,
        "open_basis": bases,
        "use_condition": words,
        "use_scope": words,
        "license_id": st.sampled_from(
            ["hlj-open", "CC-BY-4.0", "notspecified", "", None, "unheard-of"]
        ),
        "contact_name": words,
        "contact_phone": st.sampled_from(["0451-12345", "0451 1234转5、6", "", None, '"<x>']),
        "provider_inner": words,
        "maintainer_email": st.sampled_from(["a@example.cn", "", None, "x y@z", "a@b"]),
        "released": dates,
        "data_updated": dates,
        "related_codes": st.sampled_from([["307230100/000002"], [], None, "a b\n<c>"]),
        "source_site": words,
        "source_name": words,
        "source_url": addresses,
    },
)


def catalog(**settings: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Some datasets that differ in their ids."""
    return st.lists(datasets, unique_by=lambda dataset: dataset["id"], **settings)
