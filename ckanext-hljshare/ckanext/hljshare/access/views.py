"""Downloads: the one door to bytes. It replaces CKAN's own download route (same address)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlencode, urlsplit

import ckan.plugins.toolkit as tk
import flask
from ckan.common import current_user
from ckan.lib import signals
from ckan.lib.search import SearchQueryError
from flask import Blueprint, Response
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, NotFound
from werkzeug.wrappers import Response as BaseResponse

from ckanext.hljshare.access import csrf, delivery, export, stored, subject, tickets, vault
from ckanext.hljshare.access.grants import rules, store
from ckanext.hljshare.access.policy import Decision

blueprint = Blueprint("hljshare_access", __name__)
blueprint.record_once(csrf.keep)
UNKNOWN_SIZE = 1  # of what is made or fetched while it is sent: taken up again once, not more


def _shown(resource_id: str, dataset_id: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return dataset and resource as the caller may see them; 404 hides what may not be seen."""
    if "\x00" in resource_id or "\x00" in (dataset_id or ""):
        tk.abort(404, tk._("Resource not found"))
    try:
        resource = tk.get_action("resource_show")({}, {"id": resource_id})
        dataset = tk.get_action("package_show")({}, {"id": resource["package_id"]})
    except (tk.ObjectNotFound, tk.NotAuthorized):
        tk.abort(404, tk._("Resource not found"))
    if dataset_id is not None and dataset_id not in (dataset["id"], dataset["name"]):
        tk.abort(404, tk._("Resource not found"))
    return dataset, resource


def _refuse(
    dataset: dict[str, Any], resource: dict[str, Any], decision: Decision, what: str
) -> tuple[str, int]:
    """Answer 403 with a page that says why, and what the person can do."""
    if current_user.is_authenticated and tk.request.method == "GET":
        store.log(**_line(dataset, resource, decision, what), outcome="refused")
    page = tk.render(
        "hljshare/refused.html",
        {"pkg_dict": dataset, "dataset": dataset, "resource": resource, "decision": decision},
    )
    return page, 403


def _line(
    dataset: dict[str, Any], resource: dict[str, Any], decision: Decision, what: str
) -> dict[str, Any]:
    """Return what the log says of a use or refusal, whatever its outcome."""
    return {
        "user_id": current_user.id,
        "dataset_id": dataset["id"],
        "resource_id": resource["id"],
        "owner_org": dataset.get("owner_org"),
        "what": what,
        "reason": decision.reason,
        **({"grant_id": decision.grant.id} if decision.grant else {}),
    }


def _private(response: Response | BaseResponse, public: bool) -> Response | BaseResponse:
    """Keep what is not open to everybody out of every cache on the way."""
    if not public:
        # CKAN writes its own Cache-Control afterwards, a public one unless told so in this way.
        tk.request.environ["__no_cache__"] = True
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _decide(
    dataset: dict[str, Any], resource: dict[str, Any]
) -> tuple[Decision, tickets.Ticket | None]:
    """Ask the policy for a download, and read the ticket that came with the request.

    Who takes up a broken download again may: its grant counts as used up when it was the last.
    """
    decision = subject.decide_for(current_user.name, dataset, resource, "read")
    text = tk.request.args.get("ticket")
    if not text or decision.grant is None:
        return decision, None
    ticket = tickets.read(tk.config["SECRET_KEY"], text)
    expected = (current_user.id, decision.grant.id, resource["id"])
    if ticket is None or (ticket.user_id, ticket.grant_id, ticket.resource_id) != expected:
        tk.abort(403, tk._("This download link is not valid any more: start the download again"))
    if decision.reason == "grant_used_up":
        decision = Decision(True, "grant", "download", decision.grant)
    return decision, ticket


def _with_ticket(grant: rules.Grant, resource_id: str) -> Response | BaseResponse:
    """Send to the same address with a ticket, which makes this one download."""
    ticket = tickets.issue(tk.config["SECRET_KEY"], current_user.id, grant.id, resource_id)
    query = urlencode({"ticket": ticket})
    return _private(flask.redirect(f"{tk.request.path}?{query}", 303), public=False)


def _deliver(
    response: Response,
    dataset: dict[str, Any],
    resource: dict[str, Any],
    decision: Decision,
    ticket: tickets.Ticket | None,
    what: str,
) -> Any:
    """Send an answer's body, counted and written down unless it is open to everybody."""
    public = decision.reason == "open"
    gives = response.status_code in (200, 206) and tk.request.method == "GET"
    if gives and tk.request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
        signals.resource_download.send(resource["id"])
    if public or not gives:
        return _private(response, public)
    line = _line(dataset, resource, decision, what)
    size = response.content_length or UNKNOWN_SIZE
    alive = None
    if decision.grant is None:
        log_id: int | None = store.log(**line, outcome="started", size=size)
    else:
        assert ticket is not None
        log_id = store.begin(ticket.id, size, **line)
        alive = partial(subject.still_granted, current_user.id, str(resource["id"]), decision.grant)
    if log_id is None:
        response.close()
        over = Decision(False, "grant_used_up", "apply", decision.grant)
        return _refuse(dataset, resource, over, what)
    if "X-Accel-Redirect" in response.headers:
        store.end(log_id, size, "complete", "web-server")
        return _private(response, public)
    chunks = delivery.accounted(response.response, log_id, alive)  # type: ignore[arg-type]
    response.response = flask.stream_with_context(chunks)
    return _private(response, public)


def download(
    id: str | None = None,  # noqa: A002  CKAN's own name in this route
    resource_id: str = "",
    package_type: str = "dataset",
    filename: str | None = None,
) -> Any:
    """Give a resource's file to whom the policy allows it.

    What the portal stores is sent from there; an open address elsewhere is redirected to; the
    address of content that is not open is fetched by the portal and never shown. A grant for a
    part of the table gives that part as CSV.
    """
    dataset, resource = _shown(resource_id, id)
    decision, ticket = _decide(dataset, resource)
    if not decision.allowed:
        return _refuse(dataset, resource, decision, "file")
    if decision.grant and decision.grant.limited:
        return _table(dataset, resource, decision, ticket, "csv")
    if decision.grant and ticket is None:
        return _with_ticket(decision.grant, resource["id"])
    name = delivery.file_name(dataset, resource)
    if resource.get("url_type") == "upload":
        path = stored.find(resource["id"])
        if path is None:
            return tk.abort(404, tk._("No download is available"))
        by_server = decision.grant is None and decision.reason != "administrator"
        response = delivery.of_file(path, name, resource.get("mimetype"), by_server)
        if decision.reason != "open" and "X-Accel-Redirect" not in response.headers:
            response = delivery.watched(response, path)
        return _deliver(response, dataset, resource, decision, ticket, "file")
    address = vault.address(resource_id) or str(resource.get("url") or "")
    if not address or vault.is_gate(address, resource_id):
        tk.abort(404, tk._("No download is available"))
    if decision.reason == "open":
        if urlsplit(address).scheme not in ("http", "https", "ftp"):
            tk.abort(404, tk._("No download is available"))
        signals.resource_download.send(resource_id)
        return flask.redirect(address)
    response = delivery.fetched(address, name)
    return _deliver(response, dataset, resource, decision, ticket, "file")


def share(resource_id: str) -> Any:
    """The gated address that stands in `resource.url` for content that is not open."""
    return download(resource_id=resource_id)


def data(id: str, resource_id: str, fmt: str) -> Any:  # noqa: A002
    """Give a resource's table as CSV, XLSX, JSON or XML, from the DataStore."""
    if fmt not in export.CONTENT_TYPES:
        tk.abort(404, tk._("Unsupported format"))
    dataset, resource = _shown(resource_id, id)
    decision, ticket = _decide(dataset, resource)
    if not decision.allowed:
        return _refuse(dataset, resource, decision, "table")
    return _table(dataset, resource, decision, ticket, fmt)


def _table(
    dataset: dict[str, Any],
    resource: dict[str, Any],
    decision: Decision,
    ticket: tickets.Ticket | None,
    fmt: str,
) -> Any:
    """Answer with the table, or the part of it that the grant lets out."""
    grant, user = decision.grant, current_user.name

    def search(query: dict[str, Any]) -> dict[str, Any]:
        if grant is not None and grant.limited:
            query = rules.narrow(grant, query)
        # The decision stands; asked again, a grant for downloads would not be one for queries.
        return tk.get_action("datastore_search")({"user": user, "ignore_auth": True}, query)

    try:
        fields = search({"resource_id": resource["id"], "limit": 0, "include_total": False})[
            "fields"
        ]
    except (tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        tk.abort(404, tk._("This file has no table to convert; download it as it is"))
    if grant is not None and ticket is None:
        return _with_ticket(grant, resource["id"])
    wanted = export.columns(fields)
    table = export.rows(search, resource["id"], [column for column, _ in wanted])
    body = export.stream(fmt, [heading for _, heading in wanted], table)
    chunks = _pieces(body) if hasattr(body, "read") else flask.stream_with_context(body)
    response = Response(chunks, content_type=export.CONTENT_TYPES[fmt])
    stem = PurePosixPath(delivery.file_name(dataset, resource)).stem
    response.headers["Content-Disposition"] = delivery.attachment(f"{stem}.{fmt}")
    return _deliver(response, dataset, resource, decision, ticket, "table")


def _pieces(file: Any) -> Iterator[bytes]:
    """Read a finished file piece by piece and close it."""
    with file:
        while piece := file.read(delivery.CHUNK):
            yield piece


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
