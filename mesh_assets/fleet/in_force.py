"""The estate in force, for processes that run while people edit: reread when a file changes; while a file is broken, the
last good version.

Commands that a person starts read the file itself (`load_estate`), and fail if it is faulty.
"""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from time import monotonic

from mesh_assets.errors import EstateError, StoreError
from mesh_assets.estate.file import EstateRead, estate_path
from mesh_assets.estate.model import Estate
from mesh_assets.fleet.kept_found import kept_clusters
from mesh_assets.fleet.last_good import keep_last_good, last_good
from mesh_assets.fleet.loading import read_with_found
from mesh_assets.inventory.wording import counted
from mesh_assets.store.layout import open_store
from mesh_assets.store.objects import ObjectStore

logger = logging.getLogger(__name__)

# A look at 300 files takes 10 ms, and Dagster asks for the names once for each run that a tick requests.
_SECONDS_BETWEEN_LOOKS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """`fault`: why the file is not in force; None when it is. `since`: when this process first saw the file broken in any way;
    it may have been broken for longer."""

    estate: Estate
    fault: str | None = None
    since: datetime | None = None

    @property
    def problem(self) -> str | None:
        """A sentence for whoever gets answers from this estate; None while the file is in force."""
        if self.fault is None:
            return None
        seen = "" if self.since is None else f" (seen since {self.since:%Y-%m-%d %H:%M:%S} UTC)"
        return (
            f"the estate file is broken{seen}; until it is fixed, the last good estate stays in force, with "
            f"{counted(len(self.estate.clusters), 'cluster')}: {self.fault}"
        )


class EstateInForce:
    """The estate of one file. `objects`: opens the store, where the last good version is kept for processes that start while
    the file is broken. Safe to use from many threads."""

    def __init__(
        self,
        path: Path,
        objects: Callable[[], ObjectStore],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.path = path
        self._objects = objects
        self._clock = clock
        self._lock = threading.RLock()
        self._read: EstateRead | None = None
        self._known: InForce | None = None
        self._looked_at: float | None = None

    def now(self) -> InForce:
        """The estate after a look at the files. Raises EstateError when they are broken and no good estate is known, here or in
        the store."""
        with self._lock:
            self._looked_at = monotonic()
            if (
                self._read is None
                or self._known is None
                or self._known.fault
                or not self._is_current(self._read)
            ):
                self._known = self._look()
            return self._known

    def lately(self) -> InForce:
        """Like `now`, but up to a second old."""
        with self._lock:
            at = self._looked_at
            if self._known is not None and at is not None and monotonic() - at < _SECONDS_BETWEEN_LOOKS:
                return self._known
            return self.now()

    def keep(self) -> bool:
        """Keeps what the file says in the store, unless it is already there or the file is broken; returns whether it was
        written. Raises StoreError, and EstateError like `now`."""
        known = self.now()
        return known.fault is None and keep_last_good(self._objects(), self.path, known.estate)

    def _is_current(self, read: EstateRead) -> bool:
        if not read.is_current:
            return False
        if read.found is None:
            return True
        try:
            return kept_clusters(self._objects(), self.path).clusters == read.found
        except StoreError as error:
            logger.warning(
                "cannot read whether clusters have been found since; the known ones stay: %s", error
            )
            return True

    def _look(self) -> InForce:
        try:
            self._read = read_with_found(self.path, self._objects)
        except EstateError as error:
            return self._in_spite_of(error)
        if self._known is not None and self._known.fault:
            logger.warning("the estate file %s is sound again, and in force", self.path)
        return InForce(estate=self._read.estate)

    def _in_spite_of(self, error: EstateError) -> InForce:
        before = self._known
        estate = before.estate if before is not None else self._stored(error)
        if before is None or before.fault != str(error):
            logger.warning(
                "the estate file is broken; the last good one stays in force (%s): %s",
                counted(len(estate.clusters), "cluster"),
                error,
            )
        since = None if before is None else before.since
        return InForce(estate=estate, fault=str(error), since=since or self._clock())

    def _stored(self, error: EstateError) -> Estate:
        try:
            found = last_good(self._objects(), self.path)
        except StoreError as failure:
            raise EstateError(f"{error}\nthe last good estate cannot be read either: {failure}") from failure
        if found is None:
            raise error
        return found


def estate_in_force(path: Path | None = None, store: str | None = None) -> EstateInForce:
    """This process's estate for the file (default: `estate_path()`) and the store (default: MESH_STORE)."""
    chosen = estate_path() if path is None else path
    return _of_this_process(chosen, chosen.absolute(), store or os.environ.get("MESH_STORE") or "")


@cache
def _of_this_process(path: Path, whole: Path, store: str) -> EstateInForce:  # noqa: ARG001 - tells files of one name apart
    return EstateInForce(path, lambda: open_store(store))
