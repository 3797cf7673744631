"""Sitemaps as the protocol 0.9 has them (sitemaps.org). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from xml.sax.saxutils import escape

MEDIA = "application/xml; charset=utf-8"
FIXED = (
    "/", "/dataset/", "/organization/", "/city", "/catalog", "/catalog-list", "/api/docs",
    "/request", "/request/rates", "/calendar", "/about", "/about/apply", "/about/plan",
    "/about/terms", "/about/privacy", "/about/accessibility", "/about/developers",
)  # fmt: skip
_BEGIN = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def urls(found: Iterable[tuple[str, datetime | None]]) -> str:
    """A sitemap of addresses, each with when its page was last changed, if that is known."""
    return _document("urlset", "url", found)


def index(found: Iterable[tuple[str, datetime | None]]) -> str:
    """An index of the addresses of sitemaps."""
    return _document("sitemapindex", "sitemap", found)


def _document(root: str, element: str, found: Iterable[tuple[str, datetime | None]]) -> str:
    lines = [f"{_BEGIN}<{root} {_SPACE}>"]
    for address, changed in found:
        lines.append(f"<{element}><loc>{escape(address)}</loc>{_dated(changed)}</{element}>")
    return "\n".join([*lines, f"</{root}>", ""])


def _dated(changed: datetime | None) -> str:
    """W3C's date format, to the second, in UTC."""
    if changed is None:
        return ""
    moment = changed.astimezone(timezone.utc).replace(tzinfo=None)
    return f"<lastmod>{moment.isoformat(timespec='seconds')}Z</lastmod>"
