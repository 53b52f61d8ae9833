"""The answer to `GET /metrics`: looked up in the store when somebody asks, but only so often, re-encoded only
where something changed, and compressed once for all callers."""

import hashlib
import importlib.metadata
import logging
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import anyio
import anyio.to_thread

from mesh_assets.errors import MeshError
from mesh_assets.fleet.in_force import InForce
from mesh_assets.inventory.records import Record
from mesh_assets.masking.unexpected import unexpected
from mesh_assets.service.cluster_text import ClusterState, KnownFindings, read_cluster
from mesh_assets.service.exposition import Samples, joined, labels
from mesh_assets.service.selection import Selection
from mesh_assets.store.inventories import InventoryStore

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 30.0
_LOOKS_AT_ONCE = 8
# 10 MB of text for 9,000 topics: level 1 takes a fifth of the time of the usual 6, for a third more bytes.
_COMPRESSION = 1
_MOST_KEPT_BYTES = 32 << 20


class UnknownClusterError(MeshError):
    """Somebody asked for the series of a cluster that the estate does not have."""


class Answer(Record, frozen=True, kw_only=True):
    """`etag`: the same for the same text. `bytes`: of the text before compression."""

    etag: str
    compressed: bytes
    bytes: int


class Known(Record, frozen=True, kw_only=True):
    """One look at the store: the clusters in the order of the estate, and when it was taken, by the process's
    clock. `problem`: a sentence that the estate file is broken and its last good form in force; None: it is
    sound."""

    clusters: tuple[ClusterState, ...]
    looked_at: float
    problem: str | None = None


class Scrape:
    """Safe to use from many threads; simultaneous callers wait for one look. `estate` and `store` are asked
    each time."""

    def __init__(
        self,
        estate: Callable[[], InForce],
        store: Callable[[], InventoryStore],
        *,
        selection: Selection,
        refresh_seconds: float = REFRESH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._estate = estate
        self._store = store
        self._selection = selection
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self._now = now
        self._looking = threading.Lock()
        self._answering = threading.Lock()
        self._known: Known | None = None
        self._findings = KnownFindings()
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="scrape-reader")
        self._answers: OrderedDict[tuple[str, ...], tuple[Known, Answer]] = OrderedDict()

    def look(self, *, at_most_seconds: float | None = None) -> Known:
        """What the store knows about every cluster of the estate, by a look no older than that; None: no
        older than three times the time between two looks, so that nobody waits while looks are taken. Raises
        EstateError, and StoreError when the store cannot be asked: whether earlier knowledge still holds is
        then unknown."""
        most = 3 * self._refresh_seconds if at_most_seconds is None else at_most_seconds
        known = self._known
        if known is not None and self._clock() - known.looked_at < most:
            return known
        with self._looking:
            known = self._known  # another thread may have looked meanwhile
            if known is None or self._clock() - known.looked_at >= most:
                self._known = known = self._looked(known)
            return known

    async def keep_current(self) -> None:
        """Keeps looking until it is cancelled, with the answer for all clusters ready. Callers learn of
        failures."""
        while True:
            try:
                await anyio.to_thread.run_sync(self._prepare)
            except MeshError:
                pass  # callers learn of it
            except Exception as error:  # at the edge: the next look may succeed
                logger.error("looking at the store failed", exc_info=unexpected(error))
            await anyio.sleep(self._refresh_seconds)

    def _prepare(self) -> None:
        self.look(at_most_seconds=0)
        self.answer()

    def answer(self, clusters: Collection[str] = ()) -> Answer:
        """The series of these clusters; none given: of all. Raises as `look` does, and
        UnknownClusterError."""
        known = self.look()
        names = {state.cluster for state in known.clusters}
        for name in clusters:
            if name not in names:
                raise UnknownClusterError(
                    f"the estate has no cluster {name!r}; `cluster` takes names of the estate"
                )
        states = [state for state in known.clusters if not clusters or state.cluster in clusters]
        wanted = tuple(state.cluster for state in states)
        with self._answering:
            if wanted in self._answers and self._answers[wanted][0] is known:
                return self._answers[wanted][1]
            parts = self._parts(states, known.problem is None)
            etag = _digest(parts)
            kept = self._answers.pop(wanted, None)
            answer = kept[1] if kept is not None and kept[1].etag == etag else _compressed(parts, etag)
            self._answers[wanted] = known, answer
            while sum(len(one.compressed) for _, one in self._answers.values()) > _MOST_KEPT_BYTES:
                self._answers.popitem(last=False)
            return answer

    def _parts(self, states: Sequence[ClusterState], readable: bool) -> list[bytes]:
        texts: list[Mapping[str, bytes]] = [_own_texts(readable)]
        texts += [{**state.texts, **self._findings.of(state)} for state in states]
        return list(joined(texts))

    def _looked(self, before: Known | None) -> Known:
        in_force, store, now = self._estate(), self._store(), self._now()
        earlier = {} if before is None else {state.cluster: state for state in before.clusters}
        looked_at = self._clock()
        self._findings.refresh(store)

        def read(name: str) -> ClusterState:
            return read_cluster(
                store,
                name,
                selection=self._selection,
                before=earlier.get(name),
                now=now,
                reader=self._reader,
            )

        with ThreadPoolExecutor(max_workers=_LOOKS_AT_ONCE, thread_name_prefix="scrape") as pool:
            states = tuple(pool.map(read, in_force.estate.clusters))
        return Known(clusters=states, looked_at=looked_at, problem=in_force.problem)


def _own_texts(readable: bool) -> Mapping[str, bytes]:
    samples = Samples()
    samples.add("mesh_estate_readable", "", int(readable))
    samples.add("mesh_build_info", labels(version=importlib.metadata.version("mesh-assets")), 1)
    return samples.texts()


def _digest(parts: Sequence[bytes]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _compressed(parts: Sequence[bytes], etag: str) -> Answer:
    """As gzip, which every scraper accepts; other clients get it unpacked."""
    packing = zlib.compressobj(_COMPRESSION, zlib.DEFLATED, 31)
    packed = [packing.compress(part) for part in parts]
    return Answer(
        etag=etag, compressed=b"".join([*packed, packing.flush()]), bytes=sum(len(part) for part in parts)
    )


def unpacked(answer: Answer) -> bytes:
    return zlib.decompress(answer.compressed, 31)
