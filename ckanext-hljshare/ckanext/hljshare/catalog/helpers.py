"""Template helpers of the catalog."""

from __future__ import annotations

import datetime
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.hljshare.catalog import codelists, organizations, orgtree
from ckanext.hljshare.catalog import freshness as rules
from ckanext.hljshare.catalog.language import field_label, language
from ckanext.hljshare.catalog.logic.validators import TIMEZONE

__all__ = [
    "hljshare_breadcrumb_orgs",
    "hljshare_choices",
    "hljshare_codelist",
    "hljshare_contact",
    "hljshare_freshness",
    "hljshare_label",
    "hljshare_license_title",
    "hljshare_organization_choices",
    "hljshare_parent_of",
    "hljshare_section_fields",
    "hljshare_sections",
]


def hljshare_label(list_id: str, code: str | None) -> str:
    """What the reader sees for a code: ``hljshare_label("open_type", pkg.open_type)``."""
    return codelists.label(list_id, code, language())


def hljshare_codelist(list_id: str) -> list[dict[str, Any]]:
    """The items of a list with ``code``, ``text`` in the reader's language, and their other
    keys."""
    return [
        {**item, "text": codelists.text_of(item["label"], language())}
        for item in codelists.items(list_id)
    ]


def hljshare_choices(field: dict[str, Any]) -> list[dict[str, Any]]:
    """scheming's ``choices_helper`` for a field with a ``codelist``."""
    return [
        {"value": item["code"], "label": item["label"]}
        for item in codelists.items(field["codelist"])
    ]


def hljshare_freshness(dataset: dict[str, Any]) -> dict[str, Any]:
    """``state`` (on_time, due, late, not_scored), ``due`` and ``late_from`` (dates or None), as of
    today in China.
    """
    today = datetime.datetime.now(TIMEZONE).date()
    updated = rules.parse_date(dataset.get("data_updated") or dataset.get("released"))
    found = rules.freshness(dataset.get("update_cycle"), updated, today)
    return {
        "state": found.state,
        "due": found.due,
        "late_from": found.late_from,
        "updated": updated,
    }


def hljshare_breadcrumb_orgs(org: dict[str, Any] | str | None) -> list[dict[str, str]]:
    """``id name title`` of an organization and those above it, the top first."""
    name_or_id = (org.get("id") or org.get("name")) if isinstance(org, dict) else org
    return organizations.path(name_or_id) if name_or_id else []


def hljshare_sections(dataset_type: str = "dataset") -> list[dict[str, Any]]:
    """The sections of the form with ``id``, ``title`` and the schema's ``fields``, in order.

    Fields that name no section stand in a last one without a title.
    """
    schema = tk.h.scheming_get_dataset_schema(dataset_type) or {"dataset_fields": []}
    sections = [
        {
            "id": section["id"],
            "title": codelists.text_of(section["label"], language()),
            "fields": [],
        }
        for section in schema.get("sections", [])
    ]
    rest: dict[str, Any] = {"id": "other", "title": "", "fields": []}
    by_id = {section["id"]: section for section in sections}
    for field in schema["dataset_fields"]:
        by_id.get(field.get("section"), rest)["fields"].append(field)
    return [section for section in [*sections, rest] if section["fields"]]


def hljshare_section_fields(dataset: dict[str, Any]) -> list[dict[str, Any]]:
    """The sections of a dataset's page: ``id``, ``title``, ``rows`` of ``name``, ``label``,
    ``field``, ``value``, ``text``.

    Only what is filled in and meant to be shown. ``text`` is the label of a code; None where the
    field's own display snippet (lists, repeating fields) has to render ``value``.
    """
    sections = []
    for section in hljshare_sections(dataset.get("type") or "dataset"):
        rows = []
        for field in section["fields"]:
            value = dataset.get(field["field_name"])
            if value in (None, "", []) or field.get("display_snippet", "") is None:
                continue
            if "codelist" in field:
                text: str | None = hljshare_label(field["codelist"], value)
            else:
                text = value if isinstance(value, str) else None
            rows.append(
                {
                    "name": field["field_name"],
                    "label": field_label(field),
                    "field": field,
                    "value": value,
                    "text": text,
                }
            )
        if rows:
            sections.append({**section, "rows": rows})
    return sections


def hljshare_license_title(license_id: str | None) -> str:
    """The licence in the reader's language."""
    found = model.Package.get_license_register().get(license_id) if license_id else None
    if found is None:
        return license_id or ""
    in_english = getattr(found, "title_en", None) if language().startswith("en") else None
    return str(in_english or found.title)


def hljshare_contact(dataset: dict[str, Any]) -> dict[str, str]:
    """Whom to ask about a dataset: ``name``, ``phone``, ``data_manager``; from its provider where
    it names none.
    """
    org = model.Group.get(dataset.get("owner_org") or "")
    extras = (org.extras or {}) if org else {}
    manager = " ".join(
        part for part in (extras.get("data_manager_name"), extras.get("data_manager_post")) if part
    )
    return {
        "name": dataset.get("contact_name")
        or dataset.get("provider_inner")
        or (org.title if org else ""),
        "phone": dataset.get("contact_phone")
        or extras.get("contact_phone")
        or extras.get("data_manager_phone")
        or "",
        "data_manager": dataset.get("data_manager") or manager,
    }


def hljshare_organization_choices(
    exclude: str | None = None, only: set[str] | None = None
) -> list[dict[str, Any]]:
    """Organizations to choose from, grouped by the province and its cities: ``label`` and ``items``
    of ``id``, ``name``, ``title``, ``depth`` (0 for the group's own head).

    :param exclude: leave this one and what is below it out (it cannot be its own parent)
    :param only: ids to offer; without it all
    """
    heads: list[dict[str, Any]] = []

    def below(node: dict[str, Any], depth: int, items: list[dict[str, Any]]) -> None:
        if exclude in (node["name"], node["id"]):
            return
        if only is None or node["id"] in only:
            items.append({**{key: node[key] for key in ("id", "name", "title")}, "depth": depth})
        for child in node["children"]:
            if child["level"] == "city":
                heads.append(child)
            else:
                below(child, depth + 1, items)

    groups = []
    heads += orgtree.build(organizations.flat())
    for head in heads:  # grows: cities follow the province
        items: list[dict[str, Any]] = []
        below(head, 0, items)
        if items:
            groups.append({"label": head["title"], "items": items})
    return groups


def hljshare_parent_of(organization: dict[str, Any]) -> str:
    """Name of the parent that a form shows: what was entered, else what is stored."""
    if "parent" in organization:
        return organization["parent"] or ""
    groups = organization.get("groups") or []
    return groups[0].get("name", "") if groups else ""
