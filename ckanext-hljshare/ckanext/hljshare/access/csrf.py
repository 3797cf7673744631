"""CSRF protection that stays.

CKAN 2.12 takes a view out of the protection when it is called with an API token: for everybody,
until the process ends. One such call by anyone would leave every form of the portal open to other
sites. Here the exemption ends with the request that it was made for.
"""

from __future__ import annotations

from typing import Any

import flask
from ckan.config.middleware.flask_app import csrf

_kept: set[str] = set()


def remember(_state: Any) -> None:
    """Keep what is exempt when the application is made: that is meant to be."""
    _kept.update(csrf._exempt_views)


def restore() -> None:
    """Take back what CKAN has added for a request with an API token; call it after the request."""
    if flask.g.get("login_via_auth_header"):
        csrf._exempt_views.intersection_update(_kept)
