"""The demo catalog in two cores of the running Solr."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.search import corpus


@pytest.fixture(scope="module", autouse=True)
def _portal_plugins() -> None:
    """These tests speak to Solr alone: no plugin is loaded, no database is used."""


@pytest.fixture(scope="session")
def solr_address(ckan_configured: str) -> str:
    """Return the address of the Solr that the tests' own core lives in."""
    core: str = os.environ.get("HLJSHARE_TEST_SOLR") or ckan_configured
    return core.rstrip("/").rsplit("/", 1)[0]


@pytest.fixture(scope="session")
def ckan_configured() -> str:
    """Return CKAN's Solr address in the test configuration."""
    from ckan.common import config

    return str(config["solr_url"])


@pytest.fixture(scope="session")
def demo() -> list[Any]:
    """Return the demo province's datasets."""
    return corpus.demo()


def _core(
    address: str, name: str, documents: list[dict[str, Any]], stock: bool
) -> Iterator[corpus.Core]:
    core = corpus.Core(address, f"{name}_{os.getpid()}", stock=stock)
    try:
        core.add(documents)
        yield core
    finally:
        core.remove()


@pytest.fixture(scope="session")
def ours(solr_address: str, demo: list[Any]) -> Iterator[corpus.Core]:
    """Return a core with the portal's configuration and the demo catalog in it."""
    yield from _core(solr_address, "relevance_ours", corpus.documents(demo)[0], False)


@pytest.fixture(scope="session")
def stock(solr_address: str, demo: list[Any]) -> Iterator[corpus.Core]:
    """Return a core with stock CKAN's schema and the same documents."""
    yield from _core(solr_address, "relevance_stock", corpus.documents(demo)[1], True)
