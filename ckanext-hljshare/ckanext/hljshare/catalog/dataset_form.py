"""ckanext-scheming's dataset plugin, with what it lacks on CKAN 2.12."""

from __future__ import annotations

from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan.types import Context
from ckanext.scheming.helpers import scheming_get_dataset_schema
from ckanext.scheming.plugins import SchemingDatasetsPlugin

from ckanext.hljshare.catalog import batch_validation, forms, known


@tk.side_effect_free
def _schema_show(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The schema of a dataset type.

    :param type: the dataset type
    :param expanded: with its presets (default)
    """
    if not data_dict.get("type"):
        raise tk.ValidationError({"type": [tk._("Missing value")]})
    found: dict[str, Any] | None = scheming_get_dataset_schema(
        data_dict["type"], data_dict.get("expanded", True)
    )
    if found is None:
        raise tk.ObjectNotFound()
    return found


class DatasetFormPlugin(SchemingDatasetsPlugin):
    """Load it as ``hljshare_datasets`` instead of ``scheming_datasets``; options and helpers are
    scheming's own.
    """

    p.implements(p.IDatasetForm, inherit=True)

    def get_actions(self) -> dict[str, Any]:
        """Scheming's own, but for the schema's: ckanext-dcat asks twice for each dataset that is
        indexed, and scheming's validates the question each time."""
        return {**super().get_actions(), "scheming_dataset_schema_show": _schema_show}

    def package_form(self) -> str:
        """The form in sections."""
        return "catalog/package_form.html"

    def resource_validation_dependencies(self, package_type: str) -> list[str]:
        """CKAN skips unchanged files on update; these fields decide where a file's address may
        stand.
        """
        return ["open_type", "private", "owner_org", "state", "withdrawn_on"]

    def validate(
        self, context: Context, data_dict: dict[str, Any], schema: dict[str, Any], action: str
    ) -> Any:
        """Bring form and API input into one shape, then validate as scheming does."""
        action_type = action.rpartition("_")[2]
        scheming_schema = self._expanded_schemas.get(data_dict.get("type"))
        if action_type != "show" and scheming_schema:
            for field in scheming_schema["dataset_fields"]:
                if "repeating_subfields" in field:
                    forms.collect_rows(data_dict, field["field_name"])
            unread = forms.unread_rows(data_dict, scheming_schema["dataset_fields"])
            if unread:
                # CKAN would answer with a DataError that names no field.
                return data_dict, {name: [tk._("A list of objects is expected")] for name in unread}
            forms.clean_tags(data_dict)
        lookups = known.of(context)
        if lookups is None or not scheming_schema or action_type == "show":
            return super().validate(context, data_dict, schema, action)
        composed = lookups.answer(
            ("schema", action),
            lambda: batch_validation.schema_of(self, data_dict, schema, action),
        )
        validate = lookups.answer("validate", batch_validation.validator)
        return validate(data_dict, composed, context)
