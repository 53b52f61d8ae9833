"""Handing a cluster over from one store or name to another, retiring a rebuilt one, and repairing what blocks one."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from click.testing import CliRunner, Result

from mesh_assets.cli import snapshot as commands
from mesh_assets.errors import ConflictError, UnexpectedAnswerError
from mesh_assets.snapshot import publisher
from mesh_assets.snapshot.connection import EventsConnection
from mesh_assets.snapshot.publisher import NothingToRetireError, RetiredAlreadyError
from mesh_assets.store.pointers import EventPosition
from mesh_assets_tests.snapshot.world import CLUSTER_ID, World

Adopt = Callable[..., Result]
LATEST = f"inventories/{CLUSTER_ID}/latest.json"


@pytest.fixture
def other(world: World) -> World:
    """Another store with the same topic, to which the cluster can be handed over."""
    other = World(run_prefix="other")
    other.log, other.clock = world.log, world.clock
    other.store.adopt(CLUSTER_ID, world.store.store_id(), None, sequence=1)
    return other


def test_a_command_says_what_it_will_do_and_does_it_once_confirmed(
    world: World, other: World, adopt: Adopt
) -> None:
    world.run(("orders",))
    other.run(("orders", "users"))

    done = adopt(input="y\n")

    assert done.exit_code == 0, done.output
    assert (
        f"by run other-1 of store {other.store.store_id()}; this store's latest is 1, which it forgets"
        in done.output
    )
    assert "one that is running is shut out" in done.output
    assert "Adopted. Now publish from this store: mesh-assets discover --cluster warehouse" in done.output
    assert world.store.latest(CLUSTER_ID) is None
    assert len(world.store.list_documents(CLUSTER_ID)) == 1
    assert world.run(("orders",)).document.sequence == 3


def test_an_empty_store_is_refused_until_it_is_handed_the_cluster(
    world: World, other: World, adopt: Adopt
) -> None:
    other.objects.data = {key: data for key, data in other.objects.data.items() if key == "store.json"}
    other.run(("orders", "users"))
    with pytest.raises(ConflictError, match="knows nothing of it"):
        world.run(("orders",))

    done = adopt(input="y\n")

    assert done.exit_code == 0, done.output
    assert f"by run other-1 of store {other.store.store_id()}; this store has published none." in done.output
    assert world.run(("orders",)).document.sequence == 2


def test_without_a_yes_nothing_changes(world: World, other: World, adopt: Adopt) -> None:
    world.run(("orders",))
    other.run(("orders", "users"))

    assert adopt(input="n\n").exit_code == 1
    assert world.store.latest(CLUSTER_ID) is not None


@pytest.mark.parametrize("before", [0, 1])
def test_nothing_needs_adopting_where_this_store_continues_by_itself(
    world: World, adopt: Adopt, before: int
) -> None:
    for _ in range(before):
        world.run(("orders",))

    done = adopt()

    assert done.output == (
        "Nothing to do: the next discovery of warehouse from this store continues by itself.\n"
    )


def test_an_unreadable_newest_snapshot_is_a_sentence_with_the_way_out(
    adopt: Adopt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object, **__: object) -> None:
        raise UnexpectedAnswerError("the schema registry of warehouse does not know the event's schema 3")

    monkeypatch.setattr(commands, "read_newest_snapshot", read)

    assert str(adopt().exception) == (
        "warehouse: the newest snapshot in discovery-events cannot be read, so no store can continue from it: the schema registry of "
        "warehouse does not know the event's schema 3; if it is no longer needed, write its tombstone, after which any store may "
        "publish warehouse: mesh-assets snapshot retire --cluster warehouse"
    )


def test_a_name_that_another_estate_used_is_forgotten(world: World, adopt: Adopt) -> None:
    world.run(("orders",))
    world.store.remember_cluster("dwh", CLUSTER_ID)

    done = adopt(input="y\n")

    assert done.exit_code == 0, done.output
    assert done.output == (
        "lkc-1 was also discovered as dwh. This forgets that.\nIs it warehouse alone? [y/N]: y\n"
        "Adopted: the next discovery of warehouse from this store continues by itself.\n"
    )
    assert world.store.names_of(CLUSTER_ID) == ("warehouse",)


@pytest.fixture
def retire(adopt: Adopt, monkeypatch: pytest.MonkeyPatch) -> tuple[Adopt, list[str]]:  # noqa: ARG001 - its world
    """The command, and the ids whose tombstones it writes."""
    written: list[str] = []

    def write(_estate: object, _name: str, *, cluster_id: str) -> EventPosition:
        if cluster_id == "lkc-gone":
            raise NothingToRetireError("the topic holds nothing of it")
        if cluster_id in written:
            raise RetiredAlreadyError(
                f"{cluster_id} is already retired: a[0]@7 is its tombstone; nothing was written"
            )
        written.append(cluster_id)
        return EventPosition(topic="discovery-events", partition=0, offset=7)

    monkeypatch.setattr("mesh_assets.snapshot.publisher.retire_snapshot", write)
    return lambda *arguments, **options: CliRunner().invoke(
        commands.snapshot, ["retire", "--cluster", "warehouse", *arguments], **options
    ), written


def test_an_id_from_before_a_rebuild_is_retired_by_name(
    world: World, retire: tuple[Adopt, list[str]]
) -> None:
    run, written = retire
    for cluster_id in ("lkc-old", CLUSTER_ID):
        world.store.remember_cluster("warehouse", cluster_id)

    present = run(input="n\n")
    done = run("--cluster-id", "lkc-old", "--yes")

    assert "warehouse used to be: lkc-old. To retire one of those: --cluster-id ID" in present.output
    assert done.exit_code == 0, done.output
    assert "This writes a tombstone for warehouse (lkc-old) to discovery-events on warehouse" in done.output
    assert written == ["lkc-old"]
    known = world.store.known_cluster("warehouse")
    assert known is not None
    assert (known.cluster_id, known.former) == (CLUSTER_ID, ())


@pytest.mark.parametrize(
    ("of_estate", "ids", "refusal"),
    [
        ("", ("lkc-2",), "lkc-2 is payments, not warehouse; name it: --cluster payments"),
        ("cluster_id: lkc-2", (), "lkc-2 is payments, not warehouse; name it: --cluster payments"),
        ("", ("lkc-2", "lkc-3"), "lkc-2 was payments, not warehouse; name it: --cluster payments"),
    ],
)
def test_the_id_of_another_cluster_of_the_estate_is_not_retired_under_this_name(
    world: World, retire: tuple[Adopt, list[str]], of_estate: str, ids: tuple[str, ...], refusal: str
) -> None:
    run, written = retire
    kafka = "kafka: {bootstrap_servers: 'broker.test:9092'}"
    Path(os.environ["MESH_ESTATE"]).write_text(
        f"clusters: {{warehouse: {{{kafka}}}, payments: {{{kafka}, {of_estate}}}}}"
    )
    for cluster_id in ids:
        world.store.remember_cluster("payments", cluster_id)

    done = run("--cluster-id", "lkc-2", "--yes")

    assert str(done.exception) == refusal
    assert written == []


def test_the_id_of_a_cluster_that_has_left_the_estate_can_still_be_retired(
    world: World, retire: tuple[Adopt, list[str]]
) -> None:
    run, written = retire
    world.store.remember_cluster("payments", "lkc-2")

    done = run("--cluster-id", "lkc-2", "--yes")

    assert done.exit_code == 0, done.output
    assert done.output.startswith(
        "lkc-2 was last discovered as payments, a name that this estate does not have.\n"
    )
    assert written == ["lkc-2"]


def test_an_id_with_nothing_left_in_kafka_is_only_forgotten(
    world: World, retire: tuple[Adopt, list[str]]
) -> None:
    run, _ = retire
    unknown = run("--cluster-id", "lkc-gone", "--yes")
    for cluster_id in (CLUSTER_ID, "lkc-gone"):
        world.store.remember_cluster("warehouse", cluster_id)

    done = run("--cluster-id", "lkc-gone", "--yes")

    assert isinstance(unknown.exception, NothingToRetireError)
    assert done.exit_code == 0, done.output
    assert done.output.endswith("the topic holds nothing of it. This store treats it as gone from now on.\n")
    assert world.store.cluster_id("warehouse") == CLUSTER_ID


def test_retiring_the_current_cluster_does_not_bring_an_earlier_one_back(
    world: World, retire: tuple[Adopt, list[str]]
) -> None:
    run, written = retire
    for cluster_id in ("lkc-old", CLUSTER_ID):
        world.store.remember_cluster("warehouse", cluster_id)

    run("--yes")

    assert written == [CLUSTER_ID]
    assert world.store.cluster_id("warehouse") == CLUSTER_ID


def test_an_already_retired_cluster_gets_no_second_tombstone(
    world: World, retire: tuple[Adopt, list[str]]
) -> None:
    run, written = retire
    for cluster_id in ("lkc-old", CLUSTER_ID):
        world.store.remember_cluster("warehouse", cluster_id)
    first = run("--yes")
    written.append("lkc-old")

    second, former = run("--yes"), run("--cluster-id", "lkc-old", "--yes")

    assert [done.exit_code for done in (first, second, former)] == [0, 0, 0]
    assert second.output.endswith(
        "Nothing to do: lkc-1 is already retired: a[0]@7 is its tombstone; nothing was written.\n"
    )
    assert written == [CLUSTER_ID, "lkc-old"]
    known = world.store.known_cluster("warehouse")
    assert known is not None
    assert known.former == (), "what is gone is forgotten, whoever wrote its tombstone"


def test_a_tombstone_as_the_newest_record_fences_no_one_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tombstone = SimpleNamespace(value=lambda: None, topic=lambda: "a", partition=lambda: 0, offset=lambda: 7)
    monkeypatch.setattr(publisher, "newest_record", lambda *_, **__: tombstone)
    monkeypatch.setattr(publisher, "EventProducer", None)

    with pytest.raises(RetiredAlreadyError, match=r"^lkc-1 is already retired: a\[0\]@7 is its tombstone"):
        publisher.publish_tombstone(cast(EventsConnection, None), cluster_id=CLUSTER_ID)


def _show(*arguments: str) -> Result:
    return CliRunner().invoke(commands.snapshot, ["show", "--cluster", "warehouse", *arguments])


@pytest.mark.usefixtures("adopt")
@pytest.mark.parametrize("key", [LATEST, "clusters/warehouse.json"])
def test_the_newest_event_is_shown_from_kafka_though_the_store_is_damaged(world: World, key: str) -> None:
    world.run(("orders",))
    world.store.objects.put(key, b"{")

    done, as_json = _show(), _show("--json")

    assert done.exit_code == as_json.exit_code == 0, done.output
    assert "sequence 1" in done.stdout
    assert json.loads(as_json.stdout)["sequence"] == 1
    if key == LATEST:
        assert "latest.json cannot be read by this version" in as_json.stderr
        assert "mesh-assets snapshot repair --cluster" in as_json.stderr
        assert as_json.stderr.endswith("(what is shown is from Kafka)\n")


@pytest.mark.usefixtures("adopt")
def test_where_store_and_topic_are_damaged_both_are_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise UnexpectedAnswerError("discovery-events[0]@7 is no Avro")

    world.run(("orders",))
    world.store.objects.put(LATEST, b"{")
    monkeypatch.setattr(commands, "read_newest_snapshot", damaged)

    said = str(_show().exception)

    assert said.startswith(
        "the newest snapshot of warehouse cannot be read: discovery-events[0]@7 is no Avro; and in the store "
    )
    assert "mesh-assets snapshot repair --cluster" in said
