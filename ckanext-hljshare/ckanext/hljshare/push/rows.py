"""Rows of content into the DataStore: the table of a record, written and deleted by key.

All rows of a content go in by COPY beside the table, and from there into it in one transaction:
readers see all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckanext.datastore.backend import DatastoreBackend
from ckanext.datastore.backend.postgres import get_write_engine, identifier

from ckanext.hljshare.ingest import naming, suspect, tabular
from ckanext.hljshare.ingest.dataset import Source

from . import tables
from .lines import Refused
from .problems import ProblemError
from .spool import Spooled
from .tables import TYPES, Header, Row, TableError

# The names PostgreSQL gives to our types.
_STORED = {
    "text": "text",
    "bigint": "integer",
    "numeric": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp without time zone": "timestamp",
}


def prepare(source: Source, record: str, table: str, content: Spooled) -> Iterator[dict[str, Any]]:
    """See whether a content can be written; the work that is left gives the result of each line
    behind the first, when all rows are in. Raises ProblemError before anything is changed."""
    header = _header(content)
    if header.replace and content.lines < 2:
        raise ProblemError("table-invalid", "replace: no rows")
    dataset = _dataset_of(source, record)
    resource_id = resource_of(source, record, table)
    _check_table(resource_id, header)
    return _apply(resource_id, dataset, header, content)


def _header(content: Spooled) -> Header:
    for _number, data in content.each():
        try:
            return tables.header(data)
        except TableError as error:
            raise ProblemError("table-invalid", str(error)) from None
    raise ProblemError("table-invalid", "empty")


def _dataset_of(source: Source, record: str) -> str:
    package = model.Package.get(naming.dataset_id(source.id, record))
    if package is None or package.state != model.State.ACTIVE or package.extras.get("withdrawn_on"):
        raise ProblemError("record-unknown")
    return str(package.id)


def resource_of(source: Source, record: str, table: str) -> str:
    """The id of a table's resource."""
    return naming.resource_id(source.id, record, f"table:{table}")


def _apply(
    resource_id: str, dataset: str, header: Header, content: Spooled
) -> Iterator[dict[str, Any]]:
    shown = f"{str(tk.config['ckan.site_url']).rstrip('/')}/dataset/{dataset}"
    if header.replace and (results := _refused_as_a_whole(header, content, shown)):
        yield from results
        return
    risky = _new_and_identifying(resource_id, header)
    _resource(resource_id, dataset, header, closed=bool(risky))
    _shape(resource_id, header)
    refused: dict[int, Refused] = {}
    notes: list[tuple[int, bool, str]] = []
    _write(resource_id, header, content, refused, notes)
    DatastoreBackend.get_active_backend().calculate_record_count(resource_id)
    told = [f"personal-data-columns: {'、'.join(risky[:5])}"] if risky else []
    names = {number: (delete, name) for number, delete, name in notes}
    for number in range(2, content.lines + 1):
        if number in refused:
            outcome, reasons, name = "rejected", list(refused[number].reasons), ""
        else:
            delete, name = names[number]
            outcome, reasons = "deleted" if delete else "written", told
        yield _result(number, name, outcome, reasons, shown)


def _result(
    number: int, name: str, outcome: str, reasons: list[str], dataset: str
) -> dict[str, Any]:
    return {
        "line": number,
        "id": name,
        "outcome": outcome,
        "reasons": reasons,
        "hash": None,
        "dataset": dataset,
    }


def _refused_as_a_whole(header: Header, content: Spooled, dataset: str) -> list[dict[str, Any]]:
    """What a replacement came to that must not be made, nothing where it may: what it leaves out
    goes, so one bad row, or none that stays, would delete what nobody wanted deleted. Told before
    anything is changed, the table's columns included."""
    bad = False
    stays: dict[str, bool] = {}
    results = []
    for number, data in content.each(after=1):
        row = tables.row(number, data, header)
        if isinstance(row, Refused):
            bad = True
            results.append(_result(number, "", "rejected", list(row.reasons), dataset))
        else:
            stays[row.shown] = not row.delete
            results.append(_result(number, row.shown, "rejected", ["replace-refused"], dataset))
    return results if bad or not any(stays.values()) else []


def _new_and_identifying(resource_id: str, header: Header) -> list[str]:
    """Columns that name natural persons and were not in the table before: a table that gets one is
    closed until a person has looked at it (6.1 b); what that person decides stands."""
    standing = _columns(resource_id)
    named = [
        name
        for column in header.columns
        if column.name not in standing
        for name in dict.fromkeys((column.name, column.label))
    ]
    return suspect.identifying_items(named)


def _check_table(resource_id: str, header: Header) -> None:
    """The table as it stands may lack columns of this content, nothing else."""
    standing = _columns(resource_id)
    if not standing:
        return
    given = {column.name: column.kind for column in header.columns}
    for name, kind in standing.items():
        if given.get(name) != kind:
            raise ProblemError("table-differs", name)
    if _key(resource_id) != set(header.key):
        raise ProblemError("table-differs", "key")


def _columns(resource_id: str) -> dict[str, str]:
    query = sa.text(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_name = :table AND table_schema = 'public' ORDER BY ordinal_position"
    )
    with get_write_engine().connect() as connection:
        rows = connection.execute(query, {"table": resource_id}).all()
    return {name: _STORED.get(kind, kind) for name, kind in rows if not name.startswith("_")}


def _key(resource_id: str) -> set[str]:
    query = sa.text(
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a"
        " ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
        " WHERE i.indrelid = to_regclass(:table) AND i.indisunique AND NOT i.indisprimary"
    )
    with get_write_engine().connect() as connection:
        return set(connection.scalars(query, {"table": identifier(resource_id)}))


def _context() -> dict[str, Any]:
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    return {"user": user, "ignore_auth": True}


def _resource(resource_id: str, dataset: str, header: Header, *, closed: bool) -> None:
    """The table's resource, made where it is missing; its level is that of its dataset, or
    stricter."""
    level = {"open_type": "closed"} if closed else {}
    standing = model.Resource.get(resource_id)
    if standing is not None and standing.state == model.State.ACTIVE:
        if closed or standing.name != header.title:
            changed = {"id": resource_id, "name": header.title, **level}
            tk.get_action("resource_patch")(_context(), changed)
        return
    site = str(tk.config["ckan.site_url"]).rstrip("/")
    tk.get_action("resource_create")(
        _context(),
        {
            "id": resource_id,
            "package_id": dataset,
            "name": header.title,
            "format": "CSV",
            "url": f"{site}/datastore/dump/{resource_id}",
            "url_type": "datastore",
            **level,
        },
    )


def _shape(resource_id: str, header: Header) -> None:
    """The table with its columns and its key; columns that are new are added."""
    fields = [
        {"id": column.name, "type": TYPES[column.kind], "info": {"label": column.label}}
        for column in header.columns
    ]
    standing = _columns(resource_id)
    if standing.keys() == {column.name for column in header.columns}:
        return
    # CKAN wants the columns that stand first, in their order.
    order = {name: place for place, name in enumerate(standing)}
    fields.sort(key=lambda item: order.get(str(item["id"]), len(order)))
    tk.get_action("datastore_create")(
        _context(),
        {
            "resource_id": resource_id,
            "fields": fields,
            "primary_key": list(header.key),
            "force": True,
            "calculate_record_count": False,
        },
    )


def _write(
    resource_id: str,
    header: Header,
    content: Spooled,
    refused: dict[int, Refused],
    notes: list[tuple[int, bool, str]],
) -> None:
    table = identifier(resource_id)
    columns = [identifier(column.name) for column in header.columns]
    key = [identifier(name) for name in header.key]
    others = [name for name in columns if name not in key]
    same = " AND ".join(f"t.{name} = p.{name}" for name in key)
    listed, keys = ", ".join(columns), ", ".join(key)
    updated = ", ".join(f"{name} = excluded.{name}" for name in others)
    conflict = f"DO UPDATE SET {updated}" if others else "DO NOTHING"
    shape = ", ".join(f"{identifier(c.name)} {TYPES[c.kind]}" for c in header.columns)
    # Names are quoted by the DataStore's own `identifier`, types are from our list.
    last = f"SELECT DISTINCT ON ({keys}) * FROM push_rows ORDER BY {keys}, _line DESC"  # noqa: S608
    gone = f"DELETE FROM {table} t USING push_last p WHERE p._delete AND {same}"  # noqa: S608
    new = f"SELECT {listed} FROM push_last WHERE NOT _delete ORDER BY _line"  # noqa: S608
    statements = [
        f"CREATE TEMP TABLE push_last ON COMMIT DROP AS {last}",
        f"DELETE FROM {table}" if header.replace else gone,  # noqa: S608
        f"INSERT INTO {table} ({listed}) {new} ON CONFLICT ({keys}) {conflict}",
    ]
    connection = get_write_engine().raw_connection()
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TEMP TABLE push_rows (_line int, _delete bool, {shape}) ON COMMIT DROP"
            )
            lines = tabular.copy_text(_cells(header, content, refused, notes))
            cursor.copy_expert(
                f"COPY push_rows (_line, _delete, {listed}) FROM STDIN", tabular.LineReader(lines)
            )
            for statement in statements:
                cursor.execute(statement)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    finally:
        connection.close()


def _cells(
    header: Header,
    content: Spooled,
    refused: dict[int, Refused],
    notes: list[tuple[int, bool, str]],
) -> Iterator[tuple[str | None, ...]]:
    names = [column.name for column in header.columns]
    places = [names.index(name) for name in header.key]
    for number, data in content.each(after=1):
        row = tables.row(number, data, header)
        if isinstance(row, Refused):
            refused[number] = row
            continue
        notes.append((number, row.delete, row.shown))
        yield (str(number), "true" if row.delete else "false", *_placed(row, names, places))


def _placed(row: Row, names: list[str], places: list[int]) -> tuple[str | None, ...]:
    """All columns: a deletion has those of its key only."""
    if not row.delete:
        return row.values
    values: list[str | None] = [None] * len(names)
    for place, value in zip(places, row.values, strict=True):
        values[place] = value
    return tuple(values)
