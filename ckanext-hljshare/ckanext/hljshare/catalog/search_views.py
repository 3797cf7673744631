"""The address that the search box asks while a person types."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from flask import Blueprint, Response, jsonify

blueprint = Blueprint("hljshare_search", __name__)


@blueprint.route("/search/suggest")
def suggest() -> Response:
    """Suggestions as JSON: ``titles``, ``agencies``, ``themes``. Short questions only."""
    q = tk.request.args.get("q", "")[:100]
    answer = jsonify(tk.get_action("hljshare_suggest")({}, {"q": q, "language": tk.h.lang()}))
    answer.headers["Cache-Control"] = "private, max-age=60"
    return answer
