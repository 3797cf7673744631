"""A city's portal as a process: reads what to do, a line of JSON each, from its standard input."""

from __future__ import annotations

import json
import os
import sys
import traceback
from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from typing import Any

import ckan.plugins.toolkit as tk
import freezegun
from ckan import model
from ckan.cli import CKANConfigLoader
from ckan.common import config
from ckan.config.middleware import make_app
from ckan.lib.search import clear_all
from ckan.tests import factories, helpers
from click.testing import CliRunner

from tests.integration.conftest import BASIS


def reset(settings: dict[str, str]) -> None:
    """An empty portal of Harbin with one agency."""
    model.Session.remove()
    model.repo.tables_created_and_initialised = True
    helpers.reset_db()
    clear_all()
    config.update(settings)
    factories.Organization(
        name="harbin", title="哈尔滨市", level="city", region_code="230100",
        contact_phone="0451-12345",
    )  # fmt: skip
    factories.Organization(
        name="harbin-jtysj", title="哈尔滨市交通运输局", level="agency", parent="harbin",
        region_code="230100", contact_phone="0451-84601234",
    )  # fmt: skip


def create(**fields: Any) -> str:
    """A dataset of the agency; its id."""
    level = fields.get("open_type", "open")
    values: dict[str, Any] = {
        "notes": "全市公交线路的起点、终点、票价和运营时间。",
        "owner_org": "harbin-jtysj",
        "open_type": level,
        "share_type": "unconditional" if level == "open" else "conditional",
        "update_cycle": "monthly",
        "secrecy_review": "办公室 2026-01-05",
        "items": [{"name": "线路名称", "data_type": "C", "length": "20"}],
        "tags": [{"name": "公交"}, {"name": "线路"}],
    }
    if level != "open":
        values |= {
            "open_basis": BASIS,
            "open_condition": "说明用途后提供",
            "share_condition": "业务协同使用",
        }
    return str(_act("package_create", **{**values, **fields})["id"])


def patch(**fields: Any) -> None:
    """Change a dataset."""
    _act("package_patch", **fields)


def delete(**fields: Any) -> None:
    """Delete a dataset."""
    _act("package_delete", **fields)


def cli(arguments: list[str], clock: float = 0) -> tuple[int, str]:
    """Run `ckan hljshare push …` by a clock that is so many days off; exit code and output."""
    from ckanext.hljshare.push.cli import push

    wrong = datetime.now(timezone.utc) + timedelta(days=clock)
    with freezegun.freeze_time(wrong, tick=True) if clock else nullcontext():
        result = CliRunner().invoke(push, arguments)
    model.Session.remove()
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def execute(sql: str) -> None:
    """Break something."""
    from sqlalchemy import text

    model.Session.execute(text(sql))
    model.Session.commit()


def _act(action: str, /, **values: Any) -> Any:
    site = helpers.call_action("get_site_user")["name"]
    context = {"user": site, "ignore_auth": True}
    return tk.get_action(action)(context, values)


DO = {
    "reset": reset, "create": create, "patch": patch, "delete": delete, "cli": cli,
    "execute": execute,
}  # fmt: skip


def main() -> None:
    """Until the input ends."""
    app = make_app(CKANConfigLoader(os.environ["CKAN_INI"]).get_config())
    with app._wsgi_app.test_request_context():  # type: ignore[attr-defined]
        for line in sys.stdin:
            values = json.loads(line)
            try:
                answer = {"result": DO[values.pop("do")](**values)}
            except BaseException:
                answer = {"error": traceback.format_exc()}
            print("answer: " + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
