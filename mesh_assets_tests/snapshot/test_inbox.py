"""What a run does with the inbox: takes, names and removes triggers; and leaves everything if it fails or is killed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from mesh_assets.errors import PublishError
from mesh_assets.estate.connections import KafkaConnection
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.sections import SectionName, SectionState, TopicsSection
from mesh_assets.sensing.handover import begin_collection
from mesh_assets.snapshot.discovery import publish_discovery
from mesh_assets.store.inbox import Inbox, inbox_by_name
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.documents import a_topic
from mesh_assets_tests.snapshot.world import (
    CLUSTER,
    CLUSTER_ID,
    Killed,
    Life,
    Log,
    LogPublisher,
    MemoryObjects,
    MortalObjects,
    MovedClock,
)

UPDATED = Trigger(type="schema_updated", resource="users-value")
FAILED = Trigger(type="connector_failed", resource="orders-sink")
ESTATE = Estate(
    clusters={CLUSTER: Cluster(name=CLUSTER, kafka=KafkaConnection(bootstrap_servers="127.0.0.1:1"))}
)


class Runs:
    """Runs of one cluster whose events go to a log."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.objects = MemoryObjects()
        self.inbox = Inbox(self.objects)
        self.log = Log()
        self.topics = ["orders"]
        self.while_reading: Callable[[], None] = lambda: None
        self._number = 0
        self._monkeypatch = monkeypatch
        monkeypatch.setattr("mesh_assets.snapshot.lock.is_gone", lambda _: True)  # that of an earlier run is

    def put(self, trigger: Trigger, *, hours: float = 0) -> None:
        """`hours`: how far ahead the sender's clock is."""
        now = datetime.now(UTC) + timedelta(hours=hours)
        self.inbox.put(CLUSTER_ID, trigger, cause=str(trigger), source="test", now=now)

    @property
    def waiting(self) -> list[Trigger]:
        return [one.trigger for one in self.inbox.waiting(CLUSTER_ID)]

    @property
    def named(self) -> list[list[str]]:
        """The causes that each snapshot names."""
        return [
            [f"{cause.type} {cause.resource}" for cause in event.trigger.changes]
            for event in self.log.snapshots
        ]

    def run(self, own: Trigger = UPDATED, *, from_inbox: bool = True, life: Life | None = None) -> None:
        life = life or Life()
        self._number += 1

        @contextmanager
        def open_log(_estate: Estate, _name: str) -> Iterator[LogPublisher]:
            yield LogPublisher(self.log, life, MovedClock())

        self._monkeypatch.setattr("mesh_assets.snapshot.ahead.open_publisher", open_log)
        began = begin_collection(
            InventoryStore(self.objects), CLUSTER, CLUSTER_ID, newest_in_topic=lambda: None
        )
        self.while_reading()
        section = TopicsSection(
            cluster_id=CLUSTER_ID,
            state=SectionState(status="fresh", collected_at=datetime.now(UTC)),
            records=tuple(a_topic(name) for name in self.topics),
            ticket=began.ticket,
            waiting=began.waiting,
        )
        collected: dict[SectionName, TopicsSection] = {"topics": section}
        store = InventoryStore(MortalObjects(self.objects, life))
        publish_discovery(
            ESTATE,
            CLUSTER,
            collected,
            store=store,
            run_id=f"run-{self._number}",
            trigger=own,
            from_inbox=from_inbox,
        )


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """After a first snapshot."""
    runs = Runs(monkeypatch)
    runs.run(Trigger(type="manual"), from_inbox=False)
    runs.log.entries.clear()
    runs.topics.append("clicks")
    return runs


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_a_run_names_and_removes_exactly_what_waited_when_it_began_to_read(runs: Runs, hours: int) -> None:
    runs.put(UPDATED, hours=hours)
    runs.put(FAILED, hours=hours)
    runs.while_reading = lambda: runs.put(Trigger(type="external", resource="too-late"), hours=-hours)

    runs.run()

    assert runs.named == [["connector_failed orders-sink", "schema_updated users-value"]]
    assert [trigger.resource for trigger in runs.waiting] == ["too-late"]


def test_the_first_discovery_takes_what_waited_under_the_clusters_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = Runs(monkeypatch)
    now = datetime.now(UTC) - timedelta(seconds=5)
    runs.inbox.put(inbox_by_name(CLUSTER), UPDATED, cause="x", source="trigger_queue", now=now)
    runs.put(FAILED)

    runs.run()

    assert runs.named == [["connector_failed orders-sink", "schema_updated users-value"]]
    assert (runs.waiting, runs.inbox.waiting(inbox_by_name(CLUSTER))) == ([], ())


def test_a_failed_run_leaves_its_triggers_and_the_next_names_them(runs: Runs) -> None:
    runs.put(UPDATED)
    runs.log.down = True
    with pytest.raises(PublishError):
        runs.run()
    left = runs.waiting
    runs.log.down = False
    runs.put(FAILED)

    runs.run()

    assert left == [UPDATED]
    assert runs.waiting == []
    # What the failed run was about to publish comes first, unchanged.
    assert runs.named == [
        ["schema_updated users-value"],
        ["connector_failed orders-sink", "schema_updated users-value"],
    ]


def effects_of_a_run(runs: Runs) -> int:
    life = Life()
    runs.run(life=life)
    return life.effects


def test_killed_anywhere_a_run_loses_no_trigger_and_none_is_left_forever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = Runs(monkeypatch)
    whole.put(UPDATED)
    effects = effects_of_a_run(whole)
    assert effects > 8

    for ends_at in range(1, effects + 1):
        runs = Runs(monkeypatch)
        runs.put(UPDATED)
        with pytest.raises(Killed):
            runs.run(life=Life(ends_at))
        runs.run(Trigger(type="schedule"), from_inbox=False)

        assert runs.waiting == [], ends_at
        assert any("schema_updated users-value" in causes for causes in runs.named), ends_at
