"""What the feed tells of a dataset, decided from the dictionary that an anonymous visitor gets.
Pure.

Nothing passes that is not named here. A file counts by its effective level: an open one has its
address, size and checksum; one on request has the page where it is asked for; a closed one is not
told at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ckanext.hljshare.access import levels
from ckanext.hljshare.catalog import codelists

from . import series
from .terms import Where, segment, telephone, text, web_address
from .vocabularies import WORDS, Format, eu_terms, format_of, licence_iri

ALGORITHMS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}  # hex digits of each
_CHECKSUM = re.compile(r"([a-z0-9]+):([0-9a-f]+)\Z")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\Z")
_LARGEST = 2**63  # bytes


@dataclass(frozen=True)
class Law:
    """A law or document that restricts; ``url`` "" where none is known."""

    name: str
    article: str
    url: str

    @property
    def words(self) -> str:
        """As it is cited: ``《…法》第三条``."""
        return f"{self.name if '《' in self.name else f'《{self.name}》'}{self.article}"


@dataclass(frozen=True)
class Contact:
    """Who answers for the data. ``telephone`` and ``email`` are IRIs."""

    name: str
    unit: str
    telephone: str
    email: str
    page: str


@dataclass(frozen=True)
class Distribution:
    """One way to the data. ``access_url`` is a page or an interface, ``download_url`` a file; both
    are IRIs; ``checksum`` is (algorithm, hex digits).
    """

    iri: str
    title: str
    description: str
    level: levels.Level
    access_url: str
    download_url: str = ""
    is_service: bool = False
    is_table: bool = False
    format: Format | None = None
    size: int | None = None
    checksum: tuple[str, str] | None = None
    issued: str = ""
    modified: str = ""


@dataclass(frozen=True)
class Entry:
    """A dataset as the feed tells it. Texts are clean, addresses are IRIs, dates are as they are
    stored, codes those of our lists.
    """

    iri: str
    page: str
    identifier: str
    title: str
    description: str
    keywords: tuple[str, ...]
    publisher: str
    level: levels.Level
    codes: Mapping[str, str]
    frequency: str
    access_right: str
    themes: tuple[str, ...]
    region: str
    licence: str
    laws: tuple[Law, ...]
    said: Mapping[str, str]
    rights: str
    contact: Contact | None
    series: series.Series | None
    related: tuple[str, ...]
    issued: str
    modified: str
    provenance: str
    source_page: str
    recorded: str
    record_modified: str
    distributions: tuple[Distribution, ...]


def entry(dataset: Mapping[str, Any], where: Where) -> Entry:
    """The entry of a public dataset."""
    iri = f"{where.base}/dataset/{segment(dataset['id'])}"
    level = levels.known(dataset.get("open_type"))
    title = text(dataset.get("title")) or text(dataset.get("name"))
    laws = tuple(_laws(dataset.get("open_basis"))) if level != "open" else ()
    said = {
        "openCondition": text(dataset.get("open_condition")) if level != "open" else "",
        "useCondition": text(dataset.get("use_condition")),
        "useScope": text(dataset.get("use_scope")),
        "shareCondition": text(dataset.get("share_condition")),
        "shareBasis": text(dataset.get("share_basis")),
    }
    codes = {
        name: text(dataset.get(name))
        for name in ("theme", "industry", "region_code", "share_type", "update_cycle")
    }
    known = {
        name: code
        for name, code in codes.items()
        if codelists.item("region" if name == "region_code" else name, code)
    }
    frequency = eu_terms("update_cycle", known.get("update_cycle"))
    return Entry(
        iri=iri,
        page=f"{where.site}/dataset/{segment(dataset.get('name') or dataset['id'])}",
        identifier=text(dataset.get("resource_code")) or text(dataset["id"]),
        title=title,
        description=text(dataset.get("notes")) or title,
        keywords=tuple(_keywords(dataset.get("tags"))),
        publisher=where.agency(dataset["owner_org"]) if dataset.get("owner_org") else "",
        level=level,
        codes=known,
        frequency=frequency[0] if frequency else "",
        access_right=eu_terms("open_type", level)[0],
        themes=tuple(_themes(known, where)),
        region=where.concept("region", known["region_code"]) if "region_code" in known else "",
        licence=licence_iri(dataset.get("license_id"), where),
        laws=laws,
        said={name: words for name, words in said.items() if words},
        rights=_rights(level, laws, said),
        contact=_contact(dataset, where),
        series=series.of_title(title) if dataset.get("owner_org") else None,
        related=tuple(_related(dataset.get("related_codes"), where)),
        issued=text(dataset.get("released")),
        modified=text(dataset.get("data_updated")),
        provenance=_provenance(dataset),
        # The source's page may lead to what is not open here.
        source_page=web_address(dataset.get("source_url")) if level == "open" else "",
        recorded=text(dataset.get("metadata_created")),
        record_modified=text(dataset.get("metadata_modified")),
        distributions=tuple(distributions(dataset, where)),
    )


def distributions(dataset: Mapping[str, Any], where: Where) -> Iterator[Distribution]:
    """The ways to the data of a dataset, in the order of its files. A dataset on request whose
    files are not told has one: the page where it is asked for.
    """
    told = False
    for resource in dataset.get("resources") or []:
        level = levels.of_resource(dataset, resource)
        if level == "open":
            found = _open(dataset, resource, where)
        elif level == "on_request":
            found = _on_request(dataset, resource, where)
        else:
            continue
        told = True
        yield found
    if not told and levels.known(dataset.get("open_type")) == "on_request":
        yield Distribution(
            iri=f"{where.base}/dataset/{segment(dataset['id'])}#request",
            title=text(dataset.get("title")) or text(dataset.get("name")),
            description="",
            level="on_request",
            access_url=_request_page(dataset, where),
        )


def _open(dataset: Mapping[str, Any], resource: Mapping[str, Any], where: Where) -> Distribution:
    name = segment(dataset.get("name") or dataset["id"])
    page = f"{where.site}/dataset/{name}/resource/{segment(resource['id'])}"
    address = web_address(resource.get("url"))
    found = format_of(resource.get("format"), where)
    is_service = bool(address and found and found.is_service)
    return Distribution(
        **_said_of(dataset, resource, where),
        level="open",
        access_url=address if is_service else page,
        download_url="" if is_service else address,
        is_service=is_service,
        is_table=bool(resource.get("datastore_active")),
        format=found,
        size=_size(resource.get("size")),
        checksum=_checksum(resource.get("hash")),
        issued=text(dataset.get("released")),
        modified=text(resource.get("data_updated")),
    )


def _on_request(
    dataset: Mapping[str, Any], resource: Mapping[str, Any], where: Where
) -> Distribution:
    return Distribution(
        **_said_of(dataset, resource, where),
        level="on_request",
        access_url=_request_page(dataset, where),
        format=format_of(resource.get("format"), where),
    )


def _said_of(
    dataset: Mapping[str, Any], resource: Mapping[str, Any], where: Where
) -> dict[str, Any]:
    iri = f"{where.base}/dataset/{segment(dataset['id'])}/resource/{segment(resource['id'])}"
    title = text(resource.get("name")) or text(dataset.get("title")) or text(dataset.get("name"))
    return {"iri": iri, "title": title, "description": text(resource.get("description"))}


def _request_page(dataset: Mapping[str, Any], where: Where) -> str:
    query = urlencode({"dataset": text(dataset.get("name")) or text(dataset["id"])})
    return f"{where.site}/request/new?{query}"


def _size(value: object) -> int | None:
    """A size in bytes; None where it is none."""
    try:
        size = int(text(value))
    except ValueError:
        return None
    return size if 0 <= size < _LARGEST else None


def _checksum(value: object) -> tuple[str, str] | None:
    found = _CHECKSUM.match(text(value).lower())
    if found and ALGORITHMS.get(found[1]) == len(found[2]):
        return found[1], found[2]
    return None


def _keywords(tags: object) -> Iterator[str]:
    if isinstance(tags, Iterable):
        given = (tag.get("name") if isinstance(tag, Mapping) else tag for tag in tags)
        yield from dict.fromkeys(words for tag in given if (words := text(tag)))


def _themes(codes: Mapping[str, str], where: Where) -> Iterator[str]:
    if "theme" in codes:
        yield where.concept("theme", codes["theme"])
        yield from eu_terms("theme", codes["theme"])
    if "industry" in codes:
        yield where.concept("industry", codes["industry"])


def _laws(bases: object) -> Iterator[Law]:
    if not isinstance(bases, Iterable):
        return
    for basis in bases:
        if isinstance(basis, Mapping) and text(basis.get("law")):
            url = web_address(basis.get("url"))
            yield Law(text(basis["law"]), text(basis.get("article")), url)


def _rights(level: str, laws: Iterable[Law], said: Mapping[str, str]) -> str:
    """The rights statement: level, basis (clause 6.1 a), conditions."""
    words = WORDS["words"]
    parts = [codelists.label("open_type", level)]
    basis = "；".join(law.words for law in laws)
    parts += [f"{words['basis']}：{basis}"] if basis else []
    for name in ("openCondition", "useCondition", "useScope"):
        if said[name]:
            parts.append(f"{words[name]}：{said[name].rstrip('。.；; ')}")
    return "。".join([*parts, ""])


def _contact(dataset: Mapping[str, Any], where: Where) -> Contact | None:
    name = text(dataset.get("contact_name"))
    number = telephone(dataset.get("contact_phone"))
    email = text(dataset.get("maintainer_email"))
    address = f"mailto:{quote(email, safe='@')}" if _EMAIL.match(email) else ""
    if not (name or number or address):
        return None
    owner = dataset.get("owner_org")  # by its id: its name may change
    page = f"{where.site}/organization/{segment(owner)}" if owner else ""
    return Contact(name, text(dataset.get("provider_inner")), number, address, page)


def _related(codes: object, where: Where) -> Iterator[str]:
    """Where a related resource is found: which dataset has its code is not asked here."""
    listed = codes if isinstance(codes, list) else text(codes).split("\n")
    for code in dict.fromkeys(text(item) for item in listed):
        if code:
            yield f"{where.site}/dataset/?{urlencode({'q': code})}"


def _provenance(dataset: Mapping[str, Any]) -> str:
    """Which city or source an entry came from, and when."""
    words, site = WORDS["words"], text(dataset.get("source_site"))
    source, day = text(dataset.get("source_name")), text(dataset.get("metadata_created"))[:10]
    if not site and not source:
        begun = words["made"]
    elif site and source:
        begun = f"{words['harvested']}{site}（{source}）"
    else:
        begun = f"{words['harvested']}{site or source}"
    return f"{begun}，{words['catalogued']}{day}" if day else begun
