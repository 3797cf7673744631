"""Who has agreed that a source is read: a new or changed one is not, until somebody else has.

What was agreed to is a digest of the source's kind, address, configuration, owner and mapping; not
of what lies under all mappings, which comes with the software and changes with its releases. The
command line of the server's operator counts as agreement and is kept as such.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ckan import authz, model
from ckan.common import config
from ckanext.harvest.model import HarvestSource
from sqlalchemy.dialects.postgresql import insert

from ckanext.hljshare.catalog import organizations

from . import mappings, schedule
from .model import SourceSettings, now
from .overview import NOT_APPROVED, PUSH

OPERATOR = "operator"
CHANGED = "changed-since-approval"


def digest(
    kind: str, url: str, settings: str | None, owner: str | None, mapping: str | None
) -> str:
    """What a source is, as 40 hexadecimal digits.

    :param settings: its configuration, a JSON object in any spelling
    :param mapping: the text of its mapping, None where it has none
    """
    try:
        given: object = json.loads(settings or "{}")
    except ValueError:
        given = settings
    plain = json.dumps(
        [kind, url.strip(), given, owner or "", mapping or ""],
        ensure_ascii=False,
        sort_keys=True,
    )
    return hashlib.blake2b(plain.encode(), digest_size=20).hexdigest()


class Digests(NamedTuple):
    """A source's digest as it is taken now, and ``before``: with the software's own mapping in it,
    as it once was taken. What was approved then stays approved."""

    now: str
    before: str


def digests(
    kind: str, url: str, settings: str | None, owner: str | None, mapping: str | None
) -> Digests:
    """Both digests of a source; parameters as of :func:`digest`. Pure.

    A mapping counts that is the source's own: none where a city pushes, and not the default one.
    """
    own = kind != PUSH and mapping_of(settings) != mappings.DEFAULT
    return Digests(
        digest(kind, url, settings, owner, mapping if own else None),
        digest(kind, url, settings, owner, mapping),
    )


def decide(approved: object, approved_digest: str | None, current: Digests) -> str | None:
    """Why a source must not run, None if it may. Pure.

    :param approved: when it was approved, None if never
    :param approved_digest: of what; None: as it stood when approvals came in, which is now
    """
    if approved is None:
        return NOT_APPROVED
    return None if approved_digest is None or approved_digest in current else CHANGED


def settings_of(source_id: str) -> SourceSettings:
    """What the portal keeps about a source, made where there is nothing yet. Flushed, not
    committed."""
    found = model.Session.get(SourceSettings, source_id)
    if found is None:
        model.Session.execute(
            insert(SourceSettings.__table__)
            .values(source_id=source_id, validators={})
            .on_conflict_do_nothing()
        )
        found = model.Session.get(SourceSettings, source_id)
    assert found is not None
    return found


def digest_of(row: HarvestSource) -> str:
    """The digest of a source as it is now."""
    return _digests_of(row).now


def reading_of(row: HarvestSource) -> str:
    """A digest of how a source is read now: the software's own mapping counts here too."""
    return _digests_of(row).before


def _digests_of(row: HarvestSource) -> Digests:
    package = model.Package.get(row.id)
    return _digests(row.type, row.url, row.config, package.owner_org if package else None)


def _digests(kind: str, url: str, settings: str | None, owner: str | None) -> Digests:
    return digests(kind, url, settings, owner, mappings.body(mapping_of(settings)))


def mapping_of(settings: str | None) -> str:
    """The name (or, from the command line, path) of the mapping a configuration names."""
    try:
        stored = json.loads(settings or "{}")
    except ValueError:
        return mappings.DEFAULT
    name = stored.get("mapping") if isinstance(stored, dict) else None
    return str(name or mappings.DEFAULT)


def may_run(row: HarvestSource) -> str | None:
    """Why a source must not run from the site, the scheduler or the queue, None if it may: a code
    of `reasons`. Commits nothing."""
    settings = settings_of(row.id)
    current = _digests_of(row)
    refused = decide(settings.approved, settings.approved_digest, current)
    if refused is None and settings.approved_digest != current.now:
        settings.approved_digest = current.now
        model.Session.flush()
    return refused


def by_operator(row: HarvestSource) -> None:
    """Write down that the server's operator runs this source as it is now."""
    settings, current = settings_of(row.id), _digests_of(row)
    if decide(settings.approved, settings.approved_digest, current) or (
        settings.approved_digest is None
    ):
        settings.approved, settings.approved_by = now(), OPERATOR
    settings.approved_digest = current.now
    model.Session.commit()


def approve(row: HarvestSource, user_id: str, current: str) -> None:
    """Write down that somebody has agreed to this source, in the open transaction; its schedule
    begins.

    :param current: the digest of what was looked at. Not taken anew: it may have changed since.
    """
    settings = settings_of(row.id)
    settings.approved, settings.approved_by = now(), user_id
    settings.approved_digest = current
    settings.failures = 0
    if settings.every:
        settings.next_run = now()


def noted(context: Mapping[str, Any], source: Mapping[str, Any]) -> None:
    """After a source was saved: keep who made it what it is. In the write's transaction.

    :param source: the source's own dictionary, as its form and API write it
    """
    settings = settings_of(source["id"])
    current = _digests(
        source.get("source_type") or "",
        source.get("url") or "",
        source.get("config"),
        source.get("owner_org"),
    )
    if settings.digest not in current:
        settings.changed, settings.changed_by = now(), _person(context)
    settings.digest = current.now
    _schedule(settings, source.get("frequency"))


def _person(context: Mapping[str, Any]) -> str:
    user = model.User.get(context.get("user") or "")
    if user is None or user.name == _site_user():
        return OPERATOR
    return str(user.id)


def _site_user() -> str:
    return str(config.get("ckan.site_id") or "")


def _schedule(settings: SourceSettings, frequency: str | None) -> None:
    """ckanext-harvest's frequency, where no schedule of ours is set."""
    if settings.every is None and frequency in schedule.FREQUENCIES:
        settings.every = schedule.FREQUENCIES[frequency]
        settings.next_run = now()


def made_by(row: HarvestSource) -> set[str]:
    """The people (user ids) who made a source what it is: its maker, who changed it last, who wrote
    its mapping."""
    package, settings = model.Package.get(row.id), settings_of(row.id)
    author = mappings.author(mapping_of(row.config))
    people = {package.creator_user_id if package else None, settings.changed_by, author}
    return {person for person in people if person and person != OPERATOR}


def above(organization_id: str | None) -> list[str]:
    """The ids of the organizations above one."""
    group = model.Group.get(organization_id) if organization_id else None
    if group is None:
        return []
    return [item.id for item in group.get_parent_group_hierarchy(type="organization")]


def approves(user_name: str | None, owner_id: str | None) -> bool:
    """Whether somebody is of those who approve an owner's sources: the administrators of an
    organization above it, and system administrators."""
    if not user_name:
        return False
    if authz.is_sysadmin(user_name):
        return True
    return any(
        authz.has_user_permission_for_group_or_org(place, user_name, "admin")
        for place in above(owner_id)
    )


def may_approve(user_name: str | None, row: HarvestSource) -> bool:
    """Whether somebody may approve this very source: not who made it what it is, unless they are a
    system administrator."""
    package, user = model.Package.get(row.id), model.User.get(user_name or "")
    if package is None or user is None or not approves(user.name, package.owner_org):
        return False
    return bool(user.sysadmin) or user.id not in made_by(row)


def keeps_mappings(user_name: str | None) -> bool:
    """Whether somebody may read and change mappings: system administrators and the administrators
    of the province."""
    if not user_name:
        return False
    if authz.is_sysadmin(user_name):
        return True
    tops = [node["id"] for node in organizations.flat() if node["level"] == "province"]
    return any(
        authz.has_user_permission_for_group_or_org(place, user_name, "admin") for place in tops
    )
