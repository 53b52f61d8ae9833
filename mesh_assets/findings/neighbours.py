"""The other clusters of the estate, as far as one cluster's findings need them: their topics, and what copies topics to them.

Every cluster's neighbours matter for its findings. Each neighbour is read once, however many need it, and only names are kept.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.findings.case import Case
from mesh_assets.importing import importing
from mesh_assets.inventory.cluster_link_records import ClusterLinks
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.links import kafka_addresses
from mesh_assets.inventory.records import Connector, Record
from mesh_assets.platforms.listeners import broker_addresses
from mesh_assets.store.inventories import InventoryStore

ReadDocument = Callable[[str, str], Document]
"""Cluster id and key → the document."""
_MIRROR_MAKER = "org.apache.kafka.connect.mirror.MirrorSourceConnector"


class Neighbour(Record, frozen=True, kw_only=True):
    """`topics` None: they were not read completely. `mirror_makers`: its connectors that copy topics from other clusters."""

    topics: frozenset[str] | None
    links: ClusterLinks | None
    mirror_makers: tuple[Connector, ...]


class Neighbours:
    """The neighbours among all clusters of the estate. `read`: reads a stored document."""

    def __init__(self, estate: Estate, store: InventoryStore, read: ReadDocument) -> None:
        self._estate = estate
        self._store = store
        self._read = read
        self._known: dict[str, Neighbour | None] = {}

    def topics_elsewhere(self, name: str) -> frozenset[str] | None:
        """The topics of the clusters that share a registry with the cluster `name`; None: one of them was not read
        completely, or it is unknown which they are."""
        own = self._estate.clusters.get(name)
        if own is None or own.schema_registry is None:
            return None
        found: set[str] = set()
        for other, cluster in self._others(name):
            if cluster.schema_registry is None or cluster.schema_registry.url != own.schema_registry.url:
                continue
            neighbour = self._of(other)
            if neighbour is None or neighbour.topics is None:
                return None
            found |= neighbour.topics
        return frozenset(found)

    def copied(self, document: Document) -> dict[str, list[str]]:
        """Topic of the document → what copies it to other clusters, in words."""
        own = self._estate.clusters.get(document.cluster.name)
        found: defaultdict[str, list[str]] = defaultdict(list)
        if own is None:
            return found
        servers = broker_addresses(own.kafka)
        _by_mirror_makers(document, document.cluster.name, document.connectors, servers, found)
        for name, cluster in self._others(document.cluster.name):
            if not (cluster.kafka_rest or cluster.control_plane or cluster.connect):
                continue
            neighbour = self._of(name)
            if neighbour is None:
                continue
            links = neighbour.links
            for mirror in links.mirrors_of(document.cluster.id, servers) if links is not None else ():
                found[mirror.source_topic].append(f"its mirror {mirror.name} in {name}")
            _by_mirror_makers(document, name, neighbour.mirror_makers, servers, found)
        return found

    def _others(self, name: str) -> Iterator[tuple[str, Cluster]]:
        return ((other, cluster) for other, cluster in self._estate.clusters.items() if other != name)

    def _of(self, name: str) -> Neighbour | None:
        if name not in self._known:
            self._known[name] = self._read_neighbour(name)
        return self._known[name]

    def _read_neighbour(self, name: str) -> Neighbour | None:
        cluster_id = self._store.cluster_id(name)
        latest = None if cluster_id is None else self._store.latest(cluster_id)
        if cluster_id is None or latest is None:
            return None
        document = self._read(cluster_id, latest[0].document.key)
        knows_all = Case(document).is_read("topics") and not document.excluded_topics
        return Neighbour(
            topics=frozenset(topic.name for topic in document.topics) if knows_all else None,
            links=document.cluster_links,
            mirror_makers=tuple(_mirror_makers(document.connectors)),
        )


def _mirror_makers(connectors: Iterable[Connector]) -> Iterator[Connector]:
    return (one for one in connectors if one.connector_class == _MIRROR_MAKER)


def _by_mirror_makers(
    document: Document,
    name: str,
    connectors: Iterable[Connector],
    servers: Sequence[str],
    found: defaultdict[str, list[str]],
) -> None:
    """MirrorMaker 2 reads without a group: only patterns in its config say what. `name`: the cluster with the connectors."""
    makers = list(_mirror_makers(connectors))
    if not makers:
        return
    with importing:  # rules for all connectors, which hardly any estate needs here
        from mesh_assets.connector_rules.facts import Facts, Names, Servers
        from mesh_assets.connector_rules.mirrors import mirror_source

    here = Servers(
        cluster=document.cluster.name,
        cluster_id=document.cluster.id,
        bootstrap_servers=frozenset(kafka_addresses(",".join(servers))),
        topics=Names(topic.name for topic in document.topics),
    )
    for connector in makers:
        for pair in mirror_source(Facts(connector=connector, cluster=name, clusters=(here,))).pairs:
            if pair.dataset.cluster == document.cluster.name:
                found[pair.dataset.name].append(f"the connector {connector.name} of {name}, which copies it")
