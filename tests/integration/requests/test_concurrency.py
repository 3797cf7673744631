"""Several people at the same moment, each with a connection of their own."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.hljshare.access.grants.model import GrantRow
from ckanext.hljshare.requests import audit, store
from ckanext.hljshare.requests.model import Request, RequestEvent
from ckanext.hljshare.safety import chain
from tests.integration.requests.conftest import WISH

BASIS = [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]


@pytest.fixture
def at_once(app, call):
    """Return a function that makes several calls at the same moment; it returns each one's answer:
    the result, or the error."""

    def do(*calls):
        model.Session.rollback()
        model.Session.remove()
        gate = threading.Barrier(len(calls))
        answers = [None] * len(calls)

        def body(which, user, action, data):
            with app.flask_app.test_request_context():
                try:
                    gate.wait(20)
                    answers[which] = call(user, action, **data)
                except Exception as error:
                    answers[which] = error
                finally:
                    model.Session.rollback()
                    model.Session.remove()

        threads = [
            threading.Thread(target=body, args=(which, *one)) for which, one in enumerate(calls)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        for answer in answers:
            assert isinstance(answer, dict | tk.ValidationError | tk.NotAuthorized), repr(answer)
        return answers

    return do


def kinds(request):
    """How often each event happened."""
    model.Session.rollback()
    return Counter(
        model.Session.scalars(
            sa.select(RequestEvent.kind).where(RequestEvent.request_id == request["id"])
        )
    )


def split(answers):
    """The results and the errors."""
    return (
        [found for found in answers if isinstance(found, dict)],
        [found for found in answers if not isinstance(found, dict)],
    )


def test_two_approvers_sign_at_once(call, submitted, at_once):
    """One signature counts; the other one is told what happened."""
    for _ in range(4):
        request = submitted()
        call("handler", "accept", id=request["id"])
        version = call("handler", "propose", id=request["id"], decision="approve")["version"]
        data = {"id": request["id"], "sign": True, "version": version}
        done, failed = split(
            at_once(
                ("approver", "decide", data),
                ("city", "decide", data),
                ("province", "decide", {**data, "sign": False, "message": "再议"}),
            )
        )
        assert len(done) == 1
        assert all("version" in error.error_dict for error in failed), failed
        found = kinds(request)
        assert found["approved"] + found["sent_back"] == 1


def test_submitting_twice_at_once_is_submitting_once(call, dataset, at_once):
    """A double click: one event, two equal answers."""
    draft = call("applicant", "create", dataset=dataset["name"], **WISH)
    data = {"id": draft["id"]}
    done, failed = split(at_once(*[("applicant", "submit", data)] * 4))
    assert failed == []
    assert {found["version"] for found in done} == {2}
    assert kinds(draft)["submitted"] == 1


def test_the_same_key_at_once_gives_one_draft(dataset, at_once):
    """A form that is sent twice leaves one draft."""
    data = {"dataset": dataset["name"], **WISH, "client_key": "3f1c"}
    done, failed = split(at_once(*[("applicant", "create", data)] * 4))
    assert failed == []
    assert len({found["id"] for found in done}) == 1
    assert model.Session.scalar(sa.select(sa.func.count(Request.id))) == 1


def test_the_limit_of_a_day_holds_at_once(call, dataset, at_once, monkeypatch):
    """Six sent off together: no more than the limit arrive."""
    from dataclasses import replace

    from ckanext.hljshare.requests import rules

    few = replace(rules.load(), max_per_day=2)
    monkeypatch.setattr(rules, "load", lambda: few)
    drafts = [call("applicant", "create", dataset=dataset["name"], **WISH) for _ in range(6)]
    done, failed = split(
        at_once(*[("applicant", "submit", {"id": draft["id"]}) for draft in drafts])
    )
    assert (len(done), len(failed)) == (2, 4)
    assert all("applicant" in error.error_dict for error in failed)


def test_accepted_or_withdrawn_first(submitted, at_once):
    """Either the one or the other came first; both may be done in that order only."""
    for _ in range(4):
        request = submitted()
        data = {"id": request["id"], "version": request["version"]}
        done, failed = split(at_once(("handler", "accept", data), ("applicant", "withdraw", data)))
        assert (len(done), len(failed)) == (1, 1)
        assert "version" in failed[0].error_dict
        found = kinds(request)
        assert found["accepted"] + found["withdrawn"] == 1


def test_delivered_or_reconsidered_first(call, submitted, at_once):
    """Where it is taken back there are no grants; where it is delivered there are."""
    for _ in range(3):
        request = submitted()
        call("handler", "accept", id=request["id"])
        call("handler", "propose", id=request["id"], decision="approve")
        call("approver", "decide", id=request["id"], sign=True)
        done, failed = split(
            at_once(
                ("handler", "deliver", {"id": request["id"]}),
                ("handler", "deliver", {"id": request["id"]}),
                ("approver", "reconsider", {"id": request["id"], "message": "再研究"}),
            )
        )
        assert (len(done), len(failed)) == (1, 2)
        model.Session.rollback()
        grants = model.Session.scalar(
            sa.select(sa.func.count(GrantRow.id)).where(GrantRow.request_id == request["id"])
        )
        found = kinds(request)
        assert (found["delivered"], grants) in ((1, 2), (0, 0))
        assert found["delivered"] + found["reconsidered"] == 1


def test_assigning_the_same_ones_in_opposite_orders(call, submitted, at_once):
    """By id and by number, forwards and backwards: nobody waits for ever, nobody fails."""
    requests = [submitted() for _ in range(6)]
    ids = [request["id"] for request in requests]
    numbers = [request["number"] for request in requests]
    for _ in range(5):
        _done, failed = split(
            at_once(
                ("approver", "assign", {"ids": ids, "handler": "handler"}),
                ("handler", "assign", {"ids": numbers[::-1], "handler": "approver"}),
                ("city", "assign", {"ids": ids[::-1], "handler": ""}),
                ("approver", "assign", {"ids": numbers, "handler": "handler"}),
            )
        )
        assert failed == []
    model.Session.rollback()
    holders = set(model.Session.scalars(sa.select(Request.handler_id)))
    assert len(holders) == 1  # the last one had them all


def test_assigning_all_or_none(call, submitted):
    """One that is not there, or another agency's, and nothing is changed."""
    request = submitted()
    for other in ("no-such-request", call("stranger", "create", data_name="另一件")["id"]):
        with pytest.raises((tk.ObjectNotFound, tk.NotAuthorized)):
            call("handler", "assign", ids=[request["id"], other], handler="handler")
        model.Session.rollback()
    assert model.Session.get(Request, request["id"]).handler_id is None


def rows():
    """The history as the chain has it."""
    columns = [c for c in store.events.c if c.name not in ("previous", "hash")]
    names = [column.name for column in columns]
    model.Session.rollback()
    for line in model.Session.execute(
        sa.select(*columns, store.events.c.previous, store.events.c.hash).order_by(
            store.events.c.position
        )
    ):
        record = dict(zip(names, line, strict=False))
        yield chain.Row(record["position"], line.previous, line.hash, record)


def test_the_history_is_one_chain_whoever_writes(call, submitted, at_once, tmp_path, monkeypatch):
    """Eight people at once, on several requests: no line is lost, none comes twice."""
    requests = [submitted() for _ in range(4)]
    texts = [
        (person, "message", {"id": request["id"], "message": f"第{n}条"})
        for n in range(2)
        for request in requests
        for person in ("applicant", "handler", "approver", "city")
    ]
    start = len(list(rows()))
    for first in range(0, len(texts), 8):
        _done, failed = split(at_once(*texts[first : first + 8]))
        assert failed == []
    result = chain.verify(rows(), store.history_key())
    assert result.intact, result.finding
    assert result.count == start + len(texts)
    monkeypatch.setattr(audit, "file", lambda: tmp_path / "seal.json")  # no older seal
    assert audit.verify()["intact"]
