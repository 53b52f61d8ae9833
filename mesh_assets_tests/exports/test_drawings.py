"""Mermaid and GraphML of the graph, and parts of it."""

import html
import io
import json
import re

import networkx as nx
import pytest
from hypothesis import given

from mesh_assets.analysis.graph import LineageGraph, Node, build_graph
from mesh_assets.errors import ExportError
from mesh_assets.exports.graphml import graphml, node_id
from mesh_assets.exports.mermaid import MOST_EDGES, escaped_label, flowchart
from mesh_assets.exports.parts import around, find_node, full_name
from mesh_assets_tests.exports.graphs import (
    CDC,
    EVERY_KIND,
    FRAUD,
    ORDERS_TABLE,
    USERS,
    any_graph,
    any_name,
    edge,
    topic,
)

_LINE = re.compile(
    r"""flowchart\ LR | \ \ subgraph\ c\d+\["[^"]*"\] | \ \ end
    | \ {2,4}n\d+ (?: \[\("[^"]*"\)\] | \["[^"]*"\] | \(\["[^"]*"\]\) | \[/"[^"]*"/\]
                    | \("[^"]*"\) | \[\["[^"]*"\]\] | >"[^"]*"\] | \{\{"[^"]*"\}\} )
    | \ \ n\d+\ -\.?->(?:\|"[a-z, ]+"\|)?\ n\d+""",
    re.VERBOSE,
)


def read_label(text: str) -> str:
    """As Mermaid shows it: it reads `#NNN;` as HTML reads `&#NNN;`."""
    return html.unescape(re.sub(r"#(\d+);", r"&#\1;", text))


def test_a_flowchart_boxes_clusters_and_says_what_kind_of_edge_each_is() -> None:
    graph = build_graph(
        edges=[
            edge(USERS, CDC),
            edge(CDC, topic("users")),
            edge(topic("users"), FRAUD, known="observed", active=False),
            edge(CDC, topic("heartbeat"), purpose="internal"),
            edge(
                Node(kind="subject", cluster="warehouse", name="users-value"),
                topic("users"),
                purpose="schema",
            ),
        ]
    )
    assert flowchart(graph) == (
        "flowchart LR\n"
        '  subgraph c0["warehouse"]\n'
        '    n0("application fraud")\n'
        '    n1["connector cdc"]\n'
        '    n3(["topic heartbeat"])\n'
        '    n4(["topic users"])\n'
        "  end\n"
        '  n2[("dataset postgres://db:5432/shop.public.users")]\n'
        '  n1 -->|"internal"| n3\n'
        "  n1 --> n4\n"
        "  n2 --> n1\n"
        '  n4 -.->|"not active"| n0\n'
    )


@given(any_graph())
def test_every_line_of_a_flowchart_is_what_it_seems_whatever_the_names(graph: LineageGraph) -> None:
    lines = flowchart(graph, subjects=True).removesuffix("\n").split("\n")
    assert [line for line in lines if not _LINE.fullmatch(line)] == []


@given(any_name)
def test_a_label_shows_the_name_without_interpreting_it(name: str) -> None:
    label = escaped_label(name)
    assert re.fullmatch(r"(?:[A-Za-z0-9 ._/:+-]|#\d+;)+", label)
    assert not re.match(r"\d+[.)] |[-+*] ", label)
    assert read_label(label).strip() == "".join(one if one.isprintable() else " " for one in name).strip()


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ('a"b', "a#34;b"),
        ("<script>", "#60;script#62;"),
        ("#quot;", "#35;quot#59;"),
        ("`**a**`", "#96;#42;#42;a#42;#42;#96;"),
        ("1. a", "1#46; a"),
        ("- a", "#45; a"),
        ("lifestyle:1#x", "life#115;tyle:1#35;x"),
        ("a\nend", "a end"),
        ("\x00", " "),
        ("topic größe", "topic gr#246;#223;e"),
    ],
)
def test_special_characters_of_mermaid_are_written_as_numbers(name: str, label: str) -> None:
    assert escaped_label(name) == label


def test_more_than_mermaid_can_draw_is_refused_with_what_to_do() -> None:
    many = build_graph(edges=[edge(topic(f"t{number}"), FRAUD) for number in range(MOST_EDGES + 1)])
    with pytest.raises(
        ExportError, match=r"501 edges, but Mermaid draws at most 500 edges; .*--from NODE --depth N"
    ):
        flowchart(many)
    assert flowchart(around(many, topic("t7"), depth=1)).count("-->") == 1
    long = build_graph(nodes=[topic("t" * 200 + str(number)) for number in range(300)])
    with pytest.raises(ExportError, match=r"characters, but Mermaid draws at most 50,000 characters"):
        flowchart(long)


def test_a_selection_follows_what_belongs_together_through_a_connector() -> None:
    part = around(EVERY_KIND, topic("orders"), depth=2)
    assert ORDERS_TABLE in part.nodes
    assert USERS not in part.nodes


def test_a_node_is_found_by_its_full_name_its_kind_and_name_or_its_name() -> None:
    graph = build_graph(nodes=[topic("orders"), topic("orders", "billing"), FRAUD, CDC])
    assert find_node(graph, "fraud") == FRAUD
    assert find_node(graph, "topic orders of cluster billing") == topic("orders", "billing")
    assert [find_node(graph, full_name(node)) for node in graph.nodes] == list(graph.nodes)
    with pytest.raises(
        ExportError, match="2 nodes are called 'topic orders'; write one as topic orders of cluster billing"
    ):
        find_node(graph, "topic orders")
    with pytest.raises(ExportError, match="no node 'order'; similar: topic orders of cluster billing"):
        find_node(graph, "order")
    with pytest.raises(ExportError, match="expected a kind and a name"):
        find_node(graph, "")


def test_a_dataset_is_found_with_and_without_its_namespace_or_its_kind() -> None:
    mine, yours = (
        Node(kind="dataset", namespace=f"postgres://{host}:5432", name="shop.public.orders")
        for host in ("mine", "yours")
    )
    assert find_node(build_graph(nodes=[mine]), "dataset shop.public.orders") == mine
    both = build_graph(nodes=[mine, yours])
    assert find_node(both, "postgres://mine:5432/shop.public.orders") == mine
    for name in ("shop.public.orders", "dataset shop.public.orders"):
        with pytest.raises(
            ExportError, match=r"2 nodes are called .*write one as dataset postgres://mine:5432/shop"
        ):
            find_node(both, name)
    with pytest.raises(
        ExportError, match="no node 'postgres://mine'; similar: dataset postgres://mine:5432/"
    ):
        find_node(both, "postgres://mine")


def test_graphml_read_back_is_the_graph() -> None:
    read = nx.read_graphml(io.BytesIO(b"".join(graphml(EVERY_KIND))), force_multigraph=True)
    nodes = {
        Node(kind=one["kind"], name=one["name"], cluster=one.get("cluster"), namespace=one.get("namespace"))
        for _, one in read.nodes(data=True)
    }
    assert nodes == set(EVERY_KIND.nodes)
    edges = {
        (source, target, one["purpose"], one["known"], one["by"], one.get("active"))
        for source, target, one in read.edges(data=True)
    }
    assert edges == {
        (node_id(one.source), node_id(one.target), one.purpose, one.known, one.by, one.active)
        for one in EVERY_KIND.edges
    }
    assert read.nodes[node_id(CDC)]["notes"] == "a transform cannot be followed"
    flows = {
        one: json.loads(read.edges[node_id(one), node_id(CDC), 0]["flows"]) for one in (USERS, ORDERS_TABLE)
    }
    assert flows == {
        USERS: [{"to": node_id(topic("users")), "columns": [{"source": "id", "target": "user_id"}]}],
        ORDERS_TABLE: [{"to": node_id(topic("orders"))}],
    }


@given(any_graph())
def test_graphml_reads_back_whatever_the_names(graph: LineageGraph) -> None:
    read = nx.read_graphml(io.BytesIO(b"".join(graphml(graph))), force_multigraph=True)
    assert set(read.nodes) == {node_id(node) for node in graph.nodes}
    assert read.number_of_edges() == len(graph.edges)


def test_characters_that_xml_cannot_hold_are_escaped() -> None:
    node = topic("a\x00b\rc")
    read = nx.read_graphml(io.BytesIO(b"".join(graphml(build_graph(nodes=[node])))))
    assert read.nodes[node_id(node)]["name"] == "a\\u0000b\\u000dc"
