"""Encryption at rest: what is sealed opens only with its key, unchanged, and in its place."""

from __future__ import annotations

import base64
import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.hljshare.safety import sealed
from ckanext.hljshare.safety.sealed import KeysError, Sealer, SealError, UnknownKeyError

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
SEALER = Sealer([OLD])
PIECE = sealed.PIECE
SEALED = SEALER.seal("230102199003071234", "p")


def test_a_text_comes_back():
    """And nothing of it can be read before."""
    found = SEALER.seal("23010219900307123X", "request-1")
    assert SEALER.open(found, "request-1") == "23010219900307123X"
    assert "2301" not in found
    assert found.isascii()


def test_the_same_text_is_never_sealed_the_same():
    """Equal identity numbers cannot be told from the table."""
    assert len({SEALER.seal("x", "p") for _ in range(20)}) == 20


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_any_text_and_any_place(text, place):
    """Also empty ones."""
    assert SEALER.open(SEALER.seal(text, place), place) == text


def test_moved_to_another_row_it_does_not_open():
    """Nobody can read a number by putting it into a request of their own."""
    with pytest.raises(SealError):
        SEALER.open(SEALER.seal("x", "request-1"), "request-2")


@given(st.data())
@settings(deadline=None)
def test_changed_in_any_place_it_does_not_open(data):
    """Key id, nonce and text alike."""
    found = SEALED
    at = data.draw(st.integers(0, len(found) - 1))
    other = data.draw(st.sampled_from("0aZ-_.=é").filter(lambda char: char != found[at]))
    changed = found[:at] + other + found[at + 1 :]
    with pytest.raises(SealError):
        SEALER.open(changed, "p")


@pytest.mark.parametrize("text", ["", "x", "1", "1.", "1.abc", "1.abc.", "2." + "0" * 16 + ".AAAA"])
def test_what_is_not_sealed_is_an_error(text):
    """Not an empty answer."""
    with pytest.raises(SealError):
        SEALER.open(text, "p")


def test_keys_are_rotated():
    """The first key seals, the others open still; without them it is said which error it is."""
    before = SEALER.seal("x", "p")
    both = Sealer([NEW, OLD])
    assert both.open(before, "p") == "x"
    after = both.seal("x", "p")
    assert sealed.text_key_id(after) == both.key_id == sealed.key_id(NEW)
    assert sealed.text_key_id(before) == sealed.key_id(OLD) != both.key_id
    with pytest.raises(UnknownKeyError):
        SEALER.open(after, "p")
    assert Sealer([NEW]).open(after, "p") == "x"


def test_a_key_does_not_open_what_another_sealed_under_its_name():
    """The id alone opens nothing."""
    found = SEALER.seal("x", "p")
    renamed = found.replace(sealed.key_id(OLD), sealed.key_id(NEW))
    with pytest.raises(SealError):
        Sealer([NEW]).open(renamed, "p")


def seal_file(data: bytes, place: str = "p", sealer: Sealer = SEALER) -> bytes:
    target = io.BytesIO()
    sealer.seal_file(io.BytesIO(data), target, place)
    return target.getvalue()


def open_file(data: bytes, place: str = "p", sealer: Sealer = SEALER) -> bytes:
    return b"".join(sealer.open_file(io.BytesIO(data), place))


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7])
def test_a_file_comes_back(size):
    """At each edge of its pieces; its sealed size is known beforehand."""
    data = (b"identity card " * (size // 14 + 1))[:size]
    found = seal_file(data)
    assert open_file(found) == data
    assert len(found) == sealed.sealed_size(size)
    assert not data or b"identity card" not in found
    assert sealed.file_key_id(found) == SEALER.key_id


def test_a_file_that_was_cut_extended_or_rearranged_does_not_open():
    """At piece edges too, where every piece for itself is genuine."""
    found = seal_file(bytes(3 * PIECE))
    head, step = sealed.HEADER, PIECE + sealed.TAG
    pieces = [found[head + n * step : head + (n + 1) * step] for n in range(3)]
    forged = {
        "cut in a piece": found[:-1],
        "cut at a piece": found[:-step],
        "only the head": found[:head],
        "extended": found + b"\0",
        "piece twice": found + pieces[2],
        "swapped": found[:head] + pieces[1] + pieces[0] + pieces[2],
        "first left out": found[:head] + pieces[1] + pieces[2],
        "byte changed": found[: head + 5] + bytes([found[head + 5] ^ 1]) + found[head + 6 :],
        "salt changed": found[: head - 1] + bytes([found[head - 1] ^ 1]) + found[head:],
        "no head": found[head:],
        "nothing": b"",
    }
    for data in forged.values():
        with pytest.raises(SealError):
            open_file(data)
    with pytest.raises(SealError):
        open_file(found, "another place")
    with pytest.raises(UnknownKeyError):
        open_file(found, sealer=Sealer([NEW]))
    assert open_file(found, sealer=Sealer([NEW, OLD])) == bytes(3 * PIECE)


def test_large_files_take_little_memory(tmp_path):
    """A file is never held as a whole."""
    plain, target = tmp_path / "plain", tmp_path / "sealed"
    plain.write_bytes(b"x" * (20 << 20))
    tracemalloc.start()
    with plain.open("rb") as source, target.open("wb") as output:
        SEALER.seal_file(source, output, "p")
    with target.open("rb") as source:
        assert sum(map(len, SEALER.open_file(source, "p"))) == 20 << 20
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2 << 20


def encoded(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


def test_the_file_of_keys_is_read(tmp_path):
    """In either alphabet of base64, with comments; the first is the one that seals."""
    path = tmp_path / "keys"
    path.write_text(
        f"# 2026-11\n{encoded(NEW)}\n\n{base64.b64encode(OLD).decode()} # the old one\n"
    )
    path.chmod(0o600)
    assert sealed.read_keys(path) == [NEW, OLD]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "changeme",
        encoded(OLD[:31]),
        encoded(OLD + b"x"),
        f"{encoded(OLD)}\n{encoded(OLD)}",
        "é" * 43,
    ],
)
def test_bad_keys_are_refused_and_not_shown(text, tmp_path):
    """A short key protects nothing; the error holds no part of it."""
    path = tmp_path / "keys"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(KeysError) as found:
        sealed.read_keys(path)
    assert not text.strip("# \n") or text.strip() not in str(found.value)


def test_keys_that_others_may_read_are_refused(tmp_path):
    """As ssh does."""
    path = tmp_path / "keys"
    path.write_text(encoded(OLD))
    path.chmod(0o640)
    with pytest.raises(KeysError, match="600"):
        sealed.read_keys(path)
    with pytest.raises(KeysError):
        sealed.read_keys(tmp_path / "none")


def test_signing_keys_differ_by_purpose_and_from_the_key():
    """A signature of one kind is worth nothing as another."""
    both = Sealer([NEW, OLD])
    assert both.signing_key("a") != both.signing_key("b")
    assert both.signing_key("a") == both.signing_keys("a")[both.key_id]
    assert SEALER.signing_key("a") in both.signing_keys("a").values()
    assert SEALER.signing_key("a") != OLD
