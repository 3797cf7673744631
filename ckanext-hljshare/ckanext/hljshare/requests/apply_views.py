"""The applicant's pages: the guided form, and a request with all that happened to it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from flask import Blueprint, Response, make_response
from werkzeug.exceptions import NotFound

from ckanext.hljshare.access.grants import store as grants
from ckanext.hljshare.access.grants import words as grant_words
from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.deadlines.count import local_date
from ckanext.hljshare.requests import (
    agreements,
    apply_form,
    apply_words,
    completeness,
    register_views,
    routing,
    rules,
)
from ckanext.hljshare.requests.accounts import store as accounts
from ckanext.hljshare.requests.logic.reading import levels_of
from ckanext.hljshare.requests.logic.validators import hljshare_ref
from ckanext.hljshare.requests.model import now

blueprint = Blueprint("hljshare_apply", __name__)

EDITABLE = ("draft", "returned")
AGAIN = ("refused", "declined", "withdrawn", "lapsed", "delivered")
SOON = timedelta(days=14)
THREAD = ("message", "returned", "objected", "reviewed", "reported")


@blueprint.after_request
def _unlisted(response: Response) -> Response:
    """Search engines keep no copy of a request's page: it is somebody's matter."""
    if "number" in (tk.request.view_args or {}):
        response.headers["X-Robots-Tag"] = "noindex"
    return response


def _login() -> Any:
    """Ask a visitor to sign in and come back here; None for who is signed in."""
    if tk.current_user.is_authenticated:
        return None
    return tk.redirect_to("user.login", came_from=tk.request.full_path.rstrip("?"))


def _answer(page: str, code: int = 200) -> Any:
    response = make_response(page, code)
    response.headers["Cache-Control"] = "no-store"
    return response


def _show(number: str) -> dict[str, Any] | None:
    """A request as the visitor may see it; None where it is not his, or the number is none."""
    try:
        found: dict[str, Any] = tk.get_action("hljshare_request_show")({}, {"number": number})
    except (tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        return None
    return found


def _mine(number: str) -> dict[str, Any]:
    """A request that the visitor has made; for everybody else there is none."""
    found = _show(number)
    if found is None or "applicant" not in found["roles"]:
        raise NotFound(tk._("Request not found"))
    return found


def _dataset(ref: str | None) -> dict[str, Any] | None:
    """A dataset of the catalog that the visitor may see; None where there is none."""
    if not ref:
        return None
    try:
        found: dict[str, Any] = tk.get_action("package_show")({}, {"id": hljshare_ref(ref)})
    except (tk.Invalid, tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        return None
    return found if found.get("type") == "dataset" and found.get("state") == "active" else None


def _units() -> dict[str, str]:
    """The agencies that the visitor handles for: id → title."""
    found = {}
    for unit, role in grants.units(tk.current_user.id).items():
        group = model.Group.get(unit)
        if role in routing.HANDLING and group is not None:
            found[unit] = str(group.display_name)
    return found


# ---------------------------------------------------------------- the agreement


@blueprint.route("/request/agreement/<version>")
def agreement(version: str) -> Any:
    """One version of the agreement, for everybody, old ones too."""
    try:
        found = agreements.by_version(version)
    except agreements.UnknownAgreementError:
        return tk.abort(404, tk._("There is no such version of the agreement"))
    title, text = found.words(str(tk.h.lang()))
    newest = agreements.current(found.kind).version
    return tk.render(
        "request/agreement.html",
        {
            "agreement": found,
            "title": title,
            "text": text,
            "current": newest == version,
            "newest": newest,
        },
    )


# ---------------------------------------------------------------- the form


@blueprint.route("/request/new", methods=["GET", "POST"])
def new() -> Any:
    """Begin a request: for a dataset (`?dataset=`), for data that is not in the catalog, or one
    more time (`?again=` a number of one's own). Sending the first step makes the draft."""
    if answer := _login():
        return answer
    args = tk.request.args
    old = _again(args.get("again"))
    named = args.get("dataset") or (old or {}).get("dataset")
    dataset = _dataset(named)
    if named and dataset is None:
        return tk.abort(404, tk._("Dataset not found"))
    units = _units()
    doors = _doors(dataset, units)
    if not doors.kinds:
        told = {"pkg": dataset, "why": doors.why, "text": apply_words.cannot(doors.why)}
        return _answer(tk.render("request/cannot.html", told))
    kind = args.get("kind") or (old or {}).get("kind") or ""
    kind = kind if kind in doors.kinds else doors.kinds[0]
    values = _begun(dataset, old, kind)
    page: dict[str, Any] = {
        "step": "data",
        "kind": kind,
        "kinds": doors.kinds,
        "dataset": dataset,
        "units": units,
        "client_key": secrets.token_urlsafe(16),
        "drafts": _drafts(dataset),
    }
    if tk.request.method == "GET":
        return _form({**page, "values": values})
    entered = _entered("data", kind, dataset is not None)
    page["client_key"] = tk.request.form.get("client_key", "")[:64] or page["client_key"]
    given = {**values, **entered, "kind": kind, "client_key": page["client_key"]}
    if dataset is not None:
        given["dataset"] = dataset["id"]
    try:
        made = tk.get_action("hljshare_request_create")({}, given)
        # The same key gives the draft that is there: what was changed since goes into it.
        changed = {name: text for name, text in entered.items() if _differs(made, name, text)}
        if dataset is not None and not entered["data_name"]:
            changed.pop("data_name", None)  # left empty, the dataset's name stands
        if changed and made["state"] == "draft":
            made = tk.get_action("hljshare_request_update")({}, {"id": made["id"], **changed})
    except tk.ValidationError as error:
        return _form({**page, "values": {**values, **entered}}, error.error_dict)
    return _onwards(made, "data")


def _again(number: str | None) -> dict[str, Any] | None:
    found = _show(number) if number else None
    if found is None or "applicant" not in found["roles"] or found["state"] not in AGAIN:
        return None
    return found


def _doors(dataset: Mapping[str, Any] | None, units: Mapping[str, str]) -> apply_form.Doors:
    if dataset is None:
        return apply_form.Doors(("open", "share") if units else ("open",))
    return apply_form.doors(
        levels_of(dataset),
        dataset.get("share_type"),
        dataset.get("owner_org"),
        units,
        bool(dataset.get("withdrawn_on")),
    )


def _begun(
    dataset: Mapping[str, Any] | None, old: Mapping[str, Any] | None, kind: str
) -> dict[str, Any]:
    """What a new form holds before anything is entered."""
    person = model.User.get(tk.current_user.id)
    mine = tk.get_action("hljshare_request_list")({}, {"mine": True, "kind": kind, "limit": 1})
    last = _show(mine["results"][0]["number"]) if mine["results"] else None
    formats = [str(file.get("format") or "") for file in (dataset or {}).get("resources") or ()]
    named = {"contact": person.email or ""}
    if kind == "open":
        named["applicant_name"] = person.fullname or ""
    values = apply_form.prefill(dataset, formats, rules.load().formats, named, last)
    if kind == "share":
        values.pop("applicant_name", None)
        values.pop("applicant_kind", None)
    if old is not None:
        values |= apply_form.again(old)
    return values


def _drafts(dataset: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The visitor's drafts for the same data, to go on with rather than to begin another."""
    wanted: dict[str, Any] = {"mine": True, "state": "draft", "limit": 5}
    if dataset is not None:
        wanted["dataset"] = dataset["id"]
    found = tk.get_action("hljshare_request_list")({}, wanted)["results"]
    return [draft for draft in found if dataset is not None or draft["dataset_id"] is None]


@blueprint.route(
    "/request/<number>/edit/<any(data, purpose, applicant, confirm):step>", methods=["GET", "POST"]
)
def edit(number: str, step: str) -> Any:
    """A step of a draft, or of a request that was returned. Every button saves what was entered;
    `go` says where to next."""
    if answer := _login():
        return answer
    request = _mine(number)
    if request["state"] not in EDITABLE:
        return tk.redirect_to("hljshare_apply.read", number=request["number"])
    dataset = _dataset(request["dataset_id"])
    page: dict[str, Any] = {
        "step": step,
        "kind": request["kind"],
        "kinds": (request["kind"],),
        "dataset": dataset,
        "units": _units(),
        "request": request,
        "values": {**request, "unit": request["unit_id"]},
    }
    if tk.request.method == "GET":
        check = _missing(request, step) if tk.request.args.get("check") else []
        return _form(page, {name: [tk._("Missing value")] for name in check})
    entered = _entered(step, request["kind"], request["dataset_id"] is not None)
    form = tk.request.form
    version = form.get("version") or str(request["version"])
    try:
        if form.get("remove"):
            tk.get_action("hljshare_request_file_remove")({}, {"id": form["remove"]})
            version = str(_mine(number)["version"])
        made = tk.get_action("hljshare_request_update")(
            {}, {"id": request["id"], "version": version, **entered}
        )
        upload = tk.request.files.get("upload")
        if upload is not None and upload.filename:
            purpose = "proof" if form.get("proof") else "attachment"
            tk.get_action("hljshare_request_file_add")(
                {}, {"id": request["id"], "purpose": purpose, "upload": upload}
            )
        if step == "confirm" and form.get("go") == "submit":
            made = tk.get_action("hljshare_request_submit")({}, {"id": request["id"]})
            tk.h.flash_success(
                tk._("Your request was submitted. Its number is {number}.").format(
                    number=made["number"]
                )
            )
            return tk.redirect_to("hljshare_apply.read", number=made["number"])
    except tk.ValidationError as error:
        page["request"] = _mine(number)
        page["values"] = {**page["values"], **entered}
        return _form(page, error.error_dict)
    return _onwards(made, step)


def _entered(step: str, kind: str, in_catalog: bool) -> dict[str, Any]:
    """What a step's form holds, as the actions want it."""
    form = tk.request.form
    given: dict[str, Any] = {
        name: form.get(name, "") for name in apply_form.fields(step, kind, in_catalog)
    }
    if "resources" in given:
        offered, chosen = form.get("offered", ""), form.getlist("resources")
        given["resources"] = chosen if len(chosen) < len(offered.split(",")) else []
    if "use_until" in given and not given["use_until"]:
        given["use_until"] = None
    if "identity" in given and not given["identity"] and not form.get("forget_identity"):
        del given["identity"]  # it is not shown, so an empty field says nothing
    if "agreement" in given:
        given["agreement"] = bool(form.get("agreement"))
    return given


def _differs(made: Mapping[str, Any], name: str, text: Any) -> bool:
    return name in made and (made[name] or "") != (text or "")


def _onwards(made: Mapping[str, Any], step: str) -> Any:
    """Where a saved step leads; not on to the next one while something is missing in it."""
    go = tk.request.form.get("go") or ("stay" if tk.request.form.get("remove") else "next")
    number = made["number"]
    if go == "leave":
        tk.h.flash_success(tk._("The draft is saved. You find it under “My requests”."))
        return tk.redirect_to("hljshare_grants.mine")
    if go == "next" and _missing(made, step):
        return tk.redirect_to("hljshare_apply.edit", number=number, step=step, check=1)
    if go == "back":
        step = apply_form.neighbour(step, -1)
    elif go == "next":
        step = apply_form.neighbour(step, 1)
    return tk.redirect_to("hljshare_apply.edit", number=number, step=step)


def _missing(request: Mapping[str, Any], step: str) -> list[str]:
    """The fields of a step that still have to be filled in."""
    missing = completeness.missing(request["kind"], request)
    return [name for name in missing if apply_form.step_of(name) == step]


def _form(page: dict[str, Any], errors: Mapping[str, Any] | None = None) -> Any:
    """The page of a step, with the errors at their fields and at its head."""
    errors = {name: texts for name, texts in (errors or {}).items() if texts}
    request, dataset, kind = page.get("request"), page["dataset"], page["kind"]
    loaded, current = rules.load(), agreements.current(kind)
    title, text = current.words(str(tk.h.lang()))
    labels = apply_words.labels()
    steps = apply_words.steps()
    missing = completeness.missing(kind, request or {}) if page["step"] == "confirm" else []
    person = model.User.get(tk.current_user.id)
    offered = _offered(dataset, kind)
    code = 400 if errors and tk.request.method == "POST" else 200
    return _answer(
        tk.render(
            "request/edit.html",
            {
                "request_": request,
                "drafts": [],
                "client_key": "",
                **page,
                "errors": errors,
                "summary": [
                    {
                        "name": name,
                        "label": labels.get(name, name),
                        "text": " ".join(map(str, texts))
                        if isinstance(texts, list)
                        else str(texts),
                        "step": apply_form.step_of(name),
                    }
                    for name, texts in errors.items()
                ],
                "steps": steps,
                "fields": apply_form.fields(page["step"], kind, dataset is not None),
                "labels": labels,
                "rules": loaded,
                "required": completeness.REQUIRED_SHARE
                if kind == "share"
                else completeness.REQUIRED,
                "missing": [
                    {"name": name, "label": labels[name], "step": apply_form.step_of(name)}
                    for name in missing
                ],
                "offered": offered,
                "formats": [
                    {"value": item, "text": codelists.label("format_type", item, _language())}
                    for item in loaded.formats
                ],
                "kind_labels": {
                    name: codelists.text_of(dict(label), _language())
                    for name, label in loaded.applicant_kinds.items()
                },
                "share_modes": apply_words.share_modes(),
                "agreement": current,
                "agreement_title": title,
                "agreement_text": text,
                "hint": accounts.may_apply(person) or "",
                "returned_text": _returned(request),
                "due_text": apply_words.due_text,
            },
        ),
        code,
    )


def _language() -> str:
    return "en" if str(tk.h.lang()).startswith("en") else codelists.DEFAULT_LANGUAGE


def _offered(dataset: dict[str, Any] | None, kind: str) -> list[dict[str, Any]]:
    """The files of a dataset that can be asked for."""
    if dataset is None:
        return []
    wanted = ("on_request",) if kind == "open" else ("on_request", "closed")
    return [file["resource"] for file in tk.h.hljshare_files(dataset) if file["level"] in wanted]


def _returned(request: Mapping[str, Any] | None) -> str:
    """What the agency asked to be completed, where the request waits for that."""
    if request is None or request["state"] != "returned":
        return ""
    told = [event["text"] for event in request["events"] if event["kind"] == "returned"]
    return str(told[-1]) if told else ""


# ---------------------------------------------------------------- one request


@blueprint.route("/request/<number>")
def read(number: str) -> Any:
    """A request: for who made it and who handles it all of it, for everybody else the entry of the
    public register."""
    request = _show(number)
    if request is None:
        return _public(number)
    return page_of_request(request)


def page_of_request(request: dict[str, Any], code: int = 200, **more: Any) -> Any:
    """The page of a request for its parties; `more` is for the handlers' part and its errors."""
    if request["state"] == "draft":
        return tk.redirect_to("hljshare_apply.edit", number=request["number"], step="data")
    mine = "applicant" in request["roles"]
    explained = None
    if request["accepted_at"]:
        explained = tk.get_action("hljshare_deadline_explain")({}, {"request": request["id"]})
    page = {
        "request_": request,
        "mine": mine,
        "handles": bool({"handler", "approver", "supervisor"} & set(request["roles"])) and not mine,
        "marks": apply_form.progress(request),
        "mark_words": apply_words.marks(),
        "next_step": apply_words.next_step(request),
        "explained": explained,
        "thread": [
            event for event in request["events"] if event["kind"] in THREAD and event["text"]
        ],
        "returned_text": _returned(request),
        "granted": [_granted(grant) for grant in request["grants"]] if mine else [],
        "kind_labels": {
            name: codelists.text_of(dict(label), _language())
            for name, label in rules.load().applicant_kinds.items()
        },
        "labels": apply_words.labels(),
        "share_modes": apply_words.share_modes(),
        "resource_names": _resource_names(request),
        "report_soon": _report_soon(request),
        "errors": {},
        "entered": {},
        **more,
    }
    return _answer(tk.render("request/read.html", page), code)


def _granted(grant: dict[str, Any]) -> dict[str, Any]:
    """A grant with the files that it opens now."""
    files = []
    dataset = _dataset(grant["dataset_id"]) if grant["state"] == "live" else None
    if dataset is not None:
        files = [
            {**file, "dataset": dataset}
            for file in tk.h.hljshare_files(dataset)
            if file["level"] != "open" and grant["resource_id"] in (None, file["resource"]["id"])
        ]
    limit = grant["max_downloads"]
    return {
        **grant,
        "files": files,
        "state_text": grant_words.states()[grant["state"]],
        "state_reason": grant_words.state_reasons().get(grant["state"], ""),
        "first": grant_words.first_moment(grant["not_before"]),
        "last": grant_words.last_moment(grant["not_after"]),
        "left": None if limit is None else max(0, limit - grant["used"]),
    }


def _report_soon(request: Mapping[str, Any]) -> bool:
    """Whether the report of use is to be written now: the form stands open then."""
    due = apply_words.day_of(request["report_due"])
    return due is not None and not request["reported_at"] and due <= local_date(now()) + SOON


def _resource_names(request: Mapping[str, Any]) -> list[str]:
    names = []
    for resource_id in request["resources"]:
        file = model.Resource.get(resource_id)
        if file is not None and file.state == "active":
            names.append(file.name or tk._("Unnamed resource"))
    return names


def _public(number: str) -> Any:
    """The entry of the public register, without anybody's name."""
    page = register_views.entry(number)
    if page is not None:
        return page
    if not tk.current_user.is_authenticated:
        return tk.redirect_to("user.login", came_from=tk.request.full_path.rstrip("?"))
    return tk.abort(404, tk._("Request not found"))


DEEDS: dict[str, str] = {
    "withdraw": "hljshare_request_withdraw",
    "message": "hljshare_request_message",
    "object": "hljshare_request_object",
    "report": "hljshare_request_report",
    "close": "hljshare_request_close",
}


@blueprint.route(
    "/request/<number>/<any(withdraw, message, object, report, close):deed>", methods=["POST"]
)
def act(number: str, deed: str) -> Any:
    """What an applicant does with a request on its page; messages are sent by both sides."""
    if answer := _login():
        return answer
    request = _show(number)
    if request is None:
        return tk.abort(404, tk._("Request not found"))
    text = tk.request.form.get("message", "")
    told = {
        "withdraw": tk._("The request is withdrawn."),
        "message": tk._("Your message is sent."),
        "object": tk._("Your objection is sent; the authority above the agency answers it here."),
        "report": tk._("Thank you: your report is with the agency."),
        "close": tk._("The use is ended; the permission does not open the data any more."),
    }
    given = {"id": request["id"], "message": text}
    if deed not in ("message",) and tk.request.form.get("version"):
        given["version"] = tk.request.form["version"]
    try:
        tk.get_action(DEEDS[deed])({}, given)
    except tk.ValidationError as error:
        fresh = _show(number) or request
        return page_of_request(fresh, 400, errors={deed: error.error_dict}, entered={deed: text})
    except tk.NotAuthorized as error:
        return tk.abort(403, str(error))
    tk.h.flash_success(told[deed])
    return tk.redirect_to("hljshare_apply.read", number=request["number"])


@blueprint.route("/request/<number>/discard", methods=["POST"])
def discard(number: str) -> Any:
    """Throw a draft away."""
    if answer := _login():
        return answer
    request = _mine(number)
    try:
        tk.get_action("hljshare_request_discard")({}, {"id": request["id"]})
    except tk.ValidationError:
        tk.h.flash_error(tk._("Only a draft can be discarded; a request is withdrawn."))
    else:
        tk.h.flash_success(tk._("The draft is discarded."))
    return tk.redirect_to("hljshare_grants.mine")
