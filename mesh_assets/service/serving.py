"""Runs the service until it is stopped: its settings, who may ask, where it listens."""

import ctypes
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version

import anyio

from mesh_assets.errors import ConfigurationError
from mesh_assets.fleet.in_force import InForce, estate_in_force
from mesh_assets.importing import importing
from mesh_assets.masking.unexpected import mask_what_this_process_says
from mesh_assets.platforms.listeners import is_loopback
from mesh_assets.service.app import Service, loopback_names
from mesh_assets.service.asking import PER_MINUTE, Asking, RateLimit
from mesh_assets.service.discoveries import AT_ONCE, Discoveries
from mesh_assets.service.health import Bounds
from mesh_assets.service.identity import IssuerTokens, KnownTokens, OAuth
from mesh_assets.service.launching import Launcher, launch_by_dagster, launch_here
from mesh_assets.service.otlp import PUSH_SECONDS, Pusher
from mesh_assets.service.scrape import REFRESH_SECONDS, Scrape
from mesh_assets.service.selection import Selection
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store

logger = logging.getLogger(__name__)

PORT = 8080
_GRACE_SECONDS = 3
_WAITING_RUNS = 1_000
"""Discoveries that Dagster carries out while this process only waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """`token_hashes`: as KnownTokens takes them. `allowed_hosts`: names that it answers to, besides
    loopback's. `launcher`: who carries out discoveries, `at_once` of them if it is this process.
    `per_minute`: each caller's requests for discoveries. `open_metrics`: /metrics and the sentences of
    /readyz are open to all who reach the service, because the network decides who does. `otlp`: the collector
    that metrics are pushed to, every `otlp_seconds`."""

    host: str = "127.0.0.1"
    port: int = PORT
    token_hashes: tuple[str, ...] = field(default=(), repr=False)
    oauth: OAuth | None = None
    allowed_hosts: tuple[str, ...] = ()
    selection: Selection = field(default_factory=Selection)
    refresh_seconds: float = REFRESH_SECONDS
    bounds: Bounds = field(default_factory=Bounds)
    launcher: Launcher = "here"
    at_once: int = AT_ONCE
    per_minute: int = PER_MINUTE
    open_metrics: bool = False
    otlp: str | None = None
    otlp_seconds: float = PUSH_SECONDS


def build_service(
    settings: ServiceSettings,
    *,
    estate: Callable[[], InForce] | None = None,
    store: InventoryStore | None = None,
) -> Service:
    """The service as an ASGI application. Raises ConfigurationError unless it is clear who may ask; contacts nothing."""
    check_access(settings)
    in_force = estate or estate_in_force().lately
    opened = store or InventoryStore(open_store(os.environ.get("MESH_STORE")))
    dagster = settings.launcher == "dagster"
    discoveries = Discoveries(
        launch_by_dagster(lambda: opened) if dagster else launch_here,
        lambda: opened,
        at_once=_WAITING_RUNS if dagster else settings.at_once,
    )
    return Service(
        Scrape(
            in_force, lambda: opened, selection=settings.selection, refresh_seconds=settings.refresh_seconds
        ),
        discoveries,
        Asking(discoveries, lambda: in_force().estate),
        tokens=KnownTokens(settings.token_hashes),
        issuer=None if settings.oauth is None else IssuerTokens(settings.oauth),
        bounds=settings.bounds,
        open_to_all=settings.open_metrics or is_loopback(settings.host),
        hosts=loopback_names(settings.host, settings.allowed_hosts),
        limit=RateLimit(settings.per_minute),
        pusher=None if settings.otlp is None else Pusher(settings.otlp, version=version("mesh-assets")),
        push_seconds=settings.otlp_seconds,
    )


def check_access(settings: ServiceSettings) -> None:
    """Raises ConfigurationError if others could ask without a token."""
    known = bool(KnownTokens(settings.token_hashes)) or settings.oauth is not None
    if not known and not settings.open_metrics and not is_loopback(settings.host):
        raise ConfigurationError(
            f"other machines could reach the service at {settings.host}: give MESH_SERVICE_TOKEN_SHA256 (or --token-sha256) or the "
            "--oauth settings, or listen on 127.0.0.1; --open-metrics if the network decides who reaches it"
        )


def serve(settings: ServiceSettings) -> None:
    """Runs until SIGTERM or SIGINT, which also stop discoveries under way. Raises ConfigurationError when it
    cannot listen."""
    mask_what_this_process_says()
    _give_back_large_blocks()
    with importing:
        import uvicorn

    config = uvicorn.Config(
        build_service(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        server_header=False,
        limit_concurrency=200,
        lifespan="on",
        ws="none",
    )
    running = uvicorn.Server(config)

    async def run() -> None:
        async with anyio.create_task_group() as tasks:

            async def announce() -> None:
                while not running.started:
                    await anyio.sleep(0.02)
                for listening in running.servers:
                    for socket in listening.sockets:
                        host, port = socket.getsockname()[:2]
                        shown = f"[{host}]" if ":" in host else host
                        print(f"mesh-assets: service at http://{shown}:{port}", file=sys.stderr, flush=True)  # noqa: T201

            tasks.start_soon(announce)
            await running.serve()
            tasks.cancel_scope.cancel()

    anyio.run(run)
    if not running.started:
        raise ConfigurationError(
            f"the service could not listen at {settings.host}:{settings.port}; choose another --port, or find out what is using this one"
        )


def _give_back_large_blocks() -> None:
    """Makes blocks of a megabyte and more go back to the system when they are freed. glibc would raise that
    limit to the largest block freed so far, a document of 26 MB, and the next ones would leave holes in the
    heap: 159 instead of 144 MB after a few documents, measured (M_MMAP_THRESHOLD, mallopt(3)). Other C
    libraries have no such limit."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(-3, 1 << 20)
