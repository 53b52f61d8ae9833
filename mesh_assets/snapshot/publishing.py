"""What the protocol needs of whoever publishes; the one for Kafka is in publisher.py."""

from collections.abc import Iterable
from typing import Protocol

from mesh_assets.errors import PublishError
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.store.pointers import EventPosition, SchemaIds
from mesh_assets.snapshot.events import ChangeEvent, ClaimedDocument, DiscoveryEvent


class RefusedEventError(PublishError):
    """The brokers refused the event for good: it is certain that it is not in the topic."""


class PublishedEvent(Record, frozen=True, kw_only=True):
    """Where the snapshot went. `bytes`: its value; `compressed_bytes`: the batch that carried it, as sent and
    stored, None if unknown."""

    position: EventPosition
    bytes: int
    compressed_bytes: int | None
    claim_check: bool


class Publisher(Protocol):
    def prepare(self, cached: SchemaIds | None) -> SchemaIds | None:
        """Makes sure that the topics and schemas are there. `cached` helps when the registry does not answer.

        The ids now in use, to be cached. Raises PublishError with what to do.
        """
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know though it stops nothing, one sentence each; complete after `prepare`."""
        ...

    def publish_snapshot(
        self, event: DiscoveryEvent, *, claimed: ClaimedDocument | None, timeout_seconds: float
    ) -> PublishedEvent:
        """Publishes and waits for the delivery. Too large: as a claim check of `claimed`, where there is one.

        Nothing is sent after `timeout_seconds`. Raises RefusedEventError when it is certain that nothing is
        in the topic, PublishError when it failed or is uncertain.
        """
        ...

    def publish_changes(self, events: Iterable[ChangeEvent], *, timeout_seconds: float) -> None:
        """Publishes in order and waits for the delivery of all. Raises PublishError, never RefusedEventError:
        the snapshot is out."""
        ...
