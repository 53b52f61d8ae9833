"""The publisher gets ready while the cluster is read, but not before it is certain which cluster that is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from mesh_assets.discovering.discovery import discover_cluster
from mesh_assets.errors import ConflictError, EstateError, PublishError, UnreachableError
from mesh_assets.estate.file import parse_estate
from mesh_assets.inventory.changes import Trigger
from mesh_assets.snapshot.ahead import PublisherAhead
from mesh_assets.snapshot.publisher import KafkaPublisher
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.snapshot.on_brokers import IDS
from mesh_assets_tests.snapshot.world import CLUSTER_ID

ESTATE = parse_estate('clusters: {warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}}', source="estate")
MANUAL = Trigger(type="manual")


@pytest.fixture
def store(tmp_path: Path) -> InventoryStore:
    found = InventoryStore(open_store(str(tmp_path)))
    found.note_newest(CLUSTER_ID, None, sequence=1)  # or Kafka would be asked
    return found


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has happened to the publisher."""
    life: list[str] = []

    class Recorded:
        def prepare_ahead(self, *_: Any, cluster_id: str, **__: Any) -> None:
            life.append(f"gets ready for {cluster_id}")

    @contextmanager
    def opening(*_: Any) -> Iterator[Recorded]:
        try:
            yield Recorded()
        finally:
            life.append("closed")

    monkeypatch.setattr("mesh_assets.snapshot.ahead.open_publisher", opening)
    return life


def collects(monkeypatch: pytest.MonkeyPatch, reads: Callable[..., Any]) -> None:
    monkeypatch.setattr("mesh_assets.discovering.discovery.collect_sections", reads)


def test_what_fails_while_it_gets_ready_is_raised_once_something_is_to_be_published(
    store: InventoryStore,
) -> None:
    with PublisherAhead(ESTATE, "warehouse", store=store) as ahead:
        ahead.begin(CLUSTER_ID)
        with (
            ahead.opened() as publisher,
            pytest.raises(PublishError, match="need a schema registry; give the cluster a schema_registry"),
        ):
            publisher.prepare(None)


def test_while_it_waits_it_takes_the_statistics_of_its_connections(
    store: InventoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    drained = Event()

    class Producer:
        def connect(self, topic: str) -> None:
            """At once."""

        def drain(self) -> None:
            drained.set()

    monkeypatch.setattr("mesh_assets.snapshot.publisher._DRAINED_SECONDS", 0.0)
    for name, instead in (("_prepare", IDS), ("look", None), ("_opened", Producer())):
        monkeypatch.setattr(KafkaPublisher, name, lambda *_, instead=instead, **__: instead)
    with PublisherAhead(ESTATE, "warehouse", store=store) as ahead:
        ahead.begin(CLUSTER_ID)
        with ahead.opened() as publisher:
            assert publisher.prepare(None) == IDS
            assert drained.wait(30)


def test_nothing_is_touched_in_a_cluster_that_is_not_the_one_the_estate_names(
    store: InventoryStore, monkeypatch: pytest.MonkeyPatch, opened: list[str]
) -> None:
    def another(*_: Any, **__: Any) -> None:
        raise EstateError("its brokers are cluster lkc-other")

    collects(monkeypatch, another)
    with pytest.raises(EstateError):
        discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)
    assert opened == []


def test_a_cluster_that_two_estates_take_turns_at_is_refused_before_anything_is_read(
    store: InventoryStore, monkeypatch: pytest.MonkeyPatch, opened: list[str]
) -> None:
    for cluster_id in (CLUSTER_ID, "lkc-other"):
        store.remember_cluster("warehouse", cluster_id)

    def identified(*_: Any, begin: Callable[[str], Any], previous: Callable[[str], Any], **__: Any) -> None:
        begin(CLUSTER_ID)
        previous(CLUSTER_ID)

    collects(monkeypatch, identified)
    with pytest.raises(ConflictError, match="two estates seem to share the store"):
        discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)
    assert opened == []


def test_it_is_closed_when_the_reading_fails(
    store: InventoryStore, monkeypatch: pytest.MonkeyPatch, opened: list[str]
) -> None:
    def fails(*_: Any, begin: Callable[[str], Any], previous: Callable[[str], Any], **__: Any) -> None:
        begin(CLUSTER_ID)
        assert previous(CLUSTER_ID) is None
        raise UnreachableError("127.0.0.1:1 does not answer any more")

    collects(monkeypatch, fails)
    with pytest.raises(UnreachableError):
        discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)
    assert opened == [f"gets ready for {CLUSTER_ID}", "closed"]
