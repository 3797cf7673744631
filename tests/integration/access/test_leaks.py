"""No planted word leaves by any route or action: before any change, and right after each kind.

`planted.py` fills a small portal: protected addresses, files, their names, tables, column names,
previews' titles, held, draft and deleted datasets, harvest sources and their raw records, failed
tasks, e-mail addresses, grants' purposes; datasets made by the form, by the API and by a harvest.
Then everybody who may not know asks every channel of `channels.yaml` for everything, and each
channel's class says what else must hold. Then levels, names, owners and grants change, and the
same people ask again, before any background job has run.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile

import ckan.logic as logic
import flask_login
import pysolr
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.common import config
from ckan.lib.search import SearchError

from ckanext.hljshare.deadlines import outbox
from tests.integration.access import planted
from tests.integration.access.channels import ACTIONS, CLASSES, ROUTES

SUBJECTS = ("anonymous", "registered", "other agency")
# Stock actions may fail where an argument is missing; the portal's own never do.
OURS = "hljshare_"
REFUSALS = (logic.NotFound, logic.NotAuthorized, logic.ValidationError, SearchError)
# Who gets nothing at all from a class (of objects that are not theirs).
NOTHING = {
    "people": {"anonymous"},
    "own": {"anonymous"},
    "staff": set(SUBJECTS),
    "sysadmin": set(SUBJECTS),
    "refused": set(SUBJECTS),
}

_made: dict[str, str] = {}
_tokens: dict[str, str] = {}
_changed: list[bool] = []


@pytest.fixture
def known(request, app, tmp_path) -> dict[str, str]:
    """Names of the filled portal; it is filled once."""
    if not _made:
        make = request.getfixturevalue("make_dataset")
        agency = request.getfixturevalue("agency")
        made, tokens = planted.build(app, make, agency, tmp_path)
        _made.update(made)
        _tokens.update(tokens)
    return _made


@pytest.fixture
def changed(known) -> dict[str, str]:
    """The same portal after every kind of change, each made once."""
    if not _changed:
        planted.change(known)
        _changed.append(True)
    return known


def _headers(subject):
    return {"Authorization": _tokens[subject]} if subject in _tokens else {}


def _secrets(text: str, subject: str, asked: str = "") -> set[str]:
    """The words in an answer that this person may not know. What was asked for may be repeated by
    a refusal; an answer has an id."""
    free = planted.OPEN_AFTER if _changed else planted.OPEN_BEFORE
    if subject == "holder" and not _changed:
        free = free | planted.GRANTED | {"zq7purpose", "zq7conditions"}
    found = set(planted.WORD.findall(text)) - free
    return found if '"id"' in text else found - set(planted.WORD.findall(asked))


PAIRS = (
    ("linked", "link"),
    ("table", "file"),
    ("form", "form_file"),
    ("harvested", "harvested_file"),
    ("held", "held_file"),
    ("gone", "gone_file"),
)
AFTER = (
    ("tightened", "tightened_file"),
    ("tightened", "old_upload"),
    ("loosened", "stays_file"),
    ("granted", "granted_file"),
    ("thinned", "thinned_file"),
    ("removed", "removed_file"),
    ("renamed", "renamed_file"),
    ("moved", "moved_file"),
)


def _variants(rule, known, pairs) -> list[dict[str, str]]:
    """What fits a route's arguments."""
    names, where = rule.arguments, rule.rule
    if "resource_id" in names:
        found = [{"id": known[dataset], "resource_id": known[file]} for dataset, file in pairs]
        if "datastore" in where and pairs is PAIRS:
            found += [{"resource_id": known["alias"]}, {"resource_id": "_table_metadata"}]
        return found
    if "name" in names and where.startswith("/dataset"):
        return [{"name": known[dataset]} for dataset, _ in pairs]
    if "name" in names and where.startswith(("/feeds/agency", "/feeds/org")):
        return [{"name": known["agency"]}]
    if where.startswith(("/organization", "/group", "/feeds/org", "/feeds/group")):
        return [{"id": known["agency"]}, {"id": known["third"]}]
    if where.startswith("/user"):
        return [{"id": "owner"}]
    if where.startswith("/feeds/tag"):
        return [{"id": "公交"}]
    if "harvest_object" in where or "/harvest/object" in where:
        return [{"id": known["record"]}, {"id": known["linked"]}]
    if where.startswith("/harvest"):
        return [{"id": known["job"] if "source" in names else "source"}]
    if "_id" in names or "id" in names:
        return [dict.fromkeys(("id", "_id"), known[dataset]) for dataset, _ in pairs]
    return [{}]


def _paths(rule, known, pairs) -> list[str]:
    """The addresses of a route, with what fits its arguments."""
    fixed = {
        "fmt": "csv",
        "_format": "ttl",
        "filename": "file.csv",
        "view_id": known["view"],
        "source": "source",
        "logic_function": "status_show",
        "page": "apply",
        "ver": "2",
        "token": "0",
        "storage_name": "default",
        "location": "x",
        "grant_id": known["grant"],
        "ending": "json" if rule.rule.startswith("/api/docs") else "ttl",
        "list_id": "theme",
        "number": "1",
        "code": "230100",
    }
    built = []
    for variant in _variants(rule, known, pairs):
        values = {**fixed, **variant}
        path = re.sub(
            r"<(?:[^<>:]+(?:\([^)]*\))?:)?(\w+)>",
            lambda m, values=values: values.get(m[1], "0"),
            re.sub(r"<any\((\w+)[^)]*\):\w+>", r"\1", rule.rule),  # the first of what it may be
        )
        built.append(path.replace("/api/2/action", "/api/3/action"))
    return list(dict.fromkeys(built))


ASKED = f"?q={planted.START}*&query={planted.START}&format=csv&incomplete={planted.START}&user=o"


# What a form sends at least: without it some of CKAN's views fail before they ask who sends it.
FORM = {**dict.fromkeys(("save", "id", "email", "old_password"), ""), "login": "x", "password": "x"}


def _unpacked(data: bytes) -> str:
    """An answer as text; of a dump or a workbook what is in it."""
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    elif data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            data = b"\n".join(packed.read(name) for name in packed.namelist())
    return data.decode("utf-8", "replace")


class Sweep:
    """Asks routes as one person and keeps what is wrong."""

    def __init__(self, app, known, subject):
        self.app, self.known, self.subject = app, known, subject
        self.told, self.broken, self.let_in = [], [], []
        self.asked = set()

    def ask(self, method, path, endpoint):
        """Ask once; note words told, faults, and answers that the class does not allow."""
        if (method, path) in self.asked:  # CKAN has some routes under several names
            return
        self.asked.add((method, path))
        group = ROUTES.get(endpoint)
        client = self.app.flask_app.test_client()
        data = FORM if method == "POST" else None
        try:
            response = client.open(path, method=method, headers=_headers(self.subject), data=data)
        except Exception as error:  # under test, what would be a page 500 comes through
            model.Session.rollback()
            self.broken.append(f"{method} {path} ({endpoint}): {error!r}")
            return
        text = f"{response.headers}\n{_unpacked(response.get_data())}"
        where = f"{method} {response.status_code} {path} ({endpoint}, {group})"
        if words := _secrets(text, self.subject):
            self.told.append(f"{where}: {sorted(words)}")
        if response.status_code >= 500:
            self.broken.append(where)
        if response.status_code < 300 and self.subject in NOTHING.get(group, ()):
            self.let_in.append(where)

    def run(self, pairs, methods, groups):
        """Ask every route of some classes by every method it has."""
        for rule in self.app.flask_app.url_map.iter_rules():
            if ROUTES.get(rule.endpoint, "catalog") not in groups:
                continue
            for path in _paths(rule, self.known, pairs):
                query = ASKED if rule.arguments <= {"id", "ver"} else ""
                for method in methods & rule.methods:
                    self.ask(method, path + (query if method == "GET" else ""), rule.endpoint)

    def finish(self):
        """Fail with everything that was found."""
        found = [*self.told, *self.let_in, *self.broken]
        assert not found, "\n".join(found)


@pytest.mark.parametrize("subject", ["anonymous", "other agency"])
def test_no_route_tells_a_word_or_lets_an_outsider_in(app, known, subject):
    """Every route by GET and POST, with every argument that could point at a secret."""
    before = _fingerprint()
    sweep = Sweep(app, known, subject)
    sweep.run(PAIRS, {"GET", "POST"}, {*CLASSES} - {"unasked"})
    assert len(sweep.asked) > 300
    sweep.finish()
    assert _fingerprint() == before


def _shapes(known) -> list[dict]:
    """Arguments that name the secrets in every way actions know."""
    more = {
        "include_datasets": True,
        "include_users": True,
        "all_fields": True,
        "include_extras": True,
        "object_type": "package",
    }
    ids = [
        *("linked", "table", "form", "harvested", "held", "gone", "agency", "owner", "source"),
        *("job", "record", "tag", "grant", "view", "link", "file", "held_file", "gone_file"),
    ]
    files = ("link", "file", "form_file", "harvested_file", "held_file", "gone_file")
    start = planted.START
    shapes: list[dict] = [dict(more), {"q": start}, {"query": f"name:{start}"}]
    shapes += [{"id": known[name], **more} for name in ids]
    shapes += [{"id": known[name]} for name in ("linked", "file", "source")]
    shapes += [{"resource_id": known[name]} for name in files]
    shapes += [{"resource_id": name} for name in (known["alias"], "_table_metadata")]
    shapes += [{"dataset_id": known[name]} for name in ("linked", "held")]
    shapes += [{"package_id": known[name]} for name in ("linked", "held")]
    shapes += [{"dataset": known["linked"]}, {"organization": known["agency"]}]
    shapes += [{"grant": known["grant"]}, {"owner_type": "package", "owner_id": known["table"]}]
    shapes += [{"source_id": known["source"]}, {"id": known["owner"], "object_type": "user"}]
    shapes += [{"entity_id": known["file"], "task_type": "load", "key": "load"}]
    shapes += [{"q": start, "query": start}, {"query": f"url:{start}"}, {"username": "owner"}]
    shapes += [
        {"user": "owner"},
        {"user_id": known["owner"]},
        {"id": known["linked"], "object_type": "package", "type": "package"},
    ]
    return shapes


SEARCHES: list[dict] = [
    {"fl": "*"},
    {"fl": "res_url,data_dict,validated_data_dict,extras_config,config"},
    {"fl": ["*"], "q": "*:*"},
    {"facet.field": ["res_url", "title", "tags", "extras_config"], "facet.mincount": 0},
    {"facet.field": '["res_url"]'},
    {"fq": "dataset_type:harvest"},
    {"fq": "+type:harvest", "fl": "url,config"},
    {"include_private": True, "include_drafts": True, "include_deleted": True},
    {"use_default_schema": True},
    {"fq": "capacity:private"},
    {"q": "tags:*", "facet.field": ["tags"], "include_private": True},
    {"fq_list": ["private:true"]},
    {"q": "*:*) OR (*:*", "fq": "*:*) OR (*:*"},
    {"sort": "res_url asc"},
    {"extras": {"ext_x": "1"}, "bf": "res_url", "qf": "res_url", "defType": "lucene"},
]
# They list, whatever they are given: the searches above ask them better.
WITHOUT_ID = frozenset(
    [
        "current_package_list_with_resources",
        "package_search",
        "dcat_catalog_search",
        "dcat_catalog_show",
        "hljshare_held_list",
        "hljshare_search_help",
        "hljshare_suggest",
        "hljshare_organization_tree",
        "hljshare_codelist_list",
        "hljshare_notice_list",
        "scheming_dataset_schema_list",
        "scheming_organization_schema_list",
        "license_list",
        "status_show",
        "job_list",
        "organization_list",
        "group_list",
        "package_list",
        "harvest_sources_reindex",
        "harvest_source_reindex",
    ]
)
# Writing actions that change nothing of anybody else's, and so may be answered.
OWN_WRITES = frozenset(name for name, group in ACTIONS.items() if group == "own")


def _ask(app, known, subject, name, arguments):
    """Call an action as a request of `subject` would: (answer as text or None, refusal as text,
    unexpected exception)."""
    user = model.User.get(known[f"{subject} name"]) if f"{subject} name" in known else None
    with app.flask_app.test_request_context("/api/3/action/x"):
        if user:
            flask_login.login_user(user)
        context = {"user": user.name if user else "", "auth_user_obj": user, "api_version": 3}
        try:
            answer = logic.get_action(name)(context, json.loads(json.dumps(arguments)))
            return json.dumps(answer, ensure_ascii=False, default=str), "", None
        except REFUSALS as refusal:
            return None, str(getattr(refusal, "error_dict", refusal)), None
        except Exception as error:
            return None, str(error), f"{name} {arguments}: {error!r}"
        finally:
            model.Session.rollback()


class Questions:
    """Asks actions as one person and keeps what is wrong."""

    def __init__(self, app, known, subject):
        self.app, self.known, self.subject = app, known, subject
        self.told, self.broken, self.let_in = [], [], []

    def ask(self, name, arguments):
        """Ask once; note words told, faults of our own, and answers that the class forbids."""
        answer, refusal, error = _ask(self.app, self.known, self.subject, name, arguments)
        text = answer if answer is not None else refusal
        if words := _secrets(text, self.subject, str(arguments)):
            at = min(text.find(word) for word in words)
            self.told.append(f"{name} {arguments}: …{text[max(0, at - 60) : at + 40]}…")
        if error and name.startswith(OURS):
            self.broken.append(error)
        group = ACTIONS.get(name)
        if answer not in (None, "[]", "{}") and self.subject in NOTHING.get(group, ()):
            self.let_in.append(f"{name} ({group}) {arguments}: {answer[:100]}")

    def finish(self):
        """Fail with everything that was found."""
        found = [*self.told, *self.let_in, *self.broken]
        assert not found, "\n".join(found)


def _actions():
    logic.get_action("package_show")
    found = logic._actions
    reading = sorted(n for n, f in found.items() if getattr(f, "side_effect_free", False))
    return reading, sorted(set(found) - set(reading))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_no_reading_action_tells_a_word_or_answers_an_outsider(app, known, subject):
    """Every action that only reads, with arguments of every shape; searches in every way."""
    reading, _ = _actions()
    assert "package_show" in reading
    questions = Questions(app, known, subject)
    for name in reading:
        for shape in _shapes(known) if name not in WITHOUT_ID else _shapes(known)[:3]:
            questions.ask(name, shape)
    for search in SEARCHES:
        questions.ask("package_search", {"rows": 100, **search})
    questions.ask("dcat_catalog_search", {"fq": "private:true"})
    for dataset in ("linked", "form", "harvested", "held", "gone"):
        questions.ask("dcat_dataset_show", {"id": known[dataset]})
    questions.finish()


@pytest.mark.parametrize("subject", SUBJECTS)
def test_no_writing_action_lets_an_outsider_change_or_learn(app, known, subject):
    """Every action that writes, called with the secrets' ids by those who do not own them."""
    _, writing = _actions()
    before = _fingerprint()
    questions = Questions(app, known, subject)
    for name in writing:
        for dataset, file in (("linked", "link"), ("held", "held_file"), ("source", "job")):
            shape = {"id": known[dataset], "resource_id": known[file], "package_id": known[dataset]}
            for arguments in (shape, {"id": known[file]}):
                questions.ask(name, arguments)
        for arguments in (
            {"id": known["grant"], "reason": "x"},
            {"id": "owner"},
            {"id": known["agency"]},
        ):
            questions.ask(name, arguments)
    questions.finish()
    assert _fingerprint() == before


def _fingerprint():
    """State of all datasets, people, agencies, memberships."""
    columns = {
        model.Package: ("id", "state", "private", "metadata_modified", "owner_org", "name"),
        model.User: ("id", "state", "sysadmin", "email", "fullname"),
        model.Group: ("id", "state", "name", "title"),
        model.Member: ("id", "state", "capacity"),
        model.Resource: ("id", "state", "url"),
    }
    found = []
    for table, names in columns.items():
        rows = model.Session.query(*(getattr(table, name) for name in names)).order_by(table.id)
        found.append([tuple(row) for row in rows])
    model.Session.rollback()
    return found


def test_the_holder_of_a_grant_reads_what_was_granted(app, known):
    """So that the sweep after its end proves something."""
    file = known["granted_file"]
    answer = app.get(
        f"/api/3/action/datastore_search?resource_id={file}", headers=_headers("holder")
    )
    assert "zq7grantedrows" in answer.body
    assert app.get(f"/api/3/action/datastore_search?resource_id={file}", status=403)


# From here on the portal is the changed one.


@pytest.mark.parametrize("subject", ["anonymous", "other agency", "holder"])
def test_right_after_the_changes_no_route_tells_a_word(app, changed, subject):
    """Tightened, loosened in part, revoked, deleted, renamed, moved: by the old ids and names,
    before any background job has run."""
    sweep = Sweep(app, changed, subject)
    if subject == "holder":
        for dataset, file in AFTER:
            base = f"/dataset/{changed[dataset]}/resource/{changed[file]}"
            for path in (base, f"{base}/download", f"{base}/data.csv", f"/share/{changed[file]}"):
                sweep.ask("GET", path, "hljshare_access.download")
    else:
        sweep.run(AFTER, {"GET"}, {"catalog", "content"})
    assert sweep.asked, "a sweep that asks nothing finds nothing"
    sweep.finish()


@pytest.mark.parametrize("subject", ["anonymous", "holder"])
def test_right_after_the_changes_no_action_tells_a_word(app, changed, subject):
    """The same for the API."""
    questions = Questions(app, changed, subject)
    reading, _ = _actions()
    asking = [name for name in reading if ACTIONS.get(name) in ("catalog", "content", "staff")]
    ids = list(dict.fromkeys(name for pair in AFTER for name in pair))
    for name in asking:
        if name in WITHOUT_ID:
            questions.ask(name, {"q": planted.START})
            continue
        for one in ids:
            questions.ask(name, {"id": changed[one], "resource_id": changed[one]})
    for name in ("renamed", "removed"):  # the former name
        questions.ask("package_show", {"id": name})
    for search in SEARCHES:
        questions.ask("package_search", {"rows": 100, **search})
    found = [*questions.told, *questions.broken]
    assert not found, "\n".join(found)


def test_whoever_lost_a_dataset_loses_its_address(app, changed):
    """The former agency's administrator, after the dataset has moved to another agency."""
    questions = Questions(app, changed, "owner")
    questions.ask("hljshare_locator_show", {"id": changed["moved_file"]})
    questions.ask("package_show", {"id": changed["moved"]})
    assert questions.told == []
    page = app.get(
        f"/dataset/{changed['moved']}/resource/{changed['moved_file']}/edit",
        headers=_headers("owner"),
    )
    assert page.status_code in (403, 404)


def test_what_was_loosened_is_given(app, changed):
    """And only that: the stricter file beside it stays shut."""
    shown = app.get(f"/api/3/action/package_show?id={changed['loosened']}").body
    assert "zq7loosened" in shown
    assert "zq7stays" not in shown
    assert app.get(f"/share/{changed['stays_file']}").status_code == 403


def test_nothing_but_the_vault_keeps_what_was_tightened(app, changed):
    """Once the outbox has run: neither the datasets' tables nor the index hold an address, a file
    name or a column of what is not open."""
    outbox.run()
    secret = {
        *("zq7api", "zq7locator", "zq7form", "zq7harvested", "zq7closed", "zq7file", "zq7stays"),
        *("zq7tightened", "zq7oldname", "zq7renamed", "zq7moved", "zq7granted", "zq7column"),
    }
    tables = ("package", "resource", "package_extra", "task_status", "harvest_object")
    kept = []
    with model.meta.engine.connect() as connection:
        present = sa.inspect(connection).get_table_names()
        for name in set(tables) & set(present):
            rows = connection.execute(sa.text(f'SELECT t::text FROM "{name}" t')).scalars()
            for row in rows:
                kept += [(name, word) for word in secret & set(planted.WORD.findall(row))]
    index = pysolr.Solr(config["solr_url"]).search("*:*", rows=1000, fl="*").docs
    kept += [
        ("index", word)
        for word in secret & set(planted.WORD.findall(json.dumps(index, ensure_ascii=False)))
    ]
    assert kept == []
