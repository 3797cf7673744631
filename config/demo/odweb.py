"""Half of the demo's cities answer as Inspur's ODWeb: numbers as text, pages that repeat."""

from __future__ import annotations

import functools
import html
import random
from typing import Any

from catalog import Dataset, basis_text, catalog, places, says, words

ORDER = ("csv", "xlsx", "json")


def _clock(dataset: Dataset, salt: str) -> str:
    rng = random.Random(f"{dataset.seed}{salt}")
    return f"{rng.randrange(8, 18):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"


def _group(dataset: Dataset) -> str:
    """Theme and industry in one string: zt-1:12:经济建设,hy-2:10:金融业."""
    theme = words()["themes"].index(dataset.theme) + 1
    industry = words()["industries"].index(dataset.industry) + 1
    return f"zt-1:{theme}:{dataset.theme},hy-2:{industry}:{dataset.industry}"


def row(dataset: Dataset) -> dict[str, Any]:
    """One row of GetCatalog."""
    rng = random.Random(f"{dataset.seed}use")
    released, updated = _clock(dataset, "r"), _clock(dataset, "u")
    if dataset.released == dataset.updated:
        updated = max(released, updated)
    kinds = "1,2," if len(dataset.files) > 1 else "2,"
    return {
        "cata_id": dataset.native_id,
        "cata_title": dataset.title,
        "org_name": says(dataset, "agency"),
        "open_type": says(dataset, "open"),
        "update_cycle": says(dataset, "cycle"),
        "use_type": kinds,
        "group_name": _group(dataset),
        "released_time": f"{dataset.released} {released}",
        "update_time": f"{dataset.updated} {updated}",
        "cata_tags": ",".join(dataset.tags),
        "description": dataset.description,
        "data_count": str(dataset.rows),
        "file_count": str(len(dataset.files)),
        "api_count": "0",
        "use_visit": str(rng.randrange(3, 4200)),
        "use_grade": f"{rng.choice([0, 0, 3.5, 4, 4.5, 5]):.1f}",
    }


@functools.cache
def _rows(place: str) -> tuple[dict[str, Any], ...]:
    return tuple(row(d) for d in catalog(place))


@functools.cache
def _by_id(place: str) -> dict[str, Dataset]:
    return {d.native_id: d for d in catalog(place)}


def listing(place: str, start: int, length: int) -> dict[str, Any]:
    """A page of the list. Past the end it begins again, as the city's real portal did in 2018."""
    data = _rows(place)
    length = max(1, min(length, 100))
    if start >= len(data):
        start %= len(data)
    return {"recordsTotal": len(data), "data": list(data[start : start + length])}


def detail(place: str, native_id: str) -> dict[str, Any]:
    """The detail of one dataset; an unknown id is said in the body, with HTTP 200."""
    dataset = _by_id(place).get(native_id)
    if dataset is None:
        return {"code": "404", "msg": "目录不存在或已下架", "data": None}
    items = [
        {
            "column_id": f"{dataset.native_id[:8]}{number:04d}",
            "column_name": column.name,
            "column_code": column.field,
            "column_type": column.letter,
            "column_length": str(column.length),
            "column_desc": column.description or None,
            "open_attribute": "1" if dataset.level == "open" else "0",
        }
        for number, column in enumerate(dataset.columns, start=1)
    ]
    data = row(dataset) | {
        "open_condition": dataset.condition,
        "open_basis": basis_text(dataset),
        "shared_type": says(dataset, "share"),
        "shared_condition": dataset.share_condition,
        "shared_mode": "共享平台",
        "region_code": str(places()[place]["code"]),
        "contact_phone": phone(dataset),
        "items": items,
    }
    return {"code": "200", "msg": "", "data": data}


def page(place: str, native_id: str) -> str | None:
    """The page of one dataset for people, None for an unknown id."""
    dataset = _by_id(place).get(native_id)
    if dataset is None:
        return None
    title, text = html.escape(dataset.title), html.escape(dataset.description)
    head = f"<meta charset=utf-8><title>{title}</title>"
    body = f"<body><h1>{title}</h1><p>{text}</p></body>"
    return f"<!DOCTYPE html><html lang=zh><head>{head}</head>{body}</html>"


def phone(dataset: Dataset) -> str:
    """The made-up office number of the providing agency."""
    rng = random.Random(f"{dataset.place}{dataset.agency}")
    area = str(places()[dataset.place]["area_code"])
    digits = 7 if area == "0451" else 6
    return f"{area}-8{rng.randrange(10**digits):0{digits}d}"


def file_list(place: str, native_id: str) -> dict[str, Any]:
    """The files of one dataset."""
    dataset = _by_id(place).get(native_id)
    found = sorted(dataset.files, key=lambda f: ORDER.index(f.format)) if dataset else []
    data = [
        {
            "fileId": file.file_id,
            "fileName": file.name,
            "fileFormat": file.format,
            "updateTime": f"{file.modified} 00:00:00",
        }
        for file in found
    ]
    return {"recordsTotal": len(data), "data": data}
