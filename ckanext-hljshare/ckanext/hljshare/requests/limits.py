"""How much one person may ask for at once. Pure; the numbers are in `rules.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ckanext.hljshare.deadlines.count import ZONE
from ckanext.hljshare.requests.rules import RequestRules

Code = Literal["day", "open", "drafts"]


def submission(today: int, open_now: int, rules: RequestRules) -> Code | None:
    """Why another request may not be submitted, None where it may.

    `today`: submitted since `start_of_day`; `open_now`: with the agencies now, this one left out.
    """
    if today >= rules.max_per_day:
        return "day"
    if open_now >= rules.max_open:
        return "open"
    return None


def draft(drafts: int, rules: RequestRules) -> Code | None:
    """Why another draft may not be begun, None where it may."""
    return "drafts" if drafts >= rules.max_drafts else None


def start_of_day(moment: datetime) -> datetime:
    """00:00 of the day in China. Raises ValueError without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
