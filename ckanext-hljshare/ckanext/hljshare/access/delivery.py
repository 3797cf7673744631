"""How bytes are delivered: the file's name, and what the portal fetches on a person's behalf."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import ckan.plugins.toolkit as tk
from flask import Response

from ckanext.hljshare.access import vault
from ckanext.hljshare.access.filenames import safe_name
from ckanext.hljshare.safety import fetch


def file_name(dataset: Mapping[str, Any], resource: Mapping[str, Any]) -> str:
    """Return the name under which a resource is saved.

    The uploaded file's own name where it is kept, else the resource's or dataset's title, with
    the suffix of the stored file or of the format.
    """
    kept = resource.get("filename")
    if not kept and resource.get("url_type") == "upload":
        kept = vault.address(str(resource["id"]))
    if kept:
        return safe_name(str(kept))
    stem = safe_name(str(resource.get("name") or dataset.get("title") or resource["id"]))
    stored = PurePosixPath(unquote(urlsplit(str(resource.get("url") or "")).path)).suffix
    suffix = stored.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,6}", stored) else ""
    declared = str(resource.get("format") or "").lower()
    if not suffix and re.fullmatch(r"[a-z0-9]{1,6}", declared):
        suffix = f".{declared}"
    return stem if stem.lower().endswith(suffix) else f"{stem}{suffix}"


def attachment(name: str) -> str:
    """Return a download's Content-Disposition; a header is Latin-1, a name is not (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def fetched(address: str, name: str) -> Response:
    """Stream what stands at a protected address. The address is not told, also not in errors."""
    networks = fetch.parse_networks(tk.config.get("hljshare.ingest.allowed_networks") or "")
    try:
        chunks = fetch.Fetcher(allowed=networks).stream(address)
    except fetch.SourceError:
        tk.abort(502, tk._("The source of this file does not answer; please try again later"))
    response = Response(chunks, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = attachment(name)
    return response
