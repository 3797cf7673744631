"""The language of whoever reads: the request's, else the site's default."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.hljshare.catalog import codelists


def language() -> str:
    """Locale such as ``zh_Hans_CN``; works outside a request, where scheming's own helper does
    not."""
    try:
        current = tk.h.lang()
    except (RuntimeError, TypeError, AttributeError):
        current = None
    return str(current or tk.config.get("ckan.locale_default") or codelists.DEFAULT_LANGUAGE)


def field_label(field: dict[str, Any]) -> str:
    """The label of a schema field."""
    label = field.get("label") or field["field_name"]
    return label if isinstance(label, str) else codelists.text_of(label, language())
