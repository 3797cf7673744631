"""Actions on mappings: read, check, try, save."""

from __future__ import annotations

import hashlib
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckanext.harvest.interfaces import IHarvester

from ckanext.hljshare.ingest import mapping_check, mappings, previews
from ckanext.hljshare.ingest.logic import schema
from ckanext.hljshare.ingest.logic.sources import source_row
from ckanext.hljshare.ingest.mapping_check import Problem
from ckanext.hljshare.ingest.model import Preview

__all__ = [
    "hljshare_mapping_check",
    "hljshare_mapping_list",
    "hljshare_mapping_save",
    "hljshare_mapping_show",
    "hljshare_mapping_try",
]


def _name(name: str) -> str:
    if not mappings.is_name(name):
        raise tk.ValidationError(
            {"name": [tk._("Small letters, digits, - and _; at most 60 of them")]}
        )
    return name


def _digest(body: str) -> str:
    return hashlib.blake2b(body.encode(), digest_size=16).hexdigest()


@tk.side_effect_free
def hljshare_mapping_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """All mappings.

    :returns: ``results``: ``name title edited author sources`` (sources: ``name title``)
    """
    tk.check_access("hljshare_mapping_list", context, data_dict)
    used = mappings.used_by()
    packages = dict(
        model.Session.execute(
            sa.select(model.Package.id, model.Package.name).where(model.Package.type == "harvest")
        )
        .tuples()
        .all()
    )
    results = []
    for name in mappings.names():
        saved = mappings.stored(name)
        results.append(
            {
                "name": name,
                "title": mappings.title(name),
                "edited": saved.created.isoformat() if saved else None,
                "author": _display(saved.author) if saved else None,
                "sources": [
                    {"name": packages.get(row.id, ""), "title": row.title or ""}
                    for row in used.get(name, [])
                ],
            }
        )
    return {"count": len(results), "results": results}


def _display(user_id: str) -> str:
    user = model.Session.get(model.User, user_id)
    return str(user.display_name) if user else user_id


@tk.side_effect_free
def hljshare_mapping_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The text of a mapping in force, and what was saved before.

    :param name: the mapping
    :param version: (optional) a number of ``history``: that text instead
    :returns: ``name body before fixed history sources``; ``before`` names the text in force, for
        saving; ``fixed``: it is not edited on the site
    """
    name = _name(tk.get_or_bust(data_dict, "name"))
    tk.check_access("hljshare_mapping_show", context, data_dict)
    body = mappings.body(name)
    history = mappings.history(name)
    wanted = str(data_dict.get("version") or "")
    shown = next((item.body for item in history if str(item.id) == wanted), body)
    listed = tk.get_action("hljshare_mapping_list")(context, {})["results"]
    return {
        "name": name,
        "exists": body is not None,
        "body": shown if shown is not None else "",
        "before": _digest(body or ""),
        "fixed": name == mappings.DEFAULT,
        "history": [
            {
                "id": item.id,
                "created": item.created.isoformat(),
                "author": _display(item.author),
            }
            for item in history
        ],
        "sources": next((item["sources"] for item in listed if item["name"] == name), []),
    }


@tk.side_effect_free
@tk.validate_action_data(schema.mapping)
def hljshare_mapping_check(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What is wrong with a text, line by line, and how it differs from the one in force.

    :param name: the mapping
    :param body: the text
    :returns: ``problems`` (``line text``) and ``difference`` (pairs of a sign and a line)
    """
    tk.check_access("hljshare_mapping_check", context, data_dict)
    name, body = _name(data_dict["name"]), _clean(data_dict["body"])
    return {
        "problems": [
            {"line": item.line, "where": item.where, "text": mappings.words(item)}
            for item in problems(name, body)
        ],
        "difference": mappings.difference(mappings.body(name) or "", body),
    }


def _clean(body: str) -> str:
    """As a form sends it: lines end in CR LF there."""
    return body.replace("\r\n", "\n").replace("\r", "\n")


def problems(name: str, body: str) -> list[Problem]:
    """What is wrong with a text: by the schema, else by what its harvesters say."""
    found = mapping_check.problems(body)
    if found:
        return found
    for harvester in p.PluginImplementations(IHarvester):
        check = getattr(harvester, "check_mapping", None)
        if check is None:
            continue
        try:
            check(name, body)
        except ValueError as error:
            return [Problem(0, "", "harvester", {"message": str(error)})]
        break
    return []


@tk.validate_action_data(schema.mapping)
def hljshare_mapping_save(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Put a text in force. The sources that use it need a new approval before they run again.

    :param name: the mapping; a new name makes a new one
    :param body: the text
    :param before: (optional) what `hljshare_mapping_show` gave: fails if somebody has saved since
    :returns: as `hljshare_mapping_show`
    :raises ValidationError: the text cannot be used (``body``: a message for each problem)
    """
    tk.check_access("hljshare_mapping_save", context, data_dict)
    name, body = _name(data_dict["name"]), _clean(data_dict["body"])
    user = model.User.get(context.get("user") or "")
    if user is None:
        raise tk.NotAuthorized(tk._("This is done by a person"))
    if name == mappings.DEFAULT:
        raise tk.ValidationError(
            {"name": [tk._("What lies under all mappings is not edited here")]}
        )
    key = {"key": f"hljshare-mapping {name}"}
    model.Session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), key)
    present = mappings.body(name)
    if data_dict.get("before") and data_dict["before"] != _digest(present or ""):
        model.Session.rollback()
        raise tk.ValidationError(
            {"before": [tk._("Somebody has saved this mapping meanwhile; compare before you save")]}
        )
    found = problems(name, body)
    if found:
        model.Session.rollback()
        raise tk.ValidationError(
            {
                "body": [
                    tk._("Line {number}: {text}").format(
                        number=item.line, text=mappings.words(item)
                    )
                    if item.line
                    else mappings.words(item)
                    for item in found
                ]
            }
        )
    if body != (present or ""):
        mappings.save(name, body, user.id)
    model.Session.commit()
    return tk.get_action("hljshare_mapping_show")(context, {"name": name})


@tk.validate_action_data(schema.mapping)
def hljshare_mapping_try(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Try a text that is not saved against a source, in the background; nothing is changed.

    :param name: the mapping
    :param body: the text
    :param source: the harvest source (id or name)
    :returns: the preview, for `hljshare_source_preview_show`
    """
    tk.check_access("hljshare_mapping_try", context, data_dict)
    name, body = _name(data_dict["name"]), _clean(data_dict["body"])
    user = model.User.get(context.get("user") or "")
    if user is None:
        raise tk.NotAuthorized(tk._("This is done by a person"))
    row = source_row(data_dict.get("source") or "")
    tk.check_access("hljshare_source_preview", context, {"id": row.id})
    if problems(name, body):
        raise tk.ValidationError({"body": [tk._("Mend the text first")]})
    if not previews.can(row):
        raise tk.ValidationError({"source": [tk._("Sources of this kind have no preview")]})
    preview = previews.start(row, user.id, None, mapping=name, body=body)
    if (preview.mapping, preview.body) != (name, body):
        raise tk.ValidationError(
            {"source": [tk._("Another preview of this source is being made; wait for its end")]}
        )
    return tk.get_action("hljshare_source_preview_show")(context, {"id": preview.id})


def tried_body(context: Any, preview_id: str, name: str) -> str | None:
    """The text that a preview tried, for whoever may read mappings; None if it is of another."""
    tk.check_access("hljshare_mapping_show", context, {"name": name})
    preview = model.Session.get(Preview, preview_id)
    return preview.body if preview is not None and preview.mapping == name else None
