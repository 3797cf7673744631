"""Many datasets for `bench_feeds.py`: some that were really harvested, copied by SQL, and copies of
their documents in stock CKAN's search index, so that both sites hold the same.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pysolr
from psycopg2 import sql

from tests.integration.search.corpus import Core

BATCH = 500  # documents sent at a time
# By table: which of its columns are made new in a copy, in SQL. A file's address may be the
# portal's own, which holds the file's id. ``r`` is the row that is copied, ``n`` the copy's number.
MADE: dict[str, dict[str, str]] = {
    "package": {
        "id": "md5(r.id || ' ' || n)::uuid::text",
        "name": "r.name || '--' || n",
        # Codes are of one dataset each, and of at most twelve digits behind the stroke.
        "extras": "r.extras || jsonb_build_object('resource_code', "
        "(r.extras ->> 'resource_code') || n)",
    },
    "resource": {
        "id": "md5(r.id || ' ' || n)::uuid::text",
        "package_id": "md5(r.package_id || ' ' || n)::uuid::text",
        "url": "replace(r.url, r.id, md5(r.id || ' ' || n)::uuid::text)",
    },
    "package_tag": {
        "id": "md5(r.id || ' ' || n)::uuid::text",
        "package_id": "md5(r.package_id || ' ' || n)::uuid::text",
    },
}


def copied(old: str, number: int) -> str:
    """The id of a copy; the same as in `MADE`."""
    digest = hashlib.md5(f"{old} {number}".encode(), usedforsecurity=False).hexdigest()
    return str(uuid.UUID(digest))


def rows(database: str, first: int, last: int) -> None:
    """Copy all datasets that are no copies, with their files and tags, once for each number from
    ``first`` to ``last``."""
    with closing(psycopg2.connect(database)) as connection, connection, connection.cursor() as ask:
        for table, made in MADE.items():
            ask.execute(
                "select column_name from information_schema.columns "
                "where table_schema = 'public' and table_name = %s",
                (table,),
            )
            columns = [row[0] for row in ask.fetchall()]
            values = [
                sql.SQL(made[name]) if name in made else sql.SQL("r.") + sql.Identifier(name)
                for name in columns
            ]
            owner = sql.Identifier("id" if table == "package" else "package_id")
            ask.execute(
                sql.SQL(
                    "insert into {table} ({columns}) select {values} from {table} r "
                    "join package p on p.id = r.{owner}, generate_series(%s, %s) n "
                    "where p.type = 'dataset' and p.name not like '%%--%%'"
                ).format(
                    table=sql.Identifier(table),
                    columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                    values=sql.SQL(", ").join(values),
                    owner=owner,
                ),
                (first, last),
            )
    with closing(psycopg2.connect(database)) as connection:
        connection.autocommit = True
        with connection.cursor() as ask:
            ask.execute("vacuum analyze")


def documents(core: Core, first: int, last: int) -> None:
    """Copy the documents of all datasets in an index in the same way."""
    solr = pysolr.Solr(core.address, timeout=120)
    found = list(solr.search("*:*", fq="dataset_type:dataset", fl="*", rows=10_000))
    if not found:
        raise SystemExit(f"{core.address} has no datasets")
    waiting = []
    for number in range(first, last + 1):
        for document in found:
            waiting.append(_copy(document, number))
            if len(waiting) >= BATCH:
                solr.add(waiting, commit=False)
                waiting = []
    solr.add(waiting, commit=False)
    solr.commit()


def _copy(document: dict[str, Any], number: int) -> dict[str, Any]:
    kept = {
        key: value
        for key, value in document.items()
        if key not in ("_version_", "score", "indexed_ts")
    }
    text = json.dumps(kept, ensure_ascii=False)
    for old in _ids(document):
        text = text.replace(old, copied(old, number))
    code = document["extras_resource_code"]
    text = text.replace(code, f"{code}{number}")
    made: dict[str, Any] = json.loads(text)
    name = f"{document['name']}--{number}"
    for blob in ("data_dict", "validated_data_dict"):
        made[blob] = made[blob].replace(f'"name": "{document["name"]}"', f'"name": "{name}"')
    # The labels are searched, not kept, so the document that was found is without them.
    own = {"name": name, "index_id": str(uuid.uuid4()), "permission_labels": ["public"]}
    return {**made, **own}


def _ids(document: dict[str, Any]) -> Iterator[str]:
    yield document["id"]
    yield from (file["id"] for file in json.loads(document["data_dict"])["resources"])
