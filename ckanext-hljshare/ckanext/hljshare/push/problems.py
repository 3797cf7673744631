"""What can be wrong with a request to the push interface: codes, HTTP statuses and words. Pure.

Answered as problem details (RFC 9457). A code never changes its meaning: senders rely on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

CONTENT_TYPE = "application/problem+json"


def N_(text: str) -> str:  # noqa: N802  the name that message extraction knows
    """Mark a text for translation without translating it now."""
    return text


# code: (HTTP status, msgid of the title)
CODES: dict[str, tuple[int, str]] = {
    "token-missing": (401, N_("An API token is needed in the header Authorization")),
    "token-invalid": (401, N_("The API token is not valid, or no longer")),
    "no-source": (403, N_("This account may push for no city")),
    "source-forbidden": (403, N_("This account may not push for this source")),
    "not-approved": (403, N_("An administrator of the province has not approved this source yet")),
    "source-needed": (400, N_("This account may push for several sources; name one: ?source=")),
    "key-invalid": (400, N_("The idempotency key is not valid")),
    "key-used": (409, N_("This idempotency key was used for other content")),
    "digest-missing": (400, N_("The header Content-Digest is missing")),
    "digest-invalid": (400, N_("The header Content-Digest holds no SHA-256 digest")),
    "digest-differs": (400, N_("The content received has another digest than it says")),
    "truncated": (400, N_("The content did not arrive whole")),
    "encoding-unsupported": (415, N_("Only gzip, or no content encoding, is understood")),
    "encoding-broken": (400, N_("The gzip content is broken")),
    "type-unsupported": (415, N_("The content has to be application/x-ndjson")),
    "too-large": (413, N_("The content is larger than a batch may be")),
    "too-many-lines": (413, N_("The content has more lines than a batch may have")),
    "too-slow": (408, N_("The content took too long to arrive")),
    "storage-full": (507, N_("The portal cannot store the content at this moment")),
    "busy": (409, N_("Another batch or run of this source is under way; try again later")),
    "crowded": (503, N_("Too many batches are being written at this moment; try again later")),
    "too-often": (429, N_("Too many batches in an hour; try again later")),
    "batch-unknown": (404, N_("There is no batch of this key")),
    "batch-unfinished": (409, N_("This batch was interrupted; send the same content again")),
    "cursor-invalid": (400, N_("The cursor was not given by this portal")),
    "parameter-invalid": (400, N_("A parameter of the address is not valid")),
    "comparison-invalid": (400, N_("The comparison cannot be read")),
    "record-unknown": (404, N_("The portal holds no such record of this source")),
    "table-invalid": (400, N_("The first line does not describe a table")),
    "table-differs": (409, N_("The table stands with other columns or another key")),
    "not-found": (404, N_("There is no such address in this interface")),
    "method-not-allowed": (405, N_("This address does not understand this method")),
    "failed": (500, N_("The portal failed; the same request may be sent again")),
}


class ProblemError(Exception):
    """A request that cannot be served. ``detail`` adds to the title and is not translated: a
    header's name, a number, a place. ``retry_after``: seconds."""

    def __init__(self, code: str, detail: str = "", retry_after: int | None = None) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status."""
        return CODES[self.code][0]

    def headers(self) -> dict[str, str]:
        """Headers that belong to the problem."""
        found: dict[str, str] = {}
        if self.retry_after is not None:
            found["Retry-After"] = str(self.retry_after)
        if self.status == 401:
            found["WWW-Authenticate"] = 'Token realm="push"'
        return found

    def body(self, translate: Callable[[str], str]) -> dict[str, Any]:
        """The problem details in a language."""
        status, title = CODES[self.code]
        found: dict[str, Any] = {
            "type": f"urn:hljshare:push:{self.code}",
            "title": translate(title),
            "status": status,
            "code": self.code,
        }
        if self.detail:
            found["detail"] = self.detail
        return found


def language(accept: Mapping[str, float]) -> str:
    """The language to answer in, of the weights of an Accept-Language header: Chinese unless
    English is wanted more."""
    weights = {"zh": 0.0, "en": 0.0}
    for tag, weight in accept.items():
        primary = tag.replace("_", "-").partition("-")[0].lower()
        if primary in weights:
            weights[primary] = max(weights[primary], weight)
    return "en" if weights["en"] > weights["zh"] else "zh_Hans_CN"
