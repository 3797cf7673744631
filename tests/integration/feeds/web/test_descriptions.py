"""What pages tell search engines and machine learning tools, read from the pages as served."""

from __future__ import annotations

import hashlib
import io
import json

import extruct
import mlcroissant
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action
from lxml import html
from werkzeug.datastructures import FileStorage

SITE = "http://test.ckan.net"
SECRET = "https://inner.example.gov.cn/secret-7391/file.csv"
FILE = {"name": "线路", "url": SECRET, "format": "CSV"}
BASIS = [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]
CLOSED = {"open_basis": BASIS, "open_condition": "说明用途", "share_type": "conditional",
          "share_condition": "业务协同"}  # fmt: skip
HOSTILE = "公交</script><script>alert(1)</script><!--\u2028&amp;'\""


def described(app, address, **options):
    """The JSON-LD of a page; there is one block at most."""
    page = app.get(address, **options)
    assert page.status_code == 200
    found = extruct.extract(page.body, syntaxes=["json-ld"])["json-ld"]
    assert page.body.count('application/ld+json">{') == len(found) <= 1
    return found[0] if found else None


def alternates(app, address):
    tree = html.fromstring(app.get(address).data)
    return [link.get("href") for link in tree.xpath("//head/link[@rel='alternate']")]


def tighten(dataset, **fields):
    call_action("package_patch", {"ignore_auth": True}, id=dataset["id"], **fields)


@pytest.fixture
def bus(make_dataset):
    """An open dataset with a table, and a closed file with one of its own."""
    site = {"user": call_action("get_site_user")["name"], "ignore_auth": True}
    dates = {"released": "2025-01-02", "data_updated": "2026-01-02"}
    dataset = make_dataset(name="bus", resources=[], license_id="hlj-open", **dates)
    text = "线路,票价(元)\n1路,2\n101路,1.5\n"
    for name, level, column in (("线路.csv", "", "线路"), ("保密.csv", "closed", "zq7column")):
        file = call_action(
            "resource_create", site, package_id=dataset["id"], format="CSV", name=name,
            open_type=level, upload=FileStorage(io.BytesIO(text.encode()), filename=name),
            hash=f"sha256:{hashlib.sha256(text.encode()).hexdigest()}",
        )  # fmt: skip
        call_action(
            "datastore_create", site, resource_id=file["id"], force=True,
            fields=[{"id": column, "type": "text"},
                    {"id": "票价(元)", "type": "numeric", "info": {"label": "票价(元)"}}],
            records=[{column: "1路", "票价(元)": 2}],
        )  # fmt: skip
    return dataset


class TestDataset:
    def test_an_open_one_is_told_with_its_files(self, app, make_dataset):
        make_dataset(name="bus", resources=[FILE], released="2025-01-02", tag_string="公交")
        found = described(app, "/dataset/bus")
        assert found["@type"] == "Dataset"
        assert [each["contentUrl"] for each in found["distribution"]] == [SECRET]
        assert found["publisher"]["name"] == "哈尔滨市交通运输局"
        call_action("organization_patch", {"ignore_auth": True}, id="harbin-jtysj", title="交通局")
        assert described(app, "/dataset/bus")["publisher"]["name"] == "交通局"
        assert found["datePublished"] == "2025-01-02"
        assert found["url"] == f"{SITE}/dataset/bus"

    @pytest.mark.parametrize("level", ["on_request", "closed"])
    def test_others_with_their_basis_and_no_file(self, app, make_dataset, level):
        make_dataset(name="bus", open_type=level, resources=[FILE])
        found = described(app, "/dataset/bus")
        assert "distribution" not in found
        assert "《中华人民共和国数据安全法》第三十八条" in found["conditionsOfAccess"]
        assert ("acquireLicensePage" in found) is (level == "on_request")

    @pytest.mark.parametrize("level", ["on_request", "closed"])
    @pytest.mark.parametrize("locale", ["", "/en"])
    def test_after_a_change_of_level_no_address_is_told_at_once(
        self, app, make_dataset, level, locale
    ):
        dataset = make_dataset(name="bus", resources=[FILE])
        page = f"{locale}/dataset/bus"
        assert SECRET in json.dumps(described(app, page))
        tighten(dataset, open_type=level, **CLOSED)
        assert SECRET not in app.get(page).body
        assert "distribution" not in described(app, page)

    def test_after_a_change_of_a_files_level(self, app, make_dataset):
        dataset = make_dataset(name="bus", resources=[FILE])
        described(app, "/dataset/bus")
        file = dataset["resources"][0]
        call_action("resource_patch", {"ignore_auth": True}, id=file["id"], open_type="closed")
        assert "distribution" not in described(app, "/dataset/bus")

    def test_what_is_withdrawn_or_not_public_is_not_described(self, app, make_dataset, agency):
        dataset = make_dataset(name="bus", resources=[FILE])
        tighten(dataset, withdrawn_on="2026-11-01")
        assert described(app, "/dataset/bus") is None
        assert alternates(app, "/dataset/bus") == []
        make_dataset(name="hidden", resources=[FILE], private=True)
        user = factories.UserWithToken()
        call_action(
            "organization_member_create", id=agency["id"], username=user["name"], role="editor"
        )
        headers = {"Authorization": user["token"]}
        assert described(app, "/dataset/hidden", headers=headers) is None

    def test_an_editor_is_told_no_more_than_others(self, app, make_dataset, agency):
        """His page may be kept by a search engine's toolbar, or saved and passed on."""
        make_dataset(name="bus", open_type="closed", resources=[FILE])
        user = factories.UserWithToken()
        call_action(
            "organization_member_create", id=agency["id"], username=user["name"], role="editor"
        )
        found = described(app, "/dataset/bus", headers={"Authorization": user["token"]})
        assert found == described(app, "/dataset/bus")

    def test_a_title_cannot_end_the_script(self, app, make_dataset):
        make_dataset(name="bus", title=HOSTILE, notes=HOSTILE * 3, resources=[FILE])
        page = app.get("/dataset/bus").body
        assert "<script>alert" not in page
        block = page.split('application/ld+json">')[1].split("</script>")[0]
        assert not set("<>&\u2028") & set(block)
        assert json.loads(block)["name"].startswith("公交</script><script>")


def test_the_home_page_tells_of_the_catalog(app, agency):
    found = described(app, "/")
    assert (found["@type"], found["url"]) == ("DataCatalog", f"{SITE}/")


def test_the_home_page_names_who_publishes_and_takes_in_no_notes(app, make_dataset):
    """To take in what was written is for feeds: many may look at the home page at once."""
    province = factories.Organization(
        name="hlj", title="黑龙江省人民政府", level="province", uscc="11230000MB1234567X"
    )
    make_dataset()

    def waiting():
        return model.Session.scalar(sa.text("SELECT count(*) FROM hljshare_feed_touch"))

    before = waiting()
    assert before > 0
    publisher = described(app, "/")["publisher"]
    assert publisher["name"] == "黑龙江省人民政府"
    assert publisher["identifier"]["value"] == "11230000MB1234567X"
    assert waiting() == before
    call_action("organization_patch", {"ignore_auth": True}, id=province["id"], title="省政府")
    assert described(app, "/")["publisher"]["name"] == "省政府"
    call_action("organization_delete", {"ignore_auth": True}, id=province["id"])
    assert "publisher" not in described(app, "/")


class TestLinks:
    @pytest.mark.parametrize("locale", ["", "/en"])
    def test_a_datasets_page_links_to_addresses_of_no_language(self, app, bus, locale):
        found = alternates(app, f"{locale}/dataset/bus")
        endings = (".ttl", ".rdf", ".jsonld", ".nt", "/croissant.jsonld")
        assert found == [f"{SITE}/dataset/bus{ending}" for ending in endings]
        for address in found:
            assert app.get(address.removeprefix(SITE)).status_code == 200

    @pytest.mark.parametrize("page", ["/", "/dataset/", "/catalog", "/en/dataset/"])
    def test_other_pages_link_to_the_catalog(self, app, agency, page):
        endings = (".ttl", ".rdf", ".jsonld", ".nt")
        wanted = [*(f"{SITE}/catalog{ending}" for ending in endings), f"{SITE}/feeds/catalog.atom"]
        assert alternates(app, page) == wanted
        for address in wanted:
            assert app.get(address.removeprefix(SITE)).status_code == 200

    def test_an_agencys_page_links_to_its_feed(self, app, agency):
        wanted = [f"{SITE}/feeds/agency/harbin-jtysj.atom"]
        assert alternates(app, "/organization/harbin-jtysj") == wanted


class TestCroissant:
    ADDRESS = "/dataset/bus/croissant.jsonld"

    def test_an_open_table_can_be_loaded(self, app, bus):
        answer = app.get(self.ADDRESS)
        assert answer.content_type == "application/ld+json; charset=utf-8"
        metadata = mlcroissant.Dataset(jsonld=json.loads(answer.data)).metadata
        assert not metadata.ctx.issues.errors
        assert not metadata.ctx.issues.warnings
        (file,), (records,) = metadata.distribution, metadata.record_sets
        assert app.get(file.content_url.removeprefix(SITE)).status_code == 200
        assert [field.source.extract.column for field in records.fields] == ["线路", "票价(元)"]

    def test_a_label_of_the_dictionary_is_not_taken_for_a_heading(self, app, bus):
        """The file has none such: nothing could be loaded from it."""
        file = call_action("package_show", id="bus")["resources"][0]
        call_action(
            "datastore_create", {"ignore_auth": True}, resource_id=file["id"], force=True,
            fields=[{"id": "线路", "info": {"label": "公交线路的编号"}}, {"id": "票价(元)"}],
        )  # fmt: skip
        metadata = mlcroissant.Dataset(jsonld=json.loads(app.get(self.ADDRESS).data)).metadata
        assert len(metadata.distribution) == 1
        assert metadata.record_sets == []

    def test_nothing_of_a_stricter_file_is_told(self, app, bus):
        """Not its name, not a name of its columns; neither to a visitor nor to an administrator."""
        admin = {"Authorization": factories.SysadminWithToken()["token"]}
        for headers in ({}, admin):
            text = app.get(self.ADDRESS, headers=headers).body
            assert "线路" in text
            assert "zq7column" not in text
            assert "保密" not in text

    @pytest.mark.parametrize(
        "closing",
        [{"open_type": "on_request", **CLOSED}, {"open_type": "closed", **CLOSED},
         {"private": True}, {"withdrawn_on": "2026-11-01"}, {"state": "deleted"}],
    )  # fmt: skip
    def test_what_is_open_no_more_is_gone_at_once(self, app, bus, closing):
        assert app.get(self.ADDRESS).status_code == 200
        tighten(bus, **closing)
        assert app.get(self.ADDRESS).status_code == 404

    @pytest.mark.parametrize("name", ["nothing", "%00", "%F0%9F%9A%8C", "../x"])
    def test_of_no_dataset(self, app, agency, name):
        assert app.get(f"/dataset/{name}/croissant.jsonld").status_code == 404

    def test_who_has_it_already_gets_nothing(self, app, bus):
        headers = {"If-None-Match": app.get(self.ADDRESS).headers["ETag"]}
        assert app.get(self.ADDRESS, headers=headers).status_code == 304
