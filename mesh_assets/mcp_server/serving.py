"""Runs the server over stdio or streamable HTTP, until it is stopped or has been idle for too long."""

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.transport_security import TransportSecuritySettings

from mesh_assets.errors import ConfigurationError
from mesh_assets.importing import importing
from mesh_assets.masking.unexpected import mask_what_this_process_says
from mesh_assets.mcp_server.bearer import Alive, TokenHolders
from mesh_assets.mcp_server.hosts import CanonicalHosts, canonical_host
from mesh_assets.mcp_server.server import MeshServer
from mesh_assets.mcp_server.settings import HttpSettings, ServerSettings
from mesh_assets.platforms.listeners import is_loopback
from mesh_assets.service.identity import KnownTokens

if TYPE_CHECKING:
    import uvicorn

logger = logging.getLogger(__name__)

_GRACE_SECONDS = 3


def serve_stdio(server: MeshServer) -> None:
    """Runs until the client closes stdin or the idle time is over, then ends the process with status 0."""
    mask_what_this_process_says()

    async def run() -> None:
        async with anyio.create_task_group() as tasks:

            async def end_when_idle() -> None:
                server.idle.touch()
                await server.idle.wait()
                logger.info("no request for %.0f s: the server stops", server.mesh.idle_seconds)
                # A thread is blocked reading stdin, which only the client can end: an orderly exit would wait
                # for it.
                sys.stderr.flush()
                os._exit(0)

            tasks.start_soon(end_when_idle)
            await server.run_stdio_async()
            tasks.cancel_scope.cancel()

    anyio.run(run)
    # Work of cancelled calls may still be running in a library's thread, and the interpreter would wait for
    # it.
    sys.stderr.flush()
    os._exit(0)


def serve_http(server: MeshServer, http: HttpSettings) -> None:
    """Runs until a signal or the end of the idle time, then ends the process with status 0.

    Raises ConfigurationError when the settings would leave the server open to others, or it cannot listen.
    """
    mask_what_this_process_says()
    running = web_server(server, http)

    async def run() -> None:
        async with anyio.create_task_group() as tasks:

            async def end_when_idle() -> None:
                server.idle.touch()
                await server.idle.wait()
                running.should_exit = True

            async def announce() -> None:
                while not running.started:
                    await anyio.sleep(0.02)
                tasks.start_soon(end_when_idle)  # no client could have asked any earlier
                for listening in running.servers:
                    for socket in listening.sockets:
                        host, port = socket.getsockname()[:2]
                        shown = f"[{host}]" if ":" in host else host
                        line = f"mesh-assets: MCP server at http://{shown}:{port}/mcp"
                        print(line, file=sys.stderr, flush=True)  # noqa: T201

            tasks.start_soon(announce)
            await running.serve()
            tasks.cancel_scope.cancel()

    anyio.run(run)
    sys.stderr.flush()
    if running.started:
        os._exit(0)
    raise ConfigurationError(
        f"the MCP server could not listen at {http.host}:{http.port}; choose another --port, or find out what is using this one"
    )


def web_server(server: MeshServer, http: HttpSettings) -> "uvicorn.Server":
    """The HTTP server, not started yet. Raises ConfigurationError like check_http."""
    with importing:
        import uvicorn

    config = uvicorn.Config(
        http_app(server, http),
        host=http.host,
        port=http.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        server_header=False,
        limit_concurrency=1_000,
        lifespan="on",
    )
    return uvicorn.Server(config)


def http_app(server: MeshServer, http: HttpSettings) -> Any:
    """The ASGI application, which admits only those who may talk to it. Raises ConfigurationError like
    check_http."""
    check_http(server.mesh, http)
    loopback = ["127.0.0.1", "localhost", "[::1]"]
    named = [canonical_host(host) for host in http.allowed_hosts]
    hosts = [*(f"{host}:*" for host in loopback), *loopback, *named]
    own = [f"{scheme}://{host}" for host in named for scheme in ("https", "http")]
    origins = [*(f"http://{host}{port}" for host in loopback for port in (":*", "")), *own]
    app = server.streamable_http_app(
        host=http.host,
        max_request_body_size=http.max_body_bytes,
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=True, allowed_hosts=hosts, allowed_origins=origins
        ),
    )
    app.add_middleware(CanonicalHosts)
    app.add_middleware(Alive)
    tokens = KnownTokens(http.token_hashes)
    return TokenHolders(app, tokens) if tokens else app


def check_http(settings: ServerSettings, http: HttpSettings) -> None:
    """Raises ConfigurationError unless it is clear who may talk to the server."""
    if KnownTokens(http.token_hashes) and settings.oauth is not None:
        raise ConfigurationError("give a token's hash or OAuth settings, not both")
    if is_loopback(http.host):
        return
    if not http.token_hashes and settings.oauth is None:
        raise ConfigurationError(
            f"other machines could reach the server at {http.host}: give MESH_MCP_TOKEN_SHA256 (or --token-sha256) or the --oauth "
            "settings, or listen on 127.0.0.1"
        )
    if not http.allowed_hosts:
        raise ConfigurationError(
            f"at {http.host} the server must know the name that clients reach it by: give --allowed-host, e.g. mesh.example.com or "
            f"10.0.0.5:{http.port}"
        )
