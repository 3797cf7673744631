"""Pages of long lists by what the last row of a page was, not by how many rows came before."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.requests import store
from ckanext.hljshare.requests.model import Request


def count(query: Any, most: int) -> tuple[int, bool]:
    """How many rows, up to `most`; whether there are more."""
    limited = query.with_only_columns(Request.id).order_by(None).limit(most + 1).subquery()
    found = int(model.Session.scalar(sa.select(sa.func.count()).select_from(limited)) or 0)
    return min(found, most), found > most


def page(
    query: Any, order: Sequence[Any], newest: bool, after: str | None, limit: int
) -> tuple[list[Request], str | None]:
    """One page and the mark of where the next one begins, None on the last.

    `order`: a column of moments, which no row of the list lacks, and the id; an index has both.
    """
    moment, key = order
    if after:
        mark = sa.tuple_(*(sa.literal(value) for value in _read(after)))
        place = sa.tuple_(moment, key)
        query = query.where(place < mark if newest else place > mark)
    columns = (moment.desc(), key.desc()) if newest else (moment, key)
    query = query.order_by(*columns)
    rows = list(model.Session.scalars(query.limit(limit + 1)))
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        following = _mark(getattr(rows[-1], moment.key), rows[-1].id) if rows else None
    return rows, following


def _mark(moment: datetime, key: str) -> str:
    text = json.dumps([moment.isoformat(), key])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read(mark: str) -> tuple[datetime, str]:
    try:
        at, key = json.loads(base64.urlsafe_b64decode(mark.encode()))
        return datetime.fromisoformat(at).astimezone(timezone.utc), store.key(key)
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        raise tk.ValidationError({"after": [tk._("This is not the mark of a page")]}) from None
