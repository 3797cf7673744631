"""Reasons of a run in words. A reason is stored as ``code`` or ``code: detail`` and translated when
it is shown.
"""

from __future__ import annotations

from collections.abc import Callable

from ckan.common import _


def describe(reason: str) -> str:
    """The reason in the reader's language; an unknown code is shown as it stands."""
    code, _colon, detail = reason.partition(": ")
    words = _words().get(code)
    return words(detail) if words else reason


def _words() -> dict[str, Callable[[str], str]]:
    return {
        "opening-missing": lambda d: _("The source does not say whether it is open"),
        "opening-unknown": lambda d: _('Unknown opening status "{value}"').format(value=d),
        "details-unreadable": lambda d: _("The source did not give its details or files this time"),
        "cycle-missing": lambda d: _("No update cycle given; listed as irregular"),
        "held-still": lambda d: _("Still held; see the dataset for the reason"),
        "sharing-unknown": lambda d: _('Unknown sharing type "{value}"').format(value=d),
        "sharing-contradicts-opening": lambda d: _(
            "Marked as not shared between agencies but open to everybody"
        ),
        "basis-missing": lambda d: _("The legal basis for not opening it is missing"),
        "loosening": lambda d: _(
            "The source wants to open it further ({value}); a person has to agree"
        ).format(value=d),
        "personal-data-columns": lambda d: _(
            "Columns that identify people ({value}); to be reviewed before opening"
        ).format(value=d),
        "personal-data-suspected": lambda d: _("May be about natural persons ({value})").format(
            value=d
        ),
        "missing-from-source": lambda d: _("No longer in the source's list"),
        "deleted-by-a-person": lambda d: _("Deleted here by a person; not brought back"),
        "repeated-with-other-content": lambda d: _(
            "Listed more than once with different content; the first was taken"
        ),
        "provider-unknown": lambda d: _(
            'Agency "{value}" is not in the organization tree; filed under the owner of the source'
        ).format(value=d),
        "provider-missing": lambda d: _("No agency given; filed under the owner of the source"),
        "date-unreadable": lambda d: _('Date "{value}" cannot be read').format(value=d),
        "date-placeholder": lambda d: _("Date {value} is a placeholder").format(value=d),
        "date-in-future": lambda d: _("Date {value} lies in the future").format(value=d),
        "date-month-only": lambda d: _("A date gives only the month"),
        "updated-before-released": lambda d: _("Last update earlier than release ({value})").format(
            value=d
        ),
        "cycle-unknown": lambda d: _('Unknown update cycle "{value}"').format(value=d),
        "theme-unknown": lambda d: _('Unknown theme "{value}"').format(value=d),
        "items-unlisted": lambda d: _("The source does not list the items (columns)"),
        "sharing-assumed": lambda d: _(
            "The source does not say how agencies share it; listed as shared under conditions"
        ),
        "opening-conflict": lambda d: _(
            "Listed more than once with different opening levels ({value})"
        ).format(value=d),
        "industry-unknown": lambda d: _('Unknown industry "{value}"').format(value=d),
        "file-unreachable": lambda d: _("File could not be fetched: {value}").format(value=d),
        "file-format-differs": lambda d: _("File is not what it is said to be: {value}").format(
            value=d
        ),
        "table-unreadable": lambda d: _("File could not be read as a table: {value}").format(
            value=d
        ),
        "native-id-unstable": lambda d: _(
            "Resource codes change from row to row; keyed by title and agency"
        ),
        "resources-capped": lambda d: _("Too many files; only the first {value} were taken").format(
            value=d
        ),
        "invalid": lambda d: _("Rejected by the metadata rules: {value}").format(value=d),
        "error": lambda d: _("Could not be written: {value}").format(value=d),
        "empty-list": lambda d: _("The source sent an empty list"),
        "total-disagrees": lambda d: _(
            "The number of records seen differs from the total the source gives ({value})"
        ).format(value=d),
        "shrink": lambda d: _("More than a fifth of the datasets would disappear ({value})").format(
            value=d
        ),
        "unreachable": lambda d: _("The source does not answer: {value}").format(value=d),
        "address-refused": lambda d: _("Address not allowed: {value}").format(value=d),
        "not-a-catalog": lambda d: _("The answer is not a catalog: {value}").format(value=d),
        "source-error": lambda d: _("The source reports an error: {value}").format(value=d),
        "mapping-invalid": lambda d: _("The mapping file is not valid: {value}").format(value=d),
        "already-running": lambda d: _("Another run of this source is under way"),
        "interrupted": lambda d: _("The run was interrupted"),
    }
