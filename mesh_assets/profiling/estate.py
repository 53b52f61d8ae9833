"""The profiles of the whole estate: made with what the store knows about it, and kept as its newest."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random

from mesh_assets.errors import DamagedError, EstateError, PlatformError, StoreError
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.inventory.records import Record
from mesh_assets.profiling.cluster import Before, OpenProfiling, open_profiling, profile_cluster
from mesh_assets.profiling.records import DataQuality, KeyOverlap, TopicProfile, Unprofiled
from mesh_assets.profiling.results import profile_results
from mesh_assets.profiling.sample import OnSample, TopicSample
from mesh_assets.readings.usual_gaps import EstateGaps, UsualGap
from mesh_assets.store.fingerprints import FingerprintKey, fingerprint_key
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import DocumentRead, ResultStore, read_latest_documents

_NONE_ALLOWED = "the estate does not allow reading any of its topics; name topics in allow_message_reading"


class EstateProfiles(Record, frozen=True, kw_only=True):
    """The profiles, the documents whose schemas they were compared with, and what was lost or missing in the
    store."""

    quality: DataQuality
    documents: tuple[DocumentRead, ...]
    notes: tuple[str, ...]


def profile_estate(
    estate: Estate,
    store: InventoryStore,
    *,
    now: Callable[[], datetime],
    on_sample: OnSample | None = None,
    open_clients: OpenProfiling = open_profiling,
    rng: Random | None = None,
) -> EstateProfiles:
    """Profiles of every topic that may be read. A cluster that cannot be read keeps its last profiles, with their time, and is
    in `unprofiled`; one without a topic that may be read has none. Raises StoreError if a document cannot be
    read, or the store's private key."""
    latest = read_latest_documents(store, estate.clusters)
    notes: list[str] = []
    last = _last(store, notes)
    gaps = _gaps(store, notes)
    key = _key(store)
    profiles: list[TopicProfile] = []
    overlaps: list[KeyOverlap] = []
    unprofiled: list[Unprofiled] = []
    not_allowed = 0
    for name, cluster in estate.clusters.items():
        if not cluster.allow_message_reading:
            unprofiled.append(Unprofiled(cluster=name, reason=_NONE_ALLOWED, nothing_allowed=True))
            continue
        document = latest.documents.get(name)
        kept = [one for one in last.profiles if one.cluster == name]
        try:
            found = profile_cluster(
                cluster,
                estate.profiling,
                before=Before(
                    document=document,
                    profiles=_of_id(kept, None if document is None else document.cluster.id),
                    gaps={} if document is None else gaps.get(document.cluster.id, {}),
                ),
                key=key,
                now=now,
                on_sample=on_sample or _nothing,
                open_clients=open_clients,
                rng=rng,
            )
        except (PlatformError, EstateError) as error:
            unprofiled.append(Unprofiled(cluster=name, reason=str(error)))
            profiles += _still_allowed(cluster, kept)
            overlaps += [one for one in last.overlaps if one.cluster == name]
            continue
        profiles += found.profiles
        overlaps += found.overlaps
        not_allowed += found.not_allowed
    quality = DataQuality(
        profiles=tuple(sorted(profiles, key=lambda one: (one.cluster, one.topic))),
        overlaps=tuple(overlaps),
        unprofiled=tuple(unprofiled),
        not_allowed=not_allowed,
    )
    return EstateProfiles(quality=quality, documents=latest.read, notes=tuple(notes))


def keep_estate_profiles(store: InventoryStore, found: EstateProfiles, *, made_at: datetime) -> str:
    """Keeps them as the newest; returns the location, for people."""
    return profile_results(store).put(found.quality, documents=found.documents, made_at=made_at)


def _still_allowed(cluster: Cluster, kept: Sequence[TopicProfile]) -> list[TopicProfile]:
    return [one for one in kept if cluster.may_read(one.topic)]


def _of_id(kept: Sequence[TopicProfile], cluster_id: str | None) -> Mapping[str, TopicProfile]:
    """By topic; profiles of another cluster that had the name are not part of this one's trend."""
    return {one.topic: one for one in kept if cluster_id is None or one.cluster_id == cluster_id}


def _last(store: InventoryStore, notes: list[str]) -> DataQuality:
    try:
        kept = profile_results(store).get()
    except DamagedError as error:
        notes.append(f"trends start over: {error}")
        kept = None
    if kept is None:
        return DataQuality(profiles=(), overlaps=(), unprofiled=(), not_allowed=0)
    return kept.result


def _gaps(store: InventoryStore, notes: list[str]) -> Mapping[str, Mapping[str, UsualGap]]:
    try:
        kept = ResultStore(store, "usual_gaps", EstateGaps).get()
    except DamagedError as error:
        notes.append(f"usual figures come from the samples: {error}")
        return {}
    return {} if kept is None else kept.result.clusters


def _key(store: InventoryStore) -> FingerprintKey:
    key = fingerprint_key(store.objects)
    if key is None:
        raise StoreError(
            "the store's private key cannot be read (see the log), and without it values cannot be hashed; "
            "run as the user that discovers, or let this user read the folder private/ of the store"
        )
    return key


def _nothing(sample: TopicSample) -> None:
    """Without rules, nothing judges the sample."""
