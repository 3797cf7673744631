"""Rows that come in no useful order, kept until all are there. Standard library only.

A source that gives changes (I, U, D) instead of datasets, or its datasets and their items in two
tables, has to be read to its end before the first dataset is known. The rows wait in a temporary
file that has no name, so that memory does not grow with the source.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any


class Shelf:
    """The newest row of each id, by kind."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute(
            "CREATE TABLE row (kind TEXT, id TEXT, parent TEXT, rank TEXT, gone INT, body TEXT,"
            " UNIQUE (kind, id))"
        )
        self._db.execute("CREATE INDEX row_parent ON row (kind, parent)")

    def put(self, kind: str, key: str, body: Any, *, parent: str, rank: str, gone: bool) -> None:
        """Keep a row unless a newer one of its id is there; of equal rank, the later is newer."""
        self._db.execute(
            "INSERT INTO row VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET"
            " parent = excluded.parent, rank = excluded.rank, gone = excluded.gone,"
            " body = excluded.body WHERE excluded.rank >= row.rank",
            (kind, key, parent, rank, gone, json.dumps(body)),
        )

    def rows(self, kind: str) -> Iterator[tuple[str, Any]]:
        """Id and row of all that is not gone, in the order in which their ids first came."""
        query = "SELECT id, body FROM row WHERE kind = ? AND NOT gone ORDER BY rowid"
        for key, body in self._db.execute(query, (kind,)):
            yield key, json.loads(body)

    def of(self, kind: str, parent: str) -> list[Any]:
        """The rows of a kind that belong to one dataset."""
        query = "SELECT body FROM row WHERE kind = ? AND parent = ? AND NOT gone ORDER BY rowid"
        return [json.loads(body) for (body,) in self._db.execute(query, (kind, parent))]

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
