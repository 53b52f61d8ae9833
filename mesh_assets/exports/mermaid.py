"""The graph as a Mermaid flowchart, for Markdown that renders it (https://mermaid.js.org/syntax/flowchart.html).

Every name is escaped: Mermaid reads `#NNN;` as the character with that number, and nothing else in a name can end its
label, begin HTML or Markdown, or be an instruction.
"""

import re
from collections import defaultdict
from collections.abc import Iterator

from mesh_assets.analysis.graph import Edge, LineageGraph, Node, NodeKind
from mesh_assets.errors import ExportError

MOST_EDGES = 500
"""Mermaid's `maxEdges` (https://mermaid.js.org/config/schema-docs/config.html): it does not draw a flowchart with more."""
MOST_CHARACTERS = 50_000
"""Its `maxTextSize`."""

_SHAPES: dict[NodeKind, tuple[str, str]] = {
    "dataset": ("[(", ")]"),
    "connector": ("[", "]"),
    "topic": ("([", "])"),
    "subject": ("[/", "/]"),
    "application": ("(", ")"),
    "statement": ("[[", "]]"),
    "event_source_mapping": (">", "]"),
    "function": ("{{", "}}"),
}
# A dot, plus or minus is plain unless it turns the label into a list: `1. a`, `- a`.
_PLAIN = re.compile(r"[A-Za-z0-9 ._/:+-]")
_LIST = re.compile(r"^(?:\d+[.)]|[-+*])(?= )")
# Where one of these words is followed by a colon and an escape on the same line, Mermaid 12 removes the last `;`
# (encodeEntities in packages/mermaid/src/utils.ts): so they cannot appear in a label unescaped.
_STYLING = re.compile("style|classDef")


def flowchart(graph: LineageGraph, *, subjects: bool = False) -> str:
    """The text of the flowchart, with a box for each cluster. Dotted lines: the only evidence is a name or rights, or nothing
    flows now. `subjects`: include schema subjects, which are otherwise left out.

    Raises ExportError for more edges or characters than Mermaid draws.
    """
    nodes = tuple(node for node in graph.nodes if subjects or node.kind != "subject")
    edges = tuple(edge for edge in graph.edges if subjects or edge.purpose != "schema")
    if len(edges) > MOST_EDGES:
        raise ExportError(_too_large(f"{len(edges):,} edges", f"{MOST_EDGES} edges"))
    text = "\n".join(_lines(nodes, edges)) + "\n"
    if len(text) > MOST_CHARACTERS:
        raise ExportError(_too_large(f"{len(text):,} characters", f"{MOST_CHARACTERS:,} characters"))
    return text


def _too_large(found: str, allowed: str) -> str:
    return (
        f"the flowchart would have {found}, but Mermaid draws at most {allowed}; take a part with --from NODE --depth N, "
        "one cluster with --cluster, or graphml, which has no limit"
    )


def _lines(nodes: tuple[Node, ...], edges: tuple[Edge, ...]) -> Iterator[str]:
    numbers = {node: f"n{number}" for number, node in enumerate(nodes)}
    by_cluster: defaultdict[str | None, list[Node]] = defaultdict(list)
    for node in nodes:
        by_cluster[node.cluster].append(node)
    yield "flowchart LR"
    clusters = sorted(name for name in by_cluster if name is not None)
    for number, cluster in enumerate(clusters):
        yield f'  subgraph c{number}["{escaped_label(cluster)}"]'
        yield from (f"    {_box(numbers[node], node)}" for node in by_cluster[cluster])
        yield "  end"
    yield from (f"  {_box(numbers[node], node)}" for node in by_cluster[None])
    for edge in edges:
        sure = edge.known in ("observed", "declared") and edge.active is not False
        words = [] if edge.purpose == "data" else [edge.purpose.replace("_", " ")]
        words += [edge.known] if edge.known in ("inferred", "permitted") else []
        words += ["not active"] if edge.active is False else []
        label = f'|"{", ".join(words)}"|' if words else ""
        yield f"  {numbers[edge.source]} {'-->' if sure else '-.->'}{label} {numbers[edge.target]}"


def _box(number: str, node: Node) -> str:
    before, after = _SHAPES[node.kind]
    return f'{number}{before}"{escaped_label(str(node))}"{after}'


def escaped_label(text: str) -> str:
    """The text in the form of a quoted label: every character that Mermaid, HTML or Markdown could misread is written as its
    number. Invisible characters (line breaks, control characters) become a space."""
    seen = "".join(one if one.isprintable() else " " for one in text).strip() or " "
    found = _LIST.match(seen)
    kept = "".join(one if _PLAIN.match(one) else f"#{ord(one)};" for one in seen)
    kept = _STYLING.sub(lambda word: f"#{ord(word[0][0])};{word[0][1:]}", kept)
    if found is None or not _PLAIN.match(seen[found.end() - 1]):
        return kept
    at = found.end() - 1
    return f"{kept[:at]}#{ord(kept[at])};{kept[at + 1 :]}"
