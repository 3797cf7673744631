"""A batch from its bytes to its receipt."""

import json

import pytest
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.ingest import runs
from ckanext.hljshare.push import intake, receipt, spool, who
from ckanext.hljshare.push.model import Batch
from tests.integration.push.conftest import (
    content_digest,
    delete,
    ndjson,
    outcomes,
    package,
    parsed,
    problem,
    upsert,
)


def test_a_first_load(harbin):
    """Records become datasets below the city; each line has its result, the receipt comes last."""
    lines = [upsert("1"), upsert("a/b%2F2", open_type="on_request"), upsert("3", open_type="秘密")]
    response = harbin.put(lines, key="first-load-1", packed=True)
    results, given = parsed(response)
    assert [result["outcome"] for result in results] == ["created", "created", "held"]
    assert [result["line"] for result in results] == [1, 2, 3]
    assert results[2]["reasons"] == ["opening-unknown: 秘密"]
    assert results[2]["texts"] != results[2]["reasons"]
    assert given["counts"] == {
        "created": 2, "held": 1, "rejected": 0, "unchanged": 0, "updated": 0, "withdrawn": 0,
    }  # fmt: skip
    assert (given["id"], given["source"], given["lines"]) == ("first-load-1", "harbin-push", 3)
    assert given["digest"] == content_digest(ndjson(lines))
    assert receipt.is_genuine(given, intake.signing_key())
    made = package("1", harbin)
    assert (made.title, made.private) == ("哈尔滨市公交线路信息1", False)
    assert model.Group.get(made.owner_org).name == "harbin-jtysj"
    assert results[0]["dataset"].endswith(f"/dataset/{made.name}")
    assert package("3", harbin).private


def test_changes_deletions_and_nothing_new(harbin):
    """The second meets what the first has made."""
    harbin.put([upsert("1"), upsert("2"), upsert("3")])
    answer = harbin.put(
        [upsert("1"), upsert("2", notes="新的说明，包含全部线路和站点。"), delete("3"), delete("4")]
    )
    assert outcomes(answer) == ["unchanged", "updated", "withdrawn", "unchanged"]
    assert package("3", harbin).extras["withdrawn_on"]
    assert outcomes(harbin.put([upsert("3")])) == ["updated"]
    assert not package("3", harbin).extras.get("withdrawn_on")


def test_one_id_several_times_in_a_batch(harbin):
    """In order, each line true: created, updated, withdrawn, back again."""
    answer = harbin.put(
        [upsert("1"), upsert("1", notes="另一个说明，内容完整。"), delete("1"), delete("1"),
         upsert("1"), upsert("1")]
    )  # fmt: skip
    assert outcomes(answer) == [
        "created", "updated", "withdrawn", "unchanged", "updated", "unchanged",
    ]  # fmt: skip
    assert not package("1", harbin).extras.get("withdrawn_on")


def test_bad_lines_stop_no_others(harbin):
    """And are told with their number."""
    answer = harbin.put(
        [b"{nonsense", upsert("1"), b"", {"op": "drop"}, upsert("2", title=""), upsert("3")]
    )
    results, given = parsed(answer)
    assert [result["outcome"] for result in results] == [
        "rejected", "created", "rejected", "rejected", "rejected", "created",
    ]  # fmt: skip
    assert results[0]["reasons"] == ["line-not-json"]
    assert results[0]["texts"] == ["该行不是 JSON"] or results[0]["texts"][0]
    assert results[4]["id"] == "2"
    assert given["counts"]["rejected"] == 4


def test_the_same_key_again_gives_the_same_bytes(harbin):
    """Also when it is asked for, and packed in another way."""
    lines = [upsert("1"), upsert("2"), b"x"]
    first = harbin.put(lines, key="again-and-again")
    harbin.put([upsert("1", notes="后来改过的说明，内容完整。")])
    for again in (
        harbin.put(lines, key="again-and-again"),
        harbin.put(lines, key="again-and-again", packed=True),
        harbin.get("batches/again-and-again"),
    ):
        assert again.body == first.body
    assert package("1", harbin).notes.startswith("后来")


def test_the_same_key_with_other_content_is_refused(harbin):
    """Nothing of it is written."""
    harbin.put([upsert("1")], key="one-key-only")
    assert problem(harbin.put([upsert("2")], key="one-key-only")) == (409, "key-used")
    assert package("2", harbin) is None


def test_the_answer_as_json(harbin):
    """For those who cannot read lines."""
    answer = harbin.put([upsert("1"), b"x"], Accept="application/json")
    found = json.loads(answer.body)
    assert [result["outcome"] for result in found["results"]] == ["created", "rejected"]
    assert found["receipt"]["lines"] == 2
    empty = json.loads(harbin.put([], Accept="application/json").body)
    assert (empty["results"], empty["receipt"]["lines"]) == ([], 0)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content_Digest": ""}, (400, "digest-missing")),
        ({"Content_Digest": "md5=:AAAA:"}, (400, "digest-invalid")),
        ({"Content_Digest": content_digest(b"other")}, (400, "digest-differs")),
        ({"Content_Encoding": "br"}, (415, "encoding-unsupported")),
        ({"Content_Encoding": "gzip"}, (400, "encoding-broken")),
        ({"Content_Type": "application/json"}, (415, "type-unsupported")),
        ({"Content_Type": "multipart/form-data; boundary=x"}, (415, "type-unsupported")),
    ],
)
def test_nothing_is_applied_of_what_is_not_sound(harbin, headers, expected):
    """Neither a record nor the key."""
    assert problem(harbin.put([upsert("1")], key="not-sound-1", **headers)) == expected
    assert package("1", harbin) is None
    assert problem(harbin.get("batches/not-sound-1")) == (404, "batch-unknown")


def test_problems_speak_two_languages(harbin):
    """Chinese without asking."""
    english = json.loads(harbin.get("batches/unknown-1", **{"Accept-Language": "en"}).body)
    assert english["title"] == "There is no batch of this key"
    assert json.loads(harbin.get("batches/unknown-1").body)["code"] == "batch-unknown"


def test_two_batches_of_a_source_at_once(harbin):
    """The second is told to come back; it is not lost."""
    source_id = model.Package.get("harbin-push").id
    with runs.only_one(source_id):
        answer = harbin.put([upsert("1")], key="come-back-later")
    assert problem(answer) == (409, "busy")
    assert int(answer.headers["Retry-After"]) > 0
    assert outcomes(harbin.put([upsert("1")], key="come-back-later")) == ["created"]


def test_only_so_many_batches_are_written_at_once(harbin, monkeypatch, ckan_config):
    """The site stays there for people."""
    monkeypatch.setitem(ckan_config, "hljshare.push.at_once", 1)
    with intake._place():
        assert problem(harbin.put([upsert("1")])) == (503, "crowded")
    assert outcomes(harbin.put([upsert("1")])) == ["created"]


def test_one_sender_of_a_source_and_few_of_all(harbin, qiqihar, monkeypatch, ckan_config):
    """Whoever sends holds a thread of the site: the others come back."""
    ids = {name: model.Package.get(f"{name}-push").id for name in ("harbin", "qiqihar")}
    with intake.receiving(ids["harbin"]):
        answer = harbin.put([upsert("1")])
        assert problem(answer) == (409, "busy")
        assert int(answer.headers["Retry-After"]) > 0
        assert qiqihar.put([]).status_code == 200
        monkeypatch.setitem(ckan_config, "hljshare.push.receive_at_once", 1)
        assert problem(qiqihar.put([])) == (503, "crowded")
        report = {"path": "/push/v1/state/report", "Content_Type": "application/json"}
        assert problem(harbin.put(b"{}", **report)) == (409, "busy")
    assert outcomes(harbin.put([upsert("1")])) == ["created"]


def test_a_source_is_free_when_its_run_is_closed(harbin, monkeypatch):
    """And not before: the next batch never runs beside the rest of one whose sender went away."""
    source = who.of(model.Package.get("harbin-push").id)
    user_id = model.User.get(harbin.source).id
    monkeypatch.setattr(intake, "GROUP", 2)
    content = spool.of_bytes(ndjson([upsert(str(number)) for number in range(5)]))
    held, finish = [], runs.finish

    def finishing(*args):
        held.append(runs.is_running(source.id))
        finish(*args)

    monkeypatch.setattr(runs, "finish", finishing)
    settling = intake.records(source, user_id, "goes-away-2", content)
    assert next(settling.results)["outcome"] == "created"
    settling.close()
    assert held == [True]
    assert not runs.is_running(source.id)
    reports = model.Session.execute(sa.text("SELECT stopped FROM hljshare_ingest_run")).scalars()
    assert list(reports) == ["interrupted"]


def test_only_so_many_batches_in_an_hour(harbin, monkeypatch, ckan_config):
    """Also of those that are refused."""
    monkeypatch.setitem(ckan_config, "hljshare.push.batches_per_hour", 2)
    harbin.put([])
    harbin.put([b"x"], Content_Digest=content_digest(b"other"))
    answer = harbin.put([])
    assert problem(answer) == (429, "too-often")
    assert 0 < int(answer.headers["Retry-After"]) <= who.HOUR


def interrupted(harbin, monkeypatch, lines, key, after):
    """Send a batch that breaks off behind so many groups."""
    real, done = intake._apply_group, []

    def breaking(*args):
        if len(done) == after:
            raise RuntimeError("the power went off")
        done.append(1)
        return real(*args)

    monkeypatch.setattr(intake, "_apply_group", breaking)
    answer = harbin.put(lines, key=key)
    monkeypatch.setattr(intake, "_apply_group", real)
    return answer


def test_what_broke_off_goes_on_where_it_was(harbin, monkeypatch):
    """No receipt until then; what was settled is told again and not done again."""
    monkeypatch.setattr(intake, "GROUP", 2)
    lines = [upsert(str(number)) for number in range(5)]
    broken = interrupted(harbin, monkeypatch, lines, "broke-off-1", 1)
    told = [json.loads(line) for line in broken.body.splitlines()]
    assert [one.get("outcome") for one in told] == ["created", "created", None]
    assert told[-1]["problem"]["code"] == "failed"
    answer = harbin.get("batches/broke-off-1")
    assert problem(answer) == (409, "batch-unfinished")
    assert json.loads(answer.body)["detail"] == "2 of 5"
    assert problem(harbin.put(lines[:4], key="broke-off-1")) == (409, "key-used")
    harbin.put([upsert("0", notes="在两次发送之间改过，内容完整。")])
    assert outcomes(harbin.put(lines, key="broke-off-1")) == ["created"] * 5
    assert package("0", harbin).notes.startswith("在两次")  # its line was settled before
    reports = model.Session.execute(sa.text("SELECT stopped FROM hljshare_ingest_run")).scalars()
    assert sorted(str(stopped) for stopped in reports) == ["None", "None", "interrupted"]


def test_what_fails_before_the_first_result_is_a_problem(harbin, monkeypatch):
    """With a status that says so."""
    answer = interrupted(harbin, monkeypatch, [upsert("1")], "broke-off-2", 0)
    assert problem(answer) == (500, "failed")
    assert outcomes(harbin.put([upsert("1")], key="broke-off-2")) == ["created"]


def test_old_receipts_are_forgotten_but_for_the_last(harbin):
    """So that a missed push is still seen."""
    from ckanext.hljshare.push import store

    for key in ("receipt-1", "receipt-2"):
        harbin.put([upsert("1")], key=key)
    model.Session.execute(sa.update(Batch).values(received=sa.text("now() - interval '500 days'")))
    assert store.forget(400) == 1
    model.Session.commit()
    assert problem(harbin.get("batches/receipt-1")) == (404, "batch-unknown")
    assert parsed(harbin.get("batches/receipt-2"))


def test_the_action_does_the_same(harbin, app):
    """For tools that know CKAN's API only."""
    body = {"key": "by-action-1", "lines": [upsert("1"), {"op": "x"}]}
    headers = {"Authorization": harbin.token}
    answer = app.post("/api/action/hljshare_push_batch", json=body, headers=headers).json["result"]
    assert [result["outcome"] for result in answer["results"]] == ["created", "rejected"]
    assert parsed(harbin.get("batches/by-action-1"))[1] == answer["receipt"]
    state = app.get("/api/action/hljshare_push_state", headers=headers).json["result"]
    assert [entry["id"] for entry in state["entries"]] == ["1"]
