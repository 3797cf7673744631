"""A dataset as CKAN's show schemas give it, without running them.

What is stored has been validated; on its way out CKAN validates it twice more, for the search index
alone. For datasets of the portal's schema the outcome follows from the schema's fields by three
rules (extras are fields, JSON is read, empty fields are left out). A batch compares the first of
its datasets with CKAN's own way and goes CKAN's way for all of them should they ever differ
(:func:`agrees`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.lib import plugins as lib_plugins
from ckan.lib.navl.dictization_functions import MissingNullEncoder
from ckan.logic.schema import default_show_package_schema

Reader = Callable[[Any], Any]


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _readers(field: Mapping[str, Any]) -> list[Reader]:
    return [tk.get_validator(name) for name in str(field.get("output_validators") or "").split()]


@lru_cache(maxsize=8)
def _plan(dataset_type: str) -> tuple[dict[str, Any], dict[str, Any], frozenset[str]]:
    """By field what reads its stored value: of the dataset, of a resource; and the fields that
    CKAN's own schema has, which are no extras."""
    schema = tk.h.scheming_get_dataset_schema(dataset_type)
    plugin = lib_plugins.lookup_package_plugin(dataset_type)
    core = frozenset(plugin.show_package_schema())
    dataset = {
        field["field_name"]: [_json] if "repeating_subfields" in field else _readers(field)
        for field in schema["dataset_fields"]
    }
    return dataset, {f["field_name"]: _readers(f) for f in schema["resource_fields"]}, core


def with_default_schema(dictized: Mapping[str, Any]) -> dict[str, Any]:
    """What CKAN's default show schema makes of a stored dataset: the same."""
    return dict(dictized)


def with_custom_schema(dictized: Mapping[str, Any]) -> dict[str, Any]:
    """What the dataset type's show schema makes of a stored dataset."""
    fields, resource_fields, core = _plan(dictized["type"])
    result = {name: value for name, value in dictized.items() if name != "extras"}
    extras = []
    for extra in dictized["extras"]:
        if extra["key"] in fields and extra["key"] not in core:
            result[extra["key"]] = extra["value"]
        else:
            extras.append(extra)
    _read(result, fields)
    result["resources"] = [_read(dict(item), resource_fields) for item in dictized["resources"]]
    if extras:
        result["extras"] = extras
    return result


def _read(found: dict[str, Any], fields: Mapping[str, list[Reader]]) -> dict[str, Any]:
    for name, readers in fields.items():
        if name not in found:
            continue
        if found[name] is None:
            del found[name]
            continue
        for reader in readers:
            found[name] = reader(found[name])
    return found


def in_ckans_way(
    context: Any, package: Any, dictized: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both forms by CKAN's validation."""
    plugin = lib_plugins.lookup_package_plugin(dictized["type"])
    found = []
    for validator, schema in (
        (object(), default_show_package_schema()),
        (plugin, plugin.show_package_schema()),
    ):
        shown, _errors = lib_plugins.plugin_validate(
            validator,
            {**context, "package": package},
            json.loads(json.dumps(dictized)),
            schema,
            "package_show",
        )
        found.append(shown)
    return found[0], found[1]


def agrees(context: Any, package: Any, dictized: dict[str, Any]) -> bool:
    """Whether both ways give the same for this dataset."""
    theirs = in_ckans_way(context, package, dictized)
    ours = with_default_schema(dictized), with_custom_schema(dictized)
    return all(_plain(one) == _plain(other) for one, other in zip(theirs, ours, strict=True))


def _plain(shown: dict[str, Any]) -> Any:
    return json.loads(json.dumps(shown, cls=MissingNullEncoder))
