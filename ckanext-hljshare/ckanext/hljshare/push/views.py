"""The addresses below /push/v1. Machines speak here: tokens only, problem details, no page."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.config.middleware.flask_app import csrf
from flask import Blueprint, Response, request, stream_with_context
from flask_babel import force_locale
from werkzeug.exceptions import ClientDisconnected
from werkzeug.routing import BaseConverter

from ckanext.hljshare.ingest import reasons
from ckanext.hljshare.ingest.dataset import Source

from . import digest, document, intake, problems, spool, state, who
from .intake import Settling
from .problems import ProblemError

NDJSON = "application/x-ndjson"
JSON = "application/json"
TYPES = (NDJSON, "application/ndjson", "application/jsonl", "application/json-seq+ndjson")
log = logging.getLogger(__name__)


class Anything(BaseConverter):
    """Any text in an address: slashes, as ids of records have them, and what no id has, so that it
    is answered here too and not with a page."""

    part_isolating = False
    regex = r"[\s\S]+?"


blueprint = Blueprint("hljshare_push", __name__, url_prefix="/push/v1")
blueprint.record(lambda state: state.app.url_map.converters.update(push_text=Anything))
csrf.exempt(blueprint)  # a cookie opens nothing here, so there is nothing to forge


def _language() -> str:
    return problems.language(dict(request.accept_languages))


@contextmanager
def _spoken(language: str) -> Iterator[None]:
    with force_locale(language):
        yield


def _safely(view: Callable[..., Response]) -> Callable[..., Response]:
    """Answer what goes wrong as problem details."""

    def answer(*args: Any, **values: Any) -> Response:
        try:
            return view(*args, **values)
        except ProblemError as problem:
            model.Session.rollback()
            return _problem(problem)
        except Exception:
            model.Session.rollback()
            log.exception("push: %s %s failed", request.method, request.endpoint)
            return _problem(ProblemError("failed"))

    answer.__name__ = view.__name__
    answer.__doc__ = view.__doc__
    return answer


def _problem(problem: ProblemError) -> Response:
    language = _language()
    with _spoken(language):
        body = problem.body(tk._)
    response = Response(
        json.dumps(body, ensure_ascii=False),
        problem.status,
        problem.headers(),
        content_type=problems.CONTENT_TYPE,
    )
    response.headers["Content-Language"] = language.replace("_", "-")
    return _uncached(response)


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Authorization, Accept, Accept-Language"
    return response


def _json(content: Any) -> Response:
    return _uncached(Response(json.dumps(content, ensure_ascii=False), content_type=JSON))


def _caller() -> tuple[model.User, Source]:
    user = who.caller(request.headers.get(tk.config["apitoken_header_name"], ""))
    name = request.args.get("source")
    return user, who.source(user, name)


def _number(name: str, default: int) -> int:
    given = request.args.get(name, "")
    if not given:
        return default
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise ProblemError("parameter-invalid", name)
    return int(given)


def _take_in(source: Source) -> spool.Spooled:
    """The content of the request, whole and sound, on disk."""
    if request.mimetype not in TYPES:
        raise ProblemError("type-unsupported", NDJSON)
    given = request.headers.get("Content-Digest", "")
    if not given:
        raise ProblemError("digest-missing", "Content-Digest")
    sha256 = digest.parse_content_digest(given)
    if sha256 is None:
        raise ProblemError("digest-invalid", "sha-256=:…:")
    who.count_in(source.id)
    with _sending(source) as stream:
        return spool.receive(
            stream,
            intake.spool_folder(),
            sha256=sha256,
            length=request.content_length,
            encoding=request.headers.get("Content-Encoding", "").strip().lower(),
        )


@contextmanager
def _sending(source: Source) -> Iterator[spool.Readable]:
    """The body of the request, from a sender that keeps up and is the only one of its source."""
    model.Session.rollback()  # no transaction stays open while a slow sender sends
    request.max_content_length = None  # the spool has limits of its own
    with intake.receiving(source.id):
        stream = spool.Paced(
            request.stream,
            max_seconds=float(tk.config["hljshare.push.receive_seconds"]),
            min_rate=float(tk.config["hljshare.push.receive_min_rate"]),
        )
        try:
            with stream.watched(request.environ.get("gunicorn.socket")):
                yield stream
        except (ClientDisconnected, ConnectionError, TimeoutError, EOFError):
            raise ProblemError("truncated") from None


def _all_of(first: bytes, parts: Generator[bytes, None, None]) -> Iterator[bytes]:
    """Closed with the answer, while the request is still there; not by whoever clears up later."""
    try:
        yield first
        yield from parts
    finally:
        parts.close()


def _answer(settling: Settling) -> Response:
    """Results as they come, then the receipt; in one of two forms."""
    as_json = request.accept_mimetypes.best_match([NDJSON, JSON], NDJSON) == JSON
    parts = (_as_json if as_json else _as_lines)(settling, _language())
    try:
        # What fails before the first result is answered as a problem.
        first = next(parts, b"")
    except BaseException:
        settling.close()
        raise
    response = Response(
        stream_with_context(_all_of(first, parts)), content_type=JSON if as_json else NDJSON
    )
    response.call_on_close(settling.close)
    response.headers["X-Accel-Buffering"] = "no"
    return _uncached(response)


def _with_words(result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "texts": [reasons.describe(reason) for reason in result["reasons"]]}


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _each(settling: Settling, language: str) -> Generator[tuple[str, bytes], None, None]:
    """(``result``, line), …, then (``receipt``, text); (``problem``, …) where it breaks off."""
    begun = False
    try:
        for result in settling.results:
            with _spoken(language):
                shown = _dump(_with_words(result))
            yield "result", shown
            begun = True
        assert settling.receipt is not None
        yield "receipt", settling.receipt.encode()
    except GeneratorExit:
        raise
    except Exception:
        model.Session.rollback()
        if not begun:
            raise
        log.exception("push: a batch broke off")
        with _spoken(language):
            yield "problem", _dump(ProblemError("failed").body(tk._))
    finally:
        settling.close()


def _as_lines(settling: Settling, language: str) -> Generator[bytes, None, None]:
    for name, content in _each(settling, language):
        if name == "result":
            yield content + b"\n"
        else:
            yield b'{"%b":%b}\n' % (name.encode(), content)


def _as_json(settling: Settling, language: str) -> Generator[bytes, None, None]:
    before = b'{"results":['
    for name, content in _each(settling, language):
        if name == "result":
            yield before + content
            before = b","
        else:
            opening = before if before != b"," else b""
            yield b'%b],"%b":%b}' % (opening, name.encode(), content)


@blueprint.put("/batches/<key>", endpoint="put_batch")
@_safely
def put_batch(key: str) -> Response:
    """Take in a batch of records."""
    user, source = _caller()
    user_id = user.id
    return _answer(intake.records(source, user_id, key, _take_in(source)))


@blueprint.get("/batches/<key>", endpoint="get_batch")
@_safely
def get_batch(key: str) -> Response:
    """Give a receipt again."""
    _user, source = _caller()
    return _answer(intake.known(source, key))


@blueprint.put("/tables/<push_text:record>/<table>", endpoint="put_table", merge_slashes=False)
@_safely
def put_table(record: str, table: str) -> Response:
    """Take in rows of content."""
    user, source = _caller()
    user_id = user.id
    key = request.headers.get("Idempotency-Key", "").strip('"')
    return _answer(intake.table(source, user_id, key, record, table, _take_in(source)))


@blueprint.get("/state", endpoint="get_state")
@_safely
def get_state() -> Response:
    """What is held, behind a cursor."""
    _user, source = _caller()
    limit = _number("limit", state.PAGE)
    return _json(state.page(source.id, request.args.get("since", ""), limit))


@blueprint.get("/state/digest", endpoint="get_digest")
@_safely
def get_digest() -> Response:
    """The digest tree, or one of its leaves."""
    _user, source = _caller()
    prefix = request.args.get("prefix", "")
    if prefix:
        return _json(state.bucket(source.id, prefix))
    return _json(state.tree(source.id).as_dict())


@blueprint.put("/state/report", endpoint="put_report")
@_safely
def put_report() -> Response:
    """Take in what a city publishes, and say how it differs from what is held."""
    _user, source = _caller()
    if request.mimetype != JSON:
        raise ProblemError("type-unsupported", JSON)
    if (request.content_length or 0) > spool.MAX_LINE:
        raise ProblemError("too-large", f"{spool.MAX_LINE} bytes")
    content = b""
    with _sending(source) as stream:
        while len(content) <= spool.MAX_LINE and (data := stream.read(spool.CHUNK)):
            content += data
    if len(content) > spool.MAX_LINE:
        raise ProblemError("too-large", f"{spool.MAX_LINE} bytes")
    return _json(state.reconcile(source, content))


@blueprint.get("/openapi.json", endpoint="openapi")
@_safely
def openapi() -> Response:
    """The description of this interface."""
    response = _json(document.openapi(str(tk.config["ckan.site_url"])))
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@blueprint.route(
    "/<push_text:rest>",
    endpoint="unknown",
    merge_slashes=False,
    methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"],
)
@_safely
def unknown(rest: str) -> Response:
    """Any other address, any other method."""
    allowed = document.methods(rest)
    if not allowed:
        raise ProblemError("not-found")
    response = _problem(ProblemError("method-not-allowed"))
    response.headers["Allow"] = ", ".join(allowed)
    return response
