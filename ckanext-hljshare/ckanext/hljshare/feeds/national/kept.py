"""Lists as nameless files, the last ones kept for whoever asks for the same again. Pure.

Making a list of 100,000 rows takes the processor for up to half a minute: each is made once, few at
a time in each web process, and nobody waits for another's. A file is found by the word that changes
whenever the list would read otherwise, and by nothing else.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import IO

AT_ONCE = 2  # lists being made, of the four threads of a web process (config/gunicorn.py)
WORDS = 8
ROOM = 256 << 20  # bytes on disk
CHUNK = 1 << 17

Make = Callable[[], IO[bytes]]


class BusyError(Exception):
    """This list, or as many others as may be at once, are being made."""


class Kept:
    """Holds ``words`` files at most, of ``room`` bytes together."""

    def __init__(self, words: int = WORDS, room: int = ROOM) -> None:
        self._lock = threading.Lock()  # never held while a list is made
        self._making: set[str] = set()
        self._files: dict[str, int] = {}  # in the order in which they were asked for
        self._words, self._room = words, room

    def file(self, word: str, make: Make) -> int:
        """A descriptor of the file for this word, for the caller to close.

        :raises BusyError: at once, rather than to hold a thread that could answer somebody else
        """
        with self._lock:
            if word in self._files:
                self._files[word] = found = self._files.pop(word)
                return os.dup(found)
            if word in self._making or len(self._making) >= AT_ONCE:
                raise BusyError
            self._making.add(word)
        try:
            made = descriptor(make)
            with self._lock:
                self._keep(word, made)
            return made
        finally:
            with self._lock:
                self._making.discard(word)

    def _keep(self, word: str, made: int) -> None:
        if os.fstat(made).st_size > self._room:
            return
        self._files[word] = os.dup(made)
        while len(self._files) > self._words or self._size() > self._room:
            os.close(self._files.pop(next(iter(self._files))))

    def _size(self) -> int:
        return sum(os.fstat(file).st_size for file in self._files.values())


def descriptor(make: Make) -> int:
    """A descriptor of the file that is made, for the caller to close."""
    with make() as made:
        return os.dup(made.fileno())


def read(file: int) -> Iterator[bytes]:
    """All of a file that others may be reading too, piece by piece."""
    offset = 0
    while piece := os.pread(file, CHUNK, offset):
        yield piece
        offset += len(piece)
