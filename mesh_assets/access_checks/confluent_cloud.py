"""Compares what Confluent Cloud says about a cluster with the estate: environment, cluster, registry, possible
roles.
"""

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
from mesh_assets.estate.monitoring import ConfluentCloudMetrics
from mesh_assets.inventory.records import Record
from mesh_assets.platforms.confluent_cloud.control_plane import (
    NAME,
    CloudEnvironment,
    ControlPlaneClient,
    KafkaCluster,
    Organization,
    SchemaRegistryCluster,
)
from mesh_assets.platforms.confluent_cloud.metrics_api import NAME as METRICS_NAME
from mesh_assets.platforms.confluent_cloud.metrics_api import MetricsApiClient
from mesh_assets.platforms.http import Transport

_OPERATOR = "Operator on the environment"


class ControlPlaneFacts(Record, frozen=True, kw_only=True):
    """What this key can see.

    `organization` None: not visible. `environment` None: the estate gives none, or it is not visible; its
    clusters and registries may still be, to a role on the cluster alone.
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
    """Asks the control plane: four requests when each list fits on one page."""
    endpoint, key = http_endpoint(connection, name=NAME), http_identity(connection, name=NAME)
    identity = f"Cloud key {key}" if key else ""
    try:
        with ControlPlaneClient(connection, transport=transport) as client:
            facts = _read(client, cluster)
    except (EstateError, PlatformError) as error:
        return failed(cluster.name, "control plane", endpoint, identity, str(error))
    return judge_control_plane(cluster, facts, endpoint=endpoint, identity=identity)


def _read(client: ControlPlaneClient, cluster: Cluster) -> ControlPlaneFacts:
    try:
        organizations = client.organizations()
    except RefusedError:
        organizations = ()  # only for display, and it needs a right of its own
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
    cluster: Cluster, facts: ControlPlaneFacts, *, endpoint: str, identity: str
) -> AccessCheck:
    found = _find(cluster, facts.clusters)
    return answered(
        cluster.name,
        "control plane",
        endpoint,
        identity,
        facts=dict(_facts(facts, found)),
        rights="reads",
        missing=[*_missing(cluster, facts, found)],
        notes=[*stand_in_notes(facts.stand_in), *_notes(cluster, facts, found)],
    )


def _find(cluster: Cluster, clusters: Sequence[KafkaCluster]) -> KafkaCluster | None:
    """The cluster by its id, or by its address where the estate gives no id."""
    if cluster.cluster_id is not None:
        return next((one for one in clusters if one.id == cluster.cluster_id), None)
    servers = kafka_endpoint(cluster.kafka).split(",")
    return next((one for one in clusters if one.bootstrap_servers in servers), None)


def _facts(facts: ControlPlaneFacts, found: KafkaCluster | None) -> Iterator[tuple[str, str]]:
    if facts.organization is not None:
        yield "organization", _named(facts.organization)
    if facts.environment is not None:
        yield "environment", _named(facts.environment)
    if found is not None:
        yield "cluster", _named(found)
        yield "kind", found.kind or "unknown"
        if found.cloud and found.region:
            yield "region", f"{found.cloud} {found.region}"
        if found.phase not in (None, "PROVISIONED"):
            yield "phase", str(found.phase)
    if facts.registries:
        yield "registry", ", ".join(registry.id for registry in facts.registries)


def _named(thing: Organization | CloudEnvironment | KafkaCluster) -> str:
    return thing.id if thing.name is None else f"{thing.id} ({thing.name})"


def _missing(cluster: Cluster, facts: ControlPlaneFacts, found: KafkaCluster | None) -> Iterator[str]:
    """Whatever contradicts the estate. Something merely invisible is not missing: discovery does not need to
    see it.
    """
    if cluster.environment is None:
        visible = some([_named(environment) for environment in facts.environments]) or "none"
        yield f"the estate gives no environment, so the cluster cannot be looked up; add `environment: {{id: env-…}}` (visible: {visible})"
        return
    if found is None and facts.clusters:
        wanted = (
            f"cluster {cluster.cluster_id}"
            if cluster.cluster_id
            else f"no cluster at {kafka_endpoint(cluster.kafka)}"
        )
        yield (
            f"{wanted} {'is not' if cluster.cluster_id else 'is'} among the clusters of {cluster.environment.id} that this key sees "
            f"({some([_named(one) for one in facts.clusters])}); check cluster_id and environment.id, or grant {_OPERATOR}"
        )
    registry = cluster.schema_registry
    if (
        registry is not None
        and registry.id is not None
        and facts.registries
        and registry.id not in {r.id for r in facts.registries}
    ):
        ids = ", ".join(one.id for one in facts.registries)
        yield f"the estate says schema_registry.id {registry.id}, but the registry of {cluster.environment.id} is {ids}; correct it"


def _notes(cluster: Cluster, facts: ControlPlaneFacts, found: KafkaCluster | None) -> Iterator[str]:
    environment = cluster.environment
    if environment is None:
        return
    if not facts.clusters:
        seen = "" if facts.environment is None else "the clusters of "
        unseen = f"{seen}environment {environment.id} cannot be seen with this key"
        yield f"{unseen}, so the estate could not be compared; that takes {_OPERATOR}"
    if facts.environment is not None and environment.name not in (None, facts.environment.name):
        yield f"the estate calls the environment {environment.name}, Confluent Cloud {facts.environment.name}"
    if found is not None:
        yield from _cluster_notes(cluster, found)
    if cluster.schema_registry is not None and facts.clusters:
        yield from _registry_notes(cluster.schema_registry, cluster.schema_registry.id, facts)


def _cluster_notes(cluster: Cluster, found: KafkaCluster) -> Iterator[str]:
    if cluster.cluster_id is None:
        yield f"its id is {found.id}; set cluster_id to it, and discovery makes sure that it reads this cluster"
    if found.takes_granular_roles is False:
        yield (
            "a Basic cluster has no roles on single topics, groups and connectors: rights on topics and groups are ACLs there, and "
            "only stronger roles can read connector configs (docs/confluent-cloud.md)"
        )
    servers = kafka_endpoint(cluster.kafka)
    if found.bootstrap_servers is not None and found.bootstrap_servers not in servers.split(","):
        yield f"Confluent Cloud gives {found.bootstrap_servers} as its address, the estate {servers}: right for another endpoint only"


def _registry_notes(
    connection: HttpConnection, registry_id: str | None, facts: ControlPlaneFacts
) -> Iterator[str]:
    if not facts.registries:
        yield "no Schema Registry of the environment is visible to this key, so the estate's could not be compared"
        return
    shown = http_endpoint(connection, name="Schema Registry")
    registry = next((one for one in facts.registries if one.id == registry_id), facts.registries[0])
    if registry_id is None:
        yield f"the registry's id is {registry.id}; set schema_registry.id to it, since metrics use that id"
    if shown and shown not in (registry.url, registry.private_url):
        yield f"Confluent Cloud gives {registry.url or registry.private_url} as the registry's address, the estate {shown}"


# --- the Metrics API: the newest minute of the cluster

# The export has this metric for every topic that is not empty.
_SHOWN = "confluent_kafka_server_retained_bytes"


def check_cloud_metrics(
    cluster: Cluster, source: ConfluentCloudMetrics, *, transport: Transport | None = None
) -> AccessCheck:
    """Asks the Metrics API once; it allows 160 requests an hour for a cluster."""
    endpoint, key = http_endpoint(source, name=METRICS_NAME), http_identity(source, name=METRICS_NAME)
    identity = f"Cloud key {key}" if key else ""
    if cluster.cluster_id is None:
        sentence = "not checked: metrics are requested by cluster_id, which the estate does not give; discovery asks the brokers for it"
        return answered(cluster.name, "metrics", endpoint, identity, facts={}, rights="", notes=[sentence])
    registry = cluster.schema_registry
    try:
        with MetricsApiClient(source, transport=transport) as client:
            export = client.export(
                cluster.cluster_id,
                schema_registry_id=None if registry is None else registry.id,
                wanted=frozenset({_SHOWN}),
            )
            stand_in = client.stand_in
    except (EstateError, PlatformError) as error:
        return failed(cluster.name, "metrics", endpoint, identity, str(error))
    notes = [*stand_in_notes(stand_in)]
    if export.inaccessible:
        notes.append(
            f"no metrics of {', '.join(export.inaccessible)} are visible to this key, or they do not exist"
        )
    topics = len({sample.labels["topic"] for sample in export.samples if "topic" in sample.labels})
    return answered(
        cluster.name,
        "metrics",
        endpoint,
        identity,
        facts={"topics_with_metrics": topics},
        rights="reads",
        notes=notes,
    )
