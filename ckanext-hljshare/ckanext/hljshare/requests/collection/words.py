"""The words for the codes of collection tasks, in the reader's language."""

from __future__ import annotations

from ckan.common import _


def subjects() -> dict[str, str]:
    """What data is collected (clause 5.2 b)."""
    return {
        "traffic": _("Website traffic"),
        "publication": _("Publication statistics"),
        "cases": _("Handling of cases"),
        "work_report": _("Work report of the website"),
        "other": _("Other regulatory data"),
    }


def repetitions() -> dict[str, str]:
    """How often a task comes again."""
    return {
        "none": _("Once"),
        "monthly": _("Monthly"),
        "quarterly": _("Quarterly"),
        "annual": _("Annually"),
    }


def states() -> dict[str, str]:
    """The states of an agency's task."""
    return {
        "assigned": _("To be acknowledged"),
        "acknowledged": _("Acknowledged"),
        "submitted": _("Handed in"),
        "returned": _("Returned"),
        "accepted": _("Data accepted"),
        "withdrawn": _("Task withdrawn"),
    }


def events() -> dict[str, str]:
    """What the record calls what happened."""
    return {
        "created": _("Task made"),
        "acknowledged": _("Acknowledged"),
        "submitted": _("Handed in"),
        "returned": _("Returned"),
        "accepted": _("Data accepted"),
        "withdrawn": _("Task withdrawn"),
        "overdue": _("Overdue"),
        "read": _("File taken"),
        "ended": _("Repetition ended: there is no agency left to ask"),
        "stopped": _("Repetition stopped"),
    }


def wrong_due(code: str) -> str:
    """Why a day cannot be a due date."""
    return {
        "past": _("The due date must lie in the future"),
        "far": _("The due date is more than three years away"),
        "period": _("The due date must lie after the end of the period: the data is complete then"),
    }[code]


def wrong_period(code: str) -> str:
    """Why a period cannot be."""
    return {
        "reversed": _("The period ends before it begins"),
        "long": _("The period is longer than the time after which the task comes again"),
    }[code]


def rest_day(name: str) -> str:
    """The warning that a due date is a day of rest."""
    if name:
        return _("The due date is a day of rest ({holiday})").format(holiday=name)
    return _("The due date is a day of rest")
