"""What the inventory measured of each topic that costs something, and what that costs at the estate's prices."""

from collections.abc import Iterator

from msgspec.structs import replace

from mesh_assets.costs.records import HOURS_A_MONTH
from mesh_assets.estate.costs import ClusterPrices, Driver
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Connector, Record, Topic, TopicRate

_RATES: tuple[Driver, ...] = ("bytes_in_per_second", "bytes_out_per_second")
_GIB = 2**30
_SECONDS_A_MONTH = HOURS_A_MONTH * 3_600
_UNITS: dict[Driver, float] = {
    "bytes_in_per_second": _SECONDS_A_MONTH / _GIB,
    "bytes_out_per_second": _SECONDS_A_MONTH / _GIB,
    "retained_bytes": 1 / _GIB,
    "replica_bytes": 1 / _GIB,
    "partitions": HOURS_A_MONTH,
    "connector_tasks": HOURS_A_MONTH,
}
"""How many priced units one unit of the driver amounts to in a month."""


class Measure(Record, frozen=True, kw_only=True):
    """How much of one driver a topic uses; for connectors' tasks, one for each connector, which is then named. `topic` None:
    a connector that uses no topic of the document. `value` None: not known, for the `reason`."""

    cluster: str
    topic: str | None
    driver: Driver
    value: float | None
    reason: str | None = None
    connector: str | None = None
    connect: str | None = None


def measure(document: Document) -> Iterator[Measure]:
    """Every driver of every topic.

    The tasks of a connector are spread evenly over the topics that it uses: Connect does not say which task works on which
    topic.
    """
    cluster = document.cluster.name
    rates = {rate.topic: rate for rate in document.metrics.topics} if document.metrics else {}
    no_rates = _why_no_rates(document)
    for topic in document.topics:
        rate = rates.get(topic.name)
        for driver in _RATES:
            value = None if rate is None else getattr(rate, driver)
            yield _measure(cluster, topic.name, driver, value, no_rates)
        yield from _on_disk(document, topic, rate)
        yield _measure(
            cluster,
            topic.name,
            "partitions",
            topic.details.partitions or None,
            topic.error or "its partitions could not be read",
        )
    yield from _tasks(document)


def _measure(cluster: str, topic: str | None, driver: Driver, value: float | None, reason: str) -> Measure:
    return Measure(
        cluster=cluster,
        topic=topic,
        driver=driver,
        value=None if value is None else float(value),
        reason=reason if value is None else None,
    )


def _on_disk(document: Document, topic: Topic, rate: TopicRate | None) -> Iterator[Measure]:
    storage = topic.storage
    once = None if storage is None else storage.leader_bytes
    if once is None and rate is not None:
        once = rate.retained_bytes
    copies = None if storage is None else storage.replica_bytes
    reason = (
        document.topics_unknown.get("log_directories") or "no source of the cluster reports bytes on disk"
    )
    yield _measure(document.cluster.name, topic.name, "retained_bytes", once, reason)
    yield _measure(document.cluster.name, topic.name, "replica_bytes", copies, reason)


def _why_no_rates(document: Document) -> str:
    if document.metrics is None:
        state = document.state("metrics")
        return f"metrics: {state.error or 'the estate configures no source'}"
    errors = document.metrics.errors
    return errors[0] if errors else f"{document.metrics.source} reports no bytes for the topic"


def _tasks(document: Document) -> Iterator[Measure]:
    """The tasks of each connector, spread over its topics; 0 for a topic that no connector uses."""
    cluster = document.cluster.name
    state = document.state("connectors")
    if state.status == "stale" and state.collected_at is None:
        reason = f"connectors: {state.error or 'never read'}"
        for topic in document.topics:
            yield _measure(cluster, topic.name, "connector_tasks", None, reason)
        return
    known = {topic.name for topic in document.topics}
    used: set[str] = set()
    for connector in document.connectors:
        topics = sorted({one.name for one in connector.topics} & known)
        used.update(name for name in topics if name is not None)
        value, reason = _number_of_tasks(connector)
        for name in topics or (None,):
            share = None if value is None else value / max(1, len(topics))
            made = _measure(cluster, name, "connector_tasks", share, reason)
            yield replace(made, connector=connector.name, connect=connector.connect)
    for topic in document.topics:
        if topic.name not in used:
            yield _measure(cluster, topic.name, "connector_tasks", 0, "")


def _number_of_tasks(connector: Connector) -> tuple[int | None, str]:
    if connector.tasks:
        return len(connector.tasks), ""
    if connector.error is not None:
        return None, f"connector {connector.name}: {connector.error}"
    if (connector.id or "").startswith("arn:"):
        return None, f"MSK Connect reports no tasks for {connector.name}"
    return 0, ""


def monthly_cost(prices: ClusterPrices | None, driver: Driver, value: float | None) -> float | None:
    """None: the driver has no price there, or its value is not known."""
    price = None if prices is None else prices.by_driver.get(driver)
    return None if price is None or value is None else price * value * _UNITS[driver]
