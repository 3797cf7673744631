"""Runs the portal's periodic commands, each in its own process so that none can hang the others.

A command that fails or is late is simply run again at its next turn: every one of them is
written to be repeated safely.
"""

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

# (seconds between two starts, arguments of `ckan`)
PERIODIC: list[tuple[int, list[str]]] = [
    (60, ["harvester", "run"]),
    (60, ["hljshare", "ingest", "due"]),
    (60, ["hljshare", "outbox", "run"]),
    (60, ["hljshare", "requests", "tick"]),
    (300, ["hljshare", "feeds", "refresh"]),
    (3600, ["hljshare", "push", "watch"]),
    (3600, ["hljshare", "calendar", "remind"]),
    (3600, ["hljshare", "requests", "erase"]),
    (3600, ["hljshare", "audit", "seal"]),
    (21600, ["hljshare", "audit", "verify"]),
]
TIME_LIMIT = 900

log = logging.getLogger("scheduler")


def run(ini: str, arguments: list[str]) -> None:
    """Run one `ckan` command to its end, or kill it after `TIME_LIMIT` seconds."""
    ckan = Path(sys.executable).with_name("ckan")
    try:
        subprocess.run([ckan, "-c", ini, *arguments], timeout=TIME_LIMIT, check=True)  # noqa: S603
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        log.warning("%s: %s", " ".join(arguments), error)


def main() -> None:
    """Start each command when its turn comes, until the process is stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    ini = os.environ["CKAN_INI"]
    due = {index: time.monotonic() + every for index, (every, _) in enumerate(PERIODIC)}
    while True:
        for index, (every, arguments) in enumerate(PERIODIC):
            if time.monotonic() >= due[index]:
                due[index] = time.monotonic() + every
                run(ini, arguments)
        time.sleep(1)


if __name__ == "__main__":
    main()
