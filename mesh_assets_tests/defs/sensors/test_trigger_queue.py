"""The sensor `trigger_queue`: on a queue in memory, and through ministack (SNS, SQS, CloudWatch, EventBridge)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mesh_assets.defs.sensors.trigger_queue import (
    NOT_CONFIGURED,
    Queues,
    open_queues,
    tick,
    trigger_queue_sensor,
)
from mesh_assets.errors import UnreachableError
from mesh_assets.estate.file import parse_estate
from mesh_assets.estate.model import Estate
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inbox import Inbox
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.sensing.trigger_queue.fakes import FakeQueue, example

pytestmark = pytest.mark.slow

CLUSTERS = """
clusters:
  warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}
  payments: {kafka: {bootstrap_servers: "127.0.0.1:2"}}
"""
WITH_QUEUE = (
    CLUSTERS + 'triggers: {queue_url: "https://sqs.eu-central-1.amazonaws.com/123456789012/triggers"}\n'
)


@dataclass
class Place:
    """A store in which both clusters were discovered, and an instance."""

    store: InventoryStore
    instance: dg.DagsterInstance

    def tick(
        self, estate: Estate, *, cursor: str | None = None, **more: Any
    ) -> tuple[dg.SensorResult, tuple[str, ...]]:
        return tick(self.instance, estate, dict(estate.clusters), store=self.store, cursor=cursor, **more)

    def waiting(self, cluster_id: str) -> list[str]:
        return sorted(str(one.trigger) for one in Inbox(self.store.objects).waiting(cluster_id))


@pytest.fixture
def place(tmp_path: Path, instance: dg.DagsterInstance) -> Place:
    store = InventoryStore(FolderStore(tmp_path / "store"))
    store.remember_cluster("warehouse", "lkc-1")
    store.remember_cluster("payments", "lkc-2")
    return Place(store, instance)


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


def requested(result: dg.SensorResult) -> dict[str | None, str]:
    return {request.partition_key: request.tags["mesh/trigger"] for request in result.run_requests or ()}


def test_without_a_queue_the_sensor_skips_and_says_how_to_name_one(place: Place) -> None:
    result, _ = place.tick(parse_estate(CLUSTERS, source="estate"))

    assert result.skip_reason is not None
    assert result.skip_reason.skip_message == NOT_CONFIGURED


def test_a_message_becomes_a_run_request_with_its_trigger(place: Place, queue: FakeQueue) -> None:
    queue.put(example("own_form"))

    result, notes = place.tick(
        parse_estate(WITH_QUEUE, source="estate"), queues=lambda _: Queues(triggers=queue, dead_letters=None)
    )

    [request] = result.run_requests or ()
    assert (request.partition_key, request.tags["mesh/trigger"], request.tags["mesh/trigger_resource"]) == (
        "warehouse",
        "schema_updated",
        "users-value",
    )
    assert place.waiting("lkc-1") == ["schema_updated users-value"]
    assert notes == ("message m-1: schema_updated users-value, for warehouse",)


def test_several_messages_become_one_run_per_cluster(place: Place, queue: FakeQueue) -> None:
    queue.put('{"trigger": {}}', example("alarm"), '{"trigger": {"cluster": "warehouse", "type": "manual"}}')

    result, _ = place.tick(
        parse_estate(WITH_QUEUE, source="estate"), queues=lambda _: Queues(triggers=queue, dead_letters=None)
    )

    assert set(requested(result)) == {"warehouse", "payments"}
    assert len(place.waiting("lkc-1")) == 3


def test_the_cursor_recognises_what_comes_again(place: Place, queue: FakeQueue) -> None:
    estate = parse_estate(WITH_QUEUE, source="estate")
    queues = Queues(triggers=queue.put(example("alarm")), dead_letters=None)
    first, _ = place.tick(estate, queues=lambda _: queues)
    inbox = Inbox(place.store.objects)
    inbox.remove("lkc-1", [one.id for one in inbox.waiting("lkc-1")])

    queue.put(example("alarm_event"))
    again, notes = place.tick(estate, queues=lambda _: queues, cursor=first.cursor)
    broken, _ = place.tick(estate, queues=lambda _: queues, cursor="{}")

    assert requested(again) == {}
    assert notes == ("message m-2 repeats cloudwatch_alarm warehouse-lag: taken in before",)
    assert again.cursor == first.cursor
    assert broken.cursor == "[]"


def test_an_unreachable_queue_skips_with_the_reason_and_what_waits_still_runs(
    place: Place, queue: FakeQueue
) -> None:
    estate = parse_estate(WITH_QUEUE, source="estate")
    queue.fails_to["receive"] = UnreachableError("sqs:ReceiveMessage on queue triggers: no answer")
    queues = Queues(triggers=queue, dead_letters=None)

    result, _ = place.tick(estate, queues=lambda _: queues)
    assert result.skip_reason is not None
    assert result.skip_reason.skip_message == "sqs:ReceiveMessage on queue triggers: no answer; no messages"

    del queue.fails_to["receive"]
    place.tick(
        estate, queues=lambda _: Queues(triggers=FakeQueue().put(example("own_form")), dead_letters=None)
    )
    assert place.waiting("lkc-1") == ["schema_updated users-value"]


def test_a_failing_store_skips_with_the_reason_and_deletes_nothing(
    place: Place, queue: FakeQueue, tmp_path: Path
) -> None:
    queue.put(example("own_form"))
    (tmp_path / "store" / "triggers").write_text("a file where a folder should be")

    result, _ = place.tick(
        parse_estate(WITH_QUEUE, source="estate"), queues=lambda _: Queues(triggers=queue, dead_letters=None)
    )

    assert queue.deleted == []
    assert "the messages stay on the queue" in str(result.skip_reason)


def test_a_queue_without_a_region_skips_with_that_sentence(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    estate = parse_estate(
        CLUSTERS + 'triggers: {queue_url: "http://127.0.0.1:1/123456789012/q"}\n', source="estate"
    )

    result, _ = place.tick(estate)

    assert result.skip_reason is not None
    assert result.skip_reason.skip_message is not None
    assert result.skip_reason.skip_message.startswith("no AWS region is known for queue q")


def test_the_sensor_is_mounted_running_and_looks_every_half_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MESH_SENSOR_INTERVAL_SECONDS", raising=False)

    sensor = trigger_queue_sensor(dg.StaticPartitionsDefinition(["warehouse"]))

    assert (sensor.name, sensor.default_status, sensor.minimum_interval_seconds) == (
        "trigger_queue",
        dg.DefaultSensorStatus.RUNNING,
        30,
    )


# --- through ministack


@dataclass(frozen=True)
class Road:
    """A topic with its queue and dead-letter queue in this test's own account."""

    url: str
    topic: str
    queue: str
    dead: str
    account: str

    def client(self, service: str) -> Any:
        return new_session().create_client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.account,
            aws_secret_access_key="x",
        )

    @property
    def estate(self) -> Estate:
        triggers = {
            "queue_url": self.queue,
            "dead_letter_queue_url": self.dead,
            "region": "us-east-1",
            "endpoint_url": self.url,
        }
        return parse_estate(CLUSTERS + f"triggers: {json.dumps(triggers)}\n", source="estate")

    def left(self, queue: str) -> int:
        """Messages on the queue, visible or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


@pytest.fixture
def road(aws_url: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Road:
    account = f"{abs(hash(tmp_path_factory.mktemp('account'))) % 10**12:012d}"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    bare = Road(aws_url, "", "", "", account)
    sqs, sns = bare.client("sqs"), bare.client("sns")
    queue, dead = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("triggers", "triggers-dlq"))
    topic = sns.create_topic(Name="discovery-agent-triggers")["TopicArn"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return Road(aws_url, topic, queue, dead, account)


def an_alarm(cloudwatch: Any, *, actions: list[str]) -> None:
    cloudwatch.put_metric_alarm(
        AlarmName="warehouse-lag",
        Namespace="AWS/Kafka",
        MetricName="MaxOffsetLag",
        Dimensions=[{"Name": "Cluster Name", "Value": "warehouse"}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1000,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=actions,
        OKActions=actions,
    )


@pytest.mark.sandbox
def test_a_message_on_the_topic_reaches_the_inbox_and_requests_a_run(road: Road, place: Place) -> None:
    road.client("sns").publish(TopicArn=road.topic, Message=example("own_form"))

    result, notes = place.tick(road.estate)

    assert requested(result) == {"warehouse": "schema_updated"}
    assert place.waiting("lkc-1") == ["schema_updated users-value"]
    assert road.left(road.queue) == 0
    assert notes[0].endswith(": schema_updated users-value, for warehouse")


@pytest.mark.sandbox
def test_an_alarms_change_of_state_is_delivered_and_its_end_is_ignored(road: Road, place: Place) -> None:
    cloudwatch = road.client("cloudwatch")
    an_alarm(cloudwatch, actions=[road.topic])
    cloudwatch.set_alarm_state(AlarmName="warehouse-lag", StateValue="ALARM", StateReason="far behind")
    cloudwatch.set_alarm_state(AlarmName="warehouse-lag", StateValue="OK", StateReason="caught up")

    result, notes = place.tick(road.estate)

    assert requested(result) == {"warehouse": "cloudwatch_alarm"}
    assert (place.waiting("lkc-1"), place.waiting("lkc-2")) == (["cloudwatch_alarm warehouse-lag"], [])
    assert any(note.endswith("ignored: alarm warehouse-lag is OK") for note in notes)
    assert road.left(road.queue) == 0


@pytest.mark.sandbox
def test_a_rule_of_the_bus_can_send_our_own_format(road: Road, place: Place) -> None:
    events = road.client("events")
    arn = road.client("sqs").get_queue_attributes(QueueUrl=road.queue, AttributeNames=["QueueArn"])[
        "Attributes"
    ]["QueueArn"]
    events.put_rule(Name="deployments", EventPattern=json.dumps({"source": ["ci.pipeline"]}))
    events.put_targets(
        Rule="deployments", Targets=[{"Id": "queue", "Arn": arn, "Input": example("own_form")}]
    )
    events.put_events(Entries=[{"Source": "ci.pipeline", "DetailType": "Deployed", "Detail": "{}"}])

    result, _ = place.tick(road.estate)

    assert requested(result) == {"warehouse": "schema_updated"}


@pytest.mark.sandbox
def test_messages_that_cannot_be_understood_are_in_the_dead_letter_queue_with_the_reason(
    road: Road, place: Place
) -> None:
    sqs = road.client("sqs")
    sqs.send_message(QueueUrl=road.queue, MessageBody="hello")

    place.tick(road.estate)

    [letter] = sqs.receive_message(QueueUrl=road.dead, WaitTimeSeconds=2, MessageAttributeNames=["All"])[
        "Messages"
    ]
    assert letter["Body"] == "hello"
    assert letter["MessageAttributes"]["mesh_reason"]["StringValue"] == "not JSON (DecodeError)"
    assert road.left(road.queue) == 0


@pytest.mark.sandbox
def test_a_message_that_could_not_be_stored_stays_on_the_queue(
    road: Road, place: Place, tmp_path: Path
) -> None:
    road.client("sns").publish(TopicArn=road.topic, Message='{"trigger": {}}')
    (tmp_path / "store" / "triggers").write_text("a file where a folder should be")

    result, _ = place.tick(road.estate)

    assert "the messages stay on the queue" in str(result.skip_reason)
    assert road.left(road.queue) == 1


@pytest.mark.sandbox
def test_a_missing_queue_is_reported(road: Road, place: Place) -> None:
    assert road.estate.triggers is not None
    estate = road.estate.model_copy(
        update={"triggers": road.estate.triggers.model_copy(update={"queue_url": f"{road.queue}-nowhere"})}
    )

    result, _ = place.tick(estate)

    assert result.skip_reason is not None
    assert (
        "sqs:ReceiveMessage on queue triggers-nowhere: it does not exist in this account and region"
        in str(result.skip_reason)
    )


def test_the_dead_letter_queue_is_the_one_named_in_the_estate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    estate = parse_estate(
        WITH_QUEUE.replace('triggers"}', 'triggers", dead_letter_queue_url: "https://x.test/1/dead"}'),
        source="estate",
    )
    assert estate.triggers is not None

    queues = open_queues(estate.triggers.model_copy(update={"region": "us-east-1"}))

    assert (str(queues.triggers), str(queues.dead_letters)) == ("queue triggers", "queue dead")
