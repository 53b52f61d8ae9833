"""Confluent Cloud's control plane: organization, environments, Kafka clusters and Schema Registries, as far
as a Cloud key may see them.

Source: Confluent's OpenAPI, `org/v2`, `cmk/v2` and `srcm/v3`. A list shows only what the key's owner has a
role on: something missing from it may still exist.
"""

from dataclasses import dataclass
from typing import Any

from mesh_assets.estate.connections import ControlPlaneConnection
from mesh_assets.platforms.confluent_cloud.service import CONTROL_PLANE_KEY, ConfluentCloudClient
from mesh_assets.platforms.http import Answer

NAME = "Confluent Cloud"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """crn: the resource name that role bindings refer to."""

    id: str
    name: str | None
    crn: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudEnvironment:
    id: str
    name: str | None
    crn: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaCluster:
    """A Kafka cluster as the control plane describes it.

    kind: BASIC, STANDARD, DEDICATED, ENTERPRISE or FREIGHT, always in capitals; None when the answer has
    none. bootstrap_servers: `host:port` without a protocol, the public endpoint first; None while the cluster
    is provisioned. phase: PROVISIONING, PROVISIONED or FAILED.
    """

    id: str
    name: str | None
    environment_id: str
    kind: str | None
    availability: str | None
    cloud: str | None
    region: str | None
    bootstrap_servers: str | None
    http_endpoint: str | None
    crn: str | None
    phase: str | None

    @property
    def takes_granular_roles(self) -> bool | None:
        """Whether roles can be granted on single topics, groups and connectors, as on all but Basic clusters.

        None when the kind is not known.
        """
        return None if self.kind is None else self.kind != "BASIC"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaRegistryCluster:
    """package: ESSENTIALS or ADVANCED. url: the public endpoint; None when there is only a private one."""

    id: str
    name: str | None
    environment_id: str
    package: str | None
    cloud: str | None
    region: str | None
    url: str | None
    private_url: str | None
    crn: str | None
    phase: str | None


class ControlPlaneClient(ConfluentCloudClient[ControlPlaneConnection]):
    """Reads what a Cloud key may see; changes nothing. Every method raises PlatformError."""

    service_name = NAME
    key = CONTROL_PLANE_KEY

    def organizations(self) -> tuple[Organization, ...]:
        """The organizations that the key belongs to: one."""
        return tuple(
            Organization(
                id=_id(answer, item),
                name=_text(item, "display_name"),
                crn=_text(item, "metadata", "resource_name"),
            )
            for answer, item in self._items("/org/v2/organizations", {})
        )

    def environments(self) -> tuple[CloudEnvironment, ...]:
        """All environments, in the API's order."""
        return tuple(
            CloudEnvironment(
                id=_id(answer, item),
                name=_text(item, "display_name"),
                crn=_text(item, "metadata", "resource_name"),
            )
            for answer, item in self._items("/org/v2/environments", {})
        )

    def kafka_clusters(self, environment_id: str) -> tuple[KafkaCluster, ...]:
        """The Kafka clusters of one environment, in the API's order."""
        return tuple(
            _kafka_cluster(answer, item, environment_id)
            for answer, item in self._items("/cmk/v2/clusters", {"environment": environment_id})
        )

    def schema_registries(self, environment_id: str) -> tuple[SchemaRegistryCluster, ...]:
        """The registries of one environment: one, or none where Stream Governance is off."""
        return tuple(
            _registry(answer, item, environment_id)
            for answer, item in self._items("/srcm/v3/clusters", {"environment": environment_id})
        )


def _kafka_cluster(answer: Answer, item: Any, environment_id: str) -> KafkaCluster:
    identity = _id(answer, item)
    kind = _text(item, "spec", "config", "kind")
    bootstrap, http = _endpoints(item)
    return KafkaCluster(
        id=identity,
        name=_text(item, "spec", "display_name"),
        environment_id=_text(item, "spec", "environment", "id") or environment_id,
        kind=None if kind is None else kind.upper(),
        availability=_text(item, "spec", "availability"),
        cloud=_text(item, "spec", "cloud"),
        region=_text(item, "spec", "region"),
        # Older answers put the protocol first: SASL_SSL://pkc-….
        bootstrap_servers=None
        if bootstrap is None
        else ",".join(one.strip().rpartition("://")[2] for one in bootstrap.split(",")),
        http_endpoint=http,
        crn=_text(item, "metadata", "resource_name"),
        phase=_text(item, "status", "phase"),
    )


def _endpoints(item: Any) -> tuple[str | None, str | None]:
    """Bootstrap and HTTP endpoint: the cluster's own, which are deprecated, else those of its access points,
    public first."""
    bootstrap, http = _text(item, "spec", "kafka_bootstrap_endpoint"), _text(item, "spec", "http_endpoint")
    points = _part(item, "spec", "endpoints")
    for name in sorted(points, key=lambda name: (name != "PUBLIC", name)) if isinstance(points, dict) else ():
        bootstrap = bootstrap or _text(points, name, "kafka_bootstrap_endpoint")
        http = http or _text(points, name, "http_endpoint")
    return bootstrap, http


def _registry(answer: Answer, item: Any, environment_id: str) -> SchemaRegistryCluster:
    return SchemaRegistryCluster(
        id=_id(answer, item),
        name=_text(item, "spec", "display_name"),
        environment_id=_text(item, "spec", "environment", "id") or environment_id,
        package=_text(item, "spec", "package"),
        cloud=_text(item, "spec", "cloud"),
        region=_text(item, "spec", "region"),
        url=_text(item, "spec", "http_endpoint"),
        private_url=_text(item, "spec", "private_http_endpoint"),
        crn=_text(item, "metadata", "resource_name"),
        phase=_text(item, "status", "phase"),
    )


def _id(answer: Answer, item: Any) -> str:
    identity = _text(item, "id")
    if identity is None:
        raise answer.unexpected("with an item without an id")
    return identity


def _part(item: Any, *path: str) -> Any:
    for key in path:
        item = item.get(key) if isinstance(item, dict) else None
    return item


def _text(item: Any, *path: str) -> str | None:
    value = _part(item, *path)
    return value if isinstance(value, str) and value else None
