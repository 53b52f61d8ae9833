import dataclasses

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from mesh_assets.errors import StoreError
from mesh_assets.estate.connections import KafkaConnectEndpoint
from mesh_assets.platforms.connect.kafka_connect import KafkaConnectClient
from mesh_assets.sensing.cursor import AT_REST, ClusterCursor
from mesh_assets.sensing.observations.connectors import compare_connectors, observe_connectors
from mesh_assets.sensing.observations.observation import Observation, ObservationContext
from mesh_assets.sensing.observations.resources import observe_resources
from mesh_assets.store.fingerprints import KeptFingerprints
from mesh_assets_tests.platforms.http.fakes import FakeTime
from mesh_assets_tests.sensing.estate import Estate, FakeCluster, reported

FAILED = (
    "connector_failed",
    "orders-sink",
    "Connector orders-sink: task 0 RUNNING → FAILED: DataException: not json {",
)
RECOVERED = ("connector_recovered", "orders-sink", "Connector orders-sink: task 0 FAILED → RUNNING")


def test_connectors_at_rest_take_one_request_and_give_no_reason_to_run(
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


def test_after_the_flapping_the_last_state_is_reported_and_nothing_is_remembered(
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


SECRETS = {
    "db.password": "correct-horse",
    "db.url": "jdbc:postgresql://app:battery-staple@db/shop",
    "vault": "${vault:a:b}",
    "cloud.secret": "*" * 16,
    "batch.size": "10",
}


@pytest.fixture
def with_secrets(estate: Estate, warehouse: FakeCluster) -> Estate:
    warehouse.worker.connectors = {"orders-sink": "RUNNING RUNNING"}
    warehouse.worker.config = dict(SECRETS)
    estate.discover()
    return estate


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"db.password": "tr0ub4dor&3"}, "db.password"),
        ({"db.url": "jdbc:postgresql://app:tr0ub4dor&3@db/shop"}, "db.url"),
        ({"db.password": "tr0ub4dor&3", "batch.size": "20"}, "batch.size, db.password"),
        ({"batch.size": "20"}, "batch.size"),
        ({"vault": "${vault:a:c}"}, "vault"),
        ({"db.token": "tr0ub4dor&3"}, "db.token"),
        ({"odd": "tr0ub4dor&3"}, "odd"),
    ],
)
def test_a_changed_config_triggers_a_discovery_which_finds_it_and_no_value_is_shown(
    with_secrets: Estate, warehouse: FakeCluster, changes: dict[str, str], named: str
) -> None:
    assert with_secrets.observe(observe_resources).causes == ()
    before = with_secrets.latest().sequence
    warehouse.worker.config.update(changes)

    observed = [with_secrets.observe(observe_resources) for _ in range(2)]

    assert observed[0].causes == observed[1].causes, "the same cause waits once"
    assert reported(observed[0].causes) == [
        ("connector_changed", "orders-sink", f"Connector orders-sink: {named} changed")
    ]
    secrets = [*SECRETS.values(), *changes.values(), "battery-staple", "tr0ub4dor"]
    assert [one for one in secrets if one in msgspec.json.encode(observed).decode() and len(one) > 3] == []
    with_secrets.discover()
    published = [one for one in with_secrets.world.log.changes if one.sequence == before + 1]
    assert sorted(str(one.field) for one in published) == sorted(f"config.{key}" for key in named.split(", "))
    assert with_secrets.observe(observe_resources).causes == ()


def test_unknown_secrets_are_not_a_reason_for_a_run(with_secrets: Estate, warehouse: FakeCluster) -> None:
    kept = [entry.key for entry in with_secrets.store.objects.list("private/fingerprints/")]
    assert len(kept) == 1
    before = with_secrets.store.objects.get(kept[0])
    assert before is not None
    warehouse.worker.config["db.password"] = "tr0ub4dor&3"
    warehouse.worker.config["cloud.secret"] = "*" * 10
    seen = with_secrets.observe(observe_resources)
    with_secrets.store.objects.put(kept[0], b"{")
    unknown = with_secrets.observe(observe_resources)
    with_secrets.store.objects.put(kept[0], before[0])
    with_secrets.store.objects.delete("private/fingerprint-key.json")
    another_key = with_secrets.observe(observe_resources)

    assert [len(one.causes) for one in (seen, unknown, another_key)] == [1, 0, 0]


def test_unreadable_fingerprints_give_a_note_and_the_rest_is_still_compared(
    with_secrets: Estate, warehouse: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("the bucket does not answer")

    monkeypatch.setattr(KeptFingerprints, "of", fail)
    warehouse.worker.config["batch.size"] = "20"

    observed = with_secrets.observe(observe_resources)

    assert [cause.trigger.type for cause in observed.causes] == ["connector_changed"]
    assert observed.notes == ("rotations of secrets are not seen: the bucket does not answer",)


def test_a_config_unreadable_in_the_last_discovery_is_not_a_reason_for_a_run(
    with_secrets: Estate, warehouse: FakeCluster
) -> None:
    warehouse.worker.config["batch.size"] = "20"
    document = with_secrets.latest()
    withheld = replace(document.connectors[0], error="its config is withheld")

    with warehouse.clients() as opened:
        read = compare_connectors(opened.connect, replace(document, connectors=(withheld,)), with_secrets.now)

    assert read.config_causes == ()
