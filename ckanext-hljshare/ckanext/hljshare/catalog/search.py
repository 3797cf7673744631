"""What the portal asks of Solr and what it gives to it.

``params`` turns a request's parameters into those that Solr gets; ``index_fields`` says what of a
dataset is searched, filtered and counted. Both are closed lists: a field that is not named here can
neither be asked for nor leaks into the index (design.md §4: no locator in the search index). Pure.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.catalog.search_query import SolrQuery, build, words_of
from ckanext.hljshare.catalog.search_text import (
    fold,
    key,
    segments,
    simplified,
    syllables,
    tokens,
    words,
)

__all__ = [
    "FACETS",
    "BadSearchError",
    "SolrQuery",
    "facet_label",
    "filter_fields",
    "fold",
    "highlight",
    "index_fields",
    "params",
]

#: Facets in the order of the page: field and code list (None: organizations or plain text).
FACETS: dict[str, str | None] = {
    "hljshare_region": "region",  # the whole path of places: a city holds its counties
    "hljshare_city": "region",  # the city alone; 230000 is what belongs to no city
    "hljshare_agency": None,
    "hljshare_theme": "theme",
    "hljshare_open_type": "open_type",
    "hljshare_share_type": "share_type",
    "hljshare_update_cycle": "update_cycle",
    "hljshare_format": None,
    "hljshare_content_kind": "content_kind",
}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Fields that a question or a filter of an ordinary user may name.
ASKABLE = _names(
    """
    id name title notes author maintainer license_id license tags groups organization owner_org
    res_name res_description res_format res_type res_mimetype type dataset_type entity_type state
    capacity private isopen version creator_user_id metadata_created metadata_modified title_string
    title_ngram name_ngram text hlj_updated hljshare_region hljshare_org_path hljshare_law site_id
    harvest_source_id harvest_source_title source_type frequency
    """
) | frozenset(FACETS)
ASKABLE_PREFIXES = ("vocab_",)
FACETABLE = (
    frozenset(FACETS)
    | {"hljshare_region", "hljshare_org_path", "hljshare_law", "organization", "groups", "tags"}
    | {"res_format", "license_id", "dataset_type", "private"}
    | {"harvest_source_id", "source_type", "frequency"}
)
RETURNABLE = _names(
    "id name title notes organization tags groups license_id res_format res_name metadata_created "
    "metadata_modified score dataset_type state"
)
SORTABLE = _names(
    "score name title_string metadata_created metadata_modified hlj_updated views_total "
    "views_recent id"
)
#: Solr parameters with which an ordinary user could compute over fields that are not his to see.
CLOSED_PARAMETERS = ("qf", "bf", "boost", "tie", "mm", "defType", "wt")
SORT = "score desc, hlj_updated desc, metadata_modified desc"

#: What CKAN puts in the document and the portal leaves there; everything else is dropped.
_KEPT = _names(
    """
    index_id id site_id title title_string entity_type dataset_type type state name version notes
    author maintainer license license_id license_title license_url tags groups organization
    owner_org capacity private isopen creator_user_id res_name res_description res_format res_type
    metadata_created metadata_modified data_dict validated_data_dict num_resources num_tags
    views_total views_recent depends_on dependency_of derives_from has_derivation links_to
    linked_from child_of parent_of
    harvest_source_id harvest_source_title harvest_object_id source_type frequency
    """
)

_FIELD = re.compile(r"([^\s:()\[\]{}\"+!^~&|,]*)\s*:")
_RANGE = re.compile(r"[\[{][^\[\]{}:]*(?::[^\[\]{}]*)?\sTO\s[^\[\]{}]*[\]}]")
_PHRASE = re.compile(r'"(?:[^"\\]|\\.)*"')
_FORBIDDEN = re.compile(r"\{!|/\*|_query_|_val_|\\(?![^\w]|$)")


class BadSearchError(ValueError):
    """A search names something that may not be asked; the argument is the parameter's name."""


def filter_fields(expression: str) -> set[str] | None:
    """The fields that a Solr expression names; None where it uses more than fields and values
    (local parameters, comments, embedded queries, escaped letters)."""
    bare = _PHRASE.sub('""', expression)
    if _FORBIDDEN.search(bare) or bare.count('"') % 2 or "\\" in bare:
        return None
    bare = _RANGE.sub("[]", bare)
    return {name.lstrip("-") for name in _FIELD.findall(bare)}


def _askable(expression: str) -> bool:
    if expression.strip() in ("", "*:*"):
        return True
    named = filter_fields(expression)
    return named is not None and all(
        name in ASKABLE or name.startswith(ASKABLE_PREFIXES) for name in named
    )


def is_fielded(q: str) -> bool:
    """Whether a question is written in Solr's syntax, and only with fields that may be asked."""
    named = filter_fields(q)
    return bool(named) and _askable(q)


def params(asked: Mapping[str, Any], trusted: bool = False) -> dict[str, Any]:
    """The parameters for Solr from those of ``package_search``.

    A typed question becomes a query of the portal; one in Solr's syntax passes if every field in it
    may be asked, otherwise it is read as text. For those who are not ``trusted`` (system
    administrators and the portal's own commands) filters, facets, sorting and returned fields are
    held to the lists above.

    :raises BadSearchError: a filter names a field that is not on the list
    """
    found = dict(asked)
    q = found.get("q") or ""
    if isinstance(q, SolrQuery):
        found["q"] = str(q)
    elif not isinstance(q, str):
        raise BadSearchError("q")
    elif q.strip() and not is_fielded(q) and not (trusted and filter_fields(q)):
        found["q"] = str(build(q))
        found.pop("defType", None)
        if found["q"] != "*:*" and found.get("sort") in (None, "", "rank"):
            found["sort"] = SORT
    if not trusted:
        _restrict(found)
    return found


def _restrict(found: dict[str, Any]) -> None:
    for name in CLOSED_PARAMETERS:
        found.pop(name, None)
    for expression in [found.get("fq") or "", *_filters(found.get("fq_list"))]:
        if not _askable(str(expression)):
            raise BadSearchError("fq")
    if found.get("facet.field"):
        wanted = _listed(found["facet.field"])
        found["facet.field"] = [
            name for name in wanted if name in FACETABLE or name.startswith(ASKABLE_PREFIXES)
        ]
    # With 0, Solr lists the values of documents that the user may not see, too.
    found["facet.mincount"] = max(1, _whole(found.get("facet.mincount")))
    if found.get("fl"):
        found["fl"] = [name for name in _listed(found["fl"]) if name in RETURNABLE] or ["id"]
    if found.get("sort") and found["sort"] != "rank":
        found["sort"] = _sort(str(found["sort"]))


def _listed(value: Any) -> list[str]:
    if isinstance(value, str):
        if value.lstrip().startswith("["):  # a list in JSON, as CKAN's API takes it in an address
            try:
                return _listed(json.loads(value))
            except ValueError:
                return [value]
        return value.replace(",", " ").split()
    return [str(item) for item in value or []]


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 1


def _filters(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value or []]


def _sort(wanted: str) -> str | None:
    kept = []
    for part in wanted.split(","):
        name, _, direction = part.strip().partition(" ")
        if name in SORTABLE and direction.strip().lower() in ("", "asc", "desc"):
            kept.append(f"{name} {direction.strip().lower() or 'asc'}")
    return ", ".join(kept) or None


def facet_label(field: str, value: str, language: str) -> str:
    """What people read for the value of a facet."""
    list_id = FACETS.get(field)
    return codelists.label(list_id, value, language) if list_id else value


def _labels(list_id: str, code: Any) -> list[str]:
    found = codelists.item(list_id, code) if isinstance(code, str) else None
    return list(found["label"].values()) if found else []


def _subfields(rows: Any, *names: str) -> list[str]:
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        return []
    return [
        str(row[name])
        for row in rows
        if isinstance(row, Mapping)
        for name in names
        if row.get(name)
    ]


def _date(*values: Any) -> str | None:
    """The first value that is a date, as Solr wants it (UTC)."""
    for value in values:
        try:
            found = datetime.fromisoformat(str(value or "").removesuffix("Z"))
        except ValueError:
            continue
        if found.tzinfo is None:
            found = found.replace(tzinfo=timezone.utc)
        return found.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return None


def _region_path(*codes: Any) -> list[str]:
    for code in codes:
        path = codelists.ancestors("region", code) if isinstance(code, str) else []
        if path:
            return path
    return ["230000"]


def _formats(dataset: Mapping[str, Any]) -> list[str]:
    found = [str(resource.get("format") or "") for resource in dataset.get("resources") or []]
    found = found or [str(dataset.get("format_type") or "")]
    return sorted({value.strip().upper() for value in found if value.strip()})


def searched_text(dataset: Mapping[str, Any], above: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whatever of a record is searched besides its title: no address, no contact, no condition."""
    resources = dataset.get("resources") or []
    found = [
        dataset.get("name"),
        dataset.get("notes"),
        dataset.get("resource_code"),
        dataset.get("provider_inner"),
        *[tag.get("display_name") or tag.get("name") for tag in dataset.get("tags") or []],
        *[group.get("title") or group.get("name") for group in dataset.get("groups") or []],
        *[organization.get("title") for organization in above],
        *_labels("theme", dataset.get("theme")),
        *_labels("industry", dataset.get("industry")),
        *_labels("content_kind", dataset.get("content_kind")),
        *_labels("classification", dataset.get("catalog_class")),
        *_subfields(dataset.get("items"), "name", "field", "description"),
        *_subfields(resources, "name", "description"),
        *_formats(dataset),
    ]
    return [text for text in (fold(str(value)) for value in found if value) if text]


def _codes(dataset: Mapping[str, Any], regions: Sequence[str]) -> list[str]:
    found = [dataset.get("resource_code"), dataset.get("id"), dataset.get("name"), regions[-1]]
    related = dataset.get("related_codes") or []
    found += related.split() if isinstance(related, str) else list(related)
    return [fold(str(code)) for code in found if code]


def initials_of_words(folded: str) -> list[str]:
    """First letters of the pinyin of the known words in a title (中小学 → zxx).

    They count for more than the same letters across two words."""
    known = words()
    found: list[str] = []
    for run in folded.split():
        for part in segments(run, known):
            if known.knows(part) and part not in known.places and len(part) > 1:
                found.append("".join(syllable[0] for syllable in syllables(part)))
    return list(dict.fromkeys(found))


def index_fields(
    document: Mapping[str, Any],
    dataset: Mapping[str, Any],
    above: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The document for Solr.

    :param document: what CKAN made of the dataset
    :param dataset: the dataset as ``package_show`` gives it
    :param above: its organization with those above it, top first: ``name title region_code``
    """
    title = str(dataset.get("title") or "")
    folded = fold(title)
    own_regions = [org.get("region_code") for org in reversed(above)]
    regions = _region_path(dataset.get("region_code"), *own_regions)
    places = [label for code in regions for label in _labels("region", code)]
    text = searched_text(dataset, above)
    spoken = [*places, *[str(org.get("title") or "") for org in above]]
    spoken += [str(tag.get("name") or "") for tag in dataset.get("tags") or []]
    pinyin = " ".join(syllables(title))
    found = {
        name: value
        for name, value in document.items()
        if name in _KEPT or name.startswith(ASKABLE_PREFIXES)
    }
    found.update(
        hlj_title=folded,
        hlj_title_words=folded,
        hlj_title_exact=key(title),
        hlj_words=text,
        hlj_place=[fold(place) for place in places],
        hlj_pinyin=pinyin,
        hlj_initials=pinyin,
        hlj_initials_words=initials_of_words(folded),
        hlj_pinyin_more=[" ".join(syllables(value)) for value in dict.fromkeys(spoken) if value],
        hlj_code=_codes(dataset, regions),
        text=[folded, *text, *[fold(place) for place in places]],
        hlj_updated=_date(
            dataset.get("data_updated"), dataset.get("released"), dataset.get("metadata_modified")
        ),
        hljshare_theme=dataset.get("theme"),
        hljshare_open_type=dataset.get("open_type"),
        hljshare_share_type=dataset.get("share_type"),
        hljshare_update_cycle=dataset.get("update_cycle"),
        hljshare_content_kind=dataset.get("content_kind"),
        hljshare_format=_formats(dataset),
        hljshare_region=regions,
        hljshare_city=regions[1] if len(regions) > 1 else regions[0],
        hljshare_agency=above[-1]["name"] if above else None,
        hljshare_org_path=[org["name"] for org in above],
        # Lucene refuses a term of more than 32,766 bytes, and the document with it.
        hljshare_law=sorted({law[:200] for law in _subfields(dataset.get("open_basis"), "law")}),
    )
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def highlight(text: str | None, q: str | None) -> list[tuple[str, bool]]:
    """The text in pieces, those that the question asks for marked.

    Width, case and traditional forms do not matter; synonyms of a word are marked where the word
    itself does not stand.
    """
    text = text or ""
    folded, origin = _folded_with_origin(text)
    marks = [False] * len(text)
    for word in words_of(q or ""):
        _mark(word, folded, origin, marks)
    pieces: list[tuple[str, bool]] = []
    for character, marked in zip(text, marks, strict=True):
        if pieces and pieces[-1][1] == marked:
            pieces[-1] = (pieces[-1][0] + character, marked)
        else:
            pieces.append((character, marked))
    return pieces


@lru_cache(maxsize=32768)
def _folded_character(character: str) -> str:
    return simplified(unicodedata.normalize("NFKC", character).casefold())


def _folded_with_origin(text: str) -> tuple[str, list[int]]:
    """Folded text, and for each of its characters the position it comes from."""
    folded: list[str] = []
    origin: list[int] = []
    for at, character in enumerate(text):
        for part in _folded_character(character):
            folded.append(part)
            origin.append(at)
    return "".join(folded), origin


def _mark(word: str, folded: str, origin: list[int], marks: list[bool]) -> None:
    known = words()
    cut = tokens(word)
    if len(cut) == 1 and len(word) == 1 and not word.isdigit():
        candidates: Iterable[str] = (word,)
    else:
        candidates = (word, known.places.get(word, ""), *known.synonyms.get(word, ()))
    for candidate in candidates:
        pattern = r"[\W_]*".join(re.escape(part) for part in tokens(candidate))
        if not pattern:
            continue
        hits = list(re.finditer(pattern, folded))
        for hit in hits:
            for at in range(hit.start(), hit.end()):
                marks[origin[at]] = True
        if hits:
            return
