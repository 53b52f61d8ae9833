"""Checks everything the estate names, all at once, within a deadline that no hanging system can delay."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar

from msgspec.structs import replace

from mesh_assets.access_checks.access_check import (
    ANONYMOUS,
    PLACED,
    AccessCheck,
    System,
    failed,
    http_endpoint,
    kafka_endpoint,
    place,
)
from mesh_assets.access_checks.brokers import Connect, check_brokers
from mesh_assets.access_checks.cluster_links import check_cluster_links, links_endpoint
from mesh_assets.access_checks.confluent_cloud import check_cloud_metrics, check_control_plane
from mesh_assets.access_checks.connect import check_connect, connect_endpoint
from mesh_assets.access_checks.registry import check_registry
from mesh_assets.access_checks.sql_engines import check_flink, check_ksqldb
from mesh_assets.errors import EstateError
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.estate.monitoring import ConfluentCloudMetrics
from mesh_assets.platforms.confluent_cloud.flink import NAME as FLINK
from mesh_assets.platforms.http import Transport
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets.platforms.ksqldb import NAME as KSQLDB
from mesh_assets.platforms.listeners import in_clear_note

Result = TypeVar("Result")


def side_by_side(
    work: Sequence[Callable[[], Result]], *, workers: int, within_seconds: float
) -> list[Result | None]:
    """What each piece returned, in order; None for those not done in time.

    A ThreadPoolExecutor would not do: the interpreter waits for its threads before it exits, but not for
    these. Each piece also has a deadline of its own, so what is left behind ends soon. Raises the first
    exception that a piece raised.
    """
    waiting: SimpleQueue[tuple[Future[Result], Callable[[], Result]]] = SimpleQueue()
    futures: list[Future[Result]] = []
    for piece in work:
        future: Future[Result] = Future()
        futures.append(future)
        waiting.put((future, piece))
    for number in range(min(workers, len(work))):
        threading.Thread(target=_run, args=(waiting,), name=f"mesh-check-{number}", daemon=True).start()
    wait(futures, timeout=within_seconds)
    for future in futures:
        future.cancel()  # what has not started never will; what is done stays done
    return [future.result() if future.done() and not future.cancelled() else None for future in futures]


def _run(waiting: "SimpleQueue[tuple[Future[Result], Callable[[], Result]]]") -> None:
    while True:
        try:
            future, piece = waiting.get_nowait()
        except Empty:
            return
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(piece())
        except BaseException as error:  # raised to whoever asks for the result, as executors do
            future.set_exception(error)


# An estate of tens of clusters with three systems each takes two rounds; the threads only wait.
_SYSTEMS_AT_ONCE = 32
# A system that is down is reported after 3 s, one that hangs after its timeout (15 s unless the estate sets
# another).
_WITHIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """One system to ask. `system` and `endpoint` are reported when no answer comes in time."""

    cluster: str
    system: System
    endpoint: str
    ask: Callable[[], tuple[AccessCheck, ...]]


def check_estate(
    estate: Estate,
    names: Sequence[str] = (),
    *,
    within_seconds: float = _WITHIN_SECONDS,
    connect: Connect = RunningCluster,
    transport: Transport | None = None,
) -> tuple[AccessCheck, ...]:
    """Finds out what answers, as whom, with what rights, and what is missing, for the named clusters (none: all)
    and the carriers of their events.

    Only reads. A system that fails raises nothing: its check says why. Raises EstateError for a name that the
    estate does not have.
    """
    unknown = [name for name in names if name not in estate.clusters]
    if unknown:
        raise EstateError(f"the estate has no cluster {unknown[0]!r}; it has: {', '.join(estate.clusters)}")
    chosen = [cluster for name, cluster in estate.clusters.items() if not names or name in names]
    pieces = _pieces(estate, chosen, connect=connect, transport=transport)
    answers = side_by_side(
        [piece.ask for piece in pieces], workers=_SYSTEMS_AT_ONCE, within_seconds=within_seconds
    )
    checks = [
        check
        for piece, answer in zip(pieces, answers, strict=True)
        for check in (answer if answer is not None else (_late(piece, within_seconds),))
    ]
    ids = {
        check.cluster: str(check.facts["cluster_id"])
        for check in checks
        if check.system == "kafka" and check.facts
    }
    placed = [
        place(check, cluster_id=ids.get(check.cluster) or estate.clusters[check.cluster].cluster_id)
        if check.system in PLACED
        else check
        for check in checks
    ]
    return tuple(_with_note_on_plain_http(check) for check in _named_once(placed, ids))


def _named_once(checks: Sequence[AccessCheck], ids: Mapping[str, str]) -> Iterator[AccessCheck]:
    """Adds what discovery refuses and only the brokers can reveal: a second name for one cluster."""
    first: dict[str, str] = {}
    for check in checks:
        cluster_id = ids.get(check.cluster) if check.system == "kafka" else None
        other = None if cluster_id is None else first.setdefault(cluster_id, check.cluster)
        if other is None or other == check.cluster:
            yield check
        else:
            sentence = (
                f"it is the same cluster as {other} ({cluster_id}): discovery refuses a second name for it; name it once in the "
                "estate, with the patterns of both"
            )
            yield replace(check, state="incomplete", missing=(*check.missing, sentence))


def _with_note_on_plain_http(check: AccessCheck) -> AccessCheck:
    note = None if check.identity in ("", ANONYMOUS) else in_clear_note(check.endpoint)
    return check if note is None else replace(check, notes=(*check.notes, note))


def _pieces(
    estate: Estate, chosen: Sequence[Cluster], *, connect: Connect, transport: Transport | None
) -> list[_Piece]:
    """In the estate's order; carriers that were not chosen come last."""
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
                    connect=connect,
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
        if discovered and (cluster.kafka_rest is not None or control_plane is not None):
            pieces.append(
                _Piece(
                    cluster=cluster.name,
                    system="kafka rest",
                    endpoint=links_endpoint(cluster),
                    ask=_alone(partial(check_cluster_links, cluster, transport=transport)),
                )
            )
        if discovered and cluster.flink is not None:
            pieces.append(
                _Piece(
                    cluster=cluster.name,
                    system="flink",
                    endpoint=http_endpoint(cluster.flink, name=FLINK),
                    ask=_alone(partial(check_flink, cluster, cluster.flink, transport=transport)),
                )
            )
        for connection in cluster.ksqldb if discovered else ():
            pieces.append(
                _Piece(
                    cluster=cluster.name,
                    system="ksqldb",
                    endpoint=http_endpoint(connection, name=KSQLDB),
                    ask=_alone(partial(check_ksqldb, cluster, connection, transport=transport)),
                )
            )
    return pieces


def _alone(ask: Callable[[], AccessCheck]) -> Callable[[], tuple[AccessCheck, ...]]:
    return lambda: (ask(),)


def _late(piece: _Piece, seconds: float) -> AccessCheck:
    sentence = (
        f"no complete answer within {seconds:g} s; is it overloaded? try it alone: --cluster {piece.cluster}"
    )
    return failed(piece.cluster, piece.system, piece.endpoint, "", sentence)
