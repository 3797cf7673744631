"""How much one person may ask for."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ckanext.hljshare.requests import limits, rules

RULES = rules.load()


@pytest.mark.parametrize(
    ("today", "open_now", "code"),
    [
        (0, 0, None),
        (RULES.max_per_day - 1, RULES.max_open - 1, None),
        (RULES.max_per_day, 0, "day"),
        (0, RULES.max_open, "open"),
        (RULES.max_per_day + 5, RULES.max_open + 5, "day"),
    ],
)
def test_submissions(today, open_now, code):
    """The last one allowed goes through, the next one does not."""
    assert limits.submission(today, open_now, RULES) == code


def test_drafts():
    """Drafts are limited too: they take space."""
    assert limits.draft(RULES.max_drafts - 1, RULES) is None
    assert limits.draft(RULES.max_drafts, RULES) == "drafts"


def test_a_day_is_one_in_china():
    """23:59 and 00:01 in Beijing are two days, though one in UTC."""
    before = datetime(2026, 2, 1, 15, 59, tzinfo=timezone.utc)
    after = datetime(2026, 2, 1, 16, 1, tzinfo=timezone.utc)
    assert limits.start_of_day(before).isoformat() == "2026-02-01T00:00:00+08:00"
    assert limits.start_of_day(after).isoformat() == "2026-02-02T00:00:00+08:00"
    with pytest.raises(ValueError, match="time zone"):
        limits.start_of_day(datetime(2026, 2, 1))  # noqa: DTZ001
