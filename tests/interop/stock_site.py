"""A stock CKAN 2.12 with ckanext-harvest and ckanext-dcat, and nothing of ours.

It stands on the portal's servers with a database, a search core, a Redis database, files and a port
of its own, and is taken away whole.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import psycopg2
from psycopg2 import sql

from tests.sites import Site, Sites

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = "dcat harvest ckan_harvester dcat_rdf_harvester"
ROWS = 500  # documents of the search index that are read at a time


class StockSite:
    """The site, with the process that harvests for it."""

    def __init__(self, run: Path, prefix: str, redis: int) -> None:
        """Make it and start its process.

        :param run: the portal's folder of data
        :param prefix: begins the names of all that is made
        :param redis: number of a Redis database that nobody else uses
        """
        self._stack = contextlib.ExitStack()
        try:
            sites = Sites(run, prefix, {"stock": redis}, PLUGINS)
            self._stack.callback(sites.close)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = int(probe.getsockname()[1])
            self.url = f"http://127.0.0.1:{self.port}"
            self.site: Site = sites.make("stock", "site", settings={"ckan.site_url": self.url})
            self._process = self._stack.enter_context(self._child())
        except BaseException:
            self._stack.close()
            raise

    @contextlib.contextmanager
    def _child(self) -> Iterator[subprocess.Popen[str]]:
        log = self.site.ini.with_suffix(".log")
        with log.open("w") as words:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.interop.stock_child", str(self.site.ini)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
                text=True,
            )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def close(self) -> None:
        """End the process and remove everything."""
        self._stack.close()

    def do(self, what: str, **values: Any) -> Any:
        """Have the process do something of `stock_child`. Raises RuntimeError with its words."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": what, **values}) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("answer: "):
                answer = json.loads(line.removeprefix("answer: "))
                if "error" in answer:
                    raise RuntimeError(answer["error"])
                return answer["result"]
        raise RuntimeError(self.site.ini.with_suffix(".log").read_text("utf-8")[-3000:])

    def harvest(self, name: str, kind: str, url: str, **config: Any) -> dict[str, Any]:
        """One run of a source, made when it is not there. ``kind``: "ckan" or "dcat_rdf"."""
        found: dict[str, Any] = self.do("harvest", name=name, kind=kind, url=url, config=config)
        return found

    def datasets(self, name: str) -> dict[str, dict[str, Any]]:
        """What a source has brought, by id."""
        return {dataset["id"]: dataset for dataset in self.do("datasets", name=name)}

    def everything(self) -> Iterator[tuple[str, str]]:
        """All that the site holds as (where, text): each row of each table, each document of the
        search index, each file."""
        yield from self._rows()
        yield from self._documents()
        for file in sorted(self.site.storage.rglob("*")):
            if file.is_file():
                yield (
                    f"file {file.relative_to(self.site.storage)}",
                    file.read_text("utf-8", "replace"),
                )

    def _rows(self) -> Iterator[tuple[str, str]]:
        with contextlib.closing(psycopg2.connect(self.site.database)) as connection:
            names = "select tablename from pg_tables where schemaname = 'public' order by 1"
            with connection.cursor() as cursor:
                cursor.execute(names)
                tables = [row[0] for row in cursor.fetchall()]
            for table in tables:
                query = sql.SQL("select to_jsonb(t)::text from {} t").format(sql.Identifier(table))
                with connection.cursor(name="everything") as cursor:
                    cursor.execute(query)
                    for (text,) in cursor:
                        yield f"table {table}", text

    def _documents(self) -> Iterator[tuple[str, str]]:
        mark, seen = "*", ""
        while mark != seen:
            asked = {"q": "*:*", "fl": "*", "rows": ROWS, "sort": "index_id asc", "wt": "json"}
            query = urlencode({**asked, "cursorMark": mark})
            with urlopen(f"{self.site.core.address}/select?{query}", timeout=60) as answer:
                found = json.load(answer)
            for document in found["response"]["docs"]:
                yield "search index", json.dumps(document, ensure_ascii=False)
            mark, seen = found["nextCursorMark"], mark
