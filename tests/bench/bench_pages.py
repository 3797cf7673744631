"""Search and dataset pages beside stock CKAN, on the same data, in one run.

Stock CKAN gets a second Solr core with its own schema, indexed from the portal's database, and no
plugin but the DataStore. Both sites are asked in turn, page by page, by one client in a process of
its own each; the ratio of the medians is what counts. `./portal bench` runs it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "ckanext-hljshare")]

from tests.integration.search import corpus  # noqa: E402

ROUNDS = 40
WARM = 5
DOCUMENT = ROOT / "docs" / "speed.md"
MARKS = ("<!-- pages -->", "<!-- /pages -->")


def stock_ini(run: Path, core: str) -> Path:
    """Write the settings of a stock CKAN on the portal's own database."""
    target = run / "stock.ini"
    text = (run / "ckan.ini").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith(("hljshare.", "scheming."))]
    replaced = {
        "ckan.plugins": "datastore",
        "ckan.theme": "css/main",
        "ckan.favicon": "/base/images/ckan.ico",
        "solr_url": core,
        "ckan.storage_path": str(run / "stock-storage"),
        "ckanext.dcat.rdf.profiles": None,
        "SESSION_TYPE": "cookie",
    }
    kept = []
    for line in lines:
        key = line.split("=", 1)[0].strip()
        if key in replaced:
            if replaced[key] is not None:
                kept.append(f"{key} = {replaced[key]}")
            continue
        if key.startswith(("ckan.harvest.",)):
            continue
        kept.append(line)
    target.touch(0o600)
    target.write_text("\n".join(kept) + "\n", "utf-8")
    return target


def serve(ini: Path, paths: list[str]) -> None:
    """Child process: ask each page once for each line on stdin; answer with milliseconds."""
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    app = make_app(CKANConfigLoader(str(ini)).get_config())
    client = app._wsgi_app.test_client() if hasattr(app, "_wsgi_app") else app.test_client()
    print("ready", flush=True)
    for line in sys.stdin:
        path = paths[int(line)]
        start = time.perf_counter()
        response = client.get(path)
        body = response.get_data()
        milliseconds = (time.perf_counter() - start) * 1000
        print(json.dumps([response.status_code, len(body), milliseconds]), flush=True)


class Site:
    """One CKAN in a process of its own."""

    def __init__(self, ini: Path, paths: list[str]) -> None:
        """Start it and wait until it can answer."""
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", str(ini), *paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout
        for line in self.process.stdout:
            if line.strip() == "ready":
                return
        raise SystemExit(f"{ini} does not start; see: ckan -c {ini}")

    def ask(self, index: int) -> tuple[int, int, float]:
        """Return status, bytes and milliseconds of one page."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{index}\n")
        self.process.stdin.flush()
        status, size, milliseconds = json.loads(self.process.stdout.readline())
        return status, size, milliseconds

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait()


def example() -> str:
    """Return the name of an open dataset with files."""
    url = (
        f"{os.environ['PORTAL_URL']}/api/3/action/package_search?rows=1&fq=hljshare_open_type:open"
    )
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)["result"]["results"][0]["name"]


def common_tag() -> str:
    """Return the most common tag, quoted: the Chinese words that stock CKAN finds are tags."""
    url = f"{os.environ['PORTAL_URL']}/api/3/action/tag_list"
    with urllib.request.urlopen(url) as answer:
        tags = json.load(answer)["result"]
    found = {}
    for tag in tags[:60]:
        quoted = urllib.parse.quote(tag)
        url = (
            f"{os.environ['PORTAL_URL']}/api/3/action/package_search?rows=0&fq=tags:%22{quoted}%22"
        )
        with urllib.request.urlopen(url) as answer:
            found[quoted] = json.load(answer)["result"]["count"]
    return max(found, key=lambda quoted: found[quoted])


def main() -> int:
    """Measure, print, and with --write put the table into docs/speed.md."""
    run = Path(os.environ["PORTAL_RUN"])
    core = corpus.Core(os.environ["PORTAL_SOLR_URL"], "bench_stock", stock=True)
    try:
        return measure(run, stock_ini(run, core.address))
    finally:
        core.remove()


def measure(run: Path, ini: Path) -> int:
    """Ask both sites for each page in turn; return 0 when no page of ours is slower."""
    ckan = Path(sys.executable).with_name("ckan")
    subprocess.run([ckan, "-c", ini, "search-index", "rebuild", "-q"], check=True)
    pages = [
        ("search page, all datasets", "/dataset/"),
        ("search page, a word that both find (a tag)", f"/dataset/?q={common_tag()}"),
        ("dataset page", f"/dataset/{example()}"),
    ]
    paths = [path for _title, path in pages]
    ours, stock = Site(run / "ckan.ini", paths), Site(ini, paths)
    lines = ["| page | stock CKAN, ms | ours, ms | ratio |", "|---|---:|---:|---:|"]
    worst = 0.0
    try:
        for index, (title, _path) in enumerate(pages):
            times: dict[str, list[float]] = {"ours": [], "stock": []}
            for round_ in range(ROUNDS + WARM):
                for name, site in (("ours", ours), ("stock", stock)):
                    status, _size, milliseconds = site.ask(index)
                    assert status == 200, (name, title, status)
                    if round_ >= WARM:
                        times[name].append(milliseconds)
            mine, theirs = (statistics.median(times[name]) for name in ("ours", "stock"))
            worst = max(worst, mine / theirs)
            lines.append(f"| {title} | {theirs:.1f} | {mine:.1f} | {mine / theirs:.2f} |")
    finally:
        ours.stop()
        stock.stop()
    table = "\n".join(lines)
    print(table)
    if "--write" in sys.argv:
        text = DOCUMENT.read_text("utf-8")
        before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
        DOCUMENT.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", "utf-8")
    print(f"slowest ratio {worst:.2f} (at most 1.0)")
    return 0 if worst <= 1.0 else 1


if __name__ == "__main__":
    if "--serve" in sys.argv:
        at = sys.argv.index("--serve")
        serve(Path(sys.argv[at + 1]), sys.argv[at + 2 :])
    else:
        sys.exit(main())
