"""Template helpers of the pages of harvest sources and jobs: what people read for their codes."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

HARVEST_FACETS = ("source_type", "frequency")


def hljshare_harvest_label(kind: str, of: str | dict[str, Any] | None) -> str:
    """What people read for a harvest source's ``source_type`` or ``frequency``, or the ``status``
    of a job; given the code, or a source that has it as a field or, from the index, an extra."""
    code = of
    if isinstance(of, dict):
        code = of.get(kind) or tk.h.get_pkg_dict_extra(of, kind)
    if kind == "source_type":
        for harvester in tk.get_action("harvesters_info_show")({"ignore_auth": True}, {}):
            if harvester["name"] == code:
                return str(tk._(harvester["title"]))
        return str(code or "")
    words = {
        "MANUAL": tk._("Manual"),
        "MONTHLY": tk._("Monthly"),
        "WEEKLY": tk._("Weekly"),
        "BIWEEKLY": tk._("Biweekly"),
        "DAILY": tk._("Daily"),
        "ALWAYS": tk._("Always"),
        "New": tk._("Waiting"),
        "Running": tk._("Running"),
        "Finishing": tk._("Finishing"),
        "Finished": tk._("Finished"),
        "Aborted": tk._("Stopped"),
    }
    return words.get(str(code or ""), str(code or ""))


def hljshare_harvest_frequencies() -> list[dict[str, str]]:
    """The frequencies that a form offers."""
    return [
        {"value": item["value"], "text": hljshare_harvest_label("frequency", item["value"])}
        for item in tk.h.harvest_frequencies()
    ]


def hljshare_harvest_owners() -> list[dict[str, Any]]:
    """The organizations for which the user may make a source, grouped."""
    allowed = {item["id"] for item in tk.h.organizations_available("create_dataset")}
    found: list[dict[str, Any]] = tk.h.hljshare_organization_choices(None, allowed)
    return found
