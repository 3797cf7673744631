"""What templates ask of this room."""

from __future__ import annotations

import ckan.plugins.toolkit as tk

from ckanext.hljshare.deadlines import notices


def hljshare_unread_notices() -> int:
    """How many notices the visitor has not read; 0 for who is not signed in."""
    user = tk.current_user
    return notices.unread(user.id) if user.is_authenticated else 0
