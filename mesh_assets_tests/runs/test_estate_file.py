"""A cluster that joins or leaves the estate file requires no restart."""

from pathlib import Path

import dagster as dg
import pytest

from mesh_assets.errors import EstateError
from mesh_assets.fleet.in_force import EstateInForce
from mesh_assets.runs.estate_file import tick
from mesh_assets.runs.partitions import ClusterPartitions
from mesh_assets.store.inbox import Inbox, inbox_by_name
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store


def write(path: Path, *names: str) -> None:
    path.write_text(
        "clusters:\n" + "".join(f"  {name}: {{kafka: {{bootstrap_servers: 'x:1'}}}}\n" for name in names)
    )


@pytest.fixture
def store(tmp_path: Path) -> InventoryStore:
    return InventoryStore(open_store(str(tmp_path / "store")))


@pytest.fixture
def watched(tmp_path: Path, store: InventoryStore) -> EstateInForce:
    write(tmp_path / "estate.yaml", "a", "b")
    return EstateInForce(tmp_path / "estate.yaml", lambda: store.objects)


def said(result: dg.SensorResult) -> str | None:
    reason = result.skip_reason
    return None if reason is None else reason.skip_message if isinstance(reason, dg.SkipReason) else reason


def test_partitions_follow_the_clusters_of_the_file_and_stay_one_definition(
    watched: EstateInForce,
) -> None:
    partitions, same = ClusterPartitions(watched), ClusterPartitions(watched)
    number = hash(partitions)
    assert partitions.get_partition_keys() == ["a", "b"]

    write(watched.path, "b", "c")
    watched.now()

    assert partitions.get_partition_keys() == ["b", "c"]
    assert partitions.has_partition_key("c")
    assert not partitions.has_partition_key("a")
    assert partitions.filter_valid_partition_keys({"a", "b"}) == {"b"}
    assert partitions.get_num_partitions() == 2
    assert (partitions, hash(partitions)) == (same, number)


def test_a_new_cluster_is_discovered_at_once_and_one_that_leaves_is_named(
    instance: dg.DagsterInstance,
    watched: EstateInForce,
    store: InventoryStore,
) -> None:
    first, notes = tick(instance, watched, store, cursor=None)
    assert (first.run_requests, notes, said(first)) == ([], (), "2 clusters, as before")

    write(watched.path, "b", "c")
    second, notes = tick(instance, watched, store, cursor=first.cursor)

    assert second.run_requests is not None
    [request] = second.run_requests
    assert (request.partition_key, request.tags["mesh/trigger"]) == ("c", "external")
    assert request.tags["mesh/trigger_details"] == "The cluster entered the estate."
    [waiting] = Inbox(store.objects).waiting(inbox_by_name("c"))
    assert waiting.trigger.resource == "c"
    came, left = notes
    assert came == "c entered the estate; a discovery is requested"
    assert left.startswith("a left the estate: nothing reads it any more.")

    third, notes = tick(instance, watched, store, cursor=second.cursor)
    assert (third.run_requests, notes, said(third)) == ([], (), "2 clusters, as before")


def test_while_the_file_is_broken_ticks_fail_with_its_fault_and_no_cluster_leaves(
    instance: dg.DagsterInstance,
    watched: EstateInForce,
    store: InventoryStore,
) -> None:
    first, _ = tick(instance, watched, store, cursor=None)
    watched.path.write_text("clusters:\n  a: {kafka: {}}\n")

    with pytest.raises(EstateError) as caught:
        tick(instance, watched, store, cursor=first.cursor)
    assert "; until it is fixed, the last good estate stays in force, with 2 clusters: " in str(caught.value)
    assert "estate.yaml:2: clusters.a.kafka" in str(caught.value)

    write(watched.path, "a", "b")
    mended, notes = tick(instance, watched, store, cursor=first.cursor)
    assert (mended.run_requests, notes) == ([], ())


def test_a_cursor_of_another_version_only_learns_the_names(
    instance: dg.DagsterInstance,
    watched: EstateInForce,
    store: InventoryStore,
) -> None:
    result, notes = tick(instance, watched, store, cursor='{"other": 1}')
    assert (result.run_requests, notes, result.cursor) == ([], (), '["a","b"]')
