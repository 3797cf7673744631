"""One measured run in a process of its own: `ingest_child.py KIND INI URL [WORDS…]`.

KIND is "ours" or "stock". The process starts the portal, prints "begin", measures, and prints one
line of JSON: seconds of the run alone, the most memory the process ever held and had held before
the run (MB), what became of the records, and how many datasets the search then knows. WORDS:
`force` (stock compares every record, whatever its date), `profile` (stderr: where the time went).
"""

from __future__ import annotations

import contextlib
import cProfile
import io
import json
import pstats
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "ckanext-hljshare")]
NAME = "bench-harbin"
KIND = "ckan_portal"
COUNTS = ("created", "updated", "unchanged", "held", "withdrawn", "rejected")
TOP = 40


def warm(source_id: str) -> None:
    """Have what a process reads once and keeps (code lists, the dictionary of pinyin, compiled
    SQL), as one has that has been up for a while. The same on both sides.
    """
    import ckan.plugins.toolkit as tk

    tk.get_action("harvest_source_reindex")({"ignore_auth": True}, {"id": source_id})


def memory() -> float:
    """The most memory this process has held so far, in MB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def portal(ini: Path) -> Any:
    """Start a portal in this process; gives the Flask application."""
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    return make_app(CKANConfigLoader(str(ini)).get_config())._wsgi_app


# ---------------------------------------------------------------------- ours


def ours(url: str) -> Callable[[], dict[str, Any]]:
    """The harvest of `url` by the portal's engine, ready to start."""
    from ckanext.hljshare.ingest import engine, sources

    harvester = sources.harvester(KIND)
    row = sources.find(NAME)
    if row is None:
        owner = sources.organization("harbin")
        row = sources.create(NAME, KIND, url, owner, None, "哈尔滨市（测速）")
    elif row.url != url:
        row = sources.change(row, url, None)
    warm(row.id)
    next(iter(harvester.open(url, row.config, local_files=True)[0].records()))
    adapter, mapping = harvester.open(url, row.config, local_files=True)
    source = harvester.source(row, mapping, url)

    def run() -> dict[str, Any]:
        told = engine.run(source, adapter)
        return {name: told[name] for name in (*COUNTS, "stopped")}

    return run


# ---------------------------------------------------------------------- stock


class Channel:
    """What a queue's callback answers to."""

    delivery_tag = "bench"

    def basic_ack(self, _tag: str) -> None:
        """Take note that the object is done: nothing to do."""


def stock(url: str, force: bool) -> Callable[[], dict[str, Any]]:
    """The same by stock `ckan_harvester`: its own stages, called as its queue's consumers call
    them, one object after the other, without the way through Redis.
    """
    import ckan.plugins.toolkit as tk
    from ckan import model
    from ckanext.harvest import queue
    from ckanext.harvest.model import HarvestJob, HarvestObject, HarvestSource

    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    config = json.dumps({"force_all": force})

    def context() -> dict[str, Any]:
        return {"user": user, "ignore_auth": True, "model": model, "session": model.Session}

    package = model.Package.get(NAME)
    if package is None:
        agency = tk.get_action("organization_create")(
            context(), {"name": "harbin", "title": "哈尔滨市"}
        )
        made = tk.get_action("harvest_source_create")(
            context(),
            {"name": NAME, "title": "哈尔滨市（测速）", "url": url, "source_type": "ckan",
             "owner_org": agency["id"], "frequency": "MANUAL", "config": config},
        )  # fmt: skip
        source_id = made["id"]
    else:
        source_id = package.id
        row = HarvestSource.get(source_id)
        row.url, row.config = url, config
        row.save()
    warm(source_id)
    harvester = queue.get_harvester("ckan")

    def run() -> dict[str, Any]:
        job = HarvestJob.get(
            tk.get_action("harvest_job_create")(context(), {"source_id": source_id, "run": False})[
                "id"
            ]
        )
        job.status = "Running"
        job.save()
        job_id = job.id
        channel: Any = Channel()
        for number in queue.gather_stage(harvester, job) or []:
            body = json.dumps({"harvest_object_id": number})
            queue.fetch_callback(channel, channel, None, body)
        tk.get_action("harvest_jobs_run")(context(), {})
        model.Session.expire_all()
        done = HarvestObject.harvest_job_id == job_id
        states = [row[0] for row in model.Session.query(HarvestObject.report_status).filter(done)]
        return dict(Counter(states))

    return run


# ---------------------------------------------------------------------- a process


def standing() -> int:
    """How many datasets a search finds at this moment."""
    from ckan.common import config
    from ckan.lib.search.common import make_connection

    own = f'+dataset_type:dataset +state:active +site_id:"{config["ckan.site_id"]}"'
    return int(make_connection().search(own, rows=0).hits)


def main() -> int:
    """Start, measure, print."""
    kind, ini, url, *words = sys.argv[1:]
    report = sys.stdout
    with contextlib.redirect_stdout(sys.stderr), portal(Path(ini)).test_request_context("/"):
        run = ours(url) if kind == "ours" else stock(url, "force" in words)
        before = memory()
        print("begin", file=report, flush=True)
        profile = cProfile.Profile() if "profile" in words else None
        began, own = time.perf_counter(), time.process_time()
        summary = profile.runcall(run) if profile else run()
        seconds, own = time.perf_counter() - began, time.process_time() - own
        answer = {
            "seconds": seconds,
            "cpu": own,
            "memory": memory(),
            "memory_before": before,
            "summary": summary,
        }
        answer["standing"] = standing()
        if profile:
            for order in ("cumulative", "tottime"):
                told = io.StringIO()
                pstats.Stats(profile, stream=told).sort_stats(order).print_stats(TOP)
                print(told.getvalue(), file=sys.stderr)
    print(json.dumps(answer, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
