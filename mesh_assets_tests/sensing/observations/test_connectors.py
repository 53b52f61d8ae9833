import dataclasses

import httpx

from mesh_assets.estate.connections import KafkaConnectEndpoint
from mesh_assets.platforms.connect.kafka_connect import KafkaConnectClient
from mesh_assets.sensing.cursor import AT_REST, ClusterCursor
from mesh_assets.sensing.observations.connectors import observe_connectors
from mesh_assets.sensing.observations.observation import Observation, ObservationContext
from mesh_assets_tests.platforms.http.fakes import FakeTime
from mesh_assets_tests.sensing.estate import Estate, FakeCluster, reported

FAILED = (
    "connector_failed",
    "orders-sink",
    "Connector orders-sink: task 0 RUNNING → FAILED: DataException: not json {",
)
RECOVERED = ("connector_recovered", "orders-sink", "Connector orders-sink: task 0 FAILED → RUNNING")


def test_connectors_at_rest_cost_one_request_and_are_no_reason(
    estate: Estate, warehouse: FakeCluster
) -> None:
    warehouse.worker.requests.clear()

    observed = estate.observe(observe_connectors)

    assert (observed.causes, observed.notes, observed.cursor) == ((), (), AT_REST)
    assert warehouse.worker.requests == ["/connectors"]


def test_a_failed_task_is_reported_with_the_reason_and_its_recovery_too(
    estate: Estate, warehouse: FakeCluster
) -> None:
    warehouse.worker.connectors["orders-sink"] = "RUNNING FAILED"
    failed = estate.observe(observe_connectors)
    estate.discover()
    after = estate.observe(observe_connectors, cursor=failed.cursor)
    warehouse.worker.connectors["orders-sink"] = "RUNNING RUNNING"
    recovered = estate.observe(observe_connectors, cursor=after.cursor)

    assert reported(failed.causes) == [FAILED]
    assert after.causes == ()
    assert reported(recovered.causes) == [RECOVERED]


def test_a_connector_that_is_created_broken_has_failed(estate: Estate, warehouse: FakeCluster) -> None:
    warehouse.worker.connectors["new-sink"] = "FAILED"

    assert [(f.trigger.type, f.trigger.resource) for f in estate.observe(observe_connectors).causes] == [
        ("connector_failed", "new-sink")
    ]


def test_a_paused_connector_has_neither_failed_nor_recovered(estate: Estate, warehouse: FakeCluster) -> None:
    warehouse.worker.connectors["orders-sink"] = "PAUSED PAUSED"

    assert estate.observe(observe_connectors).causes == ()


def test_connect_that_is_down_gives_its_reason_and_the_failures_come_when_it_is_back(
    estate: Estate, warehouse: FakeCluster
) -> None:
    warehouse.worker.connectors["orders-sink"] = "RUNNING FAILED"
    warehouse.worker.before = lambda _: httpx.Response(500, text="no leader")
    down = estate.observe(observe_connectors)
    warehouse.worker.before = lambda _: None
    up = estate.observe(observe_connectors, cursor=down.cursor)

    assert down.causes == ()
    assert "500" in down.notes[0]
    assert reported(up.causes) == [FAILED]


def test_a_flapping_connector_is_reported_once_and_then_held_until_its_quiet_period_ends(
    estate: Estate, warehouse: FakeCluster
) -> None:
    cursor = ClusterCursor()
    runs = []
    for minute in range(22):
        warehouse.worker.connectors["orders-sink"] = (
            "RUNNING FAILED" if minute % 2 == 0 else "RUNNING RUNNING"
        )
        observed = estate.observe(observe_connectors, cursor=cursor)
        cursor = observed.cursor
        if observed.causes:
            runs.append((minute, reported(observed.causes)[0][::2]))
            estate.discover()
        estate.pass_by(seconds=58 if observed.causes else 60)

    failed, recovered = FAILED[::2], RECOVERED[::2]
    assert runs == [
        (0, failed),
        (1, recovered),
        (10, ("connector_failed", "Connector orders-sink: failed 6 times in 10 minutes, now failed")),
        (20, ("connector_failed", "Connector orders-sink: failed 5 times in 10 minutes, now failed")),
    ]


def test_when_the_flapping_is_over_the_last_state_is_reported_and_nothing_is_remembered(
    estate: Estate, warehouse: FakeCluster
) -> None:
    cursor = ClusterCursor()
    for states in ("FAILED", "RUNNING", "FAILED", "RUNNING"):
        warehouse.worker.connectors["orders-sink"] = f"RUNNING {states}"
        cursor = estate.observe(observe_connectors, cursor=cursor).cursor
        estate.pass_by(minutes=1)
    assert cursor.flaps

    estate.pass_by(minutes=10)
    over = estate.observe(observe_connectors, cursor=cursor)
    estate.pass_by(minutes=10)
    calm = estate.observe(observe_connectors, cursor=over.cursor)

    assert [f.trigger.details for f in over.causes] == [
        "Connector orders-sink: failed 2 times in 14 minutes, now RUNNING"
    ]
    assert (calm.causes, calm.cursor) == ((), AT_REST)


def test_the_quiet_period_is_the_clusters(estate: Estate, warehouse: FakeCluster) -> None:
    warehouse.quiet_minutes = 0
    cursor, types = ClusterCursor(), []
    for states in ("FAILED", "RUNNING", "FAILED"):
        warehouse.worker.connectors["orders-sink"] = f"RUNNING {states}"
        observed = estate.observe(observe_connectors, cursor=cursor)
        cursor = observed.cursor
        types.append([f.trigger.type for f in observed.causes])
        estate.discover()

    assert types == [["connector_failed"], ["connector_recovered"], ["connector_failed"]]


def test_a_dead_connect_cluster_does_not_hide_the_failures_of_another(
    estate: Estate, warehouse: FakeCluster
) -> None:
    dead = KafkaConnectClient(
        KafkaConnectEndpoint(kind="kafka_connect", url="http://dead.test:8083"),
        transport=httpx.MockTransport(lambda _: httpx.Response(500, text="no leader")),
        clock=FakeTime().clock,
    )
    warehouse.worker.connectors["orders-sink"] = "RUNNING FAILED"

    def observe(context: ObservationContext) -> Observation:
        clients = dataclasses.replace(context.clients, connect=(*context.clients.connect, dead))
        return observe_connectors(dataclasses.replace(context, clients=clients))

    observed = estate.observe(observe)

    assert reported(observed.causes) == [FAILED]
    (note,) = observed.notes
    assert "dead.test:8083" in note
