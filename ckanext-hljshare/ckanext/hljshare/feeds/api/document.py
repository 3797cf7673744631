"""The OpenAPI 3.1 description of the interface, built from data. Pure.

The parts stand in ``openapi/*.yaml``. Two things are written short there: an action of CKAN's API
(``actions``: its parameters and its result; envelope, errors and limits are the same for all), and
the fields of datasets, files and agencies, which come from ``scheming/`` with their code lists.
An example in braces, as ``{dataset}``, is replaced by something that this site really has.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.feeds.api import merging, paths
from ckanext.hljshare.paths import SCHEMING

FOLDER = Path(__file__).with_name("openapi")
PARTS = ("catalog", "tables", "feeds", "requests", "grants")
LISTED = 40  # codes of longer lists are not spelled out
_SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "needed": [{"token": []}],
    "optional": [{}, {"token": []}],
}
_ERRORS = {"400": "BadRequest", "403": "Forbidden", "404": "NotFound", "409": "Invalid"}
# What CKAN itself says of these, beside the portal's own fields.
_OF_CKAN: Mapping[str, Mapping[str, Any]] = {
    "Dataset": {
        "id": {"type": "string"},
        "metadata_created": {"type": "string", "description": "条目建立时间（UTC）"},
        "metadata_modified": {"type": "string", "description": "条目修改时间（UTC）"},
        "license_title": {"type": ["string", "null"], "description": "许可协议名称"},
        "organization": {"type": ["object", "null"], "description": "提供方"},
        "tags": {"type": "array", "items": {"type": "object"}, "description": "标签"},
        "resources": {"type": "array", "items": {"$ref": "#/components/schemas/Resource"}},
    },
    "Resource": {
        "id": {"type": "string"},
        "package_id": {"type": "string", "description": "所属数据集的 id"},
        "url": {"type": "string", "description": "下载地址；非无条件开放的为平台的受控地址"},
        "size": {"type": ["integer", "null"], "description": "字节数"},
        "datastore_active": {"type": ["boolean", "null"], "description": "可以按行读取"},
    },
    "Organization": {
        "id": {"type": "string"},
        "package_count": {"type": "integer", "description": "数据集数"},
    },
}
# Fields of the forms that no answer shows.
_NOT_SHOWN = frozenset({"tag_string", "parent", "locator"})
_REQUIRED_CODES = frozenset({"open_type", "share_type", "update_cycle"})


def make(
    site: str,
    values: Mapping[str, str],
    *,
    actions: Collection[str] | None = None,
    others: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The description for a site.

    `site`: its address; `values`: what stands for the examples in braces, those without a value
    are left out; `actions`: the actions there are (None: all that are described); `others`: whole
    descriptions of other interfaces of the site, which are merged in.
    """
    made = copy.deepcopy(_made())
    made["paths"] = {
        path: item
        for path, item in made["paths"].items()
        if actions is None
        or not path.startswith("/api/3/action/")
        or path.rsplit("/", 1)[1] in actions
    }
    _fill(made, values)
    base = site.rstrip("/")
    made["servers"] = [{"url": base}]
    for other in others:
        merging.add(made, other, base)
    return made


@cache
def _made() -> dict[str, Any]:
    made = _read("base")
    made["paths"] = {}
    components = made["components"]
    for name in PARTS:
        part = _read(name)
        for kind in ("parameters", "schemas", "responses"):
            components.setdefault(kind, {}).update(part.get(kind, {}))
        for action, short in part.get("actions", {}).items():
            made["paths"][f"/api/3/action/{action}"] = _action(action, short)
        made["paths"].update(part.get("paths", {}))
    for path, item in made["paths"].items():
        # All addresses that have a format have this one, if only as another name of another.
        if paths.kind(path.replace("{format}", "json")) in paths.COUNTED:
            for operation in item.values():
                _limited(operation)
    _describe_fields(components["schemas"])
    _level_codes(made["paths"])
    return made


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return copy.deepcopy(found)


def _action(name: str, short: dict[str, Any]) -> dict[str, Any]:
    """An action as OpenAPI writes it."""
    method = short.get("method", "get")
    operation: dict[str, Any] = {
        "operationId": name,
        "tags": [short["tag"]],
        "summary": short["summary"],
    }
    if "description" in short:
        operation["description"] = short["description"]
    if method == "get":
        operation["parameters"] = [
            _parameter(parameter, given) for parameter, given in short["parameters"].items()
        ]
    else:
        content = {"application/json": {"schema": short["body"]}}
        operation["requestBody"] = {"required": True, "content": content}
    if "token" in short:
        operation["security"] = _SECURITY[short["token"]]
    envelope = {"$ref": "#/components/schemas/Success"}
    result = {"type": "object", "properties": {"result": short["result"]}}
    operation["responses"] = {
        "200": {
            "description": "成功",
            "content": {"application/json": {"schema": {"allOf": [envelope, result]}}},
        },
        **{code: {"$ref": f"#/components/responses/{kind}"} for code, kind in _ERRORS.items()},
    }
    return {method: operation}


def _parameter(name: str, given: dict[str, Any]) -> dict[str, Any]:
    schema = {
        key: value
        for key, value in given.items()
        if key not in ("required", "example", "description")
    }
    found: dict[str, Any] = {"name": name, "in": "query", "schema": schema}
    found.update(
        {key: given[key] for key in ("required", "description", "example") if key in given}
    )
    return found


def _limited(operation: dict[str, Any]) -> None:
    """An operation that is counted can be one too many, and a good answer tells the limits."""
    operation["responses"]["429"] = {"$ref": "#/components/responses/TooMany"}
    good = operation["responses"].get("200")
    if good is not None and "$ref" not in good:
        good["headers"] = {
            **good.get("headers", {}),
            "RateLimit-Policy": {"$ref": "#/components/headers/RateLimit-Policy"},
            "RateLimit": {"$ref": "#/components/headers/RateLimit"},
        }


def _describe_fields(schemas: dict[str, Any]) -> None:
    dataset = yaml.safe_load((SCHEMING / "dataset.yaml").read_text(encoding="utf-8"))
    agency = yaml.safe_load((SCHEMING / "organization.yaml").read_text(encoding="utf-8"))
    for name, fields in (
        ("Dataset", dataset["dataset_fields"]),
        ("Resource", dataset["resource_fields"]),
        ("Organization", agency["fields"]),
    ):
        schemas[name]["properties"] = {
            **_fields(fields, strict=name == "Dataset"),
            **_OF_CKAN[name],
        }


def _fields(fields: list[dict[str, Any]], *, strict: bool = False) -> dict[str, Any]:
    return {
        field["field_name"]: _field(field, strict=strict)
        for field in fields
        if field["field_name"] not in _NOT_SHOWN
    }


def _field(field: dict[str, Any], *, strict: bool) -> dict[str, Any]:
    label = codelists.text_of(field["label"], codelists.DEFAULT_LANGUAGE)
    if "repeating_subfields" in field:
        parts = {"type": "object", "properties": _fields(field["repeating_subfields"])}
        return {"type": "array", "items": parts, "description": label}
    found: dict[str, Any] = {"type": ["string", "null"], "description": label}
    listed = field.get("codelist")
    if listed:
        codes = codelists.codes(listed)
        if len(codes) <= LISTED:
            words = "，".join(f"{code} {codelists.label(listed, code)}" for code in codes)
            found["description"] = f"{label}（代码表 {listed}：{words}）"
            found["examples"] = codes[:1]
            if strict and field["field_name"] in _REQUIRED_CODES:
                found.update({"type": "string", "enum": codes})
        else:
            found["description"] = f"{label}（代码表 {listed}）"
    return found


def _level_codes(paths: dict[str, Any]) -> None:
    lists = {"level": "open_type", "share": "share_type"}
    for parameter in paths["/catalog-list.{format}"]["get"]["parameters"]:
        if parameter["name"] in lists:
            parameter["schema"]["enum"] = codelists.codes(lists[parameter["name"]])


def _fill(node: Any, values: Mapping[str, str]) -> None:
    """Replace examples in braces, everywhere below `node`; without a value they go."""
    if isinstance(node, list):
        for each in node:
            _fill(each, values)
    elif isinstance(node, dict):
        example = node.get("example")
        if isinstance(example, str) and example.startswith("{") and example.endswith("}"):
            name = example[1:-1]
            if name.isidentifier():
                if values.get(name):
                    node["example"] = values[name]
                else:
                    del node["example"]
        for each in node.values():
            _fill(each, values)
