"""Which bytes of a file a reader asks for (RFC 9110 §14). Pure."""

from __future__ import annotations

from werkzeug.datastructures import Headers
from werkzeug.http import parse_range_header, unquote_etag

UNSATISFIABLE = (-1, -1)


def asked(headers: Headers, etag: str, size: int) -> tuple[int, int] | None:
    """The first byte and the one behind the last; None for all of them, `UNSATISFIABLE` for none
    that there is.

    A unit other than bytes, several ranges at once, or a file that has changed since the reader
    began (If-Range: by its ETag alone, a date is too coarse) gives the whole.
    """
    condition = headers.get("If-Range")
    if condition and unquote_etag(condition) != (etag, False):
        return None
    found = parse_range_header(headers.get("Range"))
    if found is None or found.units != "bytes" or len(found.ranges) != 1:
        return None
    start, stop = found.ranges[0]
    if start < 0 or headers.get("Range", "").strip().endswith("=-0"):  # the last so many bytes
        start, stop = max(0, size + start), size
    stop = size if stop is None else min(stop, size)
    return (start, stop) if start < stop else UNSATISFIABLE
