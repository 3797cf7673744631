"""How often a host is asked, and how long to wait before asking again. No CKAN import.

Cities' servers are small, and 网络数据安全管理条例 art. 18 asks automated collection not to disturb
them: a source's mapping says how many requests a second it bears.
"""

from __future__ import annotations

import email.utils
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timezone

MAX_HOSTS = 1000
LONGEST_BACK_OFF = 30.0
JITTER = 0.2


class Pace:
    """The spacing of requests to each host, shared by the threads of a process."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clock, self._sleep, self._chance = clock, sleep, chance
        self._next: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, host: str, per_second: float | None) -> float:
        """Wait for this host's turn; the seconds waited. None or 0 per second: no limit.

        The gap is 1/per_second and up to a fifth more, so that runs do not beat in step.
        """
        if not per_second:
            return 0.0
        with self._lock:
            now = self._clock()
            turn = max(now, self._next.pop(host, now))
            self._next[host] = turn + (1 + JITTER * self._chance()) / per_second
            while len(self._next) > MAX_HOSTS:
                self._next.popitem(last=False)
        if turn > now:
            self._sleep(turn - now)
        return turn - now


def back_off(
    attempt: int, first: float = 0.5, chance: Callable[[], float] = random.random
) -> float:
    """Seconds before try number ``attempt`` + 1 (0: the first again): doubling, from half to one
    and a half times that, `LONGEST_BACK_OFF` at most.
    """
    return min(LONGEST_BACK_OFF, first * 2**attempt * (0.5 + chance()))


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds a Retry-After header asks for (RFC 9110 §10.2.3: seconds or a date), None for
    nothing that can be read.
    """
    words = (value or "").strip()
    if words.isascii() and words.isdigit():
        return float(words[:9])
    try:
        moment = email.utils.parsedate_to_datetime(words)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - (now or datetime.now(timezone.utc))).total_seconds())
