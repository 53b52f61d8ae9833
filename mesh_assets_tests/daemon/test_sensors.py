"""Real causes, a running daemon, and nobody who starts a discovery: each becomes a snapshot that says why it was made."""

import time
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # exported, but not declared so
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from mesh_assets.inventory.anomalies.readings import resource_of
from mesh_assets.inventory.anomalies.usual import get_usuals
from mesh_assets.inventory.inbox import Inbox
from mesh_assets.inventory.store.inventories import InventoryStore
from mesh_assets.inventory.store.opening import open_store
from mesh_assets.sandbox.servers import Endpoints, Sandbox
from mesh_assets_tests.daemon.conftest import INTERVAL_SECONDS, SINK, SUBJECT, TOPIC, register, sink_config, wait_for_skipped_ticks
from mesh_assets_tests.daemon.events import Events

pytestmark = pytest.mark.sandbox

# What is promised is one interval and 30 s, on a machine that is not busy with other things; a test only needs to know that it happens.
IN_TIME = 150
# The first cause of all waits for the daemon to start, too.
STARTING = 45
# Silence is only silence after two readings, and the sensor may be a reading late.
SILENT = 3 * INTERVAL_SECONDS

BUSY = "pageviews"
WARM_UP = "daemon-test-warm-up"


def settle(folder: Path) -> None:
    """Until nothing waits in the inbox: a run that is under way would take what comes next into its own snapshot, without naming it."""
    store = InventoryStore(open_store(str(folder / "store")))
    cluster_id = store.cluster_id("warehouse")
    assert cluster_id is not None
    deadline = time.monotonic() + IN_TIME
    while waiting := Inbox(store.objects).waiting(cluster_id):
        assert time.monotonic() < deadline, waiting
        time.sleep(0.2)  # a run removes them after publishing


@pytest.fixture(autouse=True)
def _nothing_is_under_way(_daemon_is_at_work: None, folder: Path) -> None:
    settle(folder)


@pytest.fixture(scope="module", autouse=True)
def _daemon_is_at_work(events: Events, sandbox: Sandbox) -> None:
    """A topic that nobody cares for is noticed: from now on the daemon's start takes no part in the times."""
    admin = AdminClient({"bootstrap.servers": sandbox.endpoints().bootstrap_servers})
    admin.create_topics([NewTopic(WARM_UP, num_partitions=1, replication_factor=1)])[WARM_UP].result(30)
    try:
        events.snapshot_made_for("resource_created", WARM_UP, within_seconds=IN_TIME + STARTING)
    finally:
        admin.delete_topics([WARM_UP])[WARM_UP].result(30)
    events.snapshot_made_for("resource_deleted", WARM_UP, within_seconds=IN_TIME)


def test_a_new_version_of_a_subject(events: Events, endpoints: Endpoints) -> None:
    register(endpoints, 2)

    snapshot, cause = events.snapshot_made_for("schema_updated", SUBJECT, within_seconds=IN_TIME)

    assert cause.details == "Schema version 1 → 2"
    assert events.changes_of(snapshot, SUBJECT)["version"] == "Schema version 1 → 2"
    assert [schema.version for schema in snapshot.cluster_state.schemas or () if schema.subject == SUBJECT] == [2]


def test_a_task_that_bad_input_fails_and_its_recovery(events: Events, endpoints: Endpoints, folder: Path) -> None:
    producer = Producer({"bootstrap.servers": endpoints.bootstrap_servers})
    producer.produce(TOPIC, value=b"not json {")
    assert producer.flush(30) == 0
    failed, cause = events.snapshot_made_for("connector_failed", SINK, within_seconds=IN_TIME)
    connector = f"{endpoints.connect_url}/connectors/{SINK}"
    httpx.put(f"{connector}/config", json=sink_config(folder, **{"errors.tolerance": "all"}), timeout=30).raise_for_status()
    recovered, _ = events.snapshot_made_for("connector_recovered", SINK, within_seconds=IN_TIME)

    assert str(cause.details).startswith(f"Connector {SINK}: task 0 RUNNING → FAILED: ")
    assert events.changes_of(failed, SINK)["tasks.0.state"] == cause.details
    assert events.changes_of(recovered, SINK)["tasks.0.state"] == f"Connector {SINK}: task 0 FAILED → RUNNING"


def test_a_topic_that_comes_and_goes(events: Events, endpoints: Endpoints) -> None:
    name = f"daemon-test-{time.time_ns()}"
    admin = AdminClient({"bootstrap.servers": endpoints.bootstrap_servers})
    admin.create_topics([NewTopic(name, num_partitions=3, replication_factor=1)])[name].result(30)
    try:
        created, _ = events.snapshot_made_for("resource_created", name, within_seconds=IN_TIME)
    finally:
        admin.delete_topics([name])[name].result(30)
    deleted, _ = events.snapshot_made_for("resource_deleted", name, within_seconds=IN_TIME)

    assert events.changes_of(created, name) == {"created": f"Topic {name} created: 3 partitions, replication factor 1"}
    assert events.changes_of(deleted, name) == {"deleted": f"Topic {name} deleted: it had 3 partitions, replication factor 1"}


def test_a_changed_config(events: Events, endpoints: Endpoints) -> None:
    admin = AdminClient({"bootstrap.servers": endpoints.bootstrap_servers})
    entry = ConfigEntry("retention.ms", "86400000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, TOPIC, incremental_configs=[entry])
    admin.incremental_alter_configs([resource])[resource].result(30)

    snapshot, cause = events.snapshot_made_for("topic_changed", TOPIC, within_seconds=IN_TIME)

    assert cause.details == f"Topic {TOPIC}: retention.ms 604800000 → 86400000"
    assert events.changes_of(snapshot, TOPIC) == {"config.retention.ms": cause.details}


def test_a_feed_that_stops(events: Events, sandbox: Sandbox, folder: Path) -> None:
    """A busy topic that falls silent; it must have been read for a while before anybody can call that unusual."""
    known = InventoryStore(open_store(str(folder / "store")))
    deadline = time.monotonic() + 120
    while not _is_usual(known, BUSY):
        assert time.monotonic() < deadline, f"nothing is known of the rate of {BUSY}"
        time.sleep(0.5)

    before = len(events.snapshots)
    sandbox.stop(["feed"])
    try:
        snapshot, cause = events.snapshot_made_for("metrics_anomaly", BUSY, within_seconds=IN_TIME + SILENT, after=before)
    finally:
        sandbox.start(["feed"])

    assert str(cause.details).startswith(f"{BUSY}: 0 records/s for ")
    assert any(state.name == BUSY for state in snapshot.cluster_state.topics or ())


def _is_usual(store: InventoryStore, topic: str) -> bool:
    cluster_id = store.cluster_id("warehouse")
    usuals = None if cluster_id is None else get_usuals(store.objects, cluster_id)
    return usuals is not None and any(resource_of(series) == topic for series in usuals.topics)


def test_a_registry_and_a_connect_that_are_away_for_several_ticks_and_what_changed_after(
    events: Events, sandbox: Sandbox, folder: Path
) -> None:
    before = len(events.snapshots)
    sandbox.stop(["registry", "connect"])
    try:
        for sensor in ("schema_changes", "connector_failures"):
            wait_for_skipped_ticks(folder, sensor, "cannot be reached", count=3, within_seconds=60 + 3 * INTERVAL_SECONDS)
    finally:
        endpoints = sandbox.start(["registry", "connect"])
    register(endpoints, 3)

    snapshot, _ = events.snapshot_made_for("schema_updated", SUBJECT, within_seconds=IN_TIME, after=before)

    causes = {(cause.type, cause.resource) for made in events.snapshots[before:] for cause in made.trigger.changes}
    # Without Connect the topics it fills are silent, and that is so.
    assert {cause for cause in causes if cause[0] != "metrics_anomaly"} == {("schema_updated", SUBJECT)}
    assert events.changes_of(snapshot, SUBJECT)["version"] == "Schema version 2 → 3"
    assert "deleted" not in {change.kind for change in events.changes if change.resource_type in ("schema", "connector")}


def test_what_was_dealt_with_launches_nothing_again_and_leaves_the_inbox(events: Events, folder: Path) -> None:
    """Whatever the daemon has noticed so far: each cause led to one snapshot."""
    settle(folder)

    seen = [
        (cause.type, str(cause.resource), str(cause.details))
        for snapshot in events.snapshots
        for cause in snapshot.trigger.changes
        if _is_ours(cause.resource)
    ]
    assert sorted(set(seen)) == sorted(seen)


def _is_ours(resource: str | None) -> bool:
    return resource is not None and resource.startswith("daemon-test")
