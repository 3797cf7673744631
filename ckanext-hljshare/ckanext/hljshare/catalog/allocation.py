"""Giving out resource codes, inside the writer's own transaction.

Two writers of one class wait for each other on an advisory lock that lasts until commit or
rollback: numbers have no gaps and no duplicates, and a rollback gives the number back.
"""

from __future__ import annotations

from collections.abc import Iterable

import ckan.model as model
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError

from ckanext.hljshare.catalog import codes
from ckanext.hljshare.catalog.model import CodeProvider, ResourceCodeRow

PROVINCE = "230000"


class CodeTakenError(ValueError):
    """A given code belongs to another dataset."""


def lock(name: str) -> None:
    """Hold a name of the portal's own until the transaction ends; others who ask for it wait."""
    model.Session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"hljshare:{name}"},
    )


def provider_number(org_id: str, region_code: str) -> CodeProvider:
    """The organization's number among those of its region, given at its first use."""
    row = model.Session.get(CodeProvider, org_id)
    if row:
        return row
    lock(f"provider:{region_code}")
    row = model.Session.get(CodeProvider, org_id, populate_existing=True)
    if row is None:
        last = model.Session.scalar(
            select(func.max(CodeProvider.number)).where(CodeProvider.region_code == region_code)
        )
        row = CodeProvider(org_id=org_id, region_code=region_code, number=(last or 0) + 1)
        model.Session.add(row)
        model.Session.flush()
    return row


def next_sequence(class_code: str) -> int:
    """The first free number of a class code; holds the class until the transaction ends."""
    lock(f"class:{class_code}")
    last = model.Session.scalar(
        select(func.max(ResourceCodeRow.sequence)).where(
            ResourceCodeRow.class_code == class_code, ResourceCodeRow.allocated
        )
    )
    sequence = (last or 0) + 1
    taken = set(
        model.Session.scalars(
            select(ResourceCodeRow.sequence).where(
                ResourceCodeRow.class_code == class_code,
                ResourceCodeRow.sequence >= sequence,
                ~ResourceCodeRow.allocated,
            )
        )
    )
    while sequence in taken:
        sequence += 1
    return sequence


def holder(code: str) -> str | None:
    """The id of the dataset that has a code (written with or without leading zeros), if any."""
    parsed = codes.parse(code)
    if parsed is None:
        return None
    return model.Session.scalar(
        select(ResourceCodeRow.package_id).where(
            ResourceCodeRow.class_code == parsed.class_code,
            ResourceCodeRow.sequence == parsed.sequence,
        )
    )


def region_of(org_id: str) -> str:
    """Region code of an organization, by the nearest one above it that has one."""
    group = model.Group.get(org_id)
    if group is None:
        return PROVINCE
    for candidate in [group, *reversed(group.get_parent_group_hierarchy(type="organization"))]:
        region = (candidate.extras or {}).get("region_code")
        if region:
            return str(region)
    return PROVINCE


def assign(package: model.Package) -> str | None:
    """Give a public dataset its code, or take the one it came with; once given it stays.

    Writes the code to the package's extras and returns it; None for what is not public yet. Does
    not commit.

    :raises CodeTakenError: the dataset came with a code that another one has
    """
    if not _is_published(package):
        return None
    row = model.Session.get(ResourceCodeRow, package.id)
    given = package.extras.get("resource_code")
    if row is None:
        parsed = codes.parse(given) if given else None
        if parsed:
            class_code, sequence, code = parsed.class_code, parsed.sequence, parsed.text
            lock(f"class:{class_code}")
        else:
            class_code = _class_of(package, region_of(package.owner_org))
            sequence = next_sequence(class_code)
            code = codes.build(class_code, sequence)
        row = ResourceCodeRow(
            package_id=package.id,
            org_id=package.owner_org,
            class_code=class_code,
            sequence=sequence,
            code=code,
            allocated=parsed is None,
        )
        try:
            with model.Session.begin_nested():
                model.Session.add(row)
        except IntegrityError as error:
            raise CodeTakenError(code) from error
    if given != row.code:
        package.extras["resource_code"] = row.code
    return row.code


def assign_many(packages: Iterable[model.Package]) -> None:
    """:func:`assign` for many, in an order that cannot deadlock with another such call.

    New codes of one class are numbered in one go; whoever has a code, or brings one, is treated
    singly.

    :raises CodeTakenError: a dataset came with a code that another one has
    """
    ordered = sorted(
        packages, key=lambda pkg: (pkg.owner_org or "", pkg.extras.get("catalog_class", ""), pkg.id)
    )
    model.Session.flush()
    rows = {
        row.package_id: row
        for row in model.Session.scalars(
            select(ResourceCodeRow).where(
                ResourceCodeRow.package_id.in_([package.id for package in ordered])
            )
        )
    }
    regions: dict[str, str] = {}
    classes: dict[tuple[str, str], str] = {}
    fresh: dict[str, list[model.Package]] = {}
    for package in ordered:
        if not _is_published(package):
            continue
        if package.id in rows:
            if package.extras.get("resource_code") != rows[package.id].code:
                package.extras["resource_code"] = rows[package.id].code
        elif codes.parse(package.extras.get("resource_code") or ""):
            assign(package)
        else:
            owner = package.owner_org
            if owner not in regions:
                regions[owner] = region_of(owner)
            kind = (owner, package.extras.get("catalog_class") or "")
            if kind not in classes:
                classes[kind] = _class_of(package, regions[owner])
            fresh.setdefault(classes[kind], []).append(package)
    for class_code in sorted(fresh):
        _number(class_code, fresh[class_code])


def _is_published(package: model.Package) -> bool:
    return bool(
        package.type == "dataset"
        and not package.private
        and package.state == "active"
        and package.owner_org
    )


def _class_of(package: model.Package, region: str) -> str:
    provider = provider_number(package.owner_org, region)
    catalog_class = package.extras.get("catalog_class") or codes.default_class()
    return codes.class_code(catalog_class, provider.region_code, provider.number)


def _number(class_code: str, packages: list[model.Package]) -> None:
    """Give the datasets of one class the next free numbers."""
    sequence = next_sequence(class_code) - 1
    taken = set(
        model.Session.scalars(
            select(ResourceCodeRow.sequence).where(
                ResourceCodeRow.class_code == class_code,
                ResourceCodeRow.sequence > sequence,
                ~ResourceCodeRow.allocated,
            )
        )
    )
    rows = []
    for package in packages:
        sequence += 1
        while sequence in taken:
            sequence += 1
        code = codes.build(class_code, sequence)
        rows.append(
            {
                "package_id": package.id,
                "org_id": package.owner_org,
                "class_code": class_code,
                "sequence": sequence,
                "code": code,
                "allocated": True,
            }
        )
        package.extras["resource_code"] = code
    model.Session.execute(insert(ResourceCodeRow), rows)
