from pathlib import Path

import pytest

from mesh_assets_tests.platforms.schema_registry.fakes import Apicurio, a_schema
from mesh_assets_tests.sensing.estate import (
    Estate,
    FakeCluster,
    Kafka,
    Worker,
)


@pytest.fixture
def warehouse() -> FakeCluster:
    """Two topics, two connectors, two subjects; its registry has no bulk list."""
    return FakeCluster(
        kafka=Kafka(topics={"orders": [10, 10], "users": [10]}),
        worker=Worker({"orders-sink": "RUNNING RUNNING", "users-sink": "RUNNING RUNNING RUNNING"}),
        registry=Apicurio(
            schemas=[a_schema("orders-value", schema_id=1), a_schema("users-value", schema_id=2)]
        ),
    )


@pytest.fixture
def estate(tmp_path: Path, warehouse: FakeCluster) -> Estate:
    """The warehouse, discovered once."""
    estate = Estate(tmp_path, warehouse)
    estate.discover()
    return estate
