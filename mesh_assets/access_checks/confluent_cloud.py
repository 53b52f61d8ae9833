"""What Confluent Cloud itself says of a cluster, against what the estate says: environment, cluster,
registry, possible roles."""

from collections.abc import Iterator, Sequence

from mesh_assets.access_checks.access_check import (
    AccessCheck,
    answered,
    failed,
    http_endpoint,
    http_identity,
    kafka_endpoint,
    some,
    stand_in_notes,
)
from mesh_assets.errors import EstateError, PlatformError, RefusedError
from mesh_assets.estate.connections import ControlPlaneConnection, HttpConnection
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.records import Record
from mesh_assets.platforms.confluent_cloud.control_plane import (
    NAME,
    CloudEnvironment,
    ControlPlaneClient,
    KafkaCluster,
    Organization,
    SchemaRegistryCluster,
)
from mesh_assets.platforms.http import Transport

_OPERATOR = "Operator on the environment"


class ControlPlaneFacts(Record, frozen=True, kw_only=True):
    """What was told. `organization` None: not told to this key. `environment` None: the estate gives none, or
    it is not visible; its clusters and registries may be visible all the same, to a role on the cluster
    alone.
    """

    organization: Organization | None
    environments: tuple[CloudEnvironment, ...]
    environment: CloudEnvironment | None
    clusters: tuple[KafkaCluster, ...] = ()
    registries: tuple[SchemaRegistryCluster, ...] = ()
    stand_in: str | None = None


def check_control_plane(
    cluster: Cluster, connection: ControlPlaneConnection, *, transport: Transport | None = None
) -> AccessCheck:
    """Four requests where lists fit a page."""
    endpoint, key = http_endpoint(connection, name=NAME), http_identity(connection, name=NAME)
    identity = f"Cloud key {key}" if key else ""
    try:
        with ControlPlaneClient(connection, transport=transport) as client:
            reading = _read(client, cluster)
    except (EstateError, PlatformError) as error:
        return failed(cluster.name, "control plane", endpoint, identity, str(error))
    return judge_control_plane(cluster, reading, endpoint=endpoint, identity=identity)


def _read(client: ControlPlaneClient, cluster: Cluster) -> ControlPlaneFacts:
    try:
        organizations = client.organizations()
    except RefusedError:
        organizations = ()  # of no use but to be shown, and a right of its own
    environments = client.environments()
    wanted = None if cluster.environment is None else cluster.environment.id
    return ControlPlaneFacts(
        organization=organizations[0] if organizations else None,
        environments=environments,
        environment=next((one for one in environments if one.id == wanted), None),
        clusters=() if wanted is None else client.kafka_clusters(wanted),
        registries=() if wanted is None else client.schema_registries(wanted),
        stand_in=client.stand_in,
    )


def judge_control_plane(
    cluster: Cluster, reading: ControlPlaneFacts, *, endpoint: str, identity: str
) -> AccessCheck:
    found = _find(cluster, reading.clusters)
    return answered(
        cluster.name,
        "control plane",
        endpoint,
        identity,
        facts=dict(_facts(reading, found)),
        rights="reads",
        missing=[*_missing(cluster, reading, found)],
        notes=[*stand_in_notes(reading.stand_in), *_notes(cluster, reading, found)],
    )


def _find(cluster: Cluster, clusters: Sequence[KafkaCluster]) -> KafkaCluster | None:
    """By its id, or by its address where the estate gives no id."""
    if cluster.cluster_id is not None:
        return next((one for one in clusters if one.id == cluster.cluster_id), None)
    servers = kafka_endpoint(cluster.kafka).split(",")
    return next((one for one in clusters if one.bootstrap_servers in servers), None)


def _facts(reading: ControlPlaneFacts, found: KafkaCluster | None) -> Iterator[tuple[str, str]]:
    if reading.organization is not None:
        yield "organization", _named(reading.organization)
    if reading.environment is not None:
        yield "environment", _named(reading.environment)
    if found is not None:
        yield "cluster", _named(found)
        yield "kind", found.kind or "unknown"
        if found.cloud and found.region:
            yield "region", f"{found.cloud} {found.region}"
        if found.phase not in (None, "PROVISIONED"):
            yield "phase", str(found.phase)
    if reading.registries:
        yield "registry", ", ".join(registry.id for registry in reading.registries)


def _named(thing: Organization | CloudEnvironment | KafkaCluster) -> str:
    return thing.id if thing.name is None else f"{thing.id} ({thing.name})"


def _missing(cluster: Cluster, reading: ControlPlaneFacts, found: KafkaCluster | None) -> Iterator[str]:
    """What contradicts the estate. What is only not visible is none: discovery does not need to see it."""
    if cluster.environment is None:
        visible = some([_named(environment) for environment in reading.environments]) or "none"
        yield f"the estate gives no environment, so the cluster cannot be looked up; give `environment: {{id: env-…}}` (visible: {visible})"
        return
    if found is None and reading.clusters:
        wanted = (
            f"cluster {cluster.cluster_id}"
            if cluster.cluster_id
            else f"no cluster at {kafka_endpoint(cluster.kafka)}"
        )
        yield (
            f"{wanted} {'is not' if cluster.cluster_id else 'is'} among the clusters of {cluster.environment.id} that this key sees "
            f"({some([_named(one) for one in reading.clusters])}); check cluster_id and environment.id, or grant {_OPERATOR}"
        )
    registry = cluster.schema_registry
    if (
        registry is not None
        and registry.id is not None
        and reading.registries
        and registry.id not in {r.id for r in reading.registries}
    ):
        ids = ", ".join(one.id for one in reading.registries)
        yield f"the estate says schema_registry.id {registry.id}, but the registry of {cluster.environment.id} is {ids}; correct it"


def _notes(cluster: Cluster, reading: ControlPlaneFacts, found: KafkaCluster | None) -> Iterator[str]:
    environment = cluster.environment
    if environment is None:
        return
    if not reading.clusters:
        seen = "" if reading.environment is None else "the clusters of "
        unseen = f"{seen}environment {environment.id} cannot be seen with this key"
        yield f"{unseen}, so the estate could not be compared; that takes {_OPERATOR}"
    if reading.environment is not None and environment.name not in (None, reading.environment.name):
        yield f"the estate calls the environment {environment.name}, Confluent Cloud {reading.environment.name}"
    if found is not None:
        yield from _cluster_notes(cluster, found)
    if cluster.schema_registry is not None and reading.clusters:
        yield from _registry_notes(cluster.schema_registry, cluster.schema_registry.id, reading)


def _cluster_notes(cluster: Cluster, found: KafkaCluster) -> Iterator[str]:
    if cluster.cluster_id is None:
        yield f"its id is {found.id}; give it as cluster_id, and discovery makes sure that it reads this cluster"
    if found.takes_granular_roles is False:
        yield (
            "a Basic cluster takes no roles on single topics, groups and connectors: rights on topics and groups are ACLs there, and "
            "configs of connectors can be read with stronger roles only (docs/confluent-cloud.md)"
        )
    servers = kafka_endpoint(cluster.kafka)
    if found.bootstrap_servers is not None and found.bootstrap_servers not in servers.split(","):
        yield f"Confluent Cloud gives {found.bootstrap_servers} as its address, the estate {servers}: right for another endpoint only"


def _registry_notes(
    connection: HttpConnection, registry_id: str | None, reading: ControlPlaneFacts
) -> Iterator[str]:
    if not reading.registries:
        yield "no Schema Registry of the environment is visible to this key, so the estate's could not be compared"
        return
    shown = http_endpoint(connection, name="Schema Registry")
    registry = next((one for one in reading.registries if one.id == registry_id), reading.registries[0])
    if registry_id is None:
        yield f"the registry's id is {registry.id}; give it as schema_registry.id, which metrics name it by"
    if shown and shown not in (registry.url, registry.private_url):
        yield f"Confluent Cloud gives {registry.url or registry.private_url} as the registry's address, the estate {shown}"
