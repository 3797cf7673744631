"""From what a source says of a dataset to the canonical record: the part all kinds of source share.
No CKAN import.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from ckanext.hljshare.catalog import codelists, codes, rules
from ckanext.hljshare.ingest import levels, naming, suspect, text
from ckanext.hljshare.ingest.record import CatalogRecord, ResourceRecord

from .mapping import Mapping as SourceMapping

MAX_RESOURCES = 500
ITEM_TYPES = {
    "字符": "C",
    "字符型": "C",
    "文本": "C",
    "字符串": "C",
    "string": "C",
    "varchar": "C",
    "char": "C",
    "数值": "N",
    "数值型": "N",
    "数字": "N",
    "number": "N",
    "numeric": "N",
    "decimal": "N",
    "货币": "Y",
    "货币型": "Y",
    "日期": "D",
    "日期型": "D",
    "date": "D",
    "日期时间": "T",
    "日期时间型": "T",
    "时间": "T",
    "datetime": "T",
    "timestamp": "T",
    "逻辑": "L",
    "逻辑型": "L",
    "布尔": "L",
    "boolean": "L",
    "备注": "M",
    "备注型": "M",
    "text": "M",
    "通用": "G",
    "通用型": "G",
    "双精度": "B",
    "双精度型": "B",
    "double": "B",
    "整型": "I",
    "整数": "I",
    "int": "I",
    "integer": "I",
    "浮点": "F",
    "浮点型": "F",
    "float": "F",
}
_ITEM_CODES = frozenset(ITEM_TYPES.values())
SHARE_MODES = {
    "共享平台": "platform_file",
    "平台": "platform_file",
    "邮件": "mail",
    "拷盘": "disk",
    "介质交换": "medium",
}
_LENGTH = re.compile(r"\d{1,9}")
_BASIS = re.compile(r"《([^》]+)》\s*(.*)")
_ITEM_LIST = re.compile(
    r"(?:包括|包含|内容有|主要有|字段有)[:：]?(.+?)(?:等[^、，。]{0,8}(?:信息|数据|内容|字段|指标|情况)?)?[。.；;]?$"
)
FORMAT_NOTES = {  # 自描述格式 must say how they are read
    "JSON": "JSON（RFC 8259）文本，每条记录一个对象，字段见信息项",
    "XML": "XML 1.0 文本，每条记录一个元素，字段见信息项",
}
ITEMS_UNLISTED = "（来源目录未列明信息项）"
SHARE_CONDITION_ASSUMED = "来源目录未载明共享类型，按有条件共享登记，具体条件由提供方确认"


@dataclass
class Raw:
    """One dataset in the source's words: our field names (as in aliases.yaml) → its values."""

    values: Mapping[str, object]
    items: list[dict[str, object]] = field(default_factory=list)
    resources: list[ResourceRecord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    held: str | None = None

    def line(self, name: str) -> str:
        """A value on one line, "" for nothing."""
        value = self.values.get(name)
        return "" if text.is_empty(value) else text.line(value)


def record(
    native_id: str, raw: Raw, mapping: SourceMapping, today: date | None = None
) -> CatalogRecord:
    """The canonical record of one dataset."""
    warnings: list[str] = list(raw.warnings)
    unread: dict[str, str] = {}
    title, notes = raw.line("title"), text.strip_html(raw.values.get("notes"))
    level = _levels(raw, mapping)
    released, updated, date_warnings = text.release_and_update(
        raw.values.get("released"), raw.values.get("updated"), today or text.today()
    )
    warnings += date_warnings
    fields: dict[str, Any] = {
        "notes": notes,
        "released": released,
        "data_updated": updated,
        "open_type": level.open_type,
        "supply_channel": "harvest",
        "source_site": mapping.site,
    }
    for name in ("provider_inner", "contact_name", "contact_phone", "use_condition"):
        fields[name] = raw.line(name)
    if fields["contact_phone"] and not rules.is_telephone(fields["contact_phone"]):
        unread["contact_phone"] = fields.pop("contact_phone")
        warnings.append(f"phone-unreadable: {unread['contact_phone'][:40]}")
    code = codes.parse(raw.line("code"))
    if code and "native-id-unstable" not in warnings:
        fields["resource_code"] = code.text
    fields.update(_coded(raw, mapping, warnings, unread))
    if raw.line("source_url").startswith(("http://", "https://")):
        fields["source_url"] = raw.line("source_url")
    fields.update(_opening(raw, level.open_type))
    fields.update(_sharing(raw, level, warnings))
    resources = raw.resources[:MAX_RESOURCES]
    if len(raw.resources) > MAX_RESOURCES:
        warnings.append(f"resources-capped: {MAX_RESOURCES}")
    fields.update(_format(raw, resources, mapping))
    items = _items(raw.items)
    held = raw.held or level.held
    if level.open_type == "open":
        risky = suspect.identifying_items(item["name"] for item in items)
        held = held or (f"personal-data-columns: {'、'.join(risky[:5])}" if risky else None)
        people = suspect.people_in_title(title)
        if people:
            warnings.append(f"personal-data-suspected: {people}")
        listed = suspect.identifying_items(items_in_summary(notes))
        if listed and not items:
            warnings.append(f"personal-data-suspected: {'、'.join(listed[:5])}")
    fields["items"] = items or [{"name": name} for name in items_in_summary(notes)]
    if not fields["items"]:
        warnings.append("items-unlisted")
        fields["items"] = [{"name": ITEMS_UNLISTED}]
    for name, value in mapping.defaults.items():
        if not fields.get(name):
            fields[name] = value
    return CatalogRecord(
        native_id=native_id,
        title=title,
        provider=raw.line("provider") or None,
        fields={name: value for name, value in fields.items() if value not in (None, "", [])},
        tags=text.tags(raw.values.get("tags")),
        resources=tuple(resources),
        warnings=tuple(dict.fromkeys(warnings)),
        held=held,
        raw=unread,
    )


def _coded(
    raw: Raw, mapping: SourceMapping, warnings: list[str], unread: dict[str, str]
) -> dict[str, str | None]:
    """Update cycle, theme and industry by their lists. A cycle that is missing or unknown is listed
    as irregular, the one that promises nothing and is not scored.
    """
    coded: dict[str, str | None] = {}
    for kind, name in (("cycle", "update_cycle"), ("theme", "theme"), ("industry", "industry")):
        coded[name] = _code(kind, name, raw.values.get(kind), mapping)
        if coded[name] is None and raw.line(kind):
            warnings.append(f"{kind}-unknown: {raw.line(kind)[:40]}")
            unread[kind] = raw.line(kind)
    if not coded["update_cycle"] and not mapping.defaults.get("update_cycle"):
        coded["update_cycle"] = "irregular"
        if not raw.line("cycle"):
            warnings.append("cycle-missing")
    return coded


def _levels(raw: Raw, mapping: SourceMapping) -> levels.Levels:
    """Opening and sharing; of 开放类型 and 是否向社会开放 that contradict each other, neither."""
    opening, is_open = raw.values.get("open"), raw.values.get("is_open")
    answer = levels.from_is_open(is_open, raw.values.get("open_condition"))
    if text.is_empty(opening):
        opening = answer
    level = levels.read(
        opening, raw.values.get("share"), mapping.codes.get("open"), mapping.codes.get("share")
    )
    answered = levels.read(answer or is_open).open_type
    if level.open_type and answered and (level.open_type == "closed") != (answered == "closed"):
        told = f"{text.line(opening)[:40]} / {raw.line('is_open')[:40]}"
        return levels.Levels(None, level.share_type, f"opening-conflict: {told}")
    return level


def _code(kind: str, codelist: str, value: object, mapping: SourceMapping) -> str | None:
    """By the source's map, else by the code list's own labels and aliases."""
    if text.is_empty(value):
        return None
    return mapping.code(kind, value) or codelists.find(codelist, text.line(value))


def _opening(raw: Raw, open_type: str | None) -> dict[str, Any]:
    if open_type in (None, "open"):
        return {}
    return {
        "open_condition": raw.line("open_condition"),
        "open_basis": parse_basis(raw.values.get("open_basis")),
    }


def _sharing(raw: Raw, level: levels.Levels, warnings: list[str]) -> dict[str, Any]:
    """Lists of open data rarely say how agencies share. What everybody may take, agencies may take;
    the rest is shared under
    conditions, since sharing is the rule and refusing it needs a basis (国发〔2016〕51号)."""
    shared = {
        "share_type": level.share_type,
        "share_condition": raw.line("share_condition"),
        "share_basis": raw.line("share_basis"),
        "share_mode": SHARE_MODES.get(text.key(raw.values.get("share_mode"))),
    }
    if level.share_type == "none" and not shared["share_basis"]:
        # 1272号, element 9: for 不予共享 the 共享条件 states the basis.
        shared["share_basis"] = shared["share_condition"] or raw.line("open_basis")
        shared["share_condition"] = shared["share_condition"] or shared["share_basis"]
    if level.share_type is None and level.open_type and raw.line("share") == "":
        opened = level.open_type == "open"
        shared["share_type"] = "unconditional" if opened else "conditional"
        if not opened:
            warnings.append("sharing-assumed")
            shared["share_condition"] = shared["share_condition"] or SHARE_CONDITION_ASSUMED
    return shared


def parse_basis(value: object) -> list[dict[str, str]]:
    """Laws and articles of a text such as ``《政府信息公开条例》第十五条；《统计法》第九条``."""
    found = []
    for part in re.split(r"[;；\n]+|(?<=条)[,，、](?=《)", text.clean(value)):
        part = text.line(part).strip("。.，, ")
        if text.is_empty(part):
            continue
        match = _BASIS.search(part)
        law, article = (match.group(1), match.group(2)) if match else (part, "")
        found.append({"law": law, "article": article} if article else {"law": law})
    return found


def _format(
    raw: Raw, resources: Iterable[ResourceRecord], mapping: SourceMapping
) -> dict[str, str]:
    """Class and type of format: of the first file that has one we know (a table before JSON), else
    as the catalog says.
    """
    declared = sorted((resource.format for resource in resources), key=lambda name: name == "JSON")
    declared += re.split(r"[,，、;；/\\|\s]+", raw.line("formats"))
    for word in declared:
        code = _code("format", "format_type", word, mapping)
        item = codelists.item("format_type", codelists.find("format_type", code))
        if item:
            note = {"format_note": FORMAT_NOTES.get(item["code"], "")}
            return {"format_type": item["code"], "format_class": item["class"], **note}
    return {}


@lru_cache(maxsize=1000)
def _item_type(kind: str) -> str | None:
    """The type's letter; ``字符型C`` is 字符型."""
    if kind.upper() in _ITEM_CODES:
        return kind.upper()
    return ITEM_TYPES.get(re.sub(r"[a-z]$", "", kind) if re.search(r"[一-鿿]", kind) else kind)


def _items(rows: Iterable[Mapping[str, object]]) -> list[dict[str, Any]]:
    items: dict[str, dict[str, Any]] = {}
    for row in rows:
        name = text.line(row.get("item_name"))
        if text.is_empty(name) or name in items:
            continue
        item: dict[str, Any] = {"name": name}
        if not text.is_empty(row.get("item_field")):
            item["field"] = text.line(row.get("item_field"))
        code = _item_type(text.key(row.get("item_type")))
        if code:
            item["data_type"] = code
        told = row.get("item_length")
        length = _LENGTH.match(text.line(told)) if told is not None else None
        if length and int(length.group()):
            item["length"] = int(length.group())
        if not text.is_empty(row.get("item_description")):
            item["description"] = text.line(row.get("item_description"))
        items[name] = item
    return list(items.values())


def items_in_summary(notes: str) -> list[str]:
    """Column names a summary lists: ``提供…信息，包括年份、指标、数量等信息。`` → 年份 指标
    数量. Empty where it lists none.
    """
    match = _ITEM_LIST.search(text.line(notes))
    if not match:
        return []
    names, depth, current = [], 0, ""
    for char in match.group(1):
        depth += (char in "(（") - (char in ")）")
        if char in "、,，" and depth <= 0:
            names.append(current)
            current = ""
        else:
            current += char
    names.append(current)
    cleaned = [text.line(name).strip("。;； ") for name in names]
    good = [name for name in dict.fromkeys(cleaned) if name and len(name) <= 60]
    return good if len(good) >= 2 else []


def file_record(
    native_id: str, name: str, url: str, declared: str = "", **more: Any
) -> ResourceRecord:
    """A file of a dataset, its format as declared or by its ending."""
    return ResourceRecord(
        native_id=native_id,
        name=text.line(name),
        url=url,
        format=naming.file_format(declared, url),
        **more,
    )
