"""The graph as GraphML, for Gephi, yEd, Cytoscape and networkx (http://graphml.graphdrawing.org/specification.html).

Attributes of nodes: `kind`, `name`, `cluster`, `namespace`, `notes`; of edges: `known`, `by`, `purpose`, `active`,
`flows`: of an edge into a node that keeps what enters it apart, where that leaves it, as JSON: `[{"to": node id, "columns":
[{"source": …, "target": …}]}]`, without `columns` where they are not known. One that is not known is left out: GraphML has no
null.
"""

import io
import re
from collections import defaultdict
from urllib.parse import quote

import msgspec

from mesh_assets.analysis.graph import LineageGraph, Node
from mesh_assets.importing import importing

# What XML 1.0 cannot hold, and the carriage return, which its readers make a line break
# (https://www.w3.org/TR/xml/#charsets).
_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def graphml(graph: LineageGraph) -> bytes:
    """The document, in UTF-8. Characters that XML cannot hold are written as `\\u0000`."""
    with importing:
        import networkx as nx  # costs a fifth of a second
    made = nx.MultiDiGraph()
    notes: defaultdict[Node, list[str]] = defaultdict(list)
    for note in graph.notes:
        notes[note.node].append(note.text)
    names = {node: node_id(node) for node in graph.nodes}
    flows: defaultdict[tuple[Node, Node], list[dict[str, object]]] = defaultdict(list)
    for flow in graph.flows:
        columns = {} if flow.columns is None else {"columns": flow.columns}
        flows[flow.source, flow.through].append({"to": names[flow.target], **columns})
    for node, name in names.items():
        texts = {
            "kind": node.kind,
            "name": node.name,
            "cluster": node.cluster,
            "namespace": node.namespace,
            "notes": "; ".join(notes[node]) if node in notes else None,
        }
        made.add_node(name, **{key: _xml(text) for key, text in texts.items() if text is not None})
    for edge in graph.edges:
        attributes: dict[str, str | bool] = {
            "known": edge.known,
            "by": _xml(edge.by),
            "purpose": edge.purpose,
        }
        if edge.active is not None:
            attributes["active"] = edge.active
        if edge.purpose == "data" and (onward := flows.get((edge.source, edge.target))):
            attributes["flows"] = _xml(msgspec.json.encode(onward).decode())
        made.add_edge(names[edge.source], names[edge.target], **attributes)
    buffer = io.BytesIO()
    nx.write_graphml_xml(made, buffer)
    return buffer.getvalue()


def node_id(node: Node) -> str:
    """`kind/cluster/namespace/name`, each percent-encoded; nothing stands for None."""
    parts = (node.kind, node.cluster or "", node.namespace or "", node.name)
    return "/".join(quote(part, safe="") for part in parts)


def _xml(text: str) -> str:
    return _NO_XML.sub(lambda one: f"\\u{ord(one[0]):04x}", text)
