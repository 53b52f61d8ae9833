"""The component's state: what the newest documents in the store say about each thing, ready to become assets.

It holds everything that the store knows about the estate; a component's selection is applied when the definitions
load, so a changed selection needs no new state. It holds no times, so equal estates give equal bytes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from mesh_assets.analysis.graph import LineageGraph
from mesh_assets.components.analysed import document_graph, known_domains, known_gaps, known_graph
from mesh_assets.components.links import Links
from mesh_assets.components.mesh_asset import MeshAsset
from mesh_assets.components.things import connector_asset, group_asset, outside_asset, topic_asset
from mesh_assets.errors import DamagedError
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import UNDECODABLE, Record, Topic
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import read_latest_documents


class ClusterState(Record, frozen=True, kw_only=True):
    """A cluster in the state. `why_empty`: why it has no assets; None if it may have some."""

    name: str
    cluster_id: str | None
    why_empty: str | None = None


class EstateState(Record, frozen=True, kw_only=True):
    """`assets`: those of all clusters, and the datasets between them."""

    format: int = 1
    clusters: tuple[ClusterState, ...]
    assets: tuple[MeshAsset, ...] = ()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(EstateState)


def encode_state(state: EstateState) -> bytes:
    return _encoder.encode(state)


def decode_state(data: bytes, *, source: str) -> EstateState:
    """Raises DamagedError, which names `source`, for anything but a state of this version."""
    try:
        return _decoder.decode(data)
    except UNDECODABLE as error:
        raise DamagedError(
            f"{source} is not a state of KafkaEstateComponent of this version: {error}; refresh it: dg utils refresh-defs-state"
        ) from error


def read_state(store: InventoryStore, names: Sequence[str] | None = None) -> EstateState:
    """From the newest document of each of the clusters `names` (None: all that the store knows). Raises StoreError."""
    wanted = store.cluster_names() if names is None else tuple(names)
    latest = read_latest_documents(store, wanted)
    ids = {read.cluster: read.cluster_id for read in latest.read}
    place = store.objects.location("inventories")
    return EstateState(
        clusters=tuple(
            ClusterState(
                name=name,
                cluster_id=ids[name],
                why_empty=None
                if name in latest.documents
                else f"{name}: nothing has been discovered into {place} yet; run `mesh-assets discover --cluster {name}`, "
                "then refresh the state: dg utils refresh-defs-state",
            )
            for name in wanted
        ),
        assets=tuple(
            estate_assets(
                latest.documents,
                graph=known_graph(store, latest),
                domains=known_domains(store),
                gap=known_gaps(store),
            )
        ),
    )


def estate_assets(
    documents: Mapping[str, Document],
    *,
    graph: LineageGraph | None = None,
    domains: Mapping[tuple[str, str], str] | None = None,
    gap: Callable[[str, Topic], int | None] = lambda cluster_id, topic: None,  # noqa: ARG005 - not known
) -> Iterator[MeshAsset]:
    """The things of these documents, by the names of their clusters, each with what feeds it. `graph`: the lineage; None: as
    far as the documents show. `domains`: by cluster and topic, overriding the topic's schema. `gap`: like `known_gaps`."""
    found = domains or {}
    named = [
        replace(document, cluster=replace(document.cluster, name=name))
        for name, document in documents.items()
    ]
    links = Links(document_graph(named) if graph is None else graph)
    topics = {document.cluster.name: list(_topics(document, found, gap)) for document in named}
    places = {asset.key: asset.domain for assets in topics.values() for asset in assets}
    for document in named:
        cluster = document.cluster.name
        applications = links.applications(cluster)
        for asset in topics[cluster]:
            yield links.linked(asset)
        for connector in document.connectors:
            asset = connector_asset(links.connector_key(cluster, connector), connector)
            yield links.linked(links.placed(asset, places))
        for group in document.consumer_groups:
            # A sink's consumer group belongs to the sink, which is already an asset.
            if group.group_id in applications:
                yield links.linked(links.placed(group_asset(cluster, group), places))
    for node in links.outside:
        yield links.linked(outside_asset(node))


def _topics(
    document: Document,
    domains: Mapping[tuple[str, str], str],
    gap: Callable[[str, Topic], int | None],
) -> Iterator[MeshAsset]:
    cluster = document.cluster.name
    schemas = {schema.subject: schema for schema in document.schemas}
    for topic in document.topics:
        asset = topic_asset(cluster, topic, schemas)
        domain, usual = domains.get((cluster, topic.name), asset.domain), gap(document.cluster.id, topic)
        changed = (domain, usual) != (asset.domain, None)
        yield replace(asset, domain=domain, usual_gap_seconds=usual) if changed else asset
