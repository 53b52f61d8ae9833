"""The edges of cluster links: from a topic of the source cluster to its mirror here.

Source: https://docs.confluent.io/cloud/current/multi-cloud/cluster-linking/mirror-topics-cc.html. Mirror
topics are read from the cluster that has them; the link names the cluster they come from by its id, or else
by the addresses in its config.
"""

from collections.abc import Iterator, Sequence

from mesh_assets.analysis.graph import Edge, Node, Note
from mesh_assets.connector_rules.datasets import dataset, kafka_namespace
from mesh_assets.connector_rules.facts import Servers
from mesh_assets.inventory.cluster_link_records import ENDED_MIRRORS, ClusterLink, MirrorTopic
from mesh_assets.inventory.links import kafka_addresses
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.masking.configs import MASK


def mirror_lineage(facts: ClusterFacts, clusters: Sequence[Servers]) -> Iterator[Edge | Note]:
    known = facts.document.cluster_links
    links = {link.name: link for link in (known.links if known else None) or ()}
    for mirror in (known.mirror_topics if known else None) or ():
        here = facts.topic(mirror.name)
        origin = _origin(mirror, links.get(mirror.link), clusters)
        if isinstance(origin, str):
            yield Note(node=here, text=origin)
            continue
        active = None if mirror.status.startswith("PENDING_") else mirror.status == "ACTIVE"
        yield Edge(source=origin, target=here, known="observed", by=_by(facts, mirror), active=active)


def unknown_mirrors(facts: ClusterFacts) -> str | None:
    """Why edges of mirror topics may be missing; None: they are known, or there is nowhere to read them."""
    known = facts.document.cluster_links
    reason = None if known is None else known.unknown.get("mirror_topics")
    return None if reason is None else f"mirror topics of {facts.name} are not known: {reason}"


def _origin(mirror: MirrorTopic, link: ClusterLink | None, clusters: Sequence[Servers]) -> Node | str:
    """The topic, in the estate or in a cluster outside it; if it is not known, a sentence that says why."""
    servers = _servers(link)
    there = [one for one in clusters if link is not None and one.cluster_id == link.origin_id]
    there = there or [one for one in clusters if one.bootstrap_servers.intersection(servers)]
    if there:
        return Node(kind="topic", cluster=there[0].cluster, name=mirror.source_topic)
    namespace = kafka_namespace(servers)
    if namespace is not None:
        return dataset(namespace, mirror.source_topic)
    whose = "an unknown cluster" if link is None or link.origin_id is None else f"cluster {link.origin_id}"
    return (
        f"it mirrors {mirror.source_topic} of {whose}, by the link {mirror.link}; that is not one of the clusters "
        "looked at, and its addresses are not known"
    )


def _servers(link: ClusterLink | None) -> list[str]:
    """The addresses of its source, except those that the config hides in part."""
    told = (link.config or {}).get("bootstrap.servers") if link is not None else None
    return [one for one in kafka_addresses(told) if MASK not in one]


def _by(facts: ClusterFacts, mirror: MirrorTopic) -> str:
    """The lag with its time: an analysis is kept longer than a lag stays true."""
    by = f"the cluster link {mirror.link}: the mirror is {mirror.status}"
    if mirror.status in ENDED_MIRRORS:
        return f"{by}, a topic of its own since"
    read_at = facts.document.state("cluster_links").collected_at
    if mirror.lag_records is None or read_at is None:
        return by
    return f"{by}, {mirror.lag_records:,} records behind at {read_at:%Y-%m-%d %H:%M} UTC"
