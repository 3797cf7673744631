"""A province with two cities, each with a source of kind push and its machine account."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.lib.redis import connect_to_redis
from ckan.tests import factories

from ckanext.hljshare.push import source

NDJSON = "application/x-ndjson"


def content_digest(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def record(native_id: str, **fields: Any) -> dict[str, Any]:
    """A record that can be published."""
    more = {name: fields.pop(name) for name in ("provider", "resources", "title") if name in fields}
    level = fields.get("open_type", "open")
    values = {
        "notes": "全市公交线路的起点、终点、票价和运营时间。",
        "open_type": level,
        "share_type": "unconditional" if level == "open" else "conditional",
        "update_cycle": "monthly",
        "items": [{"name": "线路名称"}],
    }
    if level != "open":
        values["open_basis"] = [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]
        values["open_condition"] = "说明用途后提供"
        values["share_condition"] = "业务协同使用"
    return {
        "native_id": native_id,
        "title": f"哈尔滨市公交线路信息{native_id}",
        "provider": "哈尔滨市交通运输局",
        "fields": {**values, **fields},
        "tags": ["公交"],
        "resources": [],
        **more,
    }


def upsert(native_id: str, **fields: Any) -> dict[str, Any]:
    return {"op": "upsert", "record": record(native_id, **fields)}


def delete(native_id: str) -> dict[str, Any]:
    return {"op": "delete", "id": native_id}


def ndjson(lines: list[Any]) -> bytes:
    parts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return b"".join(part + b"\n" for part in parts)


@dataclass
class Pusher:
    """A city's program."""

    app: Any
    token: str
    source: str

    def put(
        self,
        lines: list[Any] | bytes,
        key: str | None = None,
        *,
        path: str | None = None,
        packed: bool = False,
        query: str = "",
        **headers: str,
    ) -> Any:
        body = lines if isinstance(lines, bytes) else ndjson(lines)
        body = gzip.compress(body) if packed else body
        sent = {
            "Authorization": self.token,
            "Content-Type": NDJSON,
            "Content-Digest": content_digest(body),
            **({"Content-Encoding": "gzip"} if packed else {}),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        sent = {name: value for name, value in sent.items() if value}
        address = path or f"/push/v1/batches/{key or uuid.uuid4()}"
        answer = self.app.test_client().put(address + query, data=body, headers=sent)
        assert answer.body is not None  # read to its end, as the lines are settled on the way
        return answer

    def get(self, path: str, **headers: str) -> Any:
        return self.app.get(f"/push/v1/{path}", headers={"Authorization": self.token, **headers})


def parsed(response: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Results and receipt of an answer."""
    assert response.status_code == 200, response.body
    *results, last = [json.loads(line) for line in response.body.splitlines()]
    return results, last["receipt"]


def outcomes(response: Any) -> list[str]:
    return [result["outcome"] for result in parsed(response)[0]]


def problem(response: Any) -> tuple[int, str]:
    assert response.headers["Content-Type"] == "application/problem+json"
    found = json.loads(response.body)
    assert found["status"] == response.status_code
    return found["status"], found["code"]


def package(native_id: str, pusher: Pusher) -> model.Package | None:
    """The dataset of a record, as it is in the database."""
    from ckanext.hljshare.ingest import naming

    model.Session.expire_all()
    owner = model.Package.get(pusher.source)
    return model.Package.get(naming.dataset_id(owner.id, native_id))


@pytest.fixture
def province(clean_db, clean_index):
    """Return the organizations by name; counters of offered batches begin anew."""
    redis = connect_to_redis()
    for key in redis.scan_iter(f"hljshare:push:{tk.config['ckan.site_id']}:*"):
        redis.delete(key)
    found = {"province": factories.Organization(name="hlj", title="黑龙江省", level="province")}
    for name, title, region in (
        ("harbin", "哈尔滨市", "230100"),
        ("qiqihar", "齐齐哈尔市", "230200"),
    ):
        found[name] = factories.Organization(
            name=name,
            title=title,
            level="city",
            parent="hlj",
            region_code=region,
            contact_phone="0451-12345",
        )
        found[f"{name}-jtysj"] = factories.Organization(
            name=f"{name}-jtysj",
            title=f"{title}交通运输局",
            level="agency",
            parent=name,
            region_code=region,
            contact_phone="0451-84601234",
        )
    return found


@pytest.fixture
def harbin(app, province) -> Pusher:
    """Return Harbin's program."""
    made = source.make("harbin")
    return Pusher(app, made.token, made.source)


@pytest.fixture
def qiqihar(app, province) -> Pusher:
    """Return Qiqihar's program."""
    made = source.make("qiqihar")
    return Pusher(app, made.token, made.source)
