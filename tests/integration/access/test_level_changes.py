"""What has been public is loosened by two people, whatever way it is written; tightening is told,
recorded, and cleans the past."""

from __future__ import annotations

import json
import threading

import ckan.plugins.toolkit as tk
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.lib import jobs
from ckan.tests import factories
from ckan.tests.helpers import call_action
from ckanext.harvest.model import HarvestJob, HarvestObject, HarvestObjectError, HarvestSource

from ckanext.hljshare.access import vault
from ckanext.hljshare.access.changes import clean, people
from ckanext.hljshare.deadlines import outbox

SECRET = "https://internal.example.gov.cn/canary-55/rows.csv"
LOOSER = {"open_type": "open", "share_type": "unconditional"}
STRICTER = {
    "open_type": "on_request",
    "share_type": "conditional",
    "open_condition": "说明用途",
    "open_basis": [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}],
    "share_condition": "业务协同使用",
}


@pytest.fixture
def staff(agency):
    """Return people by role: two administrators and an editor of the agency, a citizen, a city's
    administrator, and a system administrator."""
    people_ = {role: factories.User(name=role) for role in ("admin1", "admin2", "editor", "person")}
    people_["city"] = factories.User(name="city")
    people_["root"] = factories.Sysadmin(name="root")
    above = factories.Organization(name="harbin", title="哈尔滨市", level="city")
    call_action("organization_patch", as_(None), id=agency["id"], parent="harbin")
    for name, org, role in (
        ("admin1", agency, "admin"),
        ("admin2", agency, "admin"),
        ("editor", agency, "editor"),
        ("city", above, "admin"),
    ):
        call_action("organization_member_create", as_(None), id=org["id"], username=name, role=role)
    return people_


def as_(name):
    """Return the context of somebody who writes; None is the portal itself."""
    if name is None:
        return {"user": call_action("get_site_user")["name"], "ignore_auth": True}
    return {"user": name, "ignore_auth": False}


def act(who, action, /, **data):
    """Call an action as somebody."""
    return call_action(action, as_(who), **data)


@pytest.fixture
def dataset(make_dataset, staff):
    """Return a published dataset on request with a file."""
    return make_dataset(open_type="on_request", resources=[{"name": "明细", "url": SECRET}])


def level_of(dataset):
    """Return what stands, as everybody sees it."""
    return call_action("package_show", as_(None), id=dataset["id"])["open_type"]


def refused(dataset, write, field="open_type"):
    """Tell that a write fails with words that name the page, and changes nothing."""
    before = call_action("package_show", as_(None), id=dataset["id"])
    with pytest.raises(tk.ValidationError) as error:
        write()
    assert f"/dataset/{dataset['name']}/level" in str(error.value.error_dict[field])
    model.Session.remove()
    assert call_action("package_show", as_(None), id=dataset["id"]) == before
    return error.value.error_dict


# ---------------------------------------------------------------- every way of writing


@pytest.mark.parametrize("who", ["editor", "admin1", "root"])
def test_no_way_of_writing_opens_it_alone(dataset, who):
    """Update, patch, revise, bulk, and the file's own actions, for whoever edits."""
    shown = act(who, "package_show", id=dataset["id"])
    file = shown["resources"][0]
    refused(dataset, lambda: act(who, "package_patch", id=dataset["id"], open_type="open"))
    refused(dataset, lambda: act(who, "package_update", **{**shown, "open_type": "open"}))
    refused(
        dataset,
        lambda: act(
            who, "package_revise", match={"id": dataset["id"]}, update={"open_type": "open"}
        ),
    )
    refused(
        dataset,
        lambda: act(who, "package_patch", id=dataset["id"], share_type="unconditional"),
        "share_type",
    )
    refused(
        dataset,
        lambda: act(who, "resource_patch", id=file["id"], open_type="open", derivative="sample"),
    )
    refused(
        dataset,
        lambda: act(
            who, "resource_update", **{**file, "open_type": "open", "derivative": "masked"}
        ),
    )
    assert vault.address(file["id"]) == SECRET


def test_a_new_file_that_is_looser_than_its_dataset_is_refused(dataset):
    """A sample is content let out; a file of the dataset's own level, or stricter, is not."""
    new = {"package_id": dataset["id"], "url": "https://internal.example.gov.cn/s.csv"}
    refused(
        dataset,
        lambda: act("editor", "resource_create", **new, open_type="open", derivative="sample"),
    )
    act("editor", "resource_create", **new, name="同级")
    act("editor", "resource_create", **new, name="更严", open_type="closed")
    assert len(call_action("package_show", as_(None), id=dataset["id"])["resources"]) == 3


def test_by_way_of_private_it_is_refused_too(dataset):
    """While it is private the levels are free; publishing again is held against what was public."""
    act("editor", "package_patch", id=dataset["id"], private=True)
    act("editor", "package_patch", id=dataset["id"], **LOOSER)
    refused(dataset, lambda: act("editor", "package_patch", id=dataset["id"], private=False))
    org = dataset["owner_org"]
    with pytest.raises(tk.ValidationError):
        act("admin1", "bulk_update_public", datasets=[dataset["id"]], org_id=org)
    act("editor", "package_patch", id=dataset["id"], **STRICTER)
    act("editor", "package_patch", id=dataset["id"], private=False)
    assert level_of(dataset) == "on_request"


def test_a_file_loosened_while_private_or_deleted_is_seen_when_it_returns(dataset):
    """Also when the write that publishes does not touch the file."""
    file = dataset["resources"][0]["id"]
    act("editor", "package_patch", id=dataset["id"], private=True)
    act("editor", "resource_patch", id=file, open_type="open", derivative="sample")
    refused(dataset, lambda: act("editor", "package_patch", id=dataset["id"], private=False))
    act("root", "package_patch", id=dataset["id"], state="deleted", private=False)
    refused(dataset, lambda: act("root", "package_patch", id=dataset["id"], state="active"))


def test_before_it_was_public_the_levels_are_free(make_dataset, staff):
    """A private dataset, and a draft, is edited at will and published once."""
    made = make_dataset(open_type="closed", private=True)
    act("editor", "package_patch", id=made["id"], **LOOSER, private=False)
    assert level_of(made) == "open"


def test_the_portals_own_jobs_are_not_held_up_but_recorded(dataset):
    """Harvest may do what its own rules allow; the history says that a machine did it."""
    call_action("package_patch", as_(None), id=dataset["id"], **LOOSER)
    history = act("editor", "hljshare_level_history", id=dataset["id"])["changes"]
    assert [(item["proposer_kind"], item["steps"][0]["after"]) for item in history] == [
        ("system", "open")
    ]


def test_other_edits_go_through(dataset):
    """Everything that loosens nothing is as it was, with one query's cost."""
    act("editor", "package_patch", id=dataset["id"], notes="全市公交线路的起点、终点和运营时间。")
    act("editor", "resource_patch", id=dataset["resources"][0]["id"], description="说明")
    act("editor", "package_patch", id=dataset["id"], open_type="closed")
    assert level_of(dataset) == "closed"


# ---------------------------------------------------------------- two people


def propose(dataset, who="editor", **values):
    """Propose to open a dataset."""
    given = values or LOOSER
    return act(who, "hljshare_level_change_propose", id=dataset["id"], reason="已完成脱敏", **given)


def test_a_second_person_confirms_and_it_is_open(dataset):
    """The address comes back, the history has both and the reason, and the next edit is free."""
    change = propose(dataset)
    assert change["state"] == "proposed"
    assert level_of(dataset) == "on_request"
    done = act("admin1", "hljshare_level_change_decide", id=change["id"], confirm=True)
    assert done["state"] == "confirmed"
    assert level_of(dataset) == "open"
    file = call_action("package_show", as_(None), id=dataset["id"])["resources"][0]
    assert file["url"] == SECRET
    assert vault.address(file["id"]) is None
    (entry,) = act("editor", "hljshare_level_history", id=dataset["id"])["changes"]
    assert entry["reason"] == "已完成脱敏"
    assert entry["proposer"]
    assert entry["decider"]
    assert entry["proposer"] != entry["decider"]
    act("editor", "package_patch", id=dataset["id"], notes="全市公交线路的起点、终点和运营时间。")


def test_a_file_is_opened_by_two_people(dataset):
    """A sample of closed data, marked as one and confirmed."""
    file = dataset["resources"][0]["id"]
    change = propose(dataset, resource_id=file, open_type="open", derivative="sample")
    act("admin2", "hljshare_level_change_decide", id=change["id"], confirm=True)
    assert level_of(dataset) == "on_request"
    shown = call_action("resource_show", as_(None), id=file)
    assert (shown["open_type"], shown["url"]) == ("open", SECRET)


@pytest.mark.parametrize("who", ["admin1", "root"])
@pytest.mark.parametrize("ignore_auth", [True, False])
def test_nobody_decides_alone(dataset, who, ignore_auth):
    """Neither an agency's nor a system administrator, whatever the context allows."""
    change = propose(dataset, who)
    context = {"user": who, "ignore_auth": ignore_auth}
    with pytest.raises(tk.NotAuthorized):
        call_action("hljshare_level_change_decide", context, id=change["id"], confirm=True)
    assert level_of(dataset) == "on_request"


@pytest.mark.parametrize(
    ("who", "may"),
    [("editor", False), ("person", False), ("admin2", True), ("city", True), ("root", True)],
)
def test_who_may_be_the_second_person(dataset, who, may):
    """Another administrator of the agency, of the city above, or of the system."""
    change = propose(dataset, "admin1")
    if may:
        act(who, "hljshare_level_change_decide", id=change["id"], confirm=True)
    else:
        with pytest.raises(tk.NotAuthorized):
            act(who, "hljshare_level_change_decide", id=change["id"], confirm=True)
    assert level_of(dataset) == ("open" if may else "on_request")


def test_rejecting_needs_words_and_changes_nothing(dataset):
    """Who proposed it reads them."""
    change = propose(dataset)
    with pytest.raises(tk.ValidationError, match="message"):
        act("admin1", "hljshare_level_change_decide", id=change["id"], confirm=False)
    act(
        "admin1",
        "hljshare_level_change_decide",
        id=change["id"],
        confirm=False,
        message="尚未脱敏",
    )
    assert level_of(dataset) == "on_request"
    assert act("editor", "hljshare_level_history", id=dataset["id"])["changes"] == []
    (notice,) = act("editor", "hljshare_notice_list")["results"]
    assert "尚未脱敏" in notice["body"]


def test_only_who_proposed_withdraws(dataset):
    """And then nobody confirms it any more. The same is not proposed twice meanwhile."""
    change = propose(dataset)
    with pytest.raises(tk.ValidationError, match="state"):
        propose(dataset, "admin2")
    with pytest.raises(tk.NotAuthorized):
        act("admin1", "hljshare_level_change_withdraw", id=change["id"])
    assert act("editor", "hljshare_level_change_withdraw", id=change["id"])["state"] == "withdrawn"
    with pytest.raises(tk.ValidationError):
        act("admin1", "hljshare_level_change_decide", id=change["id"], confirm=True)


def test_what_changed_meanwhile_is_proposed_again(dataset):
    """A proposal is for what the second person sees: another level, or a new file, ends it."""
    first = propose(dataset)
    act("editor", "package_patch", id=dataset["id"], open_type="closed")
    second = propose(dataset)
    act("editor", "resource_create", package_id=dataset["id"], name="新", url=SECRET)
    for change in (first, second):
        with pytest.raises(tk.ValidationError) as error:
            act("admin1", "hljshare_level_change_decide", id=change["id"], confirm=True)
        assert "version" in error.value.error_dict
    states = act("editor", "hljshare_level_change_list", dataset=dataset["id"])["results"]
    assert {item["state"] for item in states if item["id"] in (first["id"], second["id"])} == {
        "stale"
    }
    assert level_of(dataset) == "closed"


def test_a_private_dataset_edited_after_the_proposal_is_stale(dataset):
    """What is loosened in private after the second person was asked does not slip along."""
    act("editor", "package_patch", id=dataset["id"], private=True)
    change = propose(dataset, open_type="open")
    file = dataset["resources"][0]["id"]
    act("editor", "package_patch", id=dataset["id"], share_type="unconditional")
    with pytest.raises(tk.ValidationError, match="state"):
        act("admin1", "hljshare_level_change_decide", id=change["id"], confirm=True)
    change = propose(dataset, open_type="open")
    act("admin1", "hljshare_level_change_decide", id=change["id"], confirm=True)
    act("editor", "package_patch", id=dataset["id"], private=False)
    assert level_of(dataset) == "open"
    assert call_action("resource_show", as_(None), id=file)["url"] == SECRET


def test_two_decisions_at_once_have_one_winner(app, dataset):
    """The other is told that somebody was first."""
    change = propose(dataset)
    outcomes, barrier = [], threading.Barrier(2)

    def decide(who, confirm):
        with app.flask_app.test_request_context():
            barrier.wait()
            try:
                act(
                    who,
                    "hljshare_level_change_decide",
                    id=change["id"],
                    confirm=confirm,
                    message="意见",
                    version=change["version"],
                )
                outcomes.append("done")
            except tk.ValidationError as error:
                outcomes.append("version" in error.error_dict and "conflict")
            finally:
                model.Session.remove()

    threads = [
        threading.Thread(target=decide, args=args) for args in (("admin1", True), ("admin2", False))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["conflict", "done"]


def test_a_proposal_that_could_not_be_published_fails_at_once(make_dataset, staff):
    """Restricting without a basis, or a code that does not exist."""
    dataset = make_dataset(resources=[{"name": "线路", "url": "https://data.example.cn/a.csv"}])
    with pytest.raises(tk.ValidationError) as error:
        propose(dataset, open_type="closed")
    assert "open_basis" in error.value.error_dict
    with pytest.raises(tk.ValidationError):
        propose(dataset, open_type="wide open")
    with pytest.raises(tk.ValidationError, match="reason"):
        act("editor", "hljshare_level_change_propose", id=dataset["id"], reason=" ", **LOOSER)
    with pytest.raises(tk.NotAuthorized):
        propose(dataset, "person", **STRICTER)


# ---------------------------------------------------------------- who is told, and the history


def inbox(name):
    """Return what a person was told."""
    return [item["subject"] for item in act(name, "hljshare_notice_list")["results"]]


def test_administrators_are_asked_and_find_it_in_their_list(dataset):
    """Not who proposed it; the city's where the agency has nobody else."""
    change = propose(dataset, "admin1")
    assert len(inbox("admin2")) == 1
    assert not inbox("admin1")
    assert not inbox("city")
    waiting = act("admin2", "hljshare_level_change_list")
    assert [item["id"] for item in waiting["results"]] == [change["id"]]
    assert act("admin1", "hljshare_level_change_list")["count"] == 0
    assert act("city", "hljshare_level_change_list")["count"] == 1
    act("root", "user_delete", id="admin2")
    propose(dataset, "admin1", share_type="unconditional")
    assert len(inbox("city")) == 1


def test_holders_of_grants_are_told_once_when_it_tightens(dataset, staff):
    """With what changed and why; not when it loosens."""
    act(
        "admin1",
        "hljshare_grant_create",
        user="person",
        dataset=dataset["id"],
        purpose="研究",
        not_after="2199-01-01",
    )
    told = len(inbox("person"))
    change = propose(dataset, open_type="closed")
    assert change["state"] == "applied"
    notices = act("person", "hljshare_notice_list")["results"]
    assert len(notices) == told + 1
    assert any("已完成脱敏" in item["body"] for item in notices)
    change = propose(dataset, open_type="on_request")
    act("admin1", "hljshare_level_change_decide", id=change["id"], confirm=True)
    assert len(inbox("person")) == told + 1


def test_everybody_reads_the_history_and_only_staff_the_names(dataset):
    """Date, from, to and reason are public; so nothing is hidden by the way it was written."""
    propose(dataset, open_type="closed")
    act("editor", "package_patch", id=dataset["id"], share_type="none", share_basis="依据")
    context = {"user": "", "ignore_auth": False}
    public = call_action("hljshare_level_history", context, id=dataset["id"])
    assert [item["reason"] for item in public["changes"]] == ["", "已完成脱敏"]
    assert [item["steps"][0]["after"] for item in public["changes"]] == ["none", "closed"]
    assert not {"proposer", "decider", "state"} & set(public["changes"][0])
    named = act("admin2", "hljshare_level_history", id=dataset["id"])["changes"]
    assert named[0]["proposer"]
    act("editor", "package_patch", id=dataset["id"], private=True)
    with pytest.raises(tk.NotAuthorized):
        call_action("hljshare_level_history", context, id=dataset["id"])


# ---------------------------------------------------------------- the past


def test_tightening_cleans_what_was_written_before(make_dataset, staff):
    """Harvested records, states of tasks and jobs' results lose what they held; another dataset's
    keep it."""
    made = [make_dataset(resources=[{"name": f"线路{n}", "url": f"{SECRET}?{n}"}]) for n in (1, 2)]
    for n, dataset in enumerate(made, 1):
        file = dataset["resources"][0]["id"]
        source = HarvestSource(url=f"https://s.example/{n}", type="ckan", title="源")
        job = HarvestJob(source=source)
        item = HarvestObject(
            guid=f"guid-{n}", job=job, content=SECRET, package_id=dataset["id"], state="COMPLETE"
        )
        model.Session.add_all([source, job, item])
        model.Session.flush()
        model.Session.add(HarvestObjectError(message=SECRET, object=item, stage="Import"))
        model.Session.add(
            model.TaskStatus(
                entity_id=file,
                entity_type="resource",
                task_type="check",
                key="k",
                value=SECRET,
                error=SECRET,
            )
        )
        model.Session.commit()
        queue = jobs.get_queue("level-test")
        done = queue.enqueue(jobs.test_job, file)
        queue.finished_job_registry.add(done, 600)
    propose(made[0], **STRICTER)
    assert outbox.run().failed == 0
    model.Session.remove()
    objects = {item.guid: item for item in model.Session.scalars(sa.select(HarvestObject))}
    assert json.loads(objects["guid-1"].content)["native_id"] == "guid-1"
    assert objects["guid-1"].errors == []
    assert objects["guid-2"].content == SECRET
    left = {status.entity_id for status in model.Session.scalars(sa.select(model.TaskStatus))}
    assert made[0]["resources"][0]["id"] not in left
    assert made[1]["resources"][0]["id"] in left
    args = [
        jobs.job_from_id(job_id).args[0]
        for job_id in jobs.get_queue("level-test").finished_job_registry.get_job_ids()
    ]
    assert made[0]["resources"][0]["id"] not in args
    assert made[1]["resources"][0]["id"] in args
    clean.clean({"dataset_id": made[0]["id"], "resource_ids": []})  # safe to repeat


def test_old_activities_keep_the_title_only(make_dataset, staff):
    """The table stays when the plugin that wrote it is no longer loaded."""
    dataset = make_dataset(resources=[{"name": "线路", "url": SECRET}])
    model.Session.execute(
        sa.text(
            "CREATE TABLE IF NOT EXISTS activity (id text primary key, timestamp timestamp,"
            " user_id text, object_id text, activity_type text, data text)"
        )
    )
    model.Session.execute(sa.text("DELETE FROM activity"))
    model.Session.execute(
        sa.text("INSERT INTO activity (id, object_id, data) VALUES ('a', :id, :data)"),
        {"id": dataset["id"], "data": json.dumps({"package": {"resources": [SECRET]}})},
    )
    model.Session.commit()
    propose(dataset, **STRICTER)
    outbox.run()
    (data,) = model.Session.scalars(sa.text("SELECT data FROM activity"))
    assert "canary-55" not in data
    assert dataset["title"] in json.loads(data)["package"]["title"]
    model.Session.execute(sa.text("DELETE FROM activity"))
    model.Session.commit()


def test_the_second_person_is_sought_upwards(dataset):
    """The agency's administrators, else the nearest above, else the system's."""
    ids = {name: model.User.get(name).id for name in ("admin1", "admin2", "city", "root")}
    owner = dataset["owner_org"]
    assert set(people.deciders(owner, "somebody")) == {ids["admin1"], ids["admin2"]}
    assert people.deciders(owner, ids["admin1"]) == [ids["admin2"]]
    for name in ("admin1", "admin2"):
        act("root", "organization_member_delete", id=owner, username=name)
    assert people.deciders(owner, "somebody") == [ids["city"]]
    assert ids["root"] in people.deciders(owner, ids["city"])


# ---------------------------------------------------------------- pages


@pytest.fixture
def headers(staff):
    """Return a function that gives somebody's request headers."""

    def of(name):
        token = call_action("api_token_create", as_(None), user=name, name="t")["token"]
        return {"Authorization": token}

    return of


def test_a_visitor_reads_the_history_and_has_no_form(app, dataset):
    """Levels and reasons are public; who may not edit is not offered to."""
    propose(dataset, open_type="closed")
    page = app.get(f"/dataset/{dataset['name']}/level", status=200)
    assert "已完成脱敏" in page.body
    assert '<form method="post"' not in page.body
    assert "editor" not in page.body
    assert "canary" not in page.body


def test_propose_and_confirm_on_the_pages(app, dataset, headers):
    """The editor proposes, the administrator finds it in the list and confirms; each sees what
    happened."""
    page = f"/dataset/{dataset['name']}/level"
    editor, admin = headers("editor"), headers("admin1")
    shown = app.get(page, headers=editor).body
    assert 'name="reason"' in shown
    assert 'value="on_request" checked' in shown
    form = {
        "open_type": "open",
        "share_type": "conditional",
        "share_condition": "业务协同使用",
        "open_condition": "说明用途后提供",
        "open_basis-0-law": "中华人民共和国数据安全法",
        "open_basis-0-article": "第三十八条",
    }
    empty = app.post(page, data=form, headers=editor, status=400)
    assert 'aria-invalid="true"' in empty.body
    assert level_of(dataset) == "on_request"
    app.post(page, data={**form, "reason": "已完成脱敏"}, headers=editor, status=200)
    (change,) = act("editor", "hljshare_level_change_list", dataset=dataset["id"])["results"]
    assert change["state"] == "proposed"
    answer = f"{page}/{change['id']}/decide"
    waiting = app.get("/dashboard/levels", headers=admin).body
    assert answer in waiting
    assert dataset["title"] in waiting
    assert answer not in app.get(page, headers=editor).body
    app.post(answer, data={"confirm": "yes"}, headers=editor, status=403)
    app.post(answer, data={"confirm": "yes", "version": 1}, headers=admin, status=200)
    assert level_of(dataset) == "open"
    assert answer not in app.get("/dashboard/levels", headers=admin).body
    app.get("/dashboard/levels", headers=editor, status=403)


def test_the_edit_form_keeps_the_level_and_links_to_its_page(app, make_dataset, dataset, headers):
    """It shows the level, sends it back as it is, and offers the choice before publication."""
    editor = headers("editor")
    body = app.get(f"/dataset/edit/{dataset['name']}", headers=editor).body
    assert f"/dataset/{dataset['id']}/level" in body
    assert '<input type="hidden" name="open_type" value="on_request">' in body
    file = dataset["resources"][0]["id"]
    body = app.get(f"/dataset/{dataset['name']}/resource/{file}/edit", headers=editor).body
    assert f"/dataset/{dataset['id']}/level?file={file}" in body
    assert '<select id="field-open_type"' not in body
    new = app.get(f"/dataset/{dataset['name']}/resource/new", headers=editor).body
    private = make_dataset(private=True)
    free = app.get(f"/dataset/edit/{private['name']}", headers=editor).body
    for chosen in (new, free):
        assert 'id="field-open_type"' in chosen
        assert 'name="open_type" value=' not in chosen


def test_the_pages_ask_who_is_there(app, dataset, headers):
    """Others cannot change anything, and nobody learns of a dataset he may not see."""
    page = f"/dataset/{dataset['name']}/level"
    person = headers("person")
    app.post(page, data={"open_type": "open", "reason": "x"}, headers=person, status=403)
    act("editor", "package_patch", id=dataset["id"], private=True)
    app.get(page, headers=person, status=404)
    app.get(page, status=404)
    app.get(f"/dataset/{dataset['name']}/level?file=nothing", headers=headers("editor"), status=404)
