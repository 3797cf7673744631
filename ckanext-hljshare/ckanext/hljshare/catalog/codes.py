"""Resource codes (信息资源代码): ``class code / sequence``, for example ``3070230100012/000001``.

A class code is 类 (1 digit), 项 (2), 目 (3) and 细目 (any length, letters allowed), after
发改高技〔2017〕1272号. 目 and 细目 are for the province to define:
``scheming/codelists/classification.yaml`` says how the portal forms them. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ckanext.hljshare.catalog import codelists

CODE = re.compile(r"(?P<class_code>[1-3]\d{2}\d{3}[0-9A-Za-z]*)/(?P<sequence>\d{1,12})\Z", re.ASCII)
_CLASS = re.compile(r"[1-3]\d{2}(\d{3}[0-9A-Za-z]*)?\Z", re.ASCII)
_PLACE = re.compile(r"\{(region|provider)(?:\[(\d*):(\d*)\])?\}")


@dataclass(frozen=True)
class ResourceCode:
    """A code taken apart."""

    class_code: str
    sequence: int
    text: str


def parse(text: str) -> ResourceCode | None:
    """A well-formed code taken apart, else None."""
    found = CODE.match(text)
    return ResourceCode(found["class_code"], int(found["sequence"]), text) if found else None


def is_class(text: str) -> bool:
    """Whether a text is a class of the list (类+项), alone or followed by 目 and 细目."""
    return bool(_CLASS.match(text)) and codelists.is_valid("classification", text[:3])


def _fill(template: str, region: str, provider: str) -> str:
    def place(found: re.Match[str]) -> str:
        value = {"region": region, "provider": provider}[found[1]]
        start, end = (int(part) if part else None for part in (found[2], found[3]))
        return value[start:end]

    return _PLACE.sub(place, template)


def class_code(
    catalog_class: str,
    region_code: str,
    provider_number: int,
    settings: dict[str, Any] | None = None,
) -> str:
    """The class code under which a provider's resources are numbered.

    ``catalog_class`` is 类+项 (three digits); one that already holds 目 and 细目 only gets the
    provider's number. ``region_code`` has six digits; ``provider_number`` tells the providers of a
    region apart.

    :raises ValueError: not a class of the list, or the rules give something that is no class code
    """
    if not is_class(catalog_class):
        raise ValueError(f"not a class: {catalog_class}")
    settings = settings or codelists.load("classification")
    rules = {**settings["rules"], **settings.get("overrides", {}).get(region_code, {})}
    provider = f"{provider_number:03d}"
    if len(catalog_class) > 3:
        code = catalog_class + provider
    else:
        code = catalog_class + "".join(
            _fill(rules[part], region_code, provider) for part in ("mu", "ximu")
        )
    if not CODE.match(f"{code}/1"):
        raise ValueError(f"not a class code: {code}")
    return code


def build(class_code_text: str, sequence: int, settings: dict[str, Any] | None = None) -> str:
    """The code for a place in a class; the width of the number is a setting.

    :raises ValueError: the sequence is not positive, or the result is not a well-formed code
    """
    settings = settings or codelists.load("classification")
    code = f"{class_code_text}/{sequence:0{settings['rules']['sequence_width']}d}"
    if sequence < 1 or not CODE.match(code):
        raise ValueError(f"not a code: {code}")
    return code


def slug(code: str) -> str:
    """A code in a form that fits an address (the code itself holds a slash)."""
    return "hlj-" + code.lower().replace("/", "-")


def default_class() -> str:
    """类+项 of a record that names none."""
    return str(codelists.load("classification")["default"])
