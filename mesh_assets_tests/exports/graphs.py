"""A small graph of every kind of node, and names that no format likes."""

from hypothesis import strategies as st

from mesh_assets.analysis.graph import (
    ColumnPair,
    Edge,
    Flow,
    LineageGraph,
    Node,
    NodeKind,
    Note,
    build_graph,
)

USERS = Node(kind="dataset", namespace="postgres://db:5432", name="shop.public.users")
ORDERS_TABLE = Node(kind="dataset", namespace="postgres://db:5432", name="shop.public.orders")
CDC = Node(kind="connector", cluster="warehouse", namespace="main", name="cdc")
SINK = Node(kind="connector", cluster="warehouse", namespace="main", name="lake")
LAKE = Node(kind="dataset", namespace="s3://lake", name="topics")
FRAUD = Node(kind="application", cluster="warehouse", name="fraud")
JOIN = Node(kind="statement", cluster="warehouse", name="join")
MAPPING = Node(kind="event_source_mapping", name="u-1")
SCORE = Node(kind="function", name="score")


def topic(name: str, cluster: str = "warehouse") -> Node:
    return Node(kind="topic", cluster=cluster, name=name)


def edge(source: Node, target: Node, **fields: object) -> Edge:
    return Edge(source=source, target=target, **{"known": "declared", "by": "its config", **fields})  # type: ignore[arg-type]


EVERY_KIND = build_graph(
    nodes=[topic("lonely")],
    edges=[
        edge(USERS, CDC),
        edge(ORDERS_TABLE, CDC),
        edge(CDC, topic("users")),
        edge(topic("people", "afar"), topic("lonely"), known="observed", by="the cluster link dr"),
        edge(CDC, topic("orders"), active=True),
        edge(CDC, topic("heartbeat"), purpose="internal"),
        edge(topic("orders"), SINK, known="observed"),
        edge(SINK, LAKE),
        edge(SINK, topic("orders-dlq"), purpose="dead_letter"),
        edge(topic("orders"), FRAUD, known="observed", active=False, by="committed offsets, of earlier"),
        edge(topic("users"), FRAUD, known="permitted"),
        edge(topic("orders"), JOIN),
        edge(topic("users"), JOIN),
        edge(JOIN, topic("joined")),
        edge(topic("joined"), MAPPING),
        edge(MAPPING, SCORE),
        edge(
            Node(kind="subject", cluster="warehouse", name="orders-value"),
            topic("orders"),
            known="inferred",
            purpose="schema",
        ),
    ],
    flows=[
        Flow(
            source=USERS,
            through=CDC,
            target=topic("users"),
            columns=(ColumnPair(source="id", target="user_id"),),
        ),
        Flow(source=ORDERS_TABLE, through=CDC, target=topic("orders")),
    ],
    notes=[Note(node=CDC, text="a transform cannot be followed")],
)

_KINDS: tuple[NodeKind, ...] = ("dataset", "connector", "topic", "subject", "application", "function")
any_name = st.text(min_size=1, max_size=12)
any_node = st.builds(
    Node,
    kind=st.sampled_from(_KINDS),
    name=any_name,
    cluster=st.none() | any_name,
    namespace=st.none() | any_name,
)


@st.composite
def any_graph(draw: st.DrawFn) -> LineageGraph:
    nodes = draw(st.lists(any_node, min_size=1, max_size=6))
    ends = st.sampled_from(nodes)
    edges = draw(st.lists(st.builds(edge, ends, ends, by=any_name), max_size=8))
    return build_graph(nodes=nodes, edges=edges)
