"""The page for people with programs, the description of the interface, and what goes with each
answer to a program: the limits of use, and leave to be read by pages of other sites."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import flask
import yaml
from ckan import logic
from ckan.common import current_user
from flask import Blueprint, Response, request

from ckanext.hljshare.feeds.api import cors, document, limits, live, samples
from ckanext.hljshare.feeds.web import addresses

api_docs = Blueprint("hljshare_api_docs", __name__, url_prefix="/api/docs")
FORMATS = {"json": "application/json;charset=utf-8", "yaml": "application/yaml;charset=utf-8"}
# The viewer's files, and nothing else of its package.
VIEWER = {
    "swagger-ui-bundle.js": "text/javascript;charset=utf-8",
    "swagger-ui.css": "text/css;charset=utf-8",
}
YEAR = 365 * 86400


class _Plain(yaml.SafeDumper):
    """Writes each part out, also where two are the same: anchors help no reader."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@lru_cache(maxsize=8)
def _written(ending: str, site: str, values: tuple[tuple[str, str], ...]) -> tuple[bytes, str]:
    """The description as it is sent, and its ETag."""
    others = [
        plugin.hljshare_openapi()
        for plugin in p.PluginImplementations(p.IBlueprint)
        if hasattr(plugin, "hljshare_openapi")
    ]
    logic.get_action("package_show")  # fills the registry
    made = document.make(site, dict(values), actions=set(logic._actions), others=others)
    text = (
        json.dumps(made, ensure_ascii=False)
        if ending == "json"
        else yaml.dump(made, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=120)
    )
    body = text.encode()
    return body, hashlib.blake2b(body, digest_size=16).hexdigest()


@api_docs.get("", endpoint="index", strict_slashes=False)
def index() -> str:
    """The page: how to begin, examples, feeds, limits, and the viewer."""
    site = addresses.home()
    page: str = tk.render(
        "api_docs/index.html",
        {
            "site": site,
            "tasks": _tasks(),
            "languages": samples.LANGUAGES,
            "texts": {name: samples.text(name, site) for name in samples.FILES},
            "viewer_version": version("flask-swagger-ui"),
            "rate_anonymous": int(tk.config["hljshare.api.rate_anonymous"]),
            "rate_key": int(tk.config["hljshare.api.rate_key"]),
            "words": json.dumps(_viewer_words(), ensure_ascii=False),
        },
    )
    return page


@api_docs.get("/openapi.<ending>", endpoint="openapi")
def openapi(ending: str) -> Any:
    """The description, OpenAPI 3.1. Its examples are of what an anonymous visitor finds now."""
    if ending not in FORMATS:
        return tk.abort(404, tk._("Unsupported format"))
    body, etag = _written(ending, addresses.home(), tuple(sorted(live.values().items())))
    response = Response(body, content_type=FORMATS[ending])
    response.set_etag(etag)
    return response.make_conditional(request)


@api_docs.get("/examples/<name>", endpoint="example")
def example(name: str) -> Any:
    """One example, to be saved and run."""
    if name not in samples.FILES:
        return tk.abort(404, tk._("There is no such example"))
    response = Response(
        samples.text(name, addresses.home()), content_type="text/plain;charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@api_docs.get("/ui/<name>", endpoint="viewer")
def viewer(name: str) -> Any:
    """A file of the viewer, from its package."""
    if name not in VIEWER:
        return tk.abort(404)
    path = files("flask_swagger_ui") / "dist" / name
    response = flask.send_file(str(path), mimetype=VIEWER[name].split(";")[0], conditional=True)
    if "v" in request.args:  # the address changes with the version
        response.cache_control.max_age = YEAR
        response.cache_control.immutable = True
    return response


@api_docs.before_app_request
def limit() -> Response | None:
    """Refuse what is one request too many, and what cannot be read."""
    return limits.refuse() or limits.unreadable()


@api_docs.after_app_request
def announce(response: Response) -> Response:
    """Tell the limits, and open to pages of other sites what is open."""
    limits.tell(response)
    known = current_user.is_authenticated or _token_name() in request.headers
    preflight = "Access-Control-Request-Method" in request.headers
    response.headers.update(
        cors.headers(request.method, request.path, known=known, preflight=preflight)
    )
    return response


def _token_name() -> str:
    return str(tk.config["apitoken_header_name"])


def _tasks() -> list[dict[str, str]]:
    return [
        {
            "id": "search",
            "title": tk._("Search datasets"),
            "text": tk._("Prints the titles and levels of the first five hits."),
        },
        {
            "id": "download",
            "title": tk._("Download a file"),
            "text": tk._("Finds an open CSV file and saves it."),
        },
        {
            "id": "table",
            "title": tk._("Read the rows of a table"),
            "text": tk._("Reads a table page by page, without downloading the whole file."),
        },
        {
            "id": "feed",
            "title": tk._("Follow the catalog"),
            "text": tk._(
                "Reads all that has changed since a day from the DCAT feed, page by page."
            ),
        },
    ]


def _viewer_words() -> dict[str, str]:
    """The viewer's own words; it has no translations."""
    return {
        "(apiKey)": "",
        "Authorize": tk._("Enter a token"),
        "Available authorizations": tk._("Enter a token"),
        "Available values": tk._("Allowed values"),
        "Cancel": tk._("Cancel"),
        "Clear": tk._("Clear"),
        "Close": tk._("Close"),
        "Code": tk._("Status"),
        "Controls": tk._("Controls"),
        "Curl": tk._("Call as curl"),
        "Default value": tk._("Default"),
        "Description": tk._("Description"),
        "Details": tk._("Details"),
        "Download": tk._("Download"),
        "Example": tk._("Example"),
        "Example Value": tk._("Example"),
        "Execute": tk._("Execute"),
        "Expand all": tk._("Expand all"),
        "Collapse all": tk._("Collapse all"),
        "Headers:": tk._("Headers:"),
        "In:": tk._("Sent in:"),
        "Links": tk._("Links"),
        "Loading...": tk._("Loading …"),
        "Logout": tk._("Forget the token"),
        "Media type": tk._("Media type"),
        "Name": tk._("Name"),
        "Name:": tk._("Name:"),
        "No links": tk._("None"),
        "No parameters": tk._("No parameters"),
        "Parameters": tk._("Parameters"),
        "Request URL": tk._("Address asked"),
        "Request body": tk._("Request body"),
        "Response body": tk._("Body of the answer"),
        "Response headers": tk._("Headers of the answer"),
        "Responses": tk._("Answers"),
        "Schema": tk._("Schema"),
        "Schemas": tk._("Schemas"),
        "Server response": tk._("Answer of the server"),
        "Servers": tk._("Server"),
        "Try it out": tk._("Try it out"),
        "Type": tk._("Type"),
        "Value:": tk._("Value:"),
        "header": tk._("header of the request"),
        "header.": tk._("header of the request"),
        "path": tk._("in the address"),
        "query": tk._("parameter of the address"),
    }
