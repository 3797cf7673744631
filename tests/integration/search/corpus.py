"""The demo catalog in two Solr cores: ours, and stock CKAN's schema, with the same documents.

No CKAN is started: the documents are made as CKAN's indexer makes them, so that 500 datasets are
there in a second and both sides get exactly the same.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ckanext.hljshare.catalog import codelists, search
from ckanext.hljshare.paths import CONFIG

STOCK_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<config>
  <luceneMatchVersion>9.12</luceneMatchVersion>
  <schemaFactory class="ClassicIndexSchemaFactory"/>
  <updateHandler class="solr.DirectUpdateHandler2"><updateLog/></updateHandler>
  <query><filterCache size="512"/><queryResultCache size="512"/></query>
  <requestHandler name="/select" class="solr.SearchHandler"/>
</config>
"""
SITE = "test"


def demo() -> list[Any]:
    """The demo province's datasets, as its sources know them."""
    if str(CONFIG) not in sys.path:
        sys.path.insert(0, str(CONFIG))
    from demo import catalog

    return list(catalog.province())


def _region(place: str) -> str:
    return next(
        r["code"]
        for r in codelists.items("region")
        if r["slug"] == place and r["level"] != "county"
    )


def package(known: Any) -> dict[str, Any]:
    """A demo dataset as ``package_show`` gives it."""
    digest = hashlib.blake2b(f"{known.place}|{known.title}".encode(), digest_size=16).hexdigest()
    return {
        "id": digest,
        "name": f"{known.place}-{digest[:12]}",
        "title": known.title,
        "notes": known.description,
        "type": "dataset",
        "state": "active",
        "private": False,
        "owner_org": f"{known.place}-{known.agency}",
        "tags": [{"name": tag, "display_name": tag} for tag in known.tags],
        "groups": [],
        "theme": codelists.find("theme", known.theme),
        "open_type": known.level,
        "share_type": known.share,
        "update_cycle": codelists.find("update_cycle", known.cycle),
        "region_code": _region(known.place),
        "items": [
            {"name": c.name, "field": c.field, "description": c.description} for c in known.columns
        ],
        "data_updated": known.updated.isoformat(),
        "metadata_modified": f"{known.updated.isoformat()}T00:00:00",
        "resource_code": f"307{_region(known.place)}0001/{int(digest[:5], 16) % 1000000:06d}",
        "resources": [
            {
                "name": f.name,
                "format": f.format.upper(),
                "description": "",
                "url": f"http://x/{f.file_id}",
            }
            for f in known.files
        ],
    }


def above(known: Any) -> list[dict[str, Any]]:
    """The organizations of a demo dataset, top first."""
    region = _region(known.place)
    city = codelists.label("region", region)
    line = [{"name": "hlj", "title": "黑龙江省", "region_code": "230000"}]
    if known.place != "hlj":
        line.append({"name": known.place, "title": city, "region_code": region})
    name = f"{known.place}-{hashlib.blake2b(known.agency.encode(), digest_size=4).hexdigest()}"
    return [*line, {"name": name, "title": f"{city}{known.agency}", "region_code": region}]


def document(dataset: Mapping[str, Any], organizations: list[dict[str, Any]]) -> dict[str, Any]:
    """What CKAN's indexer makes of a dataset, before any plugin."""
    modified = f"{dataset['metadata_modified']}Z"
    extras = ("theme", "open_type", "share_type", "update_cycle", "region_code", "resource_code")
    return {
        "index_id": hashlib.blake2b(dataset["id"].encode(), digest_size=16).hexdigest(),
        "site_id": SITE,
        "entity_type": "package",
        "dataset_type": "dataset",
        "capacity": "public",
        "state": "active",
        "permission_labels": ["public"],
        "organization": organizations[-1]["name"],
        "title_string": dataset["title"],
        "metadata_created": modified,
        "metadata_modified": modified,
        "tags": [tag["name"] for tag in dataset["tags"]],
        **{key: dataset[key] for key in ("id", "name", "title", "notes")},
        **{f"extras_{key}": dataset[key] for key in extras if dataset.get(key)},
        "extras_items": json.dumps(dataset["items"], ensure_ascii=False),
        "res_name": [r["name"] for r in dataset["resources"]],
        "res_format": [r["format"] for r in dataset["resources"]],
        "res_url": [r["url"] for r in dataset["resources"]],
        "data_dict": json.dumps(dataset, ensure_ascii=False),
        "validated_data_dict": json.dumps(dataset, ensure_ascii=False),
    }


def _get(address: str, **query: Any) -> dict[str, Any]:
    body = urllib.parse.urlencode({"wt": "json", **query}, doseq=True).encode()
    request = urllib.request.Request(address, data=body)
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.loads(answer.read())
        return found


class Core:
    """A Solr core of its own, made beside the others and removed at the end."""

    def __init__(self, solr: str, name: str, stock: bool = False) -> None:
        self.solr, self.name, self.address = solr, name, f"{solr}/{name}"
        home = Path(_get(f"{solr}/admin/info/system")["solr_home"])
        self.folder = home / name
        self.remove()
        conf = self.folder / "conf"
        if stock:
            import ckan

            conf.mkdir(parents=True)
            source = Path(ckan.__file__).parent / "config" / "solr" / "schema.xml"
            shutil.copy(source, conf / "schema.xml")
            (conf / "solrconfig.xml").write_text(STOCK_CONFIG, encoding="utf-8")
            for empty in ("synonyms.txt", "protwords.txt", "stopwords.txt"):
                (conf / empty).write_text("", encoding="utf-8")
        else:
            shutil.copytree(CONFIG / "solr" / "conf", conf)
        _get(f"{solr}/admin/cores", action="CREATE", name=name, instanceDir=str(self.folder))

    def add(self, documents: list[dict[str, Any]]) -> None:
        """Index the documents and wait until they are found."""
        request = urllib.request.Request(
            f"{self.address}/update?commit=true",
            data=json.dumps(documents).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=120).read()

    def search(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of Solr to the parameters."""
        found: dict[str, Any] = _get(f"{self.address}/select", **query)
        return found

    def remove(self) -> None:
        """Take the core away with its files."""
        known = _get(f"{self.solr}/admin/cores", action="STATUS", core=self.name)["status"]
        if known.get(self.name):
            _get(
                f"{self.solr}/admin/cores",
                action="UNLOAD",
                core=self.name,
                deleteInstanceDir="true",
            )
        shutil.rmtree(self.folder, ignore_errors=True)


def ranked(core: Core, query: Mapping[str, Any]) -> list[str]:
    """The ids found, in their order."""
    return [found["id"] for found in core.search(query)["response"]["docs"]]


def plain(query: str, rows: int = 10) -> dict[str, Any]:
    """A query in Solr's syntax, with what CKAN adds to every search."""
    return _common(query, rows) | {"sort": search.SORT}


def ours(q: str, rows: int = 10, fq_extra: str | None = None) -> dict[str, Any]:
    """The parameters that reach Solr for a typed question through the portal."""
    asked = search.params({"q": q, "sort": None})
    found = _common(asked["q"] or "*:*", rows)
    found["sort"] = asked.get("sort") or "score desc, metadata_modified desc"
    if fq_extra:
        found["fq"] = [*found["fq"], fq_extra]
    return found


def stock(q: str, rows: int = 10) -> dict[str, Any]:
    """The parameters that reach Solr for a typed question through stock CKAN 2.12."""
    found = _common(q, rows) | {"sort": "score desc, metadata_modified desc"}
    if ":" not in q:
        found |= {
            "defType": "dismax",
            "tie": "0.1",
            "mm": "2<-1 5<80%",
            "qf": "name^4 title^4 tags^2 groups^2 text",
        }
    return found


def _common(q: str, rows: int) -> dict[str, Any]:
    filters = [f'+site_id:"{SITE}"', "+state:active", '+permission_labels:("public")']
    return {"q": q, "rows": rows, "fq": filters, "df": "text", "q.op": "AND", "fl": "id,title"}


def documents(known: list[Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The documents for our core and for the stock core."""
    mine, theirs = [], []
    for dataset in known:
        whole, organizations = package(dataset), above(dataset)
        plain = document(whole, organizations)
        theirs.append(plain)
        labels = {"permission_labels": plain["permission_labels"]}
        mine.append(search.index_fields(plain, whole, organizations) | labels)
    return mine, theirs
