"""Which licence of ours a source means: by its id, its address, or the EU's name of it. No CKAN
import.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache

from ckanext.hljshare.paths import SCHEMING

_TAIL = re.compile(r"/(?:deed(?:\.[\w-]+)?|legalcode(?:\.[\w-]+)?)?/?$")
_EU = "publications.europa.eu/resource/authority/licence/"
_OWN = "/vocabulary/licence/"  # of a portal like this one


@lru_cache(maxsize=1)
def _known() -> dict[str, str]:
    listed = json.loads((SCHEMING / "licenses.json").read_text(encoding="utf-8"))
    by_url = {_key(item["url"]): item["id"] for item in listed if item["url"]}
    return {**by_url, **{_key(item["id"]): item["id"] for item in listed}}


def _key(words: str) -> str:
    return _TAIL.sub("", re.sub(r"^https?://(?:www\.)?", "", words.strip().casefold()))


def find(words: object) -> str | None:
    """The id of the licence that an id or address names; None where our list has none such."""
    key = _key(str(words or ""))
    if key.startswith(_EU):  # CC_BY_4_0
        key = re.sub(r"_(\d+)_(\d+)$", r"-\1.\2", key.removeprefix(_EU)).replace("_", "-")
    return _known().get(key.rpartition(_OWN)[2]) if key else None
