"""Taking the description of another interface of the same site into ours. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_COMPONENT = "#/components/"
_DATA = ("example", "examples", "enum", "const", "default")  # not part of the description


def add(made: dict[str, Any], other: Mapping[str, Any], site: str) -> None:
    """Merge the OpenAPI document `other` into `made`, in place.

    Its paths stand below the path of its server. Its components and operations are named anew, as
    ``push.State``, so that nothing of ours is replaced; its operations come under one tag, its
    title. Raises ValueError where its server is another site, or a path is there already.
    """
    server = str(other["servers"][0]["url"])
    address, ours = urlsplit(server), urlsplit(site)
    if server.startswith(("http://", "https://")) and address.netloc != ours.netloc:
        raise ValueError(f"not of this site: {server}")
    below = server.removeprefix(site) if server.startswith(site) else address.path
    prefix = below.strip("/").split("/")[0] or "other"
    found = _renamed(dict(other), prefix)
    tag = str(found["info"]["title"])
    about = str(found["info"].get("description", ""))
    made.setdefault("tags", []).append({"name": tag, "description": about})
    security = found.get("security")
    for path, item in found["paths"].items():
        whole = below.rstrip("/") + path
        if whole in made["paths"]:
            raise ValueError(f"described twice: {whole}")
        for method in METHODS:
            operation = item.get(method)
            if operation is None:
                continue
            operation["tags"] = [tag]
            if "operationId" in operation:
                operation["operationId"] = f"{prefix}_{operation['operationId']}"
            if security is not None:
                operation.setdefault("security", security)
        made["paths"][whole] = item
    for kind, components in found.get("components", {}).items():
        made["components"].setdefault(kind, {}).update(
            {f"{prefix}.{name}": value for name, value in components.items()}
        )


def _renamed(node: Any, prefix: str) -> Any:
    """A copy with references and names of security schemes as they will stand. Parts that the
    original shares (anchors of YAML) are apart in it."""
    if isinstance(node, list):
        return [_renamed(each, prefix) for each in node]
    if not isinstance(node, dict):
        return node
    found = {key: each if key in _DATA else _renamed(each, prefix) for key, each in node.items()}
    target = found.get("$ref")
    if isinstance(target, str) and target.startswith(_COMPONENT):
        kind, name = target.removeprefix(_COMPONENT).split("/", 1)
        found["$ref"] = f"{_COMPONENT}{kind}/{prefix}.{name}"
    if isinstance(found.get("security"), list):
        found["security"] = [
            {f"{prefix}.{name}": scopes for name, scopes in each.items()}
            for each in found["security"]
        ]
    return found
