"""Verified addresses and blocks in the database."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any, Literal

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.access.grants import store as grants
from ckanext.hljshare.deadlines import notices, outbox
from ckanext.hljshare.deadlines.notices import N_
from ckanext.hljshare.requests.accounts import rules
from ckanext.hljshare.requests.accounts.model import ApplicantBlock, EmailProof
from ckanext.hljshare.requests.model import now

MAIL = "requests.email_proof"
PROVE = "account.prove"
DEMAND = "hljshare.requests.verified_email"

notices.register(
    PROVE,
    N_("Confirm your e-mail address"),
    N_(
        "The account {name} names this address as its own. To confirm it, open the page below"
        " within 24 hours, signed in to this account, and press the button. If the account is not"
        " yours, do nothing."
    ),
)


def may_apply(user: model.User) -> Literal["unverified", "blocked"] | None:
    """Why a person may not submit a request; None where they may.

    A verified address is demanded of accounts that people made themselves and that belong to no
    organization, where `hljshare.requests.verified_email` says so.
    """
    if blocked(user.id) is not None:
        return "blocked"
    if demanded() and not user.sysadmin and not grants.units(user.id) and not verified(user):
        return "unverified"
    return None


def demanded() -> bool:
    """Whether applicants need a verified address: by default where the portal sends mail, since
    nobody could verify one elsewhere."""
    setting = str(tk.config.get(DEMAND) or "auto").strip().lower()
    return bool(tk.config.get("hljshare.mail.enabled") if setting == "auto" else tk.asbool(setting))


def verified(user: model.User) -> bool:
    """Whether the address that the account has now was shown to be the person's."""
    row = proof(user.id)
    return row is not None and row.verified_at is not None and rules.same(row.address, user.email)


def proof(user_id: str, lock: bool = False) -> EmailProof | None:
    """What is known of a person's address, as the database has it now."""
    query = sa.select(EmailProof).where(EmailProof.user_id == user_id)
    if lock:
        query = query.with_for_update()
    return model.Session.scalar(query.execution_options(populate_existing=True))


def vouch(user: model.User, how: str = "administrator") -> None:
    """Take an address as verified without a mail, in the open transaction."""
    if user.email:
        _keep(user, verified_at=now(), how=how, nonce=None)


def send(user: model.User, moment: datetime | None = None) -> Literal["ok", "wait", "day"]:
    """Promise a mail with a fresh link to the person's address; an older link ends.

    In the open transaction; the caller commits. `wait`, `day`: too often, nothing is sent.
    """
    moment = moment or now()
    row = proof(user.id, lock=True)
    sent_at, sends = (row.sent_at, row.sends) if row is not None else (None, 0)
    allowed = rules.may_send(sent_at, sends, moment)
    if allowed != "ok":
        return allowed
    values: dict[str, Any] = {
        "nonce": secrets.token_hex(16),
        "sent_at": moment,
        "sends": rules.sends_today(sent_at, sends, moment) + 1,
    }
    if row is None or not rules.same(row.address, user.email):
        values |= {"verified_at": None, "how": ""}
    _keep(user, **values)
    # The payload holds no secret: the link is made when it is sent.
    outbox.put(MAIL, f"{user.id}:{values['nonce'][:8]}", {"user": user.id})
    return "ok"


def confirm(user: model.User, token: str) -> Literal["ok", "wrong", "expired", "done"]:
    """Use a link, in the open transaction. `done`: the address is verified already."""
    row = proof(user.id, lock=True)
    if row is None:
        return "wrong"
    answer = _check(user, row, token)
    if answer == "wrong" and verified(user):
        return "done"
    if answer == "ok":
        row.verified_at, row.how, row.nonce = now(), "link", None
    return answer


def check(user: model.User, token: str) -> Literal["ok", "wrong", "expired"]:
    """Whether a link could be used now."""
    row = proof(user.id)
    return _check(user, row, token) if row is not None else "wrong"


def _check(user: model.User, row: EmailProof, token: str) -> Literal["ok", "wrong", "expired"]:
    return rules.check(
        _key(),
        token,
        user_id=user.id,
        address=user.email or "",
        nonce=row.nonce if rules.same(row.address, user.email) else None,
        sent_at=row.sent_at,
        now=now(),
    )


@outbox.handler(MAIL)
def mail(payload: dict[str, Any]) -> None:
    """Send the link that was asked for last; nothing where it was used, or the address changed."""
    user = model.User.get(payload["user"])
    row = proof(payload["user"])
    if user is None or user.state != model.State.ACTIVE or row is None or not row.nonce:
        return
    if not tk.config.get("hljshare.mail.enabled") or not rules.same(row.address, user.email):
        return
    token = rules.sign(_key(), user.id, row.address, row.nonce)
    text = notices.in_chinese(PROVE, {"name": user.name})
    notices.send(user, text, f"/my/email/{token}", f"{user.id}.{row.nonce[:8]}")


def _keep(user: model.User, **values: Any) -> None:
    row = model.Session.get(EmailProof, user.id)
    if row is None:
        row = EmailProof(user_id=user.id, sends=0, how="")
        model.Session.add(row)
    row.address = str(user.email)
    for name, value in values.items():
        setattr(row, name, value)
    model.Session.flush()


def _key() -> bytes:
    secret = str(tk.config["SECRET_KEY"])
    return hashlib.sha256(b"hljshare e-mail proof\n" + secret.encode()).digest()


def blocked(user_id: str, moment: datetime | None = None) -> ApplicantBlock | None:
    """The block that keeps a person from applying now, if there is one."""
    moment = moment or now()
    return model.Session.scalar(
        sa.select(ApplicantBlock)
        .where(
            ApplicantBlock.user_id == user_id,
            ApplicantBlock.ended_at.is_(None),
            sa.or_(ApplicantBlock.until.is_(None), ApplicantBlock.until > moment),
        )
        .execution_options(populate_existing=True)
    )


def last_block(user_id: str) -> ApplicantBlock | None:
    """The block that nobody has ended, run out or not, for nobody else to change meanwhile."""
    return model.Session.scalar(
        sa.select(ApplicantBlock)
        .where(ApplicantBlock.user_id == user_id, ApplicantBlock.ended_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
