"""What handlers, signers and supervisors do on a request's page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ckan.plugins.toolkit as tk
from flask import Blueprint, make_response

from ckanext.hljshare.access.grants import words as grant_words
from ckanext.hljshare.requests import apply_views, bases, decisions, desk, words

blueprint = Blueprint("hljshare_handle", __name__)

KEPT_MAX = 20_000  # characters of one field that a page gives back
DEEDS = (
    "accept",
    "return",
    "decline",
    "transfer",
    "assign",
    "suspend",
    "resume",
    "approve",
    "refuse",
    "decide",
    "deliver",
    "reconsider",
    "reopen",
    "supervise",
    "answer",
    "review",
)
_ACTIONS = {"approve": "propose", "refuse": "propose"}


def told() -> dict[str, str]:
    """What the page says after each deed."""
    return {
        "accept": tk._("Accepted: the days count from today."),
        "return": tk._("Returned: the applicant is told what is missing."),
        "decline": tk._("Not accepted: the applicant is told the reason and basis."),
        "transfer": tk._("Passed on: the agency and the applicant are told."),
        "assign": tk._("Assigned."),
        "suspend": tk._("The clock rests; the applicant is told why."),
        "resume": tk._("The clock goes on."),
        "approve": tk._("Proposed: another person signs it."),
        "refuse": tk._("Proposed: another person signs it."),
        "decide": tk._("Signed."),
        "deliver": tk._("Delivered: the applicant can take the data now."),
        "reconsider": tk._("Taken back: the request is to be decided anew."),
        "reopen": tk._("Taken up again."),
        "supervise": tk._("The order is with the agency."),
        "answer": tk._("Your answer is sent."),
        "review": tk._("Your answer to the objection is sent."),
    }


def _signed_in() -> Any:
    if tk.current_user.is_authenticated:
        return None
    return tk.redirect_to("user.login", came_from=tk.request.path)


def _show(number: str) -> dict[str, Any] | None:
    """The request for who handles or supervises it; None for everybody else."""
    try:
        found: dict[str, Any] = tk.get_action("hljshare_request_show")({}, {"number": number})
    except (tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        return None
    parts = set(found["roles"])
    return found if parts & {"handler", "approver", "supervisor"} else None


# ---------------------------------------------------------------- what was entered


def _text() -> dict[str, Any]:
    return {"message": tk.request.form.get("message", "")}


def _basis() -> list[Any]:
    """The bases that were chosen, and one's own."""
    form = tk.request.form
    given: list[Any] = [{"id": each} for each in form.getlist("bases")]
    own = {name: form.get(name, "").strip() for name in ("law", "article", "url")}
    if any(own.values()):
        given.append(own)
    return given


def _reasoned() -> dict[str, Any]:
    return {"reason": tk.request.form.get("reason", ""), "basis": _basis()}


def _refuse() -> dict[str, Any]:
    return {"decision": "refuse", **_reasoned()}


def _approve() -> dict[str, Any]:
    form = tk.request.form
    given: dict[str, Any] = {
        "decision": "approve",
        "conditions": form.get("conditions", ""),
        "max_downloads": form.get("max_downloads", "").strip() or None,
    }
    if form.get("dataset", "").strip():
        # People paste the address of the dataset's page.
        ref = form["dataset"].strip().split("?")[0].rstrip("/")
        given["dataset"] = ref.rsplit("/", 1)[-1]
    if form.get("offered"):
        given["resources"] = form.getlist("resources")
        given["columns"] = _columns(given["resources"]) or None
    start, end = (grant_words.day(form.get(name)) for name in ("not_before", "not_after"))
    given["not_before"] = grant_words.start_of(start) if start else form.get("not_before", "")
    given["not_after"] = grant_words.end_of(end) if end else form.get("not_after", "")
    return given


def _columns(chosen: list[str]) -> dict[str, list[str]]:
    """The columns of each chosen file, where not all of them were left chosen."""
    form = tk.request.form
    found = {}
    for file in chosen:
        offered, wanted = form.get(f"offered-{file}", ""), form.getlist(f"columns-{file}")
        known = offered.isdecimal() and len(offered) < 6  # a number of columns
        if known and len(wanted) < int(offered):
            found[file] = wanted
    return found


def _transfer() -> dict[str, Any]:
    return {**_text(), "agency": desk.agency_named(tk.request.form.get("agency", ""))}


def _assign() -> dict[str, Any]:
    who = tk.request.form.get("handler", "")
    if tk.request.form.get("take"):
        who = tk.current_user.name
    return {"handler": who}


def _suspend() -> dict[str, Any]:
    form = tk.request.form
    return {"cause": form.get("cause") or "third_party", "reason": form.get("reason", "")}


def _decide() -> dict[str, Any]:
    return {**_text(), "sign": tk.request.form.get("sign") == "yes"}


def _supervise() -> dict[str, Any]:
    return {**_text(), "answer_due": tk.request.form.get("answer_due", "")}


def _answer() -> dict[str, Any]:
    return {**_text(), "order": tk.request.form.get("order", "")}


READERS: dict[str, Callable[[], dict[str, Any]]] = {
    "accept": dict,
    "deliver": dict,
    "decline": _reasoned,
    "refuse": _refuse,
    "approve": _approve,
    "transfer": _transfer,
    "assign": _assign,
    "suspend": _suspend,
    "decide": _decide,
    "supervise": _supervise,
    "answer": _answer,
}


# ---------------------------------------------------------------- the deeds


@blueprint.route(f"/request/<number>/<any({', '.join(DEEDS)}):deed>", methods=["POST"])
def act(number: str, deed: str) -> Any:
    """Do one thing with a request. What was typed is never lost: an error stands at its field, and
    who comes too late sees the page as it is now, with what happened and the own text."""
    if answer := _signed_in():
        return answer
    request = _show(number)
    if request is None:
        return tk.abort(404, tk._("Request not found"))
    given = READERS.get(deed, _text)()
    if deed in ("decline", "refuse") and tk.request.form.get("preview"):
        return _page(request, deed, 200, preview=_preview(deed, request, given))
    action = f"hljshare_request_{_ACTIONS.get(deed, deed)}"
    given |= {"version": tk.request.form.get("version", "")}
    if deed == "assign":
        given["ids"] = [request["id"]]
    else:
        given["id"] = request["id"]
    try:
        tk.get_action(action)({}, given)
    except tk.ValidationError as error:
        late = "version" in error.error_dict
        return _again(number, deed, 409 if late else 400, error.error_dict)
    except tk.NotAuthorized as error:
        return _again(number, deed, 403, {"role": [str(error) or tk._("Not allowed")]})
    except tk.ObjectNotFound:
        return tk.abort(404, tk._("Request not found"))
    text = told()[deed]
    if deed == "decide" and not given["sign"]:
        text = tk._("Sent back to who proposed it.")
    tk.h.flash_success(text)
    if _show(number) is None:  # passed on to an agency that is not the visitor's
        return tk.redirect_to("hljshare_desk.index")
    return tk.redirect_to("hljshare_apply.read", number=number)


def _preview(deed: str, request: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A refusal as the applicant will read it, or what is still wrong with it."""
    axis: bases.Axis = "share" if request["kind"] == "share" else "open"
    use: bases.Use = "decline" if deed == "decline" else "refuse"
    wrong: dict[str, list[str]] = {}
    read: list[dict[str, str]] = []
    if not given["reason"].strip():
        wrong["reason"] = [tk._("A refusal needs its reason")]
    try:
        read = decisions.basis(given["basis"], use, axis)
    except bases.BasisError as error:
        wrong["basis"] = [words.basis_error(error)]
    return {"reason": given["reason"].strip(), "basis": read, "errors": wrong}


def _again(number: str, deed: str, code: int, errors: Mapping[str, Any]) -> Any:
    """The page as it is now, with what went wrong and what was typed."""
    fresh = _show(number)
    if fresh is not None:
        return _page(fresh, deed, code, errors=errors)
    page = tk.render(
        "request/gone.html",
        {"number": number, "errors": _flat(errors), "typed": _typed(), "user_dict": {}},
    )
    response = make_response(page, code)
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(
    request: dict[str, Any],
    deed: str,
    code: int,
    errors: Mapping[str, Any] | None = None,
    preview: Mapping[str, Any] | None = None,
) -> Any:
    wrong = _flat((preview or {}).get("errors") or errors or {})
    return apply_views.page_of_request(
        request,
        400 if preview and wrong else code,
        deed=deed,
        deed_errors=wrong,
        deed_late=code == 409,
        deed_values=_values(),
        deed_typed=_typed(),
        preview=preview if preview and not wrong else None,
    )


def _flat(errors: Mapping[str, Any]) -> dict[str, str]:
    """One text for each field that is wrong."""
    found = {}
    for name, texts in errors.items():
        listed = texts if isinstance(texts, list) else [texts]
        text = " ".join(str(each) for each in listed if each)
        if text:
            found[name] = text
    return found


def _values() -> dict[str, Any]:
    """The form as it was sent, to fill it again; fields with several values as lists."""
    form = tk.request.form
    found: dict[str, Any] = {name: form.get(name, "")[:KEPT_MAX] for name in form}
    for name in form:
        if name in ("bases", "resources") or name.startswith("columns-"):
            found[name] = form.getlist(name)
    return found


def _typed() -> list[str]:
    """The longer texts that were typed, to be copied where their form is not there any more."""
    names = ("message", "reason", "conditions")
    return [tk.request.form[name][:KEPT_MAX] for name in names if tk.request.form.get(name)]


# ---------------------------------------------------------------- identity, and files to deliver


@blueprint.route("/request/<number>/identity", methods=["POST"])
def identity(number: str) -> Any:
    """Show the applicant's identity number in full, once, to the handling agency; it is logged."""
    if answer := _signed_in():
        return answer
    request = _show(number)
    if request is None:
        return tk.abort(404, tk._("Request not found"))
    try:
        found = tk.get_action("hljshare_request_identity_show")(
            {}, {"id": request["id"], "reveal": True}
        )
    except tk.NotAuthorized as error:
        return tk.abort(403, str(error))
    except tk.ObjectNotFound as error:
        return tk.abort(404, str(error))
    return apply_views.page_of_request(request, identity_number=found["number"])


@blueprint.route("/request/<number>/delivery", methods=["POST"])
def delivery(number: str) -> Any:
    """Add a file that is to be delivered, or take one away."""
    if answer := _signed_in():
        return answer
    request = _show(number)
    if request is None:
        return tk.abort(404, tk._("Request not found"))
    form = tk.request.form
    try:
        if form.get("remove"):
            tk.get_action("hljshare_request_file_remove")({}, {"id": form["remove"]})
            tk.h.flash_success(tk._("The file is taken away."))
        else:
            tk.get_action("hljshare_request_file_add")(
                {},
                {
                    "id": request["id"],
                    "purpose": "delivery",
                    "upload": tk.request.files.get("upload") or "",
                },
            )
            tk.h.flash_success(tk._("The file is kept for delivery."))
    except tk.ValidationError as error:
        late = "version" in error.error_dict
        return _again(number, "delivery", 409 if late else 400, error.error_dict)
    except (tk.NotAuthorized, tk.ObjectNotFound) as error:
        return _again(number, "delivery", 403, {"role": [str(error)]})
    address = tk.h.url_for("hljshare_apply.read", number=number)
    return tk.redirect_to(f"{address}#delivery")
