"""Every service on the store knows requested discoveries, even after the one that accepted them has ended."""

from typing import Any

import anyio
import httpx
import pytest

from mesh_assets.discovering.process import DiscoveryFailedError
from mesh_assets.discovering.under_way import under_way
from mesh_assets.errors import StoreError
from mesh_assets.inventory.changes import Trigger
from mesh_assets.service.asked import AskedDiscoveries, KeptAnswer
from mesh_assets.store.inbox import Inbox
from mesh_assets_tests.documents import a_document
from mesh_assets_tests.service.asked import CI, OPS, Launches, a_service, ask, asked, followed
from mesh_assets_tests.service.estate_of_metrics import a_world, publish
from mesh_assets_tests.snapshot.world import World


def told_elsewhere(world: World, discovery_id: str, headers: dict[str, str] = CI) -> httpx.Response:
    """By another service of the same store."""
    return asked(a_service(world), lambda client: client.get(f"/discoveries/{discovery_id}", headers=headers))


def asked_and_left(world: World, launches: Launches, *, until: str = "running") -> str:
    """The id of a discovery whose service ended as soon as it was `until`."""

    async def work(client: httpx.AsyncClient) -> str:
        launches.go_on = anyio.Event()
        [one] = await ask(client, cluster="warehouse", reason="deployed")
        if until in ("published", "failed"):
            launches.go_on.set()
        await followed(client, one["follow"], until)
        with anyio.fail_after(10):  # what is answered from memory may not be written yet
            while world.store.objects.get(f"asked/{one['id']}.json") is None or until not in str(
                world.store.objects.get(f"asked/{one['id']}.json")
            ):
                await anyio.sleep(0.01)
        return str(one["id"])

    return asked(a_service(world, launches=launches), work)


def test_another_service_reports_the_outcome() -> None:
    world = a_world(a_document())
    found = told_elsewhere(world, asked_and_left(world, Launches(), until="published")).json()
    assert {name: found[name] for name in ("status", "run_id", "sequence", "changes", "requested_by")} == {
        "status": "published",
        "run_id": "run-1",
        "sequence": 1,
        "changes": 3,
        "requested_by": ["ci"],
    }
    assert found["started_at"] <= found["ended_at"]


def test_another_service_reports_the_failure_without_secrets() -> None:
    world, launches = a_world(a_document()), Launches()
    launches.fails = DiscoveryFailedError("warehouse: no answer; password=hunter2")
    discovery_id = asked_and_left(world, launches, until="failed")

    found = told_elsewhere(world, discovery_id).json()

    assert (found["status"], "no answer" in found["error"]) == ("failed", True)
    assert "hunter2" not in str(world.store.objects.get(f"asked/{discovery_id}.json"))


def test_a_discovery_whose_service_was_killed_waits_until_any_discovery_has_handled_it() -> None:
    world = a_world(a_document())
    discovery_id = asked_and_left(world, Launches())
    waiting = told_elsewhere(world, discovery_id).json()
    assert (waiting["status"], "started_at" in waiting) == ("queued", False)

    with under_way(world.store.objects, "warehouse", "r"):
        assert told_elsewhere(world, discovery_id).json()["status"] == "running"

    publish(world, a_document())
    inbox = Inbox(world.store.objects)
    inbox.remove("lkc-1", [one.id for one in inbox.waiting("lkc-1")])
    ended = told_elsewhere(world, discovery_id).json()
    assert (ended["status"], ended["sequence"], ended["run_id"]) == ("published", 2, "run")


def test_an_idempotency_key_gets_the_same_answer_from_every_service() -> None:
    world, launches = a_world(a_document()), Launches()
    keyed = {**CI, "Idempotency-Key": "deploy-1"}

    async def first(client: httpx.AsyncClient) -> list[dict[str, Any]]:
        return await ask(client, keyed, cluster="warehouse")

    async def again(client: httpx.AsyncClient) -> tuple[list[dict[str, Any]], int, list[dict[str, Any]]]:
        other = await client.post("/discover", headers=keyed, json={})
        another = await ask(client, {**OPS, "Idempotency-Key": "deploy-1"}, cluster="warehouse")
        return await ask(client, keyed, cluster="warehouse"), other.status_code, another

    [answered] = asked(a_service(world, launches=launches), first)
    [same], status, [another] = asked(a_service(world, launches=launches), again)
    assert (same, status) == (answered, 422)
    assert another["id"] != answered["id"], "keys are each caller's own"
    assert all("deploy-1" not in one.key for one in world.store.objects.list("asked/"))


def test_of_two_simultaneous_answers_the_first_stored_holds() -> None:
    kept = AskedDiscoveries(lambda: world.store)
    world = a_world(a_document())
    first, second = (KeptAnswer(digest=name, answered=[{"id": name}]) for name in ("a", "b"))
    assert kept.keep_answer("ci", "k", first) == first
    assert kept.keep_answer("ci", "k", second) == first


@pytest.mark.parametrize("discovery_id", ["0" * 32, "..%2F..%2Fstore", "keys", "0" * 31])
def test_an_unknown_id_is_not_found_and_reads_nothing_else(discovery_id: str) -> None:
    answer = told_elsewhere(a_world(a_document()), discovery_id)
    assert (answer.status_code, "`retention.runs`" in answer.json()["error"]) == (404, True)


@pytest.mark.parametrize(
    ("content", "said"), [(b"{", "cannot be read"), (b'{"format": 2}', "has format 2, but this version")]
)
def test_an_unreadable_stored_discovery_is_reported(content: bytes, said: str) -> None:
    world = a_world(a_document())
    world.store.objects.put(f"asked/{'0' * 32}.json", content)
    answer = told_elsewhere(world, "0" * 32)
    assert (answer.status_code, said in answer.json()["error"]) == (503, True)


def test_a_store_that_refuses_during_a_discovery_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    world, launches = a_world(a_document()), Launches()

    async def work(client: httpx.AsyncClient) -> dict[str, Any]:
        launches.go_on = anyio.Event()
        [one] = await ask(client, cluster="warehouse")
        await followed(client, one["follow"], "running")

        def fails(*_: object) -> str:
            raise StoreError("the disk is full")

        monkeypatch.setattr(world.objects, "put", fails)
        launches.go_on.set()
        return await followed(client, one["follow"], "published", "failed")

    assert asked(a_service(world, launches=launches), work)["status"] == "published"
    assert launches.of == [("warehouse", Trigger(type="api", details="asked for by ci"))]
