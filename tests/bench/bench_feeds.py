"""DCAT feeds beside stock ckanext-dcat: the same datasets, the same services, in one run.

A hundred datasets of two files each are harvested by our engine and copied by SQL until there are
10,000; stock CKAN with ckanext-dcat (profile euro_dcat_ap_3) stands on a copy of that database,
with a search index of its own schema that holds the same. Each site is one process that asks its
own application and measures there. `./portal bench feeds` runs it; `--quick` with 1,000 datasets
(and 3,000 in place of 100,000), `--json FILE` writes the numbers, `--write` puts the tables into
docs/speed.md. Everything made is removed again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "ckanext-hljshare")]

from tests.bench import feeds_data  # noqa: E402
from tests.bench.ingest_source import Remote  # noqa: E402
from tests.sites import Site, Sites, ckan  # noqa: E402

PREFIX = "bench_feeds"
REDIS = {"ours": 59, "stock": 60}
HARVESTED = 100
COUNT, LARGE = 10_000, 100_000
QUICK = (1_000, 3_000)
ROUNDS, WARM = 40, 5
PROFILE = {"ckanext.dcat.rdf.profiles": "euro_dcat_ap_3"}
DUMP = "/catalog/dump.ttl.gz"
DOCUMENT = ROOT / "docs" / "speed.md"
MARKS = ("<!-- feeds -->", "<!-- /feeds -->")
# Issue 7: whole catalog and one page against stock's; peak memory of 100,000 against 10,000.
WHOLE, PAGE, FLAT = 20.0, 50.0, 1.1


class Side:
    """One site in a process of its own."""

    def __init__(self, site: Site) -> None:
        """Start it."""
        script = str(Path(__file__).with_name("feeds_child.py"))
        self._log = site.ini.with_suffix(".log").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, script, site.kind, str(site.ini)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def do(self, what: str, **values: Any) -> Any:
        """Have it do something of `feeds_child`. Raises SystemExit with its last words."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": what, **values}) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("answer: "):
                return json.loads(line.removeprefix("answer: "))
        self._log.seek(0)
        ended = self._process.wait()
        raise SystemExit(f"{what} failed ({ended}):\n{self._log.read()[-4000:]}")

    def get(self, path: str) -> float:
        """Milliseconds of one answer that must be a good one."""
        found = self.do("get", path=path)
        if found["status"] != 200:
            raise SystemExit(f"{path}: {found['status']}")
        return float(found["ms"])

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._log.close()


@contextlib.contextmanager
def started(site: Site) -> Iterator[Side]:
    """A site's process."""
    side = Side(site)
    try:
        yield side
    finally:
        side.close()


def tell(what: str, value: str) -> None:
    """A word on the terminal, as things go."""
    print(f"  {what}: {value}", file=sys.stderr, flush=True)


# ---------------------------------------------------------------------- the sites


def organizations(ini: Path) -> None:
    """Fill a new portal with the province's organizations."""
    ckan(ini, "hljshare", "organizations", "load")


def harvest(site: Site) -> None:
    """Bring in the datasets that the others are copies of."""
    script = str(Path(__file__).with_name("ingest_child.py"))
    with Remote(HARVESTED) as remote:
        command = [sys.executable, script, "ours", str(site.ini), remote.url]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
    if told.returncode:
        raise SystemExit(f"the harvest failed:\n{told.stderr[-4000:]}")
    found = json.loads(told.stdout.splitlines()[-1])
    if found["standing"] != HARVESTED:
        raise SystemExit(f"the harvest brought {found}")


def make(sites: Sites, count: int) -> tuple[Site, Site]:
    """Our site and stock's with the same datasets."""
    began = time.monotonic()
    ours = sites.make("ours", "whole", organizations)
    harvest(ours)
    stock = sites.copy(ours, "stock", "whole", PROFILE)
    ckan(stock.ini, "search-index", "rebuild", "-q")
    copies = count // HARVESTED - 1
    for site in (ours, stock):
        feeds_data.rows(site.database, 1, copies)
    feeds_data.documents(stock.core, 1, copies)
    tell(f"two sites of {count:,} datasets", f"{time.monotonic() - began:.0f} s")
    return ours, stock


# ---------------------------------------------------------------------- measuring


def whole(side: Side, what: str, count: int) -> dict[str, Any]:
    """The whole catalog by following its pages. Raises SystemExit if it is not whole."""
    found: dict[str, Any] = side.do("follow", path="/catalog.ttl")
    if found["datasets"] != count:
        raise SystemExit(f"{what}: {found['datasets']:,} datasets instead of {count:,}")
    tell(what, f"{found['seconds']:.2f} s, {found['pages']:,} pages, {found['memory']:.0f} MB")
    return found


def first_time(side: Side, count: int) -> dict[str, Any]:
    """Ours when nothing is kept: taking in, all pages, the dump; then the dump again."""
    found = {"taken_in": side.do("settle")}
    found["cold"] = whole(side, "ours, nothing kept", count)["seconds"]
    found["dump"] = side.get(DUMP) / 1000
    found["dump_again"] = side.get(DUMP) / 1000
    tell("ours, dump, first and again", f"{found['dump']:.2f} s, {found['dump_again']:.3f} s")
    return found


def one_page(ours: Side, stock: Side, middle: int) -> dict[str, Any]:
    """Milliseconds of a page from the middle of the catalog, both asked in turn; and of ours for
    one who has it already."""
    numbered = f"/catalog.ttl?page={middle // 100 + 1}"
    paths = {"ours": f"/catalog.ttl?after={middle - 1}", "stock": numbered}
    spent: dict[str, list[float]] = {"ours": [], "stock": []}
    for number in range(ROUNDS + WARM):
        for name, side in (("ours", ours), ("stock", stock)):
            taken = side.get(paths[name])
            if number >= WARM:
                spent[name].append(taken)
    etag = ours.do("get", path=paths["ours"])["etag"]
    known = {"If-None-Match": etag}
    if ours.do("get", path=paths["ours"], headers=known)["status"] != 304:
        raise SystemExit("a page that has not changed is not told to be the same")
    asked = ours.do("times", path=paths["ours"], count=ROUNDS, warm=WARM, headers=known)
    found = {name: statistics.median(taken) for name, taken in spent.items()}
    found["known"] = statistics.median(asked)
    tell("one page, ms", json.dumps({name: round(value, 2) for name, value in found.items()}))
    return found


def one_change(side: Side) -> dict[str, Any]:
    """What it costs to tell of a dataset that was written to: how many are made anew, milliseconds
    of its page and of the dump."""
    name = side.do("first")
    side.get("/catalog.ttl")
    side.get(DUMP)
    side.do("change", name=name)
    found = {"lacking": side.do("lacking"), "page": side.get("/catalog.ttl")}
    side.do("change", name=name)
    found["dump"] = side.get(DUMP)
    tell("one change", json.dumps(found))
    return found


def in_memory(site: Site, count: int) -> dict[str, Any]:
    """All pages, kept, by a fresh process: seconds, its peak memory, and what it had before."""
    with started(site) as side:
        side.get("/catalog.ttl")
        if side.do("lacking"):
            raise SystemExit("what is kept was not made by this code: it was changed meanwhile")
        before = side.do("memory")
        found = whole(side, f"ours, {count:,}, kept", count)
        return {**found, "before": before}


def grow(site: Site, count: int, large: int) -> None:
    """Copy more, until there are so many, each with a text as if it had been made."""
    feeds_data.rows(site.database, count // HARVESTED, large // HARVESTED - 1)
    with started(site) as side:
        taken, kept = side.do("settle"), side.do("keep_alike")
        tell(f"{large:,} datasets taken in, given texts", f"{taken:.0f} s, {kept:.0f} s")


def measure(sites: Sites, count: int, large: int) -> dict[str, Any]:
    """Everything, in the order in which one thing needs another."""
    site, other = make(sites, count)
    found: dict[str, Any] = {"count": count, "large": large}
    with started(other) as stock:
        found["stock"] = whole(stock, "stock", count)
        with started(site) as ours:
            found["first"] = first_time(ours, count)
            found["page"] = one_page(ours, stock, count // 2)
            found["change"] = one_change(ours)
    found["kept"] = in_memory(site, count)
    sites.remove(other)
    grow(site, count, large)
    found["kept_large"] = in_memory(site, large)
    return found


# ---------------------------------------------------------------------- tables


def tables(found: dict[str, Any]) -> tuple[str, bool]:
    """All tables as Markdown, and whether what was promised was kept."""
    first, page, kept, change = (found[name] for name in ("first", "page", "kept", "change"))
    theirs, large = found["stock"]["seconds"], found["kept_large"]
    rows = [
        ("whole catalog by pages, s", theirs, kept["seconds"], WHOLE),
        ("the same when nothing is kept, s", theirs, first["cold"], None),
        ("whole catalog as a dump, made for the first time, s", theirs, first["dump"], None),
        ("as a dump again, s", theirs, first["dump_again"], None),
        ("one page of 100, ms", page["stock"], page["ours"], PAGE),
        ("one page for who has it (304), ms", page["stock"], page["known"], None),
    ]
    lines = [
        f"| {found['count']:,} datasets, Turtle | stock | ours | ratio | promised |",
        "|---|---:|---:|---:|---:|",
    ]
    good = True
    for title, stock, ours, promised in rows:
        ratio = stock / ours
        good = good and (promised is None or ratio >= promised)
        promise = f"{promised:.0f}" if promised else ""
        lines.append(f"| {title} | {_short(stock)} | {_short(ours)} | {ratio:,.1f} | {promise} |")
    flat = large["memory"] / kept["memory"]
    lines += [
        "",
        "| our process, the whole catalog by pages | s | peak memory, MB | of it the work, MB |",
        "|---:|---:|---:|---:|",
    ]
    for count, run in ((found["count"], kept), (found["large"], large)):
        own = run["memory"] - run["before"]
        lines.append(f"| {count:,} | {run['seconds']:.1f} | {run['memory']:.0f} | {own:.0f} |")
    rebuilt = (first["cold"] + first["dump"]) * 1000
    lines += [
        "",
        f"| one of {found['count']:,} datasets was written to | ours | all made anew |",
        "|---|---:|---:|",
        f"| datasets made anew | {change['lacking']} | {found['count']:,} |",
        f"| its page tells of it, ms | {_short(change['page'])} | {first['cold'] * 1000:,.0f} |",
        f"| the dump tells of it, ms | {_short(change['dump'])} | {rebuilt:,.0f} |",
    ]
    return "\n".join(lines), good and flat <= FLAT and change["lacking"] == 1


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def main() -> int:
    """Measure, print, and with --write put the tables into docs/speed.md."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer datasets, to try it")
    parser.add_argument("--sizes", type=int, nargs=2, metavar=("COUNT", "LARGE"), help="others")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/speed.md")
    asked, _others = parser.parse_known_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sites = Sites(Path(os.environ["PORTAL_RUN"]), PREFIX, REDIS, "dcat")
    with contextlib.closing(sites):
        sizes = asked.sizes or (QUICK if asked.quick else (COUNT, LARGE))
        found = measure(sites, *sizes)
    text, good = tables(found)
    print(text)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1), "utf-8")
    if asked.write:
        document = DOCUMENT.read_text("utf-8")
        before, after = document.split(MARKS[0])[0], document.split(MARKS[1])[1]
        DOCUMENT.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}", "utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
