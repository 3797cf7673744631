"""File names as every system takes them; the rule stands in `safety/filenames.py`."""

from ckanext.hljshare.safety.filenames import NAME_LENGTH, safe_name

__all__ = ["NAME_LENGTH", "safe_name"]
