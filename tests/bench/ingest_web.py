"""How long a search takes for a visitor: a portal served as it is, asked by one client in turn."""

from __future__ import annotations

import http.client
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from urllib.parse import quote

from tests.bench.ingest_source import AREAS, SUBJECTS

ROOT = Path(__file__).resolve().parents[2]
WARM = 30
LEAST = 100  # requests, for a 95th percentile that means something
# Every pair once before one comes again, so that a cache of answers helps little on either side.
QUESTIONS = [f"{area} {subject}" for subject in SUBJECTS for area in AREAS]


@contextmanager
def served(ini: Path, workers: int = 2) -> Iterator[int]:
    """Serve a site by gunicorn as the portal is served; gives the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    program = str(Path(sys.executable).with_name("gunicorn"))
    with ini.with_suffix(".log").open("w") as log:
        process = subprocess.Popen(
            [program, "-c", "config/gunicorn.py", "config.wsgi:application"],
            cwd=ROOT,
            env={
                **os.environ,
                "CKAN_INI": str(ini),
                "PORTAL_BIND": f"127.0.0.1:{port}",
                "PORTAL_WORKERS": str(workers),
                "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "ckanext-hljshare")]),
            },
            stdout=log,
            stderr=log,
        )
    try:
        _wait(process, port)
        yield port
    except SystemExit:
        print(ini.with_suffix(".log").read_text("utf-8")[-4000:], file=sys.stderr)
        raise
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"gunicorn ended with {process.returncode}")
        try:
            search(port, "预算")
        except (OSError, http.client.HTTPException):
            time.sleep(0.2)
        else:
            return
    raise SystemExit("the bench's web process does not answer")


def search(port: int, words: str) -> float:
    """Ask for the search page; the milliseconds until its last byte."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", f"/dataset/?q={quote(words)}")
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise SystemExit(f"the search page answers with {answer.status}: {body[:300]!r}")
    return (time.perf_counter() - began) * 1000


def searches(port: int, going_on: Callable[[float, int], bool]) -> list[float]:
    """Ask one question after the other while ``going_on(seconds, asked)``; milliseconds of each."""
    times: list[float] = []
    began = time.monotonic()
    for words in cycle(QUESTIONS):
        if not going_on(time.monotonic() - began, len(times)):
            break
        times.append(search(port, words))
    return times


def p95(times: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(times, n=20, method="inclusive")[-1]
