"""A content is believed when all of it is there, and not before; no bomb gets through."""

import gzip
import hashlib
import io
import socket
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.hljshare.push import spool
from ckanext.hljshare.push.problems import ProblemError


class Trickle(io.RawIOBase):
    """A stream that gives what it has in pieces."""

    def __init__(self, data, size=7):
        self.data, self.size = data, size

    def read(self, size=-1):
        part, self.data = self.data[: self.size], self.data[self.size :]
        return part


def take(folder, data, *, sent=None, encoding="", length=0, size=7, **more):
    content = data if sent is None else sent
    digest = more.pop("sha256", hashlib.sha256(data).digest())
    return spool.receive(
        Trickle(content, size),
        folder,
        sha256=digest,
        length=len(data) if length == 0 else length,
        encoding=encoding,
        **more,
    )


def code(folder, *args, **more):
    with pytest.raises(ProblemError) as caught:
        take(folder, *args, **more)
    assert not list(folder.iterdir())
    return caught.value.code


def test_a_whole_content_is_taken(tmp_path):
    """With its digest, its lines, and nothing to see in the folder."""
    folder = tmp_path / "spool"
    content = take(folder, b"one\ntwo\nthree")
    assert (content.lines, content.size) == (3, 13)
    assert content.digest == hashlib.sha256(b"one\ntwo\nthree").digest()
    assert list(content.each()) == [(1, b"one"), (2, b"two"), (3, b"three")]
    assert list(content.each(after=2)) == [(3, b"three")]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.iterdir()) == []
    content.close()


def test_an_open_folder_is_closed_to_others(tmp_path):
    """Records that are not published yet lie there for a moment."""
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o755)
    take(folder, b"x").close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@settings(max_examples=40)
@given(st.binary(max_size=3000), st.integers(1, 200))
def test_gzip_gives_what_was_packed(tmp_path_factory, data, size):
    """In pieces of any size; also of several members, and however it was packed the digest is
    that of the content."""
    folder = tmp_path_factory.mktemp("spool")
    half = len(data) // 2
    for packed in (gzip.compress(data, 1), gzip.compress(data[:half]) + gzip.compress(data[half:])):
        content = take(folder, packed, encoding="gzip", size=size)
        assert content.digest == hashlib.sha256(data).digest()
        assert content.size == len(data)
        content.close()


@given(st.lists(st.binary(max_size=30).filter(lambda line: not {10, 13} & set(line)), max_size=9))
def test_lines_are_counted_as_they_are_read(tmp_path_factory, lines):
    """With and without a line feed at the end."""
    folder = tmp_path_factory.mktemp("spool")
    content = take(folder, b"".join(line + b"\n" for line in lines))
    assert content.lines == len(lines)
    assert [data for _number, data in content.each()] == lines
    content.close()


def test_a_content_that_breaks_off(tmp_path):
    """By its announced length; packed, also by its missing trailer."""
    packed = gzip.compress(b"line\n" * 100)
    assert code(tmp_path, b"abcdef", sent=b"abc") == "truncated"
    assert code(tmp_path, packed, sent=packed[:-4], encoding="gzip") == "truncated"
    short = packed[:-4]
    assert code(tmp_path, short, encoding="gzip", length=None) == "truncated"
    assert code(tmp_path, b"", encoding="gzip", length=None) == "truncated"


def test_a_content_that_is_another(tmp_path):
    """One byte is enough; that the gzip is broken, too, is not what counts then."""
    assert code(tmp_path, b"abcdef", sent=b"abcdeX") == "digest-differs"
    packed = gzip.compress(b"line\n" * 100)
    broken = packed[:20] + b"\x00\x01" + packed[22:]
    assert code(tmp_path, packed, sent=broken, encoding="gzip") == "digest-differs"
    assert code(tmp_path, broken, encoding="gzip") == "encoding-broken"
    assert code(tmp_path, b"plain", encoding="gzip") == "encoding-broken"
    assert code(tmp_path, packed + b"tail", encoding="gzip") == "encoding-broken"


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path):
    """64 MiB of zeros are 64 KiB packed; no more than the limit is ever written."""
    bomb = gzip.compress(b"\0" * (64 << 20))
    assert code(tmp_path, bomb, encoding="gzip", size=65536, max_bytes=1 << 20) == "too-large"


def test_too_much(tmp_path):
    """Of bytes, announced or not; of lines."""
    assert code(tmp_path, b"x" * 100, max_bytes=99) == "too-large"
    assert code(tmp_path, b"x" * 100, length=None, max_bytes=99) == "too-large"
    assert code(tmp_path, b"\n" * 11, max_lines=10) == "too-many-lines"
    assert code(tmp_path, b"\n" * 10 + b"x", max_lines=10) == "too-many-lines"
    take(tmp_path, b"\n" * 10, max_lines=10).close()
    assert code(tmp_path, b"x", encoding="br") == "encoding-unsupported"


def read_at(moments, data, *, size=7, **limits):
    """Read all of a content whose pieces come at these seconds; what stopped it, None for all."""
    ticks = iter([0, *moments])
    limits = {"max_seconds": 600, "min_rate": 0, **limits}
    stream = spool.Paced(Trickle(data, size), clock=lambda: next(ticks), **limits)
    try:
        while stream.read(spool.CHUNK):
            pass
    except ProblemError as problem:
        return problem.code
    return None


def test_a_sender_has_to_keep_up(tmp_path):
    """All in all, and on average; a slow start is forgiven, and so is being slow at nothing."""
    assert read_at(range(10, 1000, 10), b"x" * 100, max_seconds=30) == "too-slow"
    assert read_at([1, 2, 3], b"x" * 21, max_seconds=30) is None
    assert read_at([9], b"x" * 7, min_rate=100) is None
    assert read_at([9, 11], b"x" * 14, min_rate=100) == "too-slow"
    assert read_at([11, 20], b"x" * 2500, size=1250, min_rate=100) is None
    assert read_at([11, 26], b"x" * 2500, size=1250, min_rate=100) == "too-slow"


@given(st.integers(1, 500), st.integers(1, 30))
def test_whoever_keeps_the_rate_is_never_cut_off(rate, pieces):
    """However the content is cut."""
    moments = [20 * (number + 1) for number in range(pieces)]
    data = b"x" * (20 * rate * pieces)
    limits = {"max_seconds": 1e9, "min_rate": rate}
    assert read_at(moments, data, size=20 * rate, **limits) is None
    if moments[-1] > spool.GRACE:
        assert read_at(moments, data, size=20 * rate, **{**limits, "min_rate": rate + 1})


def test_a_sender_that_says_nothing_is_cut_off(monkeypatch):
    """While the read still waits; the answer can be sent on the same connection."""
    monkeypatch.setattr(spool, "GRACE", 0.5)
    here, there = socket.socketpair()
    with here, there, here.makefile("rb") as body:
        stream = spool.Paced(body, max_seconds=600, min_rate=1 << 20)
        there.sendall(b"x")
        with stream.watched(here), pytest.raises(ProblemError, match="too-slow"):
            stream.read(100)
        here.sendall(b"408")
        assert there.recv(3) == b"408"


def test_a_line_that_is_too_long_is_one_line(tmp_path):
    """And does not cost its length in memory."""
    data = b"a\n" + b"x" * (spool.MAX_LINE + 5) + b"\nb\n" + b"y" * spool.MAX_LINE
    content = take(tmp_path, data, size=65536)
    found = [(number, data if data is None else len(data)) for number, data in content.each()]
    assert found == [(1, 1), (2, None), (3, 1), (4, spool.MAX_LINE)]
    content.close()
