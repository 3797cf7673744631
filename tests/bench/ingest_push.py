"""The rate of the push intake: one batch by HTTP, through the portal's own web server."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.bench import ingest_web
from tests.bench.ingest_source import record
from tests.sites import Sites, ckan

CITY = "harbin"
TOKEN = "token"


def batch(target: Path, count: int) -> str:
    """Write a batch of so many datasets, as a city's sender would; gives its Content-Digest."""
    from harvesters.ckan_portal import make_record
    from harvesters.mapping import load

    mapping, digest = load("default"), hashlib.sha256()
    with target.open("wb") as file:
        for number in range(count):
            sent = make_record(record(number), "https://data.harbin.example/", mapping).to_dict()
            line = {"op": "upsert", "record": {**sent, "warnings": []}}
            data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
            digest.update(data)
            file.write(data)
    return f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"


def send(port: int, token: str, content: Path, digest: str) -> tuple[float, Counter[str]]:
    """Put a batch; the seconds until the receipt's last byte, and what became of the lines."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3600)
    outcomes: Counter[str] = Counter()
    received = False
    began = time.perf_counter()
    try:
        with content.open("rb") as body:
            connection.request(
                "PUT",
                "/push/v1/batches/bench-ingest-batch",
                body,
                {
                    "Authorization": token,
                    "Content-Type": "application/x-ndjson",
                    "Content-Length": str(content.stat().st_size),
                    "Content-Digest": digest,
                },
            )
            answer = connection.getresponse()
            if answer.status != 200:
                raise SystemExit(f"push answers with {answer.status}: {answer.read(2000)!r}")
            for line in answer:
                told = json.loads(line)
                received = received or "receipt" in told
                if "outcome" in told:
                    outcomes[told["outcome"]] += 1
    finally:
        connection.close()
    if not received:
        raise SystemExit(f"the push gave no receipt after {outcomes}")
    return time.perf_counter() - began, outcomes


def push_rate(sites: Sites, count: int, prepare: Callable[[Path], None]) -> float:
    """Datasets per second of one batch of so many to an empty portal, from the first byte sent to
    the receipt. The page that answers stands in gunicorn, as the portal's does.
    """
    site = sites.make("ours", f"push_{count}", prepare)
    told = ckan(site.ini, "hljshare", "push", "source", CITY)
    words = dict(line.split(None, 1) for line in told.splitlines() if " " in line)
    content = sites.folder / f"batch-{count}.ndjson"
    digest = batch(content, count)
    with ingest_web.served(site.ini) as port:
        seconds, outcomes = send(port, words[TOKEN], content, digest)
    if outcomes != {"created": count}:
        raise SystemExit(f"{site.name}: {dict(outcomes)} instead of {count} created")
    content.unlink()
    sites.remove(site)
    return count / seconds
