"""Routes of CKAN that give more than they should, closed or corrected (see `logic/stock.py`)."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from flask import Blueprint, Response

from ckanext.hljshare.access import neutral

blueprint = Blueprint("hljshare_stock", __name__)

# Nothing here issues tokens for this route; whoever got hold of one would pass every gate.
CLOSED = frozenset({"file.trusted_download"})
# Pages that CKAN shows to everybody before it asks, on sending, whether one may do that.
CHECKED = {
    "dataset.delete": "package_delete",
    "dataset.groups": "package_update",
    "group.admins": "group_update",
    "organization.admins": "organization_update",
    "user.api_tokens_revoke": "user_update",
    "user.delete": "user_delete",
}
IMAGES = ("user", "group", "admin")
MEMBERS = frozenset({"organization.member_dump", "group.member_dump"})


@blueprint.before_app_request
def check_first() -> None:
    """Ask before a page of `CHECKED` is made; the portal answers a refusal with its own page."""
    needed = CHECKED.get(tk.request.endpoint or "")
    if needed:
        tk.check_access(needed, {"user": tk.current_user.name}, dict(tk.request.view_args or {}))


@blueprint.before_app_request
def close_file_routes() -> Any:
    """Answer 404 where CKAN would give a stored file without asking the policy."""
    endpoint = tk.request.endpoint
    if endpoint in CLOSED:
        tk.abort(404)
    if endpoint == "file.public_download":
        # Only pictures of people, groups and the site are public, whatever a storage calls itself.
        public = {tk.config.get(f"ckan.files.default_storages.{kind}") for kind in IMAGES}
        if (tk.request.view_args or {}).get("storage_name") not in public:
            tk.abort(404)
    return None


def _format() -> str:
    """Return the format in which CKAN answers with a table, or nothing where it does not."""
    endpoint = tk.request.endpoint
    if endpoint == "datastore.dump":
        return tk.request.args.get("format", "csv")
    return "csv" if endpoint in MEMBERS else ""


@blueprint.after_app_request
def neutralise(response: Response) -> Response:
    """Let no cell of CKAN's own table exports be run by the spreadsheet of who opens it."""
    fmt = _format()
    if fmt in neutral.CONTENT_TYPES and response.status_code == 200:
        response.headers.pop("Content-Length", None)
        response.headers["Content-Type"] = neutral.CONTENT_TYPES[fmt]  # CKAN sends a wrong one
        response.response = neutral.stream(response.response, neutral.DELIMITERS[fmt])
    return response
