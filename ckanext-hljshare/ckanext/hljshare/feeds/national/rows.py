"""From a dataset to its row of the list. Pure.

A dataset here is a dictionary of its fields as stored or shown (lists may be JSON texts), and what
stands beside them: ``provider``, ``provider_code``, ``tags`` and ``formats`` (lists of texts),
``page``. Nothing of its files but their formats is read.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from typing import Any

from ckanext.hljshare.access import levels
from ckanext.hljshare.catalog import codelists, rules

from .columns import Column, columns

Dataset = Mapping[str, Any]
Cell = Callable[[Dataset], str]

# A cell of XLSX holds 32,767 units of UTF-16.
MOST = 32_000
SHORT = MOST // 2  # characters that fit, whatever they are
CUT = "…"
# What an importer of the national columns alone would read as 无条件开放 beside 是.
UNCONDITIONAL = "无条件开放"
ON_REQUEST = "依申请开放"
# What XML 1.0 cannot hold, what it discourages, and marks that turn the direction of writing.
_UNFIT = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]"
    "|[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
_SPACES = re.compile(r"\s+")
_SQUARE = str.maketrans("(（)）", "[［]］")
_TYPED = re.compile(r"/[A-Z]?$")
# What whoever compares conditions may leave out: blanks, marks, hints for filling in.
_PADDING = re.compile(r"[\W_]|必填项?|选填项?|可选|必选|none|null", re.IGNORECASE)
_SAYS_NOTHING = re.compile("(?:无条件开放|无条件|无)*")


def text(value: object) -> str:
    """A field's text, without characters that files or readers stumble over, and not too long."""
    if not isinstance(value, str):
        return ""
    if not value.isprintable():
        value = _UNFIT.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    value = value.strip()
    return value if len(value) < SHORT else _cut(value)


def _cut(value: str) -> str:
    units = value.encode("utf-16-le")
    if len(units) <= 2 * MOST:
        return value
    return units[: 2 * MOST].decode("utf-16-le", "ignore") + CUT


def line(value: object) -> str:
    """:func:`text` on one line."""
    # Nearly every text of a catalog is printable and short: a million cells pass here.
    if isinstance(value, str) and len(value) < SHORT and value.isprintable():
        found = value.strip()
    else:
        found = text(value)
    return found if found.isprintable() and "  " not in found else _SPACES.sub(" ", found).strip()


def joined(parts: Iterable[str], separator: str) -> str:
    """Parts of a list in one cell; where they are too long for one, as many as fit and a mark."""
    given = list(parts)
    whole = separator.join(given)
    if len(whole) < SHORT:
        return whole
    kept: list[str] = []
    room = MOST
    for part in given:
        room -= len(part.encode("utf-16-le")) // 2 + len(separator)
        if room < 0:
            return separator.join([*kept, CUT])
        kept.append(part)
    return separator.join(kept)


def listed(value: object) -> list[Any]:
    """A list, also one that is stored as JSON; anything else is an empty one."""
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    return value if isinstance(value, list) else []


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [each for each in listed(value) if isinstance(each, Mapping)]


# ---------------------------------------------------------------------- element 7


@lru_cache(maxsize=2000)
def national_format(format_class: str, format_type: str) -> tuple[str, str]:
    """Class and type in the guide's own values; one it does not have is the nearest it has."""
    found = codelists.item("format_type", format_type)
    word = format_type
    while found and "national" in found:
        word = found["national"]
        nearest = codelists.item("format_type", word)
        if nearest is None:
            break
        found = nearest
    if found is None:
        return format_class, format_type
    if not format_class or not rules.type_belongs(format_class, found["code"]):
        format_class = found["class"]
    return format_class, word


def _format(dataset: Dataset) -> tuple[str, str]:
    """As the catalog says, else by the first file whose format is one of the list."""
    format_class, format_type = line(dataset.get("format_class")), line(dataset.get("format_type"))
    if not format_type:
        formats = (codelists.find("format_type", line(word)) for word in _texts(dataset, "formats"))
        format_type = next(filter(None, formats), "")
    return national_format(format_class, format_type)


def _texts(dataset: Dataset, name: str) -> list[str]:
    return [word for word in listed(dataset.get(name)) if isinstance(word, str)]


# ---------------------------------------------------------------------- element 8


def _item(item: Mapping[str, Any]) -> str:
    name, kind = item.get("name"), item.get("data_type")
    return _named_and_typed(line(name), kind if isinstance(kind, str) else "")


@lru_cache(maxsize=20_000)
def _named_and_typed(name: str, kind: str) -> str:
    """``名称/类型``; the separators of the list do not stand outside brackets of a name."""
    name = _outside_brackets(name)
    if codelists.item("data_type", kind):
        return f"{name}/{kind}"
    return f"{name}/" if _TYPED.search(name) else name


def _outside_brackets(name: str) -> str:
    name = name.replace("；", "，").replace(";", ",")
    found, depth = "", 0
    for char in name:
        depth = max(0, depth + (char in "(（") - (char in ")）"))
        found += "，" if char == "、" and not depth else char
    # A bracket that is never closed would swallow the items behind it.
    return found if not depth else name.replace("、", "，").translate(_SQUARE)


# ---------------------------------------------------------------------- element 9


def _share_condition(dataset: Dataset) -> str:
    """The guide wants the basis here where data is not shared."""
    condition, basis = line(dataset.get("share_condition")), line(dataset.get("share_basis"))
    if dataset.get("share_type") != "none" or not basis or basis in condition:
        return condition
    return f"{condition}（依据：{basis}）" if condition else basis


def _share_mode(key: str) -> Cell:
    def cell(dataset: Dataset) -> str:
        found = codelists.item("share_mode", line(dataset.get("share_mode")))
        return str(found[key]) if found else ""

    return cell


# ---------------------------------------------------------------------- element 10


def level_of(dataset: Dataset) -> levels.Level:
    """The dataset's level of opening; an unknown one is closed."""
    return levels.known(dataset.get("open_type"))


def _open_condition(dataset: Dataset) -> str:
    """Who reads 是否向社会开放 and 开放条件 alone must never take what is on request for open."""
    level, condition = level_of(dataset), line(dataset.get("open_condition"))
    if level == "open":
        return condition or UNCONDITIONAL
    if level != "on_request":
        return ""
    said = _PADDING.sub("", unicodedata.normalize("NFKC", condition))
    return ON_REQUEST if _SAYS_NOTHING.fullmatch(said) else condition


def _basis(basis: Mapping[str, Any]) -> str:
    return _cited(line(basis.get("law")), line(basis.get("article")))


@lru_cache(maxsize=20_000)
def _cited(law: str, article: str) -> str:
    """``《law》article``; titles inside a title take single marks (GB/T 15834)."""
    if law.startswith("《") and law.find("》") == len(law) - 1:
        law = law[1:-1]
    law = law.replace("《", "〈").replace("》", "〉")
    return f"《{law}》{article}".replace("；", "，").replace(";", ",")


def _bases(dataset: Dataset) -> list[Mapping[str, Any]]:
    """What restricts it. Of open data nothing does, whatever is left from before."""
    if level_of(dataset) == "open":
        return []
    return [basis for basis in _mappings(dataset.get("open_basis")) if line(basis.get("law"))]


def _urls(dataset: Dataset) -> str:
    urls = ["".join(line(basis.get("url")).split()) for basis in _bases(dataset)]
    return joined((url or "-" for url in urls), " ") if any(urls) else ""


_MADE: dict[str, Cell] = {
    "format_class": lambda dataset: _format(dataset)[0],
    "format_type": lambda dataset: _format(dataset)[1],
    "items": lambda dataset: joined(
        (_item(item) for item in _mappings(dataset.get("items")) if line(item.get("name"))), "、"
    ),
    "share_type": lambda dataset: _national("share_type", line(dataset.get("share_type"))),
    "share_condition": _share_condition,
    "share_mode": _share_mode("national"),
    "share_mode_kind": _share_mode("national_kind"),
    "is_open": lambda dataset: _national("open_type", level_of(dataset)),
    "open_condition": _open_condition,
    "related_codes": lambda dataset: joined(map(line, _texts(dataset, "related_codes")), "；"),
    "open_type": lambda dataset: codelists.label("open_type", level_of(dataset)),
    "open_basis": lambda dataset: joined(map(_basis, _bases(dataset)), "；"),
    "open_basis_urls": _urls,
    "tags": lambda dataset: joined(map(line, _texts(dataset, "tags")), "，"),
}


def _national(list_id: str, code: str) -> str:
    found = codelists.item(list_id, code)
    return str(found["national"]) if found else ""


def _label(list_id: str, field: str) -> Cell:
    labels = {
        item["code"]: codelists.label(list_id, item["code"]) for item in codelists.items(list_id)
    }

    def cell(dataset: Dataset) -> str:
        code = line(dataset.get(field))
        return labels.get(code) or line(codelists.label(list_id, code))

    return cell


def _cell(column: Column) -> Cell:
    if column.label:
        return _label(*column.label)
    if column.text:
        return lambda dataset: text(dataset.get(column.text))
    if column.line:
        return lambda dataset: line(dataset.get(column.line))
    return _MADE[column.key]


@cache
def _cells() -> tuple[Cell, ...]:
    return tuple(map(_cell, columns()))


def row(dataset: Dataset) -> list[str]:
    """The cells of a dataset, in the order of :func:`columns.columns`; "" for what it does not
    say."""
    return [cell(dataset) for cell in _cells()]


def named(dataset: Dataset) -> dict[str, str]:
    """The same by the columns' keys."""
    return {column.key: cell for column, cell in zip(columns(), row(dataset), strict=True)}
