"""Pages: one's address and its confirmation; who may not apply."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from flask import Blueprint, Response, make_response

from ckanext.hljshare.catalog.paging import last_page, page_of
from ckanext.hljshare.requests.accounts import rules, store

blueprint = Blueprint("hljshare_accounts", __name__)

ROWS = 20
LAST = 500  # pages


def _login() -> Any:
    if tk.current_user.is_authenticated:
        return None
    return tk.redirect_to("user.login", came_from=tk.request.full_path.rstrip("?"))


def _private(page: str, code: int = 200) -> Response:
    """An answer that no cache keeps and whose address goes to no other site."""
    response = make_response(page, code)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _page(link: str = "", token: str = "", code: int = 200) -> Response:
    user = model.User.get(tk.current_user.id)
    row = store.proof(user.id)
    return _private(
        tk.render(
            "request/email.html",
            {
                "address": user.email,
                "verified": store.verified(user),
                "demanded": store.demanded(),
                "mails": bool(tk.config.get("hljshare.mail.enabled")),
                "sent_at": row.sent_at
                if row is not None and row.nonce and rules.same(row.address, user.email)
                else None,
                "link": link,
                "token": token,
                "user_dict": {},
            },
        ),
        code,
    )


@blueprint.route("/my/email", methods=["GET", "POST"])
def email() -> Any:
    """Whether one's address is verified; POST sends the link."""
    if answer := _login():
        return answer
    if tk.request.method == "GET":
        return _page()
    user = model.User.get(tk.current_user.id)
    if store.verified(user) or not user.email or not tk.config.get("hljshare.mail.enabled"):
        return tk.redirect_to("hljshare_accounts.email")
    told = store.send(user)
    model.repo.commit()
    if told == "ok":
        tk.h.flash_success(
            tk._(
                "The mail is on its way to {address}. Open the link in it within 24 hours."
            ).format(address=user.email),
        )
    elif told == "wait":
        tk.h.flash_error(tk._("A mail was sent just now. Please wait two minutes."))
    else:
        tk.h.flash_error(tk._("Five mails were sent today. Please try again tomorrow."))
    return tk.redirect_to("hljshare_accounts.email")


@blueprint.route("/my/email/<token>", methods=["GET", "POST"])
def confirm(token: str) -> Any:
    """The page of the link. Opening it confirms nothing: programs that scan mails open links."""
    if answer := _login():
        return answer
    user = model.User.get(tk.current_user.id)
    if tk.request.method == "GET":
        found = "done" if store.verified(user) else store.check(user, token)
        return _page(found, token, 200 if found in ("ok", "done") else 410)
    answer = store.confirm(user, token)
    model.repo.commit()
    if answer in ("ok", "done"):
        tk.h.flash_success(tk._("Your address is confirmed. You can submit requests."))
        return tk.redirect_to("hljshare_accounts.email")
    return _page(answer, token, 410)


@blueprint.route("/desk/blocked", methods=["GET", "POST"])
def blocked() -> Any:
    """Who may not apply; POST blocks a person, or lets one apply again (`do=unblock`)."""
    if answer := _login():
        return answer
    try:
        tk.check_access("hljshare_applicant_block_list", {"user": tk.current_user.name}, {})
    except tk.NotAuthorized as error:
        return tk.abort(403, str(error))
    form = tk.request.form
    errors: dict[str, Any] = {}
    if tk.request.method == "POST":
        given = {name: form.get(name, "").strip() for name in ("user", "reason", "until")}
        try:
            if form.get("do") == "unblock":
                tk.get_action("hljshare_applicant_unblock")({}, {"user": given["user"]})
                tk.h.flash_success(tk._("The person can submit requests again."))
            else:
                tk.get_action("hljshare_applicant_block")({}, given)
                tk.h.flash_success(tk._("The person cannot submit requests now, and is told why."))
        except tk.ValidationError as error:
            errors = error.error_dict
        else:
            return tk.redirect_to("hljshare_accounts.blocked")
    past = bool(tk.request.args.get("past"))
    number = page_of(tk.request.args.get("page"), LAST)
    found = tk.get_action("hljshare_applicant_block_list")(
        {}, {"past": past, "limit": ROWS, "offset": (number - 1) * ROWS}
    )
    page = tk.render(
        "request/blocked.html",
        {
            "found": found,
            "past": past,
            "values": form.to_dict() if errors else {"user": tk.request.args.get("user", "")},
            "errors": errors,
            "number": number,
            "last": last_page(found["count"], ROWS, LAST),
        },
    )
    return page, (400 if errors else 200)
