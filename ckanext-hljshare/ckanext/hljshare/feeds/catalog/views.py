"""/catalog.ttl and its kin: the catalog by pages, its datasets one by one, the whole as a dump.

Everybody is told the same, whoever asks; what is told is what is public when it is asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import wraps
from typing import Any
from urllib.parse import quote

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.redis import connect_to_redis
from flask import Blueprint, Response, request

from ckanext.hljshare.feeds.catalog import dumps, pages, ranges, recent, scopes
from ckanext.hljshare.feeds.catalog.asking import Asked, AskedWronglyError
from ckanext.hljshare.feeds.dcat.syntax import ALIASES, SYNTAXES
from ckanext.hljshare.feeds.entries import making, store
from ckanext.hljshare.feeds.entries.store import Scope

feeds = Blueprint("hljshare_feeds", __name__)

ENDINGS = f"<any({', '.join([*SYNTAXES, *ALIASES])}):ending>"
# Changes within the second of a date cannot be told apart by it: it is not given so soon.
SETTLED = timedelta(seconds=2)
BUSY_SECONDS = 30
ORDERED = "hljshare:feeds:dumps-ordered"  # one job for all who ask in vain


class RefusedError(Exception):
    """What cannot be answered: the HTTP status, and what is wrong in words, by parameter."""

    def __init__(self, status: int, **wrong: str) -> None:
        super().__init__(status)
        self.status, self.wrong = status, wrong


def _kinds() -> dict[int, str]:
    return {400: "Validation Error", 404: "Not Found Error", 410: "Gone", 503: "Busy"}


def answers(view: Callable[..., Response]) -> Callable[..., Response]:
    """Let what was asked wrongly be answered in CKAN's error shape, and caches ask each time."""

    @wraps(view)
    def answer(**values: Any) -> Response:
        try:
            response = view(**values)
        except AskedWronglyError as error:
            wrong = {str(error): tk._("The value cannot be read")}
            response = _refusal(RefusedError(400, **wrong))
        except RefusedError as error:
            response = _refusal(error)
        if response.status_code == 412:  # the condition failed: what it was about is not sent
            response.set_data(b"")
        # CKAN makes of it: public, to be asked again each time. What is no more public is not
        # given by a cache either.
        request.environ.pop("__no_cache__", None)
        return response

    return answer


def _refusal(error: RefusedError) -> Response:
    words = {name: [text] for name, text in error.wrong.items()}
    body = {"success": False, "error": {"__type": _kinds()[error.status], **words}}
    response = Response(
        json.dumps(body, ensure_ascii=False), error.status, content_type="application/json"
    )
    if error.status == 503:
        response.headers["Retry-After"] = str(BUSY_SECONDS)
    return response


def _scope(asked: Asked) -> Scope:
    try:
        return scopes.find(asked)
    except scopes.UnknownError as error:
        if str(error) == "city":
            wrong = tk._("There is no city with this code")
        else:
            wrong = tk._("There is no such agency")
        raise RefusedError(404, **{str(error): wrong}) from None


def _media(ending: str) -> str:
    return f"{SYNTAXES[ending].media}; charset=utf-8"


def _dated(response: Response, changed: datetime | None) -> None:
    if changed and changed < datetime.now(timezone.utc) - SETTLED:
        response.last_modified = changed


@feeds.get(f"/catalog.{ENDINGS}")
@answers
def catalog(ending: str) -> Response:
    """A page of the catalog, with Hydra's links to those around it."""
    ending = ALIASES.get(ending, ending)
    asked = Asked.read(request.args)
    base, scope = f"{making.site()}/catalog.{ending}", _scope(asked)
    # Who has a page already, or asks for one that somebody has just read, need not wait for all its
    # texts to be read.
    page = pages.find(asked, scope, ending, base, bodies=False)
    etag = page.etag(ending)
    response = _head(page, etag, ending)
    if response.status_code == 200:
        text = recent.get(etag)
        if text is None:
            page = pages.find(asked, scope, ending, base)
            etag = page.etag(ending)
            text = pages.document(page, ending).encode()
            response = _head(page, etag, ending)
            recent.put(etag, text)
        response.set_data(text)
        response.content_length = len(text)
    return response


def _head(page: pages.Page, etag: str, ending: str) -> Response:
    """An answer with all but the text; 304 for who has the page already."""
    response = Response(content_type=_media(ending))
    # Weak: when a page was read, which it says, does not make it another.
    response.set_etag(etag, weak=True)
    _dated(response, page.changed)
    for relation in ("next", "previous", "first", "last"):
        if relation in page.around:
            named = "prev" if relation == "previous" else relation
            response.headers.add("Link", f'<{page.around[relation]}>; rel="{named}"')
    response.automatically_set_content_length = False
    response.make_conditional(request.environ)
    return response


@feeds.get(f"/dataset/<name>.{ENDINGS}")
@answers
def dataset(name: str, ending: str) -> Response:
    """One dataset; of one that was withdrawn no more than that."""
    ending = ALIASES.get(ending, ending)
    store.settle()
    package = None if "\x00" in name else model.Package.get(name)  # by its id, else its name
    entry = store.find(package.id, ending, making.stamp()) if package else None
    text = pages.of_dataset(entry, ending) if entry and entry.live else None
    if package and text is None and making.is_withdrawn(package.id):
        raise RefusedError(410, name=tk._("This dataset has been withdrawn"))
    if entry is None or text is None:
        raise RefusedError(404, name=tk._("Dataset not found"))
    response = Response(text, content_type=_media(ending))
    response.add_etag()
    page = f"{making.site()}/dataset/{quote(entry.name)}"
    response.headers.add("Link", f'<{page}>; rel="describes"; type="text/html"')
    response.make_conditional(request.environ)
    return response


@feeds.get(f"/catalog/dump.<any({', '.join(SYNTAXES)}):ending>.gz")
@answers
def dump(ending: str) -> Response:
    """The whole catalog, or a city's or agency's, as one file that can be taken up again."""
    asked = Asked.read(request.args)
    scope = _scope(asked)
    response = Response(content_type=dumps.MEDIA)
    response.headers["Content-Disposition"] = f'attachment; filename="{_name(asked, ending)}"'
    response.set_etag(dumps.etag(scope, ending))
    _dated(response, store.settle().last)
    response.automatically_set_content_length = False
    response.make_conditional(request.environ)
    if response.status_code != 200:
        return response
    made = _made(scope, ending)
    response.call_on_close(made.close)
    response.set_etag(made.etag)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Repr-Digest"] = made.digest
    start, stop = 0, made.size
    wanted = ranges.asked(request.headers, made.etag, made.size)
    if wanted == ranges.UNSATISFIABLE:
        response.status_code, response.content_length = 416, 0
        response.headers["Content-Range"] = f"bytes */{made.size}"
        return response
    if wanted:
        start, stop = wanted
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{made.size}"
    response.content_length = stop - start
    response.response = made.read(start, stop) if request.method != "HEAD" else ()
    return response


@feeds.get(f"/catalog/dump.<any({', '.join(SYNTAXES)}):ending>.gz.sha256")
@answers
def checksum(ending: str) -> Response:
    """The checksum of a dump, as `sha256sum --check` reads it."""
    asked = Asked.read(request.args)
    made = _made(_scope(asked), ending)
    try:
        text = f"{made.sha256.hex()}  {_name(asked, ending)}\n"
    finally:
        made.close()
    return Response(text, content_type="text/plain; charset=utf-8")


def _name(asked: Asked, ending: str) -> str:
    """A dump's file name, of letters that no header or shell minds."""
    place = re.sub(r"[^A-Za-z0-9_-]", "", asked.agency)
    return "-".join(part for part in ("catalog", asked.city, place) if part) + f".{ending}.gz"


def _made(scope: Scope, ending: str) -> dumps.Dump:
    try:
        return dumps.make(scope, ending, patient=False)
    except dumps.BusyError:
        if connect_to_redis().set(ORDERED, "1", nx=True, ex=2 * BUSY_SECONDS):
            tk.enqueue_job(dumps.make_ready, title="feeds: dumps", rq_kwargs={"timeout": 3600})
        raise RefusedError(
            503, dump=tk._("The dump is being made. Please try again in half a minute.")
        ) from None
