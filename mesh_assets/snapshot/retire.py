"""Retiring the snapshot of a cluster that is gone."""

import time

from mesh_assets.estate.fields import EVENTS_TOPIC
from mesh_assets.estate.model import Estate
from mesh_assets.inventory.store.pointers import EventPosition
from mesh_assets.snapshot.connection import EventsConnection
from mesh_assets.snapshot.delivery import deliver
from mesh_assets.snapshot.publisher import carrier_of

_TIMEOUT_SECONDS = 30.0


def retire_snapshot(
    estate: Estate, name: str, *, cluster_id: str, topic: str = EVENTS_TOPIC
) -> EventPosition:
    """Publishes the tombstone of the cluster `name` to the cluster that carries its events: compaction then
    removes its snapshots.

    The documents in the store stay, and a later discovery of the cluster goes on with the next sequence.
    Raises PublishError.
    """
    return publish_tombstone(
        EventsConnection.to(carrier_of(estate, name)), cluster_id=cluster_id, topic=topic
    )


def publish_tombstone(
    connection: EventsConnection, *, cluster_id: str, topic: str = EVENTS_TOPIC
) -> EventPosition:
    """A record of the cluster's key without a value; where it stands."""
    return deliver(connection, topic, [(cluster_id, None)], deadline=time.monotonic() + _TIMEOUT_SECONDS).last
