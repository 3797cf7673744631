"""A feed is put together from pieces that different processes make: they write the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ckanext.hljshare.feeds.dcat.syntax import SYNTAXES

CHILD = """
import hashlib, sys
from rdflib import Graph, Literal, URIRef
from ckanext.hljshare.feeds.dcat import syntax

found = Graph(bind_namespaces="none")
for number in range(40):
    for name in ("title", "subject", "relation"):
        node, value = URIRef(f"http://x/{number % 7}"), Literal(f"{name} {number}", lang="zh")
        found.add((node, URIRef(f"http://purl.org/dc/terms/{name}"), value))
text = syntax.piece(syntax.named(found, "http://x"), sys.argv[1])
print(hashlib.sha256(text.encode()).hexdigest())
"""


@pytest.mark.parametrize("ending", SYNTAXES)
def test_the_order_of_sets_does_not_show(ending):
    said = {
        subprocess.run(
            [sys.executable, "-c", CHILD, ending],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1
