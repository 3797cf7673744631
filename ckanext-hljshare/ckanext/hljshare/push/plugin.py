"""Push: the intake of the province and the sender of a city. Wiring only."""

from __future__ import annotations

from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckanext.harvest.interfaces import IHarvester
from ckanext.harvest.model import HarvestJob, HarvestObject
from flask import Blueprint

from ckanext.hljshare.push import cli as _cli  # noqa: F401  attaches its commands
from ckanext.hljshare.push import document, source, views, watch
from ckanext.hljshare.push import model as _model  # noqa: F401  declares its tables
from ckanext.hljshare.push.logic import action, auth

__all__ = ["PushPlugin", "watch"]  # importing `watch` gives its notices their words


@tk.blanket.actions(lambda: _own(action))
@tk.blanket.auth_functions(lambda: _own(auth))
@tk.blanket.config_declarations
class PushPlugin(p.SingletonPlugin):
    """Wires the push room into CKAN."""

    p.implements(p.IBlueprint)
    p.implements(IHarvester)

    def get_blueprint(self) -> list[Blueprint]:
        """The addresses below /push/v1."""
        return [views.blueprint]

    def hljshare_openapi(self) -> dict[str, Any]:
        """The description of the interface, for /api/docs."""
        return document.openapi(str(tk.config["ckan.site_url"]))

    def info(self) -> dict[str, str]:
        """The kind push, for the form of harvest sources."""
        return source.info()

    def validate_config(self, config: str) -> str:
        """Its configuration holds its name at most."""
        return source.validate_config(config)

    def gather_stage(self, job: HarvestJob) -> list[str]:
        """Nothing is pulled: the city sends. Nothing is withdrawn either."""
        return source.gather(job)

    def fetch_stage(self, harvest_object: HarvestObject) -> bool:
        """There is nothing to fetch."""
        return True

    def import_stage(self, harvest_object: HarvestObject) -> bool:
        """There is nothing to import."""
        return True


def _own(module: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if name.startswith("hljshare_")}
