"""From the queue into the inbox: no message is deleted before it is there, and nothing waits twice."""

import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from mesh_assets.errors import PlatformError, StoreError
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import counted, plural
from mesh_assets.platforms.aws.records import QueueMessage
from mesh_assets.sensing.trigger_queue.forms import read_message
from mesh_assets.sensing.trigger_queue.message import Ignored, Meaning, NotUnderstood, Understood
from mesh_assets.store.inbox import Inbox, inbox_by_name

logger = logging.getLogger(__name__)

SOURCE = "trigger_queue"

REASON_ATTRIBUTE = "mesh_reason"
MESSAGE_ATTRIBUTE = "mesh_message_id"

# Causes remembered between ticks: a message may be delivered again after its run has emptied the inbox.
_REMEMBERED = 200

# Limits of one tick. Long polling costs nothing, but occupies one of the daemon's workers.
_MOST_MESSAGES = 200
_TICK_SECONDS = 40.0
LONGEST_WAIT_SECONDS = 10
# After the first batch, only messages that are already there: a poll of 0 s asks only some of SQS's servers
# and misses messages.
_MORE_WAIT_SECONDS = 1


class TriggerQueue(Protocol):
    """The queue that triggers arrive on. Both methods raise PlatformError."""

    def receive(self, *, wait_seconds: int) -> tuple[QueueMessage, ...]: ...

    def delete(self, messages: Sequence[QueueMessage]) -> tuple[str, ...]:
        """Deletes the messages; returns the ids of those that could not be deleted."""
        ...


class DeadLetters(Protocol):
    """Where messages that cannot be understood go. Raises PlatformError."""

    def send(self, body: str, *, attributes: Mapping[str, str], deduplication_id: str) -> None: ...


class Target(Record, frozen=True, kw_only=True):
    """A cluster of the estate. `cluster_id`: the brokers', or the estate's where `discovered` is False; None:
    neither is known."""

    name: str
    cluster_id: str | None
    discovered: bool = True

    @property
    def inbox(self) -> str:
        """Where its triggers wait."""
        if self.discovered and self.cluster_id is not None:
            return self.cluster_id
        return inbox_by_name(self.name)


class TakenIn(Record, frozen=True, kw_only=True):
    """A trigger that is now in the inbox of these clusters."""

    trigger: Trigger
    clusters: tuple[str, ...]


class Intake(Record, frozen=True, kw_only=True):
    """What a tick has done.

    `notes`: a line for everything a person may wonder about. `remembered`: for the next tick. `error`: why it
    ended early; messages not deleted by then are delivered again.
    """

    received: int
    taken_in: tuple[TakenIn, ...]
    notes: tuple[str, ...]
    remembered: tuple[str, ...]
    error: str | None = None


def take_in(
    queue: TriggerQueue,
    inbox: Inbox,
    targets: Sequence[Target],
    *,
    dead_letters: DeadLetters | None,
    remembered: Sequence[str],
    now: Callable[[], datetime],
    wait_seconds: int = LONGEST_WAIT_SECONDS,
    monotonic: Callable[[], float] = time.monotonic,
) -> Intake:
    """Receives messages within a tick's limits and moves them into the inbox or to the dead letters, or drops
    them.

    `wait_seconds`: how long to wait for the first message. Raises nothing: a failure is in `Intake.error`.
    """
    work = _Work(inbox, targets, dead_letters, remembered, now)
    deadline = monotonic() + _TICK_SECONDS
    received, wait, error = 0, wait_seconds, None
    while received < _MOST_MESSAGES and (left := deadline - monotonic()) >= 1:
        try:
            batch = queue.receive(wait_seconds=min(wait, int(left)))
        except PlatformError as failure:
            error = str(failure)
            break
        if not batch or all(message.id in work.left for message in batch):
            break
        received += len(batch)
        done, error = work.take(batch)
        try:
            kept = queue.delete(done) if done else ()
        except PlatformError as failure:
            error = error or f"{failure}; messages already taken in will come again and be recognised"
            break
        if kept:
            work.notes.append(
                f"{counted(len(kept), 'message')} could not be deleted; "
                f"{plural(len(kept), 'it', 'they')} will come again and be recognised"
            )
        if error is not None:
            break
        wait = _MORE_WAIT_SECONDS
    return Intake(
        received=received,
        taken_in=tuple(work.taken_in),
        notes=tuple(work.notes),
        remembered=tuple(work.remembered)[-_REMEMBERED:],
        error=error,
    )


class _Work:
    """The state of one tick."""

    def __init__(
        self,
        inbox: Inbox,
        targets: Sequence[Target],
        dead_letters: DeadLetters | None,
        remembered: Sequence[str],
        now: Callable[[], datetime],
    ) -> None:
        self._inbox = inbox
        self._targets = targets
        self._dead_letters = dead_letters
        self._now = now
        self.remembered = dict.fromkeys(remembered)  # in order of arrival
        self.taken_in: list[TakenIn] = []
        self.notes: list[str] = []
        self.left: set[str] = set()

    def take(self, batch: Sequence[QueueMessage]) -> tuple[list[QueueMessage], str | None]:
        """The messages that may be deleted, and why it stopped before the last one."""
        done: list[QueueMessage] = []
        for message in batch:
            try:
                finished = self._take(message)
            except StoreError as failure:
                return done, f"the inbox could not be written: {failure}; the messages stay on the queue"
            if finished:
                done.append(message)
            else:
                self.left.add(message.id)
        return done, None

    def _take(self, message: QueueMessage) -> bool:
        """Whether the message may be deleted."""
        meaning = _read(message)
        match meaning:
            case Ignored(reason=reason):
                self.notes.append(f"message {message.id} ignored: {reason}")
                return True
            case NotUnderstood(reason=reason):
                return self._reject(message, reason)
            case Understood():
                return self._keep(message, meaning)

    def _keep(self, message: QueueMessage, meaning: Understood) -> bool:
        cause = hashlib.sha256(meaning.cause_id.encode("utf-8", "backslashreplace")).hexdigest()[:16]
        if cause in self.remembered:
            self.notes.append(f"message {message.id} repeats {meaning.trigger}: taken in before")
            return True
        meant = self._meant(meaning)
        if not meant:
            return self._reject(
                message,
                f"trigger.cluster: expected one of {', '.join(target.name for target in self._targets)}",
            )
        for target in meant:
            self._inbox.put(
                target.inbox, meaning.trigger, cause=meaning.cause_id, source=SOURCE, now=self._now()
            )
        clusters = tuple(target.name for target in meant)
        self.remembered[cause] = None
        self.taken_in.append(TakenIn(trigger=meaning.trigger, clusters=clusters))
        self.notes.append(f"message {message.id}: {meaning.trigger}, for {', '.join(clusters)}")
        return True

    def _meant(self, meaning: Understood) -> list[Target]:
        """The named cluster, by name or id; otherwise those that a hint matches; otherwise all."""
        if meaning.cluster is not None:
            return [target for target in self._targets if meaning.cluster in (target.name, target.cluster_id)]
        hinted = [
            target
            for target in self._targets
            if target.name in meaning.hints or target.cluster_id in meaning.hints
        ]
        return hinted or list(self._targets)

    def _reject(self, message: QueueMessage, reason: str) -> bool:
        if self._dead_letters is None:
            self.notes.append(
                f"message {message.id} was not understood ({reason}); left to the queue's redrive policy: "
                "the estate names no dead-letter queue"
            )
            return False
        attributes = {REASON_ATTRIBUTE: reason, MESSAGE_ATTRIBUTE: message.id}
        try:
            self._dead_letters.send(message.body, attributes=attributes, deduplication_id=message.id)
        except PlatformError as failure:
            self.notes.append(
                f"message {message.id} was not understood ({reason}) and stays on the queue: {failure}"
            )
            return False
        self.notes.append(
            f"message {message.id} was not understood and went to the dead-letter queue: {reason}"
        )
        return True


def _read(message: QueueMessage) -> Meaning:
    """What the message means. Strangers write messages, so one that defeats its reader must cost only itself,
    not the messages behind it."""
    try:
        return read_message(message.body, message_id=message.id)
    except Exception as error:
        logger.warning("message %s defeated its reader", message.id, exc_info=True)
        return NotUnderstood(reason=f"it could not be read ({type(error).__name__})")
