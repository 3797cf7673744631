"""The catalog's wiring into CKAN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.model as model
import ckan.plugins as p
import ckan.plugins.toolkit as tk
import click
from ckan.types import Context

from ckanext.hljshare.catalog import (  # cli attaches commands
    allocation,
    cli,  # noqa: F401
    helpers,
    known,
    search_hooks,
)
from ckanext.hljshare.catalog.logic import action, validators
from ckanext.hljshare.cli import hljshare
from ckanext.hljshare.paths import SCHEMING


def _named(module: Any) -> dict[str, Callable[..., Any]]:
    return {name: getattr(module, name) for name in module.__all__}


@tk.blanket.actions(lambda: {**_named(action), **search_hooks.actions()})
@tk.blanket.auth_functions
@tk.blanket.blueprints(search_hooks.blueprints)
@tk.blanket.config_declarations
@tk.blanket.helpers(lambda: {**_named(helpers), **search_hooks.helpers()})
@tk.blanket.validators(lambda: {**_named(validators), **known.in_place_of_stock()})
class CatalogPlugin(search_hooks.SearchHooks):
    """Metadata, resource codes, organizations; search comes from the base class."""

    p.implements(p.IClick)
    p.implements(p.IConfigurer)
    p.implements(p.IPackageController, inherit=True)

    # IClick

    def get_commands(self) -> list[click.Command]:
        """The group of all rooms."""
        return [hljshare]

    # IConfigurer

    def update_config(self, config: Any) -> None:
        """Templates, and the province's licences unless the site names others."""
        tk.add_template_directory(config, "templates")
        if not config.get("licenses_group_url"):
            # CKAN opens this as it stands after the scheme: a path with blanks must not be quoted.
            config["licenses_group_url"] = f"file://{SCHEMING / 'licenses.json'}"

    # IPackageController: resource codes

    def after_dataset_create(self, context: Context, pkg_dict: dict[str, Any]) -> None:
        """Give a new public dataset its code."""
        self._assign_code(pkg_dict)

    def after_dataset_update(self, context: Context, pkg_dict: dict[str, Any]) -> None:
        """Give a dataset its code when it becomes public."""
        self._assign_code(pkg_dict)

    def after_datasets_write(self, context: Context, written: list[dict[str, Any]]) -> None:
        """As above, for a batch in one transaction."""
        try:
            allocation.assign_many(
                [context["session"].get(model.Package, d["id"]) for d in written]
            )
        except allocation.CodeTakenError as error:
            raise tk.ValidationError(
                {"resource_code": [tk._("Another dataset has this resource code")]}
            ) from error

    def _assign_code(self, pkg_dict: dict[str, Any]) -> None:
        package = model.Package.get(pkg_dict["id"])
        if package is None:
            return
        try:
            allocation.assign(package)
        except allocation.CodeTakenError as error:
            model.Session.rollback()
            raise tk.ValidationError(
                {"resource_code": [tk._("Another dataset has this resource code")]}
            ) from error
