from collections import Counter
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.inventory.changes import Trigger
from mesh_assets.store.inbox import MOST_APART, MOST_COUNTED, FoldedTriggers, Inbox, WaitingTrigger
from mesh_assets.store.layout import open_store
from mesh_assets.store.objects import StoredObject
from mesh_assets_tests.documents import MOMENT
from mesh_assets_tests.snapshot.world import MemoryObjects

UPDATED = Trigger(type="schema_updated", resource="users-value", details="Schema version 1 → 2")


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(open_store(str(tmp_path)))


def test_the_same_cause_waits_once(inbox: Inbox) -> None:
    first = inbox.put("lkc-1", UPDATED, cause="users-value version 2", source="schema_changes", now=MOMENT)
    again = inbox.put(
        "lkc-1",
        UPDATED,
        cause="users-value version 2",
        source="schema_changes",
        now=MOMENT + timedelta(minutes=5),
    )
    other = inbox.put("lkc-1", UPDATED, cause="users-value version 3", source="schema_changes", now=MOMENT)

    assert (first, again, other) == (True, False, True)
    assert [waiting.received_at for waiting in inbox.waiting("lkc-1")] == [MOMENT, MOMENT]


def test_triggers_wait_by_cluster_oldest_first_until_they_are_removed(inbox: Inbox) -> None:
    inbox.put("lkc-1", UPDATED, cause="b", source="schema_changes", now=MOMENT + timedelta(minutes=1))
    inbox.put("lkc-1", UPDATED, cause="a", source="schema_changes", now=MOMENT)
    inbox.put("lkc-2", UPDATED, cause="a", source="schema_changes", now=MOMENT)
    oldest, newest = inbox.waiting("lkc-1")

    inbox.remove("lkc-1", [oldest.id])

    assert oldest.received_at < newest.received_at
    assert inbox.waiting("lkc-1") == (newest,)
    assert len(inbox.waiting("lkc-2")) == 1


class CountingObjects(MemoryObjects):
    """How often each method was called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def get(self, key: str) -> tuple[bytes, str] | None:
        self.calls["get"] += 1
        return super().get(key)

    def list(self, prefix: str) -> "list[StoredObject]":
        self.calls["list"] += 1
        return super().list(prefix)


@pytest.fixture
def objects() -> CountingObjects:
    return CountingObjects()


_WHOLE = (
    b'{"id": "x", "trigger": {"type": "external"}, "source": "test", "received_at": "2026-11-23T16:40:02Z"}'
)


_NAMES = st.sampled_from(
    ["a.json", "b.json", "c.txt", "folded-external.json", "folded-manual.json", "d/e.json"]
)


def damaged(at: int, by: bytes) -> bytes:
    return _WHOLE[:at] + by + _WHOLE[at + 1 :]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"{}"),
        ("a.json", b"\xff\xfe"),
        ("a.json", b'{"x": ' + b"[" * 100_000),
        ("a.json", _WHOLE.replace(b"16:40:02Z", b"16:40:02")),
        ("a.json", _WHOLE.replace(b"external", b"earthquake")),
        ("a.json", _WHOLE.replace(b'"test"', b'"%s"' % (b"x" * 10_000))),
        ("a.txt", _WHOLE),
        ("folded-external.json", b'{"ids": 3}'),
    ],
    ids=["empty", "binary", "nested", "no zone", "unknown type", "too large", "no .json", "folded"],
)
def test_an_invalid_trigger_is_moved_aside_requests_a_discovery_and_stops_nothing(
    inbox: Inbox, tmp_path: Path, name: str, content: bytes
) -> None:
    inbox.put("lkc-1", UPDATED, cause="a", source="schema_changes", now=MOMENT)
    file = tmp_path / "triggers" / "lkc-1" / name
    file.write_bytes(content)

    found = inbox.waiting("lkc-1")

    assert [str(one.trigger) for one in found] == ["schema_updated users-value", "external"]
    assert found[1].trigger.details == "A waiting trigger could not be read"
    assert (tmp_path / "quarantine" / "triggers" / "lkc-1" / name).read_bytes() == content
    assert not file.exists()
    assert inbox.waiting("lkc-1") == found
    inbox.remove("lkc-1", [one.id for one in found])
    assert inbox.waiting("lkc-1") == ()


def test_a_file_with_a_name_other_than_its_id_is_removed_once_handled(inbox: Inbox, tmp_path: Path) -> None:
    inbox.put("lkc-1", UPDATED, cause="a", source="schema_changes", now=MOMENT)
    [file] = (tmp_path / "triggers" / "lkc-1").iterdir()
    file.rename(file.with_name("copy.json"))

    inbox.remove("lkc-1", [one.id for one in inbox.waiting("lkc-1")])

    assert inbox.waiting("lkc-1") == ()


def put_many(inbox: Inbox, count: int, *, since: int = 0) -> list[bool]:
    return [
        inbox.put(
            "lkc-1",
            Trigger(type="resource_created", resource=f"topic-{number}"),
            cause=f"topic-{number}",
            source="test",
            now=MOMENT + timedelta(seconds=number),
        )
        for number in range(since, since + count)
    ]


def test_two_thousand_triggers_are_a_hundred_and_one_that_counts_the_others(
    objects: CountingObjects,
) -> None:
    assert all(put_many(Inbox(objects), 2_000))
    objects.calls.clear()

    found = Inbox(objects).waiting("lkc-1")

    assert objects.calls.total() <= MOST_APART + 2
    assert len(found) == MOST_APART + 1
    assert sum(one.stands_for for one in found) == 2_000
    assert found[-1].trigger == Trigger(
        type="resource_created", details="1,900 further causes of this type, counted only"
    )
    assert found[-1].received_at == MOMENT + timedelta(seconds=1_999)


def test_a_cause_is_counted_once_whether_it_waits_by_itself_or_not(objects: CountingObjects) -> None:
    put_many(Inbox(objects), 150)

    again = put_many(Inbox(objects), 150)

    assert not any(again)
    assert sum(one.stands_for for one in Inbox(objects).waiting("lkc-1")) == 150


def test_causes_beyond_counting_are_more_than_that(objects: CountingObjects) -> None:
    objects.data["triggers/lkc-1/folded-resource_created.json"] = msgspec.json.encode(
        FoldedTriggers(
            ids=tuple(f"{number:032x}" for number in range(MOST_COUNTED)),
            uncounted=False,
            received_at=MOMENT,
        )
    )
    put_many(Inbox(objects), MOST_APART + 1)

    folded = Inbox(objects).waiting("lkc-1")[-1]

    assert folded.trigger.details == "More than 5,000 further causes of this type, counted only"
    assert folded.received_at == MOMENT + timedelta(seconds=MOST_APART)


def test_causes_that_join_folded_triggers_while_a_run_handles_them_keep_waiting(
    objects: CountingObjects,
) -> None:
    put_many(Inbox(objects), 150)
    taken = Inbox(objects).waiting("lkc-1")
    put_many(Inbox(objects), 1, since=150)

    Inbox(objects).remove("lkc-1", [one.id for one in taken])

    [left] = Inbox(objects).waiting("lkc-1")
    assert left.received_at == MOMENT + timedelta(seconds=150)


def test_thousands_of_files_of_an_earlier_version_are_folded_in_steps_until_none_is_left(
    objects: CountingObjects,
) -> None:
    for number in range(3_000):
        one = WaitingTrigger(
            id=f"{number:032x}", trigger=UPDATED, source="test", received_at=MOMENT + timedelta(seconds=1)
        )
        objects.data[f"triggers/lkc-1/{one.id}.json"] = msgspec.json.encode(one)

    for _ in range(3):
        found = Inbox(objects).waiting("lkc-1")
        assert len(found) == MOST_APART + 1

    assert sum(one.stands_for for one in found) == 3_000
    assert len(objects.data) == MOST_APART + 1
    Inbox(objects).remove("lkc-1", [one.id for one in found])
    assert objects.data == {}


@given(
    files=st.dictionaries(
        _NAMES, st.binary() | st.builds(damaged, st.integers(0, len(_WHOLE) - 1), st.binary(max_size=2))
    )
)
def test_anything_in_the_inbox_can_be_taken_and_is_gone_afterwards(files: dict[str, bytes]) -> None:
    objects = CountingObjects()
    objects.data = {f"triggers/lkc-1/{name}": data for name, data in files.items()}
    inbox = Inbox(objects)

    inbox.put("lkc-1", UPDATED, cause="a", source="test", now=MOMENT)
    found = inbox.waiting("lkc-1")
    inbox.remove("lkc-1", [one.id for one in found])

    assert UPDATED in [one.trigger for one in found]
    assert len(found) == 1 + len(files)
    assert not any(key.startswith("triggers/") for key in objects.data)
