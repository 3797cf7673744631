"""What the plugin offers, gathered from the parts of the room."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from flask import Blueprint

from ckanext.hljshare.access import restricted_views, stock_views, vault, views
from ckanext.hljshare.access import webhook as _webhook  # noqa: F401  names its handler
from ckanext.hljshare.access.changes import action as change_action
from ckanext.hljshare.access.changes import auth as change_auth
from ckanext.hljshare.access.changes import record
from ckanext.hljshare.access.changes import views as change_views
from ckanext.hljshare.access.grants import validators
from ckanext.hljshare.access.grants import views as grant_views
from ckanext.hljshare.access.logic import action, auth, guards, stock


def _named(module: ModuleType) -> dict[str, Any]:
    return {name: getattr(module, name) for name in module.__all__}


def get_actions() -> dict[str, Any]:
    """Return the room's actions by name."""
    return {
        **action.get_actions(),
        **guards.get_actions(),
        **stock.get_actions(),
        **_named(change_action),
    }


def get_auth_functions() -> dict[str, Any]:
    """Return the room's authorization functions by name."""
    return {**auth.get_auth_functions(), **stock.get_auth_functions(), **_named(change_auth)}


def get_blueprints() -> list[Blueprint]:
    """Return the room's pages."""
    return [
        views.blueprint,
        restricted_views.blueprint,
        grant_views.blueprint,
        stock_views.blueprint,
        change_views.blueprint,
    ]


def get_validators() -> dict[str, Any]:
    """Return the validators that the schemas name."""
    return {
        "hljshare_vault_url": vault.protect_url,
        "hljshare_levels": record.hljshare_levels,
        **_named(validators),
    }
