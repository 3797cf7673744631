"""Which answers pages of other sites may read. Pure.

CKAN's own `ckan.cors.origin_allow_all` is left off: it opens every address, those that change
something and those of a session too, allows POST, PUT, DELETE and the token's header to everybody,
and exposes none of the headers that a reader needs. Here open data is opened, and nothing else.
"""

from __future__ import annotations

from ckanext.hljshare.feeds.api import paths

METHODS = ("GET", "HEAD", "OPTIONS")
# What a reader may send besides what a browser lets everybody send. Not the token: a key does not
# belong into a page of another site, and nothing public needs one.
ACCEPTED = ("Accept", "Accept-Language", "Content-Type", "If-Modified-Since", "If-None-Match",
            "If-Range", "Range")  # fmt: skip
EXPOSED = ("Accept-Ranges", "Content-Disposition", "Content-Length", "Content-Range", "ETag",
           "Last-Modified", "Link", "RateLimit", "RateLimit-Policy", "Retry-After")  # fmt: skip
PREFLIGHT_SECONDS = 86400


def headers(method: str, path: str, *, known: bool, preflight: bool = False) -> dict[str, str]:
    """The headers of an answer to a request of `method`, none where it is not for other sites.

    `known`: the request came with a session or a token, so that the answer may be for one person;
    browsers send neither with a preflight. Credentials are never allowed.
    """
    if method not in METHODS or known or paths.kind(path) is None:
        return {}
    found = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": ", ".join(EXPOSED),
    }
    if method == "OPTIONS" and preflight:
        found["Access-Control-Allow-Methods"] = ", ".join(METHODS)
        found["Access-Control-Allow-Headers"] = ", ".join(ACCEPTED)
        found["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return found
