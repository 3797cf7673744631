"""What this site has, for examples that can be tried: public and open when it is asked, read from
the database: the search index may be behind, or away."""

from __future__ import annotations

import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.access import levels
from ckanext.hljshare.feeds.entries import making
from ckanext.hljshare.feeds.entries.store import PUBLIC

LOOKED_AT = 50
AT_A_TIME = 10  # mostly one of the first has a table


def values() -> dict[str, str]:
    """A public agency, an open dataset and file, an open file with rows (`table`): ids or names.

    Of `dataset` and `resource` those with rows come first. Missing is what the site does not have.
    """
    package = sa.alias(model.package_table, "p")
    ids = model.Session.scalars(
        sa.select(package.c["id"])
        .where(sa.text(PUBLIC), sa.text("p.extras ->> 'open_type' = 'open'"))
        .order_by(package.c["metadata_created"], package.c["id"])
        .limit(LOOKED_AT)
    ).all()
    found: dict[str, str] = {}
    for start in range(0, len(ids), AT_A_TIME):
        part = ids[start : start + AT_A_TIME]
        for dataset in sorted(making.datasets(part), key=lambda each: part.index(each["id"])):
            for resource in dataset.get("resources") or []:
                if levels.of_resource(dataset, resource) != "open":
                    continue
                rows = bool(resource.get("datastore_active"))
                if rows or "dataset" not in found:
                    found.update(dataset=dataset["name"], resource=resource["id"])
                    found["organization"] = (dataset.get("organization") or {}).get("name", "")
                if rows:
                    return {**found, "table": resource["id"]}
    return found
