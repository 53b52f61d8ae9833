"""A whole tick on an estate of fakes: what enters the inbox, what is launched, what the skip reason says."""

import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from mesh_assets.defs.sensors.changes import Observing, tick
from mesh_assets.errors import UnreachableError
from mesh_assets.sensing.cursor import SensorCursor, decode_cursor
from mesh_assets.sensing.observations.observation import Observe
from mesh_assets.sensing.observations.resources import observe_resources
from mesh_assets.sensing.observations.schemas import observe_schemas
from mesh_assets.sensing.sweep import SWEEP_LIMITS, SweepLimits
from mesh_assets_tests.platforms.schema_registry.fakes import Apicurio, a_schema
from mesh_assets_tests.sensing.estate import Estate, FakeCluster, Kafka


class Ticking:
    """One sensor of the world, tick after tick."""

    def __init__(
        self,
        world: Estate,
        instance: dg.DagsterInstance,
        observe: Observe,
        *,
        name: str,
        limits: SweepLimits = SWEEP_LIMITS,
    ) -> None:
        self._world = world
        self._instance = instance
        self._observing = Observing(
            name=name,
            observe=observe,
            interval_seconds=300,
            clients=world.open_clients,
            limits=limits,
        )
        self.cursor = SensorCursor()

    def __call__(self) -> dg.SensorResult:
        result = tick(
            self._instance,
            self._world.clusters,
            self._observing,
            store=self._world.store,
            cursor=self.cursor,
            clock=lambda: self._world.now,
        )
        self.cursor = decode_cursor(result.cursor)
        self._world.pass_by(minutes=5)
        return result


def requested(result: dg.SensorResult) -> list[tuple[str | None, str]]:
    return [(request.partition_key, request.tags["mesh/trigger"]) for request in result.run_requests or ()]


def skipped(result: dg.SensorResult) -> str:
    assert result.skip_reason is not None
    return result.skip_reason.skip_message or ""


@pytest.fixture
def world(tmp_path: Path) -> Estate:
    world = Estate(
        tmp_path,
        *(
            FakeCluster(
                name=name,
                kafka=Kafka(topics={"orders": [10]}, cluster_id=f"lkc-{name}"),
                registry=Apicurio(schemas=[a_schema("orders-value")]),
            )
            for name in ("warehouse", "payments")
        ),
    )
    for name in world.fakes:
        world.discover(name)
    return world


def test_a_change_becomes_a_run_and_after_the_run_nothing_is_launched_again(
    world: Estate, instance: dg.DagsterInstance
) -> None:
    sensor = Ticking(world, instance, observe_resources, name="resource_changes")
    at_rest = sensor()
    world.fakes["payments"].kafka.topics["refunds"] = [0]
    noticed = sensor()
    made_for = world.discover("payments")
    after = sensor()

    assert skipped(at_rest) == "2 of 2 clusters looked at, nothing new"
    assert requested(noticed) == [("payments", "resource_created")]
    assert [str(trigger) for trigger in made_for] == ["resource_created refunds"]
    assert (requested(after), skipped(after)) == ([], "2 of 2 clusters looked at, nothing new")


def test_what_several_sensors_notice_becomes_one_run(world: Estate, instance: dg.DagsterInstance) -> None:
    schemas = Ticking(world, instance, observe_schemas, name="schema_changes")
    resources = Ticking(world, instance, observe_resources, name="resource_changes")
    fake = world.fakes["warehouse"]
    fake.registry.schemas.append(a_schema("clicks-value", schema_id=2))
    fake.kafka.topics["clicks"] = [0]

    first = schemas()
    world.pass_by(minutes=-5)  # the daemon starts both at the same time
    second = resources()

    assert requested(first) == [("warehouse", "schema_updated")]
    assert requested(second) == []
    assert skipped(second) == (
        "2 of 2 clusters looked at, 1 new in the inbox; warehouse: 2 waiting: a run has just been requested"
    )
    assert [str(trigger) for trigger in world.discover("warehouse")] == [
        "schema_updated clicks-value",
        "resource_created clicks",
    ]
    assert world.inbox.waiting("lkc-warehouse") == ()


def test_a_change_that_a_discovery_publishes_while_the_sensor_looks_launches_no_second_run(
    world: Estate, instance: dg.DagsterInstance
) -> None:
    sensor = Ticking(world, instance, observe_resources, name="resource_changes")
    fake = world.fakes["warehouse"]
    fake.kafka.topics["clicks"] = [0]

    def discovered_meanwhile() -> None:
        fake.opens = lambda: None
        del fake.kafka.topics["clicks"]
        world.discover("warehouse")
        fake.kafka.topics["clicks"] = [0]

    fake.opens = discovered_meanwhile
    overtaken = sensor()
    after = sensor()

    assert requested(overtaken) == []
    assert skipped(overtaken) == (
        "1 of 2 clusters looked at, nothing new; warehouse: not reached, comes in the next tick"
    )
    assert requested(after) == [("warehouse", "resource_created")]


def test_a_source_down_for_several_ticks_is_skipped_with_the_reason_and_then_exactly_the_real_changes_come(
    world: Estate, instance: dg.DagsterInstance
) -> None:
    sensor = Ticking(world, instance, observe_resources, name="resource_changes")
    kafka = world.fakes["warehouse"].kafka
    kafka.fail["metadata"] = UnreachableError("Kafka at 127.0.0.1:9092 refused the connection")
    down = [sensor() for _ in range(3)]
    kafka.fail.clear()
    kafka.topics["clicks"] = [0]
    up = sensor()

    assert [requested(result) for result in down] == [[], [], []]
    assert skipped(down[0]) == (
        "2 of 2 clusters looked at, nothing new; warehouse: Kafka at 127.0.0.1:9092 refused the connection"
    )
    assert requested(up) == [("warehouse", "resource_created")]
    assert [waiting.trigger.resource for waiting in world.inbox.waiting("lkc-warehouse")] == ["clicks"]


def test_a_cluster_without_a_document_is_skipped_with_the_reason(
    world: Estate, instance: dg.DagsterInstance
) -> None:
    world.fakes["new"] = FakeCluster(name="new")

    result = Ticking(world, instance, observe_resources, name="resource_changes")()

    assert skipped(result) == "3 of 3 clusters looked at, nothing new; new: no discovery yet"


@pytest.mark.slow
@pytest.mark.parametrize(("observe", "where"), [(observe_resources, "spread"), (observe_schemas, "first")])
@pytest.mark.long
def test_of_100_clusters_with_20_hanging_every_tick_ends_in_time_and_all_healthy_ones_are_seen_within_two(
    tmp_path: Path, instance: dg.DagsterInstance, hangs: Callable[[], None], observe: Observe, where: str
) -> None:
    names = [f"cluster-{number:03}" for number in range(100)]
    world = Estate(
        tmp_path,
        *(
            FakeCluster(name=name, kafka=Kafka(topics={"orders": [10]}, cluster_id=f"lkc-{name}"))
            for name in names
        ),
    )
    for name in names:
        world.discover(name)
    for name in names[:20] if where == "first" else names[::5]:
        world.fakes[name].opens = hangs
    healthy = [name for name in names if world.fakes[name].opens is not hangs]
    for name in healthy:
        world.fakes[name].kafka.topics["clicks"] = [0]
        world.fakes[name].registry.schemas.append(a_schema("clicks-value"))
    limits = SweepLimits(at_once=16, cluster_seconds=0.8, tick_seconds=4.0)
    sensor = Ticking(world, instance, observe, name="resource_changes", limits=limits)
    launched, seconds = set[str](), []

    for _ in range(2):
        start = time.monotonic()
        asked_for = {cluster for cluster, _ in requested(sensor()) if cluster is not None}
        seconds.append(time.monotonic() - start)
        launched |= asked_for
        for name in sorted(asked_for):  # the runs, of which a tick requests at most fifty
            world.discover(name)

    assert launched == set(healthy)
    assert max(seconds) < limits.tick_seconds + 4.0  # findings are written after the look
    assert len(sensor.cursor.hung) <= 20
