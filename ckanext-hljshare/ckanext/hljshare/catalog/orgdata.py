"""The organizations of the whole province, spelled out from ``scheming/organizations.yaml`` and the
region list. Pure.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ckanext.hljshare.catalog import codelists, uscc
from ckanext.hljshare.paths import SCHEMING

FILE = SCHEMING / "organizations.yaml"

# Fields that are not columns of CKAN's own table.
EXTRAS = (
    "short_title",
    "level",
    "region_code",
    "uscc",
    "contact_phone",
    "data_manager_name",
    "data_manager_post",
    "data_manager_phone",
)


def read(path: Path = FILE) -> list[dict[str, Any]]:
    """Every organization of a file, parents before children.

    :raises ValueError: the file does not have the expected shape
    """
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not (isinstance(data, dict) and isinstance(data.get("agencies"), dict)):
        raise ValueError(f"{path}: a mapping with the key agencies is expected")  # noqa: TRY004
    return expand(data)


def expand(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Province, cities, counties, and the agencies of province and cities.

    Names: ``hlj``; pinyin for cities; ``<city>-<six-digit code>`` for counties; ``<parent>-<slug>``
    for agencies.
    """
    organizations: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    for region in codelists.items("region"):
        code, level = region["code"], region["level"]
        parent = names.get(region.get("parent", ""))
        name = f"{parent}-{code}" if level == "county" else region["slug"]
        names[code] = name
        title = region["label"]["zh_Hans_CN"]
        organizations.append(
            _organization(
                data,
                region,
                level,
                {
                    "name": name,
                    "title": title,
                    "short_title": region["short"],
                    "level": level,
                    "parent": parent,
                },
                number=0,
            )
        )
        for number, agency in enumerate(data["agencies"].get(level, []), start=1):
            agency_title = agency["title"]
            if title.endswith("地区"):
                agency_title = agency.get("prefecture_title", agency_title)
            organizations.append(
                _organization(
                    data,
                    region,
                    f"{level}_agency",
                    {
                        "name": f"{name}-{agency['slug']}",
                        "title": title + agency_title,
                        "short_title": agency.get("short", agency_title),
                        "level": "agency",
                        "parent": name,
                    },
                    number=number,
                )
            )
    return organizations


def _organization(
    data: dict[str, Any], region: dict[str, Any], kind: str, named: dict[str, Any], number: int
) -> dict[str, Any]:
    area = data["area_codes"].get(region["code"]) or data["area_codes"].get(region.get("parent"))
    phone = f"{area}-{data['office_number']}" if area else ""
    manager = data.get("data_manager", {}).get(kind, {})
    return {
        **named,
        "region_code": region["code"],
        # Counties have none: their code in the list would be a guess at a real one.
        "uscc": "" if kind == "county" else uscc.synthetic(region["code"], number),
        "contact_phone": phone,
        "data_manager_name": manager.get("name", ""),
        "data_manager_post": manager.get("post", ""),
        "data_manager_phone": phone,
    }
