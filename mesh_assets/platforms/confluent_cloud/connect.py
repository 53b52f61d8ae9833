"""Confluent Cloud's Connect v1: all managed connectors of a cluster in one request.

Source: Confluent's OpenAPI, `connect/v1` (listConnectv1ConnectorsWithExpansions, readConnectv1Connector).
What differs from Kafka Connect: each connector has an id (`lcc-…`), states are NONE, PROVISIONING, RUNNING,
DEGRADED, FAILED, PAUSED and DELETED, a task's trace is its `msg`, secrets come masked, and nothing tells
which topics a connector has used.
"""

from typing import Any

from mesh_assets.estate.connections import ConfluentCloudConnectEndpoint
from mesh_assets.platforms.confluent_cloud.keys import CONNECT_KEY
from mesh_assets.platforms.confluent_cloud.service import patient
from mesh_assets.platforms.connect.connectors import Connector, ShapeError, connector_of
from mesh_assets.platforms.http import (
    SYSTEM_CLOCK,
    Clock,
    HttpService,
    RetryPolicy,
    ServiceClient,
    Transport,
    path_segment,
)
from mesh_assets.platforms.presence import Presence

NAME = "Confluent Cloud Connect"


class ConfluentCloudConnectClient(ServiceClient):
    """Reads the managed connectors of one cluster. Safe to use from many threads; changes nothing."""

    def __init__(
        self,
        endpoint: ConfluentCloudConnectEndpoint,
        *,
        policy: RetryPolicy | None = None,
        transport: Transport | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(
            HttpService.open(
                endpoint,
                name=NAME,
                policy=policy or patient(endpoint.timeout_seconds),
                credential=CONNECT_KEY,
                transport=transport,
                clock=clock,
            )
        )
        environment, cluster = path_segment(endpoint.environment_id), path_segment(endpoint.cluster_id)
        self._path = f"/connect/v1/environments/{environment}/clusters/{cluster}/connectors"

    def connectors(self) -> tuple[Connector, ...]:
        """Every connector, by name, in one request. Raises PlatformError.

        What a role does not show is missing from an entry: the config is empty then, the state UNKNOWN, the
        id None.
        """
        answer = self._service.ask("GET", self._path, params={"expand": "info,status,id"})
        if answer.status == 404:
            # Its words are "account not found" or "resource not found", which say nothing of the estate.
            raise answer.unexpected(
                f"with 404: {answer.message}; there is no such cluster in that environment: check environment.id and cluster_id in the "
                "estate"
            )
        value = answer.json()
        if value == []:
            return ()
        if not isinstance(value, dict):
            raise answer.unexpected("with something that is no map of connectors")
        try:
            return tuple(_connector(name, entry) for name, entry in sorted(value.items()))
        except ShapeError as error:
            raise answer.unexpected(f"with a connector {error}") from error

    def topics(self, name: str) -> tuple[str, ...] | None:  # noqa: ARG002 - every Connect client has it
        """None: Confluent Cloud has no `/topics`, which Kafka Connect has since 2.5. No request."""
        return None

    def password_keys(self, connector_class: str) -> frozenset[str]:  # noqa: ARG002 - every Connect client has it
        """None are told, and none need be: Confluent Cloud masks what it stores as a secret. No request."""
        return frozenset()

    def presence(self, name: str) -> Presence:
        """Whether there is a connector `name`, whatever the list says. Raises PlatformError."""
        return self._service.ask("GET", f"{self._path}/{path_segment(name)}").presence()


def _connector(name: str, entry: Any) -> Connector:
    if not isinstance(entry, dict):
        raise ShapeError(f"{name!r} that is no object")
    info = entry.get("info") or {}
    if isinstance(info, dict) and info.get("config") is None:
        info = {**info, "config": {}}
    identity = entry.get("id")
    own = identity.get("id") if isinstance(identity, dict) else None
    try:
        return connector_of(
            name, info, entry.get("status") or {}, connector_id=own if isinstance(own, str) and own else None
        )
    except ShapeError as error:
        raise ShapeError(f"{name!r} {error}") from error
