"""Confluent Cloud's control plane, with only what a test puts into it."""

from typing import Any

import httpx

BOOTSTRAP = "pkc-1.eu-west-1.aws.confluent.cloud:9092"
REGISTRY = "https://psrc-1.eu-west-1.aws.confluent.cloud"


class Cloud:
    """A control plane with one environment, cluster and registry, each if `visible` names it; `refused`: paths that answer
    403."""

    def __init__(
        self,
        *,
        kind: str = "Standard",
        visible: tuple[str, ...] = ("org", "env", "lkc", "lsrc"),
        refused: str = "-",
    ) -> None:
        self.headers: dict[str, str] = {}
        self.requests: list[str] = []
        self._refused = refused
        self._lists = {
            "/org/v2/organizations": [{"id": "o-1", "display_name": "Finance"}] if "org" in visible else [],
            "/org/v2/environments": [{"id": "env-7zpqx1", "display_name": "agentic-data-mesh"}]
            if "env" in visible
            else [],
            "/cmk/v2/clusters": [self._cluster(kind)] if "lkc" in visible else [],
            "/srcm/v3/clusters": [{"id": "lsrc-1", "spec": {"http_endpoint": REGISTRY}}]
            if "lsrc" in visible
            else [],
        }

    def _cluster(self, kind: str) -> dict[str, Any]:
        spec = {
            "display_name": "data-mesh-cluster",
            "config": {"kind": kind},
            "cloud": "AWS",
            "region": "eu-west-1",
        }
        return {
            "id": "lkc-nd1ng3",
            "spec": {**spec, "kafka_bootstrap_endpoint": BOOTSTRAP},
            "status": {"phase": "PROVISIONED"},
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.url.path)
        if self._refused in request.url.path:
            return httpx.Response(403, json={"errors": [{"status": "403", "detail": "Forbidden Access"}]})
        return httpx.Response(
            200, json={"metadata": {}, "data": self._lists[request.url.path]}, headers=self.headers
        )
