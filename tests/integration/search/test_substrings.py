"""No part of a title is ever lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckanext.hljshare.catalog import search_query
from ckanext.hljshare.catalog.search_text import fold, tokens
from tests.integration.search import corpus

BATCH = 40  # questions to Solr in one request


def _parts(title: str, cuts: list[tuple[float, int]]) -> list[str]:
    """Runs of 1 to 8 neighbouring tokens of the title, as they stand in it."""
    folded = fold(title)
    places = []
    at = 0
    for token in tokens(folded):
        start = folded.index(token, at)
        at = start + len(token)
        places.append((start, at))
    found = []
    for where, size in cuts:
        first = int(where * len(places))
        last = min(first + size, len(places)) - 1
        found.append(folded[places[first][0] : places[last][1]])
    return found


@pytest.fixture(scope="module")
def identifiers(demo) -> list[str]:
    """Return the ids in the order of the demo catalog."""
    return [corpus.package(dataset)["id"] for dataset in demo]


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    cuts=st.lists(
        st.tuples(st.floats(0, 0.999), st.integers(1, 8)), min_size=BATCH, max_size=BATCH
    ),
    start=st.integers(0, 10_000),
)
def test_any_part_of_any_title_finds_it(
    cuts: list[tuple[float, int]],
    start: int,
    demo: list[Any],
    identifiers: list[str],
    ours: corpus.Core,
):
    """Whatever stretch of a title is typed, the dataset is among the results."""
    asked = []
    for number, cut in enumerate(cuts):
        at = (start + number * 13) % len(demo)
        for part in _parts(demo[at].title, [cut]):
            asked.append((identifiers[at], part))
    queries = [f'(+id:"{identifier}"^=0 +{search_query.build(part)})' for identifier, part in asked]
    wanted = {identifier for identifier, _ in asked}
    found = set(corpus.ranked(ours, corpus.plain(" OR ".join(queries), rows=BATCH)))
    lost = wanted - found
    assert not lost, [part for identifier, part in asked if identifier in lost]


def test_every_short_part_of_every_title_finds_it(demo, identifiers, ours):
    """All stretches of two tokens, of the whole catalog: a count, so that none hides in chance."""
    asked = []
    for identifier, dataset in zip(identifiers, demo, strict=True):
        count = len(tokens(fold(dataset.title)))
        for first in range(0, count - 1, 3):
            asked.append((identifier, _parts(dataset.title, [(first / count + 1e-9, 2)])[0]))
    lost = []
    for at in range(0, len(asked), BATCH):
        batch = asked[at : at + BATCH]
        # One dataset may stand in a batch with several parts: each must hold.
        needed: dict[str, list[str]] = {}
        for identifier, part in batch:
            needed.setdefault(identifier, []).append(f"+{search_query.build(part)}")
        query = " OR ".join(
            f'(+id:"{identifier}"^=0 {" ".join(parts)})' for identifier, parts in needed.items()
        )
        found = set(corpus.ranked(ours, corpus.plain(query, rows=BATCH)))
        lost += [needed[identifier] for identifier in set(needed) - found]
    assert lost == []
