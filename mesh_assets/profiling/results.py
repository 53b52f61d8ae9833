"""Where profiles are kept: `analysis/data_quality.json`, the newest of every topic, with the trend of earlier
ones."""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Topic
from mesh_assets.profiling.records import DataQuality, TopicProfile
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import LatestResult, ResultStore, StoredResult


def profile_results(store: InventoryStore) -> ResultStore[DataQuality]:
    """The store place; `get()` is None until the job `profiling` has run, and raises StoreError if it cannot be read."""
    return ResultStore(store, "data_quality", DataQuality, job="profiling")


def of_present_topics(quality: DataQuality, documents: Mapping[str, Document]) -> DataQuality:
    """Without what was sampled from topics that these clusters (by name) no longer have, also if they were recreated, or that
    belonged to another cluster of the name."""
    topics = {
        (document.cluster.id, name, topic.name): topic
        for name, document in documents.items()
        for topic in document.topics
    }
    profiles = tuple(
        one
        for one in quality.profiles
        if (topic := topics.get((one.cluster_id, one.cluster, one.topic))) is not None
        and topic.may_be(one.topic_id)
    )
    here = {(one.cluster, one.topic) for one in profiles}
    overlaps = tuple(
        one for one in quality.overlaps if {(one.cluster, one.topic), (one.cluster, one.other_topic)} <= here
    )
    return replace(quality, profiles=profiles, overlaps=overlaps)


class KnownProfiles:
    """The newest kept profiles. Safe to use from many threads."""

    def __init__(self, store: Callable[[], InventoryStore]) -> None:
        self._latest = LatestResult(lambda: profile_results(store()))

    def latest(self) -> StoredResult[DataQuality] | None:
        """None: the job `profiling` has not run yet. Raises StoreError."""
        return self._latest.get()

    def of(self, cluster_id: str, topic: Topic) -> TopicProfile | None:
        """The topic's newest profile, by the cluster's id and its own: names may have passed to others. Raises StoreError."""
        kept = self.latest()
        if kept is None:
            return None
        return next(
            (
                one
                for one in kept.result.profiles
                if (one.cluster_id, one.topic) == (cluster_id, topic.name) and topic.may_be(one.topic_id)
            ),
            None,
        )
