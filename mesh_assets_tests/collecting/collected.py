"""A collection from fakes, with an adjustable clock."""

import httpx

from mesh_assets.collecting.sections import collect_sections
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import SECTION_NAMES, ConnectorsSection, Section, SectionName
from mesh_assets.platforms.kafka import CommittedPartition, ConsumerGroup
from mesh_assets_tests.collecting.cluster_fakes import FakeCloudConnect, FakeKafka, a_cluster, opened
from mesh_assets_tests.platforms.schema_registry.fakes import FakeRegistry

FIRST = "connect-0.test:8083"
"""The first worker, unless named otherwise."""


class Slept:
    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def collect(
    kafka: FakeKafka,
    *,
    previous: Document | None = None,
    wanted: tuple[SectionName, ...] = SECTION_NAMES,
    registry: FakeRegistry | None = None,
    workers: tuple[httpx.MockTransport, ...] = (),
    cloud: FakeCloudConnect | None = None,
    **cluster: object,
) -> dict[SectionName, Section]:
    clients = opened(
        kafka, registry=None if registry is None else registry.client(), workers=workers, cloud=cloud
    )
    return collect_sections(
        a_cluster(**cluster), wanted, previous=lambda _: previous, clients=clients, sleep=Slept()
    )


def connectors(*workers: httpx.MockTransport, previous: Document | None = None) -> ConnectorsSection:
    section = collect(FakeKafka(), workers=workers, previous=previous, wanted=("connectors",))["connectors"]
    assert isinstance(section, ConnectorsSection)
    return section


def a_kafka_group(*committed: int | None, topic: str = "orders", group_id: str = "billing") -> ConsumerGroup:
    """Its commits on the first partitions of `topic`."""
    return ConsumerGroup(
        group_id=group_id,
        type="classic",
        protocol_type="consumer",
        state="Empty",
        coordinator=1,
        members=(),
        offsets=tuple(
            CommittedPartition(topic=topic, partition=number, committed=offset)
            for number, offset in enumerate(committed)
        ),
    )
