"""Feeds: DCAT, the national catalog list, sitemaps, the description of the API. Wiring only."""

from __future__ import annotations

from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk

from ckanext.hljshare.feeds import cli, wiring
from ckanext.hljshare.feeds.entries import model as _model  # noqa: F401  declares its tables

__all__ = ["FeedsPlugin", "cli"]  # importing `cli` attaches its commands


@tk.blanket.actions(wiring.get_actions)
@tk.blanket.blueprints(wiring.get_blueprints)
@tk.blanket.config_declarations
class FeedsPlugin(p.SingletonPlugin):
    """Wires the feeds room into CKAN."""

    p.implements(p.IConfigurer)

    def update_config(self, config: Any) -> None:
        """Add the room's templates and assets."""
        tk.add_template_directory(config, "templates")
        tk.add_template_directory(config, "api/templates")
        tk.add_resource("api/assets", "hljshare_api")
