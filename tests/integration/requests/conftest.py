"""People and a restricted dataset, for requests; and a clock that tests set."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action

ZONE = ZoneInfo("Asia/Shanghai")
WISH = {
    "demand_type": "file",
    "description": "近三年全市公交线路客流，按线路和月份汇总",
    "theme": "交通运输",
    "format": "CSV",
    "purpose": "研究公交线网优化",
    "applicant_kind": "person",
    "applicant_name": "王小明",
    "contact": "13900001234",
    "agreement": True,
}


def at(text: str) -> datetime:
    """A moment in China: `2026-02-05 09:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.fixture
def clock(monkeypatch) -> Callable[[str | datetime], datetime]:
    """Return a function that sets what requests, and the grants they lead to, take as now."""
    from ckanext.hljshare.access import model as access
    from ckanext.hljshare.requests import model as requests

    real = (requests.now, access.now)
    modules = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("ckanext.hljshare.") and getattr(module, "now", None) in real
    ]

    def put(moment: str | datetime) -> datetime:
        value = at(moment) if isinstance(moment, str) else moment
        for module in modules:
            monkeypatch.setattr(module, "now", lambda: value)
        return value

    return put


def _person(name: str, **values: Any) -> dict[str, Any]:
    """Make an account without a password: hashing eight of them takes longer than most tests."""
    user = model.User(name=name, fullname=name.title(), email=f"{name}@example.org", **values)
    model.Session.add(user)
    model.Session.commit()
    return {"id": user.id, "name": name, "fullname": user.fullname, "email": user.email}


@pytest.fixture
def house(clean_db, clean_index) -> SimpleNamespace:
    """Return a province with a city, an agency and another one, and their people, by name."""
    names = (
        "applicant",
        "stranger",
        "handler",
        "approver",
        "city",
        "province",
        "outsider",
        "consumer",
    )
    users = {name: _person(name) for name in names}

    def organization(name: str, title: str, level: str, parent: str | None, **people: str) -> dict:
        members = [{"name": user, "capacity": role} for user, role in people.items()]
        groups = [{"name": parent}] if parent else []
        return factories.Organization(
            name=name, title=title, level=level, groups=groups, users=members
        )

    province = organization("hlj", "黑龙江省", "province", None, province="admin")
    city = organization("harbin", "哈尔滨市", "city", "hlj", city="admin")
    agency = organization(
        "harbin-jtysj", "哈尔滨市交通运输局", "agency", "harbin", handler="editor", approver="admin"
    )
    other = organization(
        "daqing-sthjj", "大庆市生态环境局", "agency", "hlj", outsider="admin", consumer="editor"
    )
    _person("root", sysadmin=True)
    return SimpleNamespace(users=users, province=province, city=city, agency=agency, other=other)


@pytest.fixture
def dataset(house) -> dict[str, Any]:
    """Return a dataset on request of the agency, with a file."""
    return call_action(
        "package_create",
        {"user": "root", "ignore_auth": True},
        name="bus-flows",
        title="哈尔滨市公交客流信息",
        notes="按线路和月份的客流。",
        owner_org=house.agency["id"],
        open_type="on_request",
        open_basis=[{"law": "中华人民共和国数据安全法", "article": "第三十八条"}],
        open_condition="说明用途",
        share_type="conditional",
        share_condition="业务协同使用",
        update_cycle="monthly",
        secrecy_review="办公室 2026-01-05",
        resources=[
            {"url": "https://city.example.org/secret/flows.csv", "name": "客流", "format": "CSV"},
            {"url": "https://city.example.org/secret/stops.csv", "name": "站点", "format": "CSV"},
        ],
    )


@pytest.fixture
def call(house) -> Callable[..., Any]:
    """Return a function that calls an action on requests as somebody."""

    def do(user: str | None, action: str, **data: Any) -> Any:
        from ckan.plugins import toolkit as tk

        context = {"user": user or "", "ignore_auth": False}
        name = action if action.startswith("hljshare_") else f"hljshare_request_{action}"
        return tk.get_action(name)(context, data)

    return do


@pytest.fixture
def submitted(call, dataset) -> Callable[..., dict[str, Any]]:
    """Return a function that makes and submits a request on the dataset; arguments replace."""

    def make(user: str = "applicant", **fields: Any) -> dict[str, Any]:
        wish = {"dataset": dataset["name"], **WISH, **fields}
        draft = call(user, "create", **{k: v for k, v in wish.items() if v is not None})
        return call(user, "submit", id=draft["id"])

    return make
