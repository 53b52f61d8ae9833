"""Running the server until it is told to stop or nobody asks it anything: over stdio or streamable HTTP."""

import ipaddress
import logging
import os
import sys
from typing import Any

import anyio

from mesh_assets.errors import ConfigurationError
from mesh_assets.mcp_server.server import MeshServer
from mesh_assets.mcp_server.settings import HttpSettings

logger = logging.getLogger(__name__)

_GRACE_SECONDS = 3


def serve_stdio(server: MeshServer) -> None:
    """Returns when the client closes stdin. After idle time it ends the process with status 0."""

    async def run() -> None:
        async with anyio.create_task_group() as tasks:

            async def end_when_idle() -> None:
                server.idle.touch()
                await server.idle.wait()
                logger.info("no request for %.0f s: the server ends", server.mesh.idle_seconds)
                # A thread waits in a read of stdin, which nothing can end but the client: leaving in good
                # order would wait for it.
                sys.stderr.flush()
                os._exit(0)

            tasks.start_soon(end_when_idle)
            await server.run_stdio_async()
            tasks.cancel_scope.cancel()

    anyio.run(run)
    # Work of cancelled calls may still be in a thread of a library, and the interpreter would wait for it.
    sys.stderr.flush()
    os._exit(0)


def serve_http(server: MeshServer, http: HttpSettings) -> None:
    """Returns after a signal or idle time. Raises ConfigurationError when the settings would leave it open to
    others."""
    import uvicorn

    app = http_app(server, http)
    config = uvicorn.Config(
        app,
        host=http.host,
        port=http.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        server_header=False,
        limit_concurrency=1_000,
        lifespan="on",
    )
    running = uvicorn.Server(config)

    async def run() -> None:
        async with anyio.create_task_group() as tasks:

            async def end_when_idle() -> None:
                server.idle.touch()
                await server.idle.wait()
                running.should_exit = True

            async def tell() -> None:
                while not running.started:
                    await anyio.sleep(0.02)
                tasks.start_soon(
                    end_when_idle
                )  # the time until it listens is none that a client could have used
                for listening in running.servers:
                    for socket in listening.sockets:
                        host, port = socket.getsockname()[:2]
                        shown = f"[{host}]" if ":" in host else host
                        print(  # noqa: T201
                            f"mesh-assets: MCP server at http://{shown}:{port}/mcp",
                            file=sys.stderr,
                            flush=True,
                        )

            tasks.start_soon(tell)
            await running.serve()
            tasks.cancel_scope.cancel()

    anyio.run(run)
    sys.stderr.flush()
    if running.started:
        os._exit(0)
    raise ConfigurationError(
        f"the MCP server could not listen at {http.host}:{http.port}; choose another --port, or see who has it"
    )


def http_app(server: MeshServer, http: HttpSettings) -> Any:
    """The ASGI application, with who is let in decided."""
    from mcp.server.transport_security import TransportSecuritySettings

    from mesh_assets.mcp_server.bearer import JwtVerifier, OneToken

    check_http(http)
    hosts = ["127.0.0.1:*", "localhost:*", "[::1]:*", "127.0.0.1", "localhost", *http.allowed_hosts]
    own = [f"{scheme}://{host}" for host in http.allowed_hosts for scheme in ("https", "http")]
    origins = ["http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*", *own]
    if http.oauth is not None:
        from mcp.server.auth.settings import AuthSettings
        from pydantic import AnyHttpUrl

        server.settings.auth = AuthSettings(
            issuer_url=AnyHttpUrl(http.oauth.issuer),
            resource_server_url=AnyHttpUrl(http.oauth.audience),
            required_scopes=list(http.oauth.scopes) or None,
        )
        server._token_verifier = JwtVerifier(http.oauth)
    app = server.streamable_http_app(
        host=http.host,
        max_request_body_size=http.max_body_bytes,
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=True, allowed_hosts=hosts, allowed_origins=origins
        ),
    )
    return app if http.token_sha256 is None else OneToken(app, http.token_sha256)


def check_http(http: HttpSettings) -> None:
    """Raises ConfigurationError unless it is clear who may speak to the server."""
    if http.token_sha256 is not None and http.oauth is not None:
        raise ConfigurationError("give a token's hash or OAuth settings, not both")
    if http.token_sha256 is not None and not _is_sha256(http.token_sha256):
        raise ConfigurationError(
            '--token-sha256 is no SHA-256: expected 64 hexadecimal digits (printf %s "$TOKEN" | sha256sum)'
        )
    if is_loopback(http.host):
        return
    if http.token_sha256 is None and http.oauth is None:
        raise ConfigurationError(
            f"at {http.host} others could reach the server: give --token-sha256 (or MESH_MCP_TOKEN_SHA256) or the --oauth settings, or "
            "listen on 127.0.0.1"
        )
    if not http.allowed_hosts:
        raise ConfigurationError(
            f"at {http.host} the server must know what clients call it: give --allowed-host, e.g. mesh.example.com or 10.0.0.5:{http.port}"
        )


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_sha256(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == 32
    except ValueError:
        return False
