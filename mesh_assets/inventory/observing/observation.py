"""What one look at a cluster is made from, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mesh_assets.collecting.clients import ClusterClients
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.observing.cursor import ClusterCursor
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.triggers import Trigger


class Finding(Record, frozen=True, kw_only=True):
    """A reason for a discovery. `cause` is the same text whenever the same event is seen again."""

    trigger: Trigger
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The cluster, its clients, and what was known before. `interval_seconds`: how often this look is taken."""

    cluster: Cluster
    clients: ClusterClients
    document: Document
    cursor: ClusterCursor
    now: datetime
    interval_seconds: float


class Observation(Record, frozen=True, kw_only=True):
    """What was found, and in `notes` what could not be looked at and why. A source that fails gives a note
    and no finding."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    cursor: ClusterCursor


Observe = Callable[[Look], Observation]
