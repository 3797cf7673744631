"""Taking in a content: to disk, hashed, unpacked and counted on its way, in constant memory.

Pure: standard library only. Nothing is believed before all of it is there: the digest covers the
bytes as they were sent, a length that was announced must be met, and a gzip content must end with
its trailer. A bomb is stopped while it unpacks.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import socket
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from .problems import ProblemError

CHUNK = 64 * 1024
PIECE = 16 * 1024  # bytes that are asked of a sender at once
GRACE = 10.0  # seconds in which a sender may be as slow as it likes
MAX_BYTES = 256 * 1024 * 1024  # of a batch, unpacked (issue 6, item 6)
MAX_LINES = 100_000
MAX_LINE = 1024 * 1024  # bytes; a record that is longer is no record
RESERVE = 512 * 1024 * 1024  # bytes that must stay free on the disk


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


class Paced:
    """A stream whose sender has to keep up: it holds a thread of the site while it sends.

    Reading raises ProblemError ``too-slow`` when it took more than ``max_seconds``, or when, after
    `GRACE` seconds, fewer than ``min_rate`` bytes a second came on average.
    """

    def __init__(
        self,
        stream: Readable,
        *,
        max_seconds: float,
        min_rate: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._max_seconds, self._min_rate = stream, max_seconds, min_rate
        self._clock, self._begun = clock, clock()
        self._sent, self.cut = 0, False

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        try:
            data = self._stream.read(min(size, PIECE))
        except Exception:
            if self.cut:
                raise ProblemError("too-slow") from None
            raise
        self._sent += len(data)
        if self.cut or (data and self.late()):
            raise ProblemError("too-slow")
        return data

    def late(self, unseen: int = 0) -> bool:
        """Whether it is too slow by now, if so many bytes more have come than were read."""
        elapsed = self._clock() - self._begun
        slow = self._sent + unseen < elapsed * self._min_rate
        return elapsed > self._max_seconds or (elapsed > GRACE and slow)

    @contextmanager
    def watched(self, connection: socket.socket | None) -> Iterator[None]:
        """Cut a sender off that is too slow while a read waits for it: servers give a piece when
        all of it is there, and wait for ever for who sends nothing."""
        over = threading.Event()

        def watch(its: socket.socket) -> None:
            while not over.wait(1):
                if self.late(2 * PIECE):
                    self.cut = True
                    with suppress(OSError):
                        its.shutdown(socket.SHUT_RD)  # the answer still goes out
                    return

        if connection is None:
            yield
            return
        watcher = threading.Thread(target=watch, args=(connection,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


@dataclass
class Spooled:
    """A whole, sound content on disk. ``digest``: SHA-256 of the content unpacked; the same
    content packed in another way is the same. ``file`` has no name: it is gone when it is closed,
    or when the process ends."""

    file: IO[bytes]
    digest: bytes
    size: int
    lines: int

    def close(self) -> None:
        """Remove it."""
        self.file.close()

    def each(self, after: int = 0) -> Iterator[tuple[int, bytes | None]]:
        """(number from 1, line without its end) of each line behind ``after``; None for a line
        that is longer than `MAX_LINE`."""
        self.file.seek(0)
        number = 0
        while line := self.file.readline(MAX_LINE + 1):
            number += 1
            whole = line.endswith(b"\n")
            too_long = not whole and len(line) > MAX_LINE
            while too_long and line and not line.endswith(b"\n"):
                line = self.file.readline(CHUNK)
            if number > after:
                yield number, None if too_long else line.rstrip(b"\r\n")


class _Unpacker:
    """gzip, member after member, never more than a chunk at once."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            self._begun = True
            try:
                plain = self._member.decompress(data, CHUNK)
            except zlib.error:
                raise ProblemError("encoding-broken") from None
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if plain:
                yield plain
            elif not data:
                return

    def finish(self) -> Iterator[bytes]:
        """What waits inside, and whether the trailer was there (zlib has checked its sum)."""
        while not self._member.eof:
            try:
                plain = self._member.decompress(self._member.unconsumed_tail, CHUNK)
            except zlib.error:
                raise ProblemError("encoding-broken") from None
            if not plain:
                break
            yield plain
        if not self._begun or not self._member.eof:
            raise ProblemError("truncated", "gzip")


class _Plain:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> Iterator[bytes]:
        return iter(())


def receive(
    stream: Readable,
    folder: Path,
    *,
    sha256: bytes,
    length: int | None,
    encoding: str = "",
    max_bytes: int = MAX_BYTES,
    max_lines: int = MAX_LINES,
) -> Spooled:
    """Take in all of a content, or raise ProblemError; nothing is left on disk then.

    :param sha256: digest of the bytes as they are sent (RFC 9530, Content-Digest)
    :param length: how many of them were announced, None for a content in chunks
    :param encoding: ``gzip`` or nothing
    :param max_bytes: of the content unpacked, and of what is sent
    """
    if encoding not in ("", "identity", "gzip"):
        raise ProblemError("encoding-unsupported", "Content-Encoding")
    if length is not None and length > max_bytes:
        raise ProblemError("too-large", f"{max_bytes} bytes")
    file = _private_file(folder)
    writer = _Writer(file, max_bytes, max_lines)
    try:
        sent, seen, problem = _take(stream, writer, encoding, max_bytes)
        if length is not None and sent != length:
            problem = ProblemError("truncated", f"{sent} of {length} bytes")
        elif seen != sha256:
            problem = ProblemError("digest-differs", "Content-Digest")
        if problem is not None:
            raise problem  # noqa: TRY301
        return writer.finish()
    except BaseException as error:
        file.close()
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ProblemError("storage-full", retry_after=600) from None
        raise


class _Writer:
    """The content as it is written: hashed, counted, and stopped where it becomes too much."""

    def __init__(self, file: IO[bytes], max_bytes: int, max_lines: int) -> None:
        self._file, self._max_bytes, self._max_lines = file, max_bytes, max_lines
        self._hash, self._last = hashlib.sha256(), b"\n"
        self.size = self._breaks = 0

    def write(self, part: bytes) -> None:
        self.size += len(part)
        self._breaks += part.count(b"\n")
        self._last = part[-1:]
        if self.size > self._max_bytes:
            raise ProblemError("too-large", f"{self._max_bytes} bytes")
        if self.lines > self._max_lines:
            raise ProblemError("too-many-lines", f"{self._max_lines}")
        self._hash.update(part)
        self._file.write(part)

    def take(self, parts: Iterator[bytes]) -> ProblemError | None:
        """Write all parts; what is wrong with their packing."""
        try:
            for part in parts:
                self.write(part)
        except ProblemError as problem:
            if problem.code not in ("encoding-broken", "truncated"):
                raise
            return problem
        return None

    @property
    def lines(self) -> int:
        return self._breaks + (self._last != b"\n")

    def finish(self) -> Spooled:
        self._file.flush()
        return Spooled(self._file, self._hash.digest(), self.size, self.lines)


def _take(
    stream: Readable, writer: _Writer, encoding: str, max_bytes: int
) -> tuple[int, bytes, ProblemError | None]:
    """How many bytes were sent, their digest, and what is wrong with their packing."""
    sent, wire = 0, hashlib.sha256()
    unpacker: _Unpacker | _Plain = _Unpacker() if encoding == "gzip" else _Plain()
    broken: ProblemError | None = None
    while data := stream.read(CHUNK):
        sent += len(data)
        if sent > max_bytes:
            raise ProblemError("too-large", f"{max_bytes} bytes")
        wire.update(data)
        if broken is None:  # else read on: that the bytes are not those that were sent says more
            broken = writer.take(unpacker.feed(data))
    if broken is None:
        broken = writer.take(unpacker.finish())
    return sent, wire.digest(), broken


def private_folder(folder: Path) -> Path:
    """The folder, made where it is missing, readable by nobody else."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def _private_file(folder: Path) -> IO[bytes]:
    if shutil.disk_usage(private_folder(folder)).free < RESERVE:
        raise ProblemError("storage-full", retry_after=600)
    descriptor, name = tempfile.mkstemp(dir=folder)
    os.unlink(name)
    return os.fdopen(descriptor, "w+b")


def of_bytes(content: bytes) -> Spooled:
    """A content that is in memory already, as if it had been taken in."""
    file = tempfile.SpooledTemporaryFile(max_size=1 << 30)  # noqa: SIM115
    file.write(content)
    lines = content.count(b"\n") + (not content.endswith(b"\n") if content else 0)
    return Spooled(file, hashlib.sha256(content).digest(), len(content), int(lines))
