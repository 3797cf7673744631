"""The list of channels, read from `channels.yaml`."""

from __future__ import annotations

from pathlib import Path

import yaml

FILE = Path(__file__).with_name("channels.yaml")
CLASSES = ("open", "catalog", "content", "people", "own", "staff", "sysadmin", "refused", "unasked")
_LISTED = yaml.safe_load(FILE.read_text("utf-8"))


def listed(kind: str) -> list[tuple[str, str]]:
    """Return (name, class) of every entry of `routes` or `actions`, as often as it stands there."""
    return [(name, group) for group, names in _LISTED[kind].items() for name in names]


ROUTES = dict(listed("routes"))
ACTIONS = dict(listed("actions"))


def problems(kind: str, real: set[str]) -> list[str]:
    """Say what is wrong with the list, compared with what the portal really has."""
    entries = listed(kind)
    names = [name for name, _ in entries]
    found = [f"unknown class {group}: {name}" for name, group in entries if group not in CLASSES]
    found += [f"listed twice: {name}" for name in sorted(set(names)) if names.count(name) > 1]
    found += [
        f"new, not listed: {name}. Decide what it may tell to whom, put it into its class in "
        f"{FILE.name} (a content channel also into test_matrix.py), and run the sweep"
        for name in sorted(real - set(names))
    ]
    found += [
        f"listed but gone: {name}. Take it out of {FILE.name}" for name in sorted(set(names) - real)
    ]
    return found
