"""Search documents of many datasets, as CKAN's own index makes them, sent in one request."""

from __future__ import annotations

import logging
import types
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import ckan.lib.search.index as search_index
import ckan.plugins as p
import pysolr
import sqlalchemy as sa
from ckan import model
from ckan.lib.search import SearchIndexError
from ckan.lib.search.common import make_connection
from ckanext.harvest.model import HarvestObject
from ckanext.harvest.plugin import Harvest

from ckanext.hljshare.catalog.batch_validation import with_globals

log = logging.getLogger(__name__)


def post(documents: list[dict[str, Any]], connection: pysolr.Solr | None = None) -> None:
    """Send documents to the search engine in one request, uncommitted.

    One that it refuses is left out, and logged: it must not keep the others from being found.

    :raises SearchIndexError: it cannot be reached, or is ill
    """
    if not documents:
        return
    connection = connection or make_connection()
    try:
        connection.add(docs=documents, commit=False)
    except pysolr.SolrError as error:
        if "HTTP 400" not in str(error):
            raise SearchIndexError(f"Solr: {str(error)[:1000]}") from error
        if len(documents) == 1:
            told = documents[0]["id"]
            log.error("Solr refuses the document of dataset %s", told)  # noqa: TRY400
            return
        for document in documents:
            post([document], connection)
    except OSError as error:
        raise SearchIndexError(f"Solr: {str(error)[:1000]}") from error


class Sender:
    """Sends documents while its owner goes on with the next group; one request at a time."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "hljshare-index")
        self._sent: Future[None] | None = None

    def send(self, documents: list[dict[str, Any]]) -> None:
        """Have documents sent. Waits for those before, and raises what became of them."""
        self.wait()
        # The connection is made here: CKAN's configuration belongs to the thread of its site.
        self._sent = self._thread.submit(post, documents, make_connection())

    def wait(self) -> None:
        """Return when all has arrived.

        :raises SearchIndexError: it has not
        """
        sent, self._sent = self._sent, None
        if sent:
            sent.result()

    def close(self) -> None:
        """End the thread, whatever became of what was sent."""
        self._thread.shutdown()


def commit() -> None:
    """Make visible what has been sent."""
    make_connection().commit(waitSearcher=True)


def collecting(
    documents: list[dict[str, Any]], harvested: Mapping[str, HarvestObject]
) -> Callable[[dict[str, Any]], None]:
    """CKAN's own index_package, with a connection that only collects.

    A copy of the function with other globals: no line of it is repeated here, and other threads go
    on with the real connection.
    """

    class Collector:
        url = ""

        def add(self, docs: list[dict[str, Any]], commit: bool) -> None:
            documents.extend(docs)

    def implementations(interface: Any) -> Iterable[Any]:
        for item in p.PluginImplementations(interface):
            yield _AnsweredHarvest(item, harvested) if isinstance(item, Harvest) else item

    index_package = with_globals(
        search_index.PackageSearchIndex.index_package,
        make_connection=Collector,
        PluginImplementations=implementations,
    )
    index = search_index.PackageSearchIndex()

    def collect(dataset: dict[str, Any]) -> None:
        index_package(index, dataset)

    return collect


class _AnsweredHarvest:
    """ckanext-harvest's index hook, its question per dataset answered for the whole batch."""

    def __init__(self, plugin: Harvest, harvested: Mapping[str, HarvestObject]) -> None:
        self._plugin, self._harvested, self._dataset = plugin, harvested, ""
        session = types.SimpleNamespace(query=self._chain)
        self._hook = with_globals(
            Harvest.before_dataset_index, model=types.SimpleNamespace(Session=session)
        )

    def before_dataset_index(self, document: dict[str, Any]) -> dict[str, Any]:
        """As the plugin's own."""
        self._dataset = document["id"]
        found: dict[str, Any] = self._hook(self._plugin, document)
        return found

    def _chain(self, *_asked: Any) -> _AnsweredHarvest:
        return self

    filter = order_by = _chain

    def first(self) -> HarvestObject | None:
        """The answer to the one query the hook makes."""
        return self._harvested.get(self._dataset)


def harvest_objects(dataset_ids: list[str]) -> dict[str, HarvestObject]:
    """The current harvest object of each dataset that has one."""
    found = model.Session.scalars(
        sa.select(HarvestObject)
        .where(HarvestObject.package_id.in_(dataset_ids), HarvestObject.current.is_(True))
        .order_by(HarvestObject.import_finished.asc().nulls_last())
    )
    return {item.package_id: item for item in found}
