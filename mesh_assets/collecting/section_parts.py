"""The sections `brokers`, `access` and `transactions`, read part by part, each part needing its own right, alongside the rest."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from mesh_assets.collecting.phases import Phases, cost_of, requests_about
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.parts import failed_parts
from mesh_assets.inventory.sections import (
    AccessSection,
    BrokersSection,
    Section,
    SectionState,
    TransactionsSection,
)
from mesh_assets.joining.parts import settle_parts
from mesh_assets.platforms.kafka import KafkaReader


class CollectParts(Protocol):
    """One of the functions below."""

    def __call__(
        self, kafka: KafkaReader, cluster_id: str, previous: Document | None, phases: Phases
    ) -> Section: ...


def collect_brokers(
    kafka: KafkaReader, cluster_id: str, previous: Document | None, phases: Phases
) -> BrokersSection:
    """Raises PlatformError if even the brokers could not be listed."""
    now = datetime.now(UTC)
    with phases.phase("kafka brokers"):
        reading = kafka.brokers()
    section = BrokersSection(
        cluster_id=cluster_id,
        state=SectionState(status="fresh", collected_at=now, stale_sources=failed_parts(reading.unread)),
        records=reading.brokers,
        cost=cost_of(
            phases.seconds("kafka brokers"), kafka_requests=requests_about("brokers", kafka.requests)
        ),
    )
    return settle_parts(section, previous)


def collect_access(
    kafka: KafkaReader, cluster_id: str, previous: Document | None, phases: Phases
) -> AccessSection:
    """Raises PlatformError if nobody answers."""
    now = datetime.now(UTC)
    with phases.phase("kafka access"):
        reading = kafka.access()
    section = AccessSection(
        cluster_id=cluster_id,
        state=SectionState(status="fresh", collected_at=now, stale_sources=failed_parts(reading.unread)),
        records=reading.access,
        cost=cost_of(phases.seconds("kafka access"), kafka_requests=requests_about("access", kafka.requests)),
    )
    return settle_parts(section, previous)


def collect_transactions(
    kafka: KafkaReader,
    cluster_id: str,
    previous: Document | None,
    phases: Phases,
    *,
    selects: Callable[[str], bool],
) -> TransactionsSection:
    """`selects`: the topics whose producers are asked for. Raises PlatformError if nobody answers."""
    now = datetime.now(UTC)
    with phases.phase("kafka transactions"):
        reading = kafka.transactions(selects)
    section = TransactionsSection(
        cluster_id=cluster_id,
        state=SectionState(status="fresh", collected_at=now, stale_sources=failed_parts(reading.unread)),
        records=reading.transactions,
        cost=cost_of(
            phases.seconds("kafka transactions"),
            kafka_requests=requests_about("transactions", kafka.requests),
        ),
    )
    return settle_parts(section, previous)
