"""The city's side: sends what changed since the province confirmed it, and makes sure of it.

What the province has confirmed is kept by id and hash; what is sent is the difference to the
portal's own published datasets. No time of either side is compared with the other's. A batch is
kept, with its key, until its receipt is here: whatever ends this process, the next run sends the
same once more and gets the same receipt.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert

from ckanext.hljshare.ingest.record import CatalogRecord
from ckanext.hljshare.safety.fetch import Fetcher, own_port, parse_networks

from . import canonical, client, digest, lines
from .client import Province, RefusedError, UnreachableError
from .model import Acknowledged, Outgoing, now

MAX_LINES = 5000
MAX_BATCH_BYTES = 64 * 1024 * 1024
PAGE = 200
MAX_GONE = 0.2  # of what the province holds; more deletions than that need a person's word
FEW = 5
ROUNDS = 3
KEPT = timedelta(days=90)
Progress = Callable[[str, int, int | None], None]

__all__ = ["BusyError", "RefusedError", "SettingsError", "UnreachableError", "province", "run"]


class SettingsError(Exception):
    """The settings of the sender are missing or wrong; the message is for the operator."""


class BusyError(Exception):
    """Another process of this portal is pushing."""


@dataclass
class Report:
    """What a run did. ``difference``: ids that both sides hold differently at the end, but for
    those that the province has ``refused``; ``withheld``: deletions that wait for a person;
    ``same``: the province has compared the digest of everything (``root``) with its own."""

    sent: int = 0
    deleted: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    corrected: int = 0
    withheld: int = 0
    refused: int = 0
    difference: int = 0
    root: str = ""
    same: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As the command line prints it."""
        values = dict(vars(self))
        values["outcomes"] = dict(sorted(self.outcomes.items()))
        return values


def province() -> Province:
    """The province as the settings name it. Raises SettingsError."""
    url = str(tk.config["hljshare.push.url"] or "").strip()
    if not url:
        raise SettingsError("hljshare.push.url is not set: this portal pushes to nobody")
    if not client.is_base(url):
        raise SettingsError("hljshare.push.url is no address of a portal")
    if not client.is_private(url) and not tk.config["hljshare.push.allow_http"]:
        raise SettingsError(
            "hljshare.push.url has to begin with https: anybody on the way could read the token"
            " (hljshare.push.allow_http = true sends it nevertheless)"
        )
    token = str(tk.config["hljshare.push.token"] or "").strip()
    file = str(tk.config["hljshare.push.token_file"] or "").strip()
    if file:
        try:
            token = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"hljshare.push.token_file: {error.strerror}") from None
    if not token or not token.isascii() or not token.isprintable():
        raise SettingsError("hljshare.push.token (or token_file) holds no token")
    try:
        allowed = parse_networks(str(tk.config["hljshare.push.allowed_networks"] or ""))
    except ValueError as error:
        raise SettingsError(f"hljshare.push.allowed_networks: {error}") from None
    fetcher = Fetcher(
        allowed=(*allowed, *own_port(url)),  # who runs this command has typed the address
        max_bytes=client.MAX_ANSWER,
        read_timeout=300,
        max_seconds=3600,
        headers={"User-Agent": "hljshare-push"},
    )
    return Province(
        url,
        token,
        fetcher,
        source=str(tk.config["hljshare.push.source"] or "").strip(),
        tries=max(1, int(tk.config["hljshare.push.tries"])),
    )


def run(
    to: Province,
    *,
    full: bool = False,
    confirm_deletions: bool = False,
    progress: Progress = lambda stage, done, total: None,
) -> Report:
    """Push, and reconcile. Raises UnreachableError, RefusedError, BusyError; what was confirmed
    until then stays confirmed."""
    report = Report()
    with _only_one():
        _send_waiting(to, report)
        for round_number in range(ROUNDS):
            hashes = _send_changes(to, report, full and round_number == 0, progress)
            _send_deletions(to, report, hashes, confirm_deletions)
            if round_number == 0 and not report.batches:
                _send(to, report, [])  # nothing has changed: the province hears that we live
            corrected = reconcile(to)
            report.corrected += corrected
            if not corrected:
                break
        _conclude(to, report, hashes)
        _forget_old()
    return report


def plan(to: Province) -> dict[str, int]:
    """What a run would send, without sending it."""
    known = _known(to.target)
    counts: Counter[str] = Counter(new=0, changed=0, unchanged=0, deleted=0, refused=0)
    ids = set()
    for record in published():
        ids.add(record.native_id)
        counts[_kind(known.get(record.native_id), record.content_hash())] += 1
    counts["deleted"] = len(_gone(known, ids))
    return dict(counts)


def published() -> Iterator[CatalogRecord]:
    """The portal's published datasets, of all levels, as a visitor sees them."""
    site = str(tk.config["ckan.site_url"])
    ids = published_ids()
    for start in range(0, len(ids), PAGE):
        wanted = ids[start : start + PAGE]
        named = " OR ".join(f'"{one}"' for one in wanted)
        found = tk.get_action("package_search")(
            _visitor(), {"q": "*:*", "fq": f"id:({named})", "rows": PAGE, "facet": "false"}
        )
        shown = {dataset["id"]: dataset for dataset in found["results"]}
        for one in wanted:
            dataset = shown.get(one) or _show(one)
            if dataset is not None:
                yield canonical.record_of(dataset, site)


def published_ids() -> list[str]:
    """Their ids, from the database: what the search index lacks is not gone."""
    package = model.Package
    withdrawn = sa.func.coalesce(package.extras["withdrawn_on"].astext, "")
    return list(
        model.Session.scalars(
            sa.select(package.id)
            .where(
                package.type == "dataset",
                package.state == model.State.ACTIVE,
                package.private.is_(False),
                withdrawn == "",
            )
            .order_by(package.id)
        )
    )


def _show(dataset_id: str) -> dict[str, Any] | None:
    try:
        shown: dict[str, Any] = tk.get_action("package_show")(_visitor(), {"id": dataset_id})
    except (tk.NotAuthorized, tk.ObjectNotFound):
        return None  # it was taken back this very moment
    return shown


def _visitor() -> dict[str, Any]:
    return {"user": "", "auth_user_obj": None}


# ------------------------------------------------------------------ sending


def _send_changes(to: Province, report: Report, full: bool, progress: Progress) -> dict[str, str]:
    """Send what is new or changed; id → hash of everything that is published."""
    known = _known(to.target)
    limit = max(1, min(MAX_LINES, int(tk.config["hljshare.push.batch_lines"])))
    hashes: dict[str, str] = {}
    total = len(published_ids())
    batch: list[str] = []
    size = 0
    for record in published():
        hashes[record.native_id] = record.content_hash()
        progress("send", len(hashes), total)
        kind = _kind(known.get(record.native_id), hashes[record.native_id])
        if kind in ("unchanged", "refused") and not full:
            continue
        line = json.dumps({"op": "upsert", "record": record.to_dict()}, ensure_ascii=False)
        batch.append(line)
        size += len(line)
        report.sent += 1
        if len(batch) >= limit or size >= MAX_BATCH_BYTES // 4:
            _send(to, report, batch)
            batch, size = [], 0
    if batch:
        _send(to, report, batch)
    return hashes


def _kind(known: Acknowledged | None, content_hash: str) -> str:
    if known is None:
        return "new"
    if known.content_hash == content_hash:
        return "unchanged"
    if known.refused_hash == content_hash:
        return "refused"
    return "changed" if known.content_hash else "new"


def _gone(known: Mapping[str, Acknowledged], ids: Iterable[str]) -> list[str]:
    standing = set(ids)
    return sorted(key for key, row in known.items() if row.content_hash and key not in standing)


def _send_deletions(
    to: Province, report: Report, hashes: Mapping[str, str], confirmed: bool
) -> None:
    known = _known(to.target)
    gone = _gone(known, published_ids())
    held = sum(1 for row in known.values() if row.content_hash)
    report.withheld = 0
    if len(gone) > max(FEW, held * MAX_GONE) and not confirmed:
        report.withheld = len(gone)
        return
    for start in range(0, len(gone), MAX_LINES):
        part = gone[start : start + MAX_LINES]
        report.deleted += len(part)
        _send(to, report, [json.dumps({"op": "delete", "id": one}) for one in part])


def _send(to: Province, report: Report, batch: list[str]) -> None:
    """Write a batch down, then send it."""
    content = "".join(line + "\n" for line in batch).encode()
    row = Outgoing(
        key=str(uuid.uuid4()),
        target=to.target,
        state="sending",
        digest=hashlib.sha256(content).hexdigest(),
        lines=len(batch),
        content=gzip.compress(content, 6, mtime=0),
    )
    model.Session.add(row)
    model.Session.commit()
    _deliver(to, report, row)


def _send_waiting(to: Province, report: Report) -> None:
    """What an earlier run has written down and got no receipt for."""
    rows = model.Session.scalars(
        sa.select(Outgoing)
        .where(Outgoing.target == to.target, Outgoing.state == "sending")
        .order_by(Outgoing.made)
    ).all()
    for row in rows:
        _deliver(to, report, row)


def _deliver(to: Province, report: Report, row: Outgoing) -> None:
    key, number, sha256 = row.key, row.lines, bytes.fromhex(row.digest)
    content = bytes(row.content or b"")
    row.attempts += 1
    model.Session.commit()
    try:
        results, receipt = to.send(key, content, sha256, number)
    except RefusedError:
        # It will not be taken later either; what it holds is sent anew, under another key.
        model.Session.execute(sa.delete(Outgoing).where(Outgoing.key == key))
        model.Session.commit()
        raise
    _acknowledge(to.target, _complete(results, content))
    model.Session.execute(
        sa.update(Outgoing)
        .where(Outgoing.key == key)
        .values(state="done", content=None, receipt=receipt)
    )
    model.Session.commit()
    report.batches += 1
    report.outcomes.update(result["outcome"] for result in results)


def _complete(results: list[dict[str, Any]], content: bytes) -> list[dict[str, Any]]:
    """The results, each with the hash of what was sent: a line that was not understood comes back
    without it. ``delete`` says what a line was."""
    sent = gzip.decompress(content).splitlines()
    for result in results:
        line = json.loads(sent[result["line"] - 1])
        result["delete"] = line["op"] == "delete"
        if result["outcome"] == "rejected":
            record = line.get("record")
            result["id"] = line["id"] if record is None else record["native_id"]
            result["hash"] = lines.hash_of(record) if record else None
    return results


def _acknowledge(target: str, results: Iterable[Mapping[str, Any]]) -> None:
    """Keep what the province has confirmed, in the open transaction; a later line of the same id
    goes over an earlier one."""
    latest = {str(result["id"]): result for result in results if result["id"]}
    accepted, refused, gone = [], [], []
    for native_id, result in latest.items():
        row = {
            "target": target,
            "native_id": native_id,
            "content_hash": result["hash"],
            "refused_hash": None,
            "outcome": result["outcome"],
            "reasons": result["reasons"],
        }
        if result["delete"] and result["outcome"] != "rejected":
            gone.append(native_id)
        elif result["outcome"] == "rejected":
            refused.append({**row, "content_hash": None, "refused_hash": result["hash"]})
        else:
            accepted.append(row)
    statement = insert(Acknowledged.__table__)
    index = ["target", "native_id"]
    new = statement.excluded
    common = {"outcome": new.outcome, "reasons": new.reasons, "refused_hash": new.refused_hash}
    if accepted:
        changes = {**common, "content_hash": new.content_hash}
        model.Session.execute(
            statement.on_conflict_do_update(index_elements=index, set_=changes), accepted
        )
    if refused:
        model.Session.execute(
            statement.on_conflict_do_update(index_elements=index, set_=common), refused
        )
    if gone:
        model.Session.execute(
            sa.delete(Acknowledged).where(
                Acknowledged.target == target, Acknowledged.native_id.in_(gone)
            )
        )


# ------------------------------------------------------------------ reconciliation


def reconcile(to: Province) -> int:
    """Set what we believe the province holds to what it says it holds, by the digest tree; how
    many ids that changed. Commits."""
    believed = {key: row.content_hash for key, row in _known(to.target).items() if row.content_hash}
    theirs = to.tree()
    corrected = 0
    for leaf in digest.tree_of(believed).differing(theirs):
        told = to.bucket(leaf)
        mine = {key: value for key, value in believed.items() if digest.leaf_of(key) == leaf}
        for native_id in sorted(told.keys() | mine.keys()):
            if told.get(native_id) != mine.get(native_id):
                _correct(to.target, native_id, told.get(native_id))
                corrected += 1
    model.Session.commit()
    return corrected


def _correct(target: str, native_id: str, content_hash: str | None) -> None:
    values: dict[str, Any] = {
        "content_hash": content_hash,
        "refused_hash": None,
        "outcome": "reconciled",
        "reasons": [],
    }
    model.Session.execute(
        insert(Acknowledged.__table__)
        .values(target=target, native_id=native_id, **values)
        .on_conflict_do_update(index_elements=["target", "native_id"], set_=values)
    )


def _conclude(to: Province, report: Report, hashes: Mapping[str, str]) -> None:
    """How far both sides are the same now."""
    known = _known(to.target)
    theirs = {key: row.content_hash for key, row in known.items() if row.content_hash}
    differing = {key for key in {*theirs, *hashes} if theirs.get(key) != hashes.get(key)}
    refused = {
        key for key in differing if (row := known.get(key)) and row.refused_hash and key in hashes
    }
    report.refused = len(refused)
    report.difference = len(differing - refused)
    mine = digest.tree_of(hashes)
    report.root = mine.root
    told = to.report(mine.root, mine.count, {key: hashes.get(key) for key in differing})
    report.same = bool(told.get("same"))


def overview(target: str) -> dict[str, Any]:
    """How the push stands, from this side alone: ``confirmed`` (how many datasets the province
    holds), by ``outcomes``, the ``refused`` ones with reasons, ``waiting`` batches, ``last``
    receipt."""
    known = _known(target)
    waiting = model.Session.scalar(
        sa.select(sa.func.count())
        .select_from(Outgoing)
        .where(Outgoing.target == target, Outgoing.state == "sending")
    )
    last = model.Session.scalar(
        sa.select(Outgoing.receipt)
        .where(Outgoing.target == target, Outgoing.state == "done")
        .order_by(Outgoing.made.desc())
        .limit(1)
    )
    return {
        "target": target,
        "confirmed": sum(1 for row in known.values() if row.content_hash),
        "outcomes": dict(Counter(row.outcome for row in known.values())),
        "refused": [
            {"id": key, "reasons": row.reasons} for key, row in known.items() if row.refused_hash
        ],
        "held": [
            {"id": key, "reasons": row.reasons}
            for key, row in known.items()
            if row.outcome == "held"
        ],
        "waiting": int(waiting or 0),
        "last": last,
    }


def _known(target: str) -> dict[str, Acknowledged]:
    rows = model.Session.execute(
        sa.select(
            Acknowledged.native_id,
            Acknowledged.content_hash,
            Acknowledged.refused_hash,
            Acknowledged.outcome,
            Acknowledged.reasons,
        )
        .where(Acknowledged.target == target)
        .order_by(Acknowledged.native_id)
    )
    return {
        row.native_id: Acknowledged(
            target=target,
            native_id=row.native_id,
            content_hash=row.content_hash,
            refused_hash=row.refused_hash,
            outcome=row.outcome,
            reasons=row.reasons,
        )
        for row in rows
    }


def _forget_old() -> None:
    """Receipts stay for 90 days, by this machine's clock, and the last one in any case."""
    newest = sa.select(sa.func.max(Outgoing.made)).scalar_subquery()
    model.Session.execute(
        sa.delete(Outgoing).where(
            Outgoing.state == "done", Outgoing.made < now() - KEPT, Outgoing.made < newest
        )
    )
    model.Session.commit()


@contextmanager
def _only_one() -> Iterator[None]:
    """One sender at a time; an advisory lock, gone with the process."""
    with model.meta.engine.connect() as connection:
        got = connection.scalar(
            sa.text("SELECT pg_try_advisory_lock(hashtextextended('hljshare-push-sender', 0))")
        )
        connection.commit()
        if not got:
            raise BusyError
        try:
            yield
        finally:
            connection.execute(
                sa.text("SELECT pg_advisory_unlock(hashtextextended('hljshare-push-sender', 0))")
            )
            connection.commit()
