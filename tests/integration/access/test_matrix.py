"""Who gets what: objects × subjects × channels, the expected answers in one table.

The table is written by hand from the rules (clauses 5.2 and 6.1), not computed from the policy.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone

import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.access.grants.model import GrantRow
from tests.integration.access.planted import member, site, table, upload

#  R  gets everything: file, table, query, preview
#  d  downloads only: a grant that counts downloads lets no rows be read page by page
#  -  sees the description; content is refused (403)
#  .  does not know that it exists (404)
#
# shared, closed shared: shared unconditionally between agencies. on request, closed cond: shared
# conditionally. closed: not shared at all. stricter: a file on request in an open dataset; sample:
# an open sample of a closed one. held: private, its levels unknown. deleted: in the agency's own
# bin, from which it can be restored; withdrawn: a page without content, for everybody.
OBJECTS = (
    *("open", "on-request", "closed", "closed-cond", "shared", "closed-shared", "stricter"),
    *("sample", "held", "draft", "deleted", "withdrawn"),
)
TABLE = """
anonymous                            R - - - - - - R . . . -
registered                           R - - - - - - R . . . -
applicant: expired                   R - - - - - - R . . . -
applicant: revoked                   R - - - - - - R . . . -
applicant: not yet                   R - - - - - - R . . . -
applicant: used up                   R - - - - - - R . . . -
applicant: another file              R - - - - - - R . . . -
applicant: live                      R R - - R - R R . . . -
applicant: live, by token            R R - - R - R R . . . -
applicant: live, counted             R d - - d - d R . . . -
another agency's editor              R - - - R R - R . . . -
another agency's editor: live share  R R - R R R R R . . . -
another agency's: over share         R - - - R R - R . . . -
another city's administrator         R - - - R R - R . . . -
owner's member                       R R R R R R R R R R R -
owner's editor                       R R R R R R R R R R R -
owner's administrator, by token      R R R R R R R R R R R -
city's administrator                 R - - - R R - R - - - -
city's administrator: stated         R R R R R R R R R R R -
city's administrator: stated, token  R - - - R R - R - - - -
sysadmin                             R - - - - - - R - - - -
sysadmin: stated                     R R R R R R R R R R R -
sysadmin: stated, by token           R - - - - - - R - - - -
"""
EXPECTED = {
    line.rsplit(maxsplit=len(OBJECTS))[0]: dict(
        zip(OBJECTS, line.split()[-len(OBJECTS) :], strict=True)
    )
    for line in TABLE.strip().splitlines()
}
# Everybody is asked for these; those below by every way there is.
WITH_EVERY_WAY = "open on-request closed shared stricter held deleted withdrawn"
EVERY_WAY = ("anonymous", "applicant: live", "another agency's editor", "sysadmin")
SESSION_OF = {  # the same person, known in another way
    "applicant: live, by token": "applicant: live",
    "city's administrator: stated, token": "city's administrator: stated",
    "sysadmin: stated, by token": "sysadmin: stated",
}
PASSWORD = "Correct-Horse-9"

_state: dict = {}


def _levels(name):
    """The fields of each object."""
    non_open = {"open_condition": "说明用途", "share_condition": "业务协同"}
    return {
        "open": {},
        "on-request": {"open_type": "on_request"},
        "closed": {"open_type": "closed", "share_type": "none", "share_basis": "统计法第九条"},
        "closed-cond": {"open_type": "closed"},
        "shared": {"open_type": "on_request", "share_type": "unconditional"},
        "closed-shared": {"open_type": "closed", "share_type": "unconditional"},
        "stricter": {"share_type": "conditional", **non_open},
        "sample": {"open_type": "closed", "share_type": "none", "share_basis": "统计法第九条"},
        "held": {"private": True, "open_type": "", "share_type": "", "held_reason": "未定"},
        "draft": {"state": "draft"},
        "deleted": {},
        "withdrawn": {},
    }[name]


def _objects(make_dataset):
    """Each object: a dataset with a file and its table, both holding the object's word."""
    made = {}
    own = {
        "stricter": {"open_type": "on_request"},
        "sample": {"open_type": "open", "derivative": "sample"},
    }
    for name in OBJECTS:
        dataset = make_dataset(name=f"object-{name}", resources=[], **_levels(name))
        word = f"zq7word{name.replace('-', '')}"
        file = upload(dataset, "rows.csv", word, **own.get(name, {}))
        alias = f"alias_{uuid.uuid4().hex[:12]}"
        table(file["id"], "a", word, aliases=[alias])
        made[name] = {
            "id": dataset["id"],
            "name": dataset["name"],
            "file": file["id"],
            "alias": alias,
            "word": word,
        }
    call_action("package_patch", site(), id=made["withdrawn"]["id"], withdrawn_on="2026-11-01")
    call_action("package_delete", site(), id=made["deleted"]["id"])
    return made


def _grant(user, thing, **fields):
    """Write a grant (or statement) as it may stand in the database, whatever the level is now."""
    moment = datetime.now(timezone.utc)
    values = {
        "user_id": user["id"],
        "dataset_id": thing["id"],
        "purpose": "研究",
        "not_before": moment - timedelta(hours=1),
        "not_after": moment + timedelta(hours=1),
    }
    model.Session.add(GrantRow(**{**values, **fields}))


def _people(agency, objects):
    """Everybody of the table, with role, grants and statements."""
    city = factories.Organization(name="harbin", title="哈尔滨市", level="city")
    call_action("organization_patch", site(), id=agency["id"], parent="harbin")
    far = factories.Organization(name="daqing", title="大庆市", level="city")
    other = factories.Organization(name="daqing-sthjj", title="大庆市生态环境局", level="agency")
    roles = {
        "another agency": (other, "editor"),
        "another city": (far, "admin"),
        "owner's member": (agency, "member"),
        "owner's editor": (agency, "editor"),
        "owner's administrator": (agency, "admin"),
        "city's": (city, "admin"),
    }
    moment = datetime.now(timezone.utc)
    hour = timedelta(hours=1)
    grants = {
        ": expired": {"not_after": moment - hour / 2},
        ": revoked": {"revoked": moment - hour / 2, "revoked_reason": "x"},
        ": not yet": {"not_before": moment + hour / 2},
        ": used up": {"max_downloads": 3, "used": 3},
        ": another file": {"resource_id": str(uuid.uuid4())},
        ": live": {},
        ": live, counted": {"max_downloads": 1000},
        ": live share": {"axis": "share"},
        ": over share": {"axis": "share", "not_after": moment - hour / 2},
        ": stated": {"kind": "statement"},
    }
    people = {}
    for number, name in enumerate(EXPECTED):
        if name == "anonymous" or name in SESSION_OF:
            continue
        system = name.startswith("sysadmin")
        make = factories.SysadminWithToken if system else factories.UserWithToken
        user = make(name=f"person-{number}", password=PASSWORD)
        people[name] = user
        for start, (org, role) in roles.items():
            if name.startswith(start):
                member(user, org, role)
        for end, fields in grants.items():
            if name.endswith(end):
                for thing in objects.values():
                    own = {"resource_id": thing["file"]} if end == ": stated" else {}
                    _grant(user, thing, **own, **fields)
    model.Session.commit()
    return people


@pytest.fixture
def portal(request, app):
    """The filled portal, made once; nothing here changes it."""
    if not _state:
        objects = _objects(request.getfixturevalue("make_dataset"))
        people = _people(request.getfixturevalue("agency"), objects)
        _state.update(objects=objects, people=people)
    return _state


class Asker:
    """Somebody who asks, signed in as people are, or by token as machines are."""

    def __init__(self, app, portal, subject):
        self.client = app.flask_app.test_client()
        self.headers = {}
        if subject == "anonymous":
            return
        user = portal["people"][SESSION_OF.get(subject, subject)]
        if "token" in subject:
            self.headers = {"Authorization": user["token"]}
            return
        form = {"login": user["name"], "password": PASSWORD}
        self.client.post("/user/login", data=form)

    def get(self, path, method="GET", **headers):
        """Status and text of an answer; a ticket is taken up as a browser does."""
        answer = self.client.open(
            path, method=method, headers={**self.headers, **headers}, follow_redirects=True
        )
        try:
            return answer.status_code, answer.get_data().decode("utf-8", "replace")
        finally:
            answer.close()


def _action(name, **arguments):
    query = "&".join(f"{key}={value}" for key, value in arguments.items())
    return f"/api/3/action/{name}?{query}"


def _wrong(where, expected, status, text, word):
    """What is wrong with an answer to a request for content, or nothing."""
    given = status in (200, 206)
    if expected == "R" and not given:
        return f"{where}: {status}, should be given"
    if expected != "R" and (given or status not in (403, 404)):
        return f"{where}: {status}, should be refused"
    if expected != "R" and word in text:
        return f"{where}: told"
    return None


@pytest.mark.parametrize("subject", list(EXPECTED))
def test_everybody_gets_what_the_table_says(app, portal, subject):
    """The description, the file, the table as a file, and rows."""
    asker = Asker(app, portal, subject)
    found = []
    for name, expected in EXPECTED[subject].items():
        thing = portal["objects"][name]
        word = thing["word"]
        status, text = asker.get(_action("package_show", id=thing["id"]))
        if (status == 200) is (expected == "."):
            found.append(f"{name}: description {status}")
        if word in text:
            found.append(f"{name}: told in the description")
        base = f"/dataset/{thing['name']}/resource/{thing['file']}"
        answer = "R" if expected == "d" else expected
        for path in (f"{base}/download", f"{base}/data.csv"):
            status, text = asker.get(path)
            found.append(_wrong(f"{name} {path}", answer, status, text, word))
            if expected == "-" and status != 403:
                found.append(f"{name} {path}: {status}, should say 403 and why")
            if answer == "R" and word not in text:
                found.append(f"{name} {path}: not the content")
        status, text = asker.get(_action("datastore_search", resource_id=thing["file"]))
        found.append(_wrong(f"{name} rows", expected, status, text, word))
    wrong = [problem for problem in found if problem]
    assert not wrong, "\n".join(wrong)


def _ways(thing):
    """Every way to an object's content: (path, method, headers)."""
    name, file = thing["name"], thing["file"]
    base = f"/dataset/{name}/resource/{file}"
    for path in (
        f"{base}/download",
        f"{base}/download/rows.csv",
        f"/share/{file}",
        f"/harvest/{name}/resource/{file}/download",
        f"/harvest/{name}/resource/{file}/download/rows.csv",
        *(f"{base}/data.{fmt}" for fmt in ("csv", "xlsx", "json", "xml")),
        *(f"/datastore/dump/{file}?format={fmt}" for fmt in ("csv", "tsv", "json", "xml")),
        f"/datastore/dump/{thing['alias']}",
        _action("datastore_search", resource_id=file),
        _action("datastore_search", resource_id=thing["alias"]),
        _action("datastore_search", resource_id=file, q=thing["word"], fields="a"),
        _action("datastore_info", id=file),
        f"/datastore/api_info/{file}",
    ):
        yield path, "GET", {}
    yield f"{base}/download", "HEAD", {}
    yield f"{base}/download", "GET", {"Range": "bytes=0-3"}
    yield f"/share/{file}", "GET", {"Range": "bytes=-4"}
    yield f"{base}/download", "GET", {"If-None-Match": '"x"'}
    yield f"{base}/download", "GET", {"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}


@pytest.mark.parametrize("subject", EVERY_WAY)
def test_no_way_gives_more_than_the_table(app, portal, subject):
    """Every route, format, method, condition and alias has the same answer."""
    asker = Asker(app, portal, subject)
    found = []
    for name in WITH_EVERY_WAY.split():
        thing, expected = portal["objects"][name], EXPECTED[subject][name]
        for path, method, headers in _ways(thing):
            status, text = asker.get(path, method, **headers)
            where = f"{name} {method} {path} {headers or ''}"
            found.append(_wrong(where, expected, status, text, thing["word"]))
        status, text = asker.get(f"/dataset/{thing['name']}/resource/{thing['file']}")
        if status >= 500 or (status == 200) is (expected == "."):
            found.append(f"{name} page: {status}")
        if (thing["word"] in text) is not (expected == "R"):
            found.append(f"{name} page: preview {thing['word'] in text}")
    wrong = [problem for problem in found if problem]
    assert not wrong, "\n".join(wrong)


def test_the_search_shows_what_may_be_seen_and_no_more(app, portal):
    """Nobody finds what is hidden by its words; an owner only when asking for private ones."""
    for subject in ("anonymous", "applicant: live", "another agency's editor", "sysadmin"):
        asker = Asker(app, portal, subject)
        _, text = asker.get(_action("package_search", q="name:object*", rows=100))
        for name, expected in EXPECTED["anonymous"].items():
            assert (f'"object-{name}"' in text) is (expected != "."), (subject, name)
        assert "zq7word" not in text
    asker = Asker(app, portal, "another agency's editor")
    _, text = asker.get(
        _action("package_search", q="name:object*", include_private="true", include_drafts="true")
    )
    assert '"object-held"' not in text
    assert '"object-draft"' not in text


@pytest.mark.parametrize("subject", ["anonymous", "applicant: live", "owner's editor"])
def test_a_file_is_not_found_under_another_datasets_address(app, portal, subject):
    """Not even by those who may have it; the address of an open one opens nothing."""
    asker = Asker(app, portal, subject)
    shut, free = portal["objects"]["on-request"], portal["objects"]["open"]
    for rest in ("download", "data.csv", ""):
        path = f"/dataset/{free['name']}/resource/{shut['file']}/{rest}".rstrip("/")
        status, text = asker.get(path)
        assert status == 404, path
        assert shut["word"] not in text
