"""The event source mappings of the estate's AWS accounts, by cluster, for lineage: listed when asked for,
kept for minutes."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mesh_assets.answering.answers import current_call
from mesh_assets.errors import EstateError, MeshError
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.lookup import list_mappings
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.estate.model import AwsAccountSettings, Estate
from mesh_assets.importing import importing
from mesh_assets.lineage.clusters import MappedTopic

_KEPT_SECONDS = 300.0
# After a failure: long enough that an agent's next calls do not all wait for the same failure.
_FAILURE_KEPT_SECONDS = 30.0
NOT_CONFIGURED = "event source mappings: the estate configures no source for them (`esm: {accounts: …}`), so none are known"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterMappings:
    """The mappings of a cluster's topics. `notes`: why some may be missing."""

    topics: tuple[MappedTopic, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    estate: Estate
    good_until: float
    by_cluster: dict[str, list[MappedTopic]]
    notes: tuple[str, ...]


class KnownMappings:
    """Safe to use from many threads: those that ask at the same time share one listing. `clock` in seconds."""

    def __init__(
        self,
        estate: Callable[[], Estate],
        *,
        open_access: Callable[[AwsAccountSettings], AwsAccount] = AwsAccount,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._estate = estate
        self._open_access = open_access
        self._clock = clock
        self._lock = threading.Lock()
        self._listing: _Listing | None = None

    def of(self, cluster: str) -> ClusterMappings:
        """Never raises: a note says what could not be read; the mappings that could be read are included."""
        try:
            estate = self._estate()
        except EstateError as error:
            return ClusterMappings(notes=(f"event source mappings are not known: {error}",))
        if estate.esm is None or not estate.esm.accounts:
            return ClusterMappings(notes=(NOT_CONFIGURED,))
        with self._lock:
            kept = self._listing
            if kept is None or kept.estate is not estate or self._clock() >= kept.good_until:
                kept = self._listing = self._list(estate, estate.esm.accounts)
        return ClusterMappings(topics=tuple(kept.by_cluster.get(cluster, ())), notes=kept.notes)

    def _list(self, estate: Estate, accounts: Sequence[AwsAccountSettings]) -> _Listing:
        by_cluster: defaultdict[str, list[MappedTopic]] = defaultdict(list)
        notes: list[str] = []
        failed = False
        for account in accounts:
            current_call().go_on()
            access = self._open_access(account)
            try:
                _ = access.identity
                mappings = list_mappings(access)
            except MeshError as error:
                notes.append(
                    f"the event source mappings of {access} could not be listed, so none of them are known: {error}"
                )
                failed = True
                continue
            unplaced = _place(estate, access, mappings, by_cluster)
            failed |= any(why is not None for why in unplaced)
            notes += [
                f"{number} event source mappings of {access} are left out because "
                + (why or "the estate has no cluster with their ARN or bootstrap servers")
                for why, number in unplaced.items()
            ]
        seconds = _FAILURE_KEPT_SECONDS if failed else _KEPT_SECONDS
        return _Listing(
            estate=estate, good_until=self._clock() + seconds, by_cluster=by_cluster, notes=tuple(notes)
        )


def _place(
    estate: Estate,
    access: AwsAccount,
    mappings: Sequence[EventSourceMapping],
    by_cluster: dict[str, list[MappedTopic]],
) -> Counter[str | None]:
    """Adds each mapping to the cluster it reads. Returns how many could not be placed, by error (None: not in this
    estate)."""
    with importing:
        from mesh_assets.esm.estate_clusters import cluster_of  # imports the Kafka client

    unplaced: Counter[str | None] = Counter()
    found: dict[str, str | None] = {}
    failures: dict[str, str] = {}
    for mapping in mappings:
        source = mapping.source
        if source not in found and source not in failures:
            current_call().go_on()
            try:
                cluster = cluster_of(
                    estate,
                    access,
                    event_source_arn=mapping.event_source_arn,
                    bootstrap_servers=mapping.bootstrap_servers,
                )
                found[source] = None if cluster is None else cluster.name
            except MeshError as error:
                failures[source] = str(error)
        name = found.get(source)
        if name is None or mapping.topic is None:
            unplaced[failures.get(source)] += 1
        else:
            by_cluster[name].append(
                MappedTopic(
                    uuid=mapping.uuid,
                    function=mapping.function_name,
                    topic=mapping.topic,
                    state=mapping.state,
                )
            )
    return unplaced
