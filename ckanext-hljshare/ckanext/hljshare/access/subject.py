"""Who asks and for what, as the policy wants to know it: read from CKAN's users, memberships and
datasets, and from the grants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan import authz, model
from flask import has_request_context

from ckanext.hljshare.access import levels
from ckanext.hljshare.access.grants import rules, store
from ckanext.hljshare.access.model import now
from ckanext.hljshare.access.policy import (
    ANONYMOUS,
    Content,
    Decision,
    Purpose,
    Role,
    Subject,
    decide,
    opens,
)


def by_token() -> bool:
    """Tell whether the request names its user by an API token rather than by a session."""
    return has_request_context() and bool(
        tk.request.headers.get(tk.config.get("apitoken_header_name") or "Authorization")
    )


def _subject(user: Any, owner_org: str | None, units: Mapping[str, str]) -> Subject:
    role = units.get(owner_org or "")
    above = False
    if owner_org and role is None and "admin" in units.values():
        # Core's check walks up the tree: an administrator of a city has the role in its agencies.
        above = authz.has_user_permission_for_group_or_org(owner_org, user.name, "admin")
    return Subject(
        signed_in=True,
        sysadmin=bool(user.sysadmin),
        government=bool(units),
        owner_role=cast(Role, role) if role in ("admin", "editor", "member") else None,
        above=above,
        machine=by_token(),
    )


def content_of(dataset: Mapping[str, Any], resource: Mapping[str, Any]) -> Content:
    """Return the policy's view of a resource, from the dictionaries of `package_show`."""
    return Content(
        level=levels.of_resource(dataset, resource),
        share_type=dataset.get("share_type"),
        published=not dataset.get("private") and dataset.get("state") == "active",
        withdrawn=bool(dataset.get("withdrawn_on")),
    )


def decide_for(
    user_name: str | None,
    dataset: Mapping[str, Any],
    resource: Mapping[str, Any],
    purpose: Purpose,
) -> Decision:
    """Ask the policy whether a user may use a resource for a purpose."""
    content = content_of(dataset, resource)
    if purpose != "manage" and (answer := decide(ANONYMOUS, content, purpose)).allowed:
        # What everybody may, the common case, needs no question to the database.
        return answer
    user = model.User.get(user_name) if user_name else None
    if user is None or user.state != "active":
        return decide(ANONYMOUS, content, purpose)
    units = store.units(user.id)
    subject = _subject(user, dataset.get("owner_org"), units)
    if subject.owner_role is None and purpose not in ("see", "manage"):
        subject = _with_grants(subject, user.id, dataset, resource, units, content)
    return decide(subject, content, purpose)


def _with_grants(
    subject: Subject,
    user_id: str,
    dataset: Mapping[str, Any],
    resource: Mapping[str, Any],
    units: Mapping[str, str],
    content: Content,
) -> Subject:
    """Add what a person has been granted, or has stated, for a resource."""
    rows = store.of_person(user_id, str(dataset["id"]))
    moment = now()
    stated = any(
        row.kind == "statement"
        and row.resource_id == resource["id"]
        and row.not_before <= moment < row.not_after
        for row in rows
    )
    grants = [store.view(row) for row in rows if row.kind == "grant"]
    # One that this level stops must not stand before one that it does not.
    fitting = [grant for grant in grants if opens(grant.axis, content)]
    best = rules.best(fitting or grants, str(resource["id"]), moment, units)
    if best is None:
        return replace(subject, stated=stated)
    return replace(subject, stated=stated, grant=best[0], grant_state=best[1])


def dataset_levels(resource_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the policy needs of a resource and its dataset, straight from the database.

    Raises `tk.ObjectNotFound` when either is not there or deleted.
    """
    resource = model.Resource.get(resource_id)
    if resource is None or resource.state != "active" or resource.package is None:
        raise tk.ObjectNotFound("resource")
    package = resource.package
    extras = package.extras or {}
    dataset = {
        "id": package.id,
        "name": package.name,
        "type": package.type,
        "owner_org": package.owner_org,
        "private": package.private,
        "state": package.state,
        "open_type": extras.get("open_type"),
        "share_type": extras.get("share_type"),
        "withdrawn_on": extras.get("withdrawn_on"),
    }
    own = resource.extras or {}
    return dataset, {
        "id": resource.id,
        "open_type": own.get("open_type"),
        "derivative": own.get("derivative"),
    }


def check(user_name: str | None, resource_id: str, purpose: Purpose) -> Decision:
    """Ask the policy for a resource known by its id. Raises `tk.ObjectNotFound`."""
    dataset, resource = dataset_levels(resource_id)
    return decide_for(user_name, dataset, resource, purpose)


def still_granted(user_id: str, resource_id: str, grant: rules.Grant) -> bool:
    """Tell whether a download under a grant may go on: grant, person, unit and level as they are
    now. That the grant's last download is under way does not end it."""
    model.Session.rollback()  # so that what others have committed is seen
    try:
        dataset, resource = dataset_levels(resource_id)
    except tk.ObjectNotFound:
        return False
    user = model.User.get(user_id)
    content = content_of(dataset, resource)
    if user is None or user.state != "active" or not opens(grant.axis, content):
        return False
    if not content.published or content.withdrawn:
        return False
    left = grant.organization_id is not None and grant.organization_id not in store.units(user.id)
    return not left and store.still_live(grant.id)
