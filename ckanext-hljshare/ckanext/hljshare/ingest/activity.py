"""One entry in CKAN's activity stream for a whole run, where a site keeps such a stream.

CKAN writes one for each dataset, with a copy of it. A city that changes ten thousand datasets in a
night would bury everything else; `hljshare.ingest.activity` chooses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan import model

from .dataset import Source

OPTION = "hljshare.ingest.activity"


def tell(source: Source, user: str, counts: Mapping[str, Any]) -> bool:
    """Write down what a run changed; whether there was anything to write, and somewhere.

    :param counts: of the run, by outcome
    """
    changed = {
        name: counts[name] for name in ("created", "updated", "withdrawn") if counts.get(name)
    }
    if not changed or tk.config.get(OPTION) != "run" or not p.plugin_loaded("activity"):
        return False
    author = model.User.get(user)
    tk.get_action("activity_create")(
        {"ignore_auth": True, "user": user},
        {
            "user_id": author.id,
            "object_id": source.id,
            "activity_type": "changed package",
            "data": {
                "package": {"id": source.id, "name": source.name, "title": source.title},
                "run": changed,
            },
        },
    )
    return True
