from datetime import UTC, datetime, timedelta, timezone

import pytest

from mesh_assets.errors import StoreError, UnreachableError
from mesh_assets.estate.fields import NamePatterns
from mesh_assets.estate.model import Cluster
from mesh_assets.estate.monitoring import CloudWatchAlarms
from mesh_assets.platforms.aws.records import AlarmInAlarm
from mesh_assets.sensing.alarms import WatchedAlarms, watch_alarms
from mesh_assets.sensing.trigger_queue.alarms import read_alarm_notification
from mesh_assets.sensing.trigger_queue.message import Understood
from mesh_assets.store.inbox import Inbox
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.collecting.cluster_fakes import a_cluster
from mesh_assets_tests.snapshot.world import MemoryObjects

CLUSTER_ID = "lkc-1"
NOW = datetime(2026, 11, 23, 16, 45, tzinfo=UTC)
SINCE = datetime(2026, 11, 23, 16, 40, 2, 123000, tzinfo=UTC)
ARN = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:payments-lag"


def an_alarm(name: str = "payments-lag", since: datetime = SINCE) -> AlarmInAlarm:
    return AlarmInAlarm(
        name=name, arn=ARN.replace("payments-lag", name), reason="Threshold Crossed", since=since
    )


class CloudWatch:
    """The alarms in ALARM; `error`: what a look raises."""

    def __init__(self, *alarms: AlarmInAlarm) -> None:
        self.alarms = alarms
        self.error: Exception | None = None

    def __call__(self, cluster: Cluster, settings: CloudWatchAlarms) -> tuple[AlarmInAlarm, ...]:
        assert cluster.alarms == settings
        if self.error is not None:
            raise self.error
        return self.alarms


@pytest.fixture
def store() -> InventoryStore:
    store = InventoryStore(MemoryObjects())
    store.remember_cluster("warehouse", CLUSTER_ID)
    return store


def watch(store: InventoryStore, cloudwatch: CloudWatch, **settings: object) -> WatchedAlarms:
    seen = watch_alarms(
        a_cluster(alarms=CloudWatchAlarms.model_validate(settings)), store, read=cloudwatch, now=lambda: NOW
    )
    seen.keep()
    return seen


def reported(store: InventoryStore) -> list[tuple[str, str | None, str | None]]:
    """Takes what waits, as a run does: afterwards it is gone."""
    inbox = Inbox(store.objects)
    waiting = inbox.waiting(CLUSTER_ID)
    inbox.remove(CLUSTER_ID, [one.id for one in waiting])
    return [(one.trigger.type, one.trigger.resource, one.trigger.details) for one in waiting]


def test_an_alarm_is_reported_once_until_it_ends_and_again_when_it_comes_back(store: InventoryStore) -> None:
    cloudwatch = CloudWatch(an_alarm())
    assert watch(store, cloudwatch).begun == ("alarm payments-lag: Threshold Crossed",)
    assert reported(store) == [("cloudwatch_alarm", "payments-lag", "Threshold Crossed")]
    assert watch(store, cloudwatch).begun == ()
    assert reported(store) == []
    cloudwatch.alarms = ()
    assert watch(store, cloudwatch).ended == ("alarm payments-lag is over",)
    cloudwatch.alarms = (an_alarm(since=NOW),)
    watch(store, cloudwatch)
    assert len(reported(store)) == 1


def test_an_alarm_that_ended_and_came_back_between_two_ticks_is_another_one(store: InventoryStore) -> None:
    cloudwatch = CloudWatch(an_alarm())
    watch(store, cloudwatch)
    reported(store)
    cloudwatch.alarms = (an_alarm(since=NOW),)
    watch(store, cloudwatch)
    assert len(reported(store)) == 1


def test_a_failed_tick_ends_no_alarm(store: InventoryStore) -> None:
    cloudwatch = CloudWatch(an_alarm())
    watch(store, cloudwatch)
    reported(store)
    cloudwatch.error = UnreachableError("no answer")
    with pytest.raises(UnreachableError):
        watch(store, cloudwatch)
    cloudwatch.error = None
    assert watch(store, cloudwatch).begun == ()
    assert reported(store) == []


def test_only_alarms_with_matching_names_are_reported(store: InventoryStore) -> None:
    cloudwatch = CloudWatch(an_alarm("payments-lag"), an_alarm("payments-test-lag"))
    watch(store, cloudwatch, names=NamePatterns(exclude=("*-test-*",)))
    assert [resource for _, resource, _ in reported(store)] == ["payments-lag"]


def test_an_alarm_reported_by_a_message_waits_once(store: InventoryStore) -> None:
    from_message = read_alarm_notification(
        {
            "AlarmName": "payments-lag",
            "NewStateValue": "ALARM",
            "AlarmArn": ARN,
            "StateChangeTime": "2026-11-23T16:40:02.123+0000",
        },
        message_id="m-1",
    )
    assert isinstance(from_message, Understood)
    Inbox(store.objects).put(
        CLUSTER_ID, from_message.trigger, cause=from_message.cause_id, source="trigger_queue", now=NOW
    )
    watch(store, CloudWatch(an_alarm()))
    assert len(reported(store)) == 1


def test_a_crash_before_it_is_remembered_reports_it_again_under_the_same_cause(store: InventoryStore) -> None:
    class Full(MemoryObjects):
        def put(self, key: str, data: bytes) -> str:
            if key.startswith("alarms/"):
                raise StoreError("no space left")
            return super().put(key, data)

    full = Full()
    full.data = store.objects.data  # type: ignore[attr-defined] # a MemoryObjects
    with pytest.raises(StoreError):
        watch(InventoryStore(full), CloudWatch(an_alarm()))
    watch(store, CloudWatch(an_alarm()))
    assert len(reported(store)) == 1


def test_without_alarms_in_the_estate_or_a_discovery_no_request_is_made(
    store: InventoryStore,
) -> None:
    cloudwatch = CloudWatch(an_alarm())
    cloudwatch.error = AssertionError("it was asked")
    assert watch_alarms(a_cluster(), store, read=cloudwatch).begun == ()
    new = InventoryStore(MemoryObjects())
    assert (
        watch(new, cloudwatch).skipped
        == "alarms are read only after its first discovery: run `mesh-assets discover`"
    )


def test_an_alarm_with_an_absurd_time_is_left_out_and_the_others_are_reported(store: InventoryStore) -> None:
    absurd = datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))

    seen = watch(store, CloudWatch(an_alarm("payments-odd", since=absurd), an_alarm()))

    assert [resource for _, resource, _ in reported(store)] == ["payments-lag"]
    assert (
        seen.skipped
        == "alarm payments-odd is left out: an alarm whose time of change is outside the calendar"
    )


def test_damaged_memory_is_moved_aside_and_open_alarms_are_reported_once_more(store: InventoryStore) -> None:
    watch(store, CloudWatch(an_alarm()))
    reported(store)
    store.objects.put(f"alarms/{CLUSTER_ID}.json", b"{")

    watch(store, CloudWatch(an_alarm()))
    watch(store, CloudWatch(an_alarm()))

    assert len(reported(store)) == 1
    assert store.objects.get(f"quarantine/alarms/{CLUSTER_ID}.json") is not None
