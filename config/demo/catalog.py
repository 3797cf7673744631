"""The demo province's catalog: compact YAML lines → full dataset records.

`catalog/<place>.yaml` holds what is the place's own, one dataset a line::

    title | agency | theme | update cycle | columns [| options]

and, under `common:`, which shared topics of `_common.yaml` it publishes, in which wording.
Columns are separated by spaces; each is a name and, where that does not say enough, its values::

    票价(元)[1,3]       whole numbers in a range
    水温(℃)[0,26]f      numbers with a fraction
    等级{一级,二级}      one of a list
    站名<{r}/{b}广场>    a made-up name (values.py)
    单位名称@company    a named kind of values.py

Options: `申请/企业`, `不予/测绘`, `未定/空` (terms of policies.yaml; none = 无条件开放),
`gen=60` (rows), `months=11-3` (a seasonal series).
All is derived from a seed: the same text and ids on every machine.
"""

from __future__ import annotations

import functools
import hashlib
import random
import re
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
NAMESPACE = uuid.UUID("5b0c5a6e-9d2f-5f3e-8f53-0f7d1f2a2300")
TODAY = date(2026, 11, 20)  # the demo's own "today": dates must not depend on the clock

COLUMN = re.compile(
    r"(?P<name>[^<{\[@]+?)"
    r"(?:<(?P<pattern>[^>]*)>|\{(?P<choices>[^}]*)\}|\[(?P<range>[^\]]*)\](?P<float>f?)|@(?P<kind>\w+))?$"
)
UNIT = re.compile(r"[（(]([^（()）]*)[)）]$")
ENCODINGS = (
    "utf-8-sig",
    "utf-8",
    "gb18030",
    "gb18030-bom",
)  # of CSV files, about as often as cities use them
LETTERS = {"number": "N", "integer": "I", "date": "D", "datetime": "T", "flag": "L"}


@dataclass(frozen=True)
class Column:
    """One 信息项: what the catalog says of it, and how rows.py fills it."""

    name: str
    field: str
    letter: str  # data type: C N Y D T L M G B I F
    length: int
    description: str
    kind: str
    args: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataFile:
    """One file of a dataset; `file_id` is what its address holds."""

    file_id: str
    name: str
    format: str  # csv | xlsx | json
    encoding: str  # of CSV: utf-8 | utf-8-sig | gb18030 | gb18030-bom
    modified: date


@dataclass(frozen=True)
class Dataset:
    """One catalog entry as the place's own system knows it."""

    place: str
    native_id: str
    title: str
    agency: str
    theme: str
    industry: str
    cycle: str
    description: str
    tags: tuple[str, ...]
    columns: tuple[Column, ...]
    level: str  # open | on_request | closed | unknown
    level_words: str  # what the source says of a level it never settled
    level_code: str
    condition: str
    basis: tuple[tuple[str, str], ...]
    share: str  # unconditional | conditional | none
    share_condition: str
    released: date
    updated: date
    rows: int
    files: tuple[DataFile, ...]
    seed: int
    months: tuple[int, ...] = ()  # the months a seasonal series has, all if empty
    common: str = ""  # the shared topic it comes from, if any


def load(name: str) -> Any:
    """One of the YAML files beside this one."""
    with open(HERE / name, encoding="utf-8") as handle:
        return yaml.safe_load(handle)


@functools.cache
def places() -> dict[str, dict[str, Any]]:
    """The 13 cities and the province (`places.yaml`)."""
    return dict(load("places.yaml"))


@functools.cache
def sources() -> dict[str, dict[str, Any]]:
    """The sources by place (`sources.yaml`)."""
    return {str(s["name"]): s for s in load("sources.yaml")["sources"]}


def basis_text(dataset: Dataset) -> str:
    """The legal basis as catalogs write it: 《…法》第…条；…"""
    return "；".join(f"《{law}》{article}" for law, article in dataset.basis)


def says(dataset: Dataset, what: str) -> str:
    """The source's own word for a dataset's `open`, `share`, `cycle` or `agency`."""
    speaks, place = sources()[dataset.place]["speaks"], places()[dataset.place]
    if what == "agency":
        name = place.get("agency_names", {}).get(dataset.agency, dataset.agency)
        return name if speaks.get("agency") == "short" else f"{place['city']}{name}"
    if what == "cycle":
        return str(speaks["cycle"].get(dataset.cycle, dataset.cycle))
    if what == "open" and dataset.level == "unknown":
        return {"words": dataset.level_words, "code": dataset.level_code}.get(
            speaks["unknown"], speaks["unknown"]
        )
    return str(speaks[what][dataset.level if what == "open" else dataset.share])


@functools.cache
def words() -> dict[str, Any]:
    """The word lists and rules (`words.yaml`)."""
    data = dict(load("words.yaml"))
    data["initials"] = {c: letter for letter, run in data["initials"].items() for c in run}
    return data


@functools.cache
def _policies() -> dict[str, Any]:
    return dict(load("policies.yaml"))


def seed_of(*parts: str) -> int:
    """A seed that is the same on every machine and Python (unlike `hash`)."""
    return int.from_bytes(
        hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest(), "big"
    )


def _field(name: str, upper: bool) -> str:
    """A database field name as such tables have them: pinyin initials of the column's name."""
    initials = words()["initials"]
    text = "".join(
        initials.get(c, c if c.isascii() and c.isalnum() else "") for c in UNIT.sub("", name)
    )
    text = text[:24] or "xx"
    return text.upper() if upper else text.lower()


def _kind(name: str, match: re.Match[str]) -> tuple[str, tuple[str, ...]]:
    """Which generator fills a column: as written, else by the rules of words.yaml on its name."""
    if match["pattern"] is not None:
        return "pattern", tuple(match["pattern"].split("/"))
    if match["choices"] is not None:
        return "choice", tuple(match["choices"].split(","))
    if match["range"] is not None:
        low, high = match["range"].split(",")
        return ("number" if match["float"] or "." in match["range"] else "integer"), (low, high)
    if match["kind"]:
        return match["kind"], ()
    for rule, kind in words()["kinds"].items():
        if re.search(rule, name):
            return str(kind), ()
    return "code", ()


def parse_columns(text: str, upper: bool = False) -> tuple[Column, ...]:
    """The columns of one line of notation. Raises ValueError for a word that is none."""
    out: list[Column] = []
    used: set[str] = set()
    for token in _split(text):
        match = COLUMN.match(token)
        if not match:
            raise ValueError(f"not a column: {token}")
        name = match["name"].strip()
        kind, args = _kind(name, match)
        field = _field(name, upper)
        while field in used:
            field += "1"
        used.add(field)
        letter = LETTERS.get(kind, words()["letters"].get(kind, "C"))
        length = int(words()["lengths"].get(kind, 100))
        out.append(Column(name, field, letter, length, _describe(name, kind, args), kind, args))
    return tuple(out)


def _split(text: str) -> list[str]:
    """Split on spaces outside brackets (values may hold a space)."""
    return re.findall(r"(?:<[^>]*>|\{[^}]*\}|\[[^\]]*\]|[^\s<{\[])+", text)


def _describe(name: str, kind: str, args: tuple[str, ...]) -> str:
    unit = UNIT.search(name)
    if kind == "choice":
        return "取值：" + "、".join(dict.fromkeys(args))
    if unit and kind in ("number", "integer"):
        return f"计量单位：{unit[1]}"
    return str(words()["descriptions"].get(kind, ""))


def _files(
    title: str, place: str, key: str, level: str, rng: random.Random, updated: date
) -> tuple[DataFile, ...]:
    formats = rng.choice(
        [
            ("csv",),
            ("xlsx",),
            ("csv", "xlsx"),
            ("csv", "json"),
            ("csv", "xlsx", "json"),
            ("xlsx", "csv"),
            ("json", "csv"),
        ]
    )
    out = []
    for fmt in formats if level == "open" else formats[:1]:
        # Ids of files are random-looking for every level: nobody can guess one from the catalog.
        file_id = uuid.uuid5(NAMESPACE, f"file|{place}|{key}|{fmt}").hex
        encoding = rng.choices(ENCODINGS, (50, 30, 16, 4))[0] if fmt == "csv" else ""
        out.append(DataFile(file_id, f"{title}.{fmt}", fmt, encoding, updated))
    return tuple(out)


def _dataset(place: str, entry: dict[str, Any]) -> Dataset:
    info, policies = places()[place], _policies()
    title, terms = entry["title"], entry.get("terms", "")
    seed = seed_of(place, entry["key"])
    rng = random.Random(seed)
    how, _, why = terms.partition("/")
    policy = policies[how][why] if terms else {}
    level = {"": "open", "申请": "on_request", "不予": "closed", "未定": "unknown"}[how]
    share = policy.get("share") or rng.choice(
        ["unconditional", "unconditional", "unconditional", "conditional"]
    )
    text = entry["columns"]
    if len(_split(text)) < 4 or rng.random() < 0.08:
        text += " 备注"
    columns = parse_columns(text, upper=bool(info.get("upper_fields")))
    released = date(2019, 1, 7) + timedelta(days=rng.randrange(2700))
    age = int(words()["cycle_age"].get(entry["cycle"], 300))
    late = 4 if rng.random() < 0.12 else 1  # some are late against their own cycle
    updated = max(released, TODAY - timedelta(days=rng.randrange(age * late + 1)))
    description = entry.get("description") or _summary(
        title, info["city"], columns, entry["agency"], rng
    )
    tags = [UNIT.sub("", c.name) for c in columns[:4]] + [entry["theme"]]
    native = str(uuid.uuid5(NAMESPACE, f"{place}|{entry['key']}"))
    return Dataset(
        place=place,
        native_id=native.replace("-", "")
        if info["kind"] == "odweb"
        else f"307{info['code']}/{entry['number']:06d}",
        title=title,
        agency=entry["agency"],
        theme=entry["theme"],
        industry=_industry(title, entry["theme"]),
        cycle=entry["cycle"],
        description=description,
        tags=tuple(dict.fromkeys(tags)),
        columns=columns,
        level=level,
        level_words=policy.get("words", ""),
        level_code=policy.get("code", ""),
        condition=policy.get("condition", ""),
        basis=tuple((b["law"], b["article"]) for b in policy.get("basis", ())),
        share=share,
        share_condition=policy.get("share_condition")
        or ("用于履行部门职责，不得用于其他用途" if share == "conditional" else ""),
        released=released,
        updated=updated,
        rows=int(entry.get("gen") or rng.randrange(100, 601)),
        files=_files(re.sub(r'[\\/:*?"<>|]', "_", title), place, entry["key"], level, rng, updated),
        seed=seed,
        months=_months(str(entry.get("months", ""))),
        common=entry.get("common", ""),
    )


def _months(text: str) -> tuple[int, ...]:
    """`11-3` → 11, 12, 1, 2, 3."""
    if not text:
        return ()
    first, last = (int(m) for m in text.split("-"))
    return tuple((first - 1 + i) % 12 + 1 for i in range((last - first) % 12 + 1))


def _industry(title: str, theme: str) -> str:
    told = (name for rule, name in words()["industry_words"].items() if re.search(rule, title))
    return str(next(told, words()["industry_of_theme"][theme]))


def _summary(
    title: str, city: str, columns: tuple[Column, ...], agency: str, rng: random.Random
) -> str:
    names = "、".join(UNIT.sub("", c.name) for c in columns)
    plain = title.removeprefix(city)
    return rng.choice(
        [
            f"提供{title}，包括{names}等信息。",
            f"{city}{agency}履职过程中形成的{plain}，主要字段有{names}。",
            f"本数据集收录{plain}，字段包括：{names}。数据由{agency}整理并按更新周期发布。",
            f"{plain}。数据项：{names}等，供社会公众查询和再利用。",
        ]
    )


def _common(place: str, topic: str, choice: int, template: dict[str, Any]) -> dict[str, Any]:
    rng = random.Random(seed_of("common", place, topic))
    year = rng.choice([2024, 2025, 2026])
    optional = _split(template["optional"])
    kept = [c for c in optional if rng.random() < 0.7] or optional[:2]
    if ("经度" in kept) != ("纬度" in kept):
        kept = [c for c in kept if c not in ("经度", "纬度")]
    return {
        "key": topic,
        "common": topic,
        "title": template["titles"][choice].format(
            city=places()[place]["city"], year=year, year1=year + 1
        ),
        "agency": template["agency"],
        "theme": template["theme"],
        "cycle": rng.choice(template["cycles"]),
        "columns": " ".join([template["columns"], *kept]),
        "terms": template.get("terms", ""),
        "months": template.get("months", ""),
    }


def _own(place: str, line: str) -> dict[str, Any]:
    parts = [p.strip() for p in line.split(" | ")]
    if not 5 <= len(parts) <= 6:
        raise ValueError(f"{place}: a line needs five or six parts: {line}")
    names = ("title", "agency", "theme", "cycle", "columns")
    entry = dict(zip(names, parts[:5], strict=True))
    entry["key"] = entry["title"] = entry["title"].replace("{year}", "2026")
    for option in parts[5].split() if len(parts) > 5 else ():
        name, eq, value = option.partition("=")
        if eq:
            entry[name] = value
        else:
            entry["terms"] = option
    return entry


@functools.cache
def catalog(place: str) -> tuple[Dataset, ...]:
    """All datasets of one place, in the order its portal lists them.

    Raises KeyError or ValueError for a line that names an unknown topic, theme or term.
    """
    data, templates = load(f"catalog/{place}.yaml"), load("catalog/_common.yaml")
    entries = [_common(place, t, n, templates[t]) for t, n in data["common"].items()]
    entries += [_own(place, str(line)) for line in data["datasets"]]
    sets = [_dataset(place, {**e, "number": n}) for n, e in enumerate(entries, start=1)]
    return tuple(sorted(sets, key=lambda d: (d.updated, d.title), reverse=True))


def province() -> tuple[Dataset, ...]:
    """The whole demo province."""
    return tuple(d for place in places() for d in catalog(place))
