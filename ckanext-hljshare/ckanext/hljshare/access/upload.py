"""Uploads keep their Chinese file names, and lie where their level wants them.

CKAN's own munging turns 哈尔滨市公交线路.csv into .csv, so the name a person gave is kept in the
resource's `filename`, and the stored address has a plain one.
What is not open is stored under the private root from its first byte.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.lib.uploader import ResourceUpload
from werkzeug.datastructures import FileStorage

from ckanext.hljshare.access import levels, stored, subject
from ckanext.hljshare.access.filenames import safe_name


class NamedResourceUpload(ResourceUpload):
    """CKAN's resource upload, with the file's own name kept beside an ASCII one.

    `private`: where a file goes whose resource is not there yet; the harvesters, which fetch open
    files only, say False.
    """

    private = True

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

    def get_directory(self, id: str) -> str:  # noqa: A002  (CKAN's name)
        """The folder of a resource's file; see `get_path`."""
        return str(Path(self.get_path(id)).parent)

    def get_path(self, id: str) -> str:  # noqa: A002
        """Where the file lies; for one that is not there yet, where its level wants it.

        CKAN stores an upload once the resource stands in the open transaction, so its level is
        known; what is not known is private.
        """
        found = stored.find(id)
        if found and not self.filename:
            return str(found)
        try:
            dataset, resource = subject.dataset_levels(id)
        except tk.ObjectNotFound:
            return str(stored.place(id, self.private))
        shut = dataset["private"] or dataset["state"] != "active"
        return str(stored.place(id, shut or levels.of_resource(dataset, resource) != "open"))

    def upload(self, id: str, max_size: int = 10) -> None:  # noqa: A002
        """Store the file; one that lay under the other root goes."""
        before = stored.find(id) if self.filename or self.clear else None
        super().upload(id, max_size)
        if before and self.filename and Path(self.get_path(id)) != before:
            before.unlink(missing_ok=True)
