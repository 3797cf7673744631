"""Who asks, as the policy wants to know it: read from CKAN's users and memberships."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import ckan.plugins.toolkit as tk
from ckan import authz, model

from ckanext.hljshare.access import levels
from ckanext.hljshare.access.policy import ANONYMOUS, Content, Decision, Purpose, Subject, decide


def _is_government(user_id: str) -> bool:
    """Tell whether the user belongs to any agency of the organization tree."""
    query = (
        model.Session.query(model.Member.id)
        .join(model.Group, model.Group.id == model.Member.group_id)
        .filter(
            model.Member.table_name == "user",
            model.Member.table_id == user_id,
            model.Member.state == "active",
            model.Group.is_organization.is_(True),
            model.Group.state == "active",
        )
    )
    return model.Session.query(query.exists()).scalar()


def subject_of(user_name: str | None, owner_org: str | None) -> Subject:
    """Return the subject for a user name (empty for anonymous) and a dataset's agency."""
    if not user_name:
        return ANONYMOUS
    user = model.User.get(user_name)
    if user is None or user.state != "active":
        return ANONYMOUS
    role: Literal["admin", "editor", "member"] | None = None
    if owner_org:
        # Core's check walks up the tree: an administrator of a city has the role in its agencies.
        if authz.has_user_permission_for_group_or_org(owner_org, user.name, "update_dataset"):
            role = "editor"
        elif authz.has_user_permission_for_group_or_org(owner_org, user.name, "read"):
            role = "member"
    return Subject(
        signed_in=True,
        sysadmin=bool(user.sysadmin),
        government=role is not None or _is_government(user.id),
        owner_role=role,
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
    return decide(subject_of(user_name, dataset.get("owner_org")), content, purpose)


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
