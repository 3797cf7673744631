"""What a run notes of the records it reads, and decides to do with each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert

from . import diff, ledger
from .diff import Known, Seen, Step
from .model import LedgerEntry, now
from .providers import Directory
from .record import CatalogRecord
from .sound import sound

DOUBLE = "repeated-with-other-content"


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

    def take(self, records: Sequence[CatalogRecord]) -> None:
        """Note a group of records and what is to be done with each; commits."""
        first: dict[str, Seen] = {}
        kept: dict[str, CatalogRecord] = {}
        doubles: set[str] = set()
        for record in records:
            seen = ledger.seen_of(record, self.agencies)
            if record.native_id not in first:
                first[record.native_id], kept[record.native_id] = seen, record
            elif first[record.native_id].content_hash != seen.content_hash:
                doubles.add(record.native_id)
        standing: dict[str, Known] = {}
        for native_id, found, seen_run, seen_hash in ledger.rows(self.source_id, first):
            if seen_run == self.run_id:
                if seen_hash != first[native_id].content_hash:
                    doubles.add(native_id)
                del first[native_id]
            standing[native_id] = found
        plain, staged = [], []
        for native_id, seen in first.items():
            step = diff.decide(seen, standing.get(native_id), native_id in doubles)
            if step.act == "keep" and not step.reasons and step.outcome == "unchanged":
                plain.append(native_id)
            else:
                staged.append(self._row(step, seen, kept[native_id]))
        self.seen += len(first)
        self.unchanged += len(plain)
        self.differing += len(doubles)
        self._keep(plain)
        self._stage(staged)
        self._mark(doubles - set(first))
        model.Session.commit()

    def _row(self, step: Step, seen: Seen, record: CatalogRecord) -> dict[str, Any]:
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

    def _stage(self, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        statement = insert(LedgerEntry.__table__)
        names = ("staged", "staged_hash", "step", "seen_run", "seen_hash", "last_seen")
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


def grouped(records: Iterable[CatalogRecord]) -> Iterator[list[CatalogRecord]]:
    """Records in groups, as they come, each made fit to be stored."""
    group: list[CatalogRecord] = []
    for record in records:
        group.append(sound(record))
        if len(group) >= ledger.BATCH:
            yield group
            group = []
    if group:
        yield group
