"""What waits in the inbox becomes runs: one per cluster, none while another is under way, later after failures."""

import os
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import msgspec
import pytest
from dagster._core.storage.tags import HIDDEN_TAG_PREFIX
from msgspec.structs import replace

from mesh_assets.discovering.under_way import UnderWay, under_way, who_discovers
from mesh_assets.errors import StoreError
from mesh_assets.inventory.changes import Trigger
from mesh_assets.runs.requests import pause_after, reasons_text, requests_for
from mesh_assets.runs.tags import PROCESS_TAG, end_if_lost, note_process, process_tags
from mesh_assets.snapshot.lock import this_process
from mesh_assets.store.inbox import Inbox, inbox_by_name
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets.store.pointers import Holder
from mesh_assets_tests.runs.recorded import a_run

pytestmark = pytest.mark.slow

UPDATED = Trigger(type="schema_updated", resource="users-value", details="Schema version 1 → 2")
FAILED = Trigger(type="connector_failed", resource="orders-sink", details="task 0 FAILED")


@pytest.fixture
def store(tmp_path: Path) -> InventoryStore:
    """Two known clusters, and one that was never discovered."""
    store = InventoryStore(open_store(str(tmp_path)))
    store.remember_cluster("warehouse", "lkc-1")
    store.remember_cluster("payments", "lkc-2")
    return store


@pytest.fixture
def inbox(store: InventoryStore) -> Inbox:
    return Inbox(store.objects)


def later(**time: float) -> datetime:
    return datetime.now(UTC) + timedelta(**time)


def put(inbox: Inbox, trigger: Trigger, cluster_id: str = "lkc-1") -> None:
    inbox.put(cluster_id, trigger, cause=str(trigger), source="test", now=datetime.now(UTC))


def test_an_empty_inbox_launches_nothing(instance: dg.DagsterInstance, store: InventoryStore) -> None:
    launches = requests_for(instance, ["warehouse", "new"], store)

    assert (launches.requests, launches.waiting) == ([], {})


def test_causes_under_a_clusters_name_launch_its_first_discovery_once(
    instance: dg.DagsterInstance, store: InventoryStore, inbox: Inbox
) -> None:
    put(inbox, UPDATED, inbox_by_name("new"))

    first = requests_for(instance, ["warehouse", "new"], store)
    again = requests_for(instance, ["warehouse", "new"], store)

    assert [request.partition_key for request in first.requests] == ["new"]
    assert (again.requests, again.waiting) == ([], {"new": "1 waiting: a run has just been requested"})


def test_one_clusters_damaged_files_stop_no_other_cluster(
    instance: dg.DagsterInstance, store: InventoryStore, inbox: Inbox
) -> None:
    put(inbox, UPDATED)
    put(inbox, UPDATED, "lkc-2")
    store.objects.put("clusters/payments.json", b"damaged")
    store.objects.put("triggers/lkc-1/damaged.json", b"damaged")

    launches = requests_for(instance, ["payments", "warehouse"], store)

    assert [request.partition_key for request in launches.requests] == ["warehouse"]
    assert "payments.json" in launches.waiting["payments"]
    with pytest.raises(StoreError):
        requests_for(instance, ["payments"], store)


def test_no_run_is_launched_beside_a_manual_discovery_unless_its_process_is_gone(
    instance: dg.DagsterInstance, store: InventoryStore, inbox: Inbox
) -> None:
    put(inbox, UPDATED)
    with under_way(store.objects, "warehouse", "discover-1"):
        while_it_runs = requests_for(instance, ["warehouse"], store)
        left = store.objects.get("under_way/warehouse.json")
        much_later = requests_for(instance, ["warehouse"], store, now=later(minutes=16))
    assert left is not None
    ended = msgspec.json.decode(left[0], type=UnderWay)
    gone = replace(ended, process=replace(ended.process, started="0"))
    store.objects.put("under_way/warehouse.json", msgspec.json.encode(gone))

    assert while_it_runs.requests == []
    assert while_it_runs.waiting["warehouse"].endswith("is discovering it")
    assert [request.partition_key for request in much_later.requests] == ["warehouse"]
    assert who_discovers(store.objects, "warehouse", now=later()) is None


def test_several_triggers_become_one_run_named_by_the_most_severe(
    instance: dg.DagsterInstance, store: InventoryStore, inbox: Inbox
) -> None:
    put(inbox, UPDATED)
    put(inbox, FAILED)
    put(inbox, UPDATED, "lkc-2")

    launches = requests_for(instance, ["warehouse", "payments", "new"], store)

    assert [(request.partition_key, request.run_key, request.tags) for request in launches.requests] == [
        (
            "warehouse",
            None,
            {
                "mesh/trigger": "connector_failed",
                "mesh/trigger_resource": "orders-sink",
                "mesh/trigger_details": "task 0 FAILED",
                "mesh/from_inbox": "true",
                "dagster/priority": "1",
            },
        ),
        (
            "payments",
            None,
            {
                "mesh/trigger": "schema_updated",
                "mesh/trigger_resource": "users-value",
                "mesh/trigger_details": "Schema version 1 → 2",
                "mesh/from_inbox": "true",
                "dagster/priority": "1",
            },
        ),
    ]


@pytest.mark.parametrize(
    "status", [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
)
def test_nothing_is_launched_while_a_run_of_the_cluster_is_queued_or_running(
    instance: dg.DagsterInstance, store: InventoryStore, inbox: Inbox, status: dg.DagsterRunStatus
) -> None:
    put(inbox, UPDATED)
    run = a_run(instance, "warehouse", status)

    launches = requests_for(instance, ["warehouse"], store)

    assert launches.requests == []
    assert launches.waiting == {"warehouse": f"1 waiting: run {run.run_id[:8]} is {status.value.lower()}"}


def test_a_recorded_run_not_submitted_yet_counts_for_a_while(
    instance: dg.DagsterInstance, store: InventoryStore, inbox: Inbox
) -> None:
    put(inbox, UPDATED)
    a_run(instance, "warehouse", dg.DagsterRunStatus.NOT_STARTED)

    assert requests_for(instance, ["warehouse"], store).requests == []
    assert len(requests_for(instance, ["warehouse"], store, now=later(minutes=2)).requests) == 1


def test_changes_precede_scheduled_runs_and_a_cluster_with_failing_runs_comes_last(
    instance: dg.DagsterInstance, store: InventoryStore, inbox: Inbox
) -> None:
    put(inbox, UPDATED)
    put(inbox, UPDATED, "lkc-2")
    a_run(instance, "payments", dg.DagsterRunStatus.FAILURE)

    launches = requests_for(instance, ["warehouse", "payments"], store, now=later(hours=1))

    priorities = {request.partition_key: request.tags["dagster/priority"] for request in launches.requests}
    assert priorities == {"warehouse": "1", "payments": "-1"}


def test_many_runs_are_requested_over_several_ticks_each_of_them_once(
    instance: dg.DagsterInstance, store: InventoryStore, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesh_assets.runs.requests.MOST_REQUESTS", 2)
    names = [f"cluster-{number}" for number in range(5)]
    for name in names:
        put(inbox, UPDATED, inbox_by_name(name))

    ticks = [requests_for(instance, names, store) for _ in range(3)]
    after = requests_for(instance, names, store)

    asked = [[str(request.partition_key) for request in tick.requests] for tick in ticks]
    assert [len(of_tick) for of_tick in asked] == [2, 2, 1]
    assert sorted(name for of_tick in asked for name in of_tick) == names
    assert [tick.more for tick in (*ticks, after)] == [True, True, False, False]
    assert after.requests == []


def a_process_that_ended(run_id: str) -> Holder:
    ended = subprocess.Popen(["true"])
    ended.wait()
    return replace(this_process(run_id), pid=ended.pid)


def test_a_run_whose_process_was_killed_is_ended_and_repeated_after_a_pause(
    instance: dg.DagsterInstance, store: InventoryStore, inbox: Inbox
) -> None:
    put(inbox, UPDATED)
    run = a_run(instance, "warehouse", dg.DagsterRunStatus.STARTED)
    instance.add_run_tags(run.run_id, process_tags(a_process_that_ended(run.run_id)))

    first = requests_for(instance, ["warehouse"], store)
    again = requests_for(instance, ["warehouse"], store, now=later(minutes=1, seconds=1))

    ended = instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.FAILURE
    assert first.waiting["warehouse"].startswith("1 waiting: 1 failed in a row")
    assert len(again.requests) == 1


def test_a_retry_that_still_has_the_tags_of_the_lost_run_does_not_count_as_lost(
    instance: dg.DagsterInstance,
) -> None:
    lost = a_run(instance, "warehouse", dg.DagsterRunStatus.FAILURE)
    retry = a_run(instance, "warehouse", dg.DagsterRunStatus.STARTED)
    instance.add_run_tags(retry.run_id, process_tags(a_process_that_ended(lost.run_id)))
    started = instance.get_run_by_id(retry.run_id)
    assert started is not None

    assert end_if_lost(instance, started) is False


def test_a_run_says_to_people_which_process_works_on_it(instance: dg.DagsterInstance) -> None:
    run = a_run(instance, "warehouse", dg.DagsterRunStatus.STARTED)
    note_process(instance, run.run_id)
    noted = instance.get_run_by_id(run.run_id)
    assert noted is not None

    shown = {name: value for name, value in noted.tags.items() if not name.startswith(HIDDEN_TAG_PREFIX)}

    assert shown[PROCESS_TAG] == f"{os.getpid()} on {socket.gethostname()}"
    assert not [value for value in shown.values() if value.startswith("{")]


def test_a_run_that_succeeded_after_it_was_read_does_not_count_as_lost(instance: dg.DagsterInstance) -> None:
    run = a_run(instance, "warehouse", dg.DagsterRunStatus.STARTED)
    instance.add_run_tags(run.run_id, process_tags(a_process_that_ended(run.run_id)))
    read_before = instance.get_run_by_id(run.run_id)
    assert read_before is not None
    instance.report_dagster_event(
        dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, job_name="discovery"), run.run_id
    )

    assert end_if_lost(instance, read_before) is False
    ended = instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.SUCCESS


def test_a_run_whose_process_lives_or_is_elsewhere_is_waited_for(
    instance: dg.DagsterInstance, store: InventoryStore, inbox: Inbox
) -> None:
    put(inbox, UPDATED)
    run = a_run(instance, "warehouse", dg.DagsterRunStatus.STARTED)
    note_process(instance, run.run_id)
    assert requests_for(instance, ["warehouse"], store).requests == []

    elsewhere = replace(a_process_that_ended(run.run_id), host="another")
    instance.add_run_tags(run.run_id, process_tags(elsewhere))
    assert requests_for(instance, ["warehouse"], store).requests == []


def test_runs_of_other_clusters_and_jobs_block_nothing(
    instance: dg.DagsterInstance, store: InventoryStore, inbox: Inbox
) -> None:
    put(inbox, UPDATED)
    a_run(instance, "payments", dg.DagsterRunStatus.STARTED)
    a_run(instance, "warehouse", dg.DagsterRunStatus.STARTED, job="profiling")

    assert len(requests_for(instance, ["warehouse"], store).requests) == 1


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.FAILURE])
def test_a_clock_that_was_set_back_delays_no_run(
    instance: dg.DagsterInstance, store: InventoryStore, inbox: Inbox, status: dg.DagsterRunStatus
) -> None:
    put(inbox, UPDATED)
    a_run(instance, "warehouse", status)

    assert len(requests_for(instance, ["warehouse"], store, now=later(hours=-2)).requests) == 1


def test_two_simultaneous_sensors_request_one_run(
    instance: dg.DagsterInstance, store: InventoryStore, inbox: Inbox
) -> None:
    put(inbox, UPDATED)

    first, second = requests_for(instance, ["warehouse"], store), requests_for(instance, ["warehouse"], store)

    assert (len(first.requests), second.requests) == (1, [])
    assert second.waiting == {"warehouse": "1 waiting: a run has just been requested"}


def test_after_failed_runs_the_triggers_wait_and_the_pauses_grow(
    instance: dg.DagsterInstance, store: InventoryStore, inbox: Inbox
) -> None:
    put(inbox, UPDATED)

    def asked_after(minutes: float) -> bool:
        requests = requests_for(
            instance, ["warehouse"], store, now=later(minutes=minutes, seconds=1)
        ).requests
        store.objects.delete("launches/lkc-1.json")  # a claim from the future
        return bool(requests)

    pauses = []
    for _ in range(7):
        a_run(instance, "warehouse", dg.DagsterRunStatus.FAILURE)
        pauses.append(next(minutes for minutes in range(60) if asked_after(minutes)))

    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert len(inbox.waiting("lkc-1")) == 1


def test_a_run_that_succeeds_ends_the_pauses(
    instance: dg.DagsterInstance, store: InventoryStore, inbox: Inbox
) -> None:
    put(inbox, UPDATED)
    for status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS):
        a_run(instance, "warehouse", status)

    assert len(requests_for(instance, ["warehouse"], store).requests) == 1


def test_pauses_are_shorter_where_the_intervals_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_SENSOR_INTERVAL_SECONDS", "5")

    assert [pause_after(failures).total_seconds() for failures in (1, 2, 3, 9)] == [1, 2, 4, 30]


def test_reasons_name_their_cluster_once_and_keep_what_to_do() -> None:
    why = (
        "warehouse: another store publishes it: snapshot 2 of run 0c1f4dd2-4e1b-4c7e-9d0f-5f5f3f1b9a10 in the topic came from store "
        "5b2f0a52d3c14d5c8a8f6c1f0c1b2a3d, and this store (1f0c1b2a3d5b2f0a52d3c14d5c8a8f6c) knows only snapshot 1; discover it from "
        "one store alone, or hand it over to this one: mesh-assets snapshot adopt --cluster warehouse"
    )
    others = {f"z{number:02}": ("no discovery yet",) for number in range(10)}

    shown = reasons_text({"warehouse": (why,), **others})

    assert shown[0] == why
    assert shown[-1] == "and 1 more cluster (2 different reasons in all)"
