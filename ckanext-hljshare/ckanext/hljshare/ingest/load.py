"""Tables into the DataStore. The rows go in by COPY: measured on this machine ten times as fast as
datastore_upsert.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckanext.datastore.backend import DatastoreBackend
from ckanext.datastore.backend.postgres import get_write_engine, identifier

from . import naming, tabular


def fields_of(table: tabular.Table) -> list[dict[str, Any]]:
    """DataStore fields: the original headers as names and labels, shortened only where PostgreSQL
    cannot take them.
    """
    ids = naming.column_ids(table.headers)
    return [
        {"id": name, "type": kind, "info": {"label": header}}
        for name, kind, header in zip(ids, table.types, table.headers, strict=True)
    ]


def load(resource_id: str, table: tabular.Table) -> int:
    """Create (or replace) the table of a resource and fill it; the number of rows. Raises on any
    failure, leaving none behind.
    """
    context: dict[str, Any] = {"ignore_auth": True}
    drop(resource_id)
    fields = fields_of(table)
    tk.get_action("datastore_create")(
        dict(context),
        {
            "resource_id": resource_id,
            "fields": fields,
            "force": True,
            "calculate_record_count": False,
        },
    )
    try:
        _copy(resource_id, [field["id"] for field in fields], table)
    except Exception:
        drop(resource_id)
        raise
    DatastoreBackend.get_active_backend().calculate_record_count(resource_id)
    return table.count


def _copy(resource_id: str, columns: list[str], table: tabular.Table) -> None:
    names = ", ".join(identifier(name) for name in columns)
    statement = f"COPY {identifier(resource_id)} ({names}) FROM STDIN"
    connection = get_write_engine().raw_connection()
    try:
        with connection.cursor() as cursor:
            cursor.copy_expert(statement, tabular.LineReader(tabular.copy_text(table.rows())))
        connection.commit()
    except Exception:
        connection.rollback()
        raise
    finally:
        connection.close()


def drop(resource_id: str) -> None:
    """Remove the table of a resource, if there is one."""
    with get_write_engine().begin() as connection:
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {identifier(resource_id)} CASCADE"))
