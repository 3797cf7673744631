"""Actions of the catalog."""

from __future__ import annotations

from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckan.lib.search import commit, rebuild
from ckan.types import Context
from flask import g, has_app_context
from sqlalchemy import select

from ckanext.hljshare.catalog import allocation, codelists, organizations, orgtree
from ckanext.hljshare.catalog import warnings as doubts
from ckanext.hljshare.catalog.language import field_label, language
from ckanext.hljshare.catalog.logic import schema

__all__ = [
    "hljshare_codelist_list",
    "hljshare_codelist_show",
    "hljshare_dataset_warnings",
    "hljshare_organization_move",
    "hljshare_organization_tree",
    "hljshare_resource_code_allocate",
    "organization_update",
]


@tk.side_effect_free
def hljshare_codelist_list(context: Context, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Every code list with its title and version."""
    tk.check_access("hljshare_codelist_list", context, data_dict)
    return [
        {
            "id": list_id,
            "title": codelists.title(list_id, language()),
            "version": codelists.version(list_id),
            "source": codelists.load(list_id)["source"],
        }
        for list_id in codelists.ids()
    ]


@tk.side_effect_free
@tk.validate(schema.by_id)
def hljshare_codelist_show(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """A whole code list, labels in both languages.

    :param id: the list, for example ``open_type``
    """
    tk.check_access("hljshare_codelist_show", context, data_dict)
    try:
        return codelists.load(data_dict["id"])
    except codelists.UnknownCodeListError as error:
        raise tk.ObjectNotFound(tk._("There is no such code list")) from error


@tk.side_effect_free
@tk.validate(schema.by_id)
def hljshare_dataset_warnings(context: Context, data_dict: dict[str, Any]) -> list[dict[str, str]]:
    """What is doubtful in a dataset without stopping it: ``code``, ``field``, ``label``,
    ``message`` of each.

    :param id: name or id of the dataset
    """
    tk.check_access("hljshare_dataset_warnings", context, data_dict)
    dataset = tk.get_action("package_show")(tk.fresh_context(context), {"id": data_dict["id"]})
    org = model.Group.get(dataset.get("owner_org") or "")
    fields = tk.h.scheming_get_dataset_schema(dataset["type"])["dataset_fields"]
    labels = {field["field_name"]: field_label(field) for field in fields}
    found = doubts.warnings(
        dataset,
        recommended=[field["field_name"] for field in fields if field.get("recommended")],
        code_exists=lambda code: allocation.holder(code) is not None,
        provider_uscc=(org.extras or {}).get("uscc") if org else None,
    )
    return [
        {
            "code": doubt.code,
            "field": doubt.field,
            "label": labels.get(doubt.field, doubt.field),
            "message": tk._(doubt.message)
            % {"field": labels.get(doubt.field, doubt.field), **doubt.params},
        }
        for doubt in found
    ]


@tk.validate(schema.by_id)
def hljshare_resource_code_allocate(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The resource code of a public dataset, given now if it has none. The dataset's hooks do this
    at publication.

    :param id: name or id of the dataset
    """
    tk.check_access("hljshare_resource_code_allocate", context, data_dict)
    package = model.Package.get(data_dict["id"])
    if package is None:
        raise tk.ObjectNotFound(tk._("Dataset not found"))
    code = allocation.assign(package)
    if not context.get("defer_commit"):
        model.repo.commit()
        if code:
            rebuild(package.id)
    return {"id": package.id, "resource_code": code}


@tk.side_effect_free
@tk.validate(schema.organization_tree)
def hljshare_organization_tree(context: Context, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """The organizations as a tree, each with ``count`` (own datasets) and ``total`` (with those
    below it).

    Counted is what the caller may see and search. One query to the database, one to the search
    index.

    :param id: only this organization and what hangs below it (optional)
    """
    tk.check_access("hljshare_organization_tree", context, data_dict)
    facets = tk.get_action("package_search")(
        tk.fresh_context(context),
        {"rows": 0, "facet.field": ["organization"], "facet.limit": -1, "facet.mincount": 1},
    )["search_facets"]["organization"]["items"]
    tops = orgtree.build(organizations.kept(), {item["name"]: item["count"] for item in facets})
    wanted = data_dict.get("id")
    if not wanted:
        return tops
    group = model.Group.get(wanted)
    node = orgtree.subtree(tops, group.name) if group else None
    if node is None:
        raise tk.ObjectNotFound(tk._("Organization not found"))
    return [dict(node)]


@tk.validate(schema.organization_move)
def hljshare_organization_move(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Hang an organization under another. Its datasets and members stay; what is searchable by
    place is indexed anew.

    :param id: name or id of the organization
    :param parent: name or id of the new parent; left out or empty: to the top
    """
    tk.check_access("hljshare_organization_move", context, data_dict)
    group = _organization(data_dict["id"], "id")
    parent = _organization(data_dict["parent"], "parent") if data_dict.get("parent") else None
    # One mover at a time: two moves that are each harmless could close a circle together.
    allocation.lock("organization-tree")
    if orgtree.would_cycle(organizations.parents(), group.name, parent.name if parent else None):
        raise tk.ValidationError(
            {"parent": [tk._("An organization cannot stand below itself or one of its own")]}
        )
    _set_parent(group, parent)
    if not context.get("defer_commit"):
        model.repo.commit()
        _reindex(group.name)
    return {
        "id": group.id,
        "name": group.name,
        "path": [step["name"] for step in organizations.path(group.id)],
    }


def _organization(name_or_id: str, field: str) -> model.Group:
    group = model.Group.get(name_or_id)
    if group is None or not group.is_organization or group.state != "active":
        raise tk.ValidationError({field: [tk._("Organization not found")]})
    return group


def _set_parent(group: model.Group, parent: model.Group | None) -> None:
    members = model.Session.scalars(
        select(model.Member).where(
            model.Member.group_id == group.id, model.Member.table_name == "group"
        )
    ).all()
    kept = next((member for member in members if parent and member.table_id == parent.id), None)
    for member in members:
        member.state = "active" if member is kept else "deleted"
    if parent and kept is None:
        model.Session.add(
            model.Member(
                group=group,
                group_id=group.id,
                table_id=parent.id,
                table_name="group",
                capacity="public",
                state="active",
            )
        )
    model.Session.flush()


def _reindex(name: str) -> None:
    if has_app_context():
        g.pop("hljshare_organizations_above", None)  # the indexer remembers paths within a request
    ids = organizations.dataset_ids(name)
    if len(ids) <= tk.config["hljshare.reindex_at_once"]:
        reindex(ids)
    else:
        tk.enqueue_job(reindex, [ids], title=f"index the datasets of {name}")


def reindex(ids: list[str]) -> None:
    """Index datasets anew; the job behind a move of many."""
    if ids:
        rebuild(package_ids=ids)
        commit()  # rebuild leaves it to Solr's own time


@tk.chained_action
def organization_update(
    original_action: Any, context: Context, data_dict: dict[str, Any]
) -> dict[str, Any]:
    """CKAN's own, and then the datasets indexed anew if the organization got another parent, region
    or title.
    """
    before = _place(data_dict.get("id"))
    result: dict[str, Any] = original_action(context, data_dict)
    after = _place(data_dict.get("id"))
    if after and before != after and not context.get("defer_commit"):
        _reindex(after[0])
    return result


def _place(name_or_id: str | None) -> tuple[str, str, str, tuple[str, ...]] | None:
    group = model.Group.get(name_or_id) if name_or_id else None
    if group is None:
        return None
    above = tuple(item.id for item in group.get_parent_groups(type="organization"))
    return group.name, group.title or "", (group.extras or {}).get("region_code", ""), above
