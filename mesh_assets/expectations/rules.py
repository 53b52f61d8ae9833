"""Which rules apply to a topic, and the results for all topics as their samples pass by."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from mesh_assets.estate.policy import Policy
from mesh_assets.expectations.judging import Rule, judge
from mesh_assets.expectations.records import ExpectationResult, Expectations, expectation_results
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import DocumentRead

if TYPE_CHECKING:
    import pandas as pd

RulesOf = Callable[[str, str], Iterable[Rule]]
"""Cluster and topic → the rules about it."""


class Sampled(Protocol):
    """What is needed from a topic's sample."""

    @property
    def cluster(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def topic_id(self) -> str | None: ...
    @property
    def taken_at(self) -> datetime: ...
    @property
    def frame(self) -> "Callable[[], pd.DataFrame]": ...


def policy_rules(policy: Policy, cluster: str, topic: str) -> tuple[Rule, ...]:
    """Those of the policy's expectations that select the topic."""
    return tuple(
        Rule(one.name, one, one.level, "policy") for one in policy.expectations if one.selects(cluster, topic)
    )


class Judging:
    """Judges every sample it is called with, while the sample is in memory, and collects the results.

    `has_newest`: whether samples reach the end of their topics, as samples of the newest records do.
    """

    def __init__(
        self,
        rules_of: RulesOf,
        *,
        has_newest: bool = True,
    ) -> None:
        self._rules_of = rules_of
        self._has_newest = has_newest
        self._results: list[ExpectationResult] = []

    def __call__(self, sample: Sampled) -> None:
        rules = tuple(self._rules_of(sample.cluster, sample.topic))
        if rules:
            judged = judge(
                sample.topic,
                sample.frame(),
                rules,
                cluster=sample.cluster,
                now=sample.taken_at,
                has_newest=self._has_newest,
            )
            self._results += [replace(one, topic_id=sample.topic_id) for one in judged]

    def expectations(self) -> Expectations:
        """By cluster, topic and rule."""
        return Expectations(
            results=tuple(sorted(self._results, key=lambda one: (one.cluster, one.topic, one.rule)))
        )

    def unjudged(self, policy: Policy, failed: Iterable[tuple[str, str, str]]) -> Iterator[str]:
        """A sentence for all that somebody expects and no sample was judged by. `failed`: cluster, name and reason of topics
        that could not be sampled."""
        judged = {(one.cluster, one.topic) for one in self._results}
        met = {one.rule for one in self._results if one.origin == "policy"}
        for cluster, topic, why in failed:
            names = [one.name for one in self._rules_of(cluster, topic)]
            met.update(names)
            if names and (cluster, topic) not in judged:
                yield f"{cluster}: {topic}: not judged by {', '.join(names)}: {why}"
        for one in policy.expectations:
            if one.name not in met:
                yield (
                    f"{one.name} of the policy: selects no topic that was sampled; see whether its patterns are right and "
                    "allow_message_reading includes the topics"
                )

    def keep(self, store: InventoryStore, documents: Iterable[DocumentRead], *, made_at: datetime) -> str:
        """Keeps the results in place of the previous ones; their location, for people. Raises StoreError."""
        return expectation_results(store).put(self.expectations(), documents=documents, made_at=made_at)
