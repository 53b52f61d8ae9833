import httpx
import pytest

from mesh_assets.errors import UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka import UnlistedGroups
from mesh_assets.sensing.cursor import ClusterCursor
from mesh_assets.sensing.observations.connectors import observe_connectors
from mesh_assets.sensing.observations.observation import Observe
from mesh_assets.sensing.observations.resources import observe_resources
from mesh_assets.sensing.observations.schemas import observe_schemas
from mesh_assets_tests.sensing.estate import Estate, FakeCluster, an_empty_group, reported


def test_a_cluster_at_rest_is_not_a_reason_for_a_discovery(estate: Estate, warehouse: FakeCluster) -> None:
    warehouse.kafka.topics = {
        name: [end + 100 for end in ends] for name, ends in warehouse.kafka.topics.items()
    }

    observed = estate.observe(observe_resources)

    assert (observed.causes, observed.notes) == ((), ())


def test_creations_and_deletions_are_reported(estate: Estate, warehouse: FakeCluster) -> None:
    warehouse.kafka.consumer_groups = (
        an_empty_group("fraud-detection"),
        an_empty_group("console-consumer-1"),
    )
    del warehouse.kafka.topics["users"]
    warehouse.kafka.topics["payments"] = [0, 0, 0]
    del warehouse.worker.connectors["users-sink"]
    warehouse.registry.schemas.pop()

    observed = estate.observe(observe_resources)

    assert reported(observed.causes) == [
        ("resource_created", "fraud-detection", "Consumer group fraud-detection created: empty"),
        ("resource_created", "payments", "Topic payments created: 3 partitions, replication factor 1"),
        ("resource_deleted", "users", "Topic users deleted: it had 1 partition, replication factor 1"),
        ("resource_deleted", "users-sink", "Connector users-sink deleted: sink, was RUNNING"),
        ("schema_deleted", "users-value", "Schema users-value deleted: its latest version was 1"),
    ]


def test_an_edited_estate_is_not_a_reason_for_a_discovery(estate: Estate, warehouse: FakeCluster) -> None:
    warehouse.kafka.consumer_groups = (an_empty_group("fraud-detection"),)
    estate.discover()
    warehouse.estate = {
        "topics": {"exclude": ["users"]},
        "consumer_groups": {"exclude": ["fraud-*"]},
        "connect": [{"kind": "kafka_connect", "url": "http://elsewhere.test:8083"}],
    }
    warehouse.worker.connectors = {"new-sink": "RUNNING RUNNING"}

    observed = estate.observe(observe_resources)

    assert (observed.causes, observed.notes) == ((), ())


def test_a_known_group_is_not_described_again(estate: Estate, warehouse: FakeCluster) -> None:
    warehouse.kafka.consumer_groups = (an_empty_group("fraud-detection"),)
    estate.discover()
    assert estate.observe(observe_resources).causes == ()

    warehouse.kafka.consumer_groups = ()

    assert reported(estate.observe(observe_resources).causes) == [
        ("resource_deleted", "fraud-detection", "Consumer group fraud-detection deleted")
    ]


def test_a_group_without_a_coordinator_is_not_deleted_and_leaves_a_note(
    estate: Estate, warehouse: FakeCluster
) -> None:
    warehouse.kafka.consumer_groups = (an_empty_group("fraud-detection"),)
    estate.discover()
    warehouse.kafka.consumer_groups = ()
    warehouse.kafka.unlisted = UnlistedGroups(partitions=frozenset({0}), of=1, reason="no coordinator")

    observed = estate.observe(observe_resources)

    assert (observed.causes, observed.notes) == ((), ("no coordinator",))


def test_partitions_and_configs_of_a_topic_are_one_trigger(estate: Estate, warehouse: FakeCluster) -> None:
    warehouse.kafka.topics["orders"] = [0, 0, 0, 0]
    warehouse.kafka.overrides["orders"] = {"min.insync.replicas": "2"}

    observed = estate.observe(observe_resources)

    assert reported(observed.causes) == [
        (
            "topic_changed",
            "orders",
            "Topic orders: min.insync.replicas 1 (inherited) → 2; Topic orders: partitions 2 → 4",
        )
    ]


@pytest.mark.slow
def test_configs_are_read_in_slices_and_all_within_half_an_hour(
    estate: Estate, warehouse: FakeCluster
) -> None:
    warehouse.kafka.topics = {f"topic-{number:04}": [0] for number in range(4000)}
    estate.discover()
    warehouse.kafka.asked.clear()
    cursor = ClusterCursor()
    for _ in range(6):
        cursor = estate.observe(observe_resources, cursor=cursor).cursor

    assert {len(names) for names in warehouse.kafka.asked} == {667}
    assert {name for names in warehouse.kafka.asked for name in names} == warehouse.kafka.topics.keys()


def test_a_source_that_is_down_does_not_hide_the_others(estate: Estate, warehouse: FakeCluster) -> None:
    warehouse.kafka.fail["metadata"] = UnreachableError("no broker answers")
    warehouse.registry.before = lambda _: httpx.Response(503)
    warehouse.worker.connectors["new-sink"] = "RUNNING RUNNING"

    observed = estate.observe(observe_resources)

    assert reported(observed.causes) == [
        ("resource_created", "new-sink", "Connector new-sink created: sink, RUNNING")
    ]
    assert observed.notes[0] == "no broker answers"
    assert "503" in observed.notes[1]


@pytest.mark.parametrize("observe", [observe_resources, observe_connectors, observe_schemas])
def test_another_cluster_at_the_same_address_is_compared_with_nothing(
    estate: Estate, warehouse: FakeCluster, observe: Observe
) -> None:
    warehouse.kafka.cluster_id = "lkc-2"
    warehouse.kafka.topics = {}
    warehouse.worker.connectors = {"new-sink": "FAILED"}
    warehouse.registry.schemas[:] = []

    with pytest.raises(UnexpectedAnswerError) as refused:
        estate.observe(observe)

    assert str(refused.value) == (
        "127.0.0.1:9092 is cluster lkc-2, but the latest document of warehouse is of lkc-1; if it was rebuilt, run: "
        "mesh-assets discover --cluster warehouse"
    )


@pytest.mark.parametrize("hours", [-2, 2], ids=["behind", "ahead"])
def test_changes_are_noticed_even_under_another_clock(
    estate: Estate, warehouse: FakeCluster, hours: int
) -> None:
    del warehouse.kafka.topics["users"]
    warehouse.worker.connectors["orders-sink"] = "RUNNING FAILED"
    warehouse.registry.schemas.pop()
    estate.pass_by(hours=hours)

    found = {
        observe.__name__: [str(cause.trigger) for cause in estate.observe(observe).causes]
        for observe in (observe_resources, observe_connectors, observe_schemas)
    }

    assert found == {
        "observe_resources": ["resource_deleted users", "schema_deleted users-value"],
        "observe_connectors": ["connector_failed orders-sink"],
        "observe_schemas": ["schema_deleted users-value"],
    }
    estate.discover()
    assert estate.observe(observe_resources).causes == (), "what was found leads to one run"


def test_a_mass_disappearance_is_one_trigger_then_held_then_one_confirming_trigger(
    estate: Estate, warehouse: FakeCluster
) -> None:
    kept = dict(warehouse.kafka.topics)
    warehouse.kafka.topics = {**kept, **{f"topic-{number}": [0] for number in range(30)}}
    estate.discover()
    warehouse.kafka.topics = kept

    first, again = estate.observe(observe_resources), estate.observe(observe_resources)
    estate.discover()
    held = estate.observe(observe_resources)
    estate.pass_by(minutes=10)
    due = estate.observe(observe_resources)
    estate.discover()
    confirmed = estate.observe(observe_resources)

    [found] = first.causes
    assert (found.trigger.type, found.trigger.resource) == ("resource_deleted", "topics")
    assert "30 of 32 topics were gone at once" in str(found.trigger.details)
    assert again.causes[0].cause_id == found.cause_id
    assert held.causes == ()
    assert "topics held back until" in held.notes[0]
    [confirming] = due.causes
    assert confirming.trigger.resource == "topics"
    assert "held back since" in str(confirming.trigger.details)
    assert [topic.name for topic in estate.latest().topics] == ["orders", "users"]
    assert confirmed.causes == ()


def test_without_a_discovery_no_request_is_made(estate: Estate) -> None:
    estate.fakes["new"] = FakeCluster(name="new")

    observed = estate.observe(observe_resources, "new")

    assert (observed.causes, observed.notes) == ((), ("no discovery yet",))
    assert estate.fakes["new"].kafka.requests.total() == 0
