"""A store that a discovery has filled, and an instance of Dagster in memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import TopicSchema
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import a_connector, a_document, a_group, a_schema, a_topic
from mesh_assets_tests.published import publish

ORDER = """{"type": "object", "owner": "payments", "domain": "Money & shops", "description": "One line of a shop's order.",
"required": ["id"], "properties": {"id": {"type": "integer", "description": "Of the shop"}, "email": {"type": "string"}}}"""


def a_shop(**fields: Any) -> Document:
    """Orders, which a sink and a group read."""
    return a_document(
        topics=(
            a_topic("orders", schema=TopicSchema(value_subjects=("orders-value",))),
            a_topic("refunds", partitions=3),
        ),
        schemas=(a_schema("orders-value", definition=ORDER),),
        connectors=(a_connector("orders-sink"),),
        consumer_groups=(a_group("fraud-detection"),),
        **fields,
    )


@pytest.fixture
def location(tmp_path: Path) -> str:
    return str(tmp_path / "store")


@pytest.fixture
def store(location: str) -> InventoryStore:
    """It holds `a_shop`."""
    store = InventoryStore(open_store(location))
    publish(store, a_shop())
    return store


@pytest.fixture(scope="package")
def _one_instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def instance(_one_instance: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """Without runs and events."""
    yield _one_instance
    _one_instance.wipe()
