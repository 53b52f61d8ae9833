"""The two event topics, read from now on."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from confluent_kafka import Consumer, TopicPartition

from mesh_assets.estate.connections import SchemaRegistryConnection
from mesh_assets.estate.fields import CHANGES_TOPIC, EVENTS_TOPIC
from mesh_assets.events.avro_form import decode_change_event, decode_discovery_event
from mesh_assets.events.model import ChangeEvent, DiscoveryEvent, TriggerCause
from mesh_assets.inventory.changes import TriggerType
from mesh_assets.platforms.schema_registry import SchemaRegistryClient
from mesh_assets.sandbox.servers import Endpoints

T = TypeVar("T")


class Events:
    """`snapshots` and `changes`: everything read so far, from any publisher."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._registry = SchemaRegistryClient(SchemaRegistryConnection(url=endpoints.registry_url))
        self._texts: dict[int, str] = {}
        self._consumer = Consumer(
            {
                "bootstrap.servers": endpoints.bootstrap_servers,
                "group.id": "daemon-test-reader",
                "enable.auto.commit": False,
            }
        )
        self._places = [TopicPartition(topic, 0) for topic in (EVENTS_TOPIC, CHANGES_TOPIC)]
        for place in self._places:
            place.offset = self._consumer.get_watermark_offsets(place, timeout=30)[1]
        self._consumer.assign(self._places)
        self.snapshots: list[DiscoveryEvent] = []
        self.changes: list[ChangeEvent] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()
        self._registry.close()

    def snapshot_made_for(
        self, type_: TriggerType, resource: str, *, within_seconds: float, after: int = 0
    ) -> tuple[DiscoveryEvent, TriggerCause]:
        """The first snapshot with that cause, perhaps among others, after skipping `after` earlier ones."""

        def found() -> tuple[DiscoveryEvent, TriggerCause] | None:
            for snapshot in self.snapshots[after:]:
                for cause in snapshot.trigger.changes:
                    if (cause.type, cause.resource) == (type_, resource):
                        return snapshot, cause
            return None

        return self._wait(
            found, within_seconds=within_seconds, what=f"a snapshot made for {type_} {resource}"
        )

    def read_all(self) -> None:
        """What has been published until now."""
        ends = [self._consumer.get_watermark_offsets(place, timeout=30)[1] for place in self._places]
        deadline = time.monotonic() + 30
        while not self._have_reached(ends):
            assert time.monotonic() < deadline, "the topics were not read to their end"
            self._read(0.5)

    def _have_reached(self, ends: list[int]) -> bool:
        # A position is known only after the first read.
        positions = zip(self._consumer.position(self._places), self._places, strict=True)
        return all(
            max(now.offset, start.offset) >= end for (now, start), end in zip(positions, ends, strict=True)
        )

    def changes_of(self, snapshot: DiscoveryEvent, resource: str) -> dict[str, str]:
        """Field (or kind) → sentence, of the changes of that snapshot and resource."""

        def found() -> dict[str, str] | None:
            all_of_it = [
                change
                for change in self.changes
                if change.discovery_timestamp == snapshot.discovery_timestamp
            ]
            if len(all_of_it) < snapshot.change_count:
                return None
            return {
                change.field or change.kind: change.sentence
                for change in all_of_it
                if change.resource == resource
            }

        return self._wait(
            found, within_seconds=10, what=f"changes of {resource} with sequence {snapshot.sequence}"
        )

    def _wait(self, found: Callable[[], T | None], *, within_seconds: float, what: str) -> T:
        deadline = time.monotonic() + within_seconds
        while (result := found()) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                seen = [
                    [f"{cause.type} {cause.resource}" for cause in snapshot.trigger.changes]
                    for snapshot in self.snapshots
                ]
                raise AssertionError(f"no {what} within {within_seconds:.0f} s; snapshots seen: {seen}")
            self._read(min(left, 0.5))
        return result

    def _read(self, seconds: float) -> None:
        message = self._consumer.poll(seconds)
        value = None if message is None or message.error() is not None else message.value()
        if message is None or value is None:
            return
        if message.topic() == EVENTS_TOPIC:
            self.snapshots.append(decode_discovery_event(value, self._text))
        else:
            self.changes.append(decode_change_event(value, self._text))

    def _text(self, schema_id: int) -> str:
        if schema_id not in self._texts:
            found = self._registry.schema_by_id(schema_id)
            assert found is not None
            self._texts[schema_id] = found.definition
        return self._texts[schema_id]
