"""Which datasets are looked at most: a count of page views by day in Redis, without persons.

Kept for 30 days. Nothing depends on it: without Redis the list is empty.
"""

from __future__ import annotations

import datetime
import logging

from ckan.common import config
from ckan.lib.redis import connect_to_redis

log = logging.getLogger(__name__)

DAYS = 30
_SECONDS = DAYS * 24 * 3600


def _key(day: datetime.date) -> str:
    return f"hljshare:{config['ckan.site_id']}:views:{day.isoformat()}"


def count(dataset_id: str, today: datetime.date) -> None:
    """Count one view of a public dataset's page."""
    try:
        pipe = connect_to_redis().pipeline(transaction=False)
        pipe.zincrby(_key(today), 1, dataset_id)
        pipe.expire(_key(today), _SECONDS)
        pipe.execute()
    except Exception:  # a page is never lost for its count
        log.warning("A page view could not be counted", exc_info=True)


def most_viewed(today: datetime.date, limit: int = 12) -> list[str]:
    """Ids of the datasets viewed most in the last 30 days, most first."""
    keys = [_key(today - datetime.timedelta(days=back)) for back in range(DAYS)]
    try:
        found = connect_to_redis().zunion(keys, withscores=True)
    except Exception:  # see `count`
        log.warning("Page views could not be read", exc_info=True)
        return []
    ranked = sorted(found, key=lambda pair: -pair[1])[:limit]
    return [name.decode() if isinstance(name, bytes) else name for name, _score in ranked]
