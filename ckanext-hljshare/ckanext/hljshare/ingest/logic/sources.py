"""Actions on sources: their settings, previews, approval, the brake, progress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckanext.harvest.model import HarvestJob, HarvestSource

from ckanext.hljshare.ingest import (
    approval,
    brake,
    cities,
    due,
    overview,
    previews,
    reasons,
    received,
    schedule,
)
from ckanext.hljshare.ingest.logic import schema
from ckanext.hljshare.ingest.model import LedgerEntry, Preview, Run, SourceSettings, now

__all__ = [
    "harvest_job_create",
    "harvest_jobs_run",
    "harvest_send_job_to_gather_queue",
    "hljshare_city_list",
    "hljshare_source_abort",
    "hljshare_source_approve",
    "hljshare_source_let_pass",
    "hljshare_source_preview",
    "hljshare_source_preview_show",
    "hljshare_source_progress",
    "hljshare_source_settings_update",
    "hljshare_source_show",
]

COUNTS = ("seen", "created", "updated", "unchanged", "held", "withdrawn", "rejected")


def source_row(id_or_name: str) -> HarvestSource:
    """The harvest source of that id or name. Raises ObjectNotFound."""
    package = model.Package.get(id_or_name)
    row = HarvestSource.get(package.id) if package and package.type == "harvest" else None
    if row is None or package.state != model.State.ACTIVE:
        raise tk.ObjectNotFound(tk._("Harvest source not found"))
    return row


def _user(context: Any) -> model.User:
    user = model.User.get(context.get("user") or "")
    if user is None:
        raise tk.NotAuthorized(tk._("This is done by a person"))
    return user


@tk.side_effect_free
def hljshare_source_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """A source as its administrators see it: schedule, supplier, approval, last runs.

    :param id: the harvest source (id or name)
    :returns: ``id name title kind owner mapping every next_run failures last_try last_success
        supplier_name supplier_contact missed_after missed_longest note`` (``missed_longest``: the
        longest the caller may set), ``approved approved_by refused
        refused_text``, ``can_preview may_approve``, ``preview`` (the newest of the source as it
        is), ``stop`` (a stop that a person may let pass, with its figures), ``let_pass``, and
        ``job_errors`` (why the last job never came to a run)
    """
    row = source_row(tk.get_or_bust(data_dict, "id"))
    tk.check_access("hljshare_source_show", context, {"id": row.id})
    settings, refused = approval.settings_of(row.id), approval.may_run(row)
    package = model.Package.get(row.id)
    digest = approval.digest_of(row)
    preview = previews.latest(row.id, digest)
    model.Session.commit()
    user_name = context.get("user")
    return {
        "id": row.id,
        "name": package.name,
        "title": package.title or package.name,
        "kind": row.type,
        "url": row.url,
        "owner": package.owner_org,
        "mapping": approval.mapping_of(row.config),
        "every": settings.every,
        "next_run": _iso(settings.next_run),
        "failures": settings.failures,
        "last_try": _iso(settings.last_try),
        "last_success": _iso(settings.last_success or received.last_success(row.id)),
        "supplier_name": settings.supplier_name,
        "supplier_contact": settings.supplier_contact,
        "missed_after": settings.missed_after,
        "missed_longest": None
        if approval.approves(user_name, package.owner_org)
        else received.default_missed_after(),
        "note": settings.note,
        "approved": _iso(settings.approved),
        "approved_by": _person(settings.approved_by),
        "by_operator": settings.approved_by == approval.OPERATOR,
        "refused": refused,
        "refused_text": reasons.describe(refused) if refused else None,
        "changed": _iso(settings.changed),
        "changed_by": _person(settings.changed_by),
        "can_preview": previews.can(row),
        "approves": approval.approves(user_name, package.owner_org),
        "may_approve": approval.may_approve(user_name, row),
        "preview": _preview(preview) if preview else None,
        "stop": _stop(row.id),
        "job_errors": _job_errors(row.id),
        "let_pass": _word(settings),
    }


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment else None


def _person(user_id: str | None) -> str | None:
    if not user_id or user_id == approval.OPERATOR:
        return None
    user = model.Session.get(model.User, user_id)
    return str(user.display_name) if user else None


def _stop(source_id: str) -> dict[str, Any] | None:
    """The last run if it was stopped for something that a person may let pass."""
    run = _last_run(source_id)
    if run is None or run.finished is None or not brake.may_pass(run.stopped):
        return None
    return {
        "run": run.id,
        "code": brake.code_of(run.stopped),
        "text": reasons.describe(run.stopped or ""),
        "missing": run.missing,
        "seen": run.seen,
        "total": run.total,
        "standing": _standing(source_id),
        "finished": run.finished.isoformat(),
    }


def _job_errors(source_id: str) -> list[str]:
    """Why the last job never came to a run, in words."""
    job = model.Session.scalar(
        sa.select(HarvestJob)
        .where(HarvestJob.source_id == source_id, HarvestJob.status == "Finished")
        .order_by(HarvestJob.created.desc())
        .limit(1)
    )
    if job is None or received.run_of_job(job.id):
        return []
    return [reasons.describe(error.message) for error in job.gather_errors]


def _standing(source_id: str) -> int:
    query = (
        sa.select(sa.func.count())
        .select_from(LedgerEntry)
        .join(model.Package, model.Package.id == LedgerEntry.package_id)
        .where(
            LedgerEntry.source_id == source_id,
            LedgerEntry.missing_since.is_(None),
            model.Package.state == model.State.ACTIVE,
        )
    )
    return int(model.Session.scalar(query) or 0)


def _last_run(source_id: str) -> Run | None:
    query = sa.select(Run).where(Run.source_id == source_id).order_by(Run.started.desc()).limit(1)
    found: Run | None = model.Session.scalar(query)
    return found


def _word(settings: SourceSettings) -> dict[str, Any] | None:
    given = brake.given_at(settings.let_pass)
    if settings.let_pass is None or given is None or now() - given > brake.VALID:
        return None
    return {
        "at": given.isoformat(),
        "until": (given + brake.VALID).isoformat(),
        "missing": settings.let_pass.get("missing"),
        "seen": settings.let_pass.get("seen"),
        "by": _person(settings.let_pass.get("by")),
    }


@tk.validate_action_data(schema.source_settings)
def hljshare_source_settings_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Change how often a source is read, and what is kept about its supplier.

    What is not given stays.

    :param id: the harvest source (id or name)
    :param every: minutes between two runs, 15 to 144000; empty: by hand only
    :param supplier_name: who answers for the source
    :param supplier_contact: how to reach them; only administrators read it
    :param missed_after: hours after which silence is an alarm, 1 to 8760; empty: never, or for a
        source that pushes the portal's own limit. To set more than that limit, and more than
        there is, is for administrators of an organization above the owner
    :param note: for colleagues
    :returns: as `hljshare_source_show`
    :raises ValidationError: a value that cannot be, or that somebody above has to set
    """
    row = source_row(data_dict["id"])
    tk.check_access("hljshare_source_settings_update", context, {"id": row.id})
    settings = approval.settings_of(row.id)
    if "missed_after" in data_dict:
        _check_missed_after(context, row, settings.missed_after, data_dict["missed_after"] or None)
    for name in ("supplier_name", "supplier_contact", "note"):
        if name in data_dict:
            setattr(settings, name, data_dict[name] or "")
    if "missed_after" in data_dict:
        settings.missed_after = data_dict["missed_after"] or None
    if "every" in data_dict and (data_dict["every"] or None) != settings.every:
        settings.every = data_dict["every"] or None
        settings.next_run = (
            schedule.first_run(now(), settings.every, settings.last_try, 0.5)
            if settings.every
            else None
        )
    model.Session.commit()
    return tk.get_action("hljshare_source_show")(context, {"id": row.id})


def _check_missed_after(
    context: Any, row: HarvestSource, present: int | None, wanted: int | None
) -> None:
    """Nobody switches off the alarm about themselves: that is for those above the owner."""
    longest, never = received.default_missed_after(), float("inf")
    empty = longest if row.type == overview.PUSH else never
    if wanted == present or (wanted or empty) <= max(longest, present or 0):
        return
    package = model.Package.get(row.id)
    if not approval.approves(context.get("user"), package.owner_org):
        text = tk._(
            "At most {hours} hours; a later alarm is set by administrators of an organization above"
        ).format(hours=max(longest, present or 0))
        model.Session.rollback()
        raise tk.ValidationError({"missed_after": [text]})


def hljshare_source_preview(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Try a source in the background, changing nothing (`hljshare_source_preview_show` tells how it
    goes). A source has one preview at a time: while one is being made, that one is the answer.

    :param id: the harvest source (id or name)
    :returns: the preview
    :raises ValidationError: this kind of source cannot be tried
    """
    row = source_row(tk.get_or_bust(data_dict, "id"))
    tk.check_access("hljshare_source_preview", context, {"id": row.id})
    if not previews.can(row):
        raise tk.ValidationError({"id": [tk._("Sources of this kind have no preview")]})
    user = _user(context)
    return _preview(previews.start(row, user.id, approval.digest_of(row)))


@tk.side_effect_free
def hljshare_source_preview_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """A preview: how far it is, and what it found.

    :param id: the preview
    :returns: ``id source_id state problem problem_text created finished done total`` and
        ``result``: ``seen``, counts by outcome, ``stopped stopped_text cut``, ``problems``
        (``[{"code", "text", "count"}]``) and ``first``, the first records as they would look
    """
    preview = model.Session.get(Preview, tk.get_or_bust(data_dict, "id"))
    if preview is None:
        raise tk.ObjectNotFound(tk._("There is no such preview"))
    action = "hljshare_source_preview_show"
    tk.check_access(action, context, {"id": preview.source_id})
    return _preview(preview)


def _preview(preview: Preview) -> dict[str, Any]:
    state = preview.state
    problem = preview.problem
    if state in ("waiting", "running") and not previews.under_way(preview):
        state, problem = "failed", "interrupted"
    return {
        "id": preview.id,
        "source_id": preview.source_id,
        "state": state,
        "current": preview.digest is not None,
        "mapping": preview.mapping,
        "problem": problem,
        "problem_text": reasons.describe(problem) if problem else None,
        "created": preview.created.isoformat(),
        "finished": _iso(preview.finished),
        "done": preview.done,
        "total": preview.total,
        "result": _result(preview.result) if preview.result else None,
    }


def _result(result: Mapping[str, Any]) -> dict[str, Any]:
    stopped = result.get("stopped")
    problems = sorted((result.get("problems") or {}).items(), key=lambda item: (-item[1], item[0]))
    return {
        **result,
        "stopped_text": reasons.describe(stopped) if stopped else None,
        "problems": [
            {
                "code": code,
                "text": reasons.name(code),
                "advice": reasons.advice(code),
                "count": number,
            }
            for code, number in problems
        ],
        "first": [
            {
                **record,
                "reason_texts": [reasons.describe(item) for item in record.get("reasons") or []],
            }
            for record in result.get("first") or []
        ],
    }


def hljshare_source_approve(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Agree that a source is read as it is now. Administrators of an organization above its owner,
    and system administrators; never who made it what it is (system administrators may).

    :param id: the harvest source (id or name)
    :param preview: the preview that was looked at, of the source as it is now; not asked for where
        the kind has none
    :returns: as `hljshare_source_show`
    :raises ValidationError: there is no such preview, it failed, or the source has changed since
    """
    row = source_row(tk.get_or_bust(data_dict, "id"))
    tk.check_access("hljshare_source_approve", context, {"id": row.id})
    user = _user(context)
    # Whatever the context allows: nobody agrees to what they made themselves.
    if not approval.may_approve(user.name, row):
        raise tk.NotAuthorized(tk._("Somebody else approves what you have made or changed"))
    # Who changes it meanwhile waits, and its digest is then another.
    model.Session.execute(
        sa.select(HarvestSource.id).where(HarvestSource.id == row.id).with_for_update()
    )
    model.Session.refresh(row)
    digest = approval.digest_of(row)
    if previews.can(row):
        _look_at(data_dict.get("preview") or "", row, digest)
    approval.approve(row, user.id, digest)
    model.Session.commit()
    return tk.get_action("hljshare_source_show")(context, {"id": row.id})


def _look_at(preview_id: str, row: HarvestSource, digest: str) -> None:
    """Refuse a preview that says nothing about the source as it is."""
    preview = model.Session.get(Preview, preview_id) if preview_id else None
    text = None
    if preview is None or preview.source_id != row.id:
        text = tk._("Look at a preview of the source before you approve it")
    elif preview.digest != digest:
        text = tk._("The source has changed since this preview; make a new one")
    elif preview.state != "done" or preview.result is None:
        text = tk._("The preview has not ended well; make a new one")
    else:
        stopped = preview.result.get("stopped")
        if stopped and not brake.may_pass(stopped):
            text = tk._("The preview could not read the source; it cannot be approved so")
    if text:
        model.Session.rollback()
        raise tk.ValidationError({"preview": [text]})


@tk.validate_action_data(schema.let_pass)
def hljshare_source_let_pass(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Let the next run of a source pass the brake, up to the figures that were seen: for a day, for
    one run.

    :param id: the harvest source (id or name)
    :param run: the run that was stopped; the source's last one
    :param missing: how many datasets would disappear, as it was shown
    :param seen: how many records were there, as it was shown
    :returns: as `hljshare_source_show`
    :raises ValidationError: it was not stopped for something a person may judge, or the figures
        are not those of the run
    """
    row = source_row(data_dict["id"])
    tk.check_access("hljshare_source_let_pass", context, {"id": row.id})
    user, run = _user(context), _last_run(row.id)
    if run is None or run.id != data_dict["run"]:
        raise tk.ValidationError({"run": [tk._("There was a newer run since; look at that one")]})
    if run.finished is None or not brake.may_pass(run.stopped):
        raise tk.ValidationError({"run": [tk._("This run was not stopped for something to judge")]})
    if (run.missing, run.seen) != (data_dict["missing"], data_dict["seen"]):
        raise tk.ValidationError({"missing": [tk._("The figures are not those of the run")]})
    settings = approval.settings_of(row.id)
    code = brake.code_of(run.stopped)
    settings.let_pass = brake.word(code, run.missing, run.seen, user.id, now())
    model.Session.commit()
    return tk.get_action("hljshare_source_show")(context, {"id": row.id})


def hljshare_source_abort(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Stop the job of a source that waits or is under way. A run ends after the records it is at;
    what it has written stays.

    :param id: the harvest source (id or name)
    :returns: as `hljshare_source_progress`
    :raises ValidationError: there is none
    """
    row = source_row(tk.get_or_bust(data_dict, "id"))
    tk.check_access("hljshare_source_abort", context, {"id": row.id})
    job = _open_job(row.id)
    if job is None:
        raise tk.ValidationError({"id": [tk._("No run is waiting or under way")]})
    source_id, job_id = row.id, job.id
    # ckanext-harvest lets system administrators only; the run looks at its job's status.
    stock = {"model": model, "session": model.Session, "ignore_auth": True}
    tk.get_action("harvest_job_abort")({**stock, "user": context.get("user")}, {"id": job_id})
    closed = HarvestJob.get(job_id)
    closed.finished = closed.finished or now().replace(tzinfo=None)
    due.wait_a_turn(source_id)
    model.Session.commit()
    return tk.get_action("hljshare_source_progress")(context, {"id": data_dict["id"]})


def _open_job(source_id: str) -> HarvestJob | None:
    return model.Session.scalar(
        sa.select(HarvestJob)
        .where(HarvestJob.source_id == source_id, HarvestJob.status.in_(due.WAITING))
        .order_by(HarvestJob.created.desc())
        .limit(1)
    )


@tk.side_effect_free
def hljshare_source_progress(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """How far the run of a source is that is under way, small enough to be asked every few seconds.

    :param id: the harvest source (id or name)
    :returns: ``job`` (New, Running or None) and ``run``, the last one: ``id stage done todo total
        stopped finished``, counts, ``alive``
    """
    row = source_row(tk.get_or_bust(data_dict, "id"))
    tk.check_access("hljshare_source_progress", context, {"id": row.id})
    run = _last_run(row.id)
    job = _open_job(row.id)
    return {
        "job": job.status if job else None,
        "job_id": job.id if job else None,
        "run": progress_of(run) if run else None,
    }


def progress_of(run: Run) -> dict[str, Any]:
    """How far a run is."""
    over = run.finished is not None
    return {
        "id": run.id,
        "stage": run.stage if run.stage == "files" or not over else "done",
        "done": run.done,
        "todo": run.todo,
        "total": run.total,
        "alive": not over and not schedule.is_stale(run.started, run.heartbeat, now()),
        "finished": _iso(run.finished),
        "stopped": run.stopped,
        **{name: getattr(run, name) for name in COUNTS},
    }


@tk.side_effect_free
def hljshare_city_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """How each of the 13 cities is connected.

    :returns: ``results``: for each city ``code title short organization ways received days state
        silent running held rejected difference total``; ``province``: the same of the province's
        own sources, or None; ``sources``: those the caller administers, each with its ``city``
        (a code, or None), its supplier's contact, last run, and why records wait. Never an address
    """
    tk.check_access("hljshare_city_list", context, data_dict)
    places, province = cities.places()
    listed, moment = received.connections(), now()
    administered = cities.administered(context.get("user"))
    mine = {
        item.id: item for item in listed if administered is None or item.owner_id in administered
    }
    why = received.top_reasons(list(mine)) if mine else {}
    of_city = {}
    results = []
    for place in [*places, *([province] if province else [])]:
        line = overview.city(place, listed, moment)
        of_city.update({item.id: place.code for item in line.pop("connections")})
        line["received"] = _iso(line["received"])
        results.append(line)
    own_line = results.pop() if province else None
    return {
        "count": len(results),
        "results": results,
        "province": own_line,
        "sources": [
            {**_connection(item, why.get(item.id, []), moment), "city": of_city.get(item.id)}
            for item in mine.values()
        ],
    }


def _connection(
    item: overview.Connection, why: list[tuple[str, int]], moment: Any
) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "title": item.title,
        "kind": item.kind,
        "way": overview.way(item),
        "every": item.every,
        "refused": item.refused,
        "refused_text": reasons.describe(item.refused) if item.refused else None,
        "supplier_name": item.supplier_name,
        "supplier_contact": item.supplier_contact,
        "last_success": _iso(item.last_success),
        "state": overview.freshness(item.last_success, item.every, item.missed_after, moment),
        "silent": overview.is_silent(item, moment),
        "run": item.run_id,
        "run_started": _iso(item.run_started),
        "running": item.running,
        "stopped": item.stopped,
        "stopped_text": reasons.describe(item.stopped) if item.stopped else None,
        "may_pass": brake.may_pass(item.stopped),
        "held": item.waiting.get("held", 0),
        "rejected": item.waiting.get("rejected", 0),
        "reasons": [
            {"code": code, "text": reasons.name(code), "count": number} for code, number in why
        ],
        "difference": overview.difference(item),
    }


# ------------------------------------------------------- ckanext-harvest's own ways to start a run


@tk.chained_action
def harvest_job_create(up: Any, context: Any, data_dict: dict[str, Any]) -> Any:
    """Refuse to start a source that nobody has approved as it is."""
    if data_dict.get("run", True):
        _demand(context, "harvest_job_create", data_dict["source_id"])
    return up(context, data_dict)


@tk.chained_action
def harvest_send_job_to_gather_queue(up: Any, context: Any, data_dict: dict[str, Any]) -> Any:
    """As `harvest_job_create`; a job that was made already is taken back."""
    job = HarvestJob.get(tk.get_or_bust(data_dict, "id"))
    if job is not None:
        try:
            _demand(context, "harvest_send_job_to_gather_queue", job.source_id)
        except tk.ValidationError:
            if job.status == "New":
                model.Session.delete(job)
                model.Session.commit()
            raise
    return up(context, data_dict)


def _demand(context: Any, action: str, source_id: str) -> None:
    package = model.Package.get(source_id)
    row = HarvestSource.get(package.id) if package is not None else None
    if row is None:
        return  # what follows says that there is none
    tk.check_access(action, dict(context), {"source_id": row.id})
    refused = approval.may_run(row)
    model.Session.commit()
    if refused:
        raise tk.ValidationError({"source_id": [reasons.describe(refused)]})


@tk.chained_action
def harvest_jobs_run(up: Any, context: Any, data_dict: dict[str, Any]) -> Any:
    """Leave starting to our own scheduler (jitter, back-off, one of a host at a time)."""
    due.adopt_frequencies()
    return up(context, data_dict)
