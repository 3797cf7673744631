"""The demo's sources on loopback: `python config/demo/serve.py --port N`; paths in sources.yaml.

Nothing is written to disk: catalogs are built at the first question, files when asked for
(a small cache keeps the last ones).
"""

from __future__ import annotations

import argparse
import calendar
import hashlib
import json
import threading
from collections import OrderedDict
from datetime import date
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

import files
import odweb
import sheets
from catalog import DataFile, Dataset, sources

HOST = "127.0.0.1"
MAX_FORM = 64 * 1024
CACHED_FILES = 64
SPREADSHEET = files.MEDIA["xlsx"]


class Store:
    """Bytes of the last files asked for, made once even when two ask at a time."""

    def __init__(self, size: int = CACHED_FILES) -> None:
        self._size, self._lock = size, threading.Lock()
        self._kept: OrderedDict[str, tuple[bytes, str]] = OrderedDict()

    def get(self, dataset: Dataset, file: DataFile) -> tuple[bytes, str]:
        """Content and ETag of a file."""
        with self._lock:
            found = self._kept.get(file.file_id)
            if found is None:
                body = files.content(dataset, file)
                found = (body, etag(body))
                self._kept[file.file_id] = found
                if len(self._kept) > self._size:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(file.file_id)
            return found


def etag(body: bytes) -> str:
    """A strong ETag: of the content itself."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


class Handler(BaseHTTPRequestHandler):
    """Answers GET, HEAD and POST; unknown paths get 404 as HTML, as real portals do."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "ODWeb/3.2", ""
    store = Store()
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """GET and, without a body, HEAD."""
        self._answer({})

    do_HEAD = do_GET  # noqa: N815 (the name is http.server's)

    def do_POST(self) -> None:
        """Form fields count like those of the query."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_FORM:
            self.close_connection = True
            self._send(b"too large", "text/plain", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        self._answer(parse_qs(self.rfile.read(length).decode("utf-8", "replace")))

    def _answer(self, form: dict[str, list[str]]) -> None:
        url = urlsplit(self.path)
        asked = {k: v[0] for k, v in {**parse_qs(url.query), **form}.items()}
        parts = [p for p in unquote(url.path).split("/") if p]
        source = sources().get(parts[0]) if parts else None
        if not parts:
            index = [
                {"name": s["name"], "title": s["title"], "kind": s["kind"], "path": s["path"]}
                for s in sources().values()
            ]
            self._json({"sources": index})
        elif (
            source
            and source["kind"] == "odweb"
            and parts[1:3] == ["odweb", "catalog"]
            and len(parts) == 4
        ):
            self._odweb(parts[0], parts[3], asked)
        elif source and "/" + "/".join(parts) == source["path"]:
            body = sheets.sheet(parts[0], self._base())
            kind = SPREADSHEET if parts[-1].endswith(".xlsx") else "text/csv; charset=gb18030"
            self._send(body, kind, tag=etag(body))
        elif source and parts[1:3] == ["catalog", "file"] and len(parts) == 4:
            self._file(parts[0], parts[3].partition(".")[0])
        else:
            self._missing()

    def _odweb(self, place: str, page: str, asked: dict[str, str]) -> None:
        method = asked.get("method")
        native_id = asked.get("cata_id", "")
        if page == "CatalogDetailDownload.do":
            self._file(place, asked.get("fileId", ""))
        elif page == "catalogDetail.htm" and (text := odweb.page(place, native_id)):
            self._send(text.encode(), "text/html; charset=utf-8")
        elif page == "catalog.do" and method == "GetCatalog":
            try:
                start = int(asked.get("start", "0"))
                length = int(asked.get("length") or asked.get("pageLength") or "6")
            except ValueError:
                self._json({"code": "500", "msg": "参数错误", "data": None})
                return
            self._json(odweb.listing(place, max(0, start), length))
        elif page == "catalogDetail.do" and method == "GetCatalogDetail":
            self._json(odweb.detail(place, native_id))
        elif page == "catalogDetail.do" and method == "GetDownLoadInfo":
            self._json(odweb.file_list(place, native_id))
        else:
            self._missing()

    def _file(self, place: str, file_id: str) -> None:
        dataset, file = sheets.file_index().get(file_id, (None, None))
        if dataset is None or file is None or dataset.place != place:
            self._missing()
            return
        body, tag = self.store.get(dataset, file)
        disposition = (
            f"attachment; filename=\"data.{file.format}\"; filename*=UTF-8''{quote(file.name)}"
        )
        self._send(
            body,
            files.media_type(file),
            tag=tag,
            disposition=disposition,
            modified=file.modified.isoformat(),
        )

    def _base(self) -> str:
        """The address the asker used, for links to files in a sheet."""
        return f"http://{self.headers.get('Host') or HOST}"

    def _json(self, data: object) -> None:
        self._send(json.dumps(data, ensure_ascii=False).encode(), "application/json; charset=utf-8")

    def _missing(self) -> None:
        page = (
            "<!DOCTYPE html><html lang=zh><title>404</title><body>您访问的页面不存在</body></html>"
        )
        self._send(page.encode(), "text/html; charset=utf-8", HTTPStatus.NOT_FOUND)

    def _send(
        self,
        body: bytes,
        kind: str,
        status: HTTPStatus = HTTPStatus.OK,
        tag: str = "",
        disposition: str = "",
        modified: str = "",
    ) -> None:
        asked = [
            t.strip().removeprefix("W/") for t in self.headers.get("If-None-Match", "").split(",")
        ]
        unchanged = bool(tag) and (tag in asked or "*" in asked)
        self.send_response(HTTPStatus.NOT_MODIFIED if unchanged else status)
        if tag:
            self.send_header("ETag", tag)
        if modified:
            self.send_header("Last-Modified", _http_date(modified))
        if not unchanged:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if disposition:
                self.send_header("Content-Disposition", disposition)
        self.end_headers()
        if not unchanged and self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as in the base)
        """Quiet: a harvest asks thousands of times."""


def _http_date(day: str) -> str:
    return formatdate(calendar.timegm(date.fromisoformat(day).timetuple()), usegmt=True)


class Server(ThreadingHTTPServer):
    """Threads end with the process; the port can be taken again at once."""

    daemon_threads = True
    allow_reuse_address = True


def make_server(port: int) -> Server:
    """A server on loopback; port 0 takes a free one. Raises OSError if the port is taken."""
    return Server((HOST, port), Handler)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="The sources of the demo province, on 127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    try:
        server = make_server(port)
    except OSError as error:
        raise SystemExit(
            f"demo sources: cannot listen on {HOST}:{port}: {error.strerror}"
        ) from None
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


if __name__ == "__main__":
    main()
