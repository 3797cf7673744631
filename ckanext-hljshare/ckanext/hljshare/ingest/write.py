"""Writing records in groups: what is proposed for each, and what became of it.

One record's failure is that record's outcome. What would be invalid to publish is kept as a private
dataset for its administrators; what is invalid even so is rejected. A public dataset is never taken
back because an update of it is incomplete. Files are not fetched here (:mod:`.files`).
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib.search import SearchIndexError

from ckanext.hljshare.access import levels as access_levels
from ckanext.hljshare.access.changes import from_source

from . import bulk, indexing, mirror, naming, resource_codes, text
from . import dataset as build
from .dataset import Placement, Source
from .diff import Step
from .ledger import Entry, Settled
from .levels import is_looser
from .providers import Directory, Organization
from .record import CatalogRecord, remembered

log = logging.getLogger(__name__)
ORGANIZATION_PHONES = ("data_manager_phone", "contact_phone")
LOOSENING = "loosening"
RETRIES = 4  # of a group that another transaction stood in the way of


def address_key() -> bytes:
    """The installation's key for digests of addresses."""
    return hashlib.sha256(b"ledger" + str(tk.config["SECRET_KEY"]).encode()).digest()


def context() -> dict[str, Any]:
    """The context the portal writes harvested datasets with."""
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    return {"user": user, "ignore_auth": True}


@dataclass
class Written:
    """What a group has come to, committed: results, what is to be indexed, files to remove."""

    settled: list[Settled]
    documents: list[dict[str, Any]]
    dropped: list[str]


@dataclass
class Proposal:
    """What is to be stored for one step, and what will be said of it."""

    entry: Entry
    data: dict[str, Any]
    existing: dict[str, Any] | None
    outcome: str
    reasons: list[str]
    unmirrored: int = 0
    files: dict[str, str] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    fetch: bool = False
    wanted: dict[str, Any] = field(default_factory=dict)
    loosened: dict[str, str] = field(default_factory=dict)
    valid: bulk.Valid | None = None


class Writer:
    """Writes the records of one source, a group in each transaction."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.key = address_key()
        self.context = context()
        self.agencies = directory(source)
        self.index = indexing.Sender()
        self._sent: dict[str, str] = {}
        self._waiting_for_consent = from_source.waiting_from_source(source.name)
        self._placements: dict[str | None, tuple[Placement, list[str]]] = {}

    def write(
        self, entries: Sequence[Entry], before_commit: Callable[[list[Settled]], None]
    ) -> list[Settled]:
        """Do these steps in one transaction, and have indexed what they changed.

        ``before_commit`` gets the results inside that transaction. What surprises the whole group
        is done again one by one, so that it is one record's failure. A database or search engine
        that is down ends the run; the next one goes on from there. Whether the documents of a
        group have arrived, `index.wait` tells.

        :raises SearchIndexError, sqlalchemy.exc.OperationalError: the portal is ill, not a record
        """
        for turn in range(RETRIES):
            try:
                written = self._write_group(entries, before_commit)
                break
            except Exception as error:
                model.Session.rollback()
                self._placements.clear()
                if _passes_by(error) and turn + 1 < RETRIES:
                    time.sleep(0.2 * 2**turn)
                    continue
                if _is_ill(error):
                    raise
                # Never the statement: its parameters are records, with addresses.
                named = (self.source.name, type(error).__name__)
                if len(entries) > 1:
                    log.warning("A group of source %s is written one by one: %s", *named)
                    return [done for one in entries for done in self.write([one], before_commit)]
                log.error("Ingest of a record of source %s failed: %s", *named)  # noqa: TRY400
                settled = [Settled(entries[0], "rejected", [f"error: {named[1]}"], None)]
                before_commit(settled)
                model.Session.commit()
                return settled
        # Committed: nothing that fails from here on is the group's failure.
        self._after(written)
        return written.settled

    def index_again(self) -> None:
        """Send anew what somebody else has changed since its document was made: their document may
        have been overtaken by ours. To be asked when ours have arrived.

        :raises SearchIndexError: the search engine is down
        """
        sent, self._sent = self._sent, {}
        if not sent:
            return
        package = model.package_table.c
        query = sa.select(package["id"], package["metadata_modified"]).where(
            package["id"].in_(sent)
        )
        found = model.Session.execute(query).tuples()
        changed = [key for key, moment in found if moment.isoformat() != sent[key]]
        if changed:
            batch = bulk.Batch(self.context)
            batch.load(changed, lock=False)
            indexing.post(batch.documents_of(changed))

    def _after(self, written: Written) -> None:
        """Send the documents, and remove files that are no longer anybody's."""
        self._sent.update(
            {item["id"]: item["metadata_modified"].removesuffix("Z") for item in written.documents}
        )
        self.index.send(written.documents)
        for resource_id in written.dropped:
            try:
                mirror.remove(resource_id)
            except Exception as error:
                told = (resource_id, type(error).__name__)
                log.error("File %s was not removed: %s", *told)  # noqa: TRY400

    def _write_group(
        self, entries: Sequence[Entry], before_commit: Callable[[list[Settled]], None]
    ) -> Written:
        batch = bulk.Batch(self.context)
        proposals = self.propose(batch, entries)
        settled = [self._settled(each) for each in proposals]
        valid = [each.valid for each in proposals if each.valid]
        batch.save(valid)
        for each in proposals:
            if each.valid and each.existing and each.entry.record:
                self._ask_for_consent(each)
        before_commit(settled)
        changed = [each for each in valid if each.changed]
        documents = batch.documents(changed)
        dropped = [key for each in proposals if each.valid for key in each.dropped]
        model.Session.commit()
        return Written(settled, documents, dropped)

    def _settled(self, proposal: Proposal) -> Settled:
        if proposal.outcome == "rejected":
            return Settled(proposal.entry, "rejected", proposal.reasons, None)
        return Settled(
            proposal.entry,
            proposal.outcome,
            proposal.reasons,
            proposal.data["id"] if proposal.data else None,
            proposal.unmirrored,
            proposal.files,
            proposal.fetch,
        )

    def _ask_for_consent(self, proposal: Proposal) -> None:
        """Put a loosening that the source wants before the agency's administrators, or take back
        what it no longer wants."""
        dataset_id, name = proposal.data["id"], self.source.name
        words = tk._("The source {source} lists it so").format(source=self.source.title)
        for resource_id, level in proposal.loosened.items():
            wanted = {"open_type": level}
            from_source.propose_from_source(dataset_id, name, wanted, words, resource_id)
        if proposal.wanted:
            from_source.propose_from_source(dataset_id, name, proposal.wanted, words)
        elif not proposal.loosened and dataset_id in self._waiting_for_consent:
            from_source.withdraw_from_source(dataset_id, name)

    # ------------------------------------------------------------------ proposing

    def propose(self, batch: bulk.Batch, entries: Sequence[Entry]) -> list[Proposal]:
        """What would be written for each step, validated; nothing is."""
        ids = {
            entry.step.native_id: naming.dataset_id(self.source.id, entry.step.native_id)
            for entry in entries
        }
        standing = batch.load(ids.values())
        proposals = [
            self._propose(entry, standing.get(ids[entry.step.native_id])) for entry in entries
        ]
        batch.look_up([each.data for each in proposals if each.data])
        claimed: resource_codes.Claimed = {}
        for each in proposals:
            if each.data and each.entry.step.act != "refetch":
                why = resource_codes.settle(each.entry.record, each.data, each.existing, claimed)
                each.reasons += [why] if why else []
                self._validate(batch, each)
        return proposals

    def _propose(self, entry: Entry, existing: dict[str, Any] | None) -> Proposal:
        step, record = entry.step, entry.record
        if step.act == "withdraw":
            return self._withdrawal(entry, existing)
        assert record is not None
        if step.act == "tighten" and existing is not None:
            return self._tightening(entry, record, existing)
        place, place_reasons = self.place(record)
        reasons = [*step.reasons, *place_reasons, *record.warnings]
        if existing is None:
            held = record.held
            data = build.new_dataset(record, self.source, place, held)
        else:
            del existing["metadata_modified"]  # given back, it would stay as it was
            held = record.held if existing.get("held_reason") else None
            data = build.merged_dataset(
                existing, record, entry.previous, self.source, place, step.keep_level, held
            )
        proposal = Proposal(entry, data, existing, step.outcome, reasons)
        if existing is not None and not existing.get("private"):
            self._keep_levels(proposal, record)
        self._resources(proposal)
        return proposal

    def _keep_levels(self, proposal: Proposal, record: CatalogRecord) -> None:
        """What is public gets no looser by a source's word, on neither axis, as it stands now: a
        person may have closed it since the source was read."""
        data, existing = proposal.data, proposal.existing or {}
        given = {"open_type": record.fields.get("open_type"), "share_type": data.get("share_type")}
        for axis, fields in build.AXES.items():
            old, new = existing.get(axis), given[axis]
            if not is_looser(new, old):
                continue
            source = record.fields if axis == "open_type" else data
            proposal.wanted.update({name: source[name] for name in fields if source.get(name)})
            for name in fields:
                data.pop(name, None)
                if existing.get(name):
                    data[name] = existing[name]
            proposal.outcome = "held"
            reason = f"{LOOSENING}: {old} > {new}"
            if reason not in proposal.reasons:
                proposal.reasons.append(reason)

    def _tightening(
        self, entry: Entry, record: CatalogRecord, existing: dict[str, Any]
    ) -> Proposal:
        """A level that is stricter is taken even from a record that came only in part."""
        del existing["metadata_modified"]
        data = {**existing, **build.level_fields(record)}
        reasons = [*entry.step.reasons, *record.warnings]
        return Proposal(entry, data, existing, entry.step.outcome, reasons, files=entry.files)

    def _withdrawal(self, entry: Entry, existing: dict[str, Any] | None) -> Proposal:
        """The page stays, its content goes; what people added to it stays too."""
        reasons = list(entry.step.reasons)
        if existing is None:
            return Proposal(entry, {}, None, "withdrawn", reasons)
        del existing["metadata_modified"]
        own = self._own(entry)
        gone = [resource["id"] for resource in existing["resources"] if resource["id"] in own]
        left = [resource for resource in existing["resources"] if resource["id"] not in own]
        data = {**existing, "resources": left, "withdrawn_on": text.today().isoformat()}
        return Proposal(entry, data, existing, "withdrawn", reasons, dropped=gone)

    def _validate(self, batch: bulk.Batch, proposal: Proposal) -> None:
        """Validate, for the public; what that refuses, for administrators; else reject."""
        data, existing = proposal.data, proposal.existing
        valid, errors = batch.validate(data)
        if errors and not data.get("private"):
            was_public = existing is not None and not existing.get("private")
            withdrawn = proposal.entry.step.act == "withdraw"
            # Rather nothing than too much: stricter, but without its basis.
            stood = (existing or {}).get("open_type")
            closes = was_public and is_looser(stood, data.get("open_type"))
            if withdrawn or closes or not was_public:
                reason = f"invalid: {build.readable_errors(errors)}"
                data["private"] = True
                if not withdrawn:
                    data["held_reason"] = reason
                    proposal.outcome, proposal.reasons = "held", [*proposal.reasons, reason]
                if proposal.entry.step.act != "tighten":
                    self._resources(proposal)
                valid, errors = batch.validate(data)
        if errors:
            proposal.outcome = "rejected"
            proposal.reasons = [f"invalid: {build.readable_errors(errors)}"]
            return
        proposal.valid = valid

    def check(self, records: Sequence[CatalogRecord]) -> list[tuple[str, list[str]]]:
        """For a trial: for each record whether it would be ``rejected`` or ``held`` by the metadata
        rules ("" if neither), and why. Writes nothing.
        """
        entries = [
            Entry(0, Step(item.native_id, "create", "created"), item.title, item, None, None, None)
            for item in records
        ]
        batch = bulk.Batch(self.context)
        # As if none of them stood: a trial asks what the rules say of the records as they are.
        proposals = [self._propose(entry, None) for entry in entries]
        batch.look_up([each.data for each in proposals], as_new=True)
        claimed: resource_codes.Claimed = {}
        for each in proposals:
            why = resource_codes.settle(each.entry.record, each.data, each.existing, claimed)
            each.reasons += [why] if why else []
            each.data.pop("resource_code", None)  # its own, where it stands: as if it did not
            self._validate(batch, each)
        model.Session.rollback()
        return [
            (each.outcome if each.outcome in ("held", "rejected") else "", each.reasons)
            for each in proposals
        ]

    def place(self, record: CatalogRecord) -> tuple[Placement, list[str]]:
        """The organization a record belongs to; an unknown agency's records are filed under the
        source's owner.
        """
        if record.provider not in self._placements:
            found = self.agencies.find(record.provider)
            reasons = []
            if found is None:
                reasons = [
                    f"provider-unknown: {record.provider}"
                    if record.provider
                    else "provider-missing"
                ]
            group = model.Group.get(found or self.source.owner_id)
            phones = (_extra(group, name) for name in ORGANIZATION_PHONES)
            self._placements[record.provider] = (
                Placement(
                    owner_org=group.id,
                    contact_phone=next((phone for phone in phones if phone), ""),
                    contact_name=_extra(group, "data_manager_name"),
                    region_code=_extra(group, "region_code"),
                    provider_note="" if found else record.provider or "",
                ),
                reasons,
            )
        return self._placements[record.provider]

    # ------------------------------------------------------------------ files

    def _resources(self, proposal: Proposal) -> None:
        """Fill ``data["resources"]`` and say which files are to be fetched or dropped.

        A copy that stands and has changed at its source stays until the new one is here.
        """
        entry, data = proposal.entry, proposal.data
        record = entry.record
        if record is None:
            return
        native = record.native_id
        proposal.unmirrored, proposal.fetch, proposal.dropped = 0, False, []
        proposal.files = dict(entry.files)
        standing = {item["id"]: item for item in (proposal.existing or {}).get("resources", [])}
        previous = entry.previous.resources if entry.previous else ()
        before = {item.native_id: item for item in previous}
        own = self._own(entry)
        resources = []
        for item in record.resources:
            new = build.resource_dict(self.source, native, item)
            old = standing.get(new["id"])
            if old is not None:
                self._keep_strict(proposal, new, old)
            same = old is not None and before.get(item.native_id) == remembered(item, self.key)
            derivative = old.get("derivative") if old is not None and same else None
            if derivative and old is not None:  # a person's word on this very file
                new["open_type"] = old.get("open_type")
            level = access_levels.effective(data.get("open_type"), new.get("open_type"), derivative)
            wanted = level == "open" and not data.get("private") and build.is_file(item)
            stored = old is not None and old.get("url_type") == "upload"
            if stored and wanted and old is not None:
                if not same:
                    proposal.files[item.native_id] = ""
                    old = {**old, **{key: new[key] for key in _OF_THE_ENTRY if key in new}}
                fetch = proposal.files.get(item.native_id) == ""
                resources.append(old)
            elif same and not stored and old is not None:
                fetch = wanted
                resources.append(old)
            else:
                if stored:
                    proposal.dropped.append(new["id"])
                proposal.files.pop(item.native_id, None)
                fetch = wanted
                kept = {k: v for k, v in (old or {}).items() if k not in _OF_THE_FILE}
                if not same:
                    kept.pop("derivative", None)
                resources.append({**kept, **new})
            proposal.fetch |= fetch
            proposal.unmirrored += fetch or (build.is_file(item) and not (stored and wanted))
        if proposal.loosened:
            proposal.outcome = "held"
        listed = {item["id"] for item in resources}
        kept_by_people = [
            item for key, item in standing.items() if key not in own and key not in listed
        ]
        proposal.dropped += [key for key in own if key in standing and key not in listed]
        data["resources"] = [*resources, *kept_by_people]

    def _own(self, entry: Entry) -> set[str]:
        """The ids of the files that the source gave, in the version before and in this one."""
        native, records = entry.step.native_id, (entry.previous, entry.record)
        return {
            naming.resource_id(self.source.id, native, item.native_id)
            for record in records
            if record
            for item in record.resources
        }

    def _keep_strict(self, proposal: Proposal, new: dict[str, Any], old: dict[str, Any]) -> None:
        """A file's own level is loosened no more than its dataset's without a person's consent."""
        existing = proposal.existing or {}
        if existing.get("private") or proposal.data.get("private"):
            return
        was = access_levels.of_resource(existing, old)
        wanted = access_levels.effective(proposal.data.get("open_type"), new.get("open_type"))
        if access_levels.STRICTNESS[wanted] < access_levels.STRICTNESS[was]:
            new["open_type"] = old.get("open_type") or was
            proposal.loosened[new["id"]] = wanted
            reason = f"{LOOSENING}: {was} > {wanted}"
            if reason not in proposal.reasons:
                proposal.reasons.append(reason)


# What a source says of a file, and a stored copy takes over at once.
_OF_THE_ENTRY = ("name", "description", "data_updated")
# What describes a stored copy: never carried over to another one.
_OF_THE_FILE = frozenset(
    (
        "url",
        "url_type",
        "size",
        "hash",
        "mimetype",
        "encoding",
        "filename",
        "datastore_active",
        "last_modified",
        "open_type",
    )
)


def directory(source: Source) -> Directory:
    """The organizations below a source's owner, and itself."""
    owner = model.Group.get(source.owner_id)
    below = owner.get_children_group_hierarchy(type="organization")
    return Directory(
        Organization(owner.id, owner.title or owner.name),
        [Organization(row[0], row[2] or row[1]) for row in below],
        source.providers,
    )


def _passes_by(error: Exception) -> bool:
    """Whether another transaction stood in the way (deadlock, serialization, a lock not had)."""
    code = str(getattr(getattr(error, "orig", None), "pgcode", None) or "")
    return isinstance(error, sa.exc.DBAPIError) and code in ("40P01", "40001", "55P03")


def _is_ill(error: Exception) -> bool:
    """Whether the database or the search engine fails, and not a record. Class 54 of SQLSTATE,
    a limit of PostgreSQL exceeded, is a record's doing.
    """
    if isinstance(error, sa.exc.OperationalError):
        return not str(getattr(error.orig, "pgcode", None) or "").startswith("54")
    return isinstance(error, (SearchIndexError, sa.exc.InterfaceError))


def _extra(group: model.Group, name: str) -> str:
    with suppress(AttributeError, KeyError):
        return str(group.extras.get(name) or "")
    return ""
