"""Template helpers of the theme. Thin: rules stand in pure modules."""

from __future__ import annotations

import datetime
import re
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import ckan.plugins.toolkit as tk
from markupsafe import Markup

from ckanext.hljshare.access import levels
from ckanext.hljshare.catalog import codelists, orgtree
from ckanext.hljshare.catalog.freshness import parse_date
from ckanext.hljshare.feeds.web import pages
from ckanext.hljshare.feeds.web.links import Link
from ckanext.hljshare.ingest import received
from ckanext.hljshare.theme import city_fields, dates, facets, home, icons, paging, preview, usage
from ckanext.hljshare.theme.harvest_words import (
    HARVEST_FACETS,
    hljshare_harvest_frequencies,
    hljshare_harvest_label,
    hljshare_harvest_owners,
)

__all__ = [
    "hljshare_ago",
    "hljshare_alternates",
    "hljshare_cell",
    "hljshare_clear_url",
    "hljshare_columns",
    "hljshare_count_view",
    "hljshare_dataset",
    "hljshare_extract",
    "hljshare_facet_groups",
    "hljshare_facet_items",
    "hljshare_facet_label",
    "hljshare_facet_title",
    "hljshare_harvest_frequencies",
    "hljshare_harvest_label",
    "hljshare_harvest_owners",
    "hljshare_home",
    "hljshare_icon",
    "hljshare_language_links",
    "hljshare_level_class",
    "hljshare_may",
    "hljshare_nav",
    "hljshare_org",
    "hljshare_page_numbers",
    "hljshare_page_url",
    "hljshare_preview",
    "hljshare_record_fields",
    "hljshare_region_short",
    "hljshare_run_of_job",
    "hljshare_size",
    "hljshare_structured_data",
    "hljshare_tree",
    "hljshare_url",
    "hljshare_warnings",
    "hljshare_when",
]

SHANGHAI = ZoneInfo("Asia/Shanghai")
EXTRACT = 120  # characters of a summary in a list
MARKUP = re.compile(r"[*_`#<>\[\]&\\~|]|^\s*[-+>]|\d\.\s")
# The same color and word for a level everywhere; never the color alone.
LEVEL_CLASSES = {"open": "open", "on_request": "req", "closed": "no"}


def _language() -> str:
    return "en" if str(tk.h.lang()).startswith("en") else codelists.DEFAULT_LANGUAGE


def _today() -> datetime.date:
    return datetime.datetime.now(SHANGHAI).date()


def hljshare_region_short(code: str) -> str:
    """A region as people write it: 哈尔滨, not 哈尔滨市."""
    found = codelists.item("region", code)
    if found and _language() == codelists.DEFAULT_LANGUAGE:
        return str(found.get("short") or codelists.text_of(found["label"], _language()))
    label = codelists.label("region", code, _language())
    return label.removesuffix(" City").removesuffix(" Prefecture")


def hljshare_level_class(level: object) -> str:
    """The color class of an opening level: `open`, `req` or `no`."""
    return LEVEL_CLASSES[levels.known(level)]


def hljshare_home() -> dict[str, Any]:
    """The data of the home page."""
    return home.data(_today())


def hljshare_ago(text: str | None) -> str:
    """A date as people say it."""
    return dates.ago(parse_date(text), _today(), tk._)


def hljshare_size(count: object) -> str:
    """A file's size for people."""
    return dates.size(count)


def hljshare_dataset(name: str | None) -> dict[str, Any] | None:
    """A dataset by its name, as the current user may see it; None where there is none."""
    if not name:
        return None
    try:
        found: dict[str, Any] = tk.get_action("package_show")({}, {"id": name})
    except (tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        return None
    return found


def hljshare_structured_data(dataset: dict[str, Any] | None = None) -> Markup:
    """A dataset, or the catalog, in schema.org's words, safe within a script element."""
    if dataset is None:
        return pages.catalog_description()
    return pages.dataset_description(dataset)


def hljshare_alternates(
    dataset: dict[str, Any] | None = None, agency: dict[str, Any] | None = None
) -> list[Link]:
    """What a dataset's page, an agency's, or any other links in its head: type, href, title."""
    if dataset is not None:
        return pages.dataset_links(dataset)
    return pages.agency_links(agency["name"]) if agency else pages.catalog_links()


def hljshare_extract(text: str | None) -> str:
    """The beginning of a summary without its markup. Plain text, the rule, is not parsed."""
    words = " ".join((text or "").split())
    if MARKUP.search(words):
        words = str(tk.h.markdown_extract(text, extract_length=EXTRACT))
    return words if len(words) <= EXTRACT else words[: EXTRACT - 1] + "…"


def hljshare_icon(name: str) -> Markup:
    """A line icon, hidden from screen readers: the word always stands beside it."""
    return icons.icon(name)


def hljshare_count_view(dataset: dict[str, Any]) -> str:
    """Count a view of a public dataset's page; shows nothing."""
    if not dataset.get("private") and dataset.get("state") == "active":
        usage.count(dataset["id"], _today())
    return ""


def hljshare_nav() -> list[dict[str, Any]]:
    """The main navigation: only what exists. `current` marks where the visitor is."""
    path = tk.request.path
    entries = [
        ("/", tk._("Home"), tk.h.url_for("home.index")),
        ("/dataset", tk._("Data catalog"), tk.h.url_for("dataset.search")),
        ("/organization", tk._("Agencies"), tk.h.url_for("organization.index")),
        ("/request", tk._("Apply for data"), tk.h.url_for("/request")),
        ("/about/plan", tk._("Open plan"), _about_url("plan")),
        ("/about/developers", tk._("Developers"), _about_url("developers")),
        ("/about", tk._("About"), tk.h.url_for("home.about")),
    ]
    found = []
    taken = False
    for prefix, label, url in entries:
        inside = path == prefix or (prefix != "/" and path.startswith(prefix + "/"))
        found.append({"label": label, "url": url, "current": inside and not taken})
        taken = taken or inside
    return found


def _about_url(page: str) -> str:
    url: str = tk.h.url_for("hljshare_theme.about", page=page)
    return url


def hljshare_language_links() -> list[dict[str, Any]]:
    """The languages besides the page's own, each with the address of this very page in it."""
    names = {"zh_Hans_CN": ("中文", "zh-Hans"), "en": ("English", "en")}
    current = tk.request.environ.get("CKAN_LANG")
    return [
        {
            "label": names[locale][0],
            "lang": names[locale][1],
            "url": tk.h.url_for(tk.h.current_url(), locale=locale),
        }
        for locale in names
        if locale != current
    ]


def hljshare_page_numbers(current: int, last: int) -> list[int | None]:
    """The page numbers of a pager; None marks a gap."""
    return paging.page_numbers(current, last)


def hljshare_url(drop: tuple[str, ...] | list[str] = (), **changes: Any) -> str:
    """The address of this page with some parameters changed (None removes one)."""
    args = [
        (key, value)
        for key, value in tk.request.args.items(multi=True)
        if key not in changes and key not in drop
    ]
    args += [(key, value) for key, value in changes.items() if value is not None]
    return f"{_here()}?{urlencode(args)}" if args else _here()


def hljshare_page_url(number: int) -> str:
    """The address of another page of this list."""
    return hljshare_url(page=number if number > 1 else None)


def hljshare_facet_label(name: str, item: dict[str, Any]) -> str:
    """What people read for a facet's value, in the page's language."""
    if name in HARVEST_FACETS:
        return hljshare_harvest_label(name, item["name"])
    if (name, item["name"]) == (facets.OWN_FIELD, facets.PROVINCE):
        return tk._("Province level")
    return facets.label(name, item, _language())


def hljshare_facet_items(name: str, search_facets: dict[str, Any] | None) -> list[facets.Value]:
    """A facet's values with the address that chooses, or gives up, each of them."""
    items = ((search_facets or {}).get(name) or {}).get("items", [])
    if name in HARVEST_FACETS:
        labels = {item["name"]: hljshare_harvest_label(name, item["name"]) for item in items}
        items = [{**item, "display_name": labels[item["name"]]} for item in items]
    chosen = tk.request.args.getlist(name)
    if name == facets.TREE:
        return _places(items, chosen)
    others = [
        (key, value)
        for key, value in tk.request.args.items(multi=True)
        if key not in ("page", name)
    ]
    base = _here()

    def href(value: str, active: bool) -> str:
        rest = [other for other in chosen if other != value]
        args = others + [(name, other) for other in (rest if active else [*chosen, value])]
        return f"{base}?{urlencode(args)}" if args else base

    return facets.arrange(name, items, chosen, _language(), href)


def _places(items: list[dict[str, Any]], chosen: list[str]) -> list[facets.Value]:
    """The tree of places; the filter by city alone, of older addresses, chooses in it too."""
    args = list(tk.request.args.items(multi=True))
    base = _here()

    def href(value: str, active: bool) -> str:
        found = facets.replace_place(args, value, active)
        return f"{base}?{urlencode(found)}" if found else base

    both = [*chosen, *tk.request.args.getlist(facets.OWN_FIELD)]
    found = facets.arrange(facets.TREE, items, both, _language(), href)
    for value in found:
        if value.name == facets.PROVINCE:
            value.label = tk._("Province level")
    return found


def hljshare_facet_title(name: str, titles: dict[str, str]) -> str:
    """A facet's title above a filter that is set, whichever of its fields the address names."""
    return titles.get(name) or titles.get(facets.TREE if name == facets.OWN_FIELD else "") or name


def hljshare_facet_groups(
    titles: dict[str, str], search_facets: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """The facets that have something to choose: `name`, `title`, `values`."""
    found = [
        {"name": name, "title": title, "values": hljshare_facet_items(name, search_facets)}
        for name, title in titles.items()
    ]
    return [group for group in found if group["values"]]


def hljshare_clear_url(q: str | None) -> str:
    """The address of this list without filters."""
    return f"{_here()}?{urlencode({'q': q})}" if q else _here()


def _here() -> str:
    """The address of this page without parameters, in its language."""
    url: str = tk.h.url_for(tk.h.current_url().split("?")[0])
    return url


def hljshare_may(action: str) -> bool:
    """Whether the visitor may do something; nobody who is not logged in is asked about."""
    return bool(tk.current_user.is_authenticated and tk.h.check_access(action))


def hljshare_record_fields(
    fields: dict[str, Any], without: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    """A record's fields as a preview shows them: label and text."""
    return city_fields.shown(fields, without)


def hljshare_run_of_job(job_id: str) -> str | None:
    """The id of the run that a harvest job started, for the link to its report."""
    return received.run_of_job(job_id)


def hljshare_when(text: str | None) -> str:
    """A time stamp as the clock in China shows it, to the minute; without a zone it is UTC, as
    harvest jobs have it."""
    return dates.when(text, SHANGHAI)


def hljshare_warnings(dataset: dict[str, Any]) -> list[dict[str, str]]:
    """What is doubtful in a dataset, for its editors; nothing for others and for new ones."""
    if not dataset.get("id"):
        return []
    try:
        found: list[dict[str, str]] = tk.get_action("hljshare_dataset_warnings")(
            {}, {"id": dataset["id"]}
        )
    except (tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        return []
    return found


def hljshare_tree(words: str = "") -> list[dict[str, Any]]:
    """The organizations as a tree with counts; what the current user may see. With ``words`` only
    the branches that lead to such names."""
    tree: list[dict[str, Any]] = tk.get_action("hljshare_organization_tree")({}, {})
    return orgtree.holding(tree, words.strip()) if words.strip() else tree


def hljshare_org(organization: dict[str, Any]) -> dict[str, Any]:
    """What hangs below an organization: `children` with `name`, `title`, `short_title`, `total`."""
    try:
        found = tk.get_action("hljshare_organization_tree")({}, {"id": organization["id"]})
    except tk.ObjectNotFound:
        return {"children": [], "total": 0}
    return {"children": found[0]["children"], "total": found[0]["total"]}


def hljshare_preview(resource: dict[str, Any], page: str | None, query: str | None) -> Any:
    """A page of a file's table as the current user may see it; see `preview.load`."""
    return preview.load(resource, page, query)


def hljshare_cell(value: Any) -> str:
    """A cell as text: nothing for null, whole numbers without `.0`."""
    return preview.cell(value)


def hljshare_columns(dataset: dict[str, Any], table: preview.Preview) -> list[dict[str, str]]:
    """The columns of a table with what the dataset's items say about them."""
    items: dict[Any, dict[str, Any]] = {}
    for item in dataset.get("items") or []:
        items.setdefault(item.get("name"), item)
        items.setdefault(item.get("field"), item)
    rows = []
    for name, heading, number in table.columns:
        item = items.get(heading) or items.get(name) or {}
        kind = codelists.label("data_type", item.get("data_type"), _language())
        rows.append(
            {
                "name": heading,
                "type": kind or (tk._("Number") if number else tk._("Text")),
                "note": item.get("description") or "",
            }
        )
    return rows
