"""What discovery needs of Confluent Cloud's Metrics API: the newest minute of the cluster."""

from mesh_assets.access_checks.access_check import (
    AccessCheck,
    answered,
    failed,
    http_endpoint,
    http_identity,
    stand_in_notes,
)
from mesh_assets.errors import EstateError, PlatformError
from mesh_assets.estate.model import Cluster
from mesh_assets.estate.monitoring import ConfluentCloudMetrics
from mesh_assets.platforms.confluent_cloud.metrics_api import NAME, MetricsApiClient
from mesh_assets.platforms.http import Transport

# Of every topic that holds something, as the export names it.
_SHOWN = "confluent_kafka_server_retained_bytes"


def check_cloud_metrics(
    cluster: Cluster, source: ConfluentCloudMetrics, *, transport: Transport | None = None
) -> AccessCheck:
    """One request, of the 160 an hour that the API allows for a cluster."""
    endpoint, key = http_endpoint(source, name=NAME), http_identity(source, name=NAME)
    identity = f"Cloud key {key}" if key else ""
    if cluster.cluster_id is None:
        sentence = "not checked: the estate gives no cluster_id, which metrics are asked for by; discovery asks the brokers for it"
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
            f"no metrics of {', '.join(export.inaccessible)} are shown to this key, or there is no such thing"
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
