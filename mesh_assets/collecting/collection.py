"""One collection of one cluster: what its sections share."""

from collections.abc import Callable
from dataclasses import dataclass

from mesh_assets.collecting.clients import ClusterClients
from mesh_assets.collecting.phases import Phases
from mesh_assets.errors import PlatformError
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import Section, SectionName
from mesh_assets.joining.join import stale_section
from mesh_assets.platforms.kafka import ClusterMetadata
from mesh_assets.readings.ends import KeptEnds

History = Callable[[str], KeptEnds | None]
"""The kept end offsets by cluster id, from which time lags are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """`metadata`: as read at the start; without topics where no section needs them. `previous`: the latest document.
    `phases`: how long each part takes."""

    cluster: Cluster
    cluster_id: str
    clients: ClusterClients
    metadata: ClusterMetadata
    previous: Document | None
    phases: Phases
    history: History
    sleep: Callable[[float], None]

    def or_stale(self, name: SectionName, read: Callable[[], Section]) -> Section:
        """What `read` returns; if it fails, the section as it was, with the reason."""
        try:
            return read()
        except PlatformError as error:
            return stale_section(name, self.cluster_id, self.previous, str(error))
