"""Ingest: what harvesters and push share. Wiring only."""

from __future__ import annotations

from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk

from ckanext.hljshare.ingest import approval, reasons
from ckanext.hljshare.ingest import cli as _cli  # noqa: F401  attaches its commands
from ckanext.hljshare.ingest import model as _model  # noqa: F401  declares its tables
from ckanext.hljshare.ingest.logic import action, auth, maps, sources


@tk.blanket.actions(lambda: {**_own(action), **_named(sources), **_named(maps)})
@tk.blanket.auth_functions(lambda: _own(auth))
@tk.blanket.config_declarations
class IngestPlugin(p.SingletonPlugin):
    """Wires the ingest room into CKAN."""

    p.implements(p.ITemplateHelpers)
    p.implements(p.IPackageController, inherit=True)

    def get_helpers(self) -> dict[str, Any]:
        """Reasons in words, for pages."""
        return {"hljshare_ingest_reason": reasons.describe}

    def after_dataset_create(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        """Keep who made a harvest source."""
        if pkg_dict.get("type") == "harvest":
            approval.noted(context, pkg_dict)

    def after_dataset_update(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        """Keep who changed a harvest source."""
        if pkg_dict.get("type") == "harvest":
            approval.noted(context, pkg_dict)


def _own(module: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if name.startswith("hljshare_")}


def _named(module: Any) -> dict[str, Any]:
    return {name: getattr(module, name) for name in module.__all__}
