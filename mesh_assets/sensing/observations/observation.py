"""One observation of one cluster: its input and its result."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from mesh_assets.collecting.clients import ClusterClients, OpenClients, cluster_id_of, open_clients
from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.estate.model import Cluster
from mesh_assets.estate.monitoring import ConfluentCloudMetrics
from mesh_assets.importing import without_collector
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.sections import SecretFingerprints
from mesh_assets.sensing.cursor import ClusterCursor
from mesh_assets.store.fingerprints import FingerprintKey, KeptFingerprints, fingerprint_key
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.known_state import KnownState

# Less than a discovery allows: a sensor has little time, and soon comes again. A hanging client ends its
# thread after two or three of these, so threads of hanging clusters do not pile up from tick to tick.
CALL_SECONDS = 8.0

KnownSecrets = tuple[FingerprintKey, SecretFingerprints]

NO_DISCOVERY_YET = "no discovery yet"


class Cause(Record, frozen=True, kw_only=True):
    """A reason for a discovery. `cause_id`: the same text whenever the same event is seen."""

    trigger: Trigger
    cause_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationContext:
    """The cluster, its clients, and what was known before: `document` is an outline, `known` has all of it.
    `interval_seconds`: the time between observations. `read_secrets`: the store's fingerprint key, and the
    fingerprints of the secrets in the document's connectors; None if there are none, so that nothing is known
    about rotations. Raises StoreError."""

    cluster: Cluster
    clients: ClusterClients
    document: Document
    known: KnownState
    cursor: ClusterCursor
    now: datetime
    interval_seconds: float
    read_secrets: Callable[[], KnownSecrets | None] = lambda: None


class Observation(Record, frozen=True, kw_only=True):
    """The causes found, and in `notes` what could not be observed and why. A source that fails yields a note,
    never a cause.
    """

    causes: tuple[Cause, ...]
    notes: tuple[str, ...]
    cursor: ClusterCursor


Observe = Callable[[ObservationContext], Observation]


class ObservedCluster(Record, frozen=True, kw_only=True):
    """An observation with the document it was compared with, by id and sequence.

    `cluster_id` None: there was nothing to compare with, so nothing was asked.
    """

    cluster_id: str | None
    sequence: int
    causes: tuple[Cause, ...]
    notes: tuple[str, ...]
    cursor: ClusterCursor


def observe_cluster(
    cluster: Cluster,
    observe: Observe,
    *,
    store: InventoryStore,
    cursor: ClusterCursor,
    now: datetime,
    interval_seconds: float,
    clients: OpenClients = open_clients,
) -> ObservedCluster:
    """Observes one cluster. Changes nothing.

    Raises EstateError when a secret cannot be resolved, StoreError when the store fails; PlatformError when
    the brokers do not say which cluster they are, or are a different one from the document's; then nothing
    can be compared with it, not even the connectors and schemas.
    """
    cluster_id = store.cluster_id(cluster.name)
    latest = None if cluster_id is None else store.latest(cluster_id)
    if cluster_id is None or latest is None:
        return ObservedCluster(
            cluster_id=None, sequence=0, causes=(), notes=(NO_DISCOVERY_YET,), cursor=cursor
        )
    known = KnownState(store, cluster_id, latest[0].document)
    document = known.outline
    with without_collector(), clients(in_a_hurry(cluster)) as opened:
        found = cluster_id_of(cluster, opened.kafka.read_cluster_id())
        if found != document.cluster.id:
            raise UnexpectedAnswerError(
                f"{cluster.kafka.address} is cluster {found}, but the latest document of {cluster.name} is of {document.cluster.id}; "
                f"if it was rebuilt, run: mesh-assets discover --cluster {cluster.name}"
            )
        observation = observe(
            ObservationContext(
                cluster=cluster,
                clients=opened,
                document=document,
                known=known,
                cursor=cursor,
                now=now,
                interval_seconds=interval_seconds,
                read_secrets=partial(_known_secrets, store, cluster_id, latest[0].document.key),
            )
        )
    return ObservedCluster(
        cluster_id=document.cluster.id,
        sequence=document.sequence,
        causes=observation.causes,
        notes=observation.notes,
        cursor=observation.cursor,
    )


def _known_secrets(store: InventoryStore, cluster_id: str, document_key: str) -> KnownSecrets | None:
    kept = KeptFingerprints(store.objects, cluster_id).of(document_key)
    key = None if kept is None else fingerprint_key(store.objects)
    return None if kept is None or key is None else (key, kept)


def in_a_hurry(cluster: Cluster) -> Cluster:
    """The cluster with shorter timeouts."""
    registry = cluster.schema_registry
    metrics = cluster.metrics
    return cluster.model_copy(
        update={
            "kafka": cluster.kafka.model_copy(update=_at_most(cluster.kafka.timeout_seconds)),
            "schema_registry": None
            if registry is None
            else registry.model_copy(update=_at_most(registry.timeout_seconds)),
            "metrics": metrics.model_copy(update=_at_most(metrics.timeout_seconds))
            if isinstance(metrics, ConfluentCloudMetrics)
            else metrics,
            "connect": tuple(
                endpoint.model_copy(update=_at_most(endpoint.timeout_seconds)) for endpoint in cluster.connect
            ),
        }
    )


def _at_most(seconds: float) -> dict[str, float]:
    return {"timeout_seconds": min(seconds, CALL_SECONDS)}
