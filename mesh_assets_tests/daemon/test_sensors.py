"""Real causes and a running daemon, but no one who starts a discovery: each becomes a snapshot that gives its cause."""

import time
from contextlib import chdir

import dagster as dg
import pytest

from mesh_assets.anomalies.usual import get_usuals
from mesh_assets.defs.snapshot import SNAPSHOT_KEY
from mesh_assets.inventory.changes import TriggerType
from mesh_assets.readings.reading import resource_of
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.daemon.causes import (
    ALARM,
    CHANGED,
    COMING,
    DEPLOYMENT,
    EVOLVING,
    GOING,
    LATER,
    POISONED,
    PREFIX,
    SINK,
)
from mesh_assets_tests.daemon.running import IN_TIME, INTERVAL_SECONDS, Daemon, a_run_under_way

pytestmark = pytest.mark.sandbox

# Silence counts only after two readings, and the sensor may be a reading late.
SILENT = 3 * INTERVAL_SECONDS
BUSY = "pageviews"
AWAY_TICKS = 3


def test_a_new_version_of_a_subject(daemon: Daemon) -> None:
    subject = f"{EVOLVING}-value"

    snapshot, cause = daemon.events.snapshot_made_for("schema_updated", subject, within_seconds=IN_TIME)

    assert cause.details == "Schema version 1 → 2"
    assert daemon.events.changes_of(snapshot, subject)["version"] == "Schema version 1 → 2"
    assert [
        schema.version for schema in snapshot.cluster_state.schemas or () if schema.subject == subject
    ] == [2]


def test_a_task_that_bad_input_fails_and_its_recovery(daemon: Daemon) -> None:
    failed, cause = daemon.events.snapshot_made_for("connector_failed", SINK, within_seconds=IN_TIME)
    daemon.settle()
    daemon.changing.put_sink(
        SINK, POISONED, daemon.workplace.folder / "sink.txt", **{"errors.tolerance": "all"}
    )
    recovered, _ = daemon.events.snapshot_made_for("connector_recovered", SINK, within_seconds=IN_TIME)

    assert str(cause.details).startswith(f"Connector {SINK}: task 0 RUNNING → FAILED: ")
    assert daemon.events.changes_of(failed, SINK)["tasks.0.state"] == cause.details
    assert (
        daemon.events.changes_of(recovered, SINK)["tasks.0.state"]
        == f"Connector {SINK}: task 0 FAILED → RUNNING"
    )


def test_a_created_and_a_deleted_topic(daemon: Daemon) -> None:
    created, _ = daemon.events.snapshot_made_for("resource_created", COMING, within_seconds=IN_TIME)
    deleted, _ = daemon.events.snapshot_made_for("resource_deleted", GOING, within_seconds=IN_TIME)

    changes = {**daemon.events.changes_of(created, COMING), **daemon.events.changes_of(deleted, GOING)}
    assert changes == {
        "created": f"Topic {COMING} created: 3 partitions, replication factor 1",
        "deleted": f"Topic {GOING} deleted: it had 3 partitions, replication factor 1",
    }


def test_a_changed_config(daemon: Daemon) -> None:
    snapshot, cause = daemon.events.snapshot_made_for("topic_changed", CHANGED, within_seconds=IN_TIME)

    assert cause.details == f"Topic {CHANGED}: retention.ms 604800000 (inherited) → 86400000"
    assert daemon.events.changes_of(snapshot, CHANGED) == {"config.retention.ms": cause.details}


def test_a_message_and_an_alarm_on_the_trigger_queue(daemon: Daemon) -> None:
    _, deployed = daemon.events.snapshot_made_for("external", DEPLOYMENT, within_seconds=IN_TIME)
    _, raised = daemon.events.snapshot_made_for("cloudwatch_alarm", ALARM, within_seconds=IN_TIME)

    assert (deployed.details, raised.details) == ("Deployed by the pipeline", "52013 records behind")


@pytest.mark.long
def test_a_feed_that_stops(daemon: Daemon, sandbox: Sandbox) -> None:
    """A busy topic that falls silent; it needs some readings before that counts as unusual."""
    deadline = time.monotonic() + 120
    while not _is_usual(daemon.workplace.store, BUSY):
        assert time.monotonic() < deadline, f"nothing is known of the rate of {BUSY}"
        time.sleep(0.5)

    before = len(daemon.events.snapshots)
    with sandbox.quiet():
        snapshot, cause = daemon.events.snapshot_made_for(
            "metrics_anomaly", BUSY, within_seconds=IN_TIME + SILENT, after=before
        )

    assert str(cause.details).startswith(f"{BUSY}: 0 records/s for ")
    assert any(state.name == BUSY for state in snapshot.cluster_state.topics or ())


def _is_usual(store: InventoryStore, topic: str) -> bool:
    cluster_id = store.cluster_id("warehouse")
    usuals = None if cluster_id is None else get_usuals(store.objects, cluster_id)
    return usuals is not None and any(resource_of(series) == topic for series in usuals.topics)


@pytest.mark.long
def test_systems_that_are_down_for_several_ticks_and_what_came_after(daemon: Daemon) -> None:
    subject, deployment = f"{LATER}-value", "deployment-4712"
    daemon.settle()
    before = len(daemon.events.snapshots)
    registry, connect, aws = (daemon.doors[name] for name in ("registry", "connect", "aws"))
    with registry.closed(), connect.closed(), aws.closed():
        away = "cannot be reached"
        daemon.wait_for_ticks(
            ("schema_changes", away),
            ("connector_failures", away),
            ("trigger_queue", "no answer"),
            count=AWAY_TICKS,
        )
    daemon.settle()
    with a_run_under_way(daemon.workplace):
        daemon.changing.register(subject, 2)
        daemon.queue.publish(
            type="external", resource=deployment, details="Deployed by the pipeline", cluster="warehouse"
        )
        daemon.wait_for_causes({subject, deployment})

    snapshot, _ = daemon.events.snapshot_made_for(
        "schema_updated", subject, within_seconds=IN_TIME, after=before
    )
    daemon.events.snapshot_made_for("external", deployment, within_seconds=IN_TIME, after=before)

    causes = [
        (cause.type, cause.resource)
        for made in daemon.events.snapshots[before:]
        for cause in made.trigger.changes
    ]
    # A feed that another test had stopped does not count.
    assert sorted(cause for cause in causes if cause[0] != "metrics_anomaly") == [
        ("external", deployment),
        ("schema_updated", subject),
    ]
    assert daemon.events.changes_of(snapshot, subject)["version"] == "Schema version 1 → 2"
    assert "deleted" not in {
        change.kind for change in daemon.events.changes if change.resource_type in ("schema", "connector")
    }


def test_handled_causes_launch_nothing_again_and_leave_the_inbox(daemon: Daemon) -> None:
    """Each cause leads to one snapshot, however often the sensors look afterwards."""
    dealt_with: tuple[tuple[TriggerType, str], ...] = (
        ("schema_updated", f"{EVOLVING}-value"),
        ("resource_created", COMING),
        ("topic_changed", CHANGED),
    )
    for kind, resource in dealt_with:
        daemon.events.snapshot_made_for(kind, resource, within_seconds=IN_TIME)
    daemon.settle()
    nothing = "nothing new"
    daemon.wait_for_ticks(
        ("schema_changes", nothing), ("connector_failures", nothing), ("resource_changes", nothing), count=2
    )
    daemon.settle()
    daemon.events.read_all()

    causes = [
        (cause.type, str(cause.resource), str(cause.details))
        for made in daemon.events.snapshots
        for cause in made.trigger.changes
    ]
    ours = [
        cause
        for cause in causes
        if cause[1].startswith(PREFIX) or cause[0] in ("external", "cloudwatch_alarm")
    ]
    assert sorted(set(ours)) == sorted(ours)


def test_dagster_shows_discoveries_made_by_hand_before_the_daemon_started(daemon: Daemon) -> None:
    folder = daemon.workplace.folder
    with chdir(folder), dg.DagsterInstance.from_config(str(folder)) as instance:
        deadline = time.monotonic() + IN_TIME
        while not (shown := instance.fetch_materializations(SNAPSHOT_KEY, limit=1, ascending=True).records):
            assert time.monotonic() < deadline, "nothing is shown"
            time.sleep(0.2)

    made = shown[0].asset_materialization
    assert made is not None
    assert (shown[0].run_id, made.partition, made.metadata["sequence"].value) == ("", "warehouse", 1)
