"""Encryption at rest of small texts and of files. No CKAN import; `keys.py` reads the settings.

AES-256-GCM. The keys lie outside the database; the first one seals, all of them open, so that a key
can be replaced while the portal runs. What is sealed is bound to the place it belongs to (a row's
id): moved elsewhere it does not open. Each key is only ever used through HKDF (RFC 5869), with its
own purpose for texts, for each single file, and for signatures.

A file is sealed in pieces, each with its number and the mark of the last one in its nonce (the
STREAM construction), so that it is read with flat memory and cannot be cut or rearranged.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
PIECE = 1 << 16  # bytes of plain text in a piece of a file
TAG = 16
SALT = 32
NONCE = 12
VERSION = "1"
MAGIC = b"HLJSEAL1"
KEY_ID = 16  # hexadecimal digits
HEADER = len(MAGIC) + KEY_ID + SALT


class KeysError(ValueError):
    """The keys cannot be used; the text says why and holds nothing of them."""


class SealError(Exception):
    """What was sealed does not open: changed, cut, moved from its place, or not sealed at all."""


class UnknownKeyError(SealError):
    """It was sealed with a key that is not among the keys any more."""


def parse_keys(text: str) -> list[bytes]:
    """Keys of a key file: one a line, 32 bytes in base64 (either alphabet); ``#`` begins a comment.

    :raises KeysError: none, one that is not 32 bytes, or one that comes twice
    """
    keys = []
    for number, line in enumerate(text.splitlines(), 1):
        word = line.split("#")[0].strip().replace("-", "+").replace("_", "/").rstrip("=")
        if not word:
            continue
        try:
            key = base64.b64decode(word + "=" * (-len(word) % 4), validate=True)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise KeysError(f"line {number} is not a key of {KEY_BYTES} bytes in base64")
        keys.append(key)
    if not keys:
        raise KeysError("there is no key")
    if len(set(keys)) < len(keys):
        raise KeysError("a key comes twice")
    return keys


def read_keys(path: Path) -> list[bytes]:
    """Keys of a file that only its owner may read.

    :raises KeysError: it is not there, cannot be read, or others may read it
    """
    try:
        if path.stat().st_mode & 0o077:
            raise KeysError("others may read the file of keys: its mode must be 600")
        return parse_keys(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise KeysError(f"the file of keys cannot be read: {type(error).__name__}") from None


def key_id(key: bytes) -> str:
    """What names a key without telling anything about it."""
    return hashlib.sha256(b"hljshare key id\n" + key).hexdigest()[:KEY_ID]


def _derive(key: bytes, purpose: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt, b"hljshare " + purpose).derive(key)


class Sealer:
    """Seals with the first of its keys and opens with all of them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise KeysError("there is no key")
        self._keys = {key_id(key): key for key in keys}
        self.key_id = key_id(keys[0])

    def _key(self, name: str) -> bytes:
        try:
            return self._keys[name]
        except KeyError:
            raise UnknownKeyError("sealed with a key that is not here") from None

    def seal(self, text: str, place: str) -> str:
        """A text sealed for a place: ASCII, with the key's id in it."""
        cipher = AESGCM(_derive(self._key(self.key_id), b"text"))
        nonce = os.urandom(NONCE)
        head = f"{VERSION}.{self.key_id}"
        sealed = cipher.encrypt(nonce, text.encode("utf-8"), _bound(head, place))
        return f"{head}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, place: str) -> str:
        """The text again.

        :raises UnknownKeyError, SealError: see there
        """
        version, _, rest = sealed.partition(".")
        name, _, body = rest.partition(".")
        if version != VERSION or not body:
            raise SealError("this is not a sealed text")
        cipher = AESGCM(_derive(self._key(name), b"text"))
        try:
            raw = base64.b64decode(body, altchars=b"-_", validate=True)
            if base64.urlsafe_b64encode(raw).decode() != body:
                raise SealError("this is not a sealed text")  # one text, one form
            plain = cipher.decrypt(raw[:NONCE], raw[NONCE:], _bound(f"{version}.{name}", place))
        except (InvalidTag, ValueError):
            raise SealError("the sealed text does not open") from None
        return plain.decode("utf-8")

    def seal_file(self, source: BinaryIO, target: BinaryIO, place: str) -> None:
        """Write what is read from `source`, sealed for a place, to `target`."""
        salt = os.urandom(SALT)
        head = MAGIC + self.key_id.encode() + salt
        cipher = AESGCM(_derive(self._key(self.key_id), b"file", salt))
        bound = _bound(head.hex(), place)
        target.write(head)
        number, piece = 0, _full(source, PIECE)
        while True:
            following = _full(source, PIECE)
            target.write(cipher.encrypt(_nonce(number, last=not following), piece, bound))
            if not following:
                return
            number, piece = number + 1, following

    def open_file(self, source: BinaryIO, place: str) -> Iterator[bytes]:
        """The bytes of a sealed file, piece by piece; each piece is genuine when it is given out.

        :raises UnknownKeyError, SealError: at the first piece that is not right; a file that was
            cut ends so as well
        """
        head = source.read(HEADER)
        name = file_key_id(head)
        cipher = AESGCM(_derive(self._key(name), b"file", head[-SALT:]))
        bound = _bound(head.hex(), place)
        number, piece = 0, _full(source, PIECE + TAG)
        while True:
            following = _full(source, PIECE + TAG)
            try:
                plain = cipher.decrypt(_nonce(number, last=not following), piece, bound)
            except (InvalidTag, ValueError):
                raise SealError("the sealed file does not open") from None
            yield plain
            if not following:
                return
            number, piece = number + 1, following

    def signing_key(self, purpose: str) -> bytes:
        """A key for signatures (HMAC) of one purpose, from the first key."""
        return _derive(self._key(self.key_id), b"sign " + purpose.encode())

    def signing_keys(self, purpose: str) -> dict[str, bytes]:
        """The keys by which signatures of a purpose may have been made: id of the key → key."""
        return {name: _derive(key, b"sign " + purpose.encode()) for name, key in self._keys.items()}


def text_key_id(sealed: str) -> str:
    """The id of the key that a text was sealed with; empty for what is not sealed."""
    version, _, rest = sealed.partition(".")
    return rest.partition(".")[0] if version == VERSION else ""


def file_key_id(head: bytes) -> str:
    """The id of the key that a file was sealed with, from its first bytes (`HEADER` of them).

    :raises SealError: not a sealed file
    """
    if len(head) < HEADER or not head.startswith(MAGIC):
        raise SealError("this is not a sealed file")
    return head[len(MAGIC) : len(MAGIC) + KEY_ID].decode("ascii", "replace")


def sealed_size(size: int) -> int:
    """How many bytes a file of this size takes when it is sealed."""
    pieces = max(1, -(-size // PIECE))
    return HEADER + size + pieces * TAG


def _bound(head: str, place: str) -> bytes:
    return f"{head}\n{place}".encode()


def _nonce(number: int, *, last: bool) -> bytes:
    # One key for each file, so the number alone makes a nonce that never comes twice.
    return number.to_bytes(NONCE - 1, "big") + (b"\1" if last else b"\0")


def _full(source: BinaryIO, size: int) -> bytes:
    """Read so many bytes, fewer only at the end; a socket or a spool may give less at a time."""
    parts = []
    while size > 0 and (part := source.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
