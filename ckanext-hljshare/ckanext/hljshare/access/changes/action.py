"""Actions on changes of levels: propose, decide, withdraw, list, history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model
from ckan.lib import plugins as lib_plugins

from ckanext.hljshare.access.changes import people, record, rules, schema
from ckanext.hljshare.access.changes.model import LevelChange, LevelState
from ckanext.hljshare.access.model import now

__all__ = [
    "hljshare_level_change_decide",
    "hljshare_level_change_list",
    "hljshare_level_change_propose",
    "hljshare_level_change_withdraw",
    "hljshare_level_history",
]

OF_DATASET = (
    "open_type",
    "open_condition",
    "open_basis",
    "share_type",
    "share_condition",
    "share_basis",
)
OF_FILE = ("open_type", "derivative")
IN_EFFECT = ("applied", "confirmed")


def _dataset(name_or_id: str) -> model.Package:
    package = model.Package.get(name_or_id)
    if package is None or package.type != "dataset" or package.state == "deleted":
        raise tk.ObjectNotFound(tk._("Dataset not found"))
    return package


def _shown(context: Any, dataset_id: str) -> dict[str, Any]:
    """Return the dataset as the database has it, locked, to be written back changed."""
    reading = {"user": context.get("user"), "ignore_auth": True, "for_update": True}
    found: dict[str, Any] = tk.get_action("package_show")(
        {**reading, "use_cache": False}, {"id": dataset_id}
    )
    del found["metadata_modified"]
    return found


def _with(shown: Mapping[str, Any], file: str | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dataset with the values of a change written into it, or into one of its files."""
    if file is None:
        return {**shown, **values}
    files = [{**item, **values} if item["id"] == file else item for item in shown["resources"]]
    return {**shown, "resources": files}


def _levels(dataset: Mapping[str, Any]) -> rules.Levels:
    return rules.levels_of(dataset, dataset["resources"])


def _validate(context: Any, proposed: dict[str, Any]) -> None:
    """Fail now, by the dataset's own schema, if the result could not be stored."""
    package = model.Package.get(proposed["id"])
    plugin = lib_plugins.lookup_package_plugin("dataset")
    trial = {
        "user": context.get("user"),
        "auth_user_obj": context.get("auth_user_obj"),
        "model": model,
        "session": model.Session,
        "package": package,
        record.CHANGE: record.TRIAL,
    }
    copied = {**proposed, "resources": [dict(item) for item in proposed["resources"]]}
    _data, errors = lib_plugins.plugin_validate(
        plugin, trial, copied, plugin.update_package_schema(), "package_update"
    )
    model.Session.rollback()  # nothing of the trial stays
    if errors:
        raise tk.ValidationError(errors)


@tk.validate_action_data(schema.propose)
def hljshare_level_change_propose(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Change the levels of a dataset or of one of its files, or propose to.

    What loosens nothing is done at once. What loosens something that has been public waits for a
    second person (`hljshare_level_change_decide`).

    :param id: the dataset (name or id)
    :param resource_id: one of its files (optional); then ``open_type`` (empty: that of the
        dataset) and ``derivative`` are the file's
    :param open_type: (optional) with ``open_condition`` and ``open_basis`` (clause 6.1 a)
    :param share_type: (optional) with ``share_condition`` and ``share_basis`` (clause 5.1 a)
    :param reason: why; it is published with the change
    :returns: the change; ``state`` is ``applied`` or ``proposed``
    :raises ValidationError: the result could not be published, for instance without a basis
    """
    package = _dataset(data_dict["id"])
    dataset_id, owner = package.id, package.owner_org
    tk.check_access("hljshare_level_change_propose", context, {"id": dataset_id})
    person = model.User.get(context.get("user") or "")
    if person is None:
        raise tk.NotAuthorized(tk._("A change of levels is made by a person"))
    proposer, file = person.id, data_dict.get("resource_id") or None
    values = {
        name: data_dict[name] for name in (OF_FILE if file else OF_DATASET) if name in data_dict
    }
    if not values:
        raise tk.ValidationError({"open_type": [tk._("Say which level is to change")]})
    shown = _shown(context, dataset_id)
    if file and file not in {item["id"] for item in shown["resources"]}:
        model.Session.rollback()
        raise tk.ValidationError({"resource_id": [tk._("Resource not found")]})
    _validate(context, _with(shown, file, values))
    shown = _shown(context, dataset_id)
    before, after = record.baseline(dataset_id), _levels(_with(shown, file, values))
    difference = rules.compare(before, after)
    if difference.loosens and _waiting(dataset_id, file, after, values):
        model.Session.rollback()
        raise tk.ValidationError({"state": [tk._("The same is proposed already and waits")]})
    moment = now()
    change = LevelChange(
        dataset_id=dataset_id,
        resource_id=file,
        state="proposed" if difference.loosens else "applied",
        before=before or _levels(shown),
        after=after,
        values=values,
        reason=data_dict["reason"],
        proposer=proposer,
        created=moment,
        decided=None if difference.loosens else moment,
    )
    model.Session.add(change)
    model.Session.flush()
    if difference.loosens:
        people.tell_deciders(change, owner, shown["name"], shown["title"])
        model.Session.commit()
    else:
        _carry_out(context, change)
    return _dictized([model.Session.get(LevelChange, change.id)], context)[0]


def _waiting(
    dataset_id: str, file: str | None, after: rules.Levels, values: dict[str, Any]
) -> bool:
    """Tell whether the very same proposal is open. The dataset is locked."""
    query = sa.select(LevelChange.id).where(
        LevelChange.dataset_id == dataset_id,
        LevelChange.state == "proposed",
        LevelChange.resource_id.is_not_distinct_from(file),
        LevelChange.after == after,
        LevelChange.values == values,
    )
    return model.Session.scalar(query.limit(1)) is not None


def _carry_out(context: Any, change: LevelChange) -> None:
    """Write a change through CKAN's own actions, in one transaction with its new state."""
    writing = {"user": context.get("user"), record.CHANGE: change}
    if context.get("ignore_auth"):
        writing["ignore_auth"] = True
    if change.resource_id:
        tk.get_action("resource_patch")(writing, {"id": change.resource_id, **change.values})
    else:
        tk.get_action("package_patch")(writing, {"id": change.dataset_id, **change.values})
    model.Session.commit()


def _conflict(change: LevelChange, version: int | None) -> None:
    """Raise for a change that is decided already, or not the one that was looked at."""
    if change.state == "proposed" and version in (None, change.version):
        return
    text = (
        record.stale_text()
        if change.state == "stale"
        else tk._("Somebody has already decided about this proposal; load the page again")
    )
    model.Session.rollback()
    raise tk.ValidationError({"version": [text]})


def _locked(change_id: str) -> LevelChange:
    """Return a change that nobody else decides meanwhile. Dataset first, as every writer does."""
    change = model.Session.get(LevelChange, change_id)
    if change is None:
        raise tk.ObjectNotFound(tk._("There is no such proposal"))
    record.lock(change.dataset_id)
    return model.Session.scalars(
        sa.select(LevelChange)
        .where(LevelChange.id == change_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


@tk.validate_action_data(schema.decide)
def hljshare_level_change_decide(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Confirm, as the second person, a proposal that loosens, or turn it down.

    :param id: the change
    :param confirm: true to carry it out, false to reject it (then ``message`` says why)
    :param message: (optional) for who proposed it
    :param version: (optional) the version that was looked at
    :returns: the change
    :raises ValidationError: it is decided already, or the dataset has changed since
    """
    tk.check_access("hljshare_level_change_decide", context, data_dict)
    person = model.User.get(context.get("user") or "")
    change = _locked(data_dict["id"])
    package = _dataset(change.dataset_id)
    # Whatever the context allows: nobody is one's own second person.
    if person is None or not people.may_decide(person, change, package.owner_org):
        model.Session.rollback()
        raise tk.NotAuthorized(tk._("Nobody decides about a proposal of their own"))
    _conflict(change, data_dict.get("version"))
    confirm, message = data_dict["confirm"], data_dict.get("message") or ""
    if not confirm and not message:
        model.Session.rollback()
        raise tk.ValidationError({"message": [tk._("Say why it is not confirmed")]})
    name, title = package.name, package.title or package.name
    if confirm:
        # For an administrator CKAN's own checks pass; the locked state is compared, not a copy.
        present = _shown(context, package.id)
        found = _levels(_with(present, change.resource_id, change.values))
        if (record.baseline(package.id) or _levels(present)) != change.before or (
            found != change.after
        ):
            record.outdate(change, name, title)
            model.Session.commit()
            raise tk.ValidationError({"state": [record.stale_text()]})
    change.state = "confirmed" if confirm else "rejected"
    change.decider, change.message, change.decided = person.id, message, now()
    change.version += 1
    people.tell_proposer(change, name, title)
    model.Session.flush()
    if confirm:
        _carry_out(context, change)
    else:
        model.Session.commit()
    return _dictized([change], context)[0]


@tk.validate_action_data(schema.by_id)
def hljshare_level_change_withdraw(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Take back a proposal of one's own that nobody has decided yet.

    :param id: the change
    :param version: (optional) the version that was looked at
    :returns: the change
    """
    tk.check_access("hljshare_level_change_withdraw", context, data_dict)
    change = _locked(data_dict["id"])
    _conflict(change, data_dict.get("version"))
    change.state, change.decided, change.version = "withdrawn", now(), change.version + 1
    model.Session.commit()
    return _dictized([change], context)[0]


@tk.side_effect_free
@tk.validate_action_data(schema.change_list)
def hljshare_level_change_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """List the proposals on a dataset, all of them; or those that wait for the caller's decision.

    :param dataset: (optional) name or id
    :param limit: (optional, 50) and ``offset``
    :returns: ``{"count", "results": [change…]}``, the newest first; each with ``may_decide`` and
        ``may_withdraw``
    """
    table = LevelChange
    query = sa.select(table).order_by(table.created.desc(), table.id)
    if data_dict.get("dataset"):
        package = _dataset(data_dict["dataset"])
        tk.check_access("hljshare_level_change_list", context, {"dataset": package.id})
        query = query.where(table.dataset_id == package.id)
    else:
        tk.check_access("hljshare_level_change_list", context, {})
        user = model.User.get(context.get("user") or "")
        query = (
            query.join(model.Package, model.Package.id == table.dataset_id)
            .where(table.state == "proposed", model.Package.state != "deleted")
            .where(table.proposer != (user.id if user else ""))
        )
        owners = _administered(context)
        if owners is not None:
            query = query.where(model.Package.owner_org.in_(owners))
    count = model.Session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    page = query.limit(data_dict["limit"]).offset(data_dict["offset"])
    return {"count": count, "results": _dictized(model.Session.scalars(page), context)}


def _administered(context: Any) -> set[str] | None:
    """Organizations the caller administers, those below included; None for all."""
    if context.get("ignore_auth") or authz.is_sysadmin(context.get("user")):
        return None
    found = tk.get_action("organization_list_for_user")(
        {"user": context.get("user")}, {"permission": "admin"}
    )
    return {organization["id"] for organization in found}


@tk.side_effect_free
@tk.validate_action_data(schema.by_id)
def hljshare_level_history(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return what became of a dataset's levels: when, from what, to what, and why (clause 6.1).

    :param id: the dataset (name or id)
    :returns: ``{"published": ISO8601 or null, "changes": [{"date", "steps", "fields", "reason",
        "file"}]}``, the newest first; for the agency's staff also ``proposer`` and ``decider``
    """
    package = model.Package.get(data_dict["id"])
    if package is None or package.type != "dataset":
        raise tk.ObjectNotFound(tk._("Dataset not found"))
    tk.check_access("hljshare_level_history", context, {"id": package.id})
    state = model.Session.get(LevelState, package.id)
    query = (
        sa.select(LevelChange)
        .where(LevelChange.dataset_id == package.id, LevelChange.state.in_(IN_EFFECT))
        .order_by(LevelChange.decided.desc(), LevelChange.id)
    )
    staff = _staff(context, package.owner_org)
    public = ("date", "file", "resource_id", "steps", "fields", "reason")
    names = (*public, "state", "proposer", "proposer_kind", "decider", "message")
    return {
        "published": state.published.isoformat() if state else None,
        "changes": [
            {name: change[name] for name in (names if staff else public)}
            for change in _dictized(model.Session.scalars(query), context)
        ],
    }


def _staff(context: Any, owner_org: str | None) -> bool:
    """Tell whether names of people may be shown to the caller."""
    user = context.get("user")
    return bool(user and owner_org) and authz.has_user_permission_for_group_or_org(
        owner_org, user, "read"
    )


def _person(value: str | None) -> tuple[str, str | None]:
    """Return what kind of proposer it is (`person`, `system`, `source`) and the name to show."""
    if value == "system":
        return "system", None
    if value and value.startswith("source:"):
        return "source", people.display(value)
    return "person", people.display(value) if value else None


def _dictized(changes: Iterable[LevelChange | None], context: Any) -> list[dict[str, Any]]:
    """Return changes as the API and the pages show them; never what a dataset holds besides."""
    rows = [change for change in changes if change is not None]
    ids = {row.dataset_id for row in rows}
    package = model.Package
    datasets = {
        found.id: found
        for found in model.Session.execute(
            sa.select(package.id, package.name, package.title, package.owner_org).where(
                package.id.in_(ids)
            )
        )
    }
    files = dict(
        model.Session.execute(
            sa.select(model.Resource.id, model.Resource.name).where(
                model.Resource.package_id.in_(ids)
            )
        )
        .tuples()
        .all()
    )
    user = model.User.get(context.get("user") or "")
    shown = []
    for row in rows:
        dataset = datasets.get(row.dataset_id)
        difference = rules.compare(row.before, row.after)
        kind, proposer = _person(row.proposer)
        open_proposal = row.state == "proposed"
        shown.append(
            {
                "id": row.id,
                "dataset_id": row.dataset_id,
                "dataset": dataset.name if dataset else None,
                "dataset_title": dataset.title if dataset else None,
                "owner_org": dataset.owner_org if dataset else None,
                "resource_id": row.resource_id,
                "file": files.get(row.resource_id or ""),
                "state": row.state,
                "date": (row.decided or row.created).isoformat(),
                "created": row.created.isoformat(),
                "decided": row.decided.isoformat() if row.decided else None,
                "steps": _steps(difference, files),
                "fields": sorted(set(row.values) - {"open_type", "share_type"}),
                "values": dict(row.values),
                "reason": row.reason,
                "message": row.message,
                "proposer_kind": kind,
                "proposer": proposer,
                "decider": people.display(row.decider) if row.decider else None,
                "version": row.version,
                "may_decide": open_proposal
                and people.may_decide(user, row, dataset.owner_org if dataset else None),
                "may_withdraw": open_proposal and user is not None and user.id == row.proposer,
            }
        )
    return shown


def _steps(difference: rules.Difference, files: Mapping[str, str]) -> list[dict[str, Any]]:
    shown = []
    for step in rules.without_echoes((*difference.looser, *difference.stricter)):
        shown.append(
            {
                "axis": step.axis,
                "before": step.before,
                "after": step.after,
                "looser": step in difference.looser,
                "resource_id": step.file,
                "file": files.get(step.file) if step.file else None,
            }
        )
    return shown
