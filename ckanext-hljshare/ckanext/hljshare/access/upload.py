"""Uploads keep their Chinese file names.

CKAN's own munging turns 哈尔滨市公交线路.csv into .csv, so the name a person gave is kept in the
resource's `filename`, and the stored address has a plain one.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from ckan.lib.uploader import ResourceUpload
from werkzeug.datastructures import FileStorage

from ckanext.hljshare.access.filenames import safe_name


class NamedResourceUpload(ResourceUpload):
    """CKAN's resource upload, with the file's own name kept beside an ASCII one."""

    def __init__(self, resource: dict[str, Any]) -> None:
        """See `ckan.lib.uploader.ResourceUpload`."""
        given = resource.get("upload")
        name = given.filename if isinstance(given, FileStorage) and given.filename else ""
        super().__init__(resource)
        if not name:
            return
        suffix = PurePosixPath(name).suffix.lower()
        self.filename = f"file{suffix}" if suffix.isascii() else "file"
        if name != self.filename:  # a plain name is no one's own; the vault has taken it
            resource["filename"] = safe_name(PurePosixPath(name.replace("\\", "/")).name)
        resource["url"] = self.filename
