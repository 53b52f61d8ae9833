"""The mesh as exports and the report show it: the newest documents of the clusters, and the lineage over them."""

from collections.abc import Mapping, Sequence

from mesh_assets.analysis.graph import LineageGraph
from mesh_assets.answering.belonging import KnownBelonging
from mesh_assets.answering.estate_lineage import FROM_DOCUMENTS_ALONE, addresses, lineage_results
from mesh_assets.errors import EstateError, StoreError
from mesh_assets.estate.model import Estate
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Record
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import estate_graph
from mesh_assets.relationships.records import Domains
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import holds_for, read_latest_documents


class Mesh(Record, frozen=True, kw_only=True):
    """`documents`: by the cluster's name in the estate. `graph`: these clusters and whatever borders on them.
    `addresses`: of the brokers of every cluster of the estate, as it has them. `notes`: what is missing or older than the
    documents, and why."""

    documents: Mapping[str, Document]
    graph: LineageGraph
    addresses: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]


def read_mesh(estate: Estate, store: InventoryStore, clusters: Sequence[str] = ()) -> Mesh:
    """The mesh of those clusters of the estate; none named: all. Reads only the store.

    The lineage is the one that the job `analysis` kept. Where the job has not run, or ran on other documents, the lineage
    is rebuilt from the documents of all clusters, without what only running systems know (event source mappings, Flink
    statements), and a note says so.
    Raises EstateError for a name that the estate does not have, and StoreError when a document cannot be read or none of
    the clusters was discovered.
    """
    for name in clusters:
        if name not in estate.clusters:
            raise EstateError(f"the estate has no cluster {name!r}; it has: {', '.join(estate.clusters)}")
    names = tuple(dict.fromkeys(clusters)) or tuple(estate.clusters)
    latest = read_latest_documents(store, names)
    if not latest.documents:
        which = f"cluster {names[0]}" if len(names) == 1 else f"none of the {len(names)} clusters"
        never = "has never been discovered" if len(names) == 1 else "has been discovered yet"
        raise StoreError(f"{which} {never}; run `mesh-assets discover` first")
    notes = [
        f"cluster {one.cluster} has not been discovered yet" for one in latest.read if one.sequence is None
    ]
    kept = lineage_results(store).get()
    of = {one.cluster: one for one in kept.documents} if kept is not None else {}
    if kept is not None and all(
        holds_for(store, of.get(name), document) for name, document in latest.documents.items()
    ):
        graph = kept.result
    else:
        # All clusters, whichever were asked for: a topic mirrored from a cluster is that cluster's topic.
        every = (
            latest if set(names) == set(estate.clusters) else read_latest_documents(store, estate.clusters)
        )
        graph = estate_graph(
            ClusterFacts(document=document, bootstrap_servers=addresses(estate.clusters[name]))
            for name, document in every.documents.items()
        )
        notes.append(FROM_DOCUMENTS_ALONE)
    return Mesh(
        documents=latest.documents,
        graph=_of_clusters(graph, frozenset(latest.documents)),
        addresses={name: addresses(estate.clusters[name]) for name in estate.clusters},
        notes=tuple(dict.fromkeys((*notes, *graph.gaps))),
    )


def read_domains(estate: Estate, store: InventoryStore, mesh: Mesh) -> dict[str, Domains]:
    """The domains of each cluster of the mesh: those that the job `analysis` kept for its document, else derived from it
    now. Raises StoreError if the kept result cannot be read."""
    known = KnownBelonging(lambda: estate, lambda: store)
    return {
        name: known.of(document, version=str(document.sequence)).domains
        for name, document in mesh.documents.items()
    }


def _of_clusters(graph: LineageGraph, names: frozenset[str]) -> LineageGraph:
    """What belongs to the clusters, and what is one edge away from it; sorted as the graph is."""
    near = [edge for edge in graph.edges if edge.source.cluster in names or edge.target.cluster in names]
    # Mappings and functions belong to no cluster: a function is two edges away from the topic.
    mappings = {edge.target for edge in near if edge.target.kind == "event_source_mapping"}
    edges = [
        edge
        for edge in graph.edges
        if edge.source.cluster in names or edge.target.cluster in names or edge.source in mappings
    ]
    nodes = {node for node in graph.nodes if node.cluster in names}
    nodes.update(node for edge in edges for node in (edge.source, edge.target))
    return LineageGraph(
        nodes=tuple(node for node in graph.nodes if node in nodes),
        edges=tuple(edges),
        flows=tuple(
            flow
            for flow in graph.flows
            if flow.through.cluster in names and flow.source in nodes and flow.target in nodes
        ),
        notes=tuple(note for note in graph.notes if note.node in nodes),
        gaps=graph.gaps,
    )
