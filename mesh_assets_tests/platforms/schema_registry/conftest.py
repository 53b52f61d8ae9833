"""The sandbox's registry, as far as these tests need it."""

from collections.abc import Iterator

import pytest

from mesh_assets.estate.connections import SchemaRegistryConnection
from mesh_assets.platforms.schema_registry import SchemaRegistryClient
from mesh_assets.sandbox.servers import Endpoints


@pytest.fixture
def registry_url(endpoints: Endpoints) -> str:
    return endpoints.registry_url


@pytest.fixture
def registry(registry_url: str) -> Iterator[SchemaRegistryClient]:
    with SchemaRegistryClient(SchemaRegistryConnection(url=registry_url)) as client:
        yield client
