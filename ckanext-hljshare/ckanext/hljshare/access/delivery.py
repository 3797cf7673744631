"""How bytes are delivered: a file's name, its source, and the account of what is sent."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import ckan.plugins.toolkit as tk
import flask
from flask import Response

from ckanext.hljshare.access import stored, vault
from ckanext.hljshare.access.filenames import safe_name
from ckanext.hljshare.access.grants import store
from ckanext.hljshare.safety import fetch

CHUNK = 1 << 17  # bytes read at a time: what stays in the processor's cache is fastest
MOST_PIECE = 1 << 24
CHECK_SECONDS = 1.0  # how soon a revoked grant ends a download that is under way
GIB = 1 << 30
MAX_FETCHED = 64 * GIB
MAX_SECONDS = 6 * 3600


class DownloadEndedError(Exception):
    """The grant ended in the middle of a download: the connection is cut."""


def file_name(dataset: Mapping[str, Any], resource: Mapping[str, Any]) -> str:
    """Return the name under which a resource is saved.

    The uploaded file's own name where it is kept, else the resource's or dataset's title, with
    the suffix of the stored file or of the format.
    """
    kept = resource.get("filename")
    if not kept and resource.get("url_type") == "upload":
        kept = vault.address(str(resource["id"]))
    if kept:
        return safe_name(str(kept))
    stem = safe_name(str(resource.get("name") or dataset.get("title") or resource["id"]))
    stored_suffix = PurePosixPath(unquote(urlsplit(str(resource.get("url") or "")).path)).suffix
    suffix = stored_suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,6}", stored_suffix) else ""
    declared = str(resource.get("format") or "").lower()
    if not suffix and re.fullmatch(r"[a-z0-9]{1,6}", declared):
        suffix = f".{declared}"
    return stem if stem.lower().endswith(suffix) else f"{stem}{suffix}"


def attachment(name: str) -> str:
    """Return a download's Content-Disposition; a header is Latin-1, a name is not (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def of_file(path: Path, name: str, mimetype: str | None, by_server: bool) -> Response:
    """Answer with a stored file: conditional and Range requests, flat memory.

    `by_server`: nginx may send it (X-Accel-Redirect), where `hljshare.delivery.x_accel` is set.
    """
    response = flask.send_file(
        path,
        mimetype=mimetype or "application/octet-stream",
        as_attachment=True,
        download_name=name,
        conditional=True,
    )
    response.headers["Content-Disposition"] = attachment(name)
    prefix = tk.config.get("hljshare.delivery.x_accel")
    if prefix and by_server and response.status_code == 200:
        response.headers["X-Accel-Redirect"] = _internal(prefix, path)
        del response.headers["Content-Length"]
        response.response = []
    return response


def _internal(prefix: str, path: Path) -> str:
    """Return nginx's internal address of a stored file: prefix, then the root, then the place."""
    for root, name in ((stored.private_root(), "private"), (stored.public_root(), "resources")):
        if path.is_relative_to(root):
            return f"{prefix.rstrip('/')}/{name}/{path.relative_to(root).as_posix()}"
    raise ValueError("the file lies outside the storage")


def _read(path: Path, start: int, length: int, line: socket.socket | None) -> Iterator[bytes | int]:
    """Give a stored file piece by piece: bytes, or how many the kernel has sent meanwhile.

    :param line: the client's connection, where the system may copy the file to it (sendfile)
    """
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        first = file.read(min(CHUNK, length))
        if not first:
            return
        yield first  # the server sends its headers before it
        if line is None:
            left = length - len(first)
            while left > 0 and (chunk := file.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk
            return
        yield from _copied(line, file.fileno(), start + len(first), length - len(first))


def _copied(line: socket.socket, file: int, offset: int, length: int) -> Iterator[int]:
    """Let the kernel copy a file to a connection, in pieces that take a fraction of a second: in
    between the download can be stopped."""
    piece = CHUNK
    while length > 0:
        began = time.monotonic()
        sent = os.sendfile(line.fileno(), file, offset, min(piece, length))
        if not sent:
            return
        took = time.monotonic() - began
        piece = min(piece * 2, MOST_PIECE) if took < CHECK_SECONDS / 8 else max(piece // 2, CHUNK)
        offset, length = offset + sent, length - sent
        yield sent


def _line() -> socket.socket | None:
    """Return the client's connection where gunicorn lends it, plain and HTTP/1."""
    environ = tk.request.environ
    line = environ.get("gunicorn.socket")
    plain = type(line) is socket.socket and environ["SERVER_PROTOCOL"].startswith("HTTP/1")
    return line if plain else None


def watched(response: Response, path: Path) -> Response:
    """Let a stored file's answer be read by the portal itself, piece by piece, so that it can be
    counted and cut; headers and range stay as `of_file` has set them."""
    if response.status_code not in (200, 206):
        return response
    size = path.stat().st_size
    start, length = 0, size
    if response.status_code == 206 and response.content_range.start is not None:
        start = response.content_range.start
        length = (response.content_range.stop or size) - start
    if isinstance(response.response, Iterable) and hasattr(response.response, "close"):
        response.response.close()
    response.response = _read(path, start, length, _line())  # type: ignore[assignment]
    response.direct_passthrough = True
    response.headers["Content-Length"] = str(length)
    return response


def fetched(address: str, name: str) -> Response:
    """Stream what stands at a protected address; a Range is passed on. The address is not told,
    also not in errors."""
    networks = fetch.parse_networks(tk.config.get("hljshare.ingest.allowed_networks") or "")
    fetcher = fetch.Fetcher(allowed=networks, max_bytes=MAX_FETCHED, max_seconds=MAX_SECONDS)
    wanted = tk.request.headers.get("Range")
    try:
        opened = fetcher.open(address, {"Range": wanted} if wanted else {})
    except fetch.SourceError:
        tk.abort(502, tk._("The source of this file does not answer; please try again later"))
    response = Response(
        opened.chunks, status=opened.status, content_type="application/octet-stream"
    )
    for header in ("Content-Length", "Content-Range", "Accept-Ranges"):
        if header in opened.headers and "Content-Encoding" not in opened.headers:
            response.headers[header] = opened.headers[header]
    response.headers["Content-Disposition"] = attachment(name)
    return response


def accounted(
    chunks: Iterable[bytes | int], log_id: int, alive: Callable[[], bool] | None
) -> Iterator[bytes]:
    """Pass bytes on, count those that the kernel has sent, watch the grant, and write down how it
    ended.

    :param alive: asked every `CHECK_SECONDS`; when it says no, the download is cut. None: never.
    """
    sent, outcome, detail = 0, "cut", "client"
    checked = time.monotonic()
    try:
        for chunk in chunks:
            if alive is not None and time.monotonic() - checked > CHECK_SECONDS:
                checked = time.monotonic()
                if not alive():
                    detail = "grant-ended"
                    raise DownloadEndedError
            if isinstance(chunk, int):
                sent += chunk
                yield b""
            else:
                yield chunk
                sent += len(chunk)
        outcome, detail = "complete", ""
    except fetch.SourceError:
        detail = "source"
        raise
    finally:
        close = getattr(chunks, "close", None)
        if close:
            close()
        store.end(log_id, sent, outcome, detail)
