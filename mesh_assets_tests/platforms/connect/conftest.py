"""The sandbox's Connect worker, as far as these tests need it."""

from collections.abc import Iterator

import pytest

from mesh_assets.estate.connections import KafkaConnectEndpoint
from mesh_assets.platforms.connect.kafka_connect import KafkaConnectClient
from mesh_assets.sandbox.servers import Endpoints


@pytest.fixture
def connect_url(endpoints: Endpoints) -> str:
    return endpoints.connect_url


@pytest.fixture
def connect(connect_url: str) -> Iterator[KafkaConnectClient]:
    with KafkaConnectClient(KafkaConnectEndpoint(kind="kafka_connect", url=connect_url)) as client:
        yield client
