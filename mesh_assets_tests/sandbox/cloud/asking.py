"""Requests to the stand-in, written without the project's clients."""

from types import TracebackType
from typing import Any

import httpx

from mesh_assets.sandbox.credentials import Key, sandbox_keys
from mesh_assets.sandbox.estate.clusters import CLUSTER_ID, ENVIRONMENT_ID
from mesh_assets.sandbox.servers import Sandbox

CONNECTORS = f"/connect/v1/environments/{ENVIRONMENT_ID}/clusters/{CLUSTER_ID}/connectors"
EXPANDED = f"{CONNECTORS}?expand=info,status,id"
REGISTRY = "/schema-registry"
LINKS = f"/kafka/v3/clusters/{CLUSTER_ID}/links"


class StandIn:
    """The stand-in of a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.keys = sandbox_keys(sandbox.folder)
        url = sandbox.endpoints().cloud_url
        assert url is not None
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def __enter__(self) -> "StandIn":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def ask(self, method: str, path: str, *, key: Key | None, **more: Any) -> httpx.Response:
        """With that key, or none."""
        return self._client.request(method, path, auth=(key.id, key.secret) if key else None, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        """With the key that belongs there."""
        return self.ask("GET", path, key=self.right_key(path), **more)

    def right_key(self, path: str) -> Key:
        if path.startswith("/kafka/"):
            return self.keys.kafka
        return self.keys.schema_registry if path.startswith(REGISTRY) else self.keys.cloud

    def tell(self, what: str, order: Any) -> None:
        self._client.put(f"/_stand-in/{what}", json=order).raise_for_status()

    def forget(self) -> None:
        """All its faults are cleared, and all connectors run."""
        self._client.delete("/_stand-in/faults").raise_for_status()
        for name, one in self.get(EXPANDED).json().items():
            if one["status"]["connector"]["state"] != "RUNNING":
                self.ask("PUT", f"{CONNECTORS}/{name}/resume", key=self.keys.cloud).raise_for_status()
