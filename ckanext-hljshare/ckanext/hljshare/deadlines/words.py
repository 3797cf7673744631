"""The words for codes of this room's pure modules, in the reader's language."""

from __future__ import annotations

from ckan.common import _

from ckanext.hljshare.deadlines.calendar_files import CalendarFileError
from ckanext.hljshare.deadlines.count import Count, CountedDay, CountError, Rule


def file_error(error: CalendarFileError) -> str:
    """Why a calendar file is refused, and what would help."""
    words = {
        "large": _("The file is larger than {value} KB"),
        "format": _("The file cannot be read as a calendar ({value}); give JSON, CSV or iCalendar"),
        "empty": _("The file holds no days: has the notice been published yet?"),
        "date": _('"{value}" is not a date of this kind of file'),
        "name": _('"{value}" is not the name of a holiday'),
        "flag": _('"{value}" does not say whether it is a day of rest or of work'),
        "outside": _("{value} does not belong to the year of the file"),
        "twice": _("{value} is given twice, as a day of rest and of work"),
        "holiday": _("The file is incomplete: {value} is a statutory holiday, not so in the file"),
        "year": _("The file holds no days of {value}"),
    }
    return words[error.code].format(value=error.value)


def count_error(error: CountError) -> str:
    """Why suspensions cannot be."""
    words = {
        "reversed": _("A suspension ends before it begins ({day})"),
        "late": _("A suspension begins after the deadline has passed ({day})"),
        "after_open": _("A suspension begins while another one has not ended ({day})"),
    }
    return words[error.code].format(day=error.day.isoformat())


def why(day: CountedDay) -> str:
    """Why a day counts or not."""
    words = {
        "accepted": _("Day of acceptance, not counted"),
        "counted": _("Counted"),
        "counted_rest": _("Day of rest, counted: the limit is in calendar days"),
        "worked_weekend": _("Weekend that is worked, counted"),
        "rest": _("Day of rest, not counted"),
        "suspended": _("Suspended, not counted"),
        "moved": _("Day of rest: the last day moves on"),
        "last": _("Last day, until 24:00"),
    }
    text = words[day.why]
    return _("{why} ({holiday})").format(why=text, holiday=day.name) if day.name else text


def warning(counted: Count, rule: Rule) -> str:
    """What to know about a date: that it is provisional, or that the count is suspended."""
    if counted.paused_since is not None:
        return _("Suspended since {day}; {used} of {length} days are used").format(
            day=counted.paused_since.isoformat(), used=counted.used, length=rule.length
        )
    if counted.provisional:
        return _(
            "Provisional: the holidays of that year are not announced yet; the date is computed"
            " again when they are"
        )
    return ""
