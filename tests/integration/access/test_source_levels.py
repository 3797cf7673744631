"""What a source wants to open further waits for one administrator, and is asked once."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.access.changes import from_source
from ckanext.hljshare.deadlines.model import Notice

LOOSER = {"open_type": "open", "open_condition": "", "open_basis": []}


@pytest.fixture
def admins(agency):
    """Return two administrators of the agency and an editor, by role."""
    found = {}
    for name, role in (("admin1", "admin"), ("admin2", "admin"), ("editor", "editor")):
        found[name] = factories.User(name=name)
        call_action("organization_member_create", id=agency["id"], username=name, role=role)
    return found


@pytest.fixture
def dataset(make_dataset, admins):
    return make_dataset(open_type="on_request", source_name="demo", share_type="unconditional")


def propose(dataset, values=LOOSER):
    found = from_source.propose_from_source(dataset["id"], "demo", values, "来源已改为无条件开放")
    model.Session.commit()
    return found


def waiting(who="admin1"):
    context = {"user": who, "ignore_auth": False}
    return tk.get_action("hljshare_level_change_list")(context, {})["results"]


def decide(change, who="admin1", confirm=True, **more):
    context = {"user": who, "ignore_auth": False}
    data = {"id": change, "confirm": confirm, **more}
    return tk.get_action("hljshare_level_change_decide")(context, data)


def level(dataset):
    return call_action("package_show", id=dataset["id"])["open_type"]


def told():
    return model.Session.scalar(sa.select(sa.func.count()).select_from(Notice))


def test_nothing_changes_until_one_administrator_confirms(dataset):
    change = propose(dataset)
    assert level(dataset) == "on_request"
    (found,) = waiting()
    assert (found["id"], found["proposer_kind"], found["may_decide"]) == (change, "source", True)
    assert [(step["before"], step["after"]) for step in found["steps"]] == [("on_request", "open")]
    with pytest.raises(tk.NotAuthorized):
        decide(change, "editor")
    decide(change)
    assert level(dataset) == "open"
    assert propose(dataset) is None  # there is nothing left to loosen


def test_the_same_is_asked_once_while_it_waits(dataset):
    first = propose(dataset)
    before = told()
    assert before
    assert propose(dataset) == first
    assert told() == before
    assert len(waiting()) == 1


def test_what_was_turned_down_is_not_asked_again_until_something_changes(dataset):
    decide(propose(dataset), confirm=False, message="依据仍然有效")
    assert propose(dataset) is None
    assert waiting() == []
    other = propose(dataset, {**LOOSER, "share_type": "unconditional"})
    assert [item["id"] for item in waiting()] == [other]


def test_a_source_that_changes_its_mind_leaves_one_proposal_or_none(dataset):
    first = propose(dataset)
    second = propose(dataset, {**LOOSER, "open_condition": "说明"})
    assert [item["id"] for item in waiting()] == [second]
    assert first != second
    with pytest.raises(tk.ValidationError):
        decide(first)
    assert from_source.waiting_from_source("demo") == {dataset["id"]}
    assert from_source.withdraw_from_source(dataset["id"], "demo") == 1
    model.Session.commit()
    assert waiting() == []
    with pytest.raises(tk.ValidationError):
        decide(second)
    assert level(dataset) == "on_request"


def test_tightening_or_no_change_is_no_proposal(dataset):
    assert propose(dataset, {"open_type": "closed"}) is None
    assert propose(dataset, {"open_type": "on_request"}) is None
    assert waiting() == []


def test_a_proposal_lapses_when_somebody_else_changes_the_levels(dataset, admins):
    change = propose(dataset)
    context = {"user": "admin2", "ignore_auth": False}
    tk.get_action("package_patch")(context, {"id": dataset["id"], "open_type": "closed"})
    with pytest.raises(tk.ValidationError):
        decide(change)
    assert level(dataset) == "closed"


def test_nothing_is_committed_by_itself(dataset):
    from_source.propose_from_source(dataset["id"], "demo", LOOSER, "改")
    model.Session.rollback()
    assert waiting() == []
    assert propose({"id": "no-such-dataset"}) is None
