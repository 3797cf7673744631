"""Line icons as inline SVG, drawn for this portal on a 24 × 24 grid."""

from __future__ import annotations

from functools import cache

from markupsafe import Markup

PATHS = {
    "download": "M12 4v11m0 0 4-4m-4 4-4-4M4 19h16",
    "search": "M11 18a7 7 0 1 1 0-14 7 7 0 0 1 0 14Zm5-2 4 4",
    "lock": "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
    "form": "M6 3h9l4 4v14H6zM14 3v5h5M9 12h7M9 16h5",
    "table": "M4 5h16v14H4zM4 10h16M10 5v14",
    "close": "M6 6l12 12M18 6 6 18",
    "filter": "M4 6h16M7 12h10M10 18h4",
    "plus": "M12 5v14M5 12h14",
    "edit": "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
    "user": "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-8 9c0-4 3.5-7 8-7s8 3 8 7",
    "bell": "M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 19a2 2 0 0 0 4 0",
    "info": "M12 11v6M12 7.5v.1M12 21a9 9 0 1 1 0-18 9 9 0 0 1 0 18Z",
    "public_safety": "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4",
    "livelihood": "M4 11l8-7 8 7M6 10v10h12V10M10 20v-5h4v5",
    "economy": "M4 19h16M6 16v-4M11 16V8M16 16V5",
    "education_science": "M3 9l9-4 9 4-9 4zM7 11v5c3 2.5 7 2.5 10 0v-5M21 9v6",
    "health": "M9 4h6v5h5v6h-5v5H9v-5H4V9h5z",
    "agriculture": "M12 21V9M12 13c-4 0-6-2-6-6 4 0 6 2 6 6ZM12 10c0-4 2-6 6-6 0 4-2 6-6 6ZM8 21h8",
    "environment": "M5 19C5 9 11 5 20 4c0 10-4 15-12 15M5 21c1-5 4-9 9-11",
    "transport": "M5 16V7c0-2 2-3 7-3s7 1 7 3v9zM5 12h14M7 16v3M17 16v3M8 8h8M8 14h.1M16 14h.1",
    "society": (
        "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM3 20c0-4 2.5-6 6-6s6 2 6 6"
        "M16 5a3 3 0 0 1 0 6M18 14c2 1 3 3 3 6"
    ),
    "urban": (
        "M4 20V9l6-3v14M10 20V4l10 5v11M4 20h16M14 11v.1M17 11v.1M14 15v.1M17 15v.1M7 12v.1M7 16v.1"
    ),
    "credit": (
        "M12 3l2.5 2.5H18V9l3 3-3 3v3.5h-3.5L12 21l-2.5-2.5H6V15l-3-3 3-3V5.5h3.5zM9 12l2 2 4-4"
    ),
    "finance": "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM8.5 7l3.5 5 3.5-5M12 12v5M9 12h6M9 15h6",
    "institutions": "M4 20h16M5 9h14L12 4zM7 9v8M12 9v8M17 9v8M5 17h14",
    "culture": (
        "M9 18a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0Z"
        "M20 16a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0ZM9 18V6l11-2v12"
    ),
}


@cache
def icon(name: str) -> Markup:
    """The icon of that name; the one of tables where there is none."""
    path = PATHS.get(name, PATHS["table"])
    return Markup(
        '<svg class="i" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        '<path d="{}"/></svg>'
    ).format(path)
