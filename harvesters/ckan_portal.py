"""Another CKAN by its API: `package_search`, a thousand datasets at a time, sorted by id so that
pages do not shift; where a portal is too old for that, `package_list` and `package_show`.

A portal of our own kind is known by its fields (``open_type`` with ``items``, ``open_basis`` or
``share_type``): they come over whole. What any other CKAN calls open is read by the mapping's codes
from the field it names, or everything is open because an administrator says so (``feed``). Neither
private and deleted datasets come over, nor what this portal itself has published there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import ckan.plugins as p

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.ingest import levels, text
from ckanext.hljshare.ingest.fetch import Fetcher, SourceError, as_json
from ckanext.hljshare.ingest.record import CatalogRecord, Deferred, ResourceRecord

from . import build, fingerprint, licences
from .base import HljshareHarvester
from .mapping import Mapping as SourceMapping
from .pages import MAX_PAGES, Turning, once, readable, whole_number

API = "api/3/action/"
ROWS = 1000
# Answers that say the portal has no package_search worth the name.
TOO_OLD = frozenset(f"unreachable: HTTP {status}" for status in (400, 404, 405, 409, 410, 501))
GONE = frozenset(f"unreachable: HTTP {status}" for status in (403, 404, 410))
# Fields of ours that `build.record` does not read by itself, by how they are checked.
OWN_CODED = {
    "catalog_class": "classification",
    "content_kind": "content_kind",
    "region_code": "region",
    "format_class": "format_class",
    "format_type": "format_type",
    "contains_personal_information": "yes_no",
    "share_mode": "share_mode",
}
OWN_TEXTS = (
    "resource_code",
    "data_manager",
    "format_note",
    "desensitize_note",
    "open_condition",
    "use_scope",
    "secrecy_review",
    "review_date",
)
OWN_ROWS = {
    "items": ("name", "field", "data_type", "length", "description", "sensitivity"),
    "open_basis": ("law", "article", "url"),
}
ROW_CODED = {"data_type": "data_type", "sensitivity": "sensitivity"}
OWN_TO_RAW = {
    "open_type": "open",
    "share_type": "share",
    "update_cycle": "cycle",
    "data_updated": "updated",
    **{
        name: name
        for name in (
            *("open_condition", "share_condition", "share_basis", "released", "theme", "industry"),
            *("provider_inner", "contact_name", "contact_phone", "use_condition"),
        )
    },
}
# CKAN's own fields in our words; others are found by the names any catalog uses.
STOCK_TO_RAW = {
    "metadata_created": "released",
    "metadata_modified": "updated",
    "maintainer": "contact_name",
    "url": "source_url",
}
_STOCK = frozenset(
    {
        *("id", "name", "title", "notes", "type", "state", "private", "isopen", "owner_org"),
        *("tags", "groups", "organization", "resources", "extras", "relationships_as_object"),
        *("relationships_as_subject", "num_tags", "num_resources", "creator_user_id", "version"),
        *("license_title", "license_url", "revision_id", *STOCK_TO_RAW),
    }
)
_ADDRESSES = ("source_url", "url", "guid", "uri", "harvest_source_url")


class CkanPortal:
    """Adapter: records of one CKAN portal. ``own_site`` is this portal's address: what came from
    here is not taken back.
    """

    def __init__(
        self,
        url: str,
        mapping: SourceMapping,
        fetcher: Fetcher,
        today: date | None = None,
        own_site: str = "",
    ) -> None:
        base = url.split("?")[0].rstrip("/")
        self._base = base.removesuffix("/api/3").removesuffix("/dataset") + "/"
        self._mapping, self._fetcher, self._today = mapping, fetcher, today
        self._own_site = own_site
        self._types = frozenset(mapping.feed.get("types") or ("dataset",))
        self.total: int | None = None
        self._counted: int | None = None
        self._left_out = 0
        self._codes: set[str] = set()

    def _count(self, counted: int | None) -> None:
        """What the portal counts, without what was left out here on purpose, is the total."""
        self._counted = counted
        self.total = None if counted is None else max(0, counted - self._left_out)

    def records(self) -> Iterator[CatalogRecord | Deferred]:
        """Each dataset once, by id. Raises SourceError."""
        made_with = fingerprint.stamp(self._mapping, self._base, self._own_site)
        for dataset in self._datasets():
            if not self._is_wanted(dataset):
                self._leave_out()
                continue
            read = partial(make_record, dataset, self._base, self._mapping, self._today)
            native = text.line(dataset.get("id"))
            make = partial(readable, native, dataset.get("title"), read)
            code = str(dataset.get("resource_code") or "")
            if code in self._codes:
                yield once(make(), self._codes)
                continue
            if code:
                self._codes.add(code)
            yield Deferred(native, fingerprint.of(dataset, made_with), make)

    def _leave_out(self) -> None:
        self._left_out += 1
        self._count(self._counted)

    def _is_wanted(self, dataset: Mapping[str, Any]) -> bool:
        if dataset.get("private") or dataset.get("state", "active") != "active":
            return False
        kind = str(dataset.get("type") or "dataset")
        if kind not in self._types or dataset.get("withdrawn_on"):
            return False
        return not (self._own_site and self._is_ours(dataset))

    def _is_ours(self, dataset: Mapping[str, Any]) -> bool:
        """Whether any address a dataset gives as its origin, or its own page, is of this site."""
        given = [dataset.get(name) for name in _ADDRESSES]
        for extra in _dicts(dataset.get("extras")):
            if isinstance(extra, dict) and extra.get("key") in _ADDRESSES:
                given.append(extra.get("value"))
        given.append(self._base)
        return any(isinstance(url, str) and is_below(url, self._own_site) for url in given)

    def _datasets(self) -> Iterator[dict[str, Any]]:
        """Datasets with a new id. A second round catches what moved between pages while the
        portal's count changed under us.
        """
        turning = Turning()
        try:
            first = self._search(0)
        except SourceError as error:
            if error.reason not in TOO_OLD:
                raise
            yield from self._one_by_one()
            return
        counted = whole_number(first.get("count"))
        yield from self._pages(first, turning)
        if self._counted != counted:
            yield from self._pages(self._search(0), turning, again=True)
            # What was deleted meanwhile has been given already; it is no disagreement.
            self._count(max(self._counted or 0, len(turning.seen)))

    def _pages(
        self, answer: dict[str, Any], turning: Turning, *, again: bool = False
    ) -> Iterator[dict[str, Any]]:
        start = 0
        for _page in range(MAX_PAGES):
            self._count(whole_number(answer.get("count"), self._counted))
            rows = answer.get("results")
            if not isinstance(rows, list):
                raise SourceError("not-a-catalog: no list of datasets")
            for row in rows:
                if isinstance(row, dict) and turning.is_new(text.line(row.get("id"))):
                    yield row
            start += len(rows)
            ended = turning.ended(len(rows), self._counted)
            if not rows or (start >= (self._counted or 0) if again else ended):
                return
            time.sleep(self._mapping.pause)
            answer = self._search(start)

    def _search(self, start: int) -> dict[str, Any]:
        size = self._mapping.feed.get("rows", ROWS)
        found = self._call("package_search", {"rows": size, "start": start, "sort": "id asc"})
        if not isinstance(found, dict):
            raise SourceError("not-a-catalog: no list of datasets")
        return found

    def _one_by_one(self) -> Iterator[dict[str, Any]]:
        names = self._call("package_list", {})
        if not isinstance(names, list):
            raise SourceError("not-a-catalog: no list of datasets")
        turning = Turning()
        unique = list(dict.fromkeys(text.line(name) for name in names))
        self._count(len(unique))
        for name in unique:
            try:
                dataset = self._call("package_show", {"id": name})
            except SourceError as error:
                if error.reason not in GONE:
                    raise
                self._leave_out()  # deleted or closed since it was listed
                continue
            if isinstance(dataset, dict) and turning.is_new(text.line(dataset.get("id"))):
                yield dataset
            time.sleep(self._mapping.pause)

    def _call(self, action: str, params: dict[str, Any]) -> Any:
        answer = as_json(self._fetcher.get(self._base + API + action, params))
        if not isinstance(answer, dict) or "success" not in answer:
            raise SourceError("not-a-catalog: no answer of CKAN's API")
        if answer["success"] is not True:
            raise SourceError(f"source-error: {action}")
        return answer.get("result")


def is_below(url: str, site: str) -> bool:
    """Whether an address is on a site (host, port and the site's own path), whatever its scheme."""
    try:
        one, other = urlsplit(url), urlsplit(site)
        same = bool(other.hostname) and one.hostname == other.hostname
        if not same or _port(one.scheme, one.port) != _port(other.scheme, other.port):
            return False
    except ValueError:
        return False
    root = other.path.rstrip("/") + "/"
    return (one.path.rstrip("/") + "/").startswith(root)


def _port(scheme: str, port: int | None) -> int:
    return port or (443 if scheme == "https" else 80)


def make_record(
    dataset: Mapping[str, Any], base: str, mapping: SourceMapping, today: date | None = None
) -> CatalogRecord:
    """The record of one dataset as `package_show` gives it."""
    native_id = text.line(dataset.get("id"))
    organization = dataset.get("organization")
    named = organization.get("title") if isinstance(organization, dict) else None
    values: dict[str, object] = {
        "title": dataset.get("title") or dataset.get("name"),
        "notes": dataset.get("notes"),
        "provider": named or "",
        "tags": [
            tag.get("display_name") or tag.get("name")
            for tag in dataset.get("tags") or ()
            if isinstance(tag, dict)
        ],
        "source_url": f"{base}dataset/{quote(str(dataset.get('name') or native_id), safe='')}",
    }
    raw = build.Raw(values, resources=list(_resources(dataset, base)))
    listed = dataset.get("resources")
    left_out = (len(listed) if isinstance(listed, list) else 0) - len(raw.resources)
    if left_out > 0:
        raw.warnings.append(f"files-without-address: {left_out}")
    licence = licences.find(dataset.get("license_id")) or licences.find(dataset.get("license_url"))
    more: dict[str, Any] = {"license_id": licence} if licence else {}
    if not is_own_kind(dataset):
        values.update(_others_values(dataset, values, mapping))
        made = build.record(native_id, raw, mapping, today)
        return replace(made, fields={**made.fields, **more})
    for theirs, ours in OWN_TO_RAW.items():
        values[ours] = dataset.get(theirs)
    if values["share"] == "none":  # what portals also write for nothing
        values["share"] = "不予共享"
    raw.items = [{"item_name": item.get("name")} for item in _dicts(dataset.get("items"))]
    made = build.record(native_id, raw, mapping, today)
    return replace(made, fields={**made.fields, **_own_fields(dataset), **more})


def is_own_kind(dataset: Mapping[str, Any]) -> bool:
    """Whether a dataset has our metadata: an opening level in our code, and a field beside it that
    nobody else has.
    """
    if not codelists.item("open_type", _text(dataset.get("open_type"))):
        return False
    return bool(
        codelists.item("share_type", _text(dataset.get("share_type")))
        or _dicts(dataset.get("items"))
        or _dicts(dataset.get("open_basis"))
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _own_fields(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Our fields that come over as they are; codes our lists do not know are left behind."""
    found: dict[str, Any] = {}
    for name, codelist in OWN_CODED.items():
        code = _text(dataset.get(name))
        if code and codelists.is_valid(codelist, code):
            found[name] = code
    for name in OWN_TEXTS:
        words = text.clean(_text(dataset.get(name)))
        if words:
            found[name] = words
    for name, parts in OWN_ROWS.items():
        rows = [
            {part: _scalar(row[part]) for part in parts if _is_usable(part, row.get(part))}
            for row in _dicts(dataset.get(name))
        ]
        rows = [row for row in rows if row.get(parts[0])]
        if rows:
            found[name] = rows
    related = dataset.get("related_codes")
    if isinstance(related, list):
        found["related_codes"] = [code for code in map(_text, related) if code]
    elif _text(related):
        found["related_codes"] = related
    return found


def _is_usable(part: str, value: object) -> bool:
    codelist = ROW_CODED.get(part)
    if codelist:
        return isinstance(value, str) and codelists.is_valid(codelist, value)
    return isinstance(value, (str, int)) and value != ""


def _scalar(value: object) -> object:
    return value if isinstance(value, int) else text.clean(value)


def _others_values(
    dataset: Mapping[str, Any], known: Mapping[str, object], mapping: SourceMapping
) -> dict[str, object]:
    """What a CKAN of another kind says, in our words: extras and fields of its own schema first,
    then what stock CKAN has in their place.
    """
    loose: dict[str, object] = {
        name: value for name, value in dataset.items() if name not in _STOCK
    }
    for extra in _dicts(dataset.get("extras")):
        if extra:
            loose.setdefault(text.line(extra.get("key")), extra.get("value"))
    found: dict[str, object] = {}
    for name, value in loose.items():
        ours = mapping.headers.get(text.key(name))
        if ours and ours not in found and _is_plain(value) and not known.get(ours):
            found[ours] = value
    for theirs, ours in STOCK_TO_RAW.items():
        if ours not in found and not text.is_empty(dataset.get(theirs)):
            found[ours] = dataset[theirs]
    if not str(found.get("source_url", "")).startswith(("http://", "https://")):
        found.pop("source_url", None)
    if "theme" not in found:
        found["theme"] = _theme(dataset.get("groups"))
    field = mapping.feed.get("open_field")
    if field:
        found["open"] = loose.get(field, dataset.get(field))
    if text.is_empty(found.get("open")) and mapping.feed.get("assume_open"):
        found["open"] = _OPEN
    return found


_OPEN = next(word for word, level in levels.OPEN_WORDS.items() if level == "open")


def _is_plain(value: object) -> bool:
    return isinstance(value, (str, int, float)) and not text.is_empty(value)


def _theme(groups: object) -> str:
    """The first group that is one of our themes; groups are used for much else."""
    for group in _dicts(groups):
        for name in (group.get("title"), group.get("display_name"), group.get("name")):
            if codelists.find("theme", text.line(name)):
                return text.line(name)
    return ""


def _resources(dataset: Mapping[str, Any], base: str) -> Iterable[ResourceRecord]:
    """Files and interfaces with an address on the web. A level of a file's own comes over where it
    is not looser than its dataset's: the derivative that would justify it is not told.
    """
    whole = _text(dataset.get("open_type"))
    for number, row in enumerate(_dicts(dataset.get("resources")), start=1):
        if row.get("state", "active") != "active":
            continue
        native_id = text.line(row.get("id")) or str(number)
        url, declared = _text(row.get("url")).strip(), text.line(row.get("format"))
        if url.startswith("_datastore_only"):
            url, declared = f"{base}datastore/dump/{quote(native_id, safe='')}", "CSV"
        if url and "://" not in url:
            url = urljoin(base, url)
        if not url.startswith(("http://", "https://")):
            continue
        level = _text(row.get("open_type"))
        if not codelists.item("open_type", level) or levels.is_looser(level, whole or level):
            level = ""
        yield build.file_record(
            native_id,
            text.line(row.get("name")) or text.line(row.get("description"))[:80] or native_id,
            url,
            declared,
            description=text.strip_html(row.get("description")),
            size=whole_number(row.get("size")),
            modified=text.line(row.get("last_modified") or row.get("data_updated")) or None,
            open_type=level or None,
        )


def _not_our_own(url: str, mapping: SourceMapping, fetcher: Fetcher) -> CkanPortal:
    return CkanPortal(url, mapping, fetcher, own_site=p.toolkit.config.get("ckan.site_url") or "")


class CkanPortalHarvester(HljshareHarvester):
    """ckanext-harvest's view of this kind of source."""

    kind = "ckan_portal"
    title = "CKAN 平台"
    description = (
        "地址填 CKAN 网站首页；本系统的下级平台字段完整带入，其他 CKAN 的开放类型由映射文件说明"
    )
    adapter = staticmethod(_not_our_own)
