"""No secret word leaves by any route or action; both are enumerated, so a new plugin cannot add a
path that is not tried.

Every secret of a small portal holds the same word: protected addresses, files, their names, tables,
column names, held, draft and deleted datasets, harvest sources and their raw records, e-mail
addresses, messages of failed tasks. Then everybody who may not know it asks for everything.
"""

from __future__ import annotations

import io
import json
import re
import uuid

import ckan.logic as logic
import flask_login
import pytest
from ckan import model
from ckan.lib.search import SearchError, rebuild
from ckan.tests import factories
from ckan.tests.helpers import call_action
from werkzeug.datastructures import FileStorage

WORD = "zq7canary"
SUBJECTS = ("anonymous", "registered", "other agency")

# Routes that are not asked, each with its reason.
NOT_ASKED = {
    "static": "files of the packages themselves",
    "webassets.index": "style sheets and scripts",
    "api.i18n_js_translations": "words of the interface",
    "home.redirect_locale": "sends to the same address without the language",
}
# Answers 500 that are known: endpoint or action, and why it stays.
KNOWN_500: dict[str, str] = {
    "util.custom_form_fields": "CKAN's page for developers; its template is not in the package",
    "util.primer": "CKAN's page for developers",
}
# Stock actions may fail where an argument is missing; the portal's own never do.
OURS = "hljshare_"

_made: dict[str, str] = {}


def _site() -> dict:
    return {"user": call_action("get_site_user")["name"], "ignore_auth": True}


def _member(user, org, role):
    call_action(
        "organization_member_create", _site(), id=org["id"], username=user["name"], role=role
    )


def _build(make_dataset, agency) -> dict[str, str]:
    """Fill the portal; return what a request needs to name things."""
    from ckanext.harvest import model as harvest

    owner = factories.User(name="owner", email=f"{WORD}@example.org")
    _member(owner, agency, "admin")
    registered, editor = factories.UserWithToken(), factories.UserWithToken()
    other = factories.Organization(name="daqing-sthjj", title="大庆市生态环境局", level="agency")
    _member(editor, other, "admin")
    address = f"https://{WORD}.example.gov.cn/odweb/rows.csv"
    linked = make_dataset(
        name="linked", open_type="on_request", resources=[{"name": "明细", "url": address}]
    )
    make_dataset(name="shut", open_type="closed", resources=[{"name": "明细", "url": address}])
    alias = f"alias_{uuid.uuid4().hex[:12]}"  # the tables outlive the tests
    table = make_dataset(name="table", open_type="on_request", resources=[])
    file = call_action(
        "resource_create",
        _site(),
        package_id=table["id"],
        name="表",
        format="CSV",
        upload=FileStorage(io.BytesIO(f"a\n{WORD}\n".encode()), filename=f"{WORD}.csv"),
    )
    call_action(
        "datastore_create",
        _site(),
        resource_id=file["id"],
        fields=[{"id": f"col_{WORD}", "type": "text"}],
        records=[{f"col_{WORD}": WORD}],
        aliases=[alias],
        force=True,
    )
    held = make_dataset(
        name="held",
        title=f"暂缓{WORD}",
        private=True,
        open_type="",
        share_type="",
        tag_string=f"tag{WORD}",
        held_reason=f"opening-missing {WORD}",
        resources=[{"name": f"明细{WORD}", "url": address}],
    )
    make_dataset(name="draft", title=f"草稿{WORD}", state="draft")
    gone = make_dataset(
        name="gone", title=f"已删{WORD}", resources=[{"name": WORD, "url": address}]
    )
    call_action("package_delete", _site(), id=gone["id"])
    opened = make_dataset(
        name="open", resources=[{"name": "线路", "url": "https://data.example.cn/a.csv"}]
    )
    source = call_action(
        "harvest_source_create",
        _site(),
        name="source",
        title="来源",
        url=f"https://{WORD}.example.gov.cn/",
        source_type="odweb",
        owner_org=agency["id"],
    )
    stored = harvest.HarvestSource.get(source["id"])
    # The form takes no free words; an older or another harvester's configuration may hold some.
    stored.config = json.dumps({"note": WORD})
    model.Package.get(source["id"]).extras["config"] = stored.config
    job = harvest.HarvestJob(source=stored, status="Finished")
    record = harvest.HarvestObject(
        guid="1", content=WORD, job=job, source=job.source, package_id=linked["id"], current=True
    )
    job.save()
    record.save()
    harvest.HarvestGatherError(message=WORD, job=job).save()
    harvest.HarvestObjectError(message=WORD, object=record, stage="Import").save()
    call_action(
        "task_status_update",
        _site(),
        entity_id=file["id"],
        entity_type="resource",
        task_type="load",
        key="load",
        value="x",
        error=WORD,
    )
    for user in (registered, editor):
        for dataset in (linked, table):
            call_action("follow_dataset", {"user": user["name"]}, id=dataset["id"])
    model.Session.commit()
    rebuild(package_id=source["id"])
    return {
        "linked": linked["id"],
        "link": linked["resources"][0]["id"],
        "table": table["id"],
        "file": file["id"],
        "alias": alias,
        "held": held["id"],
        "held_file": held["resources"][0]["id"],
        "gone": gone["id"],
        "gone_file": gone["resources"][0]["id"],
        "open": opened["id"],
        "agency": agency["id"],
        "owner": owner["id"],
        "source": source["id"],
        "job": job.id,
        "record": record.id,
        "tag": f"tag{WORD}",
        "registered": registered["name"],
        "registered token": registered["token"],
        "other agency": editor["name"],
        "other agency token": editor["token"],
    }


@pytest.fixture
def known(request) -> dict[str, str]:
    """Names of the filled portal; it is filled once, nothing here changes it."""
    if not _made:
        _made.update(
            _build(request.getfixturevalue("make_dataset"), request.getfixturevalue("agency"))
        )
    return _made


def _headers(known, subject):
    token = known.get(f"{subject} token")
    return {"Authorization": token} if token else {}


def _bodies(response) -> str:
    """All that is sent: head and body."""
    return f"{response.headers}\n{response.get_data(as_text=True)}"


def _paths(rule, known) -> list[str]:
    """The addresses of a route, with what fits its arguments."""
    names = sorted(rule.arguments)
    where = rule.rule
    pairs = [("linked", "link"), ("table", "file"), ("held", "held_file"), ("gone", "gone_file")]
    variants: list[dict[str, str]] = []
    if "resource_id" in names:
        for dataset, file in pairs:
            variants.append({"id": known[dataset], "resource_id": known[file]})
        if "datastore" in where:
            variants += [{"resource_id": known["alias"]}, {"resource_id": "_table_metadata"}]
    elif where.startswith(("/organization", "/group", "/feeds/org", "/feeds/group")):
        variants.append({"id": "harbin-jtysj"})
    elif where.startswith("/user"):
        variants.append({"id": "owner"})
    elif where.startswith("/feeds/tag"):
        variants.append({"id": "公交"})
    elif "harvest_object" in where or "/harvest/object" in where:
        variants += [{"id": known["record"]}, {"id": known["linked"]}]
    elif where.startswith("/harvest"):
        variants.append({"id": known["job"] if "source" in names else "source"})
    elif "_id" in names or "id" in names:
        variants += [dict.fromkeys(("id", "_id"), known[d]) for d, _ in pairs]
    else:
        variants.append({})
    fixed = {
        "fmt": "csv",
        "_format": "ttl",
        "filename": f"{WORD}x.csv".replace(WORD, "file"),
        "view_id": "0",
        "source": "source",
        "logic_function": "status_show",
        "page": "apply",
        "ver": "2",
        "token": "0",
        "storage_name": "default",
        "location": "x",
    }
    built = []
    for variant in variants:
        values = {**fixed, **variant}
        path = re.sub(
            r"<(?:[^<>:]+(?:\([^)]*\))?:)?(\w+)>",
            lambda m, known=values: known.get(m[1], "0"),
            where,
        )
        if path.startswith("/api/0"):
            path = path.replace("/api/0", "/api/3")
        built.append(path)
    return list(dict.fromkeys(built))


ASKED = "?q=zq7*&query=zq7&format=csv&incomplete=zq7&user=o"


@pytest.mark.parametrize("subject", ["anonymous", "other agency"])
def test_no_route_tells_a_secret(app, known, subject):
    """Every GET route of the portal, with every argument that could point at a secret."""
    told, broken, asked = [], [], 0
    for rule in app.flask_app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.endpoint in NOT_ASKED:
            continue
        for path in _paths(rule, known):
            asked += 1
            try:
                response = app.get(
                    path + (ASKED if rule.arguments <= {"id", "ver"} else ""),
                    headers=_headers(known, subject),
                    follow_redirects=False,
                )
            except Exception as error:  # under test, what would be a page 500 comes through
                model.Session.rollback()
                if rule.endpoint not in KNOWN_500:
                    broken.append(f"{path} ({rule.endpoint}): {error!r}")
                continue
            if WORD in _bodies(response):
                told.append(f"{response.status_code} {path} ({rule.endpoint})")
            if response.status_code >= 500 and rule.endpoint not in KNOWN_500:
                broken.append(f"{response.status_code} {path} ({rule.endpoint})")
    assert asked > 150
    assert told == []
    assert broken == []


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
        *("linked", "table", "held", "gone", "agency", "owner", "source", "job", "record", "tag"),
        *("link", "file", "held_file", "gone_file"),
    ]
    shapes: list[dict] = [dict(more), {"q": WORD[:3]}, {"query": f"name:{WORD[:3]}"}]
    shapes += [{"id": known[name], **more} for name in ids]
    shapes += [{"id": known[name]} for name in ("linked", "file", "source")]
    shapes += [{"resource_id": known[name]} for name in ("link", "file", "held_file", "gone_file")]
    shapes += [{"resource_id": name} for name in (known["alias"], "_table_metadata")]
    shapes += [{"dataset_id": known[name]} for name in ("linked", "held")]
    shapes += [{"package_id": known[name]} for name in ("linked", "held")]
    shapes += [{"source_id": known["source"]}, {"id": known["owner"], "object_type": "user"}]
    shapes += [{"entity_id": known["file"], "task_type": "load", "key": "load"}]
    shapes += [{"q": WORD[:3], "query": WORD[:3]}, {"query": "url:zq7"}, {"username": "owner"}]
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
REFUSALS = (
    logic.NotFound,
    logic.NotAuthorized,
    logic.ValidationError,
    SearchError,
)


def _ask(app, known, subject, name, arguments):
    """Call an action as a request of `subject` would; (answer as text, unexpected exception)."""
    user = model.User.get(known[subject]) if subject in known else None
    with app.flask_app.test_request_context("/api/3/action/x"):
        if user:
            flask_login.login_user(user)
        context = {"user": user.name if user else "", "auth_user_obj": user, "api_version": 3}
        try:
            answer = logic.get_action(name)(context, json.loads(json.dumps(arguments)))
            return json.dumps(answer, ensure_ascii=False, default=str), None
        except REFUSALS as refusal:
            return str(getattr(refusal, "error_dict", refusal)), None
        except Exception as error:
            return str(error), f"{name} {arguments}: {error!r}"
        finally:
            model.Session.rollback()


def _told(name, arguments, answer):
    """The place in an answer where the word stands."""
    at = answer.find(WORD)
    return f"{name} {arguments}: …{answer[max(0, at - 60) : at + 40]}…"


def _actions():
    logic.get_action("package_show")
    found = logic._actions
    reading = sorted(n for n, f in found.items() if getattr(f, "side_effect_free", False))
    return reading, sorted(set(found) - set(reading))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_no_action_tells_a_secret(app, known, subject):
    """Every action that only reads, with arguments of every shape; searches in every way."""
    reading, _ = _actions()
    asked = [
        (name, shape)
        for name in reading
        for shape in (_shapes(known) if name not in WITHOUT_ID else _shapes(known)[:3])
    ]
    asked += [("package_search", {"rows": 100, **search}) for search in SEARCHES]
    asked += [("dcat_catalog_search", {"fq": "private:true"}), ("dcat_dataset_show", {})]
    asked += [("dcat_dataset_show", {"id": known[d]}) for d in ("linked", "held", "gone")]
    told, broken = [], []
    for name, shape in asked:
        answer, error = _ask(app, known, subject, name, shape)
        # A refusal may repeat what was asked for; an answer has an id.
        if WORD in answer and (WORD not in str(shape) or '"id"' in answer):
            told.append(_told(name, shape, answer))
        if error and name.startswith(OURS):
            broken.append(error)
    assert told == []
    assert broken == []


@pytest.mark.parametrize("subject", SUBJECTS)
def test_no_action_lets_an_outsider_change_or_learn(app, known, subject):
    """Every action that writes, called with the secrets' ids by those who do not own them."""
    _, writing = _actions()
    before = _fingerprint()
    told, broken = [], []
    for name in writing:
        for dataset, file in (("linked", "link"), ("held", "held_file"), ("source", "job")):
            shape = {"id": known[dataset], "resource_id": known[file], "package_id": known[dataset]}
            for arguments in (shape, {"id": known[file]}):
                answer, error = _ask(app, known, subject, name, arguments)
                if WORD in answer:
                    told.append(_told(name, arguments, answer))
                if error and name.startswith(OURS):
                    broken.append(error)
    assert told == []
    assert broken == []
    assert _fingerprint() == before


def _fingerprint():
    """State of all datasets and addresses."""
    rows = model.Session.query(
        model.Package.id,
        model.Package.state,
        model.Package.private,
        model.Package.metadata_modified,
    ).order_by(model.Package.id)
    return [tuple(row) for row in rows]
