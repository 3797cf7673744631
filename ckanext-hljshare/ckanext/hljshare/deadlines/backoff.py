"""How long the outbox waits before it tries again. Pure."""

from __future__ import annotations

from datetime import timedelta

FIRST = timedelta(minutes=1)
LONGEST = timedelta(hours=6)
ATTEMPTS = 20  # with the waits below: three days, longer than a mail server is down


def wait(attempts: int) -> timedelta:
    """The time between the attempt of this number (1 is the first) and the next one.

    Doubles from a minute to six hours. Raises ValueError below 1.
    """
    if attempts < 1:
        raise ValueError("attempts are counted from 1")
    return min(FIRST * 2 ** min(attempts - 1, 20), LONGEST)


def exhausted(attempts: int) -> bool:
    """Whether after so many attempts an item is given up."""
    return attempts >= ATTEMPTS
