"""Which parts of the clusters become series: kinds of things, patterns of names, and how many at most."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeVar

from msgspec import field

from mesh_assets.estate.fields import NamePatterns
from mesh_assets.inventory.records import Record
from mesh_assets.service.families import USUAL, Series

T = TypeVar("T")
Reason = Literal["not_chosen", "pattern", "limit"]

MOST = 10_000
"""Things of a kind in one cluster. Prometheus handles millions of series, and a cluster of 9,000 topics
yields 140,000."""


class Selection(Record, frozen=True, kw_only=True):
    """`topics` and `consumer_groups` select by name, including the series of a group on a topic and of
    partitions. `most`: things of a kind in each cluster; beyond that, the first by name stay, so that series
    do not come and go."""

    series: tuple[Series, ...] = USUAL
    topics: NamePatterns = field(default_factory=NamePatterns)
    consumer_groups: NamePatterns = field(default_factory=NamePatterns)
    most: int = MOST


class LeftOut:
    """For one cluster: counts what the selection leaves out, and iterates over the rest."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self.counts: dict[tuple[Series, Reason], int] = {}

    def wants(self, series: Series) -> bool:
        return series in self._selection.series

    def chosen(
        self, series: Series, things: Sequence[T], selects: Callable[[T], bool] | None = None
    ) -> Iterator[T]:
        """Those that become series. `things`: by name. `selects` None: all."""
        if not self.wants(series):
            self.left(series, "not_chosen", len(things))
            return
        matching = things if selects is None else [one for one in things if selects(one)]
        self.left(series, "pattern", len(things) - len(matching))
        self.left(series, "limit", len(matching) - self._selection.most)
        yield from matching[: self._selection.most]

    def left(self, series: Series, reason: Reason, count: int) -> None:
        if count > 0:
            self.counts[series, reason] = self.counts.get((series, reason), 0) + count

    def topic(self, name: str) -> bool:
        return self._selection.topics.selects(name)

    def group(self, group_id: str) -> bool:
        return self._selection.consumer_groups.selects(group_id)
