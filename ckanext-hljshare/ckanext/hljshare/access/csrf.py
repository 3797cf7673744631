"""CSRF protection that stays.

CKAN 2.12 takes a view out of the protection when it is called with an API token, or by nobody's
session: for everybody, until the process ends. One such call by anyone would leave every form of
the portal open to other sites. Here the exemption is that of the request it was made for, and of no
other that another thread answers at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import flask
from ckan.config.middleware.flask_app import csrf


class Exempt(set[str]):
    """Names of views: those that were exempt when the application was made, for good; what is added
    while a request is answered, for that request."""

    def add(self, name: str) -> None:
        """Exempt a view."""
        if flask.has_request_context():
            flask.g.setdefault("hljshare_csrf_exempt", set()).add(name)
        else:
            super().add(name)

    def __contains__(self, name: object) -> bool:
        if super().__contains__(name):
            return True
        return flask.has_request_context() and name in flask.g.get("hljshare_csrf_exempt", ())


def keep(_state: Any) -> None:
    """Let exemptions end with their requests, from now on."""
    standing: Iterable[str] = csrf._exempt_views
    csrf._exempt_views = Exempt(standing)
