"""Access: the policy's gates, the vault, downloads."""

from __future__ import annotations

from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.plugins import DefaultPermissionLabels

from ckanext.hljshare.access import batch, cli, storage, vault, wiring
from ckanext.hljshare.access.changes import record
from ckanext.hljshare.access.logic import stock
from ckanext.hljshare.access.upload import NamedResourceUpload

MINIMUM_SECRET = 32

__all__ = ["AccessPlugin", "cli"]  # importing `cli` attaches its commands


@tk.blanket.actions(wiring.get_actions)
@tk.blanket.auth_functions(wiring.get_auth_functions)
@tk.blanket.blueprints(wiring.get_blueprints)
@tk.blanket.config_declarations
@tk.blanket.helpers
class AccessPlugin(p.SingletonPlugin, DefaultPermissionLabels):
    """Wires the access room into CKAN."""

    p.implements(p.IConfigurer)
    p.implements(p.IFiles, inherit=True)
    p.implements(p.IPackageController, inherit=True)
    p.implements(p.IPermissionLabels)
    p.implements(p.IResourceController, inherit=True)
    p.implements(p.IUploader, inherit=True)
    p.implements(p.IValidators)

    def update_config(self, config: Any) -> None:
        """Refuse to start with a secret that can be guessed."""
        if len(config.get("SECRET_KEY") or "") < MINIMUM_SECRET:
            raise tk.ValidationError(
                {"SECRET_KEY": [f"set a random secret of at least {MINIMUM_SECRET} characters"]}
            )
        tk.add_template_directory(config, "templates")

    def get_validators(self) -> dict[str, Any]:
        """Name the room's validators for the schemas."""
        return wiring.get_validators()

    def get_resource_uploader(self, data_dict: dict[str, Any]) -> NamedResourceUpload:
        """Keep Chinese file names."""
        return NamedResourceUpload(data_dict)

    def get_uploader(self, upload_to: str, old_filename: str | None = None) -> None:
        """Images go CKAN's own way."""

    def get_dataset_labels(self, dataset_obj: Any) -> list[str]:
        """Show a harvest source, with its configuration, to its owner's members only."""
        if dataset_obj.type == "harvest":
            owner = dataset_obj.owner_org
            return [f"member-{owner}" if owner else f"creator-{dataset_obj.creator_user_id}"]
        return super().get_dataset_labels(dataset_obj)

    def after_dataset_create(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        """Store protected addresses and the levels published in the same transaction."""
        vault.save(pkg_dict.get("resources") or [])
        record.after_write(context, pkg_dict["id"], created=True)

    def after_dataset_update(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        """Store protected addresses in the same transaction; order what must follow it."""
        resources = pkg_dict.get("resources") or []
        vault.save(resources)
        vault.forget_deleted(pkg_dict["id"])
        storage.put_place([resource["id"] for resource in resources])
        storage.put_erase_deleted(pkg_dict["id"])
        record.after_write(context, pkg_dict["id"])

    def after_datasets_write(self, context: Any, written: list[dict[str, Any]]) -> None:
        """As after each creation and update, for a batch in one transaction."""
        batch.written(context, written)

    def after_dataset_delete(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        """Forget the protected addresses of a deleted dataset."""
        package = model.Package.get(pkg_dict["id"])
        if package:
            ids = [resource.id for resource in package.resources_all]
            vault.forget(ids)
            storage.put_place(ids)

    def before_resource_update(
        self, context: Any, current: dict[str, Any], resource: dict[str, Any]
    ) -> None:
        """Keep what the edit form does not show, as long as the file stays the same."""
        if resource.get("upload") or resource.get("url_type") != "upload":
            return
        for key in ("filename", "locator_updated", "size", "hash", "mimetype"):
            if key not in resource and current.get(key):
                resource[key] = current[key]

    def files_file_allows(self, context: Any, file: Any, operation: str) -> bool | None:
        """Shut CKAN's own way to stored files."""
        return stock.file_allows(context, file, operation)

    def files_owner_allows(
        self, context: Any, owner_type: str, owner_id: str, operation: str
    ) -> bool | None:
        """List no dataset's files."""
        return stock.owner_allows(context, owner_type, owner_id, operation)
