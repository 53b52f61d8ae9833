from types import SimpleNamespace
from typing import cast

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, Message

from mesh_assets.events.model import (
    LONGEST_VALUE,
    Origin,
    change_events,
    discovery_event,
    leading_trigger,
    most_severe_first,
)
from mesh_assets.inventory.changes import TRIGGER_TYPES, Change, Trigger, TriggerType
from mesh_assets.snapshot.reader import headers_of, newest_of, origin_of
from mesh_assets_tests.documents import MOMENT, a_document


def _change(after: str | None, sentence: str = "s") -> Change:
    return Change(
        kind="updated",
        resource_type="schema",
        resource="x",
        field="f",
        before="1",
        after=after,
        severity="info",
        sentence=sentence,
    )


@pytest.mark.parametrize("kind", TRIGGER_TYPES)
def test_every_type_of_trigger_has_its_place(kind: TriggerType) -> None:
    assert leading_trigger([Trigger(type="schedule"), Trigger(type=kind)]).type == kind


def test_the_first_of_equally_severe_triggers_leads_and_the_others_keep_their_order() -> None:
    triggers = [Trigger(type="schedule"), *(Trigger(type="topic_changed", resource=name) for name in "abc")]
    assert [trigger.resource for trigger in most_severe_first(triggers)] == ["a", None, "b", "c"]


def test_ids_of_changes_are_the_same_each_time_and_follow_their_order() -> None:
    changes = [_change("2"), _change("3")]

    def ids() -> list[str]:
        events = change_events(
            changes,
            cluster_id="lkc-1",
            sequence=7,
            discovery_timestamp=MOMENT,
            triggers=[Trigger(type="manual")],
        )
        return [event.id for event in events]

    assert ids() == ids() == ["lkc-1-7-0", "lkc-1-7-1"]


def test_a_value_too_long_for_an_event_is_cut_and_says_so() -> None:
    changes = [_change("x" * (LONGEST_VALUE + 1)), _change("x" * LONGEST_VALUE), _change(None, "y" * 100_000)]
    events = list(
        change_events(
            changes,
            cluster_id="lkc-1",
            sequence=7,
            discovery_timestamp=MOMENT,
            triggers=[Trigger(type="manual")],
        )
    )
    assert [(len(event.after or ""), event.truncated) for event in events] == [
        (LONGEST_VALUE, True),
        (LONGEST_VALUE, False),
        (0, True),
    ]


def test_a_trigger_from_outside_cannot_make_the_event_arbitrarily_large() -> None:
    trigger = Trigger(type="external", resource="r" * 100_000, details="d" * 1_000_000)
    event = discovery_event(a_document(), triggers=[trigger], change_count=0)
    assert len(event.trigger.resource or "") + len(event.trigger.details or "") < 200_000


class ARecord:
    """A record as Kafka's client gives it. `sequence` None: of a version that wrote no headers."""

    def __init__(self, sequence: int | None, *, seconds: int, tombstone: bool = False) -> None:
        self._sequence = sequence
        self._milliseconds = seconds * 1000
        self._value = None if tombstone else b"snapshot"

    def value(self) -> bytes | None:
        return self._value

    def timestamp(self) -> tuple[int, int]:
        return TIMESTAMP_CREATE_TIME, self._milliseconds

    def headers(self) -> list[tuple[str, bytes]]:
        if self._sequence is None:
            return []
        return list(headers_of(Origin(sequence=self._sequence, run_id="run", store_id="store")))


@pytest.mark.parametrize(
    "oldest_first",
    [
        [ARecord(7, seconds=90), ARecord(8, seconds=10)],
        [ARecord(None, seconds=90), ARecord(8, seconds=10)],
        [ARecord(8, seconds=90), ARecord(8, seconds=10, tombstone=True)],
        [ARecord(None, seconds=10), ARecord(None, seconds=90)],
    ],
    ids=["sequences", "a version before", "a tombstone", "nothing else to go by"],
)
def test_the_newest_record_of_several_partitions_is_found_by_sequence_not_by_a_hosts_clock(
    oldest_first: list[ARecord],
) -> None:
    for records in (oldest_first, oldest_first[::-1]):
        assert newest_of(cast(list[Message], records)) is cast(Message, oldest_first[-1])


def test_no_records_have_no_newest() -> None:
    assert newest_of([]) is None


@pytest.mark.parametrize("sequence", [b"9" * 5_000, b"9" * 19, b"-1", b"", b"seven"])
def test_a_foreign_header_is_not_a_sequence(sequence: bytes) -> None:
    record = ARecord(None, seconds=0)
    record.headers = lambda: [("mesh-sequence", sequence), ("mesh-run-id", b"run")]  # type: ignore[method-assign]

    assert origin_of(cast(Message, record)) is None


def test_ids_in_foreign_headers_fit_into_a_sentence() -> None:
    headers = [
        ("mesh-sequence", b"7"),
        ("mesh-run-id", b"evil\x1b[31m\n\xe2\x80\xae\xff"),
        ("mesh-store-id", b"s" * 10_000),
    ]
    record = SimpleNamespace(headers=lambda: headers)

    found = origin_of(cast(Message, record))

    assert found == Origin(sequence=7, run_id="evil\ufffd \ufffd\ufffd", store_id=f"{'s' * 99}…")
