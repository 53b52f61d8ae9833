"""Vault's HTTP API for reading KV secrets, on a local port: no Vault server is available here.

From the API documentation of KV versions 1 and 2 and of `sys/internal/ui/mounts`, and the source of `vault kv
get`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "hvs.of-the-discovery"


class AVault:
    """`mounts`: path → version ("1", "2"); `secrets`: path in the API (`secret/data/kafka`) → fields;
    `deleted`: such paths."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.mounts = {"secret": "2", "old": "1"}
        self.secrets: dict[str, dict[str, Any]] = {}
        self.deleted: set[str] = set()
        self.sealed = False
        self.namespace: str | None = None
        self.asked: list[str] = []

    def answer(self, path: str, token: str | None, namespace: str | None) -> tuple[int, dict[str, Any]]:
        path = path.removeprefix("/v1/")
        self.asked.append(path)
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if token != TOKEN or namespace != self.namespace:
            return 403, {"errors": ["permission denied"]}
        if path.startswith("sys/internal/ui/mounts/"):
            mount = path.removeprefix("sys/internal/ui/mounts/").split("/")[0]
            if mount not in self.mounts:
                return 403, {
                    "errors": [
                        "preflight capability check returned 403, please ensure client's policies grant access to path"
                    ]
                }
            options = {"version": "2"} if self.mounts[mount] == "2" else None
            return 200, {"request_id": "r", "data": {"path": f"{mount}/", "type": "kv", "options": options}}
        if path in self.deleted:
            metadata = {"deletion_time": "2026-11-23T16:40:02Z", "destroyed": False, "version": 3}
            return 404, {"request_id": "r", "data": {"data": None, "metadata": metadata}}
        if path not in self.secrets:
            return 404, {"errors": []}
        fields = self.secrets[path]
        versioned = self.mounts[path.split("/")[0]] == "2"
        return 200, {
            "request_id": "r",
            "data": {"data": fields, "metadata": {"version": 1}} if versioned else fields,
        }


@contextmanager
def a_vault() -> Iterator[AVault]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = vault.answer(
                self.path, self.headers.get("X-Vault-Token"), self.headers.get("X-Vault-Namespace")
            )
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - http.server's name
            """Logs nothing; the default is a line per request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    vault = AVault(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield vault
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
