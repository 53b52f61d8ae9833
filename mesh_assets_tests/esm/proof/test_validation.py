"""The order of a proof, with its own clock: when its window begins, what it waits for, whom it sees."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from mesh_assets.esm.connection import KafkaLogin
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.esm.proof import Position, Produced, ProducePlan, Validation, ValidationRequest, validation
from mesh_assets.esm.proof.evidence import Member
from mesh_assets.esm.proof.messages import Written
from mesh_assets_tests.esm.fake_aws import FakeAws

NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class World:
    """A group that commits the messages at once, and CloudWatch, where each point arrives at a given moment.

    `points`: metric, minute, value, and when it arrives.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOON + timedelta(seconds=40)
        self.points: list[tuple[str, datetime, float, datetime]] = []
        self.holders: list[tuple[Member, ...]] = []
        self.produced_at: datetime | None = None
        self.on_produce: Callable[[], None] = lambda: None
        self.partial_until = self.now
        self.aws = FakeAws()
        self.uuid = self.aws.add_mapping()
        self.own = Member(client_id=f"lambda-{self.uuid}", host="10.0.0.7", partitions=(0,))
        self.aws.answers["cloudwatch.get_metric_data"] = self._metrics
        plan = ProducePlan(
            id="p",
            endpoint="b-1:9092",
            topic="orders",
            partitions=(0,),
            messages=1,
            bytes_each=200,
            key=None,
            group="g",
            other_groups=(),
        )
        for name, stand_in in {
            "_plan": lambda *_: plan,
            "get_initial_offset": lambda *_, **__: self._position(5),
            "read_position": lambda *_, **__: self._position(6),
            "produce_test_messages": self._produce,
            "_now": lambda: self.now,
        }.items():
            monkeypatch.setattr(validation, name, stand_in)
        monkeypatch.setattr("mesh_assets.esm.proof.validation.time.sleep", self._sleep)
        monkeypatch.setattr("mesh_assets.esm.proof.validation.time.monotonic", lambda: self.now.timestamp())

    def validate(self, progress: Callable[[str], None] = lambda _: None) -> Validation:
        account = self.aws.account()
        return validation.validate_esm_processing(
            account,
            get_mapping(account, self.uuid),
            KafkaLogin(bootstrap_servers="127.0.0.1:1"),
            ValidationRequest(messages=1),
            progress=progress,
        )

    def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def _position(self, committed: int) -> Position:
        members = self.holders.pop(0) if self.holders else (self.own,)
        return Position(
            group="g", topic="orders", committed={0: committed}, start={0: 0}, end={0: 6}, members=members
        )

    def _produce(self, *_: Any, **__: Any) -> Produced:
        self.produced_at = self.now
        self.on_produce()
        return Produced(
            test_id="t",
            topic="orders",
            messages=1,
            started_at=self.now,
            seconds=0.1,
            partitions=(Written(partition=0, first=5, last=5, messages=1),),
        )

    def _metrics(self, **asked: Any) -> dict[str, Any]:
        results: list[dict[str, Any]] = []
        for query in asked["MetricDataQueries"]:
            found: Mapping[datetime, float] = {
                minute: value
                for name, minute, value, arrives in self.points
                if name == query["MetricStat"]["Metric"]["MetricName"]
                and asked["StartTime"] <= minute < asked["EndTime"]
                and arrives <= self.now
            }
            results.append(
                {
                    "Id": query["Id"],
                    "Timestamps": list(found),
                    "Values": list(found.values()),
                    "StatusCode": "Complete" if self.now >= self.partial_until else "PartialData",
                }
            )
        return {"MetricDataResults": results}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_another_callers_error_before_the_test_is_ignored(world: World) -> None:
    late = NOON + 2 * MINUTE
    world.points = [
        ("Invocations", NOON, 1.0, late),
        ("Errors", NOON, 1.0, late),
        ("Invocations", NOON + MINUTE, 1.0, late),
        ("Errors", NOON + MINUTE, 0.0, late),
    ]
    found = world.validate()
    assert world.produced_at == NOON + MINUTE
    assert (found.verdict.name, found.counts and found.counts.errors) == ("processed", 0)


def test_a_validation_waits_for_errors_too(world: World) -> None:
    world.points = [
        ("Invocations", NOON + MINUTE, 1.0, NOON + MINUTE),
        ("Errors", NOON + MINUTE, 1.0, NOON + 3 * MINUTE),
    ]
    found = world.validate()
    assert (found.verdict.name, found.counts and found.counts.errors) == ("committed, not processed", 1)


def test_errors_that_never_arrive_prove_nothing(world: World) -> None:
    world.points = [("Invocations", NOON + MINUTE, 1.0, NOON + MINUTE)]
    assert world.validate().verdict.name == "unproven"


def test_a_member_that_held_the_partition_in_any_reading_may_have_committed(world: World) -> None:
    world.points = [
        (name, NOON + MINUTE, float(name == "Invocations"), NOON) for name in ("Invocations", "Errors")
    ]
    assert world.validate().verdict.name == "processed"
    foreign = msgspec.structs.replace(world.own, client_id="somebody-else")
    world.now = NOON + timedelta(seconds=40)
    world.holders = [(foreign,), (msgspec.structs.replace(foreign, partitions=()), world.own)]
    found = world.validate()
    assert (found.verdict.name, "somebody-else" in found.verdict.sentence) == ("unproven", True)


def test_a_mapping_that_does_not_poll_is_reported_at_once(world: World) -> None:
    world.aws.mappings[world.uuid]["State"] = "Disabled"
    found = world.validate()
    assert (found.verdict.name, world.produced_at, world.now) == (
        "not processed",
        None,
        NOON + timedelta(seconds=40),
    )


def test_a_mapping_changed_meanwhile_proves_nothing(world: World) -> None:
    world.points = [("Invocations", NOON + MINUTE, 1.0, NOON), ("Errors", NOON + MINUTE, 0.0, NOON)]
    world.on_produce = lambda: world.aws.mappings[world.uuid].update(BatchSize=7)
    found = world.validate()
    assert (found.verdict.name, "was changed while" in found.verdict.sentence) == ("unproven", True)


def test_a_validation_waits_for_the_batching_window_too(world: World) -> None:
    world.aws.mappings[world.uuid]["MaximumBatchingWindowInSeconds"] = 300
    assert world.validate().deadline_seconds == 330


def test_nothing_is_written_for_a_caller_who_stops_waiting_for_the_minute(world: World) -> None:
    def stopped(_: str) -> None:
        if world.now >= NOON + MINUTE:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.validate(stopped)
    assert world.produced_at is None


def test_filters_under_an_unusable_key_do_not_count_as_none(world: World) -> None:
    world.points = [("Invocations", NOON + MINUTE, 1.0, NOON), ("Errors", NOON + MINUTE, 0.0, NOON)]
    world.aws.mappings[world.uuid] |= {
        "KMSKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/0b7c2f",
        "FilterCriteriaError": {"ErrorCode": "KMSAccessDeniedException", "Message": "kms:Decrypt is denied"},
    }
    found = world.validate()
    assert (found.verdict.name, "kms:Decrypt is denied" in found.verdict.sentence) == ("unproven", True)


def test_partial_metrics_are_requested_again_and_never_count_as_zero(world: World) -> None:
    world.points = [("Invocations", NOON + MINUTE, 1.0, NOON), ("Errors", NOON + MINUTE, 0.0, NOON)]
    world.partial_until = NOON + 3 * MINUTE
    assert world.validate().verdict.name == "processed"
    assert world.now >= NOON + 3 * MINUTE
    world.now, world.partial_until = NOON + timedelta(seconds=40), NOON + timedelta(hours=1)
    found = world.validate()
    assert (found.verdict.name, "PartialData" in found.verdict.sentence) == ("unproven", True)
