"""Asking a source only for what is new since the last run (HTTP 304, RFC 9110 section 13).

What a source's documents bore is used again only where the last run was sound, nothing of it waits,
and the source is read as it was then: another mapping may see in the same document what it did not
see before.
"""

from __future__ import annotations

from typing import Any

from ckan import model
from ckanext.harvest.model import HarvestSource
from sqlalchemy.orm.attributes import flag_modified

from . import approval, ledger, reading
from .dataset import Source

Validators = dict[str, list[str | None]]


def given(source: Source, adapter: Any) -> Validators | None:
    """Give an adapter that can use them the validators of the last run; None for one that cannot.

    They are brought up to date while it reads.
    """
    if not hasattr(adapter, "validators"):
        return None
    settings = approval.settings_of(source.id)
    stored = settings.validators or {}
    sound = settings.failures == 0 and stored.get("digest") == _digest(source)
    kept: Validators = dict(stored.get("documents") or {}) if sound else {}
    adapter.validators = kept if kept and ledger.is_settled(source.id) else {}
    found: Validators = adapter.validators
    return found


def keep(source: Source, validators: Validators) -> None:
    """Remember what the documents of a sound run bore; commits."""
    settings = approval.settings_of(source.id)
    settings.validators = {"digest": _digest(source), "documents": validators}
    flag_modified(settings, "validators")
    model.Session.commit()


def _digest(source: Source) -> str:
    return approval.reading_of(HarvestSource.get(source.id)) + reading.digest().hex()
