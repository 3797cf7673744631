"""Notices: one message to one person: in the inbox at /my/notices, by e-mail, by a webhook.

A notice is a kind of text and its parameters; the words are made when it is read, in the reader's
language. It is written in the transaction of what it tells about, once for each (person, key).
"""

from __future__ import annotations

import gettext
import socket
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib import mailer
from sqlalchemy.dialects.postgresql import JSONB

from ckanext.hljshare.deadlines import outbox
from ckanext.hljshare.deadlines.model import Notice, new_id, now

MAIL = "notice.mail"
WEBHOOK = "notice.webhook"
MAIL_LANGUAGE = "zh_Hans_CN"
MAIL_SECONDS = 30
CATALOGS = Path(__file__).resolve().parents[1] / "i18n"

table: sa.Table = Notice.__table__
# One parameter however many there are: a morning's reminders are thousands.
_INSERT = sa.text("""
    INSERT INTO hljshare_notice (id, user_id, key, kind, params, link, created)
    SELECT id, user_id, key, kind, params, link, created FROM jsonb_to_recordset(:rows) AS given (
        id text, user_id text, key text, kind text, params jsonb, link text, created timestamptz)
    ON CONFLICT (user_id, key) DO NOTHING RETURNING id
""").bindparams(sa.bindparam("rows", type_=JSONB))


class Text(NamedTuple):
    """The words of a kind, untranslated; `{name}` stands for a parameter."""

    subject: str
    body: str


_kinds: dict[str, Text] = {}


def N_(text: str) -> str:  # noqa: N802  the name that message extraction knows
    """Mark a text for translation without translating it now."""
    return text


def register(kind: str, subject: str, body: str) -> None:
    """Give a kind of notice its words: msgids, each inside `N_(…)`, with `{name}` parameters.

    Called when a module is imported. Raises ValueError if the kind has other words already.
    """
    text = Text(subject, body)
    if _kinds.setdefault(kind, text) != text:
        raise ValueError(f"the notice {kind} has other words already")


def put(
    user_id: str, key: str, kind: str, params: Mapping[str, str] | None = None, link: str = ""
) -> bool:
    """Write a notice to a person in the open transaction of `model.Session`; the caller commits.

    `key` says what it is about: the same key for the same person does nothing, ever. `link` is
    an address of this portal, beginning with one slash. Returns whether the notice is new.
    Raises KeyError for a kind without words, ValueError for a link elsewhere.
    """
    return put_all([Letter(user_id, key, kind, params or {}, link)]) > 0


class Letter(NamedTuple):
    """A notice to be written; see `put`."""

    user_id: str
    key: str
    kind: str
    params: Mapping[str, str]
    link: str = ""


def put_all(letters: Sequence[Letter]) -> int:
    """Write many notices at once; as `put` does with each. Returns how many are new."""
    for letter in letters:
        if letter.kind not in _kinds:
            raise KeyError(letter.kind)
        if letter.link and not _is_own(letter.link):
            raise ValueError("a notice links to this portal only")
    if not letters:
        return 0
    moment = now()
    rows = [
        {
            "id": new_id(),
            "user_id": letter.user_id,
            "key": letter.key,
            "kind": letter.kind,
            "params": {name: str(value) for name, value in letter.params.items()},
            "link": letter.link,
            "created": moment.isoformat(),
        }
        for letter in letters
    ]
    made = list(model.Session.scalars(_INSERT, {"rows": rows}))
    ways = [
        kind
        for kind, setting in (
            (MAIL, "hljshare.mail.enabled"),
            (WEBHOOK, "hljshare.webhook.url"),
        )
        if tk.config.get(setting)
    ]
    outbox.put_all([(kind, notice, {"notice": notice}) for notice in made for kind in ways])
    return len(made)


def render(kind: str, params: Mapping[str, str], translate: Callable[[str], str]) -> Text:
    """The words of a notice in a language. A kind that no loaded plugin knows shows its name."""
    text = _kinds.get(kind, Text(kind, ""))
    values = defaultdict(str, params)
    return Text(*(translate(part).format_map(values) if part else "" for part in text))


def in_chinese(kind: str, params: Mapping[str, str]) -> Text:
    """The words of a notice in Chinese, for what is written without a request."""
    return render(kind, params, _chinese())


def unread(user_id: str) -> int:
    """How many notices a person has not read."""
    found = model.Session.scalar(
        sa.select(sa.func.count()).where(table.c.user_id == user_id, table.c.read_at.is_(None))
    )
    return int(found or 0)


@outbox.handler(MAIL)
def mail(payload: dict[str, Any]) -> None:
    """Send one notice by e-mail, in Chinese; skipped for people who are gone or have no address.

    Raises what CKAN's mailer raises, to be tried again. The Message-ID is the notice's, so that
    a mail sent twice over a crash shows once.
    """
    notice = model.Session.get(Notice, payload["notice"], populate_existing=True)
    if notice is None or notice.emailed_at or not tk.config.get("hljshare.mail.enabled"):
        return
    user = model.User.get(notice.user_id)
    if user is None or user.state != model.State.ACTIVE or not user.email:
        return
    send(user, in_chinese(notice.kind, notice.params), notice.link, notice.id)
    notice.emailed_at = now()


def send(user: model.User, text: Text, link: str, mail_id: str) -> None:
    """Send a text to a person's address at once, `link` (an address of this portal) below it.

    For what works in the outbox: raises what CKAN's mailer raises. `mail_id` makes the Message-ID.
    """
    site = str(tk.config["ckan.site_url"]).rstrip("/")
    paragraphs = [text.body]
    if link:
        paragraphs.append(site + link)
    paragraphs.append(
        _chinese()(
            N_("This message was sent by the portal; replies are not read. All notices: {url}")
        ).format(url=f"{site}/my/notices")
    )
    with _timeout():
        mailer.mail_recipient(
            _one_line(user.display_name),
            user.email,
            _one_line(text.subject),
            "\n\n".join(paragraphs),
            headers={"Message-ID": f"<{mail_id}@{urlsplit(site).hostname or 'localhost'}>"},
        )


def _is_own(link: str) -> bool:
    return link.startswith("/") and link[1:2] not in ("/", "\\") and link.isprintable()


def _one_line(text: str) -> str:
    """A header's text: a line break would begin another header."""
    return " ".join(text.split())


@cache
def _translations() -> gettext.NullTranslations:
    return gettext.translation("ckanext-hljshare", CATALOGS, [MAIL_LANGUAGE], fallback=True)


def _chinese() -> Callable[[str], str]:
    """Translate without a request: a mail is written by the worker, and in Chinese."""
    return _translations().gettext


@contextmanager
def _timeout() -> Iterator[None]:
    """CKAN's mailer waits for ever; a silent mail server must not stop the outbox."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(MAIL_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
