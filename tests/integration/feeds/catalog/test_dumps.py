"""The whole catalog in one file: complete, resumable, made anew only where something changed."""

from __future__ import annotations

import base64
import gzip
import hashlib

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.lib.redis import connect_to_redis
from ckan.tests.helpers import call_action
from rdflib import Graph, Literal
from rdflib.compare import isomorphic

from ckanext.hljshare.feeds.catalog import dumps, store, views
from ckanext.hljshare.feeds.entries import making
from ckanext.hljshare.feeds.entries.store import EVERYTHING
from tests.integration.feeds.catalog.conftest import NAMES, ids_of

pytestmark = pytest.mark.usefixtures("small_pages")


def _graph(data: bytes, ending: str = "nt") -> Graph:
    return Graph().parse(data=gzip.decompress(data), format=NAMES[ending])


def _get(app, address="/catalog/dump.nt.gz", **options):
    return app.get(address, **options)


@pytest.fixture
def catalog(make_dataset):
    return [make_dataset(open_type=level) for level in ("open", "on_request", "closed") * 3]


def test_it_holds_what_the_pages_hold_in_every_syntax(catalog, app, walk):
    shown = {
        ending: _graph(_get(app, f"/catalog/dump.{ending}.gz").data, ending) for ending in NAMES
    }
    assert ids_of(shown["nt"]) == sorted(walk("/catalog.nt").ids)
    assert all(isomorphic(shown["nt"], graph) for graph in shown.values())


def test_an_empty_catalog_has_one_too(clean_db, app):
    for ending in NAMES:
        assert ids_of(_graph(_get(app, f"/catalog/dump.{ending}.gz").data, ending)) == []


def test_its_checksum_is_announced(catalog, app):
    answer = _get(app)
    digest = hashlib.sha256(answer.data).digest()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    listed = app.get("/catalog/dump.nt.gz.sha256").body
    assert listed == f"{digest.hex()}  catalog.nt.gz\n"


def test_a_checksum_names_the_file_it_is_of(catalog, app):
    for query in ("city=230100", "agency=harbin-jtysj", "city=230100&agency=harbin-jtysj"):
        sent = _get(app, f"/catalog/dump.nt.gz?{query}")
        name = sent.headers["Content-Disposition"].split('"')[1]
        listed = app.get(f"/catalog/dump.nt.gz.sha256?{query}").body
        assert listed == f"{hashlib.sha256(sent.data).hexdigest()}  {name}\n"


def test_a_broken_download_is_taken_up_again(catalog, app):
    whole = _get(app)
    half = len(whole.data) // 2
    rest = _get(
        app,
        headers={"Range": f"bytes={half}-", "If-Range": whole.headers["ETag"]},
        status=206,
    )
    assert whole.data[:half] + rest.data == whole.data
    assert rest.headers["Content-Range"] == f"bytes {half}-{len(whole.data) - 1}/{len(whole.data)}"


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("0-0", 0, 1), ("10-19", 10, 20), ("-7", -7, None), ("5-999999999", 5, None)],
)
def test_any_range_is_a_piece_of_the_whole(catalog, app, asked, start, stop):
    whole = _get(app).data
    answer = _get(app, headers={"Range": f"bytes={asked}"}, status=206)
    assert answer.data == whole[start:stop]
    assert int(answer.headers["Content-Length"]) == len(answer.data)


def test_a_range_behind_the_end_is_refused_and_others_are_the_whole(catalog, app):
    whole = _get(app)
    answer = _get(app, headers={"Range": "bytes=999999999-"}, status=416)
    assert answer.headers["Content-Range"] == f"bytes */{len(whole.data)}"
    later = {"Range": "bytes=1-", "If-Range": "Wed, 01 Jan 2031 00:00:00 GMT"}
    for headers in ({"Range": "items=0-1"}, {"Range": "bytes=0-1,5-6"}, {"Range": "?"}, later):
        assert _get(app, headers=headers, status=200).data == whole.data


def test_its_head_says_how_long_it_is(catalog, app):
    whole, head = _get(app), app.flask_app.test_client().head("/catalog/dump.nt.gz")
    assert int(head.headers["Content-Length"]) == len(whole.data)
    assert head.headers["ETag"] == whole.headers["ETag"]
    assert head.data == b""


def test_a_download_of_what_has_changed_begins_again(catalog, app):
    whole = _get(app)
    call_action("package_patch", {"ignore_auth": True}, id=catalog[0]["id"], title="新的标题")
    again = _get(app, headers={"Range": "bytes=100-", "If-Range": whole.headers["ETag"]})
    assert again.status_code == 200
    assert (None, None, Literal("新的标题", lang="zh")) in _graph(again.data)


def test_it_is_not_sent_again_while_nothing_changes(catalog, app):
    etag = _get(app).headers["ETag"]
    assert _get(app, headers={"If-None-Match": etag}, status=304).data == b""
    assert _get(app, "/catalog/dump.ttl.gz", headers={"If-None-Match": etag}).status_code == 200


def test_one_change_makes_one_part_anew(catalog, app, monkeypatch):
    _get(app)
    made = []
    make = making.make
    monkeypatch.setattr(making, "make", lambda dataset: made.append(dataset["id"]) or make(dataset))
    kept = []
    keep = store.keep
    monkeypatch.setattr(
        store, "keep", lambda *values: kept.append(values[3].number) or keep(*values)
    )
    call_action("package_patch", {"ignore_auth": True}, id=catalog[4]["id"], title="新的标题")
    _get(app)
    assert made == [catalog[4]["id"]]
    assert len(kept) == 1


def test_a_dataset_that_is_withdrawn_is_in_no_dump_from_the_commit_on(catalog, app):
    _get(app)
    call_action("package_patch", {"ignore_auth": True}, id=catalog[0]["id"], private=True)
    assert catalog[0]["id"] not in ids_of(_graph(_get(app).data))
    dumps.refresh()
    with model.meta.engine.connect() as connection:
        bodies = connection.scalars(
            sa.text("SELECT body FROM hljshare_feed_part WHERE syntax = 'nt'")
        )
        assert not any(
            catalog[0]["id"].encode() in gzip.decompress(body) for body in bodies if body
        )


def test_a_city_has_its_own(catalog, make_dataset, app):
    there = make_dataset(region_code="230600")
    assert ids_of(_graph(_get(app, "/catalog/dump.nt.gz?city=230600").data)) == [there["id"]]


def test_a_write_between_making_and_reading_is_not_lost(catalog, monkeypatch):
    build, changed = dumps.build, catalog[0]["id"]
    done = []

    def and_write(scope, ending, patient):
        build(scope, ending, patient)
        if not done:
            done.append(True)
            call_action("package_patch", {"ignore_auth": True}, id=changed, title="中途修改")

    monkeypatch.setattr(dumps, "build", and_write)
    made = dumps.make(EVERYTHING, "ttl")
    assert "中途修改" in gzip.decompress(b"".join(made.read())).decode()
    made.close()


def test_where_much_is_to_be_made_a_reader_is_asked_to_come_again(catalog, app, monkeypatch):
    monkeypatch.setattr(dumps, "MOST_PARTS", 1)
    connect_to_redis().delete(views.ORDERED)
    answer = _get(app, status=503)
    assert int(answer.headers["Retry-After"]) > 0
    dumps.make_ready()  # the job that was ordered
    assert len(ids_of(_graph(_get(app).data))) == len(catalog)


def test_a_dataset_that_leaves_a_city_while_another_changes_is_in_none_of_its_dumps(
    make_dataset, app
):
    """Numbers that stand for what a part holds must not come back with other content."""
    stays, leaves = (make_dataset(region_code="230100") for _number in range(2))
    address = "/catalog/dump.nt.gz?city=230100"
    assert len(ids_of(_graph(_get(app, address).data))) == 2
    with model.meta.engine.begin() as connection:
        for dataset, change in ((stays, "private = true"), (leaves, "owner_org = owner_org")):
            connection.exec_driver_sql(
                f"UPDATE package SET {change}, extras = extras || "
                '\'{"region_code": "230600"}\' WHERE id = %s',
                (dataset["id"],),
            )
    assert ids_of(_graph(_get(app, address).data)) == []
