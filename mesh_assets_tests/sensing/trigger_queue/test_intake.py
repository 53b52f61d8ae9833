import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from mesh_assets.errors import RefusedError, StoreError, UnreachableError
from mesh_assets.inventory.changes import Trigger
from mesh_assets.sensing.trigger_queue import (
    DeadLetters,
    Intake,
    Meaning,
    TakenIn,
    Target,
    read_message,
    take_in,
)
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inbox import Inbox, inbox_by_name
from mesh_assets_tests.documents import MOMENT
from mesh_assets_tests.sensing.trigger_queue.fakes import FakeDeadLetters, FakeQueue, example, in_sns

WAREHOUSE = Target(name="warehouse", cluster_id="lkc-1")
PAYMENTS = Target(name="payments", cluster_id="lkc-nd1ng3")
BOTH = (WAREHOUSE, PAYMENTS)
EXTERNAL = Trigger(type="external")


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(FolderStore(tmp_path))


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


def run(
    queue: FakeQueue,
    inbox: Inbox,
    *,
    targets: Sequence[Target] = BOTH,
    dead_letters: DeadLetters | None = None,
    remembered: Sequence[str] = (),
) -> Intake:
    return take_in(
        queue, inbox, targets, dead_letters=dead_letters, remembered=remembered, now=lambda: MOMENT
    )


def waiting(inbox: Inbox) -> dict[str, list[str]]:
    return {
        target.name: sorted(str(one.trigger) for one in inbox.waiting(target.cluster_id))
        for target in BOTH
        if target.cluster_id is not None
    }


def test_a_message_is_put_into_the_inbox_and_deleted(queue: FakeQueue, inbox: Inbox) -> None:
    intake = run(queue.put(in_sns(example("own_form"))), inbox)

    [found] = inbox.waiting("lkc-1")
    assert found.trigger == Trigger(
        type="schema_updated", resource="users-value", details="Deployed by the pipeline"
    )
    assert (found.source, found.received_at) == ("trigger_queue", MOMENT)
    assert queue.deleted == ["m-1"]
    assert intake.taken_in == (TakenIn(trigger=found.trigger, clusters=("warehouse",)),)
    assert intake.notes == ("message m-1: schema_updated users-value, for warehouse",)
    assert intake.error is None


@pytest.mark.parametrize(
    ("undeletable", "note"),
    [
        ({"m-1"}, "1 message could not be deleted; it will come again and be recognised"),
        ({"m-1", "m-2"}, "2 messages could not be deleted; they will come again and be recognised"),
    ],
)
def test_a_message_that_could_not_be_deleted_is_noted(
    queue: FakeQueue, inbox: Inbox, undeletable: set[str], note: str
) -> None:
    queue.undeletable = undeletable
    assert run(queue.put(*['{"trigger": {}}'] * 2), inbox).notes[-1] == note


class BrokenStore(FolderStore):
    def put_new(self, key: str, data: bytes) -> str:  # noqa: ARG002 - the store's signature
        raise StoreError(f"{key}: the disk is full")


def test_a_message_that_could_not_be_stored_is_not_deleted(
    queue: FakeQueue, inbox: Inbox, tmp_path: Path
) -> None:
    queue.put('{"trigger": {}}', example("alarm", NewStateValue="OK"), '{"trigger": {}}')

    intake = run(queue, Inbox(BrokenStore(tmp_path)))

    assert queue.deleted == []
    assert intake.error is not None
    assert "the disk is full; the messages stay on the queue" in intake.error
    queue.release()
    run(queue, inbox)
    assert queue.deleted == ["m-1", "m-2", "m-3"]
    assert waiting(inbox) == {"warehouse": ["external", "external"], "payments": ["external", "external"]}


def test_without_a_cluster_all_are_meant(queue: FakeQueue, inbox: Inbox) -> None:
    run(queue.put('{"trigger": {}}'), inbox)

    assert waiting(inbox) == {"warehouse": ["external"], "payments": ["external"]}


@pytest.mark.parametrize("named", ["payments", "lkc-nd1ng3"])
def test_a_cluster_is_named_by_its_name_or_id(queue: FakeQueue, inbox: Inbox, named: str) -> None:
    run(queue.put(json.dumps({"trigger": {"cluster": named}})), inbox)

    assert waiting(inbox) == {"warehouse": [], "payments": ["external"]}


def test_a_matching_hint_narrows_and_another_is_not_an_error(queue: FakeQueue, inbox: Inbox) -> None:
    run(queue.put(example("alarm"), example("confluent")), inbox)
    assert waiting(inbox) == {
        "warehouse": ["cloudwatch_alarm warehouse-lag"],
        "payments": ["external lkc-nd1ng3"],
    }

    stranger = {"Dimensions": [{"name": "Cluster Name", "value": "another"}]}
    run(FakeQueue().put(example("alarm", AlarmArn="arn:another", Trigger=stranger)), inbox)
    assert waiting(inbox)["payments"] == ["cloudwatch_alarm warehouse-lag", "external lkc-nd1ng3"]


def test_a_redelivered_message_waits_once(queue: FakeQueue, inbox: Inbox) -> None:
    alarm = example("alarm")
    first = run(
        queue.put(alarm, in_sns(alarm), example("alarm_event"), in_sns(alarm, MessageId="another delivery")),
        inbox,
    )

    assert waiting(inbox)["warehouse"] == ["cloudwatch_alarm warehouse-lag"]
    assert queue.deleted == ["m-1", "m-2", "m-3", "m-4"]
    assert len(first.taken_in) == 1
    assert first.notes[1:] == tuple(
        f"message m-{n} repeats cloudwatch_alarm warehouse-lag: taken in before" for n in (2, 3, 4)
    )


def test_a_message_redelivered_after_its_run_causes_no_other_run(queue: FakeQueue, inbox: Inbox) -> None:
    queue.put('{"trigger": {"cluster": "warehouse"}}').fails_to["delete"] = UnreachableError("no answer")
    first = run(queue, inbox)
    assert first.error == "no answer; messages already taken in will come again and be recognised"
    inbox.remove("lkc-1", [one.id for one in inbox.waiting("lkc-1")])  # its run has handled it

    queue.release()
    queue.fails_to.clear()
    again = run(queue, inbox, remembered=first.remembered)

    assert (waiting(inbox)["warehouse"], again.taken_in, queue.deleted) == ([], (), ["m-1"])


def test_its_memory_stays_small(queue: FakeQueue, inbox: Inbox) -> None:
    intake = run(queue, inbox, remembered=[f"{n:016x}" for n in range(500)])

    assert len(intake.remembered) == 200
    assert intake.remembered[-1] == f"{499:016x}"


def test_unintelligible_messages_go_to_the_dead_letters_with_the_reason(
    queue: FakeQueue, inbox: Inbox
) -> None:
    dead = FakeDeadLetters()

    intake = run(
        queue.put("password=hunter2", '{"trigger": {"cluster": "nowhere"}}', '{"trigger": {}}'),
        inbox,
        dead_letters=dead,
    )

    assert [body for body, _ in dead.sent] == ["password=hunter2", '{"trigger": {"cluster": "nowhere"}}']
    assert dead.sent[0][1] == {"mesh_reason": "not JSON (DecodeError)", "mesh_message_id": "m-1"}
    assert dead.sent[1][1]["mesh_reason"] == "trigger.cluster: expected one of warehouse, payments"
    assert queue.deleted == ["m-1", "m-2", "m-3"]
    assert len(intake.taken_in) == 1
    assert (
        intake.notes[0]
        == "message m-1 was not understood and went to the dead-letter queue: not JSON (DecodeError)"
    )
    assert "hunter2" not in "".join(intake.notes)


def test_without_dead_letters_they_are_left_to_the_queues_redrive(queue: FakeQueue, inbox: Inbox) -> None:
    intake = run(queue.put("hello", '{"trigger": {}}'), inbox)

    assert queue.deleted == ["m-2"]
    assert intake.notes[0].startswith(
        "message m-1 was not understood (not JSON (DecodeError)); left to the queue's redrive policy"
    )


def test_dead_letters_that_refuse_a_message_leave_it_on_the_queue(queue: FakeQueue, inbox: Inbox) -> None:
    dead = FakeDeadLetters(failure=RefusedError("sqs:SendMessage on queue dead: access denied"))

    intake = run(queue.put("hello", '{"trigger": {}}'), inbox, dead_letters=dead)

    assert queue.deleted == ["m-2"]
    assert "stays on the queue: sqs:SendMessage on queue dead: access denied" in intake.notes[0]


def test_an_unreachable_queue_is_an_error_and_nothing_else(queue: FakeQueue, inbox: Inbox) -> None:
    queue.fails_to["receive"] = UnreachableError("sqs:ReceiveMessage on queue q: no answer")

    assert run(queue, inbox, remembered=["aa"]) == Intake(
        received=0,
        taken_in=(),
        notes=(),
        remembered=("aa",),
        error="sqs:ReceiveMessage on queue q: no answer",
    )


def test_a_message_for_all_waits_under_the_name_of_an_undiscovered_cluster(
    queue: FakeQueue, inbox: Inbox
) -> None:
    new = Target(name="new", cluster_id=None)
    by_estate = Target(name="by-estate", cluster_id="lkc-9", discovered=False)

    intake = run(queue.put('{"trigger": {}}'), inbox, targets=[new, WAREHOUSE, by_estate])

    assert queue.deleted == ["m-1"]
    assert intake.taken_in == (TakenIn(trigger=EXTERNAL, clusters=("new", "warehouse", "by-estate")),)
    assert [
        [one.trigger for one in inbox.waiting(where)]
        for where in ("lkc-1", "lkc-9", inbox_by_name("new"), inbox_by_name("by-estate"))
    ] == [[EXTERNAL], [], [EXTERNAL], [EXTERNAL]]


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_alarm_with_an_absurd_time_goes_to_the_dead_letters_and_the_next_message_is_read(
    queue: FakeQueue, inbox: Inbox, time: str
) -> None:
    dead = FakeDeadLetters()

    intake = run(
        queue.put(example("alarm", StateChangeTime=time), '{"trigger": {}}'), inbox, dead_letters=dead
    )

    [(_, attributes)] = dead.sent
    assert attributes["mesh_reason"] == "an alarm whose time of change is outside the calendar"
    assert (queue.deleted, len(intake.taken_in), intake.error) == (["m-1", "m-2"], 1, None)


def test_a_message_that_defeats_its_reader_goes_to_the_dead_letters_and_the_next_is_read(
    queue: FakeQueue, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(body: str, *, message_id: str) -> Meaning:
        if body == "poison":
            raise ZeroDivisionError
        return read_message(body, message_id=message_id)

    monkeypatch.setattr("mesh_assets.sensing.trigger_queue.intake.read_message", read)
    dead = FakeDeadLetters()

    intake = run(queue.put("poison", '{"trigger": {}}'), inbox, dead_letters=dead)

    assert [(body, tags["mesh_reason"]) for body, tags in dead.sent] == [
        ("poison", "it could not be read (ZeroDivisionError)")
    ]
    assert (queue.deleted, len(intake.taken_in), intake.error) == (["m-1", "m-2"], 1, None)


def test_a_flood_is_read_in_batches_up_to_a_bound_and_the_rest_in_the_next_tick(
    queue: FakeQueue, inbox: Inbox
) -> None:
    queue.put(*['{"trigger": {"cluster": "warehouse"}}'] * 230)

    first = run(queue, inbox)
    second = run(queue, inbox, remembered=first.remembered)

    assert (first.received, second.received) == (200, 30)
    assert sum(one.stands_for for one in inbox.waiting("lkc-1")) == 230
    assert queue.waits[:2] == [10, 1]


def test_a_tick_ends_within_its_time(queue: FakeQueue, inbox: Inbox) -> None:
    queue.put(*['{"trigger": {}}'] * 100)
    clock = iter(range(0, 1_000, 15))

    intake = take_in(
        queue,
        inbox,
        BOTH,
        dead_letters=None,
        remembered=(),
        now=lambda: MOMENT,
        monotonic=lambda: float(next(clock)),
    )

    assert (intake.received, queue.waits) == (20, [10, 1])


def test_messages_that_return_at_once_do_not_hold_up_the_tick(inbox: Inbox) -> None:
    class NeverInvisible(FakeQueue):
        def receive(self, *, wait_seconds: int) -> "tuple[object, ...]":  # type: ignore[override]
            self.release()
            return super().receive(wait_seconds=wait_seconds)

    queue = NeverInvisible()

    assert run(queue.put("hello"), inbox).received == 1
