"""The demo province's accounts: made once, with passwords that only this installation knows."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import yaml
from ckan import model

MINIMUM_KEY = 32


def read(path: Path) -> list[dict[str, Any]]:
    """Return the accounts of a YAML file: name, fullname, organization and role, sysadmin."""
    return yaml.safe_load(path.read_text("utf-8"))


def password(key: str, name: str) -> str:
    """Derive an account's password (20 characters) from the installation's secret.

    Raises ValueError for a key shorter than `MINIMUM_KEY` characters.
    """
    if len(key) < MINIMUM_KEY:
        raise ValueError("the key of the demo accounts is missing or too short")
    digest = hmac.new(key.encode(), name.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest)[:20].decode().lower()


def load(accounts: Sequence[Mapping[str, Any]], key: str) -> int:
    """Make the accounts that are not there yet and give them their roles; return how many."""
    made = 0
    site_user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    for account in accounts:
        user = model.User.get(account["name"])
        if user is None:
            tk.get_action("user_create")(
                {"user": site_user, "ignore_auth": True},
                {
                    "name": account["name"],
                    "fullname": account["fullname"],
                    "email": f"{account['name']}@example.org",
                    "password": password(key, account["name"]),
                },
            )
            user = model.User.get(account["name"])
            made += 1
        if account.get("sysadmin") and not user.sysadmin:
            user.sysadmin = True
            model.Session.commit()
        if account.get("organization"):
            tk.get_action("organization_member_create")(
                {"user": site_user, "ignore_auth": True},
                {
                    "id": account["organization"],
                    "username": account["name"],
                    "role": account["role"],
                },
            )
    return made
