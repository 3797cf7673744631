"""What a writer of many datasets has looked up beforehand, so that validation asks no question per
dataset.

CKAN's validators ask the database whether an id or a name is taken. For a batch the answers are
fetched in one query each and travel in the validation's context; the validators here give them, and
CKAN's own answer for everything that was not looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.logic import validators as stock
from ckan.types import Context, FlattenDataDict, FlattenErrorDict, FlattenKey

KNOWN = "hljshare_known"


@dataclass
class Known:
    """Answers for one batch.

    ``datasets`` and ``names`` give the id of the dataset that has an id or an active name (None:
    nobody), ``resources`` the dataset of a resource that is not deleted; ``absent`` are resource
    ids that no row has, ``unvaulted`` those without a protected address; ``groups`` organizations
    by id.
    """

    datasets: dict[str, str | None] = field(default_factory=dict)
    names: dict[str, str | None] = field(default_factory=dict)
    resources: dict[str, str | None] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    unvaulted: set[str] = field(default_factory=set)
    groups: dict[str, model.Group] = field(default_factory=dict)
    answers: dict[Any, Any] = field(default_factory=dict)

    def answer(self, question: Any, ask: Callable[[], Any]) -> Any:
        """The answer to a question that is the same for all datasets of a batch; asked once."""
        if question not in self.answers:
            self.answers[question] = ask()
        return self.answers[question]


def of(context: Any) -> Known | None:
    """What a validation's context carries, if it is of a batch."""
    found = context.get(KNOWN)
    return found if isinstance(found, Known) else None


def look_up(
    dataset_ids: Iterable[str],
    names: Iterable[str],
    resource_ids: Iterable[str],
    owners: Iterable[str],
) -> Known:
    """Ask for a whole batch: four queries, however many datasets."""
    package, resource, group = model.Package, model.Resource, model.Group
    found = Known(
        datasets=dict.fromkeys(dataset_ids),
        names=dict.fromkeys(names),
        resources=dict.fromkeys(resource_ids),
    )
    rows = model.Session.execute(
        sa.select(package.id, package.name, package.state).where(
            sa.or_(package.id.in_(found.datasets), package.name.in_(found.names))
        )
    )
    for dataset_id, name, state in rows:
        if dataset_id in found.datasets:
            found.datasets[dataset_id] = dataset_id
        if name in found.names and state != model.State.DELETED:
            found.names[name] = dataset_id
    found.absent = set(found.resources)
    if found.resources:
        for resource_id, dataset_id, state in model.Session.execute(
            sa.select(resource.id, resource.package_id, resource.state).where(
                resource.id.in_(found.resources)
            )
        ):
            found.absent.discard(resource_id)
            if state != model.State.DELETED:
                found.resources[resource_id] = dataset_id
    found.groups = {
        item.id: item
        for item in model.Session.scalars(sa.select(group).where(group.id.in_(set(owners))))
    }
    return found


def group_of(context: Any, owner: Any) -> model.Group | None:
    """An organization by its id (or, outside a batch, its name)."""
    if not owner:
        return None
    known = of(context)
    if known and owner in known.groups:
        return known.groups[owner]
    return model.Group.get(owner)


# ------------------------------------------------------------------ in the place of CKAN's own


def package_id_does_not_exist(value: str, context: Context) -> Any:
    """As CKAN's; the id is not that of a dataset."""
    known = of(context)
    if known is None or value not in known.datasets:
        return stock.package_id_does_not_exist(value, context)
    if known.datasets[value]:
        raise tk.Invalid(tk._("Dataset id already exists"))
    return value


def package_name_validator(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> Any:
    """As CKAN's; no other dataset has the name. How a name is written is checked beside it."""
    known = of(context)
    if known is None or data[key] not in known.names:
        return stock.package_name_validator(key, data, errors, context)
    package = context.get("package")
    own = package.id if isinstance(package, model.Package) else data.get((*key[:-1], "id"))
    if known.names[data[key]] not in (None, own):
        errors[key].append(tk._("That URL is already in use."))
    return None


def resource_id_does_not_exist(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> Any:
    """As CKAN's; the id is not that of another dataset's resource."""
    known = of(context)
    if known is None or data[key] not in known.resources:
        return stock.resource_id_does_not_exist(key, data, errors, context)
    if known.resources[data[key]] not in (None, data.get(("id",))):
        errors[key].append(tk._("Resource id already exists."))
    return None


def owner_org_validator(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> Any:
    """As CKAN's; the portal's own writer has found the organization already."""
    known = of(context)
    if known and context.get("ignore_auth") and data.get(key) in known.groups:
        return None
    return stock.owner_org_validator(key, data, errors, context)


def in_place_of_stock() -> dict[str, Any]:
    """The validators that take the place of CKAN's, by name."""
    return {
        each.__name__: each
        for each in (
            owner_org_validator,
            package_id_does_not_exist,
            package_name_validator,
            resource_id_does_not_exist,
        )
    }
