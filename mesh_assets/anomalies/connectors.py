"""Connectors that run but move nothing.

Connect does not say how much a connector moves; Kafka's offsets do:

a sink's in what its consumer group commits, a source's in its topics.
"""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from mesh_assets.anomalies.anomaly import Anomaly, usually
from mesh_assets.anomalies.series import LONGER_PAUSE, silent_run
from mesh_assets.anomalies.statistics import UsualRate
from mesh_assets.inventory.links import sink_group
from mesh_assets.inventory.records import Connector
from mesh_assets.inventory.wording import duration, figure
from mesh_assets.readings.reading import resource_of
from mesh_assets.readings.window import Cadence, Window


class ConnectorLink(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A connector and what shows its throughput. `group`: a sink's consumer group; None for a source."""

    name: str
    connect: str
    topics: tuple[str, ...]
    group: str | None

    @property
    def key(self) -> str:
        """The name with its endpoint: names are unique only there."""
        return f"{self.connect}/{self.name}"


def connector_links(connectors: Iterable[Connector]) -> list[ConnectorLink]:
    """The links of connectors whose topics are known."""
    return [
        ConnectorLink(
            name=connector.name,
            connect=connector.connect,
            topics=tuple(topic.name for topic in connector.topics),
            group=sink_group(connector),
        )
        for connector in connectors
        if connector.topics and connector.type in ("sink", "source")
    ]


class ConnectorRules:
    """Judges connectors by the series of their groups and topics.

    `silent_topics`: those whose silence is an open anomaly.
    """

    def __init__(self, window: Window, cadence: Cadence, *, silent_topics: Mapping[str, Anomaly]) -> None:
        self._window = window
        self._cadence = cadence
        self._silent_topics = silent_topics
        self._topics = {resource_of(series): column for series, column in window.ends.items()}
        # The newest of a group's series: its first commit on a partition starts a new one.
        self._groups = {
            resource_of(series): column for series, column in window.commits.items() if column[-1] is not None
        }

    def begins(self, link: ConnectorLink, usual: UsualRate | None) -> Anomaly | None:
        """The anomaly, whether or not the connector runs: asking costs a request and is rarely needed."""
        return self._source(link) if link.group is None else self._sink(link, usual)

    def is_over(self, link: ConnectorLink) -> bool:
        if link.group is None:
            return not self._all_silent(link.topics)
        column = self._groups.get(link.group)
        steps = [] if column is None else self._window.newest_steps(column, self._cadence.returned_readings)
        return len(steps) == self._cadence.returned_readings and all(step.records > 0 for step in steps)

    def _source(self, link: ConnectorLink) -> Anomaly | None:
        if not self._all_silent(link.topics):
            return None
        longest = min(
            (self._silent_topics[topic] for topic in link.topics), key=lambda anomaly: anomaly.began_at
        )
        lasting = duration(self._window.times[-1] - longest.began_at.timestamp())
        topics = link.topics[0] if len(link.topics) == 1 else f"its {len(link.topics)} topics"
        return Anomaly(
            kind="connector_without_throughput",
            resource=link.name,
            series=link.key,
            began_at=longest.began_at,
            noticed_at=self._window.newest_at,
            sentence=f"{link.name}: RUNNING, but no record in {topics} for {lasting} ({longest.sentence})",
        )

    def _all_silent(self, topics: Collection[str]) -> bool:
        return all(topic in self._silent_topics for topic in topics)

    def _sink(self, link: ConnectorLink, usual: UsualRate | None) -> Anomaly | None:
        column = self._groups.get(link.group or "")
        if column is None or usual is None or not usual.steady:
            return None
        run = silent_run(self._window, column)
        if len(run) < self._cadence.silent_readings or len(run) <= LONGER_PAUSE * usual.longest_pause:
            return None
        seconds = sum(step.seconds for step in run)
        arrived = self._arrived(link.topics, len(run))
        if seconds < self._cadence.silent_seconds or arrived < self._cadence.expected_records:
            return None  # while its topics are quiet, the sink has nothing to read
        return Anomaly(
            kind="connector_without_throughput",
            resource=link.name,
            series=link.key,
            began_at=self._window.moment_before(len(run)),
            noticed_at=self._window.newest_at,
            sentence=f"{link.name}: RUNNING, but nothing read for {duration(seconds)} while {figure(arrived)} records arrived, "
            f"{usually(usual, unit=' records/s')}",
        )

    def _arrived(self, topics: Collection[str], steps: int) -> int:
        columns = [self._topics[topic] for topic in topics if topic in self._topics]
        return sum(step.records for column in columns for step in self._window.newest_steps(column, steps))
