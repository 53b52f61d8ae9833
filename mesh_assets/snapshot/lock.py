"""The lock of a cluster: `pending.json`, held by one run at a time, with the write-ahead record of what it is
about to publish."""

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from mesh_assets.errors import ConflictError, PublishError, StoreError
from mesh_assets.inventory.sections import HostClock
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.pointers import (
    Holder,
    Pending,
    StoredDocument,
    WriteAhead,
)

# Time as the publishing protocol sees it, so that tests need not wait.


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC, for people to read: clocks of two machines differ, and get set."""
        ...

    def elapsed(self) -> float:
        """Seconds on this machine's own clock, which is never set and keeps running while the machine is
        suspended."""
        ...

    def sleep(self, seconds: float) -> None: ...


# Linux's CLOCK_MONOTONIC stops while the machine is suspended.
_OWN_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def elapsed(self) -> float:
        return time.clock_gettime(_OWN_CLOCK)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def host_clock() -> HostClock | None:
    """None if the system cannot tell one boot from another."""
    boot = _boot()
    if boot is None:
        return None
    own = timedelta(seconds=time.clock_gettime(_OWN_CLOCK))
    now = datetime.now(UTC)
    return HostClock(machine=boot, taken_at=now, began_at=now - own)


# Who holds a lock, and whether that process is certainly gone.

_PROC = Path("/proc")


def this_process(run_id: str) -> Holder:
    pid = os.getpid()
    return Holder(
        run_id=run_id, host=socket.gethostname(), pid=pid, machine=_machine(), started=_started(pid)
    )


def is_gone(holder: Holder) -> bool:
    """True only if certain: same host, same boot, same process namespace, and no such process any more.

    Elsewhere, and on systems without /proc, only the expiry decides.
    """
    machine = _machine()
    if (
        machine is None
        or holder.machine != machine
        or holder.host != socket.gethostname()
        or holder.started is None
    ):
        return False
    return _started(holder.pid) != holder.started


@cache
def _machine() -> str | None:
    """The running boot and the process namespace: a process id is unique only within both."""
    boot = _boot()
    try:
        return None if boot is None else f"{boot} {os.readlink(_PROC / 'self/ns/pid')}"
    except OSError:
        return None


@cache
def _boot() -> str | None:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def _started(pid: int) -> str | None:
    """When the process started, in clock ticks since boot; None if it is not alive (a zombie is dead)."""
    try:
        status = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in parentheses can contain anything. The fields after it are the state (3rd), …, the start (22nd).
    fields = status.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else fields[19]


POLL_SECONDS = 0.5
# From the moment the brokers stop trying until the lock expires: clocks of two machines differ by less, and
# latest.json must be moved in time.
MARGIN_SECONDS = 10.0


class ClusterLock:
    """A held lock, and a context that releases it however the run ends, except by `kill -9`.

    Without a record, it is removed. With one, it is left for the next run to publish at once, rather than
    after the expiry.
    """

    def __init__(
        self,
        store: InventoryStore,
        cluster_id: str,
        pending: Pending,
        version: str,
        *,
        lease: timedelta,
        clock: Clock,
    ) -> None:
        self._store = store
        self._cluster_id = cluster_id
        self._pending: Pending | None = pending
        self._version = version
        self._lease = lease
        self._clock = clock
        self._renewed_at = clock.elapsed()
        self._drafted: StoredDocument | None = None

    def __enter__(self) -> "ClusterLock":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(StoreError):  # the error that ended the run matters more; the expiry does the rest
            if self._pending is None:
                return
            if self._pending.record is None:
                self.remove()
            else:
                self._write(replace(self._pending, holder=None))

    @property
    def record(self) -> WriteAhead | None:
        return None if self._pending is None else self._pending.record

    def seconds_to_publish(self) -> float:
        """How long publishing may take, so that it is over before another run may begin. Raises ConflictError
        if time has run out."""
        self._held()
        left = self._lease.total_seconds() - (self._clock.elapsed() - self._renewed_at) - MARGIN_SECONDS
        if left <= 0:
            raise ConflictError(
                f"{self._held().cluster}: the lock ran out after {self._lease.total_seconds():.0f} s; nothing more is published"
            )
        return left

    def write_document(self, key: str, data: bytes) -> StoredDocument:
        """Writes a document after noting its key in the lock, so that a killed run leaves no unknown document
        behind."""
        self._renew(draft=key, record=None)
        self._drafted = self._store.put_document(key, data)
        return self._drafted

    def write_record(self, record: WriteAhead | None) -> None:
        """Records what is about to be published (None: everything has been), and holds the lock for a full
        lease from now."""
        self._renew(draft=None, record=record)
        self._drafted = None

    def note_refusal(self, reason: str) -> PublishError:
        """Notes for `snapshot repair` that what the record owes is refused for good; returns an error that
        says so."""
        self._write(replace(self._held(), refused=reason))
        return PublishError(reason)

    def forget(self, document: StoredDocument) -> None:
        """Takes back the record of a document if none of it was published."""
        self._renew(draft=document.key, record=None)
        self._drafted = document

    def finish(self) -> None:
        """Releases the lock when everything is published and moved. If that fails, the next run finds nothing
        left to do."""
        self._drafted = None
        with suppress(StoreError):
            self.remove()

    def remove(self) -> None:
        """Releases the lock, and removes the document that no record names."""
        self._drop_draft()
        self._pending = None
        self._store.delete_pending(self._cluster_id, self._version)

    def _drop_draft(self) -> None:
        """Removes the document that this run wrote and that no record names."""
        if self._drafted is not None:
            with suppress(StoreError):
                self._store.delete_document(self._drafted)
            self._drafted = None

    def _renew(self, *, draft: str | None, record: WriteAhead | None) -> None:
        self._write(
            replace(
                self._held(),
                expires_at=self._clock.now() + self._lease,
                draft=draft,
                record=record,
                refused=None,
            )
        )

    def _write(self, pending: Pending) -> None:
        renewed_at = self._clock.elapsed()
        try:
            self._version = self._store.put_pending(self._cluster_id, pending, self._version)
        except ConflictError as error:
            self._pending = None
            self._drop_draft()
            raise ConflictError(
                f"{pending.cluster}: another run took over the lock after it expired; this run publishes nothing"
            ) from error
        self._pending = pending
        self._renewed_at = renewed_at

    def _held(self) -> Pending:
        if self._pending is None:
            raise ConflictError("the lock is no longer held")
        return self._pending


def acquire_lock(
    store: InventoryStore,
    *,
    cluster: str,
    cluster_id: str,
    run_id: str,
    lease: timedelta,
    wait: timedelta,
    clock: Clock,
    progress: Callable[[str], None],
) -> ClusterLock:
    """Takes the cluster's lock, waiting up to `wait` for the run that holds it.

    A lock is taken over at once if its run released it, if this run already holds it (from an earlier attempt),
    or if its process on this host is gone; else once this run has watched it for `lease` without a sign of
    life. The time written in it does not count: with a clock that is ahead, we would take the lock of a
    living run. Raises ConflictError, naming the run that holds it and until when, if waiting did not help.
    """
    holder = this_process(run_id)
    began = clock.elapsed()
    waiting_for: Holder | None = None
    watched, watched_since = "", began
    while True:
        found = store.pending(cluster_id)
        moment = clock.elapsed()
        if found is not None and found[1] != watched:
            watched, watched_since = found[1], moment
        quiet_for = moment - watched_since
        if (
            found is not None
            and quiet_for < lease.total_seconds()
            and (other := _present_holder(found[0], run_id)) is not None
        ):
            pending = found[0]
            sentence = (
                f"{cluster} is being discovered by run {other.run_id} (process {other.pid} on {other.host}), which holds it "
                f"until {pending.expires_at:%Y-%m-%dT%H:%M:%SZ} at the latest"
            )
            left = wait.total_seconds() - (moment - began)
            if left <= 0:
                raise ConflictError(f"{sentence}; try again then")
            if waiting_for != other:
                progress(f"{sentence}; waiting")
                waiting_for = other
            clock.sleep(min(POLL_SECONDS, left))
            continue
        before, version = found if found is not None else (None, None)
        now = clock.now()
        mine = Pending(
            cluster=cluster,
            holder=holder,
            acquired_at=now,
            expires_at=now + lease,
            draft=before.draft if before else None,
            record=before.record if before else None,
            refused=before.refused if before else None,
        )
        with suppress(ConflictError):  # another run was faster: look again
            version = store.put_pending(cluster_id, mine, version)
            if mine.draft is not None and mine.record is None:
                store.objects.delete(mine.draft)
            return ClusterLock(store, cluster_id, mine, version, lease=lease, clock=clock)


def _present_holder(pending: Pending, run_id: str) -> Holder | None:
    """The process to wait for; None if the lock may be taken."""
    holder = pending.holder
    if holder is None or holder.run_id == run_id or is_gone(holder):
        return None
    return holder
