"""Portals that answer in JSON, whatever their maker: what is asked and where things stand in the
answers is data, the part ``json`` of the source's mapping (`mappings/schema.json` explains it).

Lists come in pages that repeat, totals lie, errors and login pages come with status 200, catalogs
and their items come as changes in different tables: research notes, part "What city portals give".
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import ckan.plugins.toolkit as tk

from ckanext.hljshare.ingest import text
from ckanext.hljshare.ingest.fetch import Fetcher, SourceError, UnchangedError, as_json
from ckanext.hljshare.ingest.record import CatalogRecord

from . import json_plan, templates
from .base import HljshareHarvester, find_mapping
from .json_plan import Check, Detail, Join, Listing, Request
from .json_rows import Reader, digest
from .mapping import Mapping as SourceMapping
from .mapping import MappingError, load_text
from .network import OPTION, Secret, no_secrets, secret_for
from .pages import MAX_PAGES, SecondCalls, Turning, whole_number
from .paths import Path
from .shelf import Shelf

MAX_ANSWER = 64 * 1024 * 1024  # bytes of one JSON answer
CHANGES = "\n"  # the kind of the list's own rows on the shelf; no join can have this name
_ADDRESS = re.compile(r"(?:https?|ftp|jdbc)\S*|\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?", re.IGNORECASE)


class JsonApi:
    """Adapter: records of one portal. Raises MappingError for a mapping that cannot be used.

    ``validators``: what the last answer bore ({address digest: [ETag, Last-Modified]}). Where they
    are given and the whole source is one GET, an unchanged one raises UnchangedError; they are
    brought up to date by each run.
    """

    def __init__(
        self,
        url: str,
        mapping: SourceMapping,
        fetcher: Fetcher,
        today: date | None = None,
        secret: Secret = no_secrets,
    ) -> None:
        self.total: int | None = None
        self.validators: MutableMapping[str, list[str | None]] | None = None
        self._plan = json_plan.read(mapping.json)
        self._mapping, self._url, self._secret = mapping, url, secret
        self._base = url if _names_a_file(url) else url.split("?")[0].rstrip("/") + "/"
        self._fetcher = fetcher
        self._reader = Reader(self._plan, mapping, self._base, today)
        self._second = SecondCalls()

    def records(self) -> Iterator[CatalogRecord]:
        """Each dataset once, in the portal's order. Raises SourceError."""
        shelf = Shelf() if self._plan.joins or self._plan.changes is not None else None
        try:
            yield from self._records(shelf)
        finally:
            if shelf is not None:
                shelf.close()

    def _records(self, shelf: Shelf | None) -> Iterator[CatalogRecord]:
        count = _Count()
        for join in self._plan.joins:
            self._put_join(join, shelf)
        given: set[str] = set()
        for native_id, row in self._rows(count, shelf):
            again = native_id in given
            given.add(native_id)
            count.given = len(given)
            self.total = count.total()
            yield self._record(native_id, row, shelf, again=again)
        self.total = count.total()

    def _rows(self, count: _Count, shelf: Shelf | None) -> Iterator[tuple[str, Any]]:
        """Identity and row of each published dataset; one that comes again with another title,
        agency or level comes again here too, for the report.
        """
        if self._plan.changes is None or shelf is None:
            elsewhere: set[str] = set()
            for listing in self._plan.lists:
                here: set[str] = set()
                for row in self._pages(listing, self._marked, count, here):
                    if not self._reader.hidden(row) and self._marked(row) not in elsewhere:
                        yield self._identity(row), row
                elsewhere |= here if len(self._plan.lists) > 1 else set()
            return
        for listing in self._plan.lists:
            for row in self._pages(listing, digest, count):
                shelf.put(
                    CHANGES,
                    self._identity(row),
                    row,
                    parent="",
                    rank=_rank(row, self._plan.changes),
                    gone=self._reader.hidden(row),
                )
        yield from shelf.rows(CHANGES)

    def _marked(self, row: Any) -> str:
        return f"{self._identity(row)}\n{self._reader.mark(row)}"

    def _identity(self, row: Any) -> str:
        """The native id; for a row without one, a name made from title and agency."""
        native_id = self._reader.native_id(row) if isinstance(row, dict) else ""
        return native_id or "row-" + digest(self._reader.likeness(row))

    def _record(
        self, native_id: str, row: Any, shelf: Shelf | None, *, again: bool = False
    ) -> CatalogRecord:
        cut = False
        if isinstance(row, dict) and not again:
            for join in self._plan.joins if shelf is not None else ():
                row[join.name] = shelf.of(join.name, native_id) if shelf is not None else []
            for detail in self._plan.details:
                answer, missing = self._second.ask(
                    detail.name, partial(self._detail, detail, row), native_id
                )
                row[detail.name] = answer
                cut = cut or missing
        record = self._reader.record(native_id, row, partial=cut)
        if native_id.startswith("row-") and not self._reader.native_id(row):
            record = replace(record, warnings=(*record.warnings, "native-id-unstable"))
        return record

    def _put_join(self, join: Join, shelf: Shelf | None) -> None:
        """Read another table to its end. A table that is cut short would take items from datasets:
        it stops the run.
        """
        if shelf is None:
            return
        count = _Count()
        for row in self._pages(join.listing, digest, count):
            key = templates.row_text(join.id.first(row)) if join.id is not None else ""
            shelf.put(
                join.name,
                key or digest(row),
                row,
                parent=self._reader.identity_of(join.key.first(row)),
                rank=_rank(row, join.changes),
                gone=any(status.hides(row) for status in join.status),
            )
            count.given += 1
        total = count.total()
        if self._mapping.trust_total and total is not None and total != count.given:
            raise SourceError(f"total-disagrees: {count.given} / {total}")

    def _pages(
        self,
        listing: Listing,
        name: Callable[[Any], str],
        count: _Count,
        seen: set[str] | None = None,
    ) -> Iterator[Any]:
        """The rows of a list, each once by its ``name``, until the total or where pages only
        repeat. ``seen`` is filled with the names.
        """
        turning, start, mark = Turning(set() if seen is None else seen), 0, ""
        total: int | None = None
        marks: set[str] = set()
        for turn in range(MAX_PAGES):
            answer = self._page(listing, listing.first + turn, start, mark)
            rows = _rows_of(answer, listing)
            total = _total(answer, listing, total)
            pages = whole_number(listing.pages.first(answer)) if listing.pages else None
            count.claim(listing, total, pages, self._mapping.page_size)
            for row in rows:
                if turning.is_new(name(row)):
                    count.distinct += 1
                    yield row
            start += len(rows)
            mark = templates.row_text(listing.next.first(answer)) if listing.next.words else ""
            if (
                listing.paging == "none"
                or turning.ended(len(rows), total)
                or (pages is not None and turn + 1 >= pages)
                or (listing.paging in ("cursor", "next") and (not mark or mark in marks))
            ):
                return
            marks.add(mark)
            time.sleep(self._mapping.pause)

    def _page(self, listing: Listing, number: int, start: int, mark: str) -> Any:
        request, size = listing.request, self._mapping.page_size
        values = {
            "page": number,
            "start": start,
            "end": start + size,
            "size": size,
            "cursor": mark,
            "today": text.today().isoformat(),
            "now": int(time.time() * 1000),
        }
        if listing.paging == "next" and mark:
            request = replace(request, url="${next}", query={})
            values["next"] = _joined(self._where(listing.request.url, values.get), mark)
        answer = self._ask(request, values.get, validated=self._is_one_call())
        _check(answer, request.check)
        if request.check is None:
            _look_for_error(answer, listing.rows)
        return answer

    def _detail(self, detail: Detail, row: Mapping[str, Any], _native_id: str) -> Any:
        values = {
            "id": self._reader.raw_id(row),
            "today": text.today().isoformat(),
            "now": int(time.time() * 1000),
        }

        def scope(name: str) -> Any:
            if name.startswith("row."):
                return Path(name[4:]).first(row)
            return values.get(name)

        answer = self._ask(detail.request, scope)
        _check(answer, detail.request.check)
        if detail.request.check is None:
            _look_for_error(answer, detail.object)
        return detail.object.first(answer)

    def _ask(self, request: Request, scope: templates.Scope, *, validated: bool = False) -> Any:
        url = self._where(request.url, scope)
        home = _origin(url) == _origin(self._url)
        if request.secret() and not home:
            raise SourceError("address-refused: a secret is for another host")
        filled = self._with_secrets(url, scope)
        try:
            # Only now, when it is known where it goes: the address itself may hold a secret.
            url = self._where(request.url, filled)
            query = templates.fill_flat(dict(request.query), filled)
            headers = templates.fill_flat(dict(request.headers), filled) if home else {}
            if query:
                url += ("&" if "?" in url else "?") + urlencode(query)
            data = self._send(request, url, filled, headers, validated)
        except MappingError as error:
            raise SourceError(f"mapping-invalid: {error}") from None
        return as_json(data, request.encoding)

    def _send(
        self,
        request: Request,
        url: str,
        scope: templates.Scope,
        headers: dict[str, str],
        validated: bool,
    ) -> bytes:
        fetcher = self._fetcher
        # What a fetcher does without saying is not said: adapters run on any that reads.
        more: dict[str, Any] = {"headers": headers} if headers else {}
        if isinstance(fetcher, Fetcher):
            more["limit"] = MAX_ANSWER
        if request.form is not None:
            form = templates.fill_flat(dict(request.form), scope)
            return fetcher.post_form(url, form, **more)
        if request.json is not None:
            return fetcher.post_json(url, templates.fill(request.json, scope), **more)
        if request.method == "POST":
            return fetcher.post_form(url, {}, **more)
        if validated and self.validators is not None:
            return self._if_changed(url, more)
        return fetcher.get(url, **more)

    def _if_changed(self, url: str, more: dict[str, Any]) -> bytes:
        validators = self.validators if self.validators is not None else {}
        key = digest(url)
        etag, last_modified = validators.get(key) or (None, None)
        answer = self._fetcher.get_if_changed(url, etag, last_modified, **more)
        if answer is None:
            raise UnchangedError
        validators[key] = [answer.etag, answer.last_modified]
        return answer.body

    def _is_one_call(self) -> bool:
        plan = self._plan
        alone = len(plan.lists) == 1 and plan.lists[0].paging == "none"
        return alone and not (plan.joins or plan.details)

    def _where(self, template: str, scope: templates.Scope) -> str:
        """The whole address of a request."""
        if not template:
            return self._url
        if templates.PLACE.fullmatch(template):
            words = templates.row_text(scope(template[2:-1]))
        else:
            words = templates.fill_url(template, scope)
        url = _joined(self._base, words)
        if not _names_a_file(self._url) and urlsplit(url).scheme not in ("http", "https"):
            raise SourceError("address-refused: not an address")
        return url

    def _with_secrets(self, url: str, scope: templates.Scope) -> templates.Scope:
        def filled(name: str) -> Any:
            if name.startswith("secret:"):
                return secret_for(name[7:], url, self._secret)
            return scope(name)

        return filled


class _Count:
    """What a source says it has against what it gave.

    The engine compares records with the total. Rows that are not datasets of their own (changes,
    the unpublished, one in two lists) count in the source's total and not among the records, so
    that the total given on is: the records, and what the source claims beyond the rows it sent.
    """

    def __init__(self) -> None:
        self.given = self.distinct = 0
        self._claims: dict[int, int | None] = {}
        self._pages: dict[int, tuple[int, int, int]] = {}

    def claim(self, listing: Listing, total: int | None, pages: int | None, size: int) -> None:
        """Note what a list says of itself; a number of pages is a number of rows within one page's
        size.
        """
        self._claims[id(listing)] = total
        if total is None and pages is not None:
            self._pages[id(listing)] = (max(0, pages - 1) * size, pages * size, pages)

    def total(self) -> int | None:
        """The total to compare the records with, None where the source gives none."""
        if not self._claims:
            return None
        low = high = 0
        for key, claimed in self._claims.items():
            if claimed is not None:
                low, high = low + claimed, high + claimed
            elif key in self._pages:
                low, high = low + self._pages[key][0] + 1, high + self._pages[key][1]
            else:
                return None
        # Rows as the source counts them, or datasets, where one came again with another title.
        if low <= self.distinct <= high or low <= self.given <= high:
            return self.given
        nearest = low if self.distinct < low else high
        return self.given + nearest - self.distinct


def _rows_of(answer: Any, listing: Listing) -> list[Any]:
    rows = listing.rows.rows(answer)
    if rows is None:
        raise SourceError("not-a-catalog: no list of datasets")
    return rows


def _total(answer: Any, listing: Listing, before: int | None) -> int | None:
    """The number of records as the answer gives it; several numbers are added up."""
    parts = [whole_number(path.first(answer)) for path in listing.total]
    known = [part for part in parts if part is not None]
    return sum(known) if known else before


def _check(answer: Any, check: Check | None) -> None:
    """Raises SourceError where the mapping says how the source reports an error, and it does."""
    if check is None:
        return
    code = text.code(check.path.first(answer))
    if code not in check.ok:
        message = check.message.first(answer) if check.message else None
        raise SourceError(_told(code or "none", message or _message(answer)))


def _look_for_error(answer: Any, rows: Path) -> None:
    """Where the mapping says nothing: an answer without records that reports an error in one of
    the usual ways is one. Never an empty list.
    """
    if not isinstance(answer, dict) or rows.rows(answer):
        return
    errors = answer.get("errors")
    if errors:  # GraphQL
        first = errors[0] if isinstance(errors, list) else errors
        raise SourceError(_told("errors", first.get("message") if isinstance(first, dict) else ""))
    for key in ("code", "status", "resultCode", "errcode", "success"):
        value = answer.get(key)
        if isinstance(value, (str, int)) and text.code(value) not in json_plan.OK_CODES:
            raise SourceError(_told(text.code(value), _message(answer)))
    if answer.get("success") is False:
        raise SourceError(_told("success false", _message(answer)))


def _message(answer: Any) -> object:
    if not isinstance(answer, dict):
        return ""
    keys = ("message", "msg", "errmsg", "error", "resultMsg")
    return next((answer[key] for key in keys if isinstance(answer.get(key), str)), "")


def _told(code: str, message: object) -> str:
    """The reason for a report: no address in it, whatever the source wrote."""
    words = _ADDRESS.sub("…", text.line(message))[:80] if isinstance(message, str) else ""
    return f"source-error: code {code[:20]} {words}".strip()


def _rank(row: Any, paths: tuple[Path, ...]) -> str:
    """What sorts changes by age: dates as ISO texts, numbers with leading zeros."""
    return "\x1f".join(_rank_part(path.first(row)) for path in paths)


def _rank_part(value: Any) -> str:
    words = text.line(value)
    if words.isascii() and words.isdigit() and len(words) < 10:
        return words.zfill(20)
    moment = text.parse_date(value).value if not text.is_empty(value) else None
    return moment.isoformat() if moment else words[:100]


def _joined(base: str, words: str) -> str:
    try:
        return urljoin(base, words)
    except ValueError:
        raise SourceError("address-refused: not an address") from None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port
    return "", None, None


def _names_a_file(url: str) -> bool:
    return urlsplit(url).scheme not in ("http", "https") or url.split("?")[0].endswith(".json")


def secret_option(name: str) -> str | None:
    """A secret of the portal's settings."""
    value: str | None = tk.config.get(OPTION + name)
    return value


def open_source(url: str, mapping: SourceMapping, fetcher: Fetcher) -> JsonApi:
    """The adapter with the portal's secrets."""
    return JsonApi(url, mapping, fetcher, secret=secret_option)


class JsonApiHarvester(HljshareHarvester):
    """ckanext-harvest's view of this kind of source."""

    kind = "json_api"
    title = "JSON 接口"
    description = "按映射文件请求并读取 JSON 目录接口；地址填接口的根地址"
    adapter = staticmethod(open_source)

    @staticmethod
    def check_mapping(name: str, body: str) -> None:
        """As all kinds, and the mapping must say how the portal is asked. Raises MappingError."""
        json_plan.read(load_text(name, body).json)

    def validate_config(self, config: str) -> str:
        """As all kinds, and the mapping must say how the portal is asked. Raises ValueError."""
        checked = super().validate_config(config)
        json_plan.read(find_mapping(json.loads(checked).get("mapping")).json)
        return checked
