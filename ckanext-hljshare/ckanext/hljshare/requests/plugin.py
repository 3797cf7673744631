"""Requests and their approval: wiring only."""

from __future__ import annotations

from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk

from ckanext.hljshare.requests import audit_cli, cli, follow, wiring
from ckanext.hljshare.requests.files import cli as files_cli

__all__ = ["RequestsPlugin", "audit_cli", "cli", "files_cli"]  # importing attaches commands


@tk.blanket.actions(wiring.get_actions)
@tk.blanket.auth_functions(wiring.get_auth_functions)
@tk.blanket.blueprints(wiring.get_blueprints)
@tk.blanket.config_declarations
@tk.blanket.helpers(wiring.get_helpers)
class RequestsPlugin(p.SingletonPlugin):
    """Wires the requests room into CKAN."""

    p.implements(p.IConfigurer)
    p.implements(p.IPackageController, inherit=True)
    p.implements(p.IValidators)

    def update_config(self, config: Any) -> None:
        """Find the room's pages."""
        tk.add_template_directory(config, "templates")

    def get_validators(self) -> dict[str, Any]:
        """Name the room's validators for the schemas."""
        return wiring.get_validators()

    def after_dataset_update(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        """Have open requests follow a dataset that is moved, opened or closed."""
        follow.dataset_changed(pkg_dict["id"])

    def after_datasets_write(self, context: Any, written: list[dict[str, Any]]) -> None:
        """As above, for a batch in one transaction."""
        follow.datasets_changed([each["id"] for each in written if not each["created"]])

    def after_dataset_delete(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        """Tell both sides of open requests that the dataset is gone."""
        follow.dataset_gone(pkg_dict["id"])
