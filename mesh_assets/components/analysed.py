"""The results of the job `analysis` that the component's state uses: lineage, domains, usual gaps.

If a result is missing or damaged, only its information is missing; no asset is.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from mesh_assets.analysis.graph import LineageGraph
from mesh_assets.answering.estate_lineage import lineage_results
from mesh_assets.errors import DamagedError
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Topic
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import estate_graph
from mesh_assets.readings.reading import series_name
from mesh_assets.readings.usual_gaps import EstateGaps
from mesh_assets.relationships.records import Domains
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import LatestDocuments, ResultStore, StoredResult, holds_for

_GAPS_SECONDS = (
    900,
    1_800,
    3_600,
    7_200,
    14_400,
    28_800,
    43_200,
    86_400,
    172_800,
    345_600,
    604_800,
    1_209_600,
)
"""A quarter of an hour to the two weeks that readings are kept."""
T = TypeVar("T")
logger = logging.getLogger(__name__)


def known_graph(store: InventoryStore, latest: LatestDocuments) -> LineageGraph | None:
    """The lineage that `analysis` kept, if it was derived from these documents or from earlier ones that say the same, else
    None. It includes event source mappings, Flink statements, ksqlDB queries and broker addresses, which no document has. Raises
    StoreError."""
    kept = _kept(lineage_results(store))
    if kept is None:
        return None
    read = {one.cluster: one for one in kept.documents}
    same = (holds_for(store, read.get(name), document) for name, document in latest.documents.items())
    return kept.result if all(same) else None


def document_graph(documents: Iterable[Document]) -> LineageGraph:
    """As far as the documents show."""
    return estate_graph([ClusterFacts(document=document) for document in documents])


def known_domains(store: InventoryStore) -> Mapping[tuple[str, str], str]:
    """By cluster and topic; where there is none, what a schema itself says counts. Raises StoreError."""
    kept = _kept(ResultStore(store, "domains", Domains))
    return (
        {}
        if kept is None
        else {
            (domain.cluster, one.topic): domain.name
            for domain in kept.result.domains
            for one in domain.topics
        }
    )


def known_gaps(store: InventoryStore) -> Callable[[str, Topic], int | None]:
    """By cluster id and topic: the longest usual gap between records, in seconds, rounded up to one of a few figures, so
    that the component's state rarely changes. None: not known. Raises StoreError."""
    kept = _kept(ResultStore(store, "usual_gaps", EstateGaps))
    clusters = {} if kept is None else kept.result.clusters

    def gap(cluster_id: str, topic: Topic) -> int | None:
        found = clusters.get(cluster_id, {}).get(series_name(topic.name, topic.id or ""))
        return None if found is None else rounded(found.longest_seconds)

    return gap


def rounded(seconds: float) -> int:
    """Rounds up to the next of a few figures."""
    return next((one for one in _GAPS_SECONDS if seconds <= one), _GAPS_SECONDS[-1])


def _kept(results: ResultStore[T]) -> StoredResult[T] | None:
    try:
        return results.get()
    except DamagedError as error:
        logger.warning("assets lack what this result would show: %s", error)
        return None
