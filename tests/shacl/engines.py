"""Two SHACL engines that know nothing of each other, over the official shapes of DCAT-AP 3.0.0."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pyshacl
from rdflib import Graph, Namespace, URIRef
from rdflib.namespace import RDF

HERE = Path(__file__).parent
SHAPES = HERE / "dcat-ap-3.0.0-shacl.jsonld"
SH = Namespace("http://www.w3.org/ns/shacl#")


@cache
def shapes() -> Graph:
    """The official shapes."""
    return Graph().parse(SHAPES, format="json-ld")


@cache
def vocabularies() -> Graph:
    """The EU's terms as the Publications Office describes them, in part."""
    return Graph().parse(HERE / "vocabularies.ttl", format="turtle")


def python_findings(data: Graph) -> list[str]:
    """What pyshacl finds; empty where the data conform."""
    plain = Graph()
    plain += data
    conforms, report, words = pyshacl.validate(plain, shacl_graph=shapes(), inference="none")
    found = []
    for result in report.subjects(RDF.type, SH.ValidationResult):
        parts = (SH.focusNode, SH.resultPath, SH.value, SH.sourceConstraintComponent)
        found.append(" ".join(str(report.value(result, part) or "") for part in parts))
    assert conforms == (not found), words
    return sorted(found)


class JavaScript:
    """rdf-validate-shacl in a process of its own, asked over its standard input."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process, self._folder = process, folder

    def findings(self, data: Graph) -> list[str]:
        """What rdf-validate-shacl finds; empty where the data conform."""
        path = self._folder / "data.nt"
        data.serialize(path, format="nt", encoding="utf-8")
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the JavaScript engine ended: is `npm ci` done in tests/shacl?"
        report = json.loads(answer)
        found = [" ".join(item.values()) for item in report["results"]]
        assert report["conforms"] == (not found)
        return sorted(found)


@contextmanager
def javascript(folder: Path) -> Iterator[JavaScript]:
    """Start the JavaScript engine; needs node, and `npm ci` in this folder."""
    command = ["node", str(HERE / "validate.mjs"), str(SHAPES)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8")
    try:
        yield JavaScript(process, folder)
    finally:
        if process.stdin:
            process.stdin.close()
        process.wait(timeout=20)


def broken(data: Graph) -> Graph:
    """The same data with one fault of each common kind, for proof that an engine finds faults."""
    dct = Namespace("http://purl.org/dc/terms/")
    dcat = Namespace("http://www.w3.org/ns/dcat#")
    copy = Graph()
    copy += data
    dataset = next(data.subjects(RDF.type, dcat.Dataset))
    copy.remove((dataset, dct.title, None))
    copy.add((dataset, dct.publisher, URIRef("http://example.org/nobody")))
    for distribution in list(data.subjects(RDF.type, dcat.Distribution)):
        copy.remove((distribution, dcat.accessURL, None))
    return copy
