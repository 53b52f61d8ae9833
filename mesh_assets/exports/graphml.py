"""The graph as GraphML, for Gephi, yEd, Cytoscape and networkx (http://graphml.graphdrawing.org/specification.html).

Attributes of nodes: `kind`, `name`, `cluster`, `namespace`, `notes`; of edges: `known`, `by`, `purpose`, `active`,
`flows`: for an edge into a node that keeps its inputs apart, where that input leaves it, as JSON: `[{"to": node id, "columns":
[{"source": …, "target": …}]}]`, without `columns` if they are not known. Unknown attributes are left out: GraphML has no
null.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from urllib.parse import quote
from xml.sax.saxutils import escape

import msgspec

from mesh_assets.analysis.graph import Edge, LineageGraph, Node

# Characters that XML 1.0 cannot contain, and the carriage return, which its readers turn into a line break
# (https://www.w3.org/TR/xml/#charsets).
_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XMLNS = "http://graphml.graphdrawing.org/xmlns"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_OPENING = f"""<?xml version='1.0' encoding='utf-8'?>
<graphml xmlns="{_XMLNS}" xmlns:xsi="{_XSI}" xsi:schemaLocation="{_XMLNS} {_XMLNS}/1.0/graphml.xsd">"""
_AT_ONCE = 1_000


def graphml(graph: LineageGraph) -> Iterator[bytes]:
    """The document, in UTF-8, piece by piece. Characters that XML cannot contain are written as `\\u0000`."""
    keys = _Keys()
    names = {node: node_id(node) for node in graph.nodes}
    # First, since keys must come before the elements that use them.
    lines = [*_nodes(graph, names, keys), *_edges(graph, names, keys)]
    yield "\n  ".join((_OPENING, *keys.declared())).encode()
    if not lines:
        yield b'\n  <graph edgedefault="directed" />\n</graphml>\n'
        return
    yield b'\n  <graph edgedefault="directed">\n'
    for at in range(0, len(lines), _AT_ONCE):
        yield "".join(lines[at : at + _AT_ONCE]).encode()
    yield b"  </graph>\n</graphml>\n"


class _Keys:
    """The attributes that occur, numbered in order of occurrence."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str, str], str] = {}

    def data(self, of: str, values: Mapping[str, str | bool | None]) -> str:
        """The values as elements, without those that are None."""
        lines = []
        for name, value in values.items():
            if value is None:
                continue
            kind = "boolean" if isinstance(value, bool) else "string"
            key = self._ids.setdefault((of, name, kind), f"d{len(self._ids)}")
            text = escape(_xml(str(value)))
            lines.append(
                f'      <data key="{key}">{text}</data>\n' if text else f'      <data key="{key}" />\n'
            )
        return "".join(lines)

    def declared(self) -> Iterator[str]:
        for (of, name, kind), key in reversed(self._ids.items()):
            yield f'<key id="{key}" for="{of}" attr.name="{name}" attr.type="{kind}" />'


def _nodes(graph: LineageGraph, names: Mapping[Node, str], keys: _Keys) -> Iterator[str]:
    notes: defaultdict[Node, list[str]] = defaultdict(list)
    for note in graph.notes:
        notes[note.node].append(note.text)
    for node, name in names.items():
        data = keys.data(
            "node",
            {
                "kind": node.kind,
                "name": node.name,
                "cluster": node.cluster,
                "namespace": node.namespace,
                "notes": "; ".join(notes[node]) if node in notes else None,
            },
        )
        yield f'    <node id="{name}">\n{data}    </node>\n'


def _edges(graph: LineageGraph, names: Mapping[Node, str], keys: _Keys) -> Iterator[str]:
    flows: defaultdict[tuple[str, str], list[dict[str, object]]] = defaultdict(list)
    for flow in graph.flows:
        columns = {} if flow.columns is None else {"columns": flow.columns}
        flows[names[flow.source], names[flow.through]].append({"to": names[flow.target], **columns})
    beside: Counter[tuple[str, str]] = Counter()
    for edge in graph.edges:
        ends = names[edge.source], names[edge.target]
        data = keys.data(
            "edge",
            {
                "known": edge.known,
                "by": edge.by,
                "purpose": edge.purpose,
                "active": edge.active,
                "flows": _onward(edge, flows.get(ends)),
            },
        )
        yield f'    <edge source="{ends[0]}" target="{ends[1]}" id="{beside[ends]}">\n{data}    </edge>\n'
        beside[ends] += 1


def _onward(edge: Edge, flows: list[dict[str, object]] | None) -> str | None:
    return None if flows is None or edge.purpose != "data" else msgspec.json.encode(flows).decode()


def node_id(node: Node) -> str:
    """`kind/cluster/namespace/name`, each percent-encoded; None is empty."""
    parts = (node.kind, node.cluster or "", node.namespace or "", node.name)
    return "/".join(quote(part, safe="") for part in parts)


def _xml(text: str) -> str:
    return _NO_XML.sub(lambda one: f"\\u{ord(one[0]):04x}", text)
