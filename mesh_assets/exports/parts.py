"""Part of the graph: what surrounds one node."""

from mesh_assets.analysis.graph import LineageGraph, Node, build_graph
from mesh_assets.errors import ExportError
from mesh_assets.inventory.wording import counted, listed
from mesh_assets.lineage.walk import walk_lineage


def full_name(node: Node) -> str:
    """The name by which `find_node` finds only this node: `topic orders of cluster warehouse`."""
    of = "" if node.cluster is None else f" of cluster {node.cluster}"
    on = f" on {node.namespace}" if node.kind == "connector" and node.namespace else ""
    return f"{node}{on}{of}"


def find_node(graph: LineageGraph, text: str) -> Node:
    """The node with that full name, that kind and name, or just that name, if it is unique. A dataset's name may be without
    its namespace. Raises ExportError with the names of the candidates."""
    wanted = text.strip()
    by_name = [node for node in graph.nodes if wanted in (node.name, _without_kind(node))]
    for found in (
        [node for node in graph.nodes if full_name(node) == wanted],
        [node for node in graph.nodes if str(node) == wanted],
        [node for node in graph.nodes if node.kind == "dataset" and f"dataset {node.name}" == wanted],
        [node for node in by_name if node.kind != "subject"] or by_name,
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise ExportError(
                f"{counted(len(found), 'node')} are called {wanted!r}; write one as {listed([full_name(node) for node in found])}"
            )
    near = [full_name(node) for node in graph.nodes if wanted and wanted.casefold() in str(node).casefold()]
    raise ExportError(
        f"the lineage has no node {wanted!r}; "
        + (
            f"similar: {listed(near)}"
            if near
            else "nor a similar one; expected a kind and a name, as in 'topic orders'"
        )
    )


def _without_kind(node: Node) -> str:
    """As for people, without the kind: `postgres://host:5432/shop.public.orders`."""
    return str(node)[len(node.kind) + 1 :]


def around(graph: LineageGraph, start: Node, *, depth: int) -> LineageGraph:
    """What feeds the node and what it feeds, up to that many steps. Through a connector that keeps tables apart, only what
    belongs together."""
    walk = walk_lineage(graph, start, direction="both", depth=depth, most=len(graph.edges) + 1)
    nodes = set(walk.distances)
    return build_graph(
        nodes=nodes,
        edges=walk.edges,
        flows=(flow for flow in graph.flows if flow.through in nodes),
        notes=(note for note in graph.notes if note.node in nodes),
        gaps=graph.gaps,
    )
