"""Reading secrets through a short memory: one reading serves all clients that are made within a minute of
each other."""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from mesh_assets.platforms.secrets.fields import Kept, pick
from mesh_assets.platforms.secrets.reference import SecretName, SourceName

KEPT_SECONDS = 60.0
"""A run makes its clients within seconds, a sensor looks every few minutes: long enough to ask once for
either, and short enough that after a rotation nothing is refused for longer than this."""

Source = Callable[[Sequence[SecretName]], Mapping[str, Kept]]
"""What is kept under each name. Raises EstateError when one cannot be read."""


class SecretReader:
    """Secrets by reference. Safe to use from many threads (two that ask at the same time may both ask the
    source).

    Only what was read is remembered: a failure is tried again by whoever comes next. Values are in memory
    alone, and in no `repr`.
    """

    def __init__(
        self,
        sources: Mapping[SourceName, Source],
        *,
        kept_seconds: float = KEPT_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources = sources
        self._kept_seconds = kept_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: dict[tuple[SourceName, str], tuple[float, Kept]] = {}

    def read(self, references: Collection[SecretName]) -> dict[SecretName, str]:
        """Their values; what is not remembered is asked for in one call a source. Raises EstateError."""
        with self._lock:
            oldest = self._monotonic() - self._kept_seconds
            self._kept = {key: (at, kept) for key, (at, kept) in self._kept.items() if at > oldest}
            known = {key: kept for key, (_, kept) in self._kept.items()}
        missing: dict[SourceName, list[SecretName]] = {}
        for reference in references:
            if (reference.source, reference.name) not in known:
                missing.setdefault(reference.source, []).append(reference)
        for source, wanted in missing.items():
            read = {(source, name): kept for name, kept in self._sources[source](wanted).items()}
            known |= read
            with self._lock:
                now = self._monotonic()
                self._kept |= {key: (now, kept) for key, kept in read.items()}
        return {
            reference: pick(reference, known[reference.source, reference.name]) for reference in references
        }

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()
