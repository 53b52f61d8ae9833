"""A server in this process reached as from outside, over HTTP and over stdio. A separate process takes four CPU seconds to
start; test_processes.py tests what only a process shows."""

import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import pytest
from mcp.server.stdio import stdio_server

from mesh_assets.mcp_server.server import MeshServer
from mesh_assets.mcp_server.serving import web_server
from mesh_assets.mcp_server.settings import HttpSettings

_SECONDS = 30


@contextmanager
def over_http(server: MeshServer, **settings: Any) -> Iterator[str]:
    """Its address, on a free port, while a thread answers there. `settings`: for HTTP."""
    web = web_server(server, HttpSettings(**{"port": 0, **settings}))
    thread = threading.Thread(target=web.run, name="mcp over http")
    thread.start()
    try:
        deadline = time.monotonic() + _SECONDS
        while not web.started:
            assert thread.is_alive()
            assert time.monotonic() < deadline, "the server did not listen"
            time.sleep(0.01)
        host, port = web.servers[0].sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}/mcp"
    finally:
        web.should_exit = True
        thread.join(_SECONDS)
        assert not thread.is_alive()


@asynccontextmanager
async def over_stdio(server: MeshServer) -> AsyncIterator[tuple[Any, Any]]:
    """A client's streams to it. The server has pipes for this process's stdin and stdout; the client's end speaks the same
    lines of JSON."""
    server_reads, client_writes = os.pipe()
    client_reads, server_writes = os.pipe()

    async def serve() -> None:
        with (
            os.fdopen(server_reads) as coming,
            os.fdopen(server_writes, "w") as going,
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr(sys, "stdin", coming)
            patch.setattr(sys, "stdout", going)
            await server.run_stdio_async()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        reading, writing = os.fdopen(client_reads), os.fdopen(client_writes, "w")
        async with stdio_server(anyio.wrap_file(reading), anyio.wrap_file(writing)) as streams:
            yield streams
            writing.close()
    reading.close()


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
