"""Suggestions while a person types, and help when a search found nothing."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.catalog.search_query import prefix, relax
from ckanext.hljshare.catalog.search_text import fold, syllables, tokens

TITLES = 8
AGENCIES = 4
THEMES = 3
TITLES_OF_HELP = 5
ALTERNATIVES = 4


def matches(text: str, q: str) -> bool:
    """Whether a name holds what was typed: in characters, pinyin, or first letters of pinyin."""
    wanted = "".join(tokens(fold(q)))
    if not wanted:
        return False
    if wanted in "".join(tokens(fold(text))):
        return True
    if not (wanted.isascii() and wanted.isalpha()):
        return False
    spoken = syllables(text)
    starts = ("".join(spoken[at:]) for at in range(len(spoken)))
    if any(start.startswith(wanted) for start in starts):
        return True
    return len(wanted) > 1 and wanted in "".join(syllable[0] for syllable in spoken)


def _agencies(q: str) -> list[dict[str, str]]:
    rows = (
        model.Session.query(model.Group.name, model.Group.title)
        .filter(model.Group.is_organization.is_(True), model.Group.state == "active")
        .order_by(model.Group.title)
    )
    found = [(name, title or name) for name, title in rows if matches(title or name, q)]
    found.sort(key=lambda row: len(row[1]))  # the closest match is the shortest name that holds it
    return [
        {"name": name, "title": title, "url": tk.h.url_for("organization.read", id=name)}
        for name, title in found[:AGENCIES]
    ]


def _themes(q: str, language: str) -> list[dict[str, str]]:
    found = []
    for item in codelists.items("theme"):
        if any(matches(label, q) for label in item["label"].values()):
            url = tk.h.url_for("dataset.search", hljshare_theme=item["code"])
            title = codelists.text_of(item["label"], language)
            found.append({"name": item["code"], "title": title, "url": url})
    return found[:THEMES]


def _titles(
    context: dict[str, Any], query: str, rows: int, fq: str = ""
) -> tuple[int, list[dict[str, str]]]:
    found = tk.get_action("package_search")(
        _inherit(context),
        {"q": query, "fq": fq, "rows": rows, "fl": ["name", "title"], "facet": "false"},
    )
    titles = [
        {
            "name": dataset["name"],
            "title": dataset.get("title") or dataset["name"],
            "url": tk.h.url_for("dataset.read", id=dataset["name"]),
        }
        for dataset in found["results"]
    ]
    return found["count"], titles


def _inherit(context: dict[str, Any]) -> dict[str, Any]:
    """The user of a context, without what only concerns its own action."""
    kept = ("model", "session", "user", "auth_user_obj", "ignore_auth")
    return {name: context[name] for name in kept if name in context}


@tk.side_effect_free
def hljshare_suggest(context: dict[str, Any], data_dict: dict[str, Any]) -> dict[str, Any]:
    """What could be meant by the letters typed so far.

    :param q: what was typed: characters, pinyin or initials
    :param language: of the themes' titles (default: the site's)
    :returns: ``titles`` (up to 8 datasets that the user may see), ``agencies``, ``themes``;
        each with ``name``, ``title``, ``url``
    """
    q = str(data_dict.get("q") or "")
    tk.check_access("package_search", context, {})
    if not tokens(fold(q)):
        return {"titles": [], "agencies": [], "themes": []}
    language = str(data_dict.get("language") or codelists.DEFAULT_LANGUAGE)
    return {
        "titles": _titles(context, prefix(q), TITLES, "+dataset_type:dataset")[1],
        "agencies": _agencies(q),
        "themes": _themes(q, language),
    }


@tk.side_effect_free
def hljshare_search_help(context: dict[str, Any], data_dict: dict[str, Any]) -> dict[str, Any]:
    """What could be asked instead of a question that found nothing.

    :param q: the question
    :param fq: filters that were on
    :returns: ``unfiltered``: how many there are without the filters (0 where none were on);
        ``alternatives``: ``q`` (the question with one word less) and ``count``;
        ``titles``: datasets that sound or look alike, with ``name``, ``title``, ``url``
    """
    q = str(data_dict.get("q") or "")
    fq = str(data_dict.get("fq") or "")
    tk.check_access("package_search", context, {})
    kind = "+dataset_type:dataset"
    unfiltered = _titles(context, q, 0, kind)[0] if fq.strip() and q.strip() else 0
    alternatives: list[dict[str, Any]] = []
    titles: list[dict[str, str]] = []
    for gentler in relax(q):
        if gentler.kind == "fewer":
            if len(alternatives) < ALTERNATIVES:
                count = _titles(context, gentler.query, 0, kind)[0]
                if count:
                    alternatives.append({"q": gentler.q, "count": count})
        elif len(titles) < TITLES_OF_HELP:
            known = {title["name"] for title in titles}
            found = _titles(context, gentler.query, TITLES_OF_HELP, kind)[1]
            titles += [title for title in found if title["name"] not in known]
    return {
        "unfiltered": unfiltered,
        "alternatives": alternatives,
        "titles": titles[:TITLES_OF_HELP],
    }


def search_help(q: str | None, fq: str | None = None) -> dict[str, Any]:
    """Template helper: :func:`hljshare_search_help` for the current user."""
    found: dict[str, Any] = tk.get_action("hljshare_search_help")(
        {}, {"q": q or "", "fq": fq or ""}
    )
    return found
