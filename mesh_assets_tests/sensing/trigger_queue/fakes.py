"""Recorded example messages in the published forms of their senders, and a queue to send them through."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mesh_assets.errors import PlatformError
from mesh_assets.platforms.aws.records import QueueMessage

# Recorded example messages, in the published forms of their senders.

_FOLDER = Path(__file__).parent / "messages"


def example(name: str, **changed: Any) -> str:
    """The message's text; `changed` replaces top-level fields."""
    return json.dumps({**json.loads((_FOLDER / f"{name}.json").read_text()), **changed})


def in_sns(message: str, **changed: Any) -> str:
    """The message as SNS delivers it to a queue without raw message delivery."""
    return example("sns_envelope", Message=message, **changed)


# A queue in memory that behaves like SQS where it matters: at least once, ten at a time, invisible until
# deleted or released.


@dataclass
class FakeQueue:
    """`fails_to`: the calls that raise it. `undeletable`: the messages that stay. `release` simulates the end of the visibility
    timeout.
    """

    bodies: dict[str, str] = field(default_factory=dict)
    invisible: set[str] = field(default_factory=set)
    deleted: list[str] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)
    fails_to: dict[str, PlatformError] = field(default_factory=dict)
    undeletable: set[str] = field(default_factory=set)

    def put(self, *bodies: str) -> "FakeQueue":
        for body in bodies:
            self.bodies[f"m-{len(self.bodies) + 1}"] = body
        return self

    def release(self) -> None:
        self.invisible.clear()

    def receive(self, *, wait_seconds: int) -> tuple[QueueMessage, ...]:
        self._maybe_fail("receive")
        self.waits.append(wait_seconds)
        visible = [name for name in self.bodies if name not in self.invisible and name not in self.deleted][
            :10
        ]
        self.invisible.update(visible)
        return tuple(
            QueueMessage(id=name, body=self.bodies[name], receipt=f"r-{name}", receives=1) for name in visible
        )

    def delete(self, messages: Sequence[QueueMessage]) -> tuple[str, ...]:
        self._maybe_fail("delete")
        names = [message.id for message in messages]
        self.deleted += [name for name in names if name not in self.undeletable]
        return tuple(name for name in names if name in self.undeletable)

    def _maybe_fail(self, call: str) -> None:
        if call in self.fails_to:
            raise self.fails_to[call]


@dataclass
class FakeDeadLetters:
    sent: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    failure: PlatformError | None = None

    def send(self, body: str, *, attributes: Mapping[str, str], deduplication_id: str) -> None:
        assert deduplication_id
        if self.failure is not None:
            raise self.failure
        self.sent.append((body, dict(attributes)))
