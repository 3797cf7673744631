"""What integration tests share: the portal's plugins, and datasets its schema accepts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins as p
import pytest
from ckan import model
from ckan.cli.db import _run_migrations
from ckan.common import config
from ckan.config.middleware import make_app
from ckan.tests import factories
from ckan.tests.helpers import CKANTestApp, call_action

MIGRATED = (
    "hljshare_catalog",
    "hljshare_access",
    "hljshare_ingest",
    "hljshare_deadlines",
    "hljshare_requests",
    "hljshare_push",
    "hljshare_feeds",
    "harvest",
)
BASIS = [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]


@pytest.fixture(scope="session")
def _portal():
    """Load the portal's own list of plugins, with their tables, and make its application: once.

    CKAN's fixtures do both for each test, which takes longer than most of them.
    """
    p.load_all()
    # CKAN's first `clean_db` drops all tables, the plugins' too; told they stand, it empties them.
    if not model.repo.tables_created_and_initialised:
        model.repo.upgrade_db()
        for plugin in MIGRATED:
            if p.plugin_loaded(plugin):
                _run_migrations(plugin, "head", True)
        model.repo.tables_created_and_initialised = True
    config["testing"] = True
    yield make_app(config)
    p.unload_all()


@pytest.fixture(autouse=True)
def with_plugins(_portal):
    """Take the place of CKAN's fixture of this name."""


@pytest.fixture
def app(_portal):
    """Return a client of the portal without cookies; takes the place of CKAN's fixture."""
    return CKANTestApp(_portal)


@pytest.fixture
def agency(clean_db, clean_index) -> dict[str, Any]:
    """Return an agency in an empty portal."""
    return factories.Organization(name="harbin-jtysj", title="哈尔滨市交通运输局", level="agency")


@pytest.fixture
def make_dataset(agency) -> Callable[..., dict[str, Any]]:
    """Return a function that makes a valid dataset of the agency; arguments replace fields."""
    made = 0

    def make(**fields: Any) -> dict[str, Any]:
        nonlocal made
        made += 1
        level = fields.get("open_type", "open")
        values: dict[str, Any] = {
            "name": f"dataset-{made}",
            "title": f"哈尔滨市公交线路信息{made}",
            "notes": "全市公交线路的起点、终点、票价和运营时间。",
            "owner_org": agency["id"],
            "open_type": level,
            "share_type": "unconditional" if level == "open" else "conditional",
            "update_cycle": "monthly",
            "secrecy_review": "办公室 2026-01-05",
        }
        if level != "open":
            values["open_basis"] = BASIS
            values["open_condition"] = "说明用途后提供"
            values["share_condition"] = "业务协同使用"
        values.update(fields)
        return call_action("package_create", {"user": _sysadmin(), "ignore_auth": True}, **values)

    return make


def _sysadmin() -> str:
    return call_action("get_site_user")["name"]
