"""How the cities are connected: when their catalogs came, how the runs of their sources went."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.catalog import orgtree
from ckanext.hljshare.ingest import received

COUNTS = ("created", "updated", "unchanged", "held", "withdrawn", "rejected")


def places(
    tops: Iterable[Mapping[str, Any]], last: Mapping[str, datetime.datetime]
) -> list[dict[str, Any]]:
    """A line for the province's own and for each city: ``name``, ``title``, ``level``, ``total``
    (datasets) and ``received`` (when the last catalog came from one of its organizations, or None).

    :param tops: the tree of organizations with their totals
    :param last: the last sound run by the organization that owns the source
    """
    lines = []
    for top in tops:
        cities = [node for node in top["children"] if node["level"] == "city"]
        rest = {**top, "children": [node for node in top["children"] if node["level"] != "city"]}
        own = {**rest, "total": top["total"] - sum(node["total"] for node in cities)}
        for node in [own, *cities]:
            times = [last[item["id"]] for item in orgtree.walk([node]) if item["id"] in last]
            lines.append(
                {
                    **{key: node[key] for key in ("name", "title", "level", "total")},
                    "received": max(times, default=None),
                }
            )
    return lines


def overview() -> list[dict[str, Any]]:
    """The public page's lines, counted as for a visitor: no address, no configuration."""
    tree = tk.get_action("hljshare_organization_tree")({"user": "", "auth_user_obj": None}, {})
    return places(tree, received.last_by_owner())


def sources(user: str) -> list[dict[str, Any]]:
    """The sources whose owner the user administers: ``name``, ``title``, ``organization`` and
    ``run``, the last one, or None."""
    owned = tk.get_action("organization_list_for_user")({"user": user}, {"permission": "admin"})
    titles = {org["id"]: org["title"] or org["name"] for org in owned}
    package = model.Package
    rows = model.Session.execute(
        sa.select(package.id, package.name, package.title, package.owner_org)
        .where(
            package.type == "harvest",
            package.state == "active",
            package.owner_org.in_(titles),
        )
        .order_by(package.title)
    ).all()
    found = []
    for row in rows:
        runs = tk.get_action("hljshare_ingest_run_list")(
            {"user": user}, {"source_id": row.id, "limit": 1}
        )
        found.append(
            {
                "name": row.name,
                "title": row.title or row.name,
                "organization": titles[row.owner_org],
                "run": next(iter(runs["results"]), None),
            }
        )
    return found
