"""What the plugin offers, gathered from the parts of the room."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from flask import Blueprint

from ckanext.hljshare.requests import (
    apply_views,
    desk_views,
    feed_views,
    handle_views,
    helpers,
    register_views,
)
from ckanext.hljshare.requests.accounts import action as account_action
from ckanext.hljshare.requests.accounts import auth as account_auth
from ckanext.hljshare.requests.accounts import views as account_views
from ckanext.hljshare.requests.collection import action as collection_action
from ckanext.hljshare.requests.collection import auth as collection_auth
from ckanext.hljshare.requests.collection import views as collection_views
from ckanext.hljshare.requests.files import action as file_action
from ckanext.hljshare.requests.files import auth as file_auth
from ckanext.hljshare.requests.files import views as file_views
from ckanext.hljshare.requests.logic import agency, applicant, auth, reading, validators


def _named(*modules: ModuleType) -> dict[str, Any]:
    return {name: getattr(module, name) for module in modules for name in module.__all__}


def get_actions() -> dict[str, Any]:
    """Return the room's actions by name."""
    return _named(applicant, agency, reading, account_action, collection_action, file_action)


def get_auth_functions() -> dict[str, Any]:
    """Return the room's authorization functions by name."""
    return {**auth.get_auth_functions(), **_named(account_auth, collection_auth, file_auth)}


def get_blueprints() -> list[Blueprint]:
    """Return the room's pages."""
    return [
        apply_views.blueprint,
        desk_views.blueprint,
        handle_views.blueprint,
        register_views.blueprint,
        account_views.blueprint,
        feed_views.blueprint,
        collection_views.blueprint,
        file_views.blueprint,
    ]


def get_validators() -> dict[str, Any]:
    """Return the validators that the schemas name."""
    return _named(validators)


def get_helpers() -> dict[str, Any]:
    """Return the room's template helpers."""
    return _named(helpers)
