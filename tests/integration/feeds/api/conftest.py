"""A small catalog with something of each level, and the portal really served."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ckan.lib.redis import connect_to_redis
from ckan.tests import factories
from ckan.tests.helpers import call_action
from werkzeug.datastructures import FileStorage
from werkzeug.serving import make_server

# Words that stand in what is not open, and nowhere else.
SECRETS = ("zq7address", "zq7column", "zq7rows", "zq7file", "zq7private")


def site() -> dict[str, Any]:
    """The portal itself, as a command or a job acts."""
    return {"user": call_action("get_site_user")["name"], "ignore_auth": True}


def upload(dataset: dict[str, Any], filename: str, text: str, **fields: Any) -> dict[str, Any]:
    """Add a CSV file to a dataset, with its checksum."""
    content = text.encode()
    return call_action(
        "resource_create",
        site(),
        package_id=dataset["id"],
        format="CSV",
        hash=f"sha256:{hashlib.sha256(content).hexdigest()}",
        upload=FileStorage(io.BytesIO(content), filename=filename),
        **{"name": "表", **fields},
    )


def table(file: dict[str, Any], column: str, values: list[str]) -> None:
    """Give a file a table of one column."""
    call_action(
        "datastore_create",
        site(),
        resource_id=file["id"],
        fields=[{"id": column, "type": "text"}],
        records=[{column: value} for value in values],
        force=True,
    )


@dataclass
class Catalog:
    """Names and ids of what `catalog` makes."""

    agency: str
    bus: str
    file: str
    shut: dict[str, str]  # level → name of the dataset
    shut_files: list[str]
    private: str


@pytest.fixture
def catalog(agency, make_dataset) -> Catalog:
    """Return an open dataset with a table and a stricter file, one on request, one closed, and one
    that is not published."""
    bus = make_dataset(
        name="bus",
        title="公交线路",
        share_type="conditional",
        share_condition="业务协同使用",
        resources=[],
    )
    file = upload(bus, "公交线路.csv", "线路名称\n1路\n101路\n", name="公交线路")
    table(file, "线路名称", ["1路", "101路"])
    strict = upload(bus, "zq7file.csv", "zq7rows\n", name="明细", open_type="closed")
    table(strict, "zq7column", ["zq7rows"])
    shut, files = {}, [strict["id"]]
    for level, title in (("on_request", "公交刷卡记录"), ("closed", "公交监控记录")):
        made = make_dataset(
            name=f"shut-{level.replace('_', '-')}",
            title=title,
            open_type=level,
            resources=[{"url": "https://zq7address.example.gov.cn/x.csv", "name": "记录"}],
        )
        shut[level] = made["name"]
        held = upload(made, "zq7file.csv", "zq7rows\n")
        table(held, "zq7column", ["zq7rows"])
        files += [held["id"], made["resources"][0]["id"]]
    private = make_dataset(name="zq7draft", title="公交 zq7private", private=True)
    return Catalog(agency["name"], "bus", file["id"], shut, files, private["name"])


@pytest.fixture
def served(_portal, ckan_config, monkeypatch) -> Iterator[str]:
    """Serve the portal on a port of its own; return its address. Ask for it before `catalog`: the
    index keeps the addresses of files."""
    server = make_server("127.0.0.1", 0, _portal, threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setitem(ckan_config, "ckan.site_url", address)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield address
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def fresh_counters() -> None:
    """Begin to count requests anew."""
    redis = connect_to_redis()
    for key in redis.scan_iter("hljshare:api-rate:*"):
        redis.delete(key)


@pytest.fixture
def person() -> dict[str, Any]:
    """Return a registered person with an API token."""
    return factories.UserWithToken()
