"""The guided form: which data can be asked for, what is asked, what stands there already."""

from __future__ import annotations

from datetime import date

import pytest

from ckanext.hljshare.requests import apply_form as form
from ckanext.hljshare.requests import completeness


@pytest.mark.parametrize("kind", ["open", "share"])
@pytest.mark.parametrize("in_catalog", [True, False])
def test_the_form_asks_all_that_is_needed(kind, in_catalog):
    """Nobody fills in the whole form and is then told of a field it does not have."""
    asked = {name for step in form.STEPS for name in form.fields(step, kind, in_catalog)}
    required = completeness.REQUIRED_SHARE if kind == "share" else completeness.REQUIRED
    assert set(required) <= asked
    assert ("resources" in asked) == in_catalog
    assert ("agency" in asked) != in_catalog
    assert all(form.step_of(name) in form.STEPS[:-1] for name in required)


def test_what_is_no_field_is_mended_at_the_end():
    """A limit or an unconfirmed address stands beside the button that runs into it."""
    assert form.step_of("email") == form.step_of("applicant") == "confirm"
    assert form.step_of("dataset") == "data"


def test_forth_and_back():
    """The ends are ends."""
    assert form.neighbour("data", 1) == "purpose"
    assert form.neighbour("confirm", 1) == "confirm"
    assert form.neighbour("data", -1) == "data"


@pytest.mark.parametrize(
    ("levels", "share", "owner", "units", "withdrawn", "kinds", "why"),
    [
        (["on_request"], "conditional", "a", [], False, ("open",), ""),
        (["open", "on_request"], "none", "a", [], False, ("open",), ""),
        (["open"], "unconditional", "a", [], False, (), "public"),
        (["closed"], "conditional", "a", [], False, (), "closed"),
        (["closed"], "conditional", "a", ["b"], False, ("share",), ""),
        (["on_request"], "conditional", "a", ["b"], False, ("share", "open"), ""),
        (["on_request"], "unconditional", "a", ["b"], False, ("open",), ""),
        (["closed"], "unconditional", "a", ["b"], False, (), "shared"),
        (["closed"], "none", "a", ["b"], False, (), "closed"),
        (["on_request"], "conditional", "a", ["a"], False, (), "own"),
        (["on_request"], "conditional", "a", [], True, (), "withdrawn"),
        (["closed"], None, None, [], False, (), "closed"),
    ],
)
def test_doors(levels, share, owner, units, withdrawn, kinds, why):
    """Opening and sharing are two axes; what can be had at once, or never, is not asked for."""
    assert form.doors(levels, share, owner, units, withdrawn) == form.Doors(kinds, why)


def test_what_a_new_form_holds():
    """The dataset's name, theme and format, and who the person was last time."""
    dataset = {
        "title": "出租汽车运行轨迹",
        "notes": "每日\n轨迹。" + "长" * 900,
        "theme": "transport",
    }
    found = form.prefill(
        dataset,
        ["PDF?", "csv", "XLSX"],
        ["XLSX", "CSV"],
        {"applicant_name": "张三", "contact": "zhang@example.org"},
        {"applicant_kind": "person", "applicant_name": "张三丰", "contact": "", "purpose": "旧"},
    )
    assert found["data_name"] == "出租汽车运行轨迹"
    assert found["description"].startswith("每日 轨迹。")
    assert len(found["description"]) == form.DESCRIPTION
    assert (found["theme"], found["format"]) == ("transport", "CSV")
    assert (found["applicant_name"], found["contact"]) == ("张三丰", "zhang@example.org")
    assert "purpose" not in found
    assert form.prefill(None, [], [], {}, None) == {"demand_type": "file"}


def test_making_a_request_again():
    """What was written comes back; state, dates and the agreement do not."""
    old = {"data_name": "名", "purpose": "用途", "state": "refused", "agreement_version": "x"}
    assert form.again(old) == {"data_name": "名", "purpose": "用途"}


BASE = {"first_submitted_at": "2026-03-02T10:00", "accepted_at": None, "closed_at": None}


@pytest.mark.parametrize(
    ("state", "accepted", "names", "last"),
    [
        ("submitted", False, ["submitted", "accepting", "decided", "delivered"], "ahead"),
        ("returned", False, ["submitted", "returned", "decided", "delivered"], "ahead"),
        ("declined", False, ["submitted", "declined"], "stopped"),
        ("lapsed", False, ["submitted", "lapsed"], "stopped"),
        ("withdrawn", False, ["submitted", "withdrawn"], "stopped"),
        ("withdrawn", True, ["submitted", "accepted", "withdrawn"], "stopped"),
        ("accepted", True, ["submitted", "accepted", "deciding", "delivered"], "ahead"),
        ("suspended", True, ["submitted", "accepted", "suspended", "delivered"], "ahead"),
        ("refused", True, ["submitted", "accepted", "refused"], "stopped"),
        ("approved", True, ["submitted", "accepted", "approved", "delivering"], "now"),
        ("delivered", True, ["submitted", "accepted", "approved", "delivered"], "done"),
    ],
)
def test_progress(state, accepted, names, last):
    """Each state has one place on the way; approval is not the end (6.1 f: to deliver)."""
    request = {**BASE, "state": state, "accepted_at": "2026-03-03T09:00" if accepted else None}
    marks = form.progress(request)
    assert [mark.name for mark in marks] == names
    assert marks[-1].state == last
    assert sum(mark.state == "now" for mark in marks) == (
        state in ("submitted", "returned", "accepted", "suspended", "approved")
    )


@pytest.mark.parametrize(
    ("today", "days", "share", "level"),
    [
        (date(2026, 3, 2), 10, 100, "good"),
        (date(2026, 3, 8), 4, 40, "good"),
        (date(2026, 3, 9), 3, 30, "near"),
        (date(2026, 3, 12), 0, 4, "near"),
        (date(2026, 3, 13), -1, 100, "over"),
    ],
)
def test_ring(today, days, share, level):
    """On the last day it is near, not over: the deadline is 24:00."""
    assert form.ring(date(2026, 3, 2), date(2026, 3, 12), today) == form.Ring(days, share, level)


def test_no_ring_where_nothing_runs():
    """A suspended request has no days left to show."""
    assert form.ring(None, date(2026, 3, 12), date(2026, 3, 2)) is None
    assert form.ring(date(2026, 3, 2), None, date(2026, 3, 2)) is None
    assert form.ring(date(2026, 3, 2), date(2026, 3, 2), date(2026, 3, 2)) is not None
