"""The examples of the page: real files, which a test runs as they are shown. Pure."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("examples")
PLACE = "https://data.example.gov.cn"  # stands in the files for the site's address
TASKS = ("search", "download", "table", "feed")
# Ending of the files, name of the language, the program that runs them.
LANGUAGES = (
    ("py", "Python", "python3"),
    ("mjs", "JavaScript", "node"),
    ("sh", "curl", "sh"),
    ("R", "R", "Rscript"),
)
FILES = tuple(f"{task}.{ending}" for task in TASKS for ending, _, _ in LANGUAGES)


def text(name: str, site: str) -> str:
    """An example for a site. Raises KeyError for a name that is not one of `FILES`."""
    if name not in FILES:
        raise KeyError(name)
    return _read(name).replace(PLACE, site.rstrip("/"))


@cache
def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
