"""Actions on collection tasks (clause 5.2 b)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.deadlines import calendars
from ckanext.hljshare.deadlines.count import local_date
from ckanext.hljshare.requests import store as requests
from ckanext.hljshare.requests.collection import files, people, rules, schema, store, words
from ckanext.hljshare.requests.collection.model import Assignment, Collection, Submission
from ckanext.hljshare.requests.model import new_id, now

__all__ = [
    "hljshare_collection_accept",
    "hljshare_collection_acknowledge",
    "hljshare_collection_create",
    "hljshare_collection_list",
    "hljshare_collection_return",
    "hljshare_collection_show",
    "hljshare_collection_submit",
    "hljshare_collection_withdraw",
]

ORDER = ("submitted", "returned", "assigned", "acknowledged", "accepted", "withdrawn")


def _invalid(field: str, text: str) -> tk.ValidationError:
    model.Session.rollback()
    return tk.ValidationError({field: [text]})


# ---------------------------------------------------------------- asking


@tk.validate_action_data(schema.create)
def hljshare_collection_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Ask agencies for processed regulatory data (clause 5.2 b).

    :param asker: the city or province that asks (optional where the caller administers one)
    :param subject: `traffic` `publication` `cases` `work_report` `other`
    :param title: what is asked for, in a line
    :param purpose: what for; ``basis``: on what basis; ``fields``: the fields wanted;
        ``processing``: how the data is to be processed before it is handed in
    :param format: a code of `format_type`
    :param period_from: the first day that the data covers; ``period_to``: the last
    :param due: the last day to hand it in (date; after the period)
    :param agencies: names or ids of organizations below the asking one; or ``all``: true
    :param repeats: `none` `monthly` `quarterly` `annual` (optional)
    :param client_key: (optional) the same key makes no second task
    :returns: the task, as `hljshare_collection_show`, and ``warnings``
    """
    tk.check_access("hljshare_collection_create", context, data_dict)
    user, moment = people.acting(context), now()
    key = data_dict.get("client_key") or None
    if key:
        requests.one_at_a_time(f"hljshare-collection:{user.id}")
        known = model.Session.scalar(
            sa.select(Collection).where(Collection.creator == user.id, Collection.client_key == key)
        )
        if known is not None:
            model.Session.rollback()
            return {**_shown(store.get(known.id), user), "warnings": []}
    asker = _asker(user, data_dict.get("asker"))
    _check_days(data_dict, local_date(moment))
    agencies = _agencies(asker, data_dict)
    identity = new_id()
    repeats: Any = data_dict["repeats"]
    days = {name: data_dict[name] for name in ("period_from", "period_to", "due")}
    second = rules.occurrence(rules.Round(**days), repeats, 2)
    texts = ("subject", "title", "purpose", "basis", "fields", "processing", "format")
    row = Collection(
        id=identity,
        number=store.number("SJ", "hljshare_collection_number", moment),
        client_key=key,
        asker_id=asker,
        creator=user.id,
        state="open",
        version=1,
        for_all=data_dict["all"],
        repeats=repeats,
        series_id=identity,
        occurrence=1,
        first_from=days["period_from"],
        first_to=days["period_to"],
        first_due=days["due"],
        next_at=None if repeats == "none" else second.opens_at,
        reason="",
        created=moment,
        **days,
        **{name: data_dict[name] for name in texts},
    )
    model.Session.add(row)
    model.Session.flush()
    store.record(row, None, "created", "superior", user.id, moment)
    store.assign(row, agencies, moment)
    model.Session.commit()
    calendar = calendars.current()
    warnings = []
    if calendar.is_rest(row.due):
        warnings.append(words.rest_day(calendar.name(row.due)))
    return {**_shown(row, user), "warnings": warnings}


def _asker(user: model.User, wanted: str | None) -> str:
    """The organization on whose behalf is asked."""
    possible = people.askers(user)
    if wanted:
        possible = [node for node in possible if wanted in (node["id"], node["name"])]
    if not possible:
        raise _invalid("asker", tk._("For administrators of a city or the province"))
    if len(possible) > 1:
        raise _invalid("asker", tk._("Say which organization asks"))
    return possible[0]["id"]


def _check_days(data: Mapping[str, Any], today: date) -> None:
    wrong = rules.wrong_period(data["period_from"], data["period_to"], data["repeats"])
    if wrong:
        raise _invalid("period_to", words.wrong_period(wrong))
    wrong = rules.wrong_due(data["due"], today, data["period_to"])
    if wrong:
        raise _invalid("due", words.wrong_due(wrong))


def _agencies(asker_id: str, data: Mapping[str, Any]) -> list[str]:
    """The ids of the agencies that are asked, each below the asking organization."""
    inside = people.below(asker_id)
    if data["all"]:
        return list(inside)
    names = {name: group for group, name in inside.items()}
    found, unknown = [], []
    for ref in data.get("agencies") or []:
        group = ref if ref in inside else names.get(ref)
        found.append(group) if group else unknown.append(ref)
    if unknown:
        text = tk._("Not below the organization that asks: {names}")
        raise _invalid("agencies", text.format(names=", ".join(unknown)))
    if not found:
        raise _invalid("agencies", tk._("Choose at least one agency"))
    return [group for group in found if group is not None]


# ---------------------------------------------------------------- an agency's task


def _begin(
    action: str, context: Any, data_dict: dict[str, Any]
) -> tuple[model.User, Collection, Assignment, rules.Step]:
    """Lock an agency's task for a step that is possible; what the clock has brought comes first."""
    tk.check_access(f"hljshare_collection_{action}", context, data_dict)
    user = people.acting(context)
    task = store.locked_assignment(data_dict["id"])
    row = store.get(task.collection_id)
    roles = people.roles(user, row.asker_id, task.agency_id)
    try:
        step = rules.step(action, task.state, roles, _is_own(task, user))
    except rules.RefusedError as error:
        raise _refused(error, task) from None
    if data_dict.get("version") not in (None, task.version):
        raise _refused(rules.RefusedError("version"), task)
    store.remind(row, task, now())
    return user, row, task, step


def _is_own(task: Assignment, user: model.User) -> bool:
    handed = model.Session.get(Submission, task.submission_id) if task.submission_id else None
    return handed is not None and handed.user_id == user.id


def _refused(error: rules.RefusedError, task: Assignment) -> Exception:
    state = words.states()[task.state]
    model.Session.rollback()
    if error.code == "role":
        return tk.NotAuthorized(tk._("This is not for you to do"))
    if error.code == "own":
        return tk.NotAuthorized(tk._("Nobody decides on data they handed in themselves"))
    if error.code == "version":
        text = tk._("Somebody has changed the task meanwhile; it is now: {state}. Load it again.")
    else:
        text = tk._("This is not possible any more; the task is now: {state}")
    return tk.ValidationError({"version": [text.format(state=state)]})


def _finish(
    row: Collection,
    task: Assignment,
    step: rules.Step,
    user: model.User,
    moment: datetime,
    data: dict[str, Any] | None = None,
) -> None:
    """Put a task into its new state, with its line in the record, in the open transaction."""
    role = next(role for role in step.roles)
    task.state = step.target
    task.version += 1
    if step.target in ("submitted", "withdrawn"):
        task.met_at = moment
    if step.target in rules.ENDED:
        task.closed_at = moment
    task.next_at = rules.next_moment(store.owing(task), moment)
    store.record(row, task, step.event, role, user.id, moment, data)


@tk.validate_action_data(schema.by_id)
def hljshare_collection_acknowledge(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Acknowledge a task (签收) for one's agency.

    :param id: the agency's task; ``version`` (optional): the one that was looked at
    :returns: the task, as `hljshare_collection_show`
    """
    user, row, task, step = _begin("acknowledge", context, data_dict)
    moment = now()
    task.acknowledged_at = moment
    _finish(row, task, step, user, moment)
    model.Session.commit()
    return _shown(row, user)


@tk.validate_action_data(schema.submit)
def hljshare_collection_submit(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Hand in an agency's data.

    :param id: the agency's task; ``version`` (optional): the one that was looked at
    :param upload: the file
    :param note: how the data was processed and anonymised (clause 5.2 b)
    :returns: the task, as `hljshare_collection_show`
    """
    tk.check_access("hljshare_collection_submit", context, data_dict)
    # The file is looked at before the row is locked: a large one takes its time.
    with files.keep(data_dict.get("upload")) as kept:
        user, row, task, step = _begin("submit", context, data_dict)
        moment = now()
        verdict = kept.verdict
        model.Session.add(
            Submission(
                id=kept.id,
                assignment_id=task.id,
                name=verdict.name,
                size=verdict.size,
                sha256=verdict.sha256,
                media_type=verdict.media_type,
                note=data_dict["note"],
                user_id=user.id,
                created=moment,
            )
        )
        task.submission_id = kept.id
        task.acknowledged_at = task.acknowledged_at or moment
        facts = {"file": verdict.name, "size": verdict.size, "sha256": verdict.sha256}
        _finish(row, task, step, user, moment, facts)
        people.tell(
            people.superiors(row), "submitted", row, task, f"submitted:{task.id}:{task.version}"
        )
        model.Session.commit()
    return _shown(row, user)


@tk.validate_action_data(schema.send_back)
def hljshare_collection_return(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return what an agency has handed in; it hands in again.

    :param id: the agency's task; ``version`` (optional): the one that was looked at
    :param reason: what is to be done better
    :param due: the new due date; needed where the present one has come
    :returns: the task, as `hljshare_collection_show`
    """
    user, row, task, step = _begin("return", context, data_dict)
    moment, due = now(), data_dict.get("due") or task.due
    wrong = rules.wrong_due(due, local_date(moment), row.period_to)
    if wrong:
        text = (
            words.wrong_due(wrong)
            if data_dict.get("due")
            else tk._("The due date has come: give a new one")
        )
        raise _invalid("due", text)
    if due != task.due:
        task.due, task.since = due, moment
    task.met_at, task.returns, task.reason = None, task.returns + 1, data_dict["reason"]
    facts = {"reason": task.reason, "due": due.isoformat()}
    _finish(row, task, step, user, moment, facts)
    key = f"returned:{task.id}:{task.version}"
    people.tell(people.handlers(task), "returned", row, task, key, reason=task.reason)
    model.Session.commit()
    return _shown(row, user)


@tk.validate_action_data(schema.by_id)
def hljshare_collection_accept(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Accept what an agency has handed in; it gets a receipt with a number and the file's hash.

    :param id: the agency's task; ``version`` (optional): the one that was looked at
    :returns: the task, as `hljshare_collection_show`
    """
    user, row, task, step = _begin("accept", context, data_dict)
    moment = now()
    task.receipt = store.number("HZ", "hljshare_collection_receipt", moment)
    handed = model.Session.get_one(Submission, task.submission_id)
    facts = {"receipt": task.receipt, "file": handed.name, "sha256": handed.sha256}
    _finish(row, task, step, user, moment, facts)
    people.tell(
        people.handlers(task), "accepted", row, task, f"accepted:{task.id}:{task.version}", **facts
    )
    model.Session.commit()
    return _shown(row, user)


@tk.validate_action_data(schema.withdraw)
def hljshare_collection_withdraw(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Ask no longer: all agencies, one of them, or only no more from the next time on.

    What has been accepted stays accepted.

    :param id: the task (id or number); ``version`` (optional): the one that was looked at
    :param reason: why; the agencies read it
    :param agency: (optional) only this agency's task
    :param repeats_only: (optional) only stop the repetition
    :returns: the task, as `hljshare_collection_show`
    """
    tk.check_access("hljshare_collection_withdraw", context, data_dict)
    user, moment, reason = people.acting(context), now(), data_dict["reason"]
    row = store.locked(data_dict["id"])
    if row.state != "open":
        raise _invalid("version", tk._("The task is withdrawn already"))
    if data_dict.get("version") not in (None, row.version):
        raise _invalid("version", tk._("Somebody has changed the task meanwhile; load it again"))
    if not people.is_superior(user, row.asker_id):
        model.Session.rollback()
        raise tk.NotAuthorized(tk._("Only who asks for the data withdraws the task"))
    row.version += 1
    if data_dict["repeats_only"]:
        if row.next_at is None:
            raise _invalid("repeats_only", tk._("The task does not come again"))
        row.next_at = None
        store.record(row, None, "stopped", "superior", user.id, moment, {"reason": reason})
        model.Session.commit()
        return _shown(row, user)
    tasks = store.assignments(row.id, lock=True)
    if agency := data_dict.get("agency"):
        group = model.Group.get(agency)
        tasks = [task for task in tasks if group is not None and task.agency_id == group.id]
        if not tasks:
            raise _invalid("agency", tk._("This agency has not been asked"))
    else:
        row.state, row.reason, row.next_at = "withdrawn", reason, None
        store.record(row, None, "withdrawn", "superior", user.id, moment, {"reason": reason})
    step = next(step for step in rules.TABLE if step.action == "withdraw")
    open_tasks = [task for task in tasks if task.state in step.sources]
    if agency and not open_tasks:
        raise _refused(rules.RefusedError("state"), tasks[0])
    for task in open_tasks:
        store.remind(row, task, moment)
        task.reason = reason
        met = task.met_at  # what was handed in in time stays in time
        _finish(row, task, step, user, moment, {"reason": reason})
        task.met_at = met or task.met_at
        key = f"withdrawn:{task.id}:{task.version}"
        people.tell(people.handlers(task), "withdrawn", row, task, key, reason=reason)
    model.Session.commit()
    return _shown(row, user)


# ---------------------------------------------------------------- reading


@tk.side_effect_free
@tk.validate_action_data(schema.show)
def hljshare_collection_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Show a collection task with the parts that concern the caller: who asks sees all agencies,
    an agency itself only.

    :param id: the task; or ``number``
    :returns: ``id number state version subject title purpose basis fields processing format
        period_from period_to due repeats asker … tasks``; each of ``tasks``: ``id agency state
        version due overdue submissions receipt can`` (the actions that are possible)
    """
    ref = str(data_dict.get("id") or data_dict.get("number") or "")
    tk.check_access("hljshare_collection_show", context, data_dict)
    return _shown(store.get(ref), people.acting(context))


def _shown(row: Collection, user: model.User) -> dict[str, Any]:
    moment = now()
    superior = people.is_superior(user, row.asker_id)
    tasks = store.assignments(row.id)
    part = people.parts(user, row.asker_id, [task.agency_id for task in tasks])
    visible = [task for task in tasks if part[task.agency_id]]
    handed: dict[str, list[dict[str, Any]]] = {}
    for file in store.submissions(task.id for task in visible):
        handed.setdefault(file.assignment_id, []).append(_file(file))
    shown = [
        {
            **_task(task, moment),
            "submissions": handed.get(task.id, []),
            "can": rules.allowed(task.state, part[task.agency_id], _is_own(task, user)),
        }
        for task in visible
    ]
    return {
        **_head(row),
        "may_withdraw": superior and row.state == "open",
        "superior": superior,
        "tally": rules.tally([task.state for task in visible]),
        # What waits for who asks comes first, then who is late.
        "tasks": sorted(
            shown,
            key=lambda task: (
                ORDER.index(task["state"]),
                not task["overdue"],
                task["agency_title"],
            ),
        ),
        "events": _history(row, {task.id: task for task in visible}),
    }


def _head(row: Collection) -> dict[str, Any]:
    names = ("id", "number", "state", "version", "subject", "title", "purpose", "basis", "fields")
    also = ("processing", "format", "repeats", "occurrence", "reason")
    calendar = calendars.current()
    return {
        **{name: getattr(row, name) for name in (*names, *also)},
        **{name: getattr(row, name).isoformat() for name in ("period_from", "period_to", "due")},
        "subject_text": words.subjects().get(row.subject, row.subject),
        "format_text": codelists.label("format_type", row.format, codelists.DEFAULT_LANGUAGE),
        "repeats_text": words.repetitions().get(row.repeats, row.repeats),
        "rest_day": words.rest_day(calendar.name(row.due)) if calendar.is_rest(row.due) else "",
        "asker": people.title_of(row.asker_id),
        "creator": people.display(row.creator),
        "created": row.created.isoformat(),
        "next_at": row.next_at.isoformat() if row.next_at else None,
    }


def _task(task: Assignment, moment: datetime) -> dict[str, Any]:
    group = model.Session.get(model.Group, task.agency_id)
    owing = store.owing(task)
    left = (task.due - local_date(moment)).days if task.met_at is None else None
    return {
        "id": task.id,
        "agency": group.name if group is not None else task.agency_id,
        "agency_title": people.title_of(task.agency_id),
        "state": task.state,
        "state_text": words.states()[task.state],
        "version": task.version,
        "due": task.due.isoformat(),
        "days_left": left,
        "overdue": task.state != "withdrawn" and rules.is_overdue(owing, moment),
        "reason": task.reason,
        "returns": task.returns,
        "receipt": task.receipt,
        **{
            name: value.isoformat() if (value := getattr(task, name)) else None
            for name in ("acknowledged_at", "met_at", "closed_at")
        },
    }


def _file(file: Submission) -> dict[str, Any]:
    return {
        "id": file.id,
        "name": file.name,
        "size": file.size,
        "sha256": file.sha256,
        "note": file.note,
        "by": people.display(file.user_id),
        "created": file.created.isoformat(),
    }


def _history(row: Collection, visible: Mapping[str, Assignment]) -> list[dict[str, Any]]:
    told = words.events()
    return [
        {
            "at": event.at.isoformat(),
            "kind": event.kind,
            "text": told.get(event.kind, event.kind),
            "agency_title": people.title_of(visible[event.assignment_id].agency_id)
            if event.assignment_id
            else "",
            "by": people.display(event.actor),
            "data": event.data,
        }
        for event in store.history(row.id)
        if event.assignment_id is None or event.assignment_id in visible
    ]


@tk.side_effect_free
@tk.validate_action_data(schema.listing)
def hljshare_collection_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """List what the caller's agencies owe, or what he has asked for.

    :param show: `owed` (the default; what is due first, first) or `asked` (the newest first)
    :param ended: (optional) also what is accepted or withdrawn
    :param limit: (optional, 20, at most 100) and ``offset``
    :returns: ``{"count", "results"}``; of `owed` an agency's tasks each with ``task`` (its head),
        of `asked` the heads, each with ``tally`` and ``overdue`` (how many)
    """
    tk.check_access("hljshare_collection_list", context, data_dict)
    user = people.acting(context)
    if data_dict["show"] == "owed":
        return _owed(user, data_dict)
    return _asked(user, data_dict)


def _page(query: Any, data: Mapping[str, Any]) -> tuple[int, Any]:
    count = model.Session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    return int(count or 0), model.Session.execute(
        query.limit(data["limit"]).offset(data["offset"])
    ).all()


def _owed(user: model.User, data: Mapping[str, Any]) -> dict[str, Any]:
    query = (
        sa.select(Assignment, Collection)
        .join(Collection, Collection.id == Assignment.collection_id)
        .where(Assignment.agency_id.in_(people.agencies_of(user)))
        .order_by(Assignment.due, Assignment.id)
    )
    if not data["ended"]:
        query = query.where(Assignment.state.not_in(rules.ENDED))
    count, found = _page(query, data)
    moment = now()
    return {
        "count": count,
        "results": [{**_task(task, moment), "task": _head(row)} for task, row in found],
    }


def _asked(user: model.User, data: Mapping[str, Any]) -> dict[str, Any]:
    query = sa.select(Collection).order_by(Collection.created.desc(), Collection.id)
    query = query.where(Collection.asker_id.in_([node["id"] for node in people.askers(user)]))
    if not data["ended"]:
        still = sa.select(Assignment.collection_id).where(Assignment.state.not_in(rules.ENDED))
        query = query.where(Collection.id.in_(still))
    count, found = _page(query, data)
    rows = [row for (row,) in found]
    today = local_date(now())
    state, due = Assignment.state, Assignment.due
    late = sa.and_(state.in_(rules.OWED), due < today)
    counted: dict[str, dict[str, int]] = {row.id: {} for row in rows}
    overdue: dict[str, int] = {row.id: 0 for row in rows}
    for collection, name, many, behind in model.Session.execute(
        sa.select(Assignment.collection_id, state, sa.func.count(), sa.func.count().filter(late))
        .where(Assignment.collection_id.in_(counted))
        .group_by(Assignment.collection_id, state)
    ):
        counted[collection][name] = many
        overdue[collection] += behind
    return {
        "count": count,
        "results": [
            {
                **_head(row),
                "tally": rules.tally(
                    [name for name, many in counted[row.id].items() for _each in range(many)]
                ),
                "overdue": overdue[row.id],
            }
            for row in rows
        ],
    }
