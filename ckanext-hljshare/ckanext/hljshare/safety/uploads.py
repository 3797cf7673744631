"""The one check of uploaded files: size, real type, archives, macros (no CKAN import).

`take` copies an upload while it counts and hashes, then looks at what it is. What a file claims
(name, declared type) is never believed: the extension must be on the list, and the content must be
what the extension says. Nothing is read into memory as a whole, and nothing of it is executed or
laid out. Answers are codes; the words for people are made elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from ckanext.hljshare.safety import contents
from ckanext.hljshare.safety.archives import Budget, RefusedError
from ckanext.hljshare.safety.filenames import base_name, extension, safe_name

CHUNK = 1 << 16

# A check of the finished file besides the type: it raises RefusedError. Later rooms add theirs.
Scanner = Callable[[BinaryIO, str], None]


@dataclass(frozen=True)
class Limits:
    """What is taken. Sizes in bytes; the archive limits hold for all levels of an archive together.

    `extensions`: which of `contents.TYPES`. `max_ratio`: how many times its packed size an archive
    may unpack to. `max_depth`: how many archives may lie in one another.
    """

    max_bytes: int
    extensions: Collection[str] = field(default_factory=lambda: tuple(contents.TYPES))
    max_entries: int = 2000
    max_unpacked: int = 500 * 1024 * 1024
    max_ratio: int = 200
    max_depth: int = 2


@dataclass(frozen=True)
class Verdict:
    """What came of it.

    `code` is ``ok``, or says why the file is refused; `params` go into the words for it. `name` is
    cleaned; `media_type` follows from the content. A refused file has no hash.
    """

    code: str
    name: str
    size: int = 0
    sha256: str = ""
    media_type: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        """Whether the file is taken."""
        return self.code == "ok"


def take(
    source: BinaryIO,
    target: BinaryIO,
    name: str,
    declared: str,
    limits: Limits,
    scanners: Collection[Scanner] = (),
) -> Verdict:
    """Copy an upload to `target` and judge it.

    :param source: read once, to its end or to the first byte too many
    :param target: an empty file, open for reading and writing; after a refusal it may hold a part
    :param name: the file's name as it was sent, with a path or without
    :param declared: the media type as it was sent, or empty
    """
    clean = safe_name(base_name(name))
    kind = extension(clean)
    try:
        _check_claims(kind, declared, limits)
        size, sha256 = _copy(source, target, limits.max_bytes)
        budget = Budget(limits.max_entries, limits.max_unpacked, limits.max_ratio, limits.max_depth)
        contents.check(target, size, kind, limits.extensions, budget)
        for scanner in scanners:
            target.seek(0)
            scanner(target, kind)
    except RefusedError as refused:
        return Verdict(refused.code, clean, params=refused.params)
    target.seek(0)
    return Verdict("ok", clean, size, sha256, contents.TYPES[kind].media_type)


def _check_claims(kind: str, declared: str, limits: Limits) -> None:
    if kind not in contents.TYPES or kind not in limits.extensions:
        raise RefusedError("extension", extension=kind)
    if declared.split(";")[0].strip().lower() in contents.ACTIVE_TYPES:
        raise RefusedError("active")


def _copy(source: BinaryIO, target: BinaryIO, most: int) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        size += len(chunk)
        if size > most:
            raise RefusedError("too-large", max_bytes=most)
        digest.update(chunk)
        target.write(chunk)
    if not size:
        raise RefusedError("empty")
    target.flush()
    return size, digest.hexdigest()
