"""A record's fields as people read them: labels and codes from the dataset's own schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.catalog.language import field_label, language


def shown(fields: Mapping[str, Any], without: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """(label, text) of the fields that say something, in the schema's order, others after them."""
    schema = tk.h.scheming_get_dataset_schema("dataset") or {}
    listed = schema.get("dataset_fields") or []
    known = {field["field_name"]: field for field in listed}
    names = [name for name in known if name in fields]
    names += [name for name in fields if name not in known]
    return [
        (field_label(known[name]) if name in known else name, text)
        for name in names
        if name not in without and (text := _text(known.get(name, {}), fields[name]))
    ]


def _text(field: Mapping[str, Any], value: Any) -> str:
    if isinstance(value, list | tuple):
        subfields = {one["field_name"]: one for one in field.get("repeating_subfields") or []}
        return "；".join(filter(None, (_part(field, subfields, item) for item in value)))
    if isinstance(value, Mapping):
        return _part(field, {}, value)
    if value in (None, ""):
        return ""
    if field.get("codelist"):
        return codelists.label(field["codelist"], str(value), language()) or str(value)
    return str(value)


def _part(field: Mapping[str, Any], subfields: Mapping[str, Any], item: Any) -> str:
    if not isinstance(item, Mapping):
        return _text({key: field[key] for key in field if key == "codelist"}, item)
    return " ".join(
        filter(None, (_text(subfields.get(name, {}), value) for name, value in item.items()))
    )
