"""A connector's lineage from its config alone, as short texts for the tables in the rules' tests."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mesh_assets.inventory.records import ConnectorTopic
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import cluster_graph
from mesh_assets_tests.documents import a_connector, a_document, a_topic


class Told(NamedTuple):
    """`flows`: `dataset → topic` of a source, `topic → dataset` of a sink. `edges`: ` source → target (known)` of data without
    a flow, with `·` for the connector. `internal`: likewise. `notes`: of the connector."""

    flows: set[str]
    edges: set[str]
    internal: set[str]
    notes: list[str]
    known: dict[str, str]


def told(
    kind: str,
    config: Mapping[str, str],
    *,
    topics: Sequence[str] = (),
    observed: Sequence[str] = (),
    others: Sequence[Mapping[str, str]] = (),
) -> Told:
    """`kind`: source or sink. `topics`: those of the cluster. `observed`: those that Connect saw it use. `others`: configs
    of the cluster's other connectors."""
    named = (
        [name.strip() for name in config.get("topics", "").split(",") if name.strip()]
        if kind == "sink"
        else []
    )
    used = {name: ConnectorTopic(name=name, known="declared") for name in named}
    used |= {name: ConnectorTopic(name=name, known="observed") for name in observed}
    connector = a_connector(
        "c",
        type=kind,
        topics=tuple(used.values()),
        config={"topics": "", **config},
        connector_class=config["connector.class"],
    )
    rest = tuple(
        a_connector(f"other-{at}", type="source", topics=(), config={"topics": "", **one})
        for at, one in enumerate(others)
    )
    document = a_document(topics=tuple(map(a_topic, topics)), connectors=(connector, *rest))
    graph = cluster_graph(ClusterFacts(document=document))

    def short(node: object) -> str:
        return str(node).removeprefix("dataset ").removeprefix("topic ").replace("connector c", "·")

    flows = {
        f"{short(flow.source)} → {short(flow.target)}" for flow in graph.flows if flow.through.name == "c"
    }
    mine = [edge for edge in graph.edges if "c" in (edge.source.name, edge.target.name)]
    paired = {node for flow in graph.flows for node in (flow.source, flow.target)}
    return Told(
        flows=flows,
        edges={
            f"{short(edge.source)} → {short(edge.target)}"
            for edge in mine
            if edge.purpose == "data" and not {edge.source, edge.target} & paired
        },
        internal={
            f"{short(edge.source)} → {short(edge.target)}" for edge in mine if edge.purpose == "internal"
        },
        notes=[note.text for note in graph.notes if note.node.name == "c"],
        known={f"{short(edge.source)} → {short(edge.target)}": edge.known for edge in mine},
    )
