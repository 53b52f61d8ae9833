"""Everything the estate names, asked at the same time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from mesh_assets.errors import EstateError
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.estate.monitoring import ConfluentCloudMetrics
from mesh_assets.inventory.access.brokers import check_brokers
from mesh_assets.inventory.access.cloud_metrics import check_cloud_metrics
from mesh_assets.inventory.access.connect import check_connect, connect_endpoint, place_connect
from mesh_assets.inventory.access.control_plane import check_control_plane
from mesh_assets.inventory.access.findings import AccessFinding, System, failed
from mesh_assets.inventory.access.identity import http_endpoint, kafka_endpoint
from mesh_assets.inventory.access.registry import check_registry
from mesh_assets.inventory.access.side_by_side import side_by_side
from mesh_assets.platforms.http import Transport
from mesh_assets.platforms.kafka.admin_api import AdminClient
from mesh_assets.platforms.kafka.session import ClientFactory

# An estate of tens of clusters with three systems each is asked in two rounds; the threads only wait.
_SYSTEMS_AT_ONCE = 32
# A system that is down is reported after 3 s, one that hangs after its timeout (15 s unless the estate says
# otherwise).
_WITHIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """One system to ask; `system` and `endpoint` are what is said of it when no answer comes in time."""

    cluster: str
    system: System
    endpoint: str
    ask: Callable[[], tuple[AccessFinding, ...]]


def check_estate(
    estate: Estate,
    names: Sequence[str] = (),
    *,
    within_seconds: float = _WITHIN_SECONDS,
    admin_factory: ClientFactory = AdminClient,
    transport: Transport | None = None,
) -> tuple[AccessFinding, ...]:
    """What answers, as whom, with what rights, and what is missing, for the named clusters (none: all) and
    the carriers of their events.

    Reads only. Raises nothing for a system that fails: its finding has the sentence. Raises EstateError for a
    name the estate does not have.
    """
    unknown = [name for name in names if name not in estate.clusters]
    if unknown:
        raise EstateError(f"the estate has no cluster {unknown[0]!r}; it has: {', '.join(estate.clusters)}")
    chosen = [cluster for name, cluster in estate.clusters.items() if not names or name in names]
    pieces = _pieces(estate, chosen, admin_factory=admin_factory, transport=transport)
    answers = side_by_side(
        [piece.ask for piece in pieces], workers=_SYSTEMS_AT_ONCE, within_seconds=within_seconds
    )
    findings = [
        finding
        for piece, answer in zip(pieces, answers, strict=True)
        for finding in (answer if answer is not None else (_late(piece, within_seconds),))
    ]
    ids = {
        finding.cluster: str(finding.facts["cluster_id"])
        for finding in findings
        if finding.system == "kafka" and finding.facts
    }
    return tuple(
        place_connect(
            finding, cluster_id=ids.get(finding.cluster) or estate.clusters[finding.cluster].cluster_id
        )
        if finding.system == "connect"
        else finding
        for finding in findings
    )


def _pieces(
    estate: Estate, chosen: Sequence[Cluster], *, admin_factory: ClientFactory, transport: Transport | None
) -> list[_Piece]:
    """In the estate's order, the carrier that was not chosen last."""
    carried: dict[str, list[str]] = {}
    for cluster in chosen:
        carried.setdefault(estate.events.cluster or cluster.name, []).append(cluster.name)
    carriers = [estate.clusters[name] for name in carried if name not in {cluster.name for cluster in chosen}]
    pieces = []
    for cluster in [*chosen, *carriers]:
        discovered = cluster in chosen
        registry = cluster.schema_registry
        pieces.append(
            _Piece(
                cluster=cluster.name,
                system="kafka" if discovered else "events",
                endpoint=kafka_endpoint(cluster.kafka),
                ask=partial(
                    check_brokers,
                    cluster,
                    estate.events,
                    discovered=discovered,
                    carried=carried.get(cluster.name, ()),
                    admin_factory=admin_factory,
                ),
            )
        )
        if registry is not None:
            pieces.append(
                _Piece(
                    cluster=cluster.name,
                    system="schema registry",
                    endpoint=http_endpoint(registry, name="Schema Registry"),
                    ask=_alone(
                        partial(
                            check_registry,
                            cluster.name,
                            registry,
                            carries=cluster.name in carried,
                            transport=transport,
                        )
                    ),
                )
            )
        control_plane = cluster.control_plane if discovered else None
        if control_plane is not None:
            pieces.append(
                _Piece(
                    cluster=cluster.name,
                    system="control plane",
                    endpoint=http_endpoint(control_plane, name="Confluent Cloud"),
                    ask=_alone(partial(check_control_plane, cluster, control_plane, transport=transport)),
                )
            )
        if discovered and isinstance(cluster.metrics, ConfluentCloudMetrics):
            pieces.append(
                _Piece(
                    cluster=cluster.name,
                    system="metrics",
                    endpoint=http_endpoint(cluster.metrics, name="Confluent Cloud Metrics"),
                    ask=_alone(partial(check_cloud_metrics, cluster, cluster.metrics, transport=transport)),
                )
            )
        for endpoint in cluster.connect if discovered else ():
            pieces.append(
                _Piece(
                    cluster=cluster.name,
                    system="connect",
                    endpoint=connect_endpoint(endpoint),
                    ask=_alone(partial(check_connect, cluster, endpoint, transport=transport)),
                )
            )
    return pieces


def _alone(ask: Callable[[], AccessFinding]) -> Callable[[], tuple[AccessFinding, ...]]:
    return lambda: (ask(),)


def _late(piece: _Piece, seconds: float) -> AccessFinding:
    sentence = (
        f"no complete answer within {seconds:g} s; is it overloaded? try it alone: --cluster {piece.cluster}"
    )
    return failed(piece.cluster, piece.system, piece.endpoint, "", sentence)
