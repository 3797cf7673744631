"""What the harvesters share: an adapter of ours seen as one of ckanext-harvest's harvesters, and by
the command line.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ckan.plugins as p
from ckanext.harvest.interfaces import IHarvester
from ckanext.harvest.model import HarvestJob, HarvestObject, HarvestSource

from ckanext.hljshare.ingest import approval, engine, jobs, mappings
from ckanext.hljshare.ingest.dataset import Source
from ckanext.hljshare.ingest.fetch import Fetcher
from ckanext.hljshare.ingest.mirror import make_fetcher
from ckanext.hljshare.ingest.sources import paths_allowed

from .mapping import Mapping, MappingError, load, load_file, load_text
from .network import fetcher_for


class HljshareHarvester(p.SingletonPlugin):
    """Base of all kinds: subclasses say their ``kind``, words for people, and their ``adapter``."""

    p.implements(IHarvester)
    kind: str
    title: str
    description: str
    adapter: Callable[[str, Mapping, Fetcher], engine.Adapter]

    def info(self) -> dict[str, str]:
        """Name and words for the form of harvest sources."""
        return {
            "name": self.kind,
            "title": self.title,
            "description": self.description,
            "form_config_interface": "Text",
        }

    def validate_config(self, config: str) -> str:
        """Only ``{"mapping": name}`` (and the source's name): a source's configuration is no place
        for secrets.
        """
        data = _config(config)
        unknown = set(data) - {"mapping", "source"}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; only a mapping is named here")
        find_mapping(data.get("mapping"))
        return json.dumps(data, ensure_ascii=False)

    def open(
        self,
        url: str,
        config: str | None,
        local_files: bool = False,
        body: str | None = None,
    ) -> tuple[engine.Adapter, Mapping]:
        """The adapter of a source, with its mapping. Raises MappingError.

        :param body: the text of a mapping that is only tried, in place of the one in force
        """
        name = _config(config).get("mapping")
        mapping = (
            find_mapping(name, stored=True)
            if body is None
            else load_text(str(name or "default"), body)
        )
        return type(self).adapter(url, mapping, fetcher_of(url, mapping, local_files)), mapping

    def files_fetcher(self, url: str, config: str | None, typed: str | None = None) -> Fetcher:
        """What the files of a source are fetched with: the pace, time-outs and certificate of its
        mapping hold for them too. Raises MappingError.

        :param typed: the address, where the server's operator gave it on the command line
        """
        mapping = find_mapping(_config(config).get("mapping"), stored=True)
        return fetcher_for(mapping, url, make_fetcher(typed=typed))

    @staticmethod
    def check_mapping(name: str, body: str) -> None:
        """Raise MappingError where the text of a mapping cannot be used."""
        load_text(name, body)

    def source(self, row: HarvestSource, mapping: Mapping, url: str | None = None) -> Source:
        """The engine's view of a harvest source."""
        found = jobs.source_of(row, self.kind)
        return replace(
            found,
            title=mapping.site or found.title,
            url=url or found.url,
            providers=mapping.providers,
            defaults=mapping.defaults,
            trust_total=mapping.trust_total,
        )

    def gather_stage(self, job: HarvestJob) -> list[str]:
        """Run the source, if it is approved as it is; nothing is left for the later stages.

        A job that is over is not run again: ckanext-harvest sends one anew that took two hours.
        """
        if job.status in ("Finished", "Aborted"):
            return []
        refused = approval.may_run(job.source)
        if refused:
            return jobs.give_up(job, refused)
        try:
            adapter, mapping = self.open(job.source.url, job.source.config)
        except MappingError as error:
            return jobs.give_up(job, f"mapping-invalid: {error}")
        return jobs.gather(job, self.source(job.source, mapping), adapter)

    def fetch_stage(self, harvest_object: HarvestObject) -> bool:
        """Nothing: gather has read it all."""
        return True

    def import_stage(self, harvest_object: HarvestObject) -> bool:
        """Nothing: what gather read, it has written too."""
        return True


def fetcher_of(url: str, mapping: Mapping, local_files: bool = False) -> Fetcher:
    """The portal's fetcher as a mapping wants it for the source at this address."""
    fetcher = make_fetcher(local_files, typed=url if local_files else None)
    return fetcher_for(mapping, url, fetcher)


def find_mapping(name: object, stored: bool = False) -> Mapping:
    """The mapping a source names: as somebody saved it on the site, else the file. A path is read
    from the command line, or where it was ``stored`` by it.
    """
    if not name:
        return load("default")
    if "/" in str(name) or str(name).endswith((".yaml", ".yml")):
        if not (stored or paths_allowed.get()):
            raise MappingError("a mapping is named, not given by its path")
        return load_file(Path(str(name)))
    body = mappings.stored_body(str(name))
    return load(str(name)) if body is None else load_text(str(name), body)


def _config(config: str | None) -> dict[str, Any]:
    data = json.loads(config or "{}")
    if not isinstance(data, dict):
        raise TypeError("a JSON object")
    return data
