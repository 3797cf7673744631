"""Harvests beside stock ckanext-harvest: the same source, the same services, in one run.

A loopback server speaks CKAN's API for synthetic datasets (`ingest_source.py`). Stock CKAN with
`ckan_harvester` and our engine bring them in, each in one process, into databases and Solr cores
of their own; the seconds of a run are those from reading the source to the last write, without
the start of the process. `./portal bench ingest` runs it: 1,000 datasets on both sides, 10,000 on
ours. `--full` adds stock's 10,000 (some twenty minutes) and our 100,000. `--profile` prints where
the time of our first harvest goes (`--profile unchanged`: of one that finds no news), and nothing
else; `--ours` leaves stock out; `--json FILE` writes the numbers; `--write` puts the tables into
docs/speed.md. Everything made is removed again.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "ckanext-hljshare")]

from tests.bench import ingest_web  # noqa: E402
from tests.bench.ingest_push import push_rate  # noqa: E402
from tests.bench.ingest_source import Remote  # noqa: E402
from tests.sites import Site, Sites, ckan  # noqa: E402

SIZES = (1_000, 10_000)  # the first is harvested by both sides
LARGE = 100_000
DOCUMENT = ROOT / "docs" / "speed.md"
MARKS = ("<!-- ingest -->", "<!-- /ingest -->")
REDIS = {"ours": 61, "stock": 62}
EVERY = 100  # one record in so many is changed
# Issue 6: ratios to stock's datasets per second; to our own at 1,000; of searches to idle.
PROMISED = {"first": 10.0, "unchanged": 100.0, "changed": 50.0}
STEADY, SEARCH_MOST = 0.8, 2.0
SEARCH_SECONDS = 60
TITLES = {
    "first": "first harvest",
    "unchanged": "again, nothing changed",
    "changed": "again, 1 % changed",
    "unchanged_since": "again, nothing changed, stock asks for changes only",
    "changed_since": "again, 1 % changed, stock asks for changes only",
}
Results = dict[str, dict[str, Any]]


def child(site: Site, url: str, *words: str) -> subprocess.Popen[str]:
    """Start one measured run and wait until it begins."""
    script = str(Path(__file__).with_name("ingest_child.py"))
    process = subprocess.Popen(
        [sys.executable, script, site.kind, str(site.ini), url, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if "profile" not in words else sys.stdout,
        text=True,
    )
    assert process.stdout
    if process.stdout.readline().strip() != "begin":
        raise SystemExit(f"the run does not start:\n{_errors(process)}")
    return process


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The report of a run that was started; it does not outlive this process."""
    try:
        told, errors = process.communicate()
    finally:
        process.kill()
    if process.returncode:
        raise SystemExit(f"the run failed:\n{(errors or '')[-4000:]}")
    report: dict[str, Any] = json.loads(told.splitlines()[-1])
    return report


def _errors(process: subprocess.Popen[str]) -> str:
    _told, errors = process.communicate()
    return (errors or "")[-4000:]


def expect(site: Site, report: dict[str, Any], count: int, **outcomes: int) -> None:
    """A number counts only if the run did what it was to do. Raises SystemExit."""
    found = {key: value for key, value in report["summary"].items() if value}
    wanted = {key: value for key, value in outcomes.items() if value}
    if found != wanted or report["standing"] != count:
        raise SystemExit(
            f"{site.name}: {found} and {report['standing']} to be found, not {wanted} and {count}"
        )


def measured(site: Site, remote: Remote, title: str, *words: str) -> dict[str, Any]:
    """One run, told on the terminal."""
    report = finished(child(site, remote.url, *words))
    report["rate"] = remote.count / report["seconds"]
    print(
        f"  {site.kind:5} {remote.count:7,} {TITLES[title]}: {report['seconds']:.1f} s, "
        f"{report['rate']:,.1f} datasets/s, {report['memory']:.0f} MB",
        file=sys.stderr,
        flush=True,
    )
    return report


def stock(sites: Sites, count: int) -> Results:
    """Stock's harvests of so many datasets."""
    with Remote(count) as remote:
        site = sites.make("stock", str(count))
        found: Results = {}
        found["first"] = measured(site, remote, "first", "force")
        expect(site, found["first"], count, added=count)
        found["unchanged"] = measured(site, remote, "unchanged", "force")
        expect(site, found["unchanged"], count, **{"not modified": count})
        changed = remote.change(EVERY)
        found["changed"] = measured(site, remote, "changed", "force")
        expect(site, found["changed"], count, updated=changed, **{"not modified": count - changed})
        # Its own default: it asks for what was modified since an hour before its last run.
        found["unchanged_since"] = _since(site, remote)
        sites.remove(site)
    return found


def _since(site: Site, remote: Remote) -> dict[str, Any]:
    with Remote(remote.count) as quiet:  # the same records, none of them changed within the hour
        report = measured(site, quiet, "unchanged_since")
        expect(site, report, remote.count)
        return report


def ours(sites: Sites, count: int, keep: bool = False) -> tuple[Results, Site]:
    """Our harvests of so many datasets; the site still stands if it is to be kept."""
    with Remote(count) as remote:
        site = sites.make("ours", str(count), organizations)
        found: Results = {}
        found["first"] = measured(site, remote, "first")
        expect(site, found["first"], count, created=count)
        found["unchanged"] = measured(site, remote, "unchanged")
        expect(site, found["unchanged"], count, unchanged=count)
        changed = remote.change(EVERY)
        found["changed"] = measured(site, remote, "changed")
        expect(site, found["changed"], count, updated=changed, unchanged=count - changed)
    if not keep:
        sites.remove(site)
    return found, site


def organizations(ini: Path) -> None:
    """Fill a new portal with the province's organizations."""
    ckan(ini, "hljshare", "organizations", "load")


def search_times(site: Site, count: int) -> dict[str, Any]:
    """The 95th percentile of the search page's milliseconds, idle and while a run writes every
    dataset anew, on a site that holds so many.
    """
    with Remote(count) as remote, ingest_web.served(site.ini) as port:
        ingest_web.searches(port, lambda _seconds, asked: asked < ingest_web.WARM)
        idle = ingest_web.searches(
            port, lambda seconds, asked: asked < ingest_web.LEAST or seconds < SEARCH_SECONDS / 4
        )
        for _ in range(2):  # the second version of a few is what the site holds already
            remote.change(1)
        run = child(site, remote.url)
        try:
            busy = ingest_web.searches(
                port, lambda seconds, _asked: run.poll() is None and seconds < SEARCH_SECONDS
            )
            if run.poll() is not None:
                expect(site, finished(run), count, updated=count)
        finally:
            run.kill()
            run.communicate()
    found = {"idle": ingest_web.p95(idle), "busy": ingest_web.p95(busy), "asked": len(busy)}
    print(
        f"  search, {count:,}: {len(idle)} idle {found['idle']:.1f} ms, "
        f"{len(busy)} while a run writes {found['busy']:.1f} ms",
        file=sys.stderr,
        flush=True,
    )
    return {**found, "ratio": found["busy"] / found["idle"]}


# ---------------------------------------------------------------------- tables


def harvest_rows(theirs: dict[int, Results], mine: dict[int, Results]) -> tuple[list[str], bool]:
    """A row for each kind of run at each number that both sides harvested."""
    rows, good = [], True
    for count, results in theirs.items():
        for kind, report in results.items():
            own = mine[count][kind.removesuffix("_since")]
            ratio = own["rate"] / report["rate"]
            promised = PROMISED.get(kind)
            good = good and (promised is None or ratio >= promised)
            rows.append(
                f"| {count:,} datasets, {TITLES[kind]} | {report['rate']:,.1f} "
                f"| {own['rate']:,.0f} | {ratio:,.1f} | {f'{promised:.0f}' if promised else ''} |"
            )
    return rows, good


def size_rows(mine: dict[int, Results], base: Results | None) -> tuple[list[str], bool]:
    """A row for each number of datasets of ours: does the rate hold, is the memory flat."""
    rows, least = [], min(mine)
    for count, results in mine.items():
        first = results["first"]
        steady = first["rate"] / mine[least]["first"]["rate"]
        ratio = f"{first['rate'] / base['first']['rate']:,.1f}" if base else ""
        rows.append(
            f"| {count:,} | {first['rate']:,.0f} | {ratio} | {steady:.2f} "
            f"| {results['unchanged']['rate']:,.0f} | {first['memory']:,.0f} "
            f"| {first['memory'] - first['memory_before']:,.0f} |"
        )
    whole = mine[max(mine)]["first"]["rate"] / mine[least]["first"]["rate"]
    return rows, max(mine) < LARGE or whole >= STEADY


def tables(results: dict[str, Any]) -> tuple[str, bool]:
    """All tables as Markdown, and whether what was promised was kept."""
    theirs, mine = results["stock"], results["ours"]
    parts, good = [], True
    if theirs:
        rows, good = harvest_rows(theirs, mine)
        head = (
            "| datasets per second | stock | ours | ratio | promised |\n|---|---:|---:|---:|---:|"
        )
        parts.append("\n".join([head, *rows]))
    rows, steady = size_rows(mine, theirs.get(min(mine)))
    least = f"{min(mine):,}"
    head = (
        f"| our first harvest of | datasets/s | × stock's of {least} | of ours of {least} "
        "| again, unchanged, datasets/s | peak memory, MB | of it the run, MB |\n"
        "|---:|---:|---:|---:|---:|---:|---:|"
    )
    parts.append("\n".join([head, *rows]))
    search = results["search"]
    busy = [
        "| search page, 95th percentile | ms | of idle |\n|---|---:|---:|",
        f"| {max(results['standing'], 0):,} datasets, idle | {search['idle']:.1f} | 1.00 |",
        f"| while a run writes them all anew | {search['busy']:.1f} | {search['ratio']:.2f} |",
    ]
    parts.append("\n".join(busy))
    pushed = results["push"]
    if pushed:
        head = "| push, one batch | datasets/s | of the first harvest |\n|---|---:|---:|"
        lines = [
            f"| {count:,} datasets | {rate:,.0f} | {rate / mine[count]['first']['rate']:.2f} |"
            for count, rate in pushed.items()
        ]
        parts.append("\n".join([head, *lines]))
        good = good and all(rate >= mine[count]["first"]["rate"] for count, rate in pushed.items())
    return "\n\n".join(parts), good and steady and search["ratio"] <= SEARCH_MOST


# ---------------------------------------------------------------------- the whole


def measure(sites: Sites, full: bool, with_stock: bool, sizes: list[int]) -> dict[str, Any]:
    """Run everything; the site of the middle size also shows how a search fares."""
    beside = sizes[: 2 if full else 1] if with_stock else []
    theirs = {count: stock(sites, count) for count in beside}
    mine: dict[int, Results] = {}
    searched = max(count for count in sizes if count <= SIZES[-1] or count == sizes[0])
    search: dict[str, Any] = {}
    pushed: dict[int, float] = {}
    for count in sizes:
        mine[count], site = ours(sites, count, keep=True)
        if count == searched:
            search = search_times(site, count)
        sites.remove(site)
    for count in sizes:
        if count <= searched:
            pushed[count] = push_rate(sites, count, organizations)
    return {
        "stock": theirs,
        "ours": mine,
        "search": search,
        "standing": searched,
        "push": pushed,
    }


def profile(sites: Sites, count: int, kind: str) -> None:
    """Print where the time of one kind of run of ours goes."""
    site = sites.make("ours", "profile", organizations)
    with Remote(count) as remote:
        if kind != "first":
            measured(site, remote, "first")
        if kind == "changed":
            remote.change(EVERY)
        report = finished(child(site, remote.url, "profile"))
    print(f"{count:,} datasets, {TITLES[kind]}, under the profiler: {report['seconds']:.1f} s")


def arguments() -> argparse.Namespace:
    """What was asked for; other benches' words are ignored."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="stock's 10,000, our 100,000")
    parser.add_argument(
        "--profile",
        choices=list(PROMISED),
        nargs="?",
        const="first",
        help="only profile one kind of run of ours (first)",
    )
    parser.add_argument("--ours", action="store_true", help="leave stock out")
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of datasets")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/speed.md")
    asked, _others = parser.parse_known_args()
    asked.sizes = sorted(asked.sizes or [*SIZES, *([LARGE] if asked.full else [])])
    return asked


def main() -> int:
    """Measure, print, and with --write put the tables into docs/speed.md."""
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ExitStack() as stack:
        sites = Sites(Path(os.environ["PORTAL_RUN"]), "bench_ingest", REDIS)
        stack.callback(sites.close)
        if asked.profile:
            profile(sites, min(asked.sizes), asked.profile)
            return 0
        results = measure(sites, asked.full, not asked.ours, asked.sizes)
    text, good = tables(results)
    print(text)
    if asked.json:
        asked.json.write_text(json.dumps(results, ensure_ascii=False, indent=1), "utf-8")
    if asked.write:
        document = DOCUMENT.read_text("utf-8")
        before, after = document.split(MARKS[0])[0], document.split(MARKS[1])[1]
        DOCUMENT.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}", "utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
