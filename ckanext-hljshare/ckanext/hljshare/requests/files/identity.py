"""Identity numbers: sealed in the database, shown masked, read in full by the handling agency."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert

from ckanext.hljshare.requests.files.model import RequestIdentity
from ckanext.hljshare.safety import identity_numbers, keys

table: sa.Table = RequestIdentity.__table__


def place(request_id: str) -> str:
    """What a sealed number is bound to: moved to another request it does not open."""
    return f"request identity {request_id}"


def put(request_id: str, number: str) -> None:
    """Keep a number sealed, in place of the one before, in the open transaction.

    It is normalized (blanks, width, case); whether it fits is decided before.
    """
    clean = identity_numbers.normalize(number)
    sealer = keys.sealer()
    values = {
        "sealed": sealer.seal(clean, place(request_id)),
        "masked": identity_numbers.mask(clean),
        "key_id": sealer.key_id,
        "erased_at": None,
    }
    statement = insert(table).values(request_id=request_id, **values)
    model.Session.execute(
        statement.on_conflict_do_update(index_elements=["request_id"], set_=values)
    )


def masked(request_id: str) -> str:
    """The number as it is shown; empty where there is none (any more)."""
    query = sa.select(table.c.masked).where(table.c.request_id == request_id)
    return str(model.Session.scalar(query) or "")


def reveal(request_id: str) -> str:
    """The number itself. Who calls this has asked who may, and writes it down.

    :raises ObjectNotFound: there is none, or it was erased
    :raises SealError: it does not open: its key is not there, or it was changed
    """
    query = sa.select(table.c.sealed).where(
        table.c.request_id == request_id, table.c.erased_at.is_(None)
    )
    sealed = model.Session.scalar(query)
    if sealed is None:
        raise tk.ObjectNotFound(tk._("There is no identity number, or it was erased"))
    return keys.sealer().open(str(sealed), place(request_id))


def forget(request_id: str) -> None:
    """Remove a number, in the open transaction."""
    model.Session.execute(sa.delete(table).where(table.c.request_id == request_id))
