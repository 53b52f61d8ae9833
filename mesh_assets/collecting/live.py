"""Reading parts of a cluster now, without writing anything: the document as it would be, in memory only."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from mesh_assets.collecting.clients import OpenClients, open_clients
from mesh_assets.collecting.sections import collect_sections
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.document import ClusterIdentity, Document, EnvironmentIdentity
from mesh_assets.inventory.join import join_sections
from mesh_assets.inventory.sections import SectionName

NOT_PUBLISHED = "live"
"""The run id of a document that was never published."""


def read_live(
    cluster: Cluster,
    wanted: Sequence[SectionName],
    *,
    previous: Callable[[str], Document | None],
    clients: OpenClients = open_clients,
    sleep: Callable[[float], None] = time.sleep,
) -> Document:
    """The cluster's document with the `wanted` sections read now; the others are those of the latest
    document, marked as such.

    Nothing is stored and nothing published. Raises as `collect_sections` does.
    """
    latest: list[Document | None] = []

    def remembered(cluster_id: str) -> Document | None:
        latest.append(previous(cluster_id))
        return latest[-1]

    sections = collect_sections(cluster, wanted, previous=remembered, clients=clients, sleep=sleep)
    before = latest[-1]
    environment = cluster.environment
    return join_sections(
        sections,
        previous=before,
        environment=EnvironmentIdentity(
            id=environment.id if environment else None, name=environment.name if environment else None
        ),
        cluster=ClusterIdentity(id=next(iter(sections.values())).cluster_id, name=cluster.name),
        now=datetime.now(UTC),
        sequence=before.sequence if before else 0,
        run_id=NOT_PUBLISHED,
    )
