"""Confluent Cloud's Connect v1: all managed connectors of a cluster in one request.

Source: Confluent's OpenAPI, `connect/v1` (listConnectv1ConnectorsWithExpansions, readConnectv1Connector). It
differs from Kafka Connect: each connector has an id (`lcc-…`), states are NONE, PROVISIONING, RUNNING,
DEGRADED, FAILED, PAUSED and DELETED, a task's trace is its `msg`, secrets come masked, and no request lists
the topics that a connector has used.
"""

from typing import Any

from mesh_assets.errors import PlatformError
from mesh_assets.estate.connections import ConfluentCloudConnectEndpoint
from mesh_assets.platforms import Presence
from mesh_assets.platforms.confluent_cloud.service import CONNECT_KEY, ConfluentCloudClient
from mesh_assets.platforms.connect.connectors import Connector, ShapeError, connector_of, those_read
from mesh_assets.platforms.http import path_segment

NAME = "Confluent Cloud Connect"


class ConfluentCloudConnectClient(ConfluentCloudClient[ConfluentCloudConnectEndpoint]):
    """Reads the managed connectors of one cluster. Safe to use from many threads; changes nothing."""

    service_name = NAME
    key = CONNECT_KEY

    @property
    def address(self) -> str:
        """With environment and cluster, because all clusters are behind one host."""
        return f"{super().address}/{self._connection.environment_id}/{self._connection.cluster_id}"

    @property
    def name(self) -> str:
        """The endpoint's name in the estate; its address if it has none."""
        return self._connection.name or self.address

    def connectors(self) -> tuple[Connector, ...]:
        """Every connector, by name, in one request. Raises PlatformError.

        An entry lacks what the key's role does not show: then the config is empty, the state UNKNOWN, the id
        None. An entry of a different shape has an error.
        """
        answer = self._service.ask("GET", self._path, params={"expand": "info,status,id"})
        if answer.status == 404:
            # Confluent says "account not found" or "resource not found", which does not help with the estate.
            raise answer.unexpected(
                f"with 404: {answer.message}; there is no such cluster in that environment: check environment.id and cluster_id in the "
                "estate"
            )
        value = answer.json()
        if value == []:
            return ()
        if not isinstance(value, dict):
            raise answer.unexpected("with something other than a map of connectors")
        read: dict[str, Connector | PlatformError] = {}
        for name, entry in value.items():
            try:
                read[name] = _connector(name, entry)
            except ShapeError as error:
                read[name] = answer.unexpected(f"with a connector {error}")
        return those_read(read)

    def topics(self, name: str) -> tuple[str, ...] | None:  # noqa: ARG002 - every Connect client has it
        """None, without a request: Confluent Cloud has no `/topics` as Kafka Connect does since 2.5."""
        return None

    def password_keys(self, plugin_class: str) -> frozenset[str] | None:  # noqa: ARG002 - every Connect client has it
        """None, without a request: Confluent Cloud masks what it stores as a secret."""
        return None

    def presence(self, name: str) -> Presence:
        """Whether connector `name` exists, whatever the list says. Raises PlatformError."""
        return self._service.ask("GET", f"{self._path}/{path_segment(name)}").presence()

    @property
    def _path(self) -> str:
        environment = path_segment(self._connection.environment_id)
        cluster = path_segment(self._connection.cluster_id)
        return f"/connect/v1/environments/{environment}/clusters/{cluster}/connectors"


def _connector(name: str, entry: Any) -> Connector:
    if not isinstance(entry, dict):
        raise ShapeError(f"{name!r} that is not an object")
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
