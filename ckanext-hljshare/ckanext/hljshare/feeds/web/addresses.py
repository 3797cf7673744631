"""Where the portal stands, as its visitors write it."""

from __future__ import annotations

from dataclasses import replace

import ckan.plugins.toolkit as tk

from ckanext.hljshare.feeds.dcat import graph
from ckanext.hljshare.feeds.dcat.terms import Where


def home(locale: str | None = "default") -> str:
    """The portal's address with its root path, without a slash at the end.

    :param locale: of whose pages; None for the language of this request
    """
    chosen = {} if locale is None else {"locale": locale}
    return str(tk.h.url_for("home.index", _external=True, **chosen)).rstrip("/")


def where() -> Where:
    """The addresses that descriptions are made with: IRIs as in the DCAT feeds, pages as visitors
    know them."""
    return replace(graph.where(), site=home())
