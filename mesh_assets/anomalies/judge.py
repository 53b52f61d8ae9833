"""Judges a cluster: which anomalies begin and which are over, given the newest readings, what is usual, and
what is open.
"""

from collections.abc import Callable

from msgspec.structs import replace

from mesh_assets.anomalies.anomaly import Anomalies, Anomaly
from mesh_assets.anomalies.connectors import ConnectorRules
from mesh_assets.anomalies.series import LagRule, TopicRules
from mesh_assets.anomalies.usual import Usuals
from mesh_assets.estate.monitoring import AnomalyThresholds
from mesh_assets.readings.reading import Reading, resource_of
from mesh_assets.readings.window import Cadence, Window

Running = Callable[[], frozenset[str] | None]
"""Asks Connect which connectors run with all their tasks, by `ConnectorLink.key`; None when Connect cannot be
asked.
"""


class Judgement:
    """Collects what has `begun` and `ended` at one moment."""

    def __init__(
        self,
        reading: Reading,
        window: Window,
        usuals: Usuals,
        anomalies: Anomalies,
        *,
        cadence: Cadence,
        thresholds: AnomalyThresholds,
    ) -> None:
        self._reading = reading
        self._window = window
        self._usuals = usuals
        self._cadence = cadence
        self._open = {anomaly.key: anomaly for anomaly in anomalies.open}
        self._topic_rules = TopicRules(window, cadence, thresholds)
        self._lag_rule = LagRule(window, cadence, thresholds)
        self.begun: list[Anomaly] = []
        self.ended: list[Anomaly] = []

    def judge(self, running: Running) -> None:
        self._topics()
        self._groups()
        self._connectors(running)

    def _topics(self) -> None:
        usuals = self._usuals.topics
        for series, column in self._window.ends.items():
            usual = usuals.get(series)
            begins = None if usual is None else self._topic_rules.begins(series, column, usual)
            if begins is None or (begins.kind, series) in self._open:
                continue
            # A trickle during a silence is not a separate drop.
            if begins.kind != "rate_drop" or ("topic_silent", series) not in self._open:
                self.begun.append(begins)
        read = {resource_of(series) for series in self._reading.ends} if self._open else set()
        for anomaly in self._open.values():
            match anomaly.kind:
                case "topic_silent" | "rate_spike" | "rate_drop" as kind:
                    column = self._window.ends.get(anomaly.series, [None])
                    # A topic deleted and recreated ends its old series; one that could not be read leaves
                    # it open.
                    if (
                        anomaly.resource not in self._reading.topics
                        or (anomaly.series not in self._reading.ends and anomaly.resource in read)
                        or self._topic_rules.is_over(kind, column, usuals.get(anomaly.series))
                    ):
                        self._end(anomaly)

    def _groups(self) -> None:
        usuals = self._usuals.lags
        for group, column in self._window.lags.items():
            usual = usuals.get(group)
            begins = None if usual is None else self._lag_rule.begins(group, column, usual)
            if begins is not None and (begins.kind, group) not in self._open:
                self.begun.append(begins)
        for anomaly in self._open.values():
            if anomaly.kind == "lag_growing":
                group = anomaly.resource
                gone = group not in self._reading.groups and group not in self._reading.unlisted
                if gone or self._lag_rule.is_over(
                    self._window.lags.get(anomaly.series, [None]), usuals.get(anomaly.series)
                ):
                    self._end(anomaly)

    def _connectors(self, running: Running) -> None:
        over = {anomaly.key for anomaly in self.ended}
        silent = {
            a.resource: a
            for a in (*self._open.values(), *self.begun)
            if a.kind == "topic_silent" and a.key not in over
        }
        rules = ConnectorRules(self._window, self._cadence, silent_topics=silent)
        links = {link.key: link for link in self._usuals.connectors}
        open_ = [anomaly for anomaly in self._open.values() if anomaly.kind == "connector_without_throughput"]
        known = {anomaly.series for anomaly in open_}
        suspects = [
            anomaly
            for link in links.values()
            if link.key not in known
            and (anomaly := rules.begins(link, self._usuals.commits.get(link.group or ""))) is not None
        ]
        if not suspects and not open_:
            return
        active = running()
        if active is None:
            return
        self.begun += [anomaly for anomaly in suspects if anomaly.series in active]
        for anomaly in open_:
            link = links.get(anomaly.series)
            # A connector that was paused or has failed is reported by other means.
            if link is None or link.key not in active or rules.is_over(link):
                self._end(anomaly)

    def _end(self, anomaly: Anomaly) -> None:
        self.ended.append(replace(anomaly, ended_at=self._reading.read_at))
