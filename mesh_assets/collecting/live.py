"""Reads parts of a cluster now and returns the document that would result; writes nothing."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from mesh_assets.collecting.clients import OpenClients, open_clients
from mesh_assets.collecting.sections import collect_sections
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.document import ClusterIdentity, Document, EnvironmentIdentity
from mesh_assets.inventory.sections import SectionName
from mesh_assets.joining.join import join_sections

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
    """The cluster's document with the `wanted` sections read now. The rest come from the latest document and are
    marked so.

    Stores and publishes nothing. Raises what `collect_sections` raises.
    """
    latest: list[Document | None] = []

    def remembered(cluster_id: str) -> Document | None:
        latest.append(previous(cluster_id))
        return latest[-1]

    sections = collect_sections(cluster, wanted, previous=remembered, clients=clients, sleep=sleep)
    before = latest[-1]
    return join_sections(
        sections,
        previous=before,
        environment=environment_of(cluster),
        cluster=ClusterIdentity(id=next(iter(sections.values())).cluster_id, name=cluster.name),
        now=datetime.now(UTC),
        sequence=before.sequence if before else 0,
        run_id=NOT_PUBLISHED,
    )


def environment_of(cluster: Cluster) -> EnvironmentIdentity:
    """The environment that the estate gives the cluster, as documents hold it."""
    if cluster.environment is None:
        return EnvironmentIdentity(id=None, name=None)
    return EnvironmentIdentity(id=cluster.environment.id, name=cluster.environment.name)
