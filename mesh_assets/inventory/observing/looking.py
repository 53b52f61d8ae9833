"""One look at one cluster: its latest document, its clients, what was found."""

from datetime import datetime

from mesh_assets.collecting.clients import open_clients
from mesh_assets.collecting.sections import OpenClients
from mesh_assets.estate.model import Cluster
from mesh_assets.estate.monitoring import ConfluentCloudMetrics
from mesh_assets.inventory.observing.cursor import ClusterCursor
from mesh_assets.inventory.observing.observation import Finding, Look, Observe
from mesh_assets.inventory.records import Record
from mesh_assets.store.inventories import InventoryStore

# Below what a discovery allows: a sensor has little time, and comes again soon. A client that hangs ends its
# thread after two or three of these, so threads of clusters that hang do not pile up from tick to tick.
CALL_SECONDS = 8.0

NO_DISCOVERY_YET = "no discovery yet"


class Sight(Record, frozen=True, kw_only=True):
    """`cluster_id` None: nothing to compare with, and so nothing was asked. `sequence`: of the document that
    was compared with."""

    cluster_id: str | None
    sequence: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    cursor: ClusterCursor


def look_at(
    cluster: Cluster,
    observe: Observe,
    *,
    store: InventoryStore,
    cursor: ClusterCursor,
    now: datetime,
    interval_seconds: float,
    clients: OpenClients = open_clients,
) -> Sight:
    """Raises EstateError when a secret cannot be resolved, StoreError when the store fails. Changes nothing."""
    cluster_id = store.cluster_id(cluster.name)
    document = None if cluster_id is None else store.latest_document(cluster_id)
    if document is None:
        return Sight(cluster_id=None, sequence=0, findings=(), notes=(NO_DISCOVERY_YET,), cursor=cursor)
    with clients(in_a_hurry(cluster)) as opened:
        observation = observe(
            Look(
                cluster=cluster,
                clients=opened,
                document=document,
                cursor=cursor,
                now=now,
                interval_seconds=interval_seconds,
            )
        )
    return Sight(
        cluster_id=document.cluster.id,
        sequence=document.sequence,
        findings=observation.findings,
        notes=observation.notes,
        cursor=observation.cursor,
    )


def in_a_hurry(cluster: Cluster) -> Cluster:
    """The cluster with shorter timeouts."""
    registry = cluster.schema_registry
    metrics = cluster.metrics
    hurried = (
        metrics.model_copy(update=_at_most(metrics.timeout_seconds))
        if isinstance(metrics, ConfluentCloudMetrics)
        else metrics
    )
    return cluster.model_copy(
        update={
            "kafka": cluster.kafka.model_copy(update=_at_most(cluster.kafka.timeout_seconds)),
            "schema_registry": None
            if registry is None
            else registry.model_copy(update=_at_most(registry.timeout_seconds)),
            "metrics": hurried,
            "connect": tuple(
                endpoint.model_copy(update=_at_most(endpoint.timeout_seconds)) for endpoint in cluster.connect
            ),
        }
    )


def _at_most(seconds: float) -> dict[str, float]:
    return {"timeout_seconds": min(seconds, CALL_SECONDS)}
