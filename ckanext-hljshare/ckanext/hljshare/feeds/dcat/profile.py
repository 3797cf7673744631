"""The profile ``hljshare_dcat_ap_3`` for ckanext-dcat: our feed in its actions and commands, and
our feed read back by a CKAN that has this schema.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from ckanext.dcat.profiles import EuropeanDCATAP3Profile
from rdflib import Graph, URIRef

from ckanext.hljshare.catalog import codes

from . import agencies, graph, reading
from .agencies import Agency
from .mapping import ALGORITHMS
from .terms import DCAT, DCT, EU, VCARD, telephone_words
from .vocabularies import eu_code, file_types, licence_of

_agencies: WeakKeyDictionary[Graph, dict[str, Agency]] = WeakKeyDictionary()


class HljshareDCATAP3Profile(EuropeanDCATAP3Profile):
    """DCAT-AP 3 with our own terms beside it."""

    def graph_from_dataset(self, dataset_dict: dict[str, Any], dataset_ref: URIRef) -> None:
        """Add a dataset with all it refers to; nothing of one that is withdrawn."""
        if dataset_dict.get("withdrawn_on"):
            return
        own = graph.dataset_graph(dataset_dict)
        self._add(own)
        self._add(graph.describe(graph.refs(own), self._known()))

    def graph_from_catalog(self, catalog_dict: dict[str, Any] | None, catalog_ref: URIRef) -> None:
        """Add the catalog with all it refers to."""
        modified = self._last_catalog_modification() or ""
        self._add(graph.catalog_graph(self._known(), modified=modified))

    def parse_dataset(self, dataset_dict: dict[str, Any], dataset_ref: URIRef) -> dict[str, Any]:
        """What ckanext-dcat reads, and the fields of our schema."""
        dataset_dict = super().parse_dataset(dataset_dict, dataset_ref)
        dataset_dict.update(self._fields(dataset_ref))
        for resource in dataset_dict["resources"]:
            resource.update(self._of_file(URIRef(resource["distribution_ref"]), resource))
        return dataset_dict

    def _add(self, more: Graph) -> None:
        for triple in more:
            self.g.add(triple)

    def _known(self) -> dict[str, Agency]:
        """The agencies, loaded once for all datasets of a page."""
        if self.g not in _agencies:
            _agencies[self.g] = agencies.load()
        return _agencies[self.g]

    def _fields(self, node: URIRef) -> dict[str, Any]:
        found: dict[str, Any] = dict(reading.told(self.g, node))
        for field, predicate in (
            ("open_type", DCT.accessRights),
            ("update_cycle", DCT.accrualPeriodicity),
        ):
            given = self._all(node, predicate)
            found[field] = _first(eu_code(str(value), field) for value in given)
        for field, predicate, list_id in (
            ("theme", DCAT.theme, "theme"),
            ("industry", DCAT.theme, "industry"),
            ("region_code", DCT.spatial, "region"),
        ):
            given = self._all(node, predicate)
            found[field] = _first(reading.code_of(value, list_id) for value in given)
        found["released"] = _first(str(value) for value in self._all(node, DCT.issued))
        found["data_updated"] = _first(str(value) for value in self._all(node, DCT.modified))
        named = (str(value) for value in self._all(node, DCT.identifier))
        found["resource_code"] = _first(value for value in named if codes.parse(value))
        licences = (licence_of(str(value)) for value in self._all(node, DCT.license))
        found["license_id"] = _first(item["id"] for item in licences if item)
        found["open_basis"] = reading.bases(self.g, node)
        for point in self._all(node, DCAT.contactPoint):
            found["contact_name"] = self._object_value(point, VCARD.fn)
            found["provider_inner"] = self._object_value(point, VCARD["organization-unit"])
            numbers = self._all(point, VCARD.hasTelephone)
            found["contact_phone"] = _first(telephone_words(value) for value in numbers)
        return {name: value for name, value in found.items() if value}

    def _of_file(self, node: URIRef, resource: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for value in self._all(node, DCT["format"]):
            iri = str(value)
            known = file_types().get(iri.removeprefix(f"{EU}file-type/"))
            found["format"] = known or reading.format_code(iri)
        found["data_updated"] = _first(str(value) for value in self._all(node, DCT.modified))
        algorithm = str(resource.get("hash_algorithm", "")).rpartition("_")[2]
        if algorithm in ALGORITHMS and resource.get("hash"):
            found["hash"] = f"{algorithm}:{resource['hash']}"
        return {name: value for name, value in found.items() if value}

    def _all(self, subject: Any, predicate: URIRef) -> list[Any]:
        return sorted(self.g.objects(subject, predicate), key=str)


def _first(values: Any) -> Any:
    return next((value for value in values if value), None)
