"""What the province says it holds: page by page, and as a tree; and who has fallen silent."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.deadlines.model import Notice
from ckanext.hljshare.ingest import approval
from ckanext.hljshare.push import digest, watch
from ckanext.hljshare.push.model import now
from tests.integration.push.conftest import delete, package, parsed, problem, upsert


def state(pusher, query=""):
    answer = pusher.get(f"state{query}")
    assert answer.status_code == 200, answer.body
    return json.loads(answer.body)


def held(pusher):
    return {entry["id"]: entry["hash"] for entry in state(pusher)["entries"]}


def test_the_state_has_the_hashes_of_the_receipt(harbin):
    """And the datasets' names; what was refused is told without a version."""
    results, _receipt = parsed(
        harbin.put([upsert("1"), upsert("2", open_type="?"), upsert("3", format_class="zzz")])
    )
    entries = state(harbin)["entries"]
    assert [entry["id"] for entry in entries] == ["1", "2", "3"]
    assert [entry["outcome"] for entry in entries] == ["created", "held", "created"]
    assert [entry["hash"] for entry in entries] == [result["hash"] for result in results]
    assert entries[0]["dataset"] == package("1", harbin).name


def test_only_what_changed_behind_a_cursor(harbin):
    """A page ends where the next one begins; nothing is told twice and nothing left out."""
    harbin.put([upsert(str(number)) for number in range(5)])
    first = state(harbin, "?limit=3")
    assert ([entry["id"] for entry in first["entries"]], first["more"]) == (["0", "1", "2"], True)
    second = state(harbin, f"?limit=3&since={first['next']}")
    assert ([entry["id"] for entry in second["entries"]], second["more"]) == (["3", "4"], False)
    last = second["next"]
    assert state(harbin, f"?since={last}") == {"entries": [], "next": last, "more": False}
    harbin.put(
        [upsert("1"), upsert("2", notes="新的说明，内容完整无缺。"), delete("0"), delete("x")]
    )
    after = state(harbin, f"?since={last}")["entries"]
    assert [(entry["id"], entry["outcome"]) for entry in after] == [
        ("2", "updated"),
        ("0", "withdrawn"),
    ]
    assert after[1]["hash"] is None


@pytest.mark.parametrize(
    "query", ["?since=%00", "?since=AAAA", "?since=' OR 1=1", "?limit=0", "?limit=-1",
              "?limit=99999", "?limit=1e3", "?limit=%D9%A1"],
)  # fmt: skip
def test_parameters_that_were_not_given_by_us(harbin, query):
    """No guess, no error of the database."""
    assert problem(harbin.get(f"state{query}"))[0] == 400


def tree(pusher):
    return digest.Tree.from_dict(json.loads(pusher.get("state/digest").body))


def test_the_tree_is_that_of_the_state(harbin):
    """So both sides can work it out; a leaf gives its records."""
    harbin.put([upsert(f"编号{number}") for number in range(20)] + [delete("编号3")])
    mine = {key: value for key, value in held(harbin).items() if value}
    assert len(mine) == 19
    assert tree(harbin).root == digest.tree_of(mine).root
    assert tree(harbin).count == 19
    leaf = digest.leaf_of("编号7")
    found = json.loads(harbin.get(f"state/digest?prefix={leaf:02x}").body)
    assert {"id": "编号7", "hash": mine["编号7"]} in found["entries"]
    assert found["digest"] == tree(harbin).leaves[leaf][0]
    for prefix in ("g0", "0", "000", "..", "FF"):
        assert problem(harbin.get(f"state/digest?prefix={prefix}"))[0] == 400


def test_a_refused_change_leaves_what_stood(harbin):
    """The province still holds the version before."""
    harbin.put([upsert("1")])
    before = held(harbin)
    answer = harbin.put([upsert("2"), upsert("1", contact_phone="没有"), upsert("3")])
    results, _receipt = parsed(answer)
    assert [result["outcome"] for result in results] == ["created", "rejected", "created"]
    assert held(harbin)["1"] == before["1"]
    entry = next(entry for entry in state(harbin)["entries"] if entry["id"] == "1")
    assert entry["outcome"] == "rejected"


def test_what_was_erased_here_is_not_held(harbin):
    """So the city sends it again."""
    harbin.put([upsert("1"), upsert("2")])
    site = call_action("get_site_user")["name"]
    call_action("dataset_purge", {"user": site, "ignore_auth": True}, id=package("1", harbin).id)
    assert held(harbin)["1"] is None
    assert tree(harbin).count == 1


def report(pusher, content, **headers):
    sent = {"Authorization": pusher.token, "Content-Type": "application/json", **headers}
    return pusher.app.test_client().put("/push/v1/state/report", data=content, headers=sent)


def test_a_city_tells_what_it_publishes(harbin):
    """The province says how it differs, and keeps that for the cities' page."""
    harbin.put([upsert("1"), upsert("2"), upsert("3")])
    mine = held(harbin)
    mine["2"] = "a" * 40
    mine["4"] = mine.pop("3")
    differing = [{"id": key, "hash": mine.get(key)} for key in ("2", "3", "4")]
    told = {"root": digest.tree_of(mine).root, "count": 3, "differing": differing}
    found = json.loads(report(harbin, json.dumps(told)).body)
    assert found == {
        "same": False, "published": 3, "held": 3, "unexplained": False,
        "missing": ["4"], "extra": ["3"], "differing": ["2"],
    }  # fmt: skip
    kept = call_action("hljshare_ingest_run_list", source_id="harbin-push")["results"][0]
    assert kept["reconciled"] == found
    told = {"root": tree(harbin).root, "count": 3, "differing": []}
    assert json.loads(report(harbin, json.dumps(told)).body)["same"]
    bad = ({"root": "x"}, {"count": -1}, {"differing": [1]}, {"differing": None})
    for wrong in ("", "[]", "{}", "[" * 5000, *(json.dumps({**told, **one}) for one in bad)):
        assert problem(report(harbin, wrong)) == (400, "comparison-invalid")
    assert problem(report(harbin, " " * 2_000_000))[0] == 413
    assert problem(report(harbin, "{}", **{"Content-Type": "text/plain"}))[0] == 415


def test_the_state_holds_no_address(harbin):
    """Neither of files that are not open, nor of any."""
    file = {"native_id": "f", "name": "名册", "url": "http://10.1.2.3/secret-roster.xlsx"}
    harbin.put([upsert("1", open_type="closed", resources=[file])], key="no-address-1")
    for path in ("state", "state/digest", "batches/no-address-1"):
        assert "secret-roster" not in harbin.get(path).body
    rows = model.Session.execute(
        sa.text(
            "SELECT row_to_json(b)::text FROM hljshare_push_batch b"
            " UNION ALL SELECT row_to_json(r)::text FROM hljshare_push_result r"
            " UNION ALL SELECT row_to_json(e)::text FROM hljshare_push_entry e"
        )
    ).scalars()
    assert not any("secret-roster" in row for row in rows)


def test_silence_is_told_once(harbin, province):
    """To the administrators of the city and of the province; again after the next silence."""
    people = [factories.User() for _ in range(3)]
    for person, organization, role in zip(
        people, ("harbin", "hlj", "harbin"), ("admin", "admin", "editor"), strict=True
    ):
        call_action("organization_member_create", id=organization, username=person["id"], role=role)
    assert watch.run()["missed"] == 0
    later = now() + timedelta(hours=49)
    assert watch.run(later) == {"missed": 1, "notices": 2}
    assert watch.run(later) == {"missed": 1, "notices": 0}
    harbin.put([])
    assert watch.run(now() + timedelta(hours=47))["missed"] == 0
    assert watch.run(now() + timedelta(hours=49)) == {"missed": 1, "notices": 2}
    told = model.Session.scalars(sa.select(Notice.user_id)).all()
    assert set(told) == {people[0]["id"], people[1]["id"]}


def test_a_changed_source_may_not_be_silent_either(harbin):
    """Its pushes are refused until somebody approves it again, and that is what has to be heard
    of; one that nobody ever approved owes nothing."""
    kept = approval.settings_of(model.Package.get("harbin-push").id)
    kept.approved_digest = "0" * 40
    model.Session.commit()
    assert watch.run(now() + timedelta(hours=49))["missed"] == 1
    kept.approved = None
    model.Session.commit()
    assert watch.run(now() + timedelta(hours=49))["missed"] == 0
