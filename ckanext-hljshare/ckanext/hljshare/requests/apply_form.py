"""The guided form of a request: its steps, what each asks, what is filled in already. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from ckanext.hljshare.requests import completeness

STEPS: tuple[str, ...] = ("data", "purpose", "applicant", "confirm")
DESCRIPTION = 600  # characters of a dataset's summary that a description begins with

# Clause 6.1 e in its order; `*` asked of everybody, else only of that kind of request.
_FIELDS: dict[str, tuple[tuple[str, str], ...]] = {
    "data": (
        ("data_name", "*"),
        ("agency", "*"),
        ("resources", "*"),
        ("demand_type", "*"),
        ("description", "*"),
        ("fields", "share"),
        ("share_mode", "share"),
        ("theme", "*"),
        ("format", "*"),
    ),
    "purpose": (
        ("purpose", "*"),
        ("business_basis", "share"),
        ("use_until", "*"),
        ("security_measures", "*"),
        ("other", "*"),
    ),
    "applicant": (
        ("unit", "share"),
        ("applicant_kind", "open"),
        ("applicant_name", "open"),
        ("identity", "open"),
        ("contact", "*"),
    ),
    "confirm": (("agreement", "*"),),
}
_AT: dict[str, str] = {
    **{name: step for step, fields in _FIELDS.items() for name, _kind in fields},
    "dataset": "data",
    "upload": "applicant",
}
# What a request that is made again takes over from the one before.
KEPT = (*completeness.TEXTS, "resources")
PERSON = ("applicant_kind", "applicant_name", "contact")

Door = Literal["open", "share"]
Why = Literal["", "public", "shared", "closed", "own", "withdrawn"]


def fields(step: str, kind: str, in_catalog: bool) -> tuple[str, ...]:
    """What a step asks for a kind of request; files where the data is in the catalog, an agency
    where it is not."""
    left_out = "agency" if in_catalog else "resources"
    return tuple(name for name, of in _FIELDS[step] if of in ("*", kind) and name != left_out)


def step_of(name: str) -> str:
    """The step at which an error can be mended: the last one for what is no field."""
    return _AT.get(name, STEPS[-1])


def neighbour(step: str, way: Literal[1, -1]) -> str:
    """The step after or before; the ends stay where they are."""
    place = STEPS.index(step) + way
    return STEPS[max(0, min(place, len(STEPS) - 1))]


@dataclass(frozen=True)
class Doors:
    """Which kinds of request a dataset can be asked by, and why by none."""

    kinds: tuple[Door, ...]
    why: Why = ""


def doors(
    levels: Sequence[str],
    share_type: str | None,
    owner: str | None,
    units: Iterable[str],
    withdrawn: bool,
) -> Doors:
    """How a person may ask for a dataset (clauses 5.2 and 6.1).

    `levels`: the opening levels of its files; `units`: the agencies the person handles for.
    """
    if withdrawn:
        return Doors((), "withdrawn")
    mine = set(units)
    if owner in mine:
        return Doors((), "own")
    if levels and set(levels) == {"open"}:
        return Doors((), "public")
    kinds: list[Door] = []
    if mine and share_type == "conditional":
        kinds.append("share")
    if "on_request" in levels:
        kinds.append("open")
    if not kinds:
        return Doors((), "shared" if mine and share_type == "unconditional" else "closed")
    return Doors(tuple(kinds))


def prefill(
    dataset: Mapping[str, Any] | None,
    formats: Sequence[str],
    known_formats: Sequence[str],
    person: Mapping[str, str],
    last: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What a new form holds: of the dataset, of the person, of the person's last request.

    `formats`: of the dataset's files; one of `known_formats` is chosen. `person`: name and contact.
    """
    values: dict[str, Any] = {"demand_type": "file", **person}
    for name in PERSON:
        if last and last.get(name):
            values[name] = last[name]
    if dataset:
        notes = " ".join(str(dataset.get("notes") or "").split())
        values["data_name"] = str(dataset.get("title") or "")
        values["description"] = notes[:DESCRIPTION]
        values["theme"] = str(dataset.get("theme") or "")
        by_name = {code.upper(): code for code in known_formats}
        values["format"] = next(
            (by_name[name.upper()] for name in formats if name.upper() in by_name), ""
        )
    return values


def again(old: Mapping[str, Any]) -> dict[str, Any]:
    """What a request that is made once more holds."""
    return {name: old[name] for name in KEPT if old.get(name)}


# ---------------------------------------------------------------- progress

State = Literal["done", "now", "stopped", "ahead"]


@dataclass(frozen=True)
class Mark:
    """A place on the way of a request, and when it was reached (ISO 8601; empty: not yet)."""

    name: str
    state: State
    at: str = ""


def progress(request: Mapping[str, Any]) -> list[Mark]:
    """The way of a request: submitted, accepted, decided, delivered.

    `request` as `hljshare_request_show` answers. Where it ended early the last mark is `stopped`
    and is named for how it ended.
    """
    state = str(request["state"])
    events = {event["kind"]: str(event["at"]) for event in request.get("events") or ()}
    marks = [Mark("submitted", "done", str(request.get("first_submitted_at") or ""))]
    if state in ("declined", "lapsed") or (state == "withdrawn" and not request.get("accepted_at")):
        return [*marks, Mark(state, "stopped", _ended(request, events))]
    if not request.get("accepted_at"):
        now = "returned" if state == "returned" else "accepting"
        return [*marks, Mark(now, "now"), Mark("decided", "ahead"), Mark("delivered", "ahead")]
    marks.append(Mark("accepted", "done", str(request["accepted_at"])))
    if state in ("refused", "withdrawn"):
        return [*marks, Mark(state, "stopped", _ended(request, events))]
    if state in ("accepted", "suspended"):
        now = "suspended" if state == "suspended" else "deciding"
        return [*marks, Mark(now, "now"), Mark("delivered", "ahead")]
    marks.append(Mark("approved", "done", events.get("approved", "")))
    if state == "approved":
        return [*marks, Mark("delivering", "now")]
    return [*marks, Mark("delivered", "done", _ended(request, events))]


def _ended(request: Mapping[str, Any], events: Mapping[str, str]) -> str:
    return str(request.get("closed_at") or events.get(str(request["state"])) or "")


@dataclass(frozen=True)
class Ring:
    """The ring of days left: `share` of the circle (0 to 100), and its level by color."""

    days: int
    share: int
    level: Literal["good", "near", "over"]


def ring(start: date | None, due: date | None, today: date) -> Ring | None:
    """The days left until a last day, of those since the start; None where nothing runs.

    Green while more than three days are left, wheat from then on, brick when it is over.
    """
    if start is None or due is None:
        return None
    left = (due - today).days
    if left < 0:
        return Ring(left, 100, "over")
    whole = max(1, (due - start).days)
    share = max(4, min(100, round(100 * left / whole)))
    return Ring(left, share, "near" if left <= 3 else "good")
