"""What a run notes of the records it reads, and decides to do with each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert

from . import diff, ledger
from .diff import Known, Seen, Step
from .model import LedgerEntry, now
from .providers import Directory
from .record import PARTIAL, CatalogRecord, Deferred, made
from .sound import LONGEST_ID, sound

DOUBLE = "repeated-with-other-content"
GROUP = 500  # records that are noted at once


@dataclass
class Notes:
    """Takes the records of one run as they come. ``seen`` counts ids, ``differing`` those that came
    again with other content, ``writes`` steps that will change something."""

    source_id: str
    run_id: str
    agencies: Directory
    seen: int = 0
    differing: int = 0
    unchanged: int = 0

    def take(self, items: Sequence[CatalogRecord | Deferred]) -> None:
        """Note a group of records and what is to be done with each; commits."""
        first: dict[str, CatalogRecord | Deferred] = {}
        again: list[CatalogRecord | Deferred] = []
        for item in items:
            if item.native_id in first:
                again.append(item)
            else:
                first[item.native_id] = item
        standing: dict[str, Known] = {}
        hashes: dict[str, str | None] = {}  # of what this run has seen before
        for native_id, found, seen_run, seen_hash in ledger.rows(self.source_id, first):
            standing[native_id] = found
            if seen_run == self.run_id:
                hashes[native_id] = seen_hash
                again.append(first.pop(native_id))
        doubles = self._differing(again, first, standing, hashes)
        untouched: list[str] = []
        plain: dict[str, str | None] = {}
        staged = []
        for native_id, item in first.items():
            print_ = item.fingerprint if isinstance(item, Deferred) else None
            found_ = standing.get(native_id)
            if print_ and native_id not in doubles and diff.is_untouched(found_, print_):
                untouched.append(native_id)
                continue
            record = whole(item)
            seen = ledger.seen_of(record, self.agencies)
            step = diff.decide(seen, found_, native_id in doubles)
            lasting = print_ if _is_lasting(record) else None
            if step.act == "keep" and not step.reasons and step.outcome == "unchanged":
                plain[native_id] = lasting
            else:
                staged.append(self._row(step, seen, record, lasting))
        self.seen += len(first)
        self.unchanged += len(untouched) + len(plain)
        self.differing += len(doubles)
        self._keep(untouched)
        self._keep(list(plain))
        self._remember(plain)
        self._stage(staged)
        self._mark(doubles - set(first))
        model.Session.commit()

    def _differing(
        self,
        again: Sequence[CatalogRecord | Deferred],
        first: Mapping[str, CatalogRecord | Deferred],
        standing: Mapping[str, Known],
        hashes: Mapping[str, str | None],
    ) -> set[str]:
        """The ids that come again in this run with other content than the first time."""
        doubles = set()
        for item in again:
            before = first.get(item.native_id)
            if isinstance(item, Deferred):
                stored = standing.get(item.native_id)
                known = before.fingerprint if isinstance(before, Deferred) else None
                if item.fingerprint in (known, stored.fingerprint if stored else None):
                    continue
            content = whole(item).content_hash()
            if content != (whole(before).content_hash() if before else hashes[item.native_id]):
                doubles.add(item.native_id)
        return doubles

    def _row(
        self, step: Step, seen: Seen, record: CatalogRecord, fingerprint: str | None
    ) -> dict[str, Any]:
        writes = step.act != "keep"
        moment = now()
        return {
            "source_id": self.source_id,
            "native_id": record.native_id,
            "staged": record.to_dict() if writes else None,
            "staged_hash": seen.content_hash if writes else None,
            "step": {**asdict(step), "title": record.title},
            "seen_run": self.run_id,
            "seen_hash": seen.content_hash,
            "outcome": "staged",
            "reasons": [],
            "unmirrored": 0,
            "files": {},
            "fingerprint": fingerprint,
            "first_seen": moment,
            "last_seen": moment,
        }

    def _keep(self, native_ids: list[str]) -> None:
        if not native_ids:
            return
        model.Session.execute(
            sa.update(LedgerEntry)
            .where(
                LedgerEntry.source_id == self.source_id,
                LedgerEntry.native_id == sa.any_(sa.literal(native_ids, sa.ARRAY(sa.Text))),
            )
            .values(seen_run=self.run_id, seen_hash=LedgerEntry.content_hash, last_seen=now())
            .execution_options(synchronize_session=False)
        )

    def _remember(self, fingerprints: Mapping[str, str | None]) -> None:
        """What unchanged records are made from now; the next run need not make them."""
        told = [(key, value) for key, value in fingerprints.items() if value]
        if not told:
            return
        given = (
            sa.func.unnest(
                sa.literal([key for key, _value in told], sa.ARRAY(sa.Text)),
                sa.literal([value for _key, value in told], sa.ARRAY(sa.Text)),
            )
            .table_valued("native_id", "fingerprint")
            .render_derived()
        )
        model.Session.execute(
            sa.update(LedgerEntry)
            .where(
                LedgerEntry.source_id == self.source_id,
                LedgerEntry.native_id == given.c.native_id,
            )
            .values(fingerprint=given.c.fingerprint)
            .execution_options(synchronize_session=False)
        )

    def _stage(self, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        statement = insert(LedgerEntry.__table__)
        names = (
            *("staged", "staged_hash", "step", "seen_run", "seen_hash", "last_seen"),
            "fingerprint",
        )
        model.Session.execute(
            statement.on_conflict_do_update(
                index_elements=["source_id", "native_id"],
                set_={name: statement.excluded[name] for name in names},
            ),
            rows,
        )

    def _mark(self, native_ids: set[str]) -> None:
        """Say of ids noted earlier in this run that they came again with other content."""
        for entry in model.Session.scalars(
            sa.select(LedgerEntry).where(
                LedgerEntry.source_id == self.source_id, LedgerEntry.native_id.in_(native_ids)
            )
        ):
            if entry.step is None:
                self.unchanged -= 1
                entry.step = {**asdict(Step(entry.native_id, "keep", "unchanged")), "title": ""}
            if DOUBLE in entry.step.get("reasons", ()):
                self.differing -= 1  # counted when it first came again
            elif entry.step["act"] not in ledger.LATER:
                entry.step = {**entry.step, "reasons": [DOUBLE, *entry.step["reasons"]]}


def whole(item: CatalogRecord | Deferred) -> CatalogRecord:
    """The record, made now if it was deferred, and fit to be stored."""
    return sound(made(item))


def _is_lasting(record: CatalogRecord) -> bool:
    """Whether a record stays what it is as long as what it is made from does: a date that lies in
    the future today will not tomorrow, and details that could not be read are asked for again."""
    passing = ("date-in-future", PARTIAL)
    return not any(warning.startswith(passing) for warning in record.warnings)


def grouped(
    records: Iterable[CatalogRecord | Deferred],
) -> Iterator[list[CatalogRecord | Deferred]]:
    """Records in groups, as they come."""
    group: list[CatalogRecord | Deferred] = []
    for record in records:
        now = not isinstance(record, Deferred) or len(record.native_id) > LONGEST_ID
        group.append(whole(record) if now else record)
        if len(group) >= GROUP:
            yield group
            group = []
    if group:
        yield group
