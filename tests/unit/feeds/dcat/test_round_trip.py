"""What the feed says is read back: by our own harvester, field by field, and by ckanext-dcat."""

import json
from dataclasses import replace
from urllib.parse import quote

import pytest
from ckanext.dcat.processors import RDFParser
from hypothesis import given
from hypothesis import strategies as st
from rdflib import Graph, URIRef

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.feeds.dcat import syntax
from harvesters import dcat_feed, mapping
from tests.unit.feeds.dcat import catalogs
from tests.unit.feeds.dcat.strategies import SITE

BASIS = [
    {
        "law": "中华人民共和国数据安全法",
        "article": "第三十八条",
        "url": "http://law.example.cn/数据?a=1",
    },
    {"law": "中华人民共和国政府信息公开条例", "article": "第十五条；第十六条"},
    {"law": "省政府办公厅关于《数据》的通知"},
]
FIELDS = {
    "notes": "全市公交线路的起点、终点。",
    "theme": "culture",
    "industry": "G",
    "region_code": "230100",
    "resource_code": "3072301000012/000001",
    "update_cycle": "dekad",
    "released": "2024-03-01",
    "data_updated": "2024-06-30",
    "license_id": "CC-BY-4.0",
    "contact_name": "信息中心",
    "contact_phone": "0451-12345 转 6、0451-54321",
    "provider_inner": "数据科",
    "share_type": "conditional",
    "share_condition": "业务协同使用《办法》",
    "use_condition": "依《网络安全法》使用，注明来源",
    "use_scope": "全国",
}
FILES = [
    {
        "id": "r1",
        "name": "线路.csv",
        "url": f"{SITE}/dataset/d/resource/r1/download/a.csv",
        "format": "CSV",
    },
    {
        "id": "r2",
        "name": "站点",
        "url": "https://data.example.cn/站点 1.json?a=b",
        "format": "GeoJSON",
    },
    {"id": "r3", "name": "接口", "url": "https://api.example.cn/v1/lines", "format": "API"},
    {"id": "r4", "name": "图", "url": "https://data.example.cn/a.jpg", "format": "JPG"},
    {"id": "r5", "name": "旧格式", "url": "https://data.example.cn/a.foo", "format": "FOO/BAR"},
]
FILES[0] |= {
    "size": 2048,
    "hash": "sha256:" + "ab" * 32,
    "data_updated": "2024-06-29",
    "description": "说明",
}


def dataset(level="open", **fields):
    """A dataset of a level, as an anonymous visitor is shown it."""
    restricted = (
        {"open_basis": BASIS, "open_condition": "说明用途后提供"} if level != "open" else {}
    )
    return {
        "id": "id-1",
        "name": "dataset-1",
        "title": "公交线路信息",
        "owner_org": "agency-1",
        "organization": {"name": "harbin-jtysj", "title": "哈尔滨市交通运输局"},
        "tags": [{"name": "站点"}, {"name": "公交"}],
        "metadata_created": "2026-11-29T06:58:08.527226",
        "metadata_modified": "2026-11-29T06:58:15.158031",
        "resources": FILES
        if level == "open"
        else [dict(file, url="x", size=None, hash="") for file in FILES[:1]],
        "open_type": level,
        **FIELDS,
        **restricted,
        **fields,
    }


def harvested(given):
    """The record that another portal's harvester makes of the feed."""
    page = Graph().parse(data=catalogs.whole([given]).serialize(format="nt"), format="nt")
    node = dcat_feed.datasets(page)[0]
    mapped = replace(mapping.load(), feed={})
    return dcat_feed.make_record(page, node, dcat_feed.identifier(page, node), mapped)


@pytest.mark.parametrize("level", ["open", "on_request", "closed"])
def test_our_harvester_loses_no_field(level):
    """Every mapped field comes back as it was, with its level and the basis of it."""
    given = dataset(level)
    record = harvested(given)
    wanted = {**FIELDS, "open_type": level}
    if level != "open":
        basis = [dict(law) for law in BASIS]
        basis[0]["url"] = "http://law.example.cn/数据?a=1"
        wanted |= {"open_basis": basis, "open_condition": given["open_condition"]}
    found = {name: record.fields.get(name) for name in wanted}
    assert found == wanted
    assert (record.title, record.provider, record.held) == (
        "公交线路信息",
        "哈尔滨市交通运输局",
        None,
    )
    assert set(record.tags) == {"站点", "公交"}
    assert record.native_id == FIELDS["resource_code"]


def test_our_harvester_loses_no_file():
    """Name, address, format, size, checksum and date of each open file; an interface once."""
    found = {file.name: file for file in harvested(dataset()).resources}
    assert len(found) == len(FILES) == len(harvested(dataset()).resources)
    first = found["线路.csv"]
    assert (first.url, first.format, first.size) == (FILES[0]["url"], "CSV", 2048)
    assert (first.hash, first.description) == (FILES[0]["hash"], "说明")
    assert first.modified.startswith("2024-06-29")
    assert found["站点"].url == "https://data.example.cn/站点%201.json?a=b"
    formats = {name: file.format for name, file in found.items()}
    assert formats == {
        "线路.csv": "CSV",
        "站点": "GEOJSON",
        "接口": "REST",
        "图": "JPG",
        "旧格式": "FOO/BAR",
    }


def test_what_is_not_shared_comes_back():
    """不予共享 with its basis, of what is not open."""
    refused = {"share_type": "none", "share_basis": "《保密法》第九条", "share_condition": "涉密"}
    record = harvested(dataset("closed", **refused))
    assert {name: record.fields.get(name) for name in refused} == refused
    assert record.held is None


def test_files_on_request_lead_to_the_request_page():
    """A harvested entry on request leads people to where it is asked for."""
    (file,) = harvested(dataset("on_request")).resources
    assert file.url == f"{SITE}/request/new?dataset=dataset-1"
    assert harvested(dataset("closed")).resources == ()
    (page,) = harvested(dataset("on_request", resources=[])).resources
    assert page.url == file.url


@given(
    theme=st.sampled_from(codelists.codes("theme")),
    industry=st.sampled_from(codelists.codes("industry")),
    region=st.sampled_from(codelists.codes("region")),
    cycle=st.sampled_from(codelists.codes("update_cycle")),
    share=st.sampled_from(["unconditional", "conditional"]),
    licence=st.sampled_from(["hlj-open", "CC-BY-4.0", "CC0-1.0", "hlj-on-request"]),
)
def test_every_code_comes_back(theme, industry, region, cycle, share, licence):
    """Each code of each list, also where the EU's term is that of several."""
    given_codes = {
        "theme": theme,
        "industry": industry,
        "region_code": region,
        "update_cycle": cycle,
        "share_type": share,
        "license_id": licence,
    }
    fields = harvested(dataset(**given_codes)).fields
    assert {name: fields[name] for name in given_codes} == given_codes


@pytest.mark.parametrize("ending", list(syntax.SYNTAXES))
def test_stock_ckanext_dcat_reads_every_field_it_has_a_place_for(ending):
    """The parser of ckanext-dcat with its own DCAT-AP 3 profile, no scheming."""
    page = syntax.named(catalogs.whole([dataset()]), SITE)
    parser = RDFParser(profiles=["euro_dcat_ap_3"])
    words = "".join(syntax.document([syntax.piece(page, ending)], ending, SITE))
    parser.parse(words, syntax.SYNTAXES[ending].rdflib)
    (found,) = parser.datasets()
    extras = {extra["key"]: extra["value"] for extra in found["extras"]}
    eu = "http://publications.europa.eu/resource/authority/"
    assert (found["title"], found["notes"]) == ("公交线路信息", FIELDS["notes"])
    assert {tag["name"] for tag in found["tags"]} == {"站点", "公交"}
    assert found["url"] == f"{SITE}/dataset/dataset-1"
    themes = set(json.loads(extras.pop("theme")))
    assert themes == {
        f"{SITE}/vocabulary/theme/culture",
        f"{SITE}/vocabulary/industry/G",
        f"{eu}data-theme/EDUC",
    }
    wanted = {
        "issued": FIELDS["released"],
        "modified": FIELDS["data_updated"],
        "identifier": FIELDS["resource_code"],
        "frequency": f"{eu}frequency/MONTHLY_3",
        "access_rights": f"{eu}access-right/PUBLIC",
        "language": json.dumps([f"{eu}language/ZHO"]),
        "publisher_uri": f"{SITE}/organization/agency-1",
        "publisher_name": "哈尔滨市交通运输局",
        "publisher_identifier": "1123010000",
        "contact_uri": f"{SITE}/dataset/id-1#contact",
        "contact_name": FIELDS["contact_name"],
        "contact_url": f"{SITE}/organization/agency-1",
        "spatial_uri": f"{SITE}/vocabulary/region/230100",
        "spatial_text": "哈尔滨市",
        "provenance": "由提供方在本平台编目，编入目录时间2026-11-29",
        "alternate_identifier": json.dumps([f"{SITE}/dataset/id-1#identifier"]),
        "uri": f"{SITE}/dataset/id-1",
    }
    assert {key: extras.get(key) for key in wanted} == wanted
    assert len(found["resources"]) == len(FILES)
    file = next(item for item in found["resources"] if item["name"] == "线路.csv")
    wanted = {
        "description": "说明",
        "url": FILES[0]["url"],
        "download_url": FILES[0]["url"],
        "access_url": f"{SITE}/dataset/dataset-1/resource/r1",
        "format": "CSV",
        "mimetype": "text/csv",
        "size": 2048,
        "hash": "ab" * 32,
        "hash_algorithm": "http://spdx.org/rdf/terms#checksumAlgorithm_sha256",
        "modified": "2024-06-29",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "rights": "无条件开放。使用条件：依《网络安全法》使用，注明来源。适用范围：全国。",
        "availability": f"{eu}planned-availability/AVAILABLE",
    }
    assert {key: file.get(key) for key in wanted} == wanted
    odd = next(item for item in found["resources"] if item["name"] == "旧格式")
    assert odd["format"] == f"{SITE}/vocabulary/format/{quote('FOO/BAR', safe='')}"


@pytest.mark.parametrize("level", ["on_request", "closed"])
def test_stock_ckanext_dcat_reads_the_basis_of_a_restriction(level):
    """As applicable legislation, and as words in the rights of what is on request."""
    page = catalogs.whole([dataset(level)])
    parser = RDFParser(profiles=["euro_dcat_ap_3"])
    parser.g = page
    (found,) = parser.datasets()
    extras = {extra["key"]: extra["value"] for extra in found["extras"]}
    laws = json.loads(extras["applicable_legislation"])
    assert {
        str(page.value(URIRef(law), URIRef("http://www.w3.org/2000/01/rdf-schema#label")))
        for law in laws
    } == {basis["law"] for basis in BASIS}
    assert len(found["resources"]) == (level == "on_request")
    for resource in found["resources"]:
        assert "《中华人民共和国数据安全法》第三十八条" in resource["rights"]
        assert resource["url"] == f"{SITE}/request/new?dataset=dataset-1"
        assert "download_url" not in resource
