"""The harvest source of kind push: how ckanext-harvest sees it, and how one is made for a city."""

from __future__ import annotations

import json
import secrets
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.harvest.model import HarvestJob, HarvestSource

from ckanext.hljshare.ingest import approval, jobs, sources

from . import who

REASON = "pushed-not-pulled"


def info() -> dict[str, str]:
    """Name and words for the form of harvest sources."""
    return {
        "name": who.KIND,
        "title": tk._("Push from a city's portal"),
        "description": tk._("The city sends; nothing is fetched. Made with: hljshare push source"),
        "form_config_interface": "Text",
    }


def validate_config(config: str) -> str:
    """Nothing but the source's name. Raises ValueError."""
    data = json.loads(config or "{}")
    if not isinstance(data, dict) or set(data) - {"source"}:
        raise ValueError("a source of kind push has no configuration")
    return json.dumps(data, ensure_ascii=False)


def gather(job: HarvestJob) -> list[str]:
    """Close a job that somebody has started: it says that this source is pushed."""
    return jobs.give_up(job, REASON)


class Made(NamedTuple):
    """What was made for a city; ``token`` is told once."""

    source: str
    account: str
    token: str | None


def make(city: str, name: str | None = None, *, new_token: bool = False) -> Made:
    """Make the source of a city, its machine account and a token; what is there is kept, and a
    token made only with a new account or on demand. Raises `sources.SourceProblemError`.

    Running it on the server counts as approval (see `ingest.approval`).
    """
    owner = sources.organization(city)
    group = model.Group.get(owner)
    name = name or f"{group.name}-push"
    sources.check_name(name)
    row = sources.find(name)
    if row is None:
        site = str(tk.config["ckan.site_url"]).rstrip("/")
        title = f"{group.title or group.name}（推送）"
        row = sources.create(name, who.KIND, f"{site}/push/v1/batches", owner, None, title)
    elif row.type != who.KIND:
        raise sources.SourceProblemError(f"{name} is a source of kind {row.type}")
    elif model.Package.get(row.id).owner_org != owner:
        raise sources.SourceProblemError(f"{name} belongs to another organization")
    approval.by_operator(HarvestSource.get(row.id))
    account, made = _account(name, group)
    token = None
    if made or new_token:
        answer = tk.get_action("api_token_create")(_context(), {"user": account, "name": name})
        token = str(answer["token"])
    return Made(name, account, token)


def _account(name: str, group: model.Group) -> tuple[str, bool]:
    """The machine account, editor of the city and of nothing else; whether it is new. Nobody knows
    its password."""
    user = model.User.get(name)
    made = user is None
    if user is None:
        tk.get_action("user_create")(
            _context(),
            {
                "name": name,
                "email": f"{name}@push.invalid",
                "password": secrets.token_urlsafe(48),
                "fullname": f"{group.title or group.name}（推送账号）",
            },
        )
        user = model.User.get(name)
    if user.sysadmin or user.state != model.State.ACTIVE:
        raise sources.SourceProblemError(f"the account {name} cannot be used for pushing")
    if not who.may_push(user.id, group.id):
        tk.get_action("organization_member_create")(
            _context(), {"id": group.id, "username": name, "role": "editor"}
        )
    return name, made


def _context() -> dict[str, Any]:
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    return {"user": user, "ignore_auth": True}
