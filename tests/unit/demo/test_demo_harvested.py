"""The sources read by the portal's own adapters: what comes out is what the demo meant."""

from __future__ import annotations

import catalog as demo
import pytest

from ckanext.hljshare.ingest.fetch import Fetcher, parse_networks
from ckanext.hljshare.ingest.record import CatalogRecord
from harvesters import mapping
from harvesters.catalog_sheet import CatalogSheet
from harvesters.odweb import Odweb


def harvested(base: str, name: str) -> list[CatalogRecord]:
    """All records of one source."""
    source = demo.sources()[name]
    adapter = Odweb if source["kind"] == "odweb" else CatalogSheet
    fetcher = Fetcher(allowed=parse_networks("127.0.0.0/8"))
    return list(adapter(base + source["path"], mapping.load(name), fetcher).records())


@pytest.mark.parametrize("name", list(demo.places()))
def test_every_dataset_arrives_as_it_was_meant(base: str, name: str) -> None:
    meant = {d.title: d for d in demo.catalog(name)}
    records = harvested(base, name)
    assert sorted(r.title for r in records) == sorted(meant)
    for record in records:
        dataset, fields = meant[record.title], record.fields
        held = dataset.level == "unknown"
        assert bool(record.held) == held, (record.title, record.held)
        assert fields.get("open_type") == (None if held else dataset.level), record.title
        assert fields.get("share_type") == dataset.share, record.title
        basis = [(b["law"], b["article"]) for b in fields.get("open_basis", [])]
        assert basis == list(dataset.basis), record.title
        assert [i["name"] for i in fields["items"]] == [c.name for c in dataset.columns]
        assert len(record.resources) == len(dataset.files), record.title
        assert fields["data_updated"] == dataset.updated.isoformat(), record.title
        assert {"update_cycle", "theme", "industry", "notes"} <= set(fields), record.title
