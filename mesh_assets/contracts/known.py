"""The present estate, as far as contracts are checked against it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from mesh_assets.analysis.field_walk import SchemaField
from mesh_assets.expectations.records import ExpectationResult
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Record, Topic


class TopicNow(Record, frozen=True, kw_only=True):
    """An existing topic.

    `fields`: those of its schema, else those that a profile `inferred`; `unread`: why they are not known. `owner` None:
    nobody names one; `owner_unread`: why that is not known. `newest_at`: when the newest record in the sample taken at
    `sampled_at` was written.
    """

    cluster: str
    topic: Topic
    fields: tuple[SchemaField, ...] = ()
    inferred: bool = False
    unread: str | None = None
    owner: str | None = None
    owner_unread: str | None = None
    records_in_per_second: float | None = None
    newest_at: datetime | None = None
    sampled_at: datetime | None = None
    results: tuple[ExpectationResult, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.cluster}/{self.topic.name}"


class Estate(Record, frozen=True, kw_only=True):
    """`topics`: by cluster and name. `unread`: cluster → why its topics are not known, or not all of them."""

    topics: Mapping[tuple[str, str], TopicNow]
    unread: Mapping[str, str]
    clusters: tuple[str, ...]

    def places(self, topic: str, cluster: str | None) -> Sequence[TopicNow] | str:
        """Where the topic is: on `cluster`, or on any if None. Text: why that is unknown, which is possible only if it is
        seen nowhere."""
        among = self.clusters if cluster is None else (cluster,)
        found = [self.topics[name, topic] for name in among if (name, topic) in self.topics]
        if found:
            return found
        unread = [f"{name}: {self.unread[name]}" for name in among if name in self.unread]
        return f"it is not known whether it exists: {'; '.join(unread)}" if unread else ()


def topics_unread(document: Document) -> str | None:
    """Why a topic that a document lacks may still exist; None: it is gone."""
    state = document.sections.get("topics")
    if state is None or state.status == "not_configured":
        return "the estate configures no source for topics"
    if state.status == "stale":
        return f"topics are not current: {state.error}"
    return None if state.error is None else f"topics were not read completely: {state.error}"
