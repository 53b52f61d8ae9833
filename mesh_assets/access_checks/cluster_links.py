"""Whether cluster links can be read, and where: the Kafka REST interface, found as a discovery finds it."""

from collections.abc import Mapping

from mesh_assets.access_checks.access_check import (
    AccessCheck,
    answered,
    failed,
    http_endpoint,
    stand_in_notes,
)
from mesh_assets.collecting.cluster_links import ClusterLinksReader
from mesh_assets.errors import EstateError, PlatformError
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.parts import Unread
from mesh_assets.platforms.confluent_cloud.kafka_rest import NAME
from mesh_assets.platforms.http import Transport


def links_endpoint(cluster: Cluster) -> str:
    """The address in the estate; empty where the control plane provides it."""
    return "" if cluster.kafka_rest is None else http_endpoint(cluster.kafka_rest, name=NAME)


def check_cluster_links(cluster: Cluster, *, transport: Transport | None = None) -> AccessCheck:
    """Asks for what a discovery reads. A cluster can do without links, so any that are missing or not visible are only a
    note."""
    endpoint = links_endpoint(cluster)
    if cluster.cluster_id is None:
        sentence = "not checked: links are requested by cluster_id, which the estate does not give; discovery asks the brokers for it"
        return answered(cluster.name, "kafka rest", endpoint, "", facts={}, rights="", notes=[sentence])
    with ClusterLinksReader(cluster, transport=transport) as reader:
        try:
            links, unread = reader.read(cluster.cluster_id)
        except (EstateError, PlatformError) as error:
            return failed(cluster.name, "kafka rest", reader.url or endpoint, reader.identity, str(error))
        known = {"cluster_links": links.links, "mirror_topics": links.mirror_topics}
        return answered(
            cluster.name,
            "kafka rest",
            reader.url or endpoint,
            reader.identity,
            facts={name: len(ones) for name, ones in known.items() if ones is not None},
            rights="" if unread else "reads",
            missing=_reasons(unread, expected=False),
            notes=[
                *stand_in_notes(reader.stand_in),
                *(f"cluster links will be unknown: {reason}" for reason in _reasons(unread, expected=True)),
            ],
        )


def _reasons(unread: Mapping[str, Unread], *, expected: bool) -> list[str]:
    """Each once."""
    return list(dict.fromkeys(part.reason for part in unread.values() if part.expected is expected))
