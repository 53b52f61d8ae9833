"""Requests to the service over HTTP, in this process."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import anyio
import httpx

from mesh_assets.inventory.changes import Trigger
from mesh_assets.service.app import Service, loopback_names
from mesh_assets.service.asking import Asking, RateLimit
from mesh_assets.service.discoveries import Discoveries
from mesh_assets.service.health import Bounds
from mesh_assets.service.identity import IssuerTokens, KnownTokens
from mesh_assets_tests.service.estate_of_metrics import NOW, a_scrape, an_estate
from mesh_assets_tests.snapshot.world import World

T = TypeVar("T")
TOKEN, OTHER_TOKEN = "s3cret", "0ther"
HASHES = tuple(
    f"{name}={hashlib.sha256(token.encode()).hexdigest()}"
    for name, token in (("ci", TOKEN), ("ops", OTHER_TOKEN))
)
CI, OPS = ({"Authorization": f"Bearer {token}"} for token in (TOKEN, OTHER_TOKEN))


class Launches:
    """Instead of processes: what was launched, and how each ends once released."""

    def __init__(self) -> None:
        self.of: list[tuple[str, Trigger]] = []
        self.go_on = anyio.Event()
        self.fails: Exception | None = None

    async def __call__(self, cluster: str, trigger: Trigger) -> Mapping[str, Any]:
        self.of.append((cluster, trigger))
        await self.go_on.wait()
        if self.fails is not None:
            raise self.fails
        return {"run_id": f"run-{len(self.of)}", "sequence": len(self.of), "total_changes": 3}


def a_service(
    world: World,
    *clusters: str,
    launches: Launches | None = None,
    hashes: tuple[str, ...] = HASHES,
    issuer: IssuerTokens | None = None,
    host: str = "127.0.0.1",
    allowed_hosts: tuple[str, ...] = (),
    bounds: Bounds | None = None,
    per_minute: int = 30,
    fault: str | None = None,
) -> Service:
    estate = an_estate(*clusters)
    discoveries = Discoveries(launches or Launches(), lambda: world.store, now=lambda: NOW)
    return Service(
        a_scrape(world, *clusters, fault=fault),
        discoveries,
        Asking(discoveries, lambda: estate),
        tokens=KnownTokens(hashes),
        issuer=issuer,
        bounds=bounds,
        open_to_all=host == "127.0.0.1",
        hosts=loopback_names(host, allowed_hosts),
        limit=RateLimit(per_minute),
        now=lambda: NOW,
    )


def asked(
    service: Service,
    work: Callable[[httpx.AsyncClient], Awaitable[T]],
    *,
    base_url: str = "http://127.0.0.1:8080",
) -> T:
    """`work` with a client of the service, while the service lives."""

    async def run() -> T:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(service._discoveries.carry_out)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(service), base_url=base_url) as client:
                found = await work(client)
            tasks.cancel_scope.cancel()
        return found

    return anyio.run(run)


def got(
    service: Service, path: str, *, base_url: str = "http://127.0.0.1:8080", **headers: str
) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return asked(service, lambda client: client.get(path, headers=named), base_url=base_url)


async def ask(client: httpx.AsyncClient, headers: dict[str, str] = CI, **body: Any) -> list[dict[str, Any]]:
    answer = await client.post("/discover", headers=headers, json=body)
    assert answer.status_code == 202, answer.text
    found: list[dict[str, Any]] = answer.json()["discoveries"]
    return found


async def followed(client: httpx.AsyncClient, path: str, *statuses: str) -> dict[str, Any]:
    """The outcome, once its status is one of these."""
    with anyio.fail_after(10):
        while True:
            found: dict[str, Any] = (await client.get(path, headers=CI)).json()
            if found["status"] in statuses:
                return found
            await anyio.sleep(0.01)
