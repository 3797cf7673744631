"""Digests: of contents (RFC 9530), and the tree by which two sides find what they hold differently.

Pure. The tree has 256 leaves. A record's leaf is the first byte of BLAKE2b-160 of its id (UTF-8).
A leaf's digest is BLAKE2b-160 over the lines ``id LF hash LF`` of its records, sorted by the bytes
of the id; the root's is BLAKE2b-160 over the 256 leaf digests in order. An empty leaf's digest is
that of nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping

SIZE = 20  # bytes, as a record's content hash
LEAVES = 256
_MEMBER = re.compile(r"\s*([a-z][a-z0-9_.*-]*)\s*=\s*:([A-Za-z0-9+/=]*):\s*(?:;[^,]*)?\Z")


def parse_content_digest(header: str) -> bytes | None:
    """The SHA-256 of a Content-Digest header (``sha-256=:base64:``, others beside it are left
    out); None where it holds none that can be read."""
    found = None
    for member in header.split(","):
        match = _MEMBER.match(member)
        if match is None:
            return None
        if match.group(1) == "sha-256":
            try:
                found = base64.b64decode(match.group(2), validate=True)
            except binascii.Error:
                return None
    return found if found is not None and len(found) == 32 else None


def content_digest(sha256: bytes) -> str:
    """A SHA-256 as the value of a Content-Digest header."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"


def leaf_of(native_id: str) -> int:
    """The leaf of a record, 0 to 255."""
    return hashlib.blake2b(native_id.encode("utf-8"), digest_size=SIZE).digest()[0]


class Tree:
    """The tree's leaves: digest (hexadecimal) and number of records of each."""

    def __init__(self, leaves: Mapping[int, tuple[str, int]]) -> None:
        empty = hashlib.blake2b(digest_size=SIZE).hexdigest()
        self.leaves = [leaves.get(number, (empty, 0)) for number in range(LEAVES)]

    @property
    def root(self) -> str:
        """The digest of everything."""
        whole = hashlib.blake2b(digest_size=SIZE)
        for digest, _count in self.leaves:
            whole.update(bytes.fromhex(digest))
        return whole.hexdigest()

    @property
    def count(self) -> int:
        """How many records there are."""
        return sum(count for _digest, count in self.leaves)

    def as_dict(self) -> dict[str, object]:
        """The tree as it is sent; empty leaves are left out."""
        return {
            "root": self.root,
            "count": self.count,
            "buckets": {
                f"{number:02x}": {"digest": digest, "count": count}
                for number, (digest, count) in enumerate(self.leaves)
                if count
            },
        }

    @classmethod
    def from_dict(cls, sent: Mapping[str, object]) -> Tree:
        """The inverse of `as_dict`. Raises ValueError for anything else."""
        buckets = sent.get("buckets")
        if not isinstance(buckets, dict):
            raise ValueError("no buckets")  # noqa: TRY004
        leaves = {}
        for name, value in buckets.items():
            if not re.fullmatch(r"[0-9a-f]{2}", str(name)) or not isinstance(value, dict):
                raise ValueError("no bucket")
            digest, count = str(value.get("digest")), value.get("count")
            if not re.fullmatch(r"[0-9a-f]{40}", digest) or not isinstance(count, int):
                raise ValueError("no digest")
            leaves[int(name, 16)] = (digest, count)
        tree = cls(leaves)
        if tree.root != sent.get("root"):
            raise ValueError("the root does not belong to the buckets")
        return tree

    def differing(self, other: Tree) -> list[int]:
        """The leaves in which the two sides hold something else."""
        pairs = zip(self.leaves, other.leaves, strict=True)
        return [number for number, (mine, theirs) in enumerate(pairs) if mine[0] != theirs[0]]


def tree_of_sorted(entries: Iterable[tuple[int, str, str]]) -> Tree:
    """The tree of (leaf, id, hash), sorted by leaf and then by the bytes of the id; memory does
    not grow with them. Raises ValueError if they are not sorted."""
    leaves: dict[int, tuple[str, int]] = {}
    state, count, current, last = hashlib.blake2b(digest_size=SIZE), 0, -1, b""
    for leaf, native_id, content_hash in entries:
        name = native_id.encode("utf-8")
        if leaf < current or (leaf == current and name <= last):
            raise ValueError("not sorted")
        if leaf != current:
            if count:
                leaves[current] = (state.hexdigest(), count)
            state, count, current = hashlib.blake2b(digest_size=SIZE), 0, leaf
        state.update(b"%b\n%b\n" % (name, content_hash.encode("ascii")))
        count, last = count + 1, name
    if count:
        leaves[current] = (state.hexdigest(), count)
    return Tree(leaves)


def tree_of(held: Mapping[str, str]) -> Tree:
    """The tree of id → hash."""
    return tree_of_sorted(_sorted(held))


def _sorted(held: Mapping[str, str]) -> Iterator[tuple[int, str, str]]:
    rows = ((leaf_of(key), key.encode("utf-8"), key, value) for key, value in held.items())
    for leaf, _name, key, value in sorted(rows):
        yield leaf, key, value
