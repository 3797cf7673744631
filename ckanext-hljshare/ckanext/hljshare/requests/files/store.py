"""Files of requests: their rows, and their bytes below the private root.

Bytes are written whole under another name first, before their row; they are erased after the commit
of what removes them (outbox). What a crash leaves without a row is swept up (`upkeep.sweep`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.orm import Session

from ckanext.hljshare.access import stored
from ckanext.hljshare.deadlines import outbox
from ckanext.hljshare.requests import routing, store
from ckanext.hljshare.requests import rules as request_rules
from ckanext.hljshare.requests.files import rules, words
from ckanext.hljshare.requests.files.model import RequestFile
from ckanext.hljshare.requests.model import Request, new_id, now
from ckanext.hljshare.safety import keys, uploads

ERASE = "requests.file.erase"
CHUNK = 1 << 16
SPOOL = 1 << 20
# Pictures and documents; an identity card is no archive and no table.
PROOFS = ("pdf", "png", "jpg", "jpeg", "tif", "tiff", "ofd")


# ---------------------------------------------------------------- places


def root() -> Path:
    """The folder of all files of requests."""
    return stored.private_root() / "requests"


def path(request_id: str, file_id: str) -> Path:
    """Where a file lies. Raises ValueError for what is no id."""
    for given in (request_id, file_id):
        if not given or not given.replace("-", "").isalnum():
            raise ValueError("not an id")
    return root() / request_id / file_id


def place(file_id: str) -> str:
    """What a sealed file is bound to."""
    return f"request file {file_id}"


def write(target: Path, source: BinaryIO, sealed_for: str | None) -> str | None:
    """Put a file in its place, whole or not at all; sealed for `sealed_for` unless that is None.
    Returns the id of the key."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    half = target.with_name(target.name + "~")
    key_id = None
    with half.open("wb") as output:
        if sealed_for is None:
            shutil.copyfileobj(source, output, CHUNK)
        else:
            sealer = keys.sealer()
            sealer.seal_file(source, output, sealed_for)
            key_id = sealer.key_id
        output.flush()
        os.fsync(output.fileno())
    os.replace(half, target)
    return key_id


def unwrite(request_id: str, file_id: str) -> None:
    """Remove the bytes of a file whose row was not committed."""
    path(request_id, file_id).unlink(missing_ok=True)


def chunks(row: RequestFile) -> Iterator[bytes]:
    """The bytes of a file as they were sent.

    :raises OSError: they are not there
    :raises SealError: the seal does not open
    """
    with path(row.request_id, row.id).open("rb") as file:
        if row.key_id is not None:
            yield from keys.sealer().open_file(file, place(row.id))
            return
        while chunk := file.read(CHUNK):
            yield chunk


# ---------------------------------------------------------------- rows


def get(file_id: str) -> RequestFile:
    """A file's row. Raises `tk.ObjectNotFound`."""
    row = model.Session.get(RequestFile, str(file_id))
    if row is None:
        raise tk.ObjectNotFound(tk._("File not found"))
    return row


def of_request(request_id: str, *purposes: str) -> list[RequestFile]:
    """The files of a request, the oldest first; those that were erased too."""
    query = sa.select(RequestFile).where(RequestFile.request_id == request_id)
    if purposes:
        query = query.where(RequestFile.purpose.in_(purposes))
    return list(model.Session.scalars(query.order_by(RequestFile.created, RequestFile.id)))


def limits(purpose: str) -> uploads.Limits:
    """What may be uploaded for a purpose. Delivered data may be as large as a resource."""
    if purpose == "delivery":
        return uploads.Limits(int(tk.config["ckan.max_resource_size"]) * 1024 * 1024)
    most = request_rules.load().attachment_bytes
    if purpose == "proof":
        return uploads.Limits(most, PROOFS)
    return uploads.Limits(most)


def add(request_id: str, purpose: str, upload: Any, user_id: str) -> dict[str, Any]:
    """Check an upload and keep it, in the open transaction; the caller has asked who may, and
    commits. The request's row is locked from the end of the check on.

    :param purpose: one of `rules.PURPOSES`
    :param upload: as werkzeug gives it: `filename`, `content_type`, `stream`
    :returns: the file, as `listed`
    :raises ValidationError: the file is refused, or one too many; at ``upload``
    """
    root().mkdir(parents=True, exist_ok=True, mode=0o750)
    with tempfile.TemporaryFile(dir=root()) as content:
        source = getattr(upload, "stream", None) or upload
        verdict = uploads.take(
            source,
            content,
            str(upload.filename or ""),
            str(getattr(upload, "content_type", "") or ""),
            limits(purpose),
        )
        if not verdict.accepted:
            raise refused(words.refusal(verdict.code, verdict.params))
        request = store.locked(request_id)
        _check_room(request.id, purpose, verdict.size)
        row = RequestFile(
            id=new_id(),
            request_id=request.id,
            purpose=purpose,
            name=verdict.name,
            size=verdict.size,
            sha256=verdict.sha256,
            media_type=verdict.media_type,
            uploader=user_id,
            created=now(),
        )
        seal_for = place(row.id) if purpose in rules.SEALED else None
        row.key_id = write(path(row.request_id, row.id), content, seal_for)
    model.Session.add(row)
    touch(request)
    model.Session.flush()
    return shown(row, request, {"applicant"} if purpose != "delivery" else {"handler"})


def _check_room(request_id: str, purpose: str, size: int) -> None:
    """How many files a request takes, and how much all together."""
    with_it = ("proof", "attachment") if purpose in ("proof", "attachment") else (purpose,)
    present = [row for row in of_request(request_id, *with_it) if row.erased is None]
    most = request_rules.load()
    if len(present) >= most.attachments_max:
        raise refused(tk._("At most {n} files").format(n=most.attachments_max))
    total = sum(row.size for row in present) + size
    if purpose != "delivery" and total > most.attachments_bytes:
        raise refused(
            tk._("All files together may have {size} at most").format(
                size=words.size(most.attachments_bytes)
            )
        )


def refused(text: str) -> tk.ValidationError:
    """The error for an upload that is not kept; nothing is changed."""
    model.Session.rollback()
    return tk.ValidationError({"upload": [text]})


def touch(request: Request) -> None:
    """Count a change of the request: who looked at it before looks again before deciding."""
    request.version += 1
    request.updated = max(now(), request.updated)


def remove(row: RequestFile) -> None:
    """Take a file away, in the open transaction; its bytes go after the commit."""
    _order_erasure([row])
    model.Session.delete(row)


def blank(rows: Collection[RequestFile], moment: datetime) -> None:
    """Erase files, in the open transaction: the lines stay, names and bytes go."""
    for row in rows:
        row.erased, row.name = moment, ""
    _order_erasure(rows)


def _order_erasure(rows: Collection[RequestFile]) -> None:
    for row in rows:
        outbox.put(ERASE, row.id, {"request_id": row.request_id, "file_id": row.id})


@outbox.handler(ERASE)
def erase(payload: dict[str, Any]) -> None:
    """Erase the bytes of a file, unless its row says that it is kept."""
    row = model.Session.get(RequestFile, payload["file_id"])
    if row is not None and row.erased is None:
        return
    target = path(payload["request_id"], payload["file_id"])
    target.unlink(missing_ok=True)
    with suppress(OSError):  # others lie there still
        target.parent.rmdir()


# ---------------------------------------------------------------- for the request's actions


def shown(row: RequestFile, request: Request, roles: Collection[str]) -> dict[str, Any]:
    """A file as a dictionary for who has these roles in its request.

    `readable`: the bytes may be had now; `removable`: it may be taken away.
    """
    answer = readable(row, request, roles)
    change = rules.may_change(row.purpose, request.state, roles)
    return {
        "id": row.id,
        "request_id": row.request_id,
        "purpose": row.purpose,
        "name": row.name,
        "size": row.size,
        "sha256": row.sha256,
        "media_type": row.media_type,
        "created": row.created.isoformat(),
        "not_after": row.not_after.isoformat() if row.not_after else None,
        "erased": row.erased.isoformat() if row.erased else None,
        "readable": answer == "yes" and row.erased is None,
        "removable": change == "yes" and row.erased is None,
    }


def readable(row: RequestFile, request: Request, roles: Collection[str]) -> rules.Answer:
    """Whether the bytes of a file may be read now by who has these roles."""
    return rules.may_read(
        row.purpose,
        request.state,
        roles,
        now(),
        row.not_after,
        use_ended=request.use_ended_at is not None,
    )


def listed(request_id: str, roles: Collection[str]) -> list[dict[str, Any]]:
    """The files of a request that who has these roles may know of, the oldest first."""
    request = store.get(request_id)
    return [
        shown(row, request, roles)
        for row in of_request(request.id)
        if rules.may_know(row.purpose, request.state, roles)
    ]


def recorded(request_id: str) -> list[dict[str, str]]:
    """What the history says of the files that came with a request: id, purpose, sha256."""
    return [
        {"id": row.id, "purpose": row.purpose, "sha256": row.sha256}
        for row in of_request(request_id, "proof", "attachment")
        if row.erased is None
    ]


def delivered(request_id: str) -> list[dict[str, Any]]:
    """The files that are, or are to be, delivered: `id`, `name`, `size`, `sha256` …"""
    request = store.get(request_id)
    return [
        shown(row, request, {"handler"})
        for row in of_request(request_id, "delivery")
        if row.erased is None
    ]


def hand_over(request_id: str, until: datetime) -> None:
    """At delivery: let the applicant take the files until a moment, in the open transaction."""
    if until.tzinfo is None:
        raise ValueError("a moment needs its zone")
    for row in of_request(request_id, "delivery"):
        row.not_after = until
    model.Session.flush()


def forget(request_id: str) -> None:
    """Remove all files of a request that is thrown away, in the open transaction."""
    for row in of_request(request_id):
        remove(row)


def still_open(file_id: str, user_id: str) -> bool:
    """Whether a person may have a file, asked of the database afresh: for a download under way."""
    with Session(model.meta.engine) as session:
        row = session.get(RequestFile, file_id)
        request = session.get(Request, row.request_id) if row is not None else None
        if row is None or request is None or row.erased is not None:
            return False
        roles = routing.roles(session.get(model.User, user_id), request)
        return readable(row, request, roles) == "yes"
