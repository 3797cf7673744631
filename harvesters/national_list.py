"""Catalog lists in the province's own form of the national format (feeds/national/columns.yaml).

What they say beyond the fields that all kinds of source share: lists in one cell, and what the
national columns say less exactly than the province's own behind them. No CKAN import.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ckanext.hljshare.catalog import codelists, codes, rules
from ckanext.hljshare.ingest import levels, text

Values = Mapping[str, object]

# The exact word beside a code that means something else at another vendor, or a near one.
_EXACT = {"own_share": "share", "own_format": "formats"}
# A spreadsheet would run what begins so; the writers of lists put an apostrophe before it.
_APOSTROPHE = re.compile(r"'+[=+\-@\t\r]")
_MODES = {
    (item["national"], item["national_kind"]): item["code"]
    for item in reversed(codelists.items("share_mode"))
}
CUT = "…"  # where a list was too long for its cell
_CUT_OFF = re.compile(rf"(?:^|[、，；\s]){CUT}$")
_LISTS = ("items", "open_basis", "related_codes", "tags")


def plain(cell: object) -> object:
    """A cell without the apostrophe that kept a spreadsheet from running it."""
    return cell[1:] if isinstance(cell, str) and _APOSTROPHE.match(cell) else cell


def exact(values: Mapping[str, Any], share_map: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A row's values, the exact word in place of the national one where both are given, and lists
    without the mark of a cut.

    :param share_map: what the source's own sharing codes mean. Where code and word contradict each
        other both stand in the value, which nothing understands: a person decides.
    """
    found = {
        name: _CUT_OFF.sub("", value.rstrip())
        if name in _LISTS and isinstance(value, str)
        else value
        for name, value in values.items()
    }
    for own, name in _EXACT.items():
        if not text.is_empty(values.get(own)):
            found[name] = values[own]
    told, meant = (
        levels.read(None, values.get(name), share_map=share_map).share_type
        for name in ("share", "own_share")
    )
    if told and meant and told != meant:
        found["share"] = f"{text.line(values['share'])} / {text.line(values['own_share'])}"
    return found


def items(cell: object) -> list[dict[str, object]]:
    """The items of one cell: ``名称/类型`` joined by 、, in groups ``组名：…`` joined by ；
    (发改高技〔2017〕1272号, element 8). A 、 in brackets is part of a name.
    """
    words = text.clean(cell)
    groups = re.split(r"[;；]", words)
    if len(groups) > 1:
        groups = [re.sub(r"^[^/、:：]{1,40}[:：]", "", group) for group in groups]
    found: list[dict[str, object]] = []
    for group in groups:
        for part in _split(group):
            name, slash, kind = part.rpartition("/")
            kind = kind.strip()
            if not slash or not name or (kind and not codelists.item("data_type", kind.upper())):
                name, kind = part, ""
            found.append({"item_name": name.strip(), "item_type": kind})
    return found


def _split(group: str) -> list[str]:
    parts, depth, current = [], 0, ""
    for char in group:
        depth = max(0, depth + (char in "(（") - (char in ")）"))
        if char in "、\n" and not depth:
            parts.append(current)
            current = ""
        else:
            current += char
    if depth:  # a bracket that is never closed says nothing
        parts, current = re.split("[、\n]", group), ""
    return [part.strip() for part in (*parts, current) if part.strip()]


def fields(values: Values, made: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the record beyond those that all kinds of source share.

    :param values: the row as it stands, by the names of ``aliases.yaml``
    :param made: the fields that were read from it already
    """
    said = {name: text.line(value) for name, value in values.items() if not text.is_empty(value)}
    found: dict[str, Any] = {
        name: said[name] for name in ("use_scope", "format_note") if name in said
    }
    if codes.is_class(said.get("class", "")):
        found["catalog_class"] = said["class"]
    if codelists.is_valid("region", said.get("region_code", "")):
        found["region_code"] = said["region_code"]
    mode = _MODES.get((said.get("share_mode", ""), said.get("share_mode_kind", "")))
    if mode:
        found["share_mode"] = mode
    own_class = said.get("own_format_class", "")
    if rules.type_belongs(own_class, made.get("format_type", "")):
        found["format_class"] = own_class
    related = re.split(r"[\s,，、;；]+", said.get("related_codes", ""))
    if any(map(codes.parse, related)):
        found["related_codes"] = [code for code in related if codes.parse(code)]
    day = text.parse_date(values.get("review_date")).day
    if day:
        found["review_date"] = day
    return {**found, **_without_basis(said, made), **_with_links(said, made)}


def _without_basis(said: Mapping[str, str], made: Mapping[str, Any]) -> dict[str, Any]:
    """The national 共享条件 repeats the basis that has a column of its own here."""
    repeated = f"（依据：{said.get('share_basis', '')}）"
    condition = str(made.get("share_condition") or "")
    if "share_basis" in said and condition.endswith(repeated) and condition != repeated:
        return {"share_condition": condition.removesuffix(repeated)}
    return {}


def _with_links(said: Mapping[str, str], made: Mapping[str, Any]) -> dict[str, Any]:
    """The addresses of the bases, one for each, as far as neither list was cut."""
    bases, urls = made.get("open_basis") or [], said.get("open_basis_urls", "").split()
    cut = any(_CUT_OFF.search(said.get(name, "")) for name in ("open_basis", "open_basis_urls"))
    if cut:
        urls = [*urls, *["-"] * len(bases)][: len(bases)]
    if len(urls) != len(bases):
        return {}
    return {
        "open_basis": [
            {**basis, "url": url} if url.startswith(("http://", "https://")) else basis
            for basis, url in zip(bases, urls, strict=True)
        ]
    }
