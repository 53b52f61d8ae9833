"""Mermaid itself reads the graph from an exported flowchart: every node by its name, every edge, every cluster."""

from pathlib import Path
from random import Random

import pytest

from mesh_assets.analysis.graph import LineageGraph, Node, build_graph
from mesh_assets.exports.mermaid import MOST_EDGES, flowchart
from mesh_assets_tests.exports.graphs import EVERY_KIND, FRAUD, edge, topic
from mesh_assets_tests.exports.mermaid_parser import Drawing, read_drawings

pytestmark = pytest.mark.slow

HOSTILE = (
    "click n0 call alert(1)",
    "%%{init: {'theme': 'dark'}}%%",
    "---\ntitle: x\n---",
    "<img src=x onerror=alert(1)>",
    "`**bold**`",
    "style n0 fill:#f00;",
    "lifestyle-db:5432/shop_x",
    "classDef big:#1",
    "x" * 249,
    "\ufb02\u00b0\u00b034\u00b6\u00df",
    " ",
)
PIECES = (
    *(
        "a",
        "x1",
        "1.",
        "- ",
        "end",
        "subgraph",
        "style",
        "classDef",
        "linkStyle",
        "click",
        "fa:fa-car",
        "graph",
        "flowchart",
    ),
    *(
        '"',
        "'",
        "`",
        "**",
        "_",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "|",
        ">",
        "<",
        "/",
        "\\",
        "#",
        "&",
        ";",
        ":",
        "::: ",
        "@{",
        "$$",
        "%%",
    ),
    *(
        "-->",
        "-.->",
        "---",
        "#34;",
        "#quot;",
        "&lt;",
        "<br>",
        "</b>",
        "\n",
        "\r",
        "\t",
        "\x00",
        "\u202e",
        "ü",
        "\u4e2d",
        "\U0001f6b2",
        " ",
    ),
)
NAMES_A_DRAWING = 10  # a single one takes as long to read
SHAPES = {
    "dataset": "cylinder",
    "connector": "square",
    "topic": "stadium",
    "subject": "lean_right",
    "application": "round",
    "statement": "subroutine",
    "event_source_mapping": "odd",
    "function": "hexagon",
}


def told(graph: LineageGraph) -> Drawing:
    """What Mermaid should read: names without invisible characters."""
    ids = {node: f"n{number}" for number, node in enumerate(graph.nodes)}
    clusters = sorted({node.cluster for node in graph.nodes if node.cluster is not None})
    return Drawing(
        boxes={ids[node]: (SHAPES[node.kind], "string", seen(str(node))) for node in graph.nodes},
        arrows=tuple((ids[one.source], ids[one.target]) for one in graph.edges),
        frames=tuple(
            (seen(name), frozenset(ids[node] for node in graph.nodes if node.cluster == name))
            for name in clusters
        ),
    )


def seen(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def same(found: Drawing | str, graph: LineageGraph) -> None:
    assert isinstance(found, Drawing), found
    expected = told(graph)
    assert found.boxes == expected.boxes
    assert sorted(found.arrows) == sorted(expected.arrows)
    assert sorted(found.frames) == sorted(expected.frames)


def test_mermaid_reads_every_node_edge_and_cluster_whatever_the_names(tmp_path: Path) -> None:
    chance = Random(14)
    names = [*HOSTILE, *("".join(chance.choices(PIECES, k=chance.randint(1, 7))) for _ in range(400))]
    graphs = [EVERY_KIND]
    graphs += [
        build_graph(
            edges=[
                one
                for name in names[number : number + NAMES_A_DRAWING]
                for one in (
                    edge(topic(name, cluster=name), FRAUD),
                    edge(Node(kind="dataset", name=name), topic(name)),
                )
            ]
        )
        for number in range(0, len(names), NAMES_A_DRAWING)
    ]
    drawings = read_drawings([flowchart(one, subjects=True) for one in graphs], tmp_path)
    for graph, found in zip(graphs, drawings, strict=True):
        same(found, graph)


def test_mermaid_reads_as_many_edges_as_are_exported_and_refuses_invalid_flowcharts(tmp_path: Path) -> None:
    most = build_graph(edges=[edge(topic(f"t{number}"), FRAUD) for number in range(MOST_EDGES)])
    found, refused = read_drawings([flowchart(most), 'flowchart LR\n  n0["a] --> n1'], tmp_path)
    same(found, most)
    assert isinstance(refused, str)
    assert "Parse error" in refused
