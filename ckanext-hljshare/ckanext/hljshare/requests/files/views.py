"""The one way out for files of requests."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import ckan.plugins.toolkit as tk
import flask
from ckan.common import current_user
from flask import Blueprint, Response

from ckanext.hljshare.access import delivery
from ckanext.hljshare.access.grants import store as grants
from ckanext.hljshare.requests import routing
from ckanext.hljshare.requests import store as requests
from ckanext.hljshare.requests.files import store
from ckanext.hljshare.requests.files.model import RequestFile
from ckanext.hljshare.requests.model import Request
from ckanext.hljshare.safety.sealed import KeysError, SealError

LOGGED = ("delivery", "proof")

log = logging.getLogger(__name__)
blueprint = Blueprint("hljshare_request_files", __name__)


@blueprint.route("/request/<number>/file/<file_id>")
def download(number: str, file_id: str) -> Any:
    """Give a file of a request to whom the rules allow it. Delivered data and proofs are written
    down in the agency's log of access, and a delivery that ends cuts the download."""
    if not current_user.is_authenticated:
        return tk.redirect_to("user.login", came_from=tk.request.path)
    request, row = _found(number, file_id)
    roles = routing.roles(current_user, request)
    answer = store.readable(row, request, roles)
    if answer == "role":
        tk.abort(404, tk._("File not found"))
    if answer != "yes":
        texts = {
            "state": tk._("The data is not delivered yet, or not any more"),
            "expired": tk._("The time in which you may take this file is over"),
        }
        if row.purpose in LOGGED:
            grants.log(**_line(request, row, roles), outcome="refused", detail=request.number)
        tk.abort(403, texts[answer])
    if row.erased is not None:
        tk.abort(410, tk._("This file was erased"))
    if tk.request.method == "HEAD":
        return _answer(row, ())
    body = _opened(row)
    if row.purpose in LOGGED:
        log_id = grants.log(**_line(request, row, roles), outcome="started", size=row.size)
        alive = partial(store.still_open, row.id, current_user.id)
        body = delivery.accounted(body, log_id, alive)
    return _answer(row, flask.stream_with_context(body))


def _found(number: str, file_id: str) -> tuple[Request, RequestFile]:
    found = None if "\x00" in number + file_id else _rows(number, file_id)
    if found is None or found[1].request_id != found[0].id:
        return tk.abort(404, tk._("File not found"))
    return found


def _rows(number: str, file_id: str) -> tuple[Request, RequestFile] | None:
    try:
        return requests.get(number), store.get(file_id)
    except tk.ObjectNotFound:
        return None


def _line(request: Request, row: RequestFile, roles: set[str]) -> dict[str, Any]:
    return {
        "user_id": current_user.id,
        "dataset_id": request.dataset_id or "",
        "owner_org": request.agency_id,
        "what": row.purpose,
        "reason": "request" if "applicant" in roles else "handling",
    }


def _opened(row: RequestFile) -> Iterator[bytes]:
    """The bytes; what cannot be opened is said before anything is sent."""
    pieces = store.chunks(row)
    try:
        first = next(pieces, b"")
    except (OSError, SealError, KeysError) as error:
        log.warning("file %s of request %s: %s", row.id, row.request_id, error)
        tk.abort(503, tk._("This file cannot be opened at present: please tell the administrators"))
    return itertools.chain((first,), pieces)


def _answer(row: RequestFile, body: Any) -> Response:
    # CKAN writes its own Cache-Control afterwards, a public one unless told so in this way.
    tk.request.environ["__no_cache__"] = True
    response = Response(body, content_type=row.media_type)
    response.headers["Content-Disposition"] = delivery.attachment(row.name)
    response.headers["Content-Length"] = str(row.size)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
