"""Open tables in Croissant 1.0, as machine learning tools load them. Pure.

https://docs.mlcommons.org/croissant/docs/croissant-spec.html. Only files that are open, and that
can be checked: Croissant wants a checksum of each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ckanext.hljshare.feeds.dcat import mapping
from ckanext.hljshare.feeds.dcat.agencies import Agency
from ckanext.hljshare.feeds.dcat.mapping import Distribution
from ckanext.hljshare.feeds.dcat.terms import Where, text
from ckanext.hljshare.feeds.web import schemaorg
from ckanext.hljshare.feeds.web.schemaorg import Node, told

CONFORMS = "http://mlcommons.org/croissant/1.0"
CHECKSUMS = ("sha256", "md5")
TABLES = ("text/csv", "text/tab-separated-values")  # what a column can be taken from by its heading
# What of a heading a name in the database may lack, or have in another form.
NOT_KEPT = re.compile(r"[\W_]+")
SURELY_WHOLE = 57  # bytes; a name has at most 63, a letter at most four
UTF8 = re.compile(r"utf-?8(-?sig)?", re.IGNORECASE)
# The context of the specification, for Chinese.
CONTEXT: Node = json.loads(
    (Path(__file__).parent / "croissant_context.json").read_text(encoding="utf-8")
)
# The DataStore's types; others are read as text.
TYPES = {
    "int": "sc:Integer", "int2": "sc:Integer", "int4": "sc:Integer", "int8": "sc:Integer",
    "float": "sc:Float", "float4": "sc:Float", "float8": "sc:Float", "numeric": "sc:Float",
    "double precision": "sc:Float", "bool": "sc:Boolean", "date": "sc:Date",
    "timestamp": "sc:DateTime", "timestamptz": "sc:DateTime",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of a file: its heading there, and its type in the DataStore."""

    heading: str
    type: str


def heading(name: str, label: object) -> str:
    """The heading in the file of a column of the DataStore. Loading keeps it as the label, and as
    the name where the database can take it; but whoever writes the dictionary may give another
    label, which stands in no file.

    :returns: "" where it cannot be told
    """
    if not label or label == name:
        return name
    bare, shown = (NOT_KEPT.sub("", each) for each in (name, str(label)))
    cut = len(name.encode()) > SURELY_WHOLE and shown.startswith(bare)
    return str(label) if shown == bare or cut else ""


def files(entry: mapping.Entry) -> dict[str, Distribution]:
    """By their ids, the files that are told: open, to be downloaded, with a checksum."""
    return {
        unquote(each.iri.rsplit("/", 1)[1]): each
        for each in schemaorg.downloads(entry)
        if each.download_url and schemaorg.media(each) and (each.checksum or ("",))[0] in CHECKSUMS
    }


def tables(shown: Mapping[str, Any], found: Mapping[str, Distribution]) -> Iterator[str]:
    """The ids of those of the files whose columns can be told."""
    for resource in shown.get("resources") or []:
        file = found.get(str(resource.get("id")))
        encoding = text(resource.get("encoding")) or "UTF-8"
        if file and file.is_table and schemaorg.media(file) in TABLES and UTF8.fullmatch(encoding):
            yield str(resource["id"])


def exists(shown: Mapping[str, Any], where: Where) -> bool:
    """Whether there is anything to tell of a public dataset."""
    return bool(files(mapping.entry(shown, where)))


def document(
    shown: Mapping[str, Any],
    agency: Agency | None,
    where: Where,
    columns: Mapping[str, Sequence[Column]],
) -> Node | None:
    """What is told of a public dataset; None where it has no such file.

    :param columns: of tables, by the ids of their files
    """
    entry = mapping.entry(shown, where)
    found = files(entry)
    if not found:
        return None
    publisher = schemaorg.organization(agency, where) if agency else None
    explained = {
        text(item.get(key)): text(item.get("description"))
        for item in shown.get("items") or []
        for key in ("field", "name")
    }
    return told(
        {
            "@context": CONTEXT,
            "@type": "sc:Dataset",
            "@id": entry.iri,
            "conformsTo": CONFORMS,
            "name": entry.title,
            "description": entry.description,
            "url": entry.page,
            "identifier": entry.identifier,
            "license": entry.licence,
            "datePublished": schemaorg.date(entry.issued) or schemaorg.date(entry.recorded),
            "dateModified": schemaorg.date(entry.modified),
            "version": _version(schemaorg.date(entry.modified)),
            "citeAs": f"{agency.title}. {entry.title}[DS/OL]. {entry.page}" if agency else "",
            "inLanguage": schemaorg.LANGUAGE,
            "keywords": list(entry.keywords),
            # The validator knows persons and organizations, and no kinds of them.
            "creator": {**publisher, "@type": "Organization"} if publisher else None,
            "publisher": {"@id": publisher["@id"]} if publisher else None,
            "distribution": [_file(file_id, each) for file_id, each in found.items()],
            "recordSet": [
                _records(file_id, found[file_id], columns[file_id], explained)
                for file_id in tables(shown, found)
                if columns.get(file_id)
            ],
        }
    )


def _version(modified: str) -> str:
    """The date of the data as a semantic version, which is what the format wants; "" for none."""
    return ".".join(str(int(part)) for part in modified.split("-")) if modified else ""


def _file(file_id: str, file: Distribution) -> Node:
    algorithm, digits = file.checksum or ("", "")
    return told(
        {
            "@type": "cr:FileObject",
            "@id": file_id,
            "name": file.title,
            "description": file.description,
            "contentUrl": file.download_url,
            "contentSize": schemaorg.size(file),
            "encodingFormat": schemaorg.media(file),
            algorithm: digits,
        }
    )


def _records(
    file_id: str, file: Distribution, columns: Iterable[Column], explained: Mapping[str, str]
) -> Node:
    ids: set[str] = set()
    return {
        "@type": "cr:RecordSet",
        "@id": f"{file_id}/records",
        "name": file.title,
        "field": [
            told(
                {
                    "@type": "cr:Field",
                    "@id": _field_id(file_id, column.heading, ids),
                    "name": text(column.heading),
                    "description": explained.get(text(column.heading), ""),
                    "dataType": TYPES.get(column.type, "sc:Text"),
                    "source": {
                        "fileObject": {"@id": file_id},
                        "extract": {"column": column.heading},
                    },
                }
            )
            for column in columns
        ],
    }


def _field_id(file_id: str, heading: str, ids: set[str]) -> str:
    """A readable IRI for a column: a heading may hold what no IRI can."""
    word = re.sub(r"\W+", "_", heading).strip("_") or "column"
    found, number = word, 1
    while found in ids:
        number += 1
        found = f"{word}_{number}"
    ids.add(found)
    return f"{file_id}/records/{found}"
