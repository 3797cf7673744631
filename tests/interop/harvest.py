"""A stock CKAN harvests the running portal, whole: `python -m tests.interop.harvest`.

By the CKAN harvester twice, by the DCAT RDF harvester twice in Turtle and once in each of JSON-LD
and RDF/XML. Asks whether the counts and titles are ours, whether a second run changes nothing,
whether there was any error, and whether any address from our vault stands anywhere in what the
other site holds. Prints a summary in JSON; ends with 0 if all is as it should be.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg2

from tests.interop import checks, leaks
from tests.interop.stock_site import ROOT, StockSite
from tests.sites import setting

PREFIX, REDIS = "interop_demo", 58
KINDS = {
    "ckan": ("ckan", ["/", "/"]),
    "dcat": ("dcat_rdf", ["/catalog.ttl", "/catalog.ttl", "/catalog.jsonld", "/catalog.rdf"]),
}
SHOWN = 5  # examples of what is wrong
# Where a title must be found, or the search for what must not be there means nothing.
HELD = ("table package", "table harvest_object", "search index")


def ours(run: Path) -> tuple[dict[str, str], set[str]]:
    """From the portal's database: titles of what is public by id, and what must not get out."""
    with (
        closing(
            psycopg2.connect(
                host="127.0.0.1",
                port=setting(run, "PG_PORT"),
                user="ckan",
                password=setting(run, "DB_PASSWORD"),
                dbname="ckan",
            )
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "select id, title from package where type = 'dataset' and state = 'active' "
            "and not private and coalesce(extras ->> 'withdrawn_on', '') = ''"
        )
        titles = dict(cursor.fetchall())
        cursor.execute("select address from hljshare_vault")
        addresses = {row[0] for row in cursor.fetchall()}
    return titles, {word for address in addresses for word in leaks.words(address)}


def runs(site: StockSite, url: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """All runs: the source's name, and what is known of the run."""
    for name, (kind, paths) in KINDS.items():
        before: dict[str, dict[str, Any]] | None = None
        for path in paths:
            began = time.monotonic()
            told = site.harvest(name, kind, f"{url}{path}")
            after = site.datasets(name)
            told |= {"seconds": round(time.monotonic() - began, 1), "path": path, "found": after}
            told["changes"] = None if before is None else checks.changes(before, after)
            before = after
            yield name, told


def judge(titles: dict[str, str], name: str, told: dict[str, Any]) -> dict[str, Any]:
    """What one run did, and what of it is wrong."""
    found = told["found"]
    wrong = {
        "errors": checks.errors(told),
        "titles": checks.titles(titles, found),
        "changes": told["changes"] or [],
    }
    return {
        "source": name,
        "path": told["path"],
        "seconds": told["seconds"],
        "records": told["records"],
        "datasets": len(found),
        "resources": checks.files(found),
        "wrong": {key: [len(value), *value[:SHOWN]] for key, value in wrong.items() if value},
    }


def main() -> int:
    """Harvest, compare, print."""
    run = Path(os.environ.get("PORTAL_RUN", ROOT / ".portal"))
    url = os.environ.get("PORTAL_URL", f"http://127.0.0.1:{setting(run, 'PORT')}")
    titles, wanted = ours(run)
    with closing(StockSite(run, PREFIX, REDIS)) as site:
        plugins = site.do("plugins")
        done = []
        for name, told in runs(site, url):
            done.append(judge(titles, name, told))
            print(json.dumps(done[-1], ensure_ascii=False), file=sys.stderr, flush=True)
        site.do("serve", port=site.port)
        with urlopen(f"{site.url}/api/3/action/package_search?rows=0", timeout=60) as answer:
            searched = json.load(answer)["result"]["count"]
        letters = 0

        def texts() -> Iterator[tuple[str, str]]:
            nonlocal letters
            for where, text in site.everything():
                letters += len(text)
                yield where, text

        control = next(iter(titles.values()))
        found = leaks.find(texts(), wanted | {control})
        leaked = [line for line in found if not line.endswith(f": {control}")]
    summary = {
        "plugins": plugins,
        "public": len(titles),
        "runs": done,
        "found_by_search": searched,
        "looked_for": len(wanted),
        "looked_through": letters,
        "leaked": [len(leaked), *leaked[:SHOWN]],
    }
    good = not leaked and bool(wanted) and not any(each["wrong"] for each in done)
    good = good and all(f"{where}: {control}" in found for where in HELD)
    good = good and searched == len(titles) * len(KINDS)
    print(json.dumps(summary, ensure_ascii=False, indent=1))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
