"""Which cluster a name stands for: a rebuilt cluster continues, and two names or two estates do not take turns."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mesh_assets.errors import ConflictError
from mesh_assets.estate.connections import KafkaConnection
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.sections import TopicsSection
from mesh_assets.sensing.handover import begin_collection
from mesh_assets.snapshot.discovery import publish_discovery
from mesh_assets.snapshot.report import DiscoveryReport
from mesh_assets.store.inbox import Inbox
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.documents import FRESH, MOMENT, a_topic
from mesh_assets_tests.snapshot.world import Life, Log, LogPublisher, MemoryObjects, MovedClock

UPDATED = Trigger(type="schema_updated", resource="users-value")

Discover = Callable[..., DiscoveryReport]


@pytest.fixture
def store() -> InventoryStore:
    return InventoryStore(MemoryObjects())


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def discover(store: InventoryStore, log: Log, monkeypatch: pytest.MonkeyPatch) -> Discover:
    """A discovery of `name` in an estate of `names`, whose brokers report `cluster_id`."""

    @contextmanager
    def open_log(_estate: Estate, _name: str) -> Iterator[LogPublisher]:
        yield LogPublisher(log, Life(), MovedClock())

    monkeypatch.setattr("mesh_assets.snapshot.ahead.open_publisher", open_log)

    def discover(
        name: str, cluster_id: str, topics: tuple[str, ...] = ("orders",), *, names: tuple[str, ...] = ()
    ) -> DiscoveryReport:
        kafka = KafkaConnection(bootstrap_servers="127.0.0.1:1")
        estate = Estate(clusters={one: Cluster(name=one, kafka=kafka) for one in (name, *names)})
        began = begin_collection(store, name, cluster_id, newest_in_topic=lambda: None)
        section = TopicsSection(
            cluster_id=cluster_id,
            state=FRESH,
            records=tuple(a_topic(topic) for topic in topics),
            ticket=began.ticket,
            waiting=began.waiting,
        )
        report, *_ = publish_discovery(
            estate,
            name,
            {"topics": section},
            store=store,
            run_id=f"run-{began.ticket}",
            trigger=Trigger(type="manual"),
        )
        return report

    return discover


def test_a_second_name_for_a_cluster_is_refused_before_the_firsts_things_count_as_gone(
    discover: Discover, store: InventoryStore, log: Log
) -> None:
    discover("warehouse", "lkc-1", ("orders", "users"), names=("reports",))

    with pytest.raises(ConflictError) as refused:
        discover("reports", "lkc-1", ("reports",), names=("warehouse",))

    assert str(refused.value) == (
        "reports and warehouse are the same cluster, lkc-1, and each would take the other's things for gone; name it once in the "
        "estate, with the patterns of both; if warehouse is now a different cluster, discover it first: "
        "mesh-assets discover --cluster warehouse"
    )
    assert [event.cluster_state.cluster_name for event in log.snapshots] == ["warehouse"]
    assert log.changes == []
    assert store.pending("lkc-1") is None
    assert discover("warehouse", "lkc-1", names=("reports",)).sequence == 2


def test_a_name_whose_cluster_moved_to_another_name_is_not_a_second_one(discover: Discover) -> None:
    discover("warehouse", "lkc-1")
    discover("warehouse", "lkc-2", names=("old",))

    assert discover("old", "lkc-1", names=("warehouse",)).sequence == 2


def test_a_renamed_cluster_continues_under_its_new_name(discover: Discover) -> None:
    discover("warehouse", "lkc-1")

    report = discover("dwh", "lkc-1")

    assert (report.sequence, report.total_changes) == (2, 0)
    assert discover("dwh", "lkc-1").sequence == 3


def test_an_estate_that_gives_the_same_cluster_another_name_in_the_same_store_is_noticed(
    discover: Discover, store: InventoryStore
) -> None:
    discover("warehouse", "lkc-1")
    discover("dwh", "lkc-1")

    with pytest.raises(ConflictError) as refused:
        discover("warehouse", "lkc-1")

    assert str(refused.value) == (
        "warehouse: the same cluster, lkc-1, is also published into this store as dwh: two estates seem to share the store; give each "
        "a MESH_STORE of its own, or the cluster one name in both; if it is warehouse again for good: "
        "mesh-assets snapshot adopt --cluster warehouse"
    )
    store.forget_name("dwh")  # as the command does
    assert discover("warehouse", "lkc-1").sequence == 3


def test_a_rebuilt_cluster_starts_over_and_says_how_to_retire_the_old_one(
    discover: Discover, store: InventoryStore
) -> None:
    discover("warehouse", "lkc-1")
    inbox = Inbox(store.objects)
    inbox.put("lkc-1", UPDATED, cause="x", source="trigger_queue", now=MOMENT)

    report = discover("warehouse", "lkc-2")

    assert (report.cluster_id, report.sequence) == ("lkc-2", 1)
    assert report.notes[0] == (
        "warehouse was cluster lkc-1 until now; if that is gone, write its tombstone: mesh-assets snapshot retire --cluster warehouse "
        "--cluster-id lkc-1; if another estate publishes it into this store, give each estate a MESH_STORE of its own"
    )
    assert str(report.trigger) == str(UPDATED)
    assert inbox.waiting("lkc-1") == ()
    assert not any("lkc-1" in note for note in discover("warehouse", "lkc-2").notes)


def test_two_estates_with_the_same_name_in_one_store_do_not_take_turns(
    discover: Discover, store: InventoryStore
) -> None:
    discover("warehouse", "lkc-1")
    discover("warehouse", "lkc-2")

    with pytest.raises(ConflictError) as refused:
        discover("warehouse", "lkc-1")

    assert str(refused.value) == (
        "warehouse: its brokers are cluster lkc-1, but this store has known it as lkc-2 since: two estates seem to share the store; "
        "give each a MESH_STORE of its own, or the cluster another name; if it is lkc-1 again for good, retire the other one: "
        "mesh-assets snapshot retire --cluster warehouse --cluster-id lkc-2"
    )
    assert store.cluster_id("warehouse") == "lkc-2"
    assert discover("warehouse", "lkc-2").sequence == 2
    store.forget_cluster_id("warehouse", "lkc-2")  # as the command does
    assert discover("warehouse", "lkc-1").sequence == 2
