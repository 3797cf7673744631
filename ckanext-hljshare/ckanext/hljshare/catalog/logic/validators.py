"""Validators of the provincial schemas. They translate between CKAN and the pure rules; nothing is
decided here.

The names are used in ``scheming/*.yaml``; form, API and harvest all pass through them.
"""

from __future__ import annotations

import datetime
import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckan import authz
from ckan.types import Context, FlattenDataDict, FlattenErrorDict, FlattenKey
from sqlalchemy import func, literal_column, select

from ckanext.hljshare.catalog import (
    allocation,
    codelists,
    codes,
    known,
    naming,
    organizations,
    orgtree,
    rules,
    uscc,
)
from ckanext.hljshare.catalog.language import field_label

__all__ = [
    "hljshare_catalog_class",
    "hljshare_code",
    "hljshare_code_lines",
    "hljshare_date",
    "hljshare_default",
    "hljshare_held_for_after",
    "hljshare_length",
    "hljshare_license",
    "hljshare_lines_output",
    "hljshare_max_length",
    "hljshare_name",
    "hljshare_not_future",
    "hljshare_organization_parent",
    "hljshare_phone",
    "hljshare_publication",
    "hljshare_region_default",
    "hljshare_resource_code",
    "hljshare_resource_open_type",
    "hljshare_title",
    "hljshare_trim",
    "hljshare_uscc",
    "hljshare_web_address",
    "hljshare_yes_no",
]

TIMEZONE = ZoneInfo("Asia/Shanghai")
OPEN_LICENSE = "hlj-open"
PARENT: FlattenKey = ("parent",)

_NFKC: Any = literal_column("NFKC")  # a keyword of SQL, not a string

_LENGTH = re.compile(r"\d{1,9}(?:[,.]\d{1,3})?\Z")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T\s].*)?\Z", re.DOTALL)


def _empty(value: Any) -> bool:
    return value is tk.missing or value is None or value == ""


def _package(context: Context) -> model.Package | None:
    package = context.get("package")
    return package if isinstance(package, model.Package) else None


def _owner_org(data: FlattenDataDict, context: Context) -> str | None:
    value = data.get(("owner_org",))
    if _empty(value):
        package = _package(context)
        value = package.owner_org if package else None
    group = known.group_of(context, value)
    return group.id if group else None


def hljshare_trim(value: Any) -> Any:
    """Without blanks (full-width ones too) and control characters at either end."""
    return value.strip().strip("\u200b\ufeff") if isinstance(value, str) else value


def hljshare_max_length(maximum: int) -> Callable[[Any], Any]:
    """At most so many characters."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and len(value) > int(maximum):
            raise tk.Invalid(tk._("At most %(maximum)s characters") % {"maximum": maximum})
        return value

    return check


def hljshare_default(default: Any) -> Callable[[Any], Any]:
    """The value, or a default where there is none."""

    def fill(value: Any) -> Any:
        return str(default) if _empty(value) else value

    return fill


def hljshare_title(value: Any) -> Any:
    """A title on one line, without stray blanks."""
    return re.sub(r"\s+", " ", hljshare_trim(value)) if isinstance(value, str) else value


def hljshare_name(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """The name in the address: kept if there is one, else made from provider and title (never a
    munged title).
    """
    if not _empty(data.get(key)):
        return
    package = _package(context)
    if package:
        data[key] = package.name
        return
    title = data.get(("title",))
    if not _empty(title):
        org = model.Group.get(data.get(("owner_org",)) or "")
        name = naming.dataset_name(org.name if org else "dataset", str(title))
        # A title can return, under the same provider, after its dataset was withdrawn for good.
        data[key] = (
            name if model.Package.get(name) is None else naming.dataset_name(name, str(title))
        )


def hljshare_code(field: dict[str, Any], schema: dict[str, Any]) -> Callable[[Any], Any]:
    """A code of the list that the field names; a retired code becomes its successor."""
    list_id = field["codelist"]

    def check(value: Any) -> Any:
        if _empty(value):
            return value
        found = codelists.item(list_id, value)
        if found is None:
            raise tk.Invalid(tk._('Unknown code "%(code)s"') % {"code": value})
        return found.get("successor", value)

    return check


hljshare_code.is_a_scheming_validator = True  # type: ignore[attr-defined]


def hljshare_catalog_class(value: Any) -> Any:
    """类+项 of the list, alone or with 目 and 细目 behind it."""
    if value and not codes.is_class(value):
        raise tk.Invalid(tk._('Unknown class "%(code)s"') % {"code": value})
    return value


def hljshare_yes_no(value: Any) -> Any:
    """``yes`` or ``no`` from what clients write for it."""
    words = {True: "yes", False: "no", "true": "yes", "false": "no", "1": "yes", "0": "no"}
    if isinstance(value, str):
        value = codelists.find("yes_no", value) or value.strip().casefold()
    return words.get(value, value)


def hljshare_date(value: Any) -> Any:
    """A day as ``YYYY-MM-DD``; the time of day of a longer text is left out."""
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if not value:
        return value
    found = _DATE.match(str(value).strip())
    try:
        parts = [int(part) for part in found.groups()] if found else [0, 0, 0]
        return datetime.date(*parts).isoformat()
    except ValueError as error:
        raise tk.Invalid(tk._("Not a date: write it as 2026-01-31")) from error


def hljshare_not_future(value: Any) -> Any:
    """Not after today in China."""
    if value and value > datetime.datetime.now(TIMEZONE).date().isoformat():
        raise tk.Invalid(tk._("The date must not lie in the future"))
    return value


def hljshare_length(value: Any) -> Any:
    """Length of an item: a number, or digits and decimals such as ``10,2``. Stored as text."""
    text = str(value).strip().replace("，", ",") if value is not None else ""
    if text and not _LENGTH.match(text):
        raise tk.Invalid(tk._("The length is a number, such as 20 or 10,2"))
    return text


def hljshare_phone(value: Any) -> Any:
    """A telephone number with area code, extension, or several of them."""
    if value and not rules.is_telephone(value):
        raise tk.Invalid(tk._("Not a telephone number: write it as 0451-12345"))
    return value


def hljshare_web_address(value: Any) -> Any:
    """An address beginning with http:// or https://."""
    if value:
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            good = False
        if not good:
            raise tk.Invalid(tk._("Not a web address: it begins with http:// or https://"))
    return value


def hljshare_license(value: Any) -> Any:
    """A licence of the portal's list."""
    if value and model.Package.get_license_register().get(value) is None:
        raise tk.Invalid(tk._('Unknown licence "%(code)s"') % {"code": value})
    return value


def hljshare_code_lines(value: Any) -> Any:
    """Resource codes, as a list or one a line; stored as a JSON list."""
    if isinstance(value, str):
        try:
            loaded = json.loads(value)
            value = loaded if isinstance(loaded, list) else [value]
        except ValueError:
            value = re.split(r"[\s,，、;；]+", value)
    if not isinstance(value, list):
        raise tk.Invalid(tk._("A list of resource codes is expected"))
    listed = list(dict.fromkeys(text for text in (str(item).strip() for item in value) if text))
    for text in listed:
        if codes.parse(text) is None:
            raise tk.Invalid(tk._('Not a resource code: "%(code)s"') % {"code": text})
    return json.dumps(listed)


def hljshare_lines_output(value: Any) -> Any:
    """The stored JSON list as a list."""
    if isinstance(value, list):
        return value
    try:
        loaded = json.loads(value) if value else []
    except (TypeError, ValueError):
        return [value]
    return loaded if isinstance(loaded, list) else [value]


def hljshare_region_default(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Where no region is given, that of the provider."""
    if _empty(data.get(key)):
        org_id = _owner_org(data, context)
        if org_id:
            lookups = known.of(context) or known.Known()
            data[key] = lookups.answer(("region", org_id), lambda: allocation.region_of(org_id))


def hljshare_resource_code(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Well formed, used by nobody else, and never changed once given. Left out, the one given
    before stays.
    """
    package = _package(context)
    value = hljshare_trim(data.get(key))
    given = package.extras.get("resource_code") if package else None
    if _empty(value):
        value = given
    if _empty(value):
        data.pop(key, None)
        raise tk.StopOnError
    if given and value != given and package and not package.private:
        raise tk.Invalid(
            tk._("A resource code never changes once it is given (%(code)s)") % {"code": given}
        )
    if codes.parse(value) is None:
        raise tk.Invalid(
            tk._(
                "Not a resource code: class code, a slash and a number, such as "
                "3070230100012/000001"
            )
        )
    holder = allocation.holder(value)
    if holder and (package is None or holder != package.id):
        raise tk.Invalid(tk._("Another dataset has this resource code"))
    data[key] = value


def hljshare_resource_open_type(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """A file may be stricter than its dataset; looser only as masked data or a sample (6.1 b)."""
    value, dataset_level = data.get(key), data.get(("open_type",))
    if _empty(value) or value not in rules.STRICTNESS or dataset_level not in rules.STRICTNESS:
        return
    derivative = data.get((*key[:-1], "derivative"))
    if not rules.file_level_allowed(
        dataset_level, value, None if _empty(derivative) else derivative
    ):
        raise tk.Invalid(
            tk._("A file can be more open than its dataset only if it is masked data or a sample")
        )


def _rows(data: FlattenDataDict, field: str) -> bool:
    return any(len(key) > 1 and key[0] == field for key in data)


def _title_taken(title: str, org_id: str, package: model.Package | None) -> bool:
    wanted = unicodedata.normalize("NFKC", title.strip())
    normal = func.normalize(func.btrim(model.Package.title), _NFKC)
    query = select(model.Package.id).where(
        model.Package.owner_org == org_id,
        func.md5(normal) == func.md5(wanted),
        model.Package.state != "deleted",
        model.Package.type == "dataset",
    )
    if package:
        query = query.where(model.Package.id != package.id)
    return model.Session.scalar(query.limit(1)) is not None


def hljshare_publication(field: Any, schema: dict[str, Any]) -> Callable[..., None]:
    """The obligations across fields, at the end of validation; see
    :mod:`ckanext.hljshare.catalog.rules`.
    """
    by_name = {item["field_name"]: item for item in schema["dataset_fields"]}
    required = [name for name, item in by_name.items() if item.get("publish_required")]
    repeating = {name for name, item in by_name.items() if "repeating_subfields" in item}

    def check(
        key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
    ) -> None:
        package = _package(context)
        private = data.get(("private",))
        if _empty(private):
            private = bool(package and package.private)
        record: dict[str, Any] = {}
        for name in by_name:
            value: Any = _rows(data, name) if name in repeating else data.get((name,))
            if not _empty(value):
                record[name] = value
        if package and "owner_org" not in record:
            record["owner_org"] = package.owner_org
        for problem in rules.problems(record, required, publish=not private):
            marked = errors.setdefault((problem.field,), [])
            if not marked:
                marked.append(
                    tk._(problem.message) % {"field": field_label(by_name[problem.field])}
                )
        org_id = _owner_org(data, context)
        title = record.get("title")
        if (
            org_id
            and title
            and not data.get(("source_name",))  # two sources may list the same data
            and not errors.get(("title",))
            and _title_taken(str(title), org_id, package)
        ):
            errors.setdefault(("title",), []).append(
                tk._("This provider already has a dataset of this title")
            )
        if record.get("open_type") == "open" and _empty(data.get(("license_id",))):
            # 6.1 c: open data is free of charge; the portal's own licence says so.
            data[("license_id",)] = OPEN_LICENSE

    return check


hljshare_publication.is_a_scheming_validator = True  # type: ignore[attr-defined]


def hljshare_uscc(value: Any) -> Any:
    """A unified social credit code: its shape is required, its check character only warned about
    (GB 32100).
    """
    if not value:
        return value
    code = uscc.normalize(value)
    if not uscc.is_well_formed(code):
        raise tk.Invalid(
            tk._("A unified social credit code has 18 characters, such as 11230000001234567D")
        )
    return code


def hljshare_held_for_after(value: Any) -> Any:
    """Leaves a value to the validators at the end; it is not stored as it is."""
    raise tk.StopOnError


def hljshare_organization_parent(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """The parent organization, written as CKAN keeps it (``groups``). Left out, it stays; empty,
    the top.

    Whoever sets another parent administers it and the present one (or is a system administrator).
    """
    value = data.pop(PARENT, tk.missing)
    if value is tk.missing or value is None:
        return
    group = context.get("group")
    present = group.get_parent_groups(type="organization") if group else []
    parent = model.Group.get(value) if value else None
    if value and (parent is None or not parent.is_organization or parent.state != "active"):
        errors.setdefault(PARENT, []).append(tk._("Organization not found"))
        return
    tree = organizations.parents() if parent and group else {}
    if parent and group and orgtree.would_cycle(tree, group.name, parent.name):
        message = tk._("An organization cannot stand below itself or one of its own")
        errors.setdefault(PARENT, []).append(message)
        return
    wanted = [parent] if parent else []
    if present != wanted and not _administers(context, [*present, *wanted], top=not wanted):
        errors.setdefault(PARENT, []).append(tk._("You do not administer that organization"))
        return
    for other in [other for other in data if other[0] == "groups"]:
        del data[other]
    if parent:
        data[("groups", 0, "name")] = parent.name
    else:
        data[("groups",)] = []


def _administers(context: Context, touched: list[model.Group], top: bool) -> bool:
    user = context.get("user")
    if context.get("ignore_auth") or authz.is_sysadmin(user):
        return True
    return not top and all(
        authz.has_user_permission_for_group_or_org(item.id, user, "admin") for item in touched
    )
