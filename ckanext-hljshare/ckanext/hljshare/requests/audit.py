"""Proof that nobody has touched the history of requests.

The chain of hashes finds changes, insertions, deletions and reordering. That its end was not cut
off, and that the whole of it was not put back to an earlier time, is found by a seal outside the
database: the head, signed, in a file, renewed by each verification and by `seal`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from ckan import model
from sqlalchemy.engine import Connection

from ckanext.hljshare.access import stored
from ckanext.hljshare.requests import store
from ckanext.hljshare.safety import chain, keys

PURPOSE = "history of requests"
BATCH = 2000
events = store.events

_WRITABLE = """
    SELECT has_table_privilege(oid, 'UPDATE') OR has_table_privilege(oid, 'DELETE')
        OR has_table_privilege(oid, 'TRUNCATE') OR has_table_privilege(oid, 'TRIGGER')
        OR pg_has_role(relowner, 'MEMBER')
    FROM pg_class WHERE oid = to_regclass('hljshare_request_event')
"""


@dataclass(frozen=True)
class Kept:
    """The seal as the file has it; `key_id` names the key that signed it."""

    seal: chain.Seal
    key_id: str


def file() -> Path:
    """Where the seal lies: beside the protected files, not in the database."""
    return stored.private_root() / "audit" / "requests.json"


def verify(connection: Connection | None = None) -> dict[str, Any]:
    """Read the whole history once, in order, and check it against its hashes and the seal.

    :returns: ``events``: how many are in order, before the first problem if there is one;
        ``intact``; ``problem``: None, or ``kind``, ``position``, ``until`` (see `chain.Finding`)
        and ``request_id``; ``head``: the last hash; ``sealed``: the place of the seal that it was
        checked against, None if there was none; ``writable``: whether the site's role could change
        or delete events. The seal is renewed if all is well.
    """
    if connection is None:
        with model.meta.engine.connect() as fresh:
            return verify(fresh)
    kept = _read()
    key, genuine = _seal_key(kept)
    if kept is not None and not genuine:
        result = chain.Result(0, chain.GENESIS, chain.Finding("seal", kept.seal.position))
    else:
        result = chain.verify(
            _rows(connection),
            store.history_key(),
            sealed=kept.seal if kept else None,
            seal_key=key,
        )
    if result.intact:
        _write(result.count, result.head)
    return {
        "events": result.count,
        "intact": result.intact,
        "problem": _problem(connection, result.finding),
        "head": result.head,
        "sealed": kept.seal.position if kept else None,
        "writable": writable(connection),
    }


def seal() -> dict[str, Any]:
    """Seal the present head without reading the whole history, if the last seal still holds.

    :returns: ``position`` of the seal, and ``renewed``: False where the entry that was sealed last
        is not there any more, or another one: the seal stays, and `verify` says what is wrong
    """
    kept = _read()
    with model.meta.engine.connect() as connection:
        head = connection.execute(
            sa.select(events.c.position, events.c.hash).order_by(events.c.position.desc()).limit(1)
        ).first()
        position, own = (head.position, head.hash) if head else (0, chain.GENESIS)
        if kept is not None:
            _key, genuine = _seal_key(kept)
            there = connection.scalar(
                sa.select(events.c.hash).where(events.c.position == kept.seal.position)
            )
            if not genuine or (kept.seal.position > 0 and there != kept.seal.hash):
                return {"position": kept.seal.position, "renewed": False}
    _write(position, own)
    return {"position": position, "renewed": True}


def writable(connection: Connection) -> bool:
    """Whether the role that is signed in could change or delete events, or become who can."""
    return bool(connection.scalar(sa.text(_WRITABLE)))


def _rows(connection: Connection) -> Iterator[chain.Row]:
    query = sa.select(events).order_by(events.c.position).execution_options(yield_per=BATCH)
    for row in connection.execute(query).mappings():
        record = dict(row)
        previous, own = record.pop("previous"), record.pop("hash")
        yield chain.Row(record["position"], previous, own, record)


def _problem(connection: Connection, finding: chain.Finding | None) -> dict[str, Any] | None:
    if finding is None:
        return None
    request = connection.scalar(
        sa.select(events.c.request_id).where(events.c.position == finding.position)
    )
    return {**finding.as_dict(), "request_id": request}


def _read() -> Kept | None:
    try:
        found = json.loads(file().read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return Kept(chain.Seal(0, "", ""), "")  # not a seal: it does not hold
    given = chain.Seal(int(found["position"]), str(found["hash"]), str(found["mac"]))
    return Kept(given, str(found["key"]))


def _seal_key(kept: Kept | None) -> tuple[bytes | None, bool]:
    """The key of a seal, and whether the seal is genuine."""
    if kept is None:
        return None, True
    key = keys.sealer().signing_keys(PURPOSE).get(kept.key_id)
    return key, key is not None and chain.is_genuine(kept.seal, key)


def _write(position: int, head: str) -> None:
    sealer = keys.sealer()
    made = chain.seal(position, head, sealer.signing_key(PURPOSE))
    text = json.dumps({**made._asdict(), "key": sealer.key_id})
    target = file()
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    half = target.with_name(f"{target.name}.{os.getpid()}~")
    half.write_text(text, "utf-8")
    os.replace(half, target)
