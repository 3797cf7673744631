"""Stock CKAN as a process that harvests: `stock_child.py INI`.

Reads a line of JSON for each thing to do from its standard input, answers with one that begins with
"answer: ". The stages of a harvest are called as the queue's consumers of ckanext-harvest call
them, one record after the other; nothing of CKAN or its extensions is changed.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app
from ckanext.harvest import queue
from ckanext.harvest.model import (
    HarvestGatherError,
    HarvestJob,
    HarvestObject,
    HarvestObjectError,
    HarvestSource,
)
from werkzeug.serving import make_server


class Channel:
    """What a queue's callback answers to."""

    delivery_tag = "interop"

    def basic_ack(self, _tag: str) -> None:
        """Take note that the record is done: nothing to do."""


def context() -> dict[str, Any]:
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    return {"user": user, "ignore_auth": True, "model": model, "session": model.Session}


def source(name: str, kind: str, url: str, config: dict[str, Any]) -> str:
    """The source of this name, made with an organization of its own; its id."""
    words = json.dumps(config) if config else ""
    package = model.Package.get(name)
    if package is None:
        agency = tk.get_action("organization_create")(context(), {"name": f"org-{name}"})
        values = {"name": name, "title": name, "source_type": kind, "owner_org": agency["id"]}
        more = {"url": url, "frequency": "MANUAL", "config": words}
        made = tk.get_action("harvest_source_create")(context(), {**values, **more})
        return str(made["id"])
    row = HarvestSource.get(package.id)
    row.url, row.config = url, words
    row.save()
    return str(package.id)


def harvest(name: str, kind: str, url: str, config: dict[str, Any]) -> dict[str, Any]:
    """One whole run; how many records ended how, and every error that it noted."""
    made = tk.get_action("harvest_job_create")(
        context(), {"source_id": source(name, kind, url, config), "run": False}
    )
    job = HarvestJob.get(made["id"])
    job.status = "Running"
    job.save()
    channel: Any = Channel()
    for number in queue.gather_stage(queue.get_harvester(kind), job) or []:
        queue.fetch_callback(channel, channel, None, json.dumps({"harvest_object_id": number}))
    tk.get_action("harvest_jobs_run")(context(), {})
    model.Session.expire_all()
    objects = model.Session.query(HarvestObject).filter_by(harvest_job_id=made["id"]).all()
    ids = [each.id for each in objects]
    gathered = model.Session.query(HarvestGatherError).filter_by(harvest_job_id=made["id"])
    failed = model.Session.query(HarvestObjectError)
    return {
        "records": dict(Counter(str(each.report_status) for each in objects)),
        "gather_errors": [each.message for each in gathered],
        "object_errors": [
            each.message for each in failed.filter(HarvestObjectError.harvest_object_id.in_(ids))
        ],
        "job": HarvestJob.get(made["id"]).status,
    }


def datasets(name: str) -> list[dict[str, Any]]:
    """The datasets that a source has brought and that stand, as the API shows them."""
    source_id = model.Package.get(name).id
    rows = (
        model.Session.query(HarvestObject.package_id)
        .filter_by(harvest_source_id=source_id, current=True)
        .distinct()
    )
    shown = [tk.get_action("package_show")(context(), {"id": row.package_id}) for row in rows]
    return [dataset for dataset in shown if dataset["state"] == "active"]


def plugins() -> list[str]:
    """What is loaded."""
    return [name for name in tk.aslist(tk.config["ckan.plugins"]) if p.plugin_loaded(name)]


def serve(port: int) -> None:
    """Answer visitors at a port of this machine, until the process ends."""
    server = make_server("127.0.0.1", port, APP["wsgi"], threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


APP: dict[str, Any] = {}
DO: dict[str, Callable[..., Any]] = {
    "harvest": harvest,
    "datasets": datasets,
    "plugins": plugins,
    "serve": serve,
}


def main() -> None:
    """Answer until the input ends."""
    told = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        APP["wsgi"] = make_app(CKANConfigLoader(sys.argv[1]).get_config())
        app = APP["wsgi"]._wsgi_app
        for line in sys.stdin:
            asked = json.loads(line)
            try:
                with app.test_request_context("/"):
                    answer = {"result": DO[asked.pop("do")](**asked)}
            except Exception:
                answer = {"error": traceback.format_exc()}
            finally:
                model.Session.remove()
            print(f"answer: {json.dumps(answer)}", file=told, flush=True)


if __name__ == "__main__":
    main()
