"""Search quality and speed beside stock CKAN: ``search_relevance.py SOLR [--write]``.

SOLR is the address of a running Solr (http://127.0.0.1:8993/solr). Prints nDCG@10 by kind of
question and the time of a search in both; ``--write`` puts the table into docs/search.md.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "ckanext-hljshare")]

from tests.integration.search import corpus, relevance  # noqa: E402

DOCUMENT = ROOT / "docs" / "search.md"
MARKS = ("<!-- table -->", "<!-- /table -->")
ROUNDS = 5


def scores(demo: list[Any], ours: corpus.Core, stock: corpus.Core) -> list[dict[str, Any]]:
    """nDCG@10 of both for every question that has an answer."""
    judged = relevance.read([(corpus.package(d)["id"], d.place, d.title) for d in demo])
    return [
        {
            "kind": j.kind,
            "ours": relevance.ndcg(j, corpus.ranked(ours, corpus.ours(j.q))),
            "stock": relevance.ndcg(j, corpus.ranked(stock, corpus.stock(j.q))),
            "q": j.q,
        }
        for j in judged
        if not j.none
    ]


def milliseconds(
    core: corpus.Core, ask: Callable[[str], dict[str, Any]], questions: list[str]
) -> float:
    """The median time of a search, building the query included, over several rounds."""
    took = []
    for _ in range(ROUNDS):
        for q in questions:
            start = time.perf_counter()
            core.search(ask(q))
            took.append((time.perf_counter() - start) * 1000)
    return statistics.median(took)


def main(solr: str, write: bool) -> None:
    """Load the demo catalog into two cores, measure, report."""
    demo = corpus.demo()
    mine, theirs = corpus.documents(demo)
    ours, stock = corpus.Core(solr, "bench_ours"), corpus.Core(solr, "bench_stock", stock=True)
    try:
        ours.add(mine)
        stock.add(theirs)
        rows = scores(demo, ours, stock)
        table = relevance.table(rows)
        print(table)
        for name, questions in (("typed", [row["q"] for row in rows]), ("browse", [""] * 60)):
            times = [
                milliseconds(core, ask, questions)
                for core, ask in ((ours, corpus.ours), (stock, lambda q: corpus.stock(q or "*:*")))
            ]
            print(
                f"{name}: ours {times[0]:.2f} ms, stock {times[1]:.2f} ms, "
                f"ratio {times[0] / times[1]:.2f}"
            )
    finally:
        ours.remove()
        stock.remove()
    if write:
        text = DOCUMENT.read_text(encoding="utf-8")
        before, _, rest = text.partition(MARKS[0])
        after = rest.partition(MARKS[1])[2]
        DOCUMENT.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), "--write" in sys.argv[2:])
