"""One site of `bench_feeds.py` as a process: `feeds_child.py KIND INI`, KIND "ours" or "stock".

Reads a line of JSON for each thing to do from its standard input and answers with one that begins
with "answer: "; what it measures it measures itself, around its own WSGI application, so that
neither a network nor the other process has a share in it.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "ckanext-hljshare")]
NEXT = re.compile(r'<([^>]*)>; rel="next"')
# As ckanext-dcat writes it; it has no such header.
HYDRA_NEXT = re.compile(r"hydra:next <([^>]*)>|hydra:next \"([^\"]*)\"")
SITE: dict[str, Any] = {}


def memory() -> float:
    """The most memory this process has held so far, in MB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def get(path: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Ask for an address; status, bytes, milliseconds until the last byte, some headers."""
    began = time.perf_counter()
    response = SITE["client"].get(path, headers=headers or {})
    size = sum(len(part) for part in response.iter_encoded())
    spent = (time.perf_counter() - began) * 1000
    response.close()
    etag = response.headers.get("ETag", "")
    return {"status": response.status_code, "bytes": size, "ms": spent, "etag": etag}


def times(path: str, count: int, warm: int, headers: dict[str, str] | None = None) -> list[float]:
    """Milliseconds of so many answers, after ``warm`` that do not count."""
    return [get(path, headers)["ms"] for _ in range(count + warm)][warm:]


def follow(path: str) -> dict[str, Any]:
    """Walk from page to page to the end: pages, datasets, bytes, seconds in answers only."""
    found = {"pages": 0, "datasets": 0, "bytes": 0, "seconds": 0.0}
    address: str | None = path
    while address:
        began = time.perf_counter()
        response = SITE["client"].get(address)
        text = response.get_data()
        found["seconds"] += time.perf_counter() - began
        if response.status_code != 200:
            raise RuntimeError(f"{address}: {response.status_code}")
        found["pages"] += 1
        found["bytes"] += len(text)
        found["datasets"] += len(re.findall(rb"^<[^>]*> a dcat:Dataset\b", text, re.MULTILINE))
        address = _following(response, text)
    return {**found, "memory": memory()}


def _following(response: Any, text: bytes) -> str | None:
    linked = NEXT.search(", ".join(response.headers.getlist("Link")))
    if linked is None and SITE["kind"] == "stock":
        linked = HYDRA_NEXT.search(text.decode())
    if linked is None:
        return None
    parts = urlsplit(next(group for group in linked.groups() if group))
    return f"{parts.path}?{parts.query}"


def timed(what: Callable[[], Any]) -> Callable[[], float]:
    """The same, answering with its seconds."""

    def run() -> float:
        began = time.perf_counter()
        what()
        return time.perf_counter() - began

    return run


def settle() -> None:
    """Take in what was written."""
    from ckanext.hljshare.feeds.entries import store

    store.settle()


def keep_alike() -> None:
    """Give every entry a text in Turtle, of an entry that has one, as if each had been made."""
    import sqlalchemy as sa
    from ckan import model

    with model.meta.engine.begin() as connection:
        connection.execute(
            sa.text(
                "WITH kept AS (SELECT ttl, refs, stamp, dataset_id, row_number() OVER () - 1 AS n "
                "FROM hljshare_feed_entry WHERE stamp IS NOT NULL AND ttl IS NOT NULL), "
                "lacking AS (SELECT dataset_id, row_number() OVER () - 1 AS n "
                "FROM hljshare_feed_entry WHERE ttl IS NULL) "
                "UPDATE hljshare_feed_entry e SET stamp = k.stamp, refs = k.refs, "
                "ttl = replace(k.ttl, k.dataset_id, e.dataset_id) "
                "FROM lacking l JOIN kept k ON k.n = l.n % (SELECT count(*) FROM kept) "
                "WHERE e.dataset_id = l.dataset_id"
            )
        )


def first() -> str:
    """The name of a dataset of the first page."""
    import sqlalchemy as sa
    from ckan import model

    with model.meta.engine.begin() as connection:
        query = "SELECT name FROM hljshare_feed_entry WHERE live ORDER BY position LIMIT 1"
        return str(connection.scalar(sa.text(query)))


def change(name: str) -> None:
    """Write to a dataset as an editor does."""
    import ckan.plugins.toolkit as tk

    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    values = {"id": name, "notes": f"编辑过的说明文字，{time.time()}。"}
    tk.get_action("package_patch")({"user": user, "ignore_auth": True}, values)


def lacking() -> int:
    """How many datasets would have to be made anew."""
    import sqlalchemy as sa
    from ckan import model

    from ckanext.hljshare.feeds.entries import making, store

    store.settle()
    with model.meta.engine.begin() as connection:
        query = "SELECT count(*) FROM hljshare_feed_entry WHERE stamp IS DISTINCT FROM :stamp"
        return int(connection.scalar(sa.text(query), {"stamp": making.stamp()}))


DO: dict[str, Callable[..., Any]] = {
    "get": get,
    "times": times,
    "follow": follow,
    "memory": memory,
    "settle": timed(settle),
    "first": first,
    "keep_alike": timed(keep_alike),
    "change": change,
    "lacking": lacking,
}


@contextlib.contextmanager
def site(kind: str, ini: str) -> Iterator[Any]:
    """Start a site in this process."""
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    app = make_app(CKANConfigLoader(ini).get_config())._wsgi_app
    SITE.update(kind=kind, client=app.test_client())
    yield app


def main() -> None:
    """Answer until the input ends."""
    from ckan import model

    told = sys.stdout
    with contextlib.redirect_stdout(sys.stderr), site(*sys.argv[1:3]) as app:
        for line in sys.stdin:
            asked = json.loads(line)
            what = DO[asked.pop("do")]
            if what in (get, times, follow):
                answer = what(**asked)
            else:
                with app.test_request_context("/"):
                    answer = what(**asked)
            model.Session.remove()
            print(f"answer: {json.dumps(answer)}", file=told, flush=True)


if __name__ == "__main__":
    main()
