"""Reasons of a run in words. A reason is stored as ``code`` or ``code: detail`` and translated when
it is shown.
"""

from __future__ import annotations

from collections.abc import Callable

from ckan.common import _

from . import details


def describe(reason: str) -> str:
    """The reason in the reader's language; an unknown code is shown as it stands."""
    code, _colon, detail = reason.partition(": ")
    words = _words().get(code)
    if code in details.TRANSLATED:
        inner = detail.partition(": ")[0]
        detail = describe(detail) if inner in details.TRANSLATED else details.words(detail)
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
        "code-repeated": lambda d: _(
            "Resource code {value} stands at another dataset of the source too; left out here"
        ).format(value=d),
        "phone-unreadable": lambda d: _('Telephone number "{value}" cannot be read').format(
            value=d
        ),
        "code-taken": lambda d: _(
            "Resource code {value} is another dataset's; left out here"
        ).format(value=d),
        "code-kept": lambda d: _(
            "Resource code {value} was not taken: a code never changes once it is given"
        ).format(value=d),
        "code-malformed": lambda d: _('"{value}" is no resource code; left out').format(value=d),
        "text-cut": lambda d: _("Far too long and cut: {value}").format(value=d),
        "address-too-long": lambda d: _(
            "Files whose address is longer than 2,000 characters were left out: {value}"
        ).format(value=d),
        "files-without-address": lambda d: _(
            "Files without an address on the web were left out: {value}"
        ).format(value=d),
        "resources-capped": lambda d: _("Too many files; only the first {value} were taken").format(
            value=d
        ),
        "invalid": lambda d: _("Rejected by the metadata rules: {value}").format(value=d),
        "error": lambda d: _("Could not be written: {value}").format(value=d),
        "empty-list": lambda d: _("The source sent an empty list"),
        "total-disagrees": lambda d: _(
            "The number of records seen differs from the total the source gives ({value})"
        ).format(value=d),
        "duplicate-ids": lambda d: _(
            "One id stands for several datasets, many times ({value})"
        ).format(value=d),
        "shrink": lambda d: _("More than a fifth of the datasets would disappear ({value})").format(
            value=d
        ),
        "unreachable": lambda d: _("The source does not answer: {value}").format(value=d),
        "address-refused": lambda d: _("Address not allowed: {value}").format(value=d),
        "login-page": lambda d: _("The source asks to sign in instead of giving its catalog"),
        "certificate-refused": lambda d: _(
            "The certificate of the source is not trusted: {value}"
        ).format(value=d),
        "not-a-catalog": lambda d: _("The answer is not a catalog: {value}").format(value=d),
        "source-error": lambda d: _("The source reports an error: {value}").format(value=d),
        "mapping-invalid": lambda d: _("The mapping file is not valid: {value}").format(value=d),
        "already-running": lambda d: _("Another run of this source is under way"),
        "interrupted": lambda d: _("The run was interrupted"),
        "aborted": lambda d: _("Somebody stopped the run"),
        "changed": lambda d: _("The source was changed meanwhile; make a new preview"),
        "not-here": lambda d: _("Was not here"),
        "pushed-not-pulled": lambda d: _(
            "The city sends this catalog itself; there is nothing to fetch"
        ),
        "held-by-sender": lambda d: _("The city holds it back: {value}").format(value=d),
        "field-unknown": lambda d: _('Unknown field "{value}", left out').format(value=d),
        "code-unknown": lambda d: _('Unknown code "{value}", left out').format(value=d),
        "line-not-json": lambda d: _("The line is no JSON"),
        "line-not-an-object": lambda d: _("The line is no JSON object"),
        "line-empty": lambda d: _("The line is empty"),
        "line-too-long": lambda d: _("The line is longer than 1 MiB"),
        "line-too-deep": lambda d: _("The line is nested too deep"),
        "line-too-many-values": lambda d: _("Too many values: {value}").format(value=d),
        "line-duplicate-key": lambda d: _('"{value}" stands twice').format(value=d),
        "line-unknown-op": lambda d: _('"op" has to be upsert or delete'),
        "line-unknown-key": lambda d: _('"{value}" is not known here').format(value=d),
        "line-refused-field": lambda d: _('"{value}" is the province\'s to decide').format(value=d),
        "line-missing": lambda d: _('"{value}" is missing').format(value=d),
        "line-wrong-type": lambda d: _('"{value}" has a wrong type').format(value=d),
        "line-bad-id": lambda d: _(
            '"{value}" is no id: 1 to 255 visible characters on one line'
        ).format(value=d),
        "line-bad-url": lambda d: _('"{value}" is no address that may be stored').format(value=d),
        "line-value-too-long": lambda d: _('"{value}" is too long').format(value=d),
        "replace-refused": lambda d: _(
            "Not written: a table is replaced only if every row is right and at least one is left"
        ),
        "line-control-characters": lambda d: _('Control characters in "{value}"').format(value=d),
        "not-approved": lambda d: _("Nobody has approved this source yet"),
        "changed-since-approval": lambda d: _(
            "The source has changed since it was approved; it needs a new approval"
        ),
    }


def code_of(reason: str) -> str:
    """The code of a reason (``code`` or ``code: detail``)."""
    return reason.partition(": ")[0]


def name(code: str) -> str:
    """A kind of reason in words, without what single records say: its text up to the details."""
    words = _words().get(code)
    if not words:
        return code
    shown = words("…")
    for written in (" (…)", "（…）", ": …", "：…", ' "…"', "“…”", "…"):
        shown = shown.replace(written, "")
    return shown.strip()


def advice(reason: str) -> str:
    """What the supplier should do about a reason, in the reader's language; "" where nothing."""
    words = _advice().get(code_of(reason))
    return words() if words else ""


def _advice() -> dict[str, Callable[[], str]]:
    mapping = lambda: _(  # noqa: E731
        "Use a value the portal knows, or tell the portal what this one means"
    )
    date = lambda: _("Write the date as year-month-day, such as 2026-03-05")  # noqa: E731
    reachable = lambda: _("See to it that the address answers from outside, then say so")  # noqa: E731
    people = lambda: _(  # noqa: E731
        "Check whether the data shows natural persons; mask it or do not open it"
    )
    return {
        "opening-missing": lambda: _("Fill in for each dataset whether it is open"),
        "opening-unknown": mapping,
        "sharing-unknown": mapping,
        "cycle-unknown": mapping,
        "theme-unknown": mapping,
        "industry-unknown": mapping,
        "opening-conflict": lambda: _("List each dataset once, with one opening level"),
        "sharing-contradicts-opening": lambda: _(
            "Correct one of the two: what everybody may have is shared between agencies too"
        ),
        "basis-missing": lambda: _("Name law and article for each dataset that is not open"),
        "loosening": lambda: _("Nothing; an administrator of the agency decides about it"),
        "held-still": lambda: _(
            "Mend what the dataset lacked when it came; see its earlier report"
        ),
        "personal-data-columns": people,
        "personal-data-suspected": people,
        "missing-from-source": lambda: _("List it again if it was left out by mistake"),
        "deleted-by-a-person": lambda: _("Take it off the list, or ask for it to be restored"),
        "repeated-with-other-content": lambda: _("List each dataset once; give each its own id"),
        "provider-unknown": lambda: _(
            "Write the agency's full name as it stands in the organization tree"
        ),
        "provider-missing": lambda: _("Fill in the agency that provides the dataset"),
        "date-unreadable": date,
        "date-placeholder": lambda: _("Fill in the real date, or leave it empty"),
        "date-in-future": date,
        "date-month-only": date,
        "updated-before-released": lambda: _("Correct one of the two dates"),
        "cycle-missing": lambda: _("Fill in how often the data is updated"),
        "items-unlisted": lambda: _("List the columns with their names and types"),
        "sharing-assumed": lambda: _("Fill in how agencies share it"),
        "details-unreadable": lambda: _("See whether the details of this dataset can be opened"),
        "file-unreachable": lambda: _("See whether the file can be downloaded from outside"),
        "file-format-differs": lambda: _("Correct the file, or the format it is listed with"),
        "table-unreadable": lambda: _(
            "Supply a plain table: one heading row, one line for each record"
        ),
        "native-id-unstable": lambda: _("Give each dataset a code that never changes"),
        "phone-unreadable": lambda: _("Write telephone numbers as 0451-12345"),
        "code-taken": lambda: _("Give each dataset a code of its own"),
        "code-kept": lambda: _("Nothing; the portal keeps the first code"),
        "code-malformed": lambda: _(
            "Write the code as class code, slash and number, such as 3070230100012/000001"
        ),
        "text-cut": lambda: _("Shorten the text, or put it into a file"),
        "address-too-long": lambda: _("Give the files shorter addresses"),
        "resources-capped": lambda: _("Put many small files into few larger ones"),
        "invalid": lambda: _("Mend the fields named here, then publish the record again"),
        "error": lambda: _("Nothing; the portal's operator looks into it"),
        "empty-list": lambda: _("See why the list is empty; if it is meant to be, say so"),
        "total-disagrees": lambda: _("See whether all pages of the list can be read"),
        "shrink": lambda: _("See whether the list is complete; if so much was taken out, say so"),
        "duplicate-ids": lambda: _("Give each dataset an id of its own"),
        "unreachable": reachable,
        "address-refused": lambda: _("Give an address that may be reached from the portal"),
        "not-a-catalog": lambda: _("See what the address answers; it should be the catalog"),
        "certificate-refused": lambda: _(
            "Install a certificate of a known authority, or tell the portal its fingerprint"
        ),
        "login-page": lambda: _("Let the portal read the list without logging in"),
        "source-error": lambda: _("See what error your system reports, and mend it"),
        "mapping-invalid": lambda: _("Nothing; the province mends its mapping"),
        "interrupted": lambda: _("Nothing; the next run goes on from there"),
    }
