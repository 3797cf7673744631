"""A file's table, page by page, read from the DataStore as the current user."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan.lib.search import SearchError
from ckanext.datastore.backend.postgres import get_read_engine
from sqlalchemy.exc import DBAPIError, OperationalError

from ckanext.hljshare.access import subject
from ckanext.hljshare.catalog.paging import page_of
from ckanext.hljshare.theme import paging

log = logging.getLogger(__name__)

ROWS = 20
TIMEOUT_MS = 3000
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")  # PostgreSQL takes no NUL, and no cell needs the others
LAST = 500  # pages; deeper reading is what the download and the API are for


@dataclass(frozen=True)
class Preview:
    """`columns`: (id, heading, number?); `rows`: lists of values in the columns' order.

    `problem`: why there are no rows to show: `slow` (the search took too long) or `unreadable`.
    """

    columns: list[tuple[str, str, bool]] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    total: int = 0
    page: int = 1
    pages: int = 1
    query: str = ""
    problem: str = ""


def load(resource: dict[str, Any], page: str | None, query: str | None) -> Preview | None:
    """One page of the rows, those that hold `query` if given.

    None where there is no table, or the DataStore refuses it to this user: the page then says
    what the file's level means, as it does for a file without a table.
    """
    if not resource.get("datastore_active"):
        return None
    number = page_of(page, LAST)
    wanted = CONTROLS.sub("", query or "").strip()[:100]
    try:
        return _load(resource, number, wanted)
    except OperationalError:
        log.warning("Preview of %s: too slow or not reachable", resource["id"], exc_info=True)
        return Preview(page=number, query=wanted, problem="slow" if wanted else "unreadable")
    except (DBAPIError, SearchError):
        log.exception("Preview of %s cannot be read", resource["id"])
        return Preview(page=number, query=wanted, problem="unreadable")


def _limited(resource_id: str) -> bool:
    """Whether the visitor may see a part of the table only."""
    decision = subject.check(tk.g.user, resource_id, "query")
    return bool(decision.grant and decision.grant.limited)


def _load(resource: dict[str, Any], number: int, wanted: str) -> Preview | None:
    """As `load`, without its care for failures of the database."""
    start = (number - 1) * ROWS
    try:
        # Also where a word is asked for: the DataStore's own check says who may read the rows.
        found = tk.get_action("datastore_search")(
            {"user": tk.g.user},
            {
                "resource_id": resource["id"],
                "limit": 0 if wanted else ROWS,
                "offset": 0 if wanted else start,
                "records_format": "lists",
                "sort": "_id",
            },
        )
    except (tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        return None
    fields = [item for item in found["fields"] if item["id"] != "_id"]
    if wanted:
        names = [item["id"] for item in fields]
        total, rows = _holding(resource["id"], names, wanted, start)
    else:
        total = int(found.get("total") or 0)
        rows = [row[1:] for row in found["records"]]
    return Preview(
        columns=[
            (
                item["id"],
                (item.get("info") or {}).get("label") or item["id"],
                paging.is_number(item.get("type")),
            )
            for item in fields
        ],
        rows=rows,
        total=total,
        page=number,
        pages=max(1, min(LAST, -(-total // ROWS))),
        query=wanted,
    )


def _holding(
    table_name: str, names: list[str], word: str, start: int
) -> tuple[int, list[list[Any]]]:
    """The rows that hold a word in any column, and how many there are.

    The DataStore's own `q` knows words between blanks only: in Chinese it finds nothing. So this
    asks the read-only connection itself, by names that the DataStore has just listed.
    """
    columns: list[Any] = [sa.column(name) for name in names]
    table = sa.table(table_name, sa.column("_id"), *columns)
    holds = sa.or_(
        *(sa.cast(column, sa.Text).icontains(word, autoescape=True) for column in columns)
    )
    rows = sa.select(*columns).select_from(table).where(holds)
    with get_read_engine().connect() as connection:
        connection.execute(sa.text(f"SET LOCAL statement_timeout = {TIMEOUT_MS}"))
        count = sa.select(sa.func.count()).select_from(table).where(holds)
        total = int(connection.execute(count).scalar_one())
        page = rows.order_by(sa.column("_id")).limit(ROWS).offset(start)
        return total, [list(row) for row in connection.execute(page)]


def cell(value: Any) -> str:
    """A cell as text: nothing for null, whole numbers without `.0`."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
