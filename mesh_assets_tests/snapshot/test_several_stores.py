"""One topic, several stores, hosts whose clocks are set, and processes that sleep: sequences only grow, no change id is
used twice, and the last state in the topic is that of the newest reading."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mesh_assets.errors import ConflictError, MeshError, PublishError
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.document import ClusterIdentity, Document, EnvironmentIdentity
from mesh_assets.inventory.join import join_sections
from mesh_assets.inventory.sections import SectionState, TopicsSection
from mesh_assets.sensing.handover import begin_collection, noted_before, take_triggers
from mesh_assets.snapshot.commit import publish_snapshot
from mesh_assets.snapshot.events import ChangeEvent, ClaimedDocument, claim_check, document_of
from mesh_assets.store.inbox import Inbox
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.documents import a_topic
from mesh_assets_tests.snapshot.invariants import check_always, check_at_rest
from mesh_assets_tests.snapshot.world import (
    CLUSTER,
    CLUSTER_ID,
    LEASE_SECONDS,
    Killed,
    Life,
    Log,
    LogPublisher,
    MortalObjects,
    MovedClock,
    World,
)


def _another_store(world: World) -> World:
    """The same topic and clock, and a store that knows nothing."""
    other = World(run_prefix="other")
    other.log, other.clock = world.log, world.clock
    return other


def check_log(log: Log) -> None:
    sequences = [entry.sequence for entry in log.entries]
    assert sequences == sorted(sequences)
    runs = {(event.sequence, event.run_id) for event in log.snapshots}
    assert len(runs) == len({sequence for sequence, _ in runs}), "one sequence, one run"
    changes: dict[str, ChangeEvent] = {}
    for change in log.changes:
        assert changes.setdefault(change.id, change) == change, "one id, one change"


def test_a_store_that_knows_nothing_goes_on_from_the_topic() -> None:
    world = World()
    world.run(("orders", "users"))
    world.run(("orders", "users", "ratings"))
    other = _another_store(world)

    published = other.run(("orders",))

    assert published.document.sequence == 3
    assert not published.baseline
    assert {(change.kind, change.resource) for change in published.changes} == {
        ("deleted", "ratings"),
        ("deleted", "users"),
    }
    assert published.notes == (
        "goes on from snapshot 2, which another store had published; that store may publish it no more",
    )
    assert [event.store_id for event in world.log.snapshots] == [world.store.store_id()] * 2 + [
        other.store.store_id()
    ]
    check_log(world.log)


def test_an_emptied_store_goes_on_where_it_was() -> None:
    world = World()
    world.run(("orders",))
    world.run(("orders", "users"))
    store_id = world.store.store_id()
    for key in [key for key in world.objects.data if key != "store.json"]:
        world.objects.delete(key)

    published = world.run(("orders",))

    assert (published.document.sequence, world.store.store_id()) == (3, store_id)
    assert published.notes == (
        "goes on from snapshot 2, which this store had published; this store had lost it",
    )
    check_log(world.log)


def test_a_store_that_was_restored_from_an_older_backup_goes_on_from_the_topic() -> None:
    world = World()
    world.run(("orders",))
    backup = dict(world.objects.data)
    world.run(("orders", "users"))
    world.objects.data = backup

    published = world.run(("orders", "users"))

    assert (published.document.sequence, published.changes) == (3, ())
    check_log(world.log)


def test_the_store_that_was_taken_over_from_is_refused_until_the_cluster_is_handed_over_to_it() -> None:
    world = World()
    world.run(("orders",))
    other = _another_store(world)
    other.run(("orders", "users"))

    with pytest.raises(ConflictError) as refused:
        world.run(("orders",))

    assert str(refused.value) == (
        f"warehouse: another store publishes it: snapshot 2 of run other-1 in the topic came from store {other.store.store_id()}, and this "
        f"store ({world.store.store_id()}) knows only snapshot 1; discover it from one store alone, or hand it over to this one: "
        "mesh-assets snapshot adopt --cluster warehouse"
    )
    assert world.store.pending(CLUSTER_ID) is None
    latest = world.store.latest(CLUSTER_ID)
    assert latest is not None
    world.store.forget_latest(CLUSTER_ID, latest[1])
    assert world.run(("orders",)).document.sequence == 3
    with pytest.raises(ConflictError, match="another store publishes it"):
        other.run(("orders",))
    check_log(world.log)


def test_what_a_killed_run_left_is_dropped_when_another_store_went_on_meanwhile() -> None:
    world = World()
    world.run(("orders",))
    assert world.killed_run(5, ("orders", "users"))
    other = _another_store(world)
    other.run(("orders", "ratings"))

    with pytest.raises(ConflictError, match="another store publishes it"):
        world.run(("orders",))

    pending = world.store.pending(CLUSTER_ID)
    assert pending is None or pending[0].record is None
    check_log(world.log)


def test_a_claim_check_of_another_store_is_gone_on_after_without_comparing() -> None:
    world = World()
    published = world.run(("orders",))
    [event] = world.log.snapshots
    stored = published.pointer.document
    claimed = ClaimedDocument(uri="s3://theirs/1.json", sha256=stored.sha256, bytes=stored.bytes)
    world.log.entries[:] = [claim_check(event, claimed)]

    after = _another_store(world).run(("users",))

    assert (after.document.sequence, after.baseline, after.changes) == (2, True, ())
    assert "its state is at s3://theirs/1.json and not compared with" in after.notes[0]


def test_a_topic_that_lost_its_snapshots_changes_nothing_for_the_store() -> None:
    world = World()
    world.run(("orders",))
    world.log.entries.clear()

    published = world.run(("orders", "users"))

    assert published.document.sequence == 2
    assert [change.resource for change in published.changes] == ["users"]


@pytest.mark.parametrize("effect", range(1, 11))
def test_a_run_that_slept_at_any_point_while_another_published_sends_nothing_more(effect: int) -> None:
    world = World()
    world.run(("orders", "users"))

    def sleep_on() -> None:
        world.clock.sleep(LEASE_SECONDS)  # the other one need not wait so long to see no sign of life
        world.run(("users",), wait_seconds=LEASE_SECONDS + 1)

    with suppress(MeshError):
        world.run(("orders", "pageviews"), life=Life(effect, sleep_on))
    check_always(world)
    check_log(world.log)
    world.run(("orders",))
    check_at_rest(world)


def test_a_run_that_another_store_shut_out_while_it_slept_sends_nothing_more() -> None:
    world = World()
    world.run(("orders",))
    other = _another_store(world)

    def overtake() -> None:
        other.run(("ratings",))

    with pytest.raises((ConflictError, PublishError)):
        world.run(("orders", "users"), life=Life(5, overtake))

    assert [event.run_id for event in world.log.snapshots] == ["run-1", "other-1"]
    assert document_of(world.log.snapshots[-1]).topics[0].name == "ratings"
    check_log(world.log)


class Host:
    """A machine that runs discoveries. Its wall clock is `ahead` of the real time, and is set; the clock that it
    measures time with began at its own start, and is not."""

    def __init__(self, real: MovedClock, *, ahead: timedelta, started_at: float) -> None:
        self.real = real
        self.ahead = ahead
        self._started_at = started_at

    def now(self) -> datetime:
        return self.real.now() + self.ahead

    def elapsed(self) -> float:
        return self.real.elapsed() + self._started_at

    def sleep(self, seconds: float) -> None:
        self.real.sleep(seconds)


class Model:
    """A cluster whose topics change, read from two hosts into two stores, and one log.

    A reading is known by its number, which no clock gives; it travels in the document as the count of excluded
    topics.
    """

    def __init__(self) -> None:
        first = World()
        self.stores = (first, _another_store(first))
        self.log = first.log
        self.hosts = (
            Host(first.clock, ahead=timedelta(), started_at=0),
            Host(first.clock, ahead=timedelta(hours=-3), started_at=86_400),
        )
        self.topics: set[str] = set()
        self.readings = 0
        self.lost = [0, 0]
        """How often each store has lost what it knew, and with it the order of the readings that had begun."""
        self.wrote: dict[str, int] = {}
        self.triggers: dict[str, list[tuple[Trigger, int]]] = {"run": [], "other": []}

    def discover(self, which: int, host: Host, life: Life | None = None) -> None:
        """Collects, joins, publishes and takes from the inbox, as runs do; asserts that no older reading replaces a
        newer one."""
        life = life or Life()
        world = self.stores[which]
        world.clock.time += timedelta(seconds=1)
        store = InventoryStore(MortalObjects(world.objects, life))
        inbox = Inbox(store.objects)
        began = begin_collection(store, CLUSTER, CLUSTER_ID)
        self.readings += 1
        number, lost = self.readings, self.lost[which]
        run_id = f"run-{number}"
        self.wrote[run_id] = which
        section = TopicsSection(
            cluster_id=CLUSTER_ID,
            state=SectionState(status="fresh", collected_at=host.now()),
            records=tuple(a_topic(name) for name in sorted(self.topics)),
            excluded=number,
            ticket=began.ticket,
            waiting=began.waiting,
        )
        life.effect(lambda: None)  # between the steps, too, it can die or sleep
        taken = take_triggers(
            inbox.waiting(CLUSTER_ID),
            Trigger(type="manual"),
            from_inbox=False,
            noted=noted_before({"topics": section}),
        )

        def assemble(previous: Document | None, sequence: int) -> Document:
            document = join_sections(
                {"topics": section},
                previous=previous,
                environment=EnvironmentIdentity(id=None, name=None),
                cluster=ClusterIdentity(id=CLUSTER_ID, name=CLUSTER),
                now=host.now(),
                sequence=sequence,
                run_id=run_id,
            )
            if previous is not None and self.wrote[previous.run_id] == which and self.lost[which] == lost:
                assert document.excluded_topics == max(number, previous.excluded_topics), "the newest reading"
            return document

        published = publish_snapshot(
            store=store,
            cluster=CLUSTER,
            cluster_id=CLUSTER_ID,
            run_id=run_id,
            assemble=assemble,
            triggers=taken.triggers,
            taken=taken.ids,
            publisher=LogPublisher(self.log, life, world.clock),
            lease_seconds=LEASE_SECONDS,
            clock=host,
        )
        assert replace(published.document, tickets={}) in self._states()
        repeated = published.repeated
        inbox.remove(CLUSTER_ID, (*taken.ids, *(() if repeated is None else repeated.taken)))

    def notice(self, which: int, host: Host) -> None:
        """A trigger, put into the inbox by that host."""
        trigger = Trigger(type="external", resource=f"after reading {self.readings}")
        inbox = Inbox(self.stores[which].store.objects)
        inbox.put(CLUSTER_ID, trigger, cause=str(trigger), source="test", now=host.now())
        self.triggers[("run", "other")[which]].append((trigger, self.readings))

    def empty(self, which: int) -> None:
        world = self.stores[which]
        world.objects.data = {key: data for key, data in world.objects.data.items() if key == "store.json"}
        self.lost[which] += 1
        self.triggers[("run", "other")[which]].clear()

    def hand_over(self, which: int) -> None:
        """What `mesh-assets snapshot adopt` does."""
        store = self.stores[which].store
        latest = store.latest(CLUSTER_ID)
        if latest is not None:
            store.forget_latest(CLUSTER_ID, latest[1])
            self.lost[which] += 1

    def check(self) -> None:
        check_log(self.log)
        newest = max((event.excluded_topics for event in self._states()), default=0)
        for which, name in enumerate(("run", "other")):
            inbox = Inbox(self.stores[which].store.objects)
            waiting = {one.trigger for one in inbox.waiting(CLUSTER_ID)}
            for trigger, before in self.triggers[name]:
                assert trigger in waiting or before < newest, "no trigger goes before a later reading is out"

    def _states(self) -> list[Document]:
        return [document_of(event) for event in self.log.snapshots]


_STEPS = st.tuples(
    st.integers(0, 1),  # the store
    st.integers(0, 1),  # the host
    st.sets(st.sampled_from(["orders", "users", "ratings"]), min_size=1),  # what there is by then
    st.none() | st.integers(1, 14),  # something happens just before this effect
    st.sampled_from(
        [
            "dies",
            "sleeps while the other host goes on",
            "is overtaken by the other store",
            "its store is emptied",
            "its clock is set",
            "a sensor notices something",
            "its store is handed the cluster",
        ]
    ),
    st.integers(-5, 5),  # by how many hours clocks are set
)


@settings(deadline=None)
@given(st.lists(_STEPS, min_size=1, max_size=8))
def test_whatever_stores_hosts_clocks_and_runs_do_the_topic_tells_one_story(
    steps: list[tuple[int, int, set[str], int | None, str, int]],
) -> None:
    model = Model()

    def quietly(run: Callable[[], object]) -> None:
        with suppress(MeshError, Killed):
            run()

    for which, on, topics, effect, what, hours in steps:
        host, other_host = model.hosts[on], model.hosts[1 - on]
        model.topics = set(topics)

        def meanwhile(
            which: int = which,
            host: Host = host,
            other: Host = other_host,
            what: str = what,
            hours: int = hours,
        ) -> None:
            match what:
                case "sleeps while the other host goes on":
                    host.real.sleep(LEASE_SECONDS)
                    model.topics = {"users"}
                    quietly(lambda: model.discover(which, other))
                case "is overtaken by the other store":
                    model.topics = {"ratings"}
                    quietly(lambda: model.discover(1 - which, other))
                case "its store is emptied":
                    model.empty(which)
                case "its clock is set":
                    host.ahead += timedelta(hours=hours)
                case "a sensor notices something":
                    model.notice(which, other)
                case "its store is handed the cluster":
                    model.hand_over(which)

        life = Life(effect, None if what == "dies" else meanwhile)
        quietly(partial(model.discover, which, host, life))
        model.check()


@pytest.mark.parametrize("effect", range(1, 11))
@pytest.mark.parametrize("hours", [-3, 0, 3])
def test_a_run_that_slept_anywhere_never_puts_its_older_reading_over_a_newer_one(
    effect: int, hours: int
) -> None:
    model = Model()
    model.topics = {"orders"}
    model.discover(0, model.hosts[0])
    model.hosts[1].ahead = timedelta(hours=hours)
    model.topics = {"orders", "ratings"}
    went_on: list[bool] = []

    def goes_on() -> None:
        went_on.append(True)
        model.hosts[0].real.sleep(LEASE_SECONDS)
        model.topics = {"users"}
        model.discover(0, model.hosts[1])

    with suppress(MeshError):
        model.discover(0, model.hosts[0], Life(effect, goes_on))

    model.check()
    assert went_on
    assert [topic.name for topic in document_of(model.log.snapshots[-1]).topics] == ["users"]
