"""Discoveries requested with a token: accepted once, shared, followed."""

import json
from typing import Any

import anyio
import httpx
import pytest

from mesh_assets.discovering.process import DiscoveryFailedError
from mesh_assets.errors import StoreError
from mesh_assets.inventory.changes import Trigger
from mesh_assets.service.asking import RateLimit
from mesh_assets.service.launching import launch_by_dagster
from mesh_assets.store.inbox import Inbox, inbox_by_name
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.documents import a_document
from mesh_assets_tests.service.asked import CI, OPS, Launches, a_service, ask, asked, followed
from mesh_assets_tests.service.estate_of_metrics import a_world, publish
from mesh_assets_tests.snapshot.world import World


def test_a_discovery_is_accepted_carried_out_and_followed() -> None:
    world = a_world(a_document())

    async def work(
        client: httpx.AsyncClient,
    ) -> tuple[dict[str, Any], dict[str, Any], list[tuple[str, Trigger]]]:
        launches.go_on = anyio.Event()
        answer = await client.post(
            "/discover",
            headers=CI,
            json={"cluster": "warehouse", "reason": "deployed\n now", "resource": "users"},
        )
        [accepted] = answer.json()["discoveries"]
        assert (answer.status_code, answer.headers["location"]) == (202, accepted["follow"])
        running = await followed(client, accepted["follow"], "running")
        launches.go_on.set()
        return running, await followed(client, accepted["follow"], "published", "failed"), launches.of

    launches = Launches()
    running, ended, launched = asked(a_service(world, launches=launches), work)
    trigger = Trigger(type="api", resource="users", details="deployed now (asked for by ci)")
    assert launched == [("warehouse", trigger)]
    assert (running["requested_by"], "ended_at" in running) == (["ci"], False)
    assert {name: ended[name] for name in ("status", "run_id", "sequence", "changes")} == {
        "status": "published",
        "run_id": "run-1",
        "sequence": 1,
        "changes": 3,
    }
    [waiting] = Inbox(world.store.objects).waiting("lkc-1")
    assert waiting.trigger == trigger, "should the service end before, the next discovery deals with it"


def test_requests_during_a_wait_share_one_discovery_and_those_during_a_run_get_the_next() -> None:
    launches = Launches()

    async def work(client: httpx.AsyncClient) -> list[str]:
        launches.go_on = anyio.Event()
        [first] = await ask(client, cluster="warehouse")
        await followed(client, first["follow"], "running")
        second = [(await ask(client, headers, cluster="warehouse"))[0] for headers in (CI, OPS, CI)]
        assert [one["joined"] for one in second] == [False, True, True]
        [waiting] = {one["id"] for one in second}
        launches.go_on.set()
        ended = await followed(client, f"/discoveries/{waiting}", "published")
        assert ended["requested_by"] == ["ci", "ops"]
        return [first["id"], waiting]

    assert len(set(asked(a_service(a_world(a_document()), launches=launches), work))) == 2
    assert len(launches.of) == 2


def test_a_cluster_is_discovered_once_at_a_time_while_others_run() -> None:
    launches = Launches()
    names = ("warehouse", "lab", "third")

    async def work(client: httpx.AsyncClient) -> list[str]:
        launches.go_on = anyio.Event()
        every = await ask(client)  # all of the estate
        for one in every[:2]:
            await followed(client, one["follow"], "running")
        assert (await client.get(every[2]["follow"], headers=CI)).json()["status"] == "queued"
        launches.go_on.set()
        for one in every:
            await followed(client, one["follow"], "published")
        return [one["cluster"] for one in every]

    assert asked(a_service(a_world(a_document()), *names, launches=launches), work) == list(names)


def test_the_same_idempotency_key_gets_the_same_answer() -> None:
    launches = Launches()
    service = a_service(a_world(a_document()), launches=launches)

    async def work(client: httpx.AsyncClient) -> None:
        launches.go_on = anyio.Event()
        launches.go_on.set()
        keyed = {**CI, "Idempotency-Key": "deploy-1"}
        [first] = await ask(client, keyed, cluster="warehouse")
        await followed(client, first["follow"], "published")
        assert await ask(client, keyed, cluster="warehouse") == [first]
        other = await client.post("/discover", headers=keyed, json={})
        assert other.status_code == 422
        [another] = await ask(client, {**OPS, "Idempotency-Key": "deploy-1"}, cluster="warehouse")
        assert another["id"] != first["id"], "keys are each caller's own"
        await followed(client, another["follow"], "published")

    asked(service, work)
    assert len(launches.of) == 2


def test_two_simultaneous_requests_with_one_idempotency_key_start_one_discovery() -> None:
    world, answers = a_world(a_document()), []
    keyed = {**CI, "Idempotency-Key": "deploy-1"}

    async def work(client: httpx.AsyncClient) -> None:
        async def once() -> None:
            answers.append(await ask(client, keyed, cluster="warehouse"))

        async with anyio.create_task_group() as both:
            both.start_soon(once)
            both.start_soon(once)

    asked(a_service(world), work)
    assert answers[0] == answers[1]
    assert len(Inbox(world.store.objects).waiting("lkc-1")) == 1


def test_a_failed_discovery_says_why_and_delays_no_other() -> None:
    launches = Launches()
    launches.fails = DiscoveryFailedError("warehouse: no answer; password=hunter2")

    async def work(client: httpx.AsyncClient) -> dict[str, Any]:
        launches.go_on = anyio.Event()
        launches.go_on.set()
        [one] = await ask(client, cluster="warehouse")
        failed = await followed(client, one["follow"], "failed")
        launches.fails = None
        [other] = await ask(client, cluster="warehouse")
        await followed(client, other["follow"], "published")
        return failed

    failed = asked(a_service(a_world(a_document()), launches=launches), work)
    assert "no answer" in failed["error"]
    assert "hunter2" not in json.dumps(failed)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "not as expected"),
        (b'{"cluster": 4}', 400, "not as expected"),
        (b'{"clusterr": "warehouse"}', 400, "clusterr"),
        (b'{"cluster": "a", "clusters": ["b"]}', 400, "not both"),
        (b'{"clusters": []}', 400, "names none"),
        (b'{"cluster": "nowhere"}', 404, "no cluster 'nowhere'; it has: warehouse"),
        (b'{"reason": "' + b"x" * 70_000 + b'"}', 413, "more than"),
    ],
)
def test_a_meaningless_body_is_refused_with_what_was_expected(body: bytes, status: int, said: str) -> None:
    launches = Launches()
    service = a_service(a_world(a_document()), launches=launches)
    answer = asked(service, lambda client: client.post("/discover", headers=CI, content=body))
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert launches.of == []


@pytest.mark.parametrize("written", ["put_new", "put"])  # the trigger, the discovery
def test_a_request_that_cannot_be_stored_is_not_accepted(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, launches = a_world(a_document()), Launches()
    service = a_service(world, launches=launches)

    def fails(*_: object) -> str:
        raise StoreError("the disk is full")

    monkeypatch.setattr(world.objects, written, fails)
    answer = asked(service, lambda client: client.post("/discover", headers=CI, json={}))
    assert (answer.status_code, launches.of) == (503, [])


def test_a_caller_has_a_limit_and_others_are_not_delayed() -> None:
    service = a_service(a_world(a_document()), per_minute=2)

    async def work(client: httpx.AsyncClient) -> list[tuple[int, str | None]]:
        answers = [await client.post("/discover", headers=CI, json={}) for _ in range(3)]
        answers.append(await client.post("/discover", headers=OPS, json={}))
        return [(one.status_code, one.headers.get("retry-after")) for one in answers]

    statuses = asked(service, work)
    assert [status for status, _ in statuses] == [202, 202, 429, 202]
    assert 1 <= int(statuses[2][1] or 0) <= 31


def test_a_callers_allowance_returns_with_time() -> None:
    moment = [0.0]
    limit = RateLimit(60, clock=lambda: moment[0])
    assert [limit.wait_seconds("ci") for _ in range(60)] == [0.0] * 60
    assert limit.wait_seconds("ci") == 1.0
    moment[0] = 1.0
    assert limit.wait_seconds("ci") == 0.0


def test_the_first_discovery_of_a_cluster_can_be_requested() -> None:
    world = World()

    async def work(client: httpx.AsyncClient) -> None:
        await ask(client, cluster="warehouse", reason="begin")

    asked(a_service(world), work)
    [waiting] = Inbox(world.store.objects).waiting(inbox_by_name("warehouse"))
    assert waiting.trigger.type == "api"


def test_where_dagster_discovers_the_service_waits_until_a_run_has_taken_the_trigger() -> None:
    world = a_world(a_document())
    launch = launch_by_dagster(lambda: world.store, every_seconds=0.01, waits_seconds=10)
    trigger = Trigger(type="api", details="asked for by ci")
    inbox = Inbox(world.store.objects)
    inbox.put("lkc-1", trigger, cause="one", source="service", now=world.clock.now())

    async def run() -> Any:
        reports: list[Any] = []

        async def wait() -> None:
            reports.append(await launch("warehouse", trigger))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.sleep(0.05)
            publish(world, a_document())  # of a run that began before the trigger came
            await anyio.sleep(0.05)
            assert reports == []
            inbox.remove("lkc-1", [one.id for one in inbox.waiting("lkc-1")])
        return reports

    [report] = anyio.run(run)
    assert (report["sequence"], report["run_id"]) == (2, "run")
    assert anyio.run(launch, "warehouse", trigger)["sequence"] == 2, (
        "the run took all that waited, also of who came later"
    )


def test_where_dagster_discovers_a_store_that_refuses_for_a_while_fails_no_discovery() -> None:
    world, asked_for = a_world(a_document()), []

    def store() -> InventoryStore:
        asked_for.append(1)
        if len(asked_for) < 4:
            raise StoreError("the bucket does not answer")
        return world.store

    launch = launch_by_dagster(store, every_seconds=0.01, waits_seconds=10)
    assert anyio.run(launch, "warehouse", Trigger(type="api"))["sequence"] == 1


def test_a_trigger_merely_counted_with_others_still_waits() -> None:
    world = a_world(a_document())
    inbox = Inbox(world.store.objects)
    for number in range(102):
        trigger = Trigger(type="api", details=f"{number}")
        inbox.put("lkc-1", trigger, cause=f"{number}", source="service", now=world.clock.now())
    launch = launch_by_dagster(lambda: world.store, every_seconds=0.01, waits_seconds=0.05)
    with pytest.raises(DiscoveryFailedError, match="is still waiting"):
        anyio.run(launch, "warehouse", trigger)


def test_where_no_run_takes_the_trigger_the_answer_says_where_to_look() -> None:
    world = a_world(a_document())
    inbox = Inbox(world.store.objects)
    inbox.put("lkc-1", Trigger(type="api"), cause="one", source="service", now=world.clock.now())
    launch = launch_by_dagster(lambda: world.store, every_seconds=0.01, waits_seconds=0.05)
    with pytest.raises(DiscoveryFailedError, match="whether Dagster's daemon is running"):
        anyio.run(launch, "warehouse", Trigger(type="api"))


def test_an_incomplete_request_whose_sender_is_gone_starts_nothing() -> None:
    world, launches = a_world(a_document()), Launches()
    service = a_service(world, launches=launches)
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"", "more_body": True},
        {"type": "http.disconnect"},
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/discover",
        "headers": [(b"host", b"127.0.0.1"), (b"authorization", CI["Authorization"].encode())],
    }

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(_: Any) -> None:
        raise OSError("nobody is there")

    async def work(_: httpx.AsyncClient) -> None:
        await service(scope, receive, send)

    asked(service, work)
    assert Inbox(world.store.objects).waiting("lkc-1") == ()
    assert launches.of == []
