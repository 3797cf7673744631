"""Deadlines: outbox, notices, calendar. Wiring only."""

from __future__ import annotations

from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk

from ckanext.hljshare.deadlines import calendars as _calendars  # noqa: F401  names its handler
from ckanext.hljshare.deadlines import cli as _cli  # noqa: F401  attaches its commands
from ckanext.hljshare.deadlines import model as _model  # noqa: F401  declares its tables
from ckanext.hljshare.deadlines import webhook


@tk.blanket.actions
@tk.blanket.auth_functions
@tk.blanket.config_declarations
@tk.blanket.helpers
class DeadlinesPlugin(p.SingletonPlugin):
    """Wires the deadlines room into CKAN."""

    p.implements(p.IConfigurer)

    def update_config(self, config: Any) -> None:
        """Refuse to start with a webhook that cannot be verified."""
        webhook.check(config)
