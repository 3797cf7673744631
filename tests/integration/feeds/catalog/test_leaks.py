"""Nothing that is not open has an address in a feed, from the commit on that closes it."""

from __future__ import annotations

import gzip

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.tests.helpers import call_action

from ckanext.hljshare.feeds.entries import making, store

SECRET = "https://inner.example.gov.cn/secret-7391/file.csv"
FILE = {"name": "线路", "url": SECRET, "format": "CSV"}
FEEDS = (
    "/catalog.ttl",
    "/catalog.rdf",
    "/catalog.jsonld",
    "/catalog.nt",
    "/catalog.nt?modified_since=2026-01-01",
    "/catalog.nt?city=230100",
    "/dataset/{id}.ttl",
    "/dataset/{id}.nt",
)


def _texts(app, dataset):
    for address in FEEDS:
        yield address, app.get(address.format(**dataset), expect_errors=True).body
    for ending in ("nt", "ttl"):
        answer = app.get(f"/catalog/dump.{ending}.gz")
        yield ending, gzip.decompress(answer.data).decode()


@pytest.mark.parametrize(
    "closing",
    [
        {"open_type": "on_request"},
        {"open_type": "closed"},
        {"private": True},
        {"withdrawn_on": "2026-11-01"},
        {"state": "deleted"},
    ],
)
def test_the_address_of_what_was_open_is_gone_at_once(make_dataset, app, closing):
    dataset = make_dataset(resources=[FILE], region_code="230100")
    assert all(SECRET in text for _address, text in _texts(app, dataset))
    more = {}
    if "open_type" in closing:
        basis = [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]
        more = {"open_basis": basis, "open_condition": "说明用途", "share_type": "conditional",
                "share_condition": "业务协同"}  # fmt: skip
    call_action("package_patch", {"ignore_auth": True}, id=dataset["id"], **closing, **more)
    for action in ("package_show?id={id}", "package_search?q=*:*"):
        shown = app.get(f"/api/action/{action.format(**dataset)}", expect_errors=True)
        assert "secret-7391" not in shown.body
    assert [address for address, text in _texts(app, dataset) if SECRET in text] == []


def test_a_file_that_is_stricter_than_its_dataset_has_no_address(make_dataset, app):
    dataset = make_dataset(
        resources=[
            {"name": "公开", "url": "https://open.example.gov.cn/a.csv", "format": "CSV"},
            {"name": "内部", "url": SECRET, "format": "CSV", "open_type": "on_request"},
        ],
        region_code="230100",
    )
    for _address, text in _texts(app, dataset):
        assert "https://open.example.gov.cn/a.csv" in text
        assert "secret-7391" not in text


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE package SET private = true WHERE id = %s",
        "UPDATE package SET state = 'deleted' WHERE id = %s",
        "UPDATE resource SET state = 'deleted' WHERE package_id = %s",
        "UPDATE resource SET url = 'https://other.example.gov.cn/' WHERE package_id = %s",
        "DELETE FROM resource WHERE package_id = %s",
    ],
)
def test_whoever_writes_in_whichever_way(make_dataset, app, statement):
    """Not by CKAN's hooks: a command of the database itself."""
    dataset = make_dataset(resources=[FILE], region_code="230100")
    assert all(SECRET in text for _address, text in _texts(app, dataset))
    model.Session.remove()
    with model.meta.engine.begin() as connection:
        connection.exec_driver_sql(statement, (dataset["id"],))
    assert [address for address, text in _texts(app, dataset) if SECRET in text] == []


def test_what_was_kept_is_not_read_even_before_anything_is_taken_in(make_dataset):
    dataset = make_dataset(resources=[FILE])
    making.refresh()
    stamp = making.stamp()
    assert SECRET in store.find(dataset["id"], "ttl", stamp).body
    with model.meta.engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE package SET private = true WHERE id = :id"), {"id": dataset["id"]}
        )
        inside = connection.scalar(sa.text("SELECT count(*) FROM hljshare_feed_touch"))
        assert inside == 1
        # Not committed: everybody else still reads what is public.
        assert store.find(dataset["id"], "ttl", stamp).live
    found = store.find(dataset["id"], "ttl", stamp)
    assert not found.live
    assert found.body is None


def test_what_is_made_while_a_dataset_is_closed_is_not_kept(make_dataset, monkeypatch):
    """The maker reads, the agency closes, the maker is done."""
    dataset = make_dataset(resources=[FILE])
    make = making.make

    def slowly(found):
        made = make(found)
        with model.meta.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE package SET private = true WHERE id = %s", (dataset["id"],)
            )
        return made

    monkeypatch.setattr(making, "make", slowly)
    making.refresh()
    with model.meta.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT ttl, nt FROM hljshare_feed_entry")).all()
    assert not any(text for row in rows for text in row)
