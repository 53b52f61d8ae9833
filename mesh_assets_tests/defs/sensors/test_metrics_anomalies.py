"""Ticks of `metrics_anomalies` on an estate of fakes; `daemon/` has it on real servers."""

import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from mesh_assets.defs.sensors.metrics_anomalies import Watching, metrics_anomalies_sensor, tick
from mesh_assets.errors import StoreError, UnreachableError
from mesh_assets.readings.history import ReadingHistory
from mesh_assets.runs.requests import INTERVAL_VARIABLE
from mesh_assets.sensing.cursor import SensorCursor, decode_cursor
from mesh_assets.sensing.sweep import SWEEP_LIMITS, SweepLimits
from mesh_assets_tests.sensing.estate import Estate, FakeCluster, Kafka

A_READING = 4_500  # 15 records a second


class Ticking:
    """The sensor, tick after tick, five minutes apart."""

    def __init__(
        self, world: Estate, instance: dg.DagsterInstance, *, limits: SweepLimits = SWEEP_LIMITS
    ) -> None:
        self._world = world
        self._instance = instance
        self._limits = limits
        self.cursor = SensorCursor()
        self.log: list[str] = []

    def __call__(self) -> dg.SensorResult:
        world = self._world
        for fake in world.fakes.values():
            fake.kafka.read_at[:] = [world.now]
        watching = Watching(
            interval_seconds=300, clients=world.open_clients, limits=self._limits, now=lambda: world.now
        )
        result, log = tick(self._instance, world.clusters, watching, store=world.store, cursor=self.cursor)
        self.log += log
        self.cursor = decode_cursor(result.cursor)
        world.pass_by(minutes=5)
        return result


def requested(result: dg.SensorResult) -> list[tuple[str | None, str, str]]:
    tags = [(request.partition_key, request.tags) for request in result.run_requests or ()]
    return [(cluster, each["mesh/trigger"], each["mesh/trigger_resource"]) for cluster, each in tags]


def skipped(result: dg.SensorResult) -> str:
    assert result.skip_reason is not None
    return result.skip_reason.skip_message or ""


def readings(world: Estate, cluster_id: str) -> int:
    history = ReadingHistory(world.store.objects, cluster_id)
    return sum(len(chunk.times) for chunk in history.load(history.entries()))


@pytest.fixture
def world(tmp_path: Path) -> Estate:
    names = ("warehouse", "payments")
    kafkas = {
        name: Kafka(topics={"orders": [10]}, cluster_id=f"lkc-{name}", growth=A_READING) for name in names
    }
    world = Estate(tmp_path, *(FakeCluster(name=name, kafka=kafka) for name, kafka in kafkas.items()))
    for name in names:
        world.discover(name)
    return world


@pytest.mark.slow
def test_a_silent_topic_becomes_one_run_of_its_cluster(world: Estate, instance: dg.DagsterInstance) -> None:
    sensor = Ticking(world, instance)
    ordinary = [sensor() for _ in range(36)]
    world.fakes["payments"].kafka.growth = 0
    silent = [sensor() for _ in range(4)]
    made_for = world.discover("payments")
    after = [sensor() for _ in range(12)]

    assert {skipped(result) for result in ordinary} == {"2 of 2 clusters read, nothing unusual began"}
    # The first reading after the change still includes what came before it.
    assert [requested(result) for result in silent] == [
        [],
        [],
        [],
        [("payments", "metrics_anomaly", "orders")],
    ]
    assert [(trigger.type, trigger.resource) for trigger in made_for] == [("metrics_anomaly", "orders")]
    assert [requested(result) for result in after] == [[]] * 12
    assert sensor.log == ["payments: orders: 0 records/s for 15 min, usually 15 in the 3 h before"]


@pytest.mark.slow
def test_a_lost_cursor_repeats_nothing(world: Estate, instance: dg.DagsterInstance) -> None:
    sensor = Ticking(world, instance)
    for _ in range(36):
        sensor()
    world.fakes["payments"].kafka.growth = 0
    for _ in range(4):
        sensor()
    world.discover("payments")

    again = Ticking(world, instance)

    assert [requested(again()) for _ in range(3)] == [[], [], []]


@pytest.mark.slow
def test_an_unreadable_cluster_is_skipped_with_the_reason_and_no_reading(
    world: Estate, instance: dg.DagsterInstance
) -> None:
    sensor = Ticking(world, instance)
    for _ in range(36):
        sensor()
    kafka = world.fakes["payments"].kafka
    kafka.fail["offsets"] = UnreachableError("Kafka at 127.0.0.1:9092 refused the connection")
    down = [sensor() for _ in range(12)]
    kafka.fail.clear()
    up = [sensor() for _ in range(6)]

    assert skipped(down[0]) == (
        "1 of 2 clusters read, nothing unusual began; payments: Kafka at 127.0.0.1:9092 refused the connection"
    )
    assert [requested(result) for result in (*down, *up)] == [[]] * 18
    assert (readings(world, "lkc-warehouse"), readings(world, "lkc-payments")) == (54, 42)


def test_an_unwritable_store_is_the_reason(
    world: Estate, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> str:
        raise StoreError("the disk is full")

    sensor = Ticking(world, instance)
    monkeypatch.setattr(world.store.objects, "put_new", refuse)

    assert skipped(sensor()) == (
        "0 of 2 clusters read, nothing unusual began; payments: the disk is full; warehouse: the disk is full"
    )


def test_two_ticks_in_a_row_take_one_reading_even_if_the_first_was_lost(
    world: Estate, instance: dg.DagsterInstance
) -> None:
    sensor = Ticking(world, instance)
    sensor()
    sensor.cursor = SensorCursor()  # the daemon was killed before it kept the cursor
    world.pass_by(minutes=-4)

    assert "0 of 2 clusters read" in skipped(sensor())
    assert readings(world, "lkc-warehouse") == 1


@pytest.mark.slow
@pytest.mark.long
def test_of_100_clusters_with_20_hanging_all_healthy_ones_are_read_within_two_ticks(
    tmp_path: Path, instance: dg.DagsterInstance, hangs: Callable[[], None]
) -> None:
    names = [f"cluster-{number:03}" for number in range(100)]
    world = Estate(
        tmp_path,
        *(
            FakeCluster(name=name, kafka=Kafka(topics={"orders": [10]}, cluster_id=f"lkc-{name}"))
            for name in names
        ),
    )
    for name in names[:20]:
        world.fakes[name].opens = hangs
    limits = SweepLimits(at_once=16, cluster_seconds=0.8, tick_seconds=4.0)
    sensor = Ticking(world, instance, limits=limits)
    seconds = []

    for _ in range(2):
        start = time.monotonic()
        sensor()
        seconds.append(time.monotonic() - start)

    assert all(readings(world, f"lkc-{name}") >= 1 for name in names[20:])
    assert max(seconds) < limits.tick_seconds + 4.0  # readings are written after the look


@pytest.mark.parametrize(("environment", "seconds"), [({}, 30), ({INTERVAL_VARIABLE: "7"}, 5)])
def test_the_sensor_runs_by_default_and_ticks_ten_times_between_two_readings(
    environment: dict[str, str], seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(INTERVAL_VARIABLE, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    sensor = metrics_anomalies_sensor(dg.StaticPartitionsDefinition(["warehouse"]))

    assert (sensor.name, sensor.default_status, sensor.minimum_interval_seconds, sensor.job_name) == (
        "metrics_anomalies",
        dg.DefaultSensorStatus.RUNNING,
        seconds,
        "discovery",
    )
