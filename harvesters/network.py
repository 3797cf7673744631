"""How a source is to be fetched: pace, time-outs, certificate and secrets of its mapping. No CKAN
import.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from ckanext.hljshare.ingest.fetch import Fetcher, Tls

from .mapping import Mapping, MappingError

Secret = Callable[[str], str | None]
OPTION = "hljshare.ingest.secret."


def no_secrets(name: str) -> str | None:
    """Where there are none."""
    return None


def fetcher_for(mapping: Mapping, url: str, fetcher: Fetcher) -> Fetcher:
    """The fetcher as the mapping wants it for the source at this address.

    A pinned certificate and old ciphers hold for the source's own host alone.
    """
    wanted = mapping.network
    host = (urlsplit(url).hostname or "").lower()
    if not wanted or not isinstance(fetcher, Fetcher):
        return fetcher
    pins = tuple(pin.replace(":", "").lower() for pin in wanted.get("sha256", ()))
    legacy = bool(wanted.get("legacy_tls"))
    return replace(
        fetcher,
        rate=wanted.get("rate", fetcher.rate),
        read_timeout=wanted.get("read_timeout", fetcher.read_timeout),
        max_seconds=wanted.get("max_seconds", fetcher.max_seconds),
        tls={host: Tls(pins, legacy)} if host and (pins or legacy) else fetcher.tls,
    )


def secret_for(name: str, url: str, secret: Secret) -> str:
    """A secret of the portal's settings, for a request to this address.

    It is given only to the host it is for (``hljshare.ingest.secret.NAME.host``): whoever may edit
    a mapping could otherwise have any secret sent to a server of their own. Raises MappingError.
    """
    value, host = secret(name), secret(f"{name}.host")
    if not value or not host:
        raise MappingError(f"{OPTION}{name} and {OPTION}{name}.host are not set")
    if (urlsplit(url).hostname or "").lower() != host.strip().lower():
        raise MappingError(f"the secret {name} is for another host")
    return value
