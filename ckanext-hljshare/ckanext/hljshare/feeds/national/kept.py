"""The workbook that was made last, kept for whoever asks for the same one. Pure.

Making one of 100,000 rows takes the processor for half a minute: one is made at a time in each web
process, and made once. It is a nameless file, found by the word that changes whenever the list
would read otherwise, and by nothing else.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import IO

WAIT = 10.0  # seconds until a reader is told to come again
CHUNK = 1 << 17


class BusyError(Exception):
    """Another workbook is being made."""


class Kept:
    """Holds one file at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._word, self._file = "", -1

    def file(self, word: str, make: Callable[[], IO[bytes]]) -> int:
        """A descriptor of the file for this word, for the caller to close.

        :raises BusyError: another one is still being made after `WAIT` seconds
        """
        if not self._lock.acquire(timeout=WAIT):
            raise BusyError
        try:
            if self._word != word or self._file < 0:
                self._drop()
                with make() as made:
                    self._file = os.dup(made.fileno())
                self._word = word
            return os.dup(self._file)
        finally:
            self._lock.release()

    def _drop(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._word, self._file = "", -1


def read(descriptor: int) -> Iterator[bytes]:
    """All of a file that others may be reading too, piece by piece."""
    offset = 0
    while piece := os.pread(descriptor, CHUNK, offset):
        yield piece
        offset += len(piece)
