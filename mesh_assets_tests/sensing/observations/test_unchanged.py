"""A digest answers like the document: an observation finds the same with and without it."""

from collections.abc import Callable

import pytest

from mesh_assets.platforms.kafka import UnlistedGroups
from mesh_assets.sensing.observations.observation import ObservedCluster
from mesh_assets.sensing.observations.resources import observe_resources
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import digest_key
from mesh_assets_tests.sensing.estate import Estate, FakeCluster, an_empty_group

Change = Callable[[FakeCluster], None]


def nothing(cluster: FakeCluster) -> None:
    """Leaves the cluster as it is."""


def records_arrive(cluster: FakeCluster) -> None:
    cluster.kafka.topics = {name: [end + 7 for end in ends] for name, ends in cluster.kafka.topics.items()}


def a_topic_is_created(cluster: FakeCluster) -> None:
    cluster.kafka.topics["payments"] = [0, 0]


def a_topic_is_deleted(cluster: FakeCluster) -> None:
    del cluster.kafka.topics["users"]


def a_topic_replaces_another(cluster: FakeCluster) -> None:
    del cluster.kafka.topics["users"]
    cluster.kafka.topics["payments"] = [0]


def a_topic_grows(cluster: FakeCluster) -> None:
    cluster.kafka.topics["orders"] = [0, 0, 0, 0]


def a_config_is_set(cluster: FakeCluster) -> None:
    cluster.kafka.overrides["orders"] = {"min.insync.replicas": "2"}


def a_group_appears(cluster: FakeCluster) -> None:
    cluster.kafka.consumer_groups = (*cluster.kafka.consumer_groups, an_empty_group("fraud-detection"))


def a_console_appears(cluster: FakeCluster) -> None:
    cluster.kafka.consumer_groups = (*cluster.kafka.consumer_groups, an_empty_group("console-consumer-7"))


def the_groups_go(cluster: FakeCluster) -> None:
    cluster.kafka.consumer_groups = ()


def the_groups_have_no_coordinator(cluster: FakeCluster) -> None:
    cluster.kafka.consumer_groups = ()
    cluster.kafka.unlisted = UnlistedGroups(partitions=frozenset({0}), of=1, reason="no coordinator")


def the_patterns_change(cluster: FakeCluster) -> None:
    cluster.estate = {
        "topics": {"exclude": ["users"]},
        "consumer_groups": {"exclude": ["billing"]},
        "connect": [{"kind": "kafka_connect", "url": "http://connect.test:8083"}],
    }


def a_connector_appears(cluster: FakeCluster) -> None:
    cluster.worker.connectors["new-sink"] = "RUNNING RUNNING"


def a_subject_goes(cluster: FakeCluster) -> None:
    cluster.registry.schemas.pop()


QUIET = (nothing, records_arrive, a_console_appears)
CAUSES = (
    a_topic_is_created,
    a_topic_is_deleted,
    a_topic_replaces_another,
    a_topic_grows,
    a_config_is_set,
    a_group_appears,
    the_groups_go,
    a_connector_appears,
    a_subject_goes,
)
NOTES = (the_groups_have_no_coordinator,)


@pytest.fixture
def world(estate: Estate, warehouse: FakeCluster) -> Estate:
    warehouse.kafka.consumer_groups = (an_empty_group("billing"), an_empty_group("console-consumer-1"))
    estate.discover()
    return estate


@pytest.mark.parametrize("change", [*QUIET, *CAUSES, *NOTES, the_patterns_change])
def test_an_observation_finds_the_same_with_a_digest_and_without(
    world: Estate, warehouse: FakeCluster, change: Change
) -> None:
    change(warehouse)

    with_digest = world.observe(observe_resources)
    world.store.objects.delete(digest_key("lkc-1"))
    without = world.observe(observe_resources)

    assert with_digest == without
    assert bool(with_digest.causes) == (change in CAUSES)
    assert bool(with_digest.notes) == (change in NOTES)


@pytest.mark.parametrize("change", QUIET)
def test_a_cluster_at_rest_is_observed_without_reading_its_topics_from_the_store(
    world: Estate, warehouse: FakeCluster, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(warehouse)
    monkeypatch.setattr(InventoryStore, "read_document", pytest.fail)

    assert world.observe(observe_resources).causes == ()


@pytest.mark.parametrize("damage", [b"", b"{", b'{"format": 2}', b"[]"])
def test_a_damaged_digest_is_replaced_by_the_document_and_reported(
    world: Estate, warehouse: FakeCluster, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    world.store.objects.put(digest_key("lkc-1"), damage)
    a_config_is_set(warehouse)

    observed = world.observe(observe_resources)

    assert [cause.trigger.type for cause in observed.causes] == ["topic_changed"]
    assert "digest.json is not a digest of this version; the document is read instead" in caplog.text


def test_the_digest_of_an_older_document_is_not_believed(world: Estate, warehouse: FakeCluster) -> None:
    older = world.store.objects.get(digest_key("lkc-1"))
    assert older is not None
    a_topic_is_created(warehouse)
    world.discover()
    world.store.objects.put(digest_key("lkc-1"), older[0])

    assert world.observe(observe_resources).causes == ()


def test_while_something_is_held_back_only_the_document_is_consulted(
    world: Estate, warehouse: FakeCluster
) -> None:
    kept = dict(warehouse.kafka.topics)
    warehouse.kafka.topics = {**kept, **{f"topic-{number}": [0] for number in range(30)}}
    world.discover()
    warehouse.kafka.topics = kept
    world.discover()

    def both() -> tuple[ObservedCluster, ObservedCluster]:
        with_digest = world.observe(observe_resources)
        digest = world.store.objects.get(digest_key("lkc-1"))
        assert digest is not None
        world.store.objects.delete(digest_key("lkc-1"))
        without = world.observe(observe_resources)
        world.store.objects.put(digest_key("lkc-1"), digest[0])
        return with_digest, without

    held, plain = both()
    world.pass_by(minutes=10)
    due, due_plain = both()

    assert (held, due) == (plain, due_plain)
    assert "topics held back until" in held.notes[0]
    assert len(due.causes) == 1
