"""Downloads: the one door to bytes. It replaces CKAN's own download route (same address)."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
import flask
from ckan.common import current_user
from ckan.lib import signals, uploader
from ckan.lib.search import SearchQueryError
from flask import Blueprint, Response
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, NotFound
from werkzeug.wrappers import Response as BaseResponse

from ckanext.hljshare.access import delivery, export, subject, vault
from ckanext.hljshare.access.policy import Decision

blueprint = Blueprint("hljshare_access", __name__)


def _shown(resource_id: str, dataset_id: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return dataset and resource as the caller may see them; 404 hides what may not be seen."""
    try:
        resource = tk.get_action("resource_show")({}, {"id": resource_id})
        dataset = tk.get_action("package_show")({}, {"id": resource["package_id"]})
    except (tk.ObjectNotFound, tk.NotAuthorized):
        tk.abort(404, tk._("Resource not found"))
    if dataset_id is not None and dataset_id not in (dataset["id"], dataset["name"]):
        tk.abort(404, tk._("Resource not found"))
    return dataset, resource


def _refuse(dataset: dict[str, Any], decision: Decision) -> tuple[str, int]:
    """Answer 403 with a page that says why, and what the person can do."""
    page = tk.render(
        "hljshare/refused.html", {"pkg_dict": dataset, "dataset": dataset, "decision": decision}
    )
    return page, 403


def _private(response: Response | BaseResponse, public: bool) -> Response | BaseResponse:
    """Keep what is not open to everybody out of every cache on the way."""
    if not public:
        # CKAN writes its own Cache-Control afterwards, a public one unless told so in this way.
        tk.request.environ["__no_cache__"] = True
        response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def download(
    id: str | None = None,  # noqa: A002  CKAN's own name in this route
    resource_id: str = "",
    package_type: str = "dataset",
    filename: str | None = None,
) -> Any:
    """Give a resource's file to whom the policy allows it.

    What the portal stores is sent from there; an open address elsewhere is redirected to; the
    address of content that is not open is fetched by the portal and never shown.
    """
    dataset, resource = _shown(resource_id, id)
    decision = subject.decide_for(current_user.name, dataset, resource, "read")
    if not decision.allowed:
        return _refuse(dataset, decision)
    public = decision.reason == "open"
    name = delivery.file_name(dataset, resource)
    if resource.get("url_type") == "upload":
        path = uploader.get_resource_uploader(dict(resource)).get_path(resource["id"])
        try:
            response = flask.send_file(
                path,
                mimetype=resource.get("mimetype") or "application/octet-stream",
                as_attachment=True,
                download_name=name,
                conditional=True,
            )
        except FileNotFoundError:
            tk.abort(404, tk._("No download is available"))
        signals.resource_download.send(resource_id)
        return _private(response, public)
    address = vault.address(resource_id) or str(resource.get("url") or "")
    if not address or vault.is_gate(address, resource_id):
        tk.abort(404, tk._("No download is available"))
    signals.resource_download.send(resource_id)
    if public:
        if urlsplit(address).scheme not in ("http", "https", "ftp"):
            tk.abort(404, tk._("No download is available"))
        return flask.redirect(address)
    return _private(delivery.fetched(address, name), public)


def share(resource_id: str) -> Any:
    """The gated address that stands in `resource.url` for content that is not open."""
    return download(resource_id=resource_id)


def data(id: str, resource_id: str, fmt: str) -> Any:  # noqa: A002
    """Give a resource's table as CSV, XLSX, JSON or XML, from the DataStore."""
    if fmt not in export.CONTENT_TYPES:
        tk.abort(404, tk._("Unsupported format"))
    dataset, resource = _shown(resource_id, id)
    decision = subject.decide_for(current_user.name, dataset, resource, "query")
    if not decision.allowed:
        return _refuse(dataset, decision)
    user = current_user.name

    def search(query: dict[str, Any]) -> dict[str, Any]:
        return tk.get_action("datastore_search")({"user": user}, query)

    try:
        fields = search({"resource_id": resource_id, "limit": 0, "include_total": False})["fields"]
    except (tk.ObjectNotFound, tk.NotAuthorized):
        tk.abort(404, tk._("This file has no table to convert; download it as it is"))
    wanted = export.columns(fields)
    table = export.rows(search, resource_id, [column for column, _ in wanted])
    body = export.stream(fmt, [heading for _, heading in wanted], table)
    stem = PurePosixPath(delivery.file_name(dataset, resource)).stem
    if not hasattr(body, "read"):
        body = flask.stream_with_context(body)
    response = Response(body, content_type=export.CONTENT_TYPES[fmt])
    response.headers["Content-Disposition"] = delivery.attachment(f"{stem}.{fmt}")
    signals.resource_download.send(resource_id)
    return _private(response, decision.reason == "open")


_BASE = "/dataset/<id>/resource/<resource_id>"
blueprint.add_url_rule(f"{_BASE}/download", "download", download)
# The converter is CKAN's own: with another one, CKAN's route would match first.
blueprint.add_url_rule(f"{_BASE}/download/<filename>", "download_named", download)
blueprint.add_url_rule(f"{_BASE}/data.<fmt>", "data", data)
blueprint.add_url_rule("/share/<resource_id>", "share", share)


@blueprint.before_app_request
def close_stock_routes() -> Any:
    """Answer in the place of CKAN's routes that read past the policy.

    CKAN has its download route once for each dataset type (`/harvest/<id>/resource/…` too), and
    checks neither level nor dataset there.
    """
    endpoint = tk.request.endpoint or ""
    if endpoint in {"activity.resource_history", "resource_proxy.proxy_view"}:
        tk.abort(404)
    if endpoint.startswith("harvest_resource.") and not endpoint.endswith(".download"):
        tk.abort(404)  # a harvest source has no files; CKAN would show any dataset's here
    if endpoint.endswith("resource.download"):
        values = tk.request.view_args or {}
        return download(id=values.get("id"), resource_id=values.get("resource_id", ""))
    return None


@blueprint.after_app_request
def keep_private(response: Response) -> Response:
    """Keep answers to a known person out of shared caches, and pages out of foreign frames.

    CKAN calls API answers to a token `public`, with `Vary: Cookie` only.
    """
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "SAMEORIGIN")
    response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    if "Authorization" in tk.request.headers or current_user.is_authenticated:
        response.headers["Cache-Control"] = "no-store, private"
        tk.request.environ["__no_cache__"] = True  # CKAN adds `public` otherwise
    return response


# Where CKAN's own views forget to catch a refusal, it is one all the same, and not a fault.
@blueprint.app_errorhandler(tk.NotAuthorized)
def _not_authorized(error: Exception) -> Any:
    return _error_page(Forbidden(tk._("You are not authorized to see this")))


@blueprint.app_errorhandler(tk.ObjectNotFound)
def _not_found(error: Exception) -> Any:
    return _error_page(NotFound())


@blueprint.app_errorhandler(SearchQueryError)
def _bad_search(error: Exception) -> Any:
    return _error_page(BadRequest(tk._("The search holds something that cannot be read")))


def _error_page(error: HTTPException) -> Any:
    """Answer with the portal's page for an HTTP error."""
    return flask.current_app.handle_http_exception(error)
