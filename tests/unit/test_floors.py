"""The house stands: imports between rooms go down only (CONTRIBUTING.md, "The house")."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "ckanext-hljshare" / "ckanext" / "hljshare"
FLOORS = {
    "theme": 4,
    "supervision": 4,
    "push": 4,
    "harvesters": 4,
    "requests": 3,
    "ingest": 3,
    "feeds": 3,
    "access": 2,
    "catalog": 1,
    "deadlines": 1,
    "safety": 1,
}


def sources() -> list[tuple[str, Path]]:
    """Return (room, file) of every Python file that belongs to a room."""
    files = [(path.relative_to(PACKAGE).parts[0], path) for path in PACKAGE.rglob("*.py")]
    files += [("harvesters", path) for path in (ROOT / "harvesters").rglob("*.py")]
    return [(room, path) for room, path in files if room in FLOORS]


def imported_rooms(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield (room, whether its model) for each import of a room in a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "harvesters":
                yield "harvesters", False
            elif parts[:2] == ["ckanext", "hljshare"] and len(parts) > 2:
                yield parts[2], "model" in parts[3:]


@pytest.mark.parametrize(("room", "path"), sources(), ids=lambda value: str(value)[-40:])
def test_imports_go_down_only(room, path):
    """A room imports lower floors and itself, and no other room's model."""
    for other, is_model in imported_rooms(path):
        if other in FLOORS and other != room:
            assert FLOORS[other] < FLOORS[room], f"{path} imports {other}"
            assert not is_model, f"{path} reaches into the model of {other}"


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*/plugin.py")), ids=lambda p: p.parent.name)
def test_plugins_are_thin(path):
    """plugin.py wires; what decides stands elsewhere."""
    assert len(path.read_text("utf-8").splitlines()) <= 120
