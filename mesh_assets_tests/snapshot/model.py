"""A model of the publishing protocol: two stores, two hosts with adjustable clocks, one log, and runs that die or sleep
anywhere."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from mesh_assets.errors import ConflictError
from mesh_assets.events.model import ChangeEvent, document_of
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.document import ClusterIdentity, Document, EnvironmentIdentity
from mesh_assets.inventory.sections import SectionState, TopicsSection
from mesh_assets.joining.join import join_sections
from mesh_assets.sensing.handover import begin_collection, noted_before, take_triggers
from mesh_assets.snapshot.commit import publish_snapshot
from mesh_assets.store.inbox import Inbox
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.documents import a_topic
from mesh_assets_tests.snapshot.world import (
    CLUSTER,
    CLUSTER_ID,
    LEASE_SECONDS,
    Life,
    Log,
    LogPublisher,
    MortalObjects,
    MovedClock,
    World,
)


def another_store(world: World) -> World:
    """The same topic and clock, with an empty store."""
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
    for event in log.snapshots:
        if event.sequence < sequences[-1]:
            told = {change.id for change in log.changes if change.sequence == event.sequence}
            assert len(told) == event.change_count, "whoever goes on has told the changes before"


class Host:
    """A machine that runs discoveries. Its wall clock is `ahead` of the real time and can be set; its monotonic clock began at
    its own start and cannot."""

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

    A reading is identified by its number, which does not come from a clock; the document carries it as the count of excluded
    topics.
    """

    def __init__(self) -> None:
        first = World()
        self.stores = (first, another_store(first))
        self.log = first.log
        self.hosts = (
            Host(first.clock, ahead=timedelta(), started_at=0),
            Host(first.clock, ahead=timedelta(hours=-3), started_at=86_400),
        )
        self.topics: set[str] = set()
        self.readings = 0
        self.backups: tuple[list[dict[str, bytes]], ...] = ([], [])
        """A copy of each store before each of its runs."""
        self.triggers: dict[str, list[tuple[Trigger, int]]] = {"run": [], "other": []}

    def discover(self, which: int, host: Host, life: Life | None = None) -> None:
        """Collects, joins, publishes and takes from the inbox like a run; asserts that no older reading replaces a newer
        one."""
        life = life or Life()
        world = self.stores[which]
        world.clock.time += timedelta(seconds=1)
        self.backups[which].append(dict(world.objects.data))
        store = InventoryStore(MortalObjects(world.objects, life))
        inbox = Inbox(store.objects)
        began = begin_collection(store, CLUSTER, CLUSTER_ID, newest_in_topic=self.newest_sequence)
        self.readings += 1
        number = self.readings
        run_id = f"run-{number}"
        section = TopicsSection(
            cluster_id=CLUSTER_ID,
            state=SectionState(status="fresh", collected_at=host.now()),
            records=tuple(a_topic(name) for name in sorted(self.topics)),
            excluded=number,
            ticket=began.ticket,
            series=began.series,
            newest_known=began.newest_known,
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
            if previous is not None:
                assert document.excluded_topics == max(number, previous.excluded_topics), "the newest reading"
            return document

        publisher = LogPublisher(self.log, life, world.clock)
        try:
            published = publish_snapshot(
                store=store,
                cluster=CLUSTER,
                cluster_id=CLUSTER_ID,
                run_id=run_id,
                assemble=assemble,
                triggers=taken.triggers,
                taken=taken.ids,
                publisher=publisher,
                lease_seconds=LEASE_SECONDS,
                clock=host,
            )
        except ConflictError as error:
            if "another store publishes it" in str(error) and publisher.shut_out_at is not None:
                assert publisher.shut_out_at > publisher.looked_at, "it had no reason to shut anybody out"
            raise
        assert replace(published.document, tickets={}, series="") in self._states()
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
        self.triggers[("run", "other")[which]].clear()

    def restore(self, which: int) -> None:
        """From the backup taken before the last two finished runs."""
        store, backups = self.stores[which], self.backups[which]
        store.objects.data = dict(backups[-3] if len(backups) > 2 else backups[0])
        waiting = {one.trigger for one in Inbox(store.store.objects).waiting(CLUSTER_ID)}
        noticed = self.triggers[("run", "other")[which]]
        noticed[:] = [one for one in noticed if one[0] in waiting]

    def hand_over(self, which: int) -> None:
        """Like `mesh-assets snapshot adopt`."""
        store = self.stores[which].store
        latest = store.latest(CLUSTER_ID)
        other = self.stores[1 - which].store.store_id()
        version = None if latest is None else latest[1]
        store.adopt(CLUSTER_ID, other, version, sequence=self.newest_sequence() or 0)

    def newest_sequence(self) -> int | None:
        return max((event.sequence for event in self.log.snapshots), default=None)

    def check(self) -> None:
        check_log(self.log)
        readings = [event.excluded_topics for event in self._states()]
        assert readings == sorted(readings), "no older reading comes after a newer one"
        newest = max(readings, default=0)
        for which, name in enumerate(("run", "other")):
            inbox = Inbox(self.stores[which].store.objects)
            waiting = {one.trigger for one in inbox.waiting(CLUSTER_ID)}
            for trigger, before in self.triggers[name]:
                assert trigger in waiting or before < newest, "no trigger goes before a later reading is out"

    def _states(self) -> list[Document]:
        return [document_of(event) for event in self.log.snapshots]


def adopted(world: World) -> World:
    """Another store, which is handed the cluster."""
    other = another_store(world)
    other.store.adopt(CLUSTER_ID, world.store.store_id(), None, sequence=len(world.log.snapshots))
    return other
