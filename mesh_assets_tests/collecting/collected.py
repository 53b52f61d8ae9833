"""A collection from fakes, with a clock that is moved."""

import httpx

from mesh_assets.collecting.sections import collect_sections
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import SECTION_NAMES, Section, SectionName
from mesh_assets_tests.collecting.cluster_fakes import FakeCloudConnect, FakeKafka, a_cluster, opened
from mesh_assets_tests.platforms.schema_registry.fakes import Confluent


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
    registry: Confluent | None = None,
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
