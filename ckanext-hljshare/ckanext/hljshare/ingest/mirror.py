"""The portal's own copy of open files: fetched, checked, and stored the way CKAN stores uploads."""

from __future__ import annotations

import ipaddress
import mimetypes
import socket
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import uploader
from werkzeug.datastructures import FileStorage

from . import load, tabular
from .fetch import Allowed, Fetcher, SourceError, own_port, parse_networks
from .record import ResourceRecord

MIB = 1024 * 1024
_TEXT = frozenset({"CSV", "TSV", "TXT", "JSON", "XML", "GEOJSON", "MD"})
_SAME = {
    "GEOJSON": "JSON",
    "TSV": "CSV",
    "TXT": "CSV",
    "DOCX": "ZIP",
    "PPTX": "ZIP",
    "ODS": "ZIP",
    "SHP": "ZIP",
}


@dataclass
class Copy:
    """A fetched file: where it waits, what the resource becomes, and what was odd about it."""

    path: Path
    fields: dict[str, Any]
    file_format: str
    reasons: list[str] = field(default_factory=list)


def make_fetcher(local_files: bool = False, typed: str | None = None) -> Fetcher:
    """A fetcher with the portal's limits.

    ``typed`` is a source's address as somebody gave it on the command line of this machine: if it
    names this machine itself, that one port may be read, as a local file may.
    """
    allowed = parse_networks(tk.config.get("hljshare.ingest.allowed_networks") or "")
    return Fetcher(
        allowed=(*allowed, *own_port(typed or "")),
        max_bytes=int(tk.config.get("hljshare.ingest.max_file_size") or 200) * MIB,
        local_files=local_files,
    )


def networks_for(name: str, kind: str, url: str, typed: str | None = None) -> tuple[Allowed, ...]:
    """The networks beside the public Internet that the files of a source may stand on.

    The settings name networks for all sources; that one city may be read there does not mean that
    another may have it read. So a source's files may stand on its own host, those of a pushed
    source on public ones only, unless the settings say otherwise for that source. A list that is
    a file of this machine is its operator's word.
    """
    own = tk.config.get(f"hljshare.ingest.allowed_networks.{name}")
    if own:
        return parse_networks(own)
    if kind == "push":
        return ()
    shared = parse_networks(tk.config.get("hljshare.ingest.allowed_networks") or "")
    host = urlsplit(url).hostname
    if not host:
        return shared
    addresses = [ipaddress.ip_address(address) for address in _addresses(host)]
    return (
        *(
            Allowed(ipaddress.ip_network(address), named.port)
            for named in shared
            for address in addresses
            if address.version == named.network.version and address in named.network
        ),
        *own_port(typed or ""),
    )


def _addresses(host: str) -> set[str]:
    with suppress(OSError):
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return {str(entry[4][0]).split("%")[0] for entry in found}
    return set()


def fetch(fetcher: Fetcher, resource: ResourceRecord, folder: Path) -> Copy:
    """Bring a file here. Raises SourceError; an HTML page in place of a file is one."""
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as target:
        path = Path(target.name)
        try:
            done = fetcher.download(resource.url, target)  # type: ignore[arg-type]
        except BaseException:
            path.unlink()
            raise
    found = tabular.sniff_format(path)
    if found == "HTML" and resource.format not in ("HTML", "XML"):
        path.unlink()
        raise SourceError("file-format-differs: HTML")
    declared = resource.format
    file_format = declared or found
    reasons = []
    expected = _SAME.get(declared, "CSV" if declared in _TEXT - {"JSON", "XML"} else declared)
    if (
        declared
        and found
        and found != expected
        and found not in ("ZIP",)
        and (found != "CSV" or declared in ("XLSX", "XLS", "PDF", "JSON"))
    ):
        reasons.append(f"file-format-differs: {declared} / {found}")
        file_format = found
    fields: dict[str, Any] = {
        "size": done.size,
        "hash": f"sha256:{done.sha256}",
        "format": file_format,
    }
    mimetype = mimetypes.guess_type(f"x.{file_format.lower()}")[0]
    if mimetype:
        fields["mimetype"] = mimetype
    if file_format in _TEXT:
        with suppress(tabular.TableError):
            fields["encoding"] = tabular.sniff_encoding(path).upper().removesuffix("-SIG")
    return Copy(path, fields, file_format, reasons)


def store(copy: Copy, resource: dict[str, Any]) -> None:
    """Put a fetched file under its resource (which gets CKAN's upload fields); the copy is gone
    afterwards.
    """
    name = str(resource.get("name") or "data")
    ending = f".{copy.file_format.lower()}"
    filename = name if name.lower().endswith(ending) else name + ending
    with copy.path.open("rb") as stream:
        upload = _upload(resource, FileStorage(stream=stream, filename=filename))
        upload.upload(resource["id"], max(1, copy.fields["size"] // MIB + 1))
    copy.path.unlink(missing_ok=True)
    resource.update(copy.fields)


def _upload(resource: dict[str, Any], file: FileStorage) -> Any:
    resource["upload"] = file
    # It takes `upload` out, and sets url, url_type, filename.
    upload: Any = uploader.get_resource_uploader(resource)
    upload.private = False  # the resource itself comes later; only open files are fetched
    resource.pop("last_modified", None)
    return upload


def remove(resource_id: str) -> None:
    """Remove the stored file and the DataStore table of a resource, where there are any.

    Not by datastore_delete: that patches the resource and so brings a deleted one back.
    """
    resource = model.Resource.get(resource_id)
    upload = uploader.get_resource_uploader(
        {"id": resource_id, "url": resource.url if resource else ""}
    )
    with suppress(OSError, tk.ValidationError, TypeError, AttributeError):
        Path(upload.get_path(resource_id)).unlink(missing_ok=True)
    load.drop(resource_id)
