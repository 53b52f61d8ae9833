"""What feeds what among the assets, from the lineage graph."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from mesh_assets.analysis.graph import ColumnPair, LineageGraph, Node, NodeKind
from mesh_assets.components.mesh_asset import MeshAsset
from mesh_assets.components.names import AssetKind, Key, asset_key, dataset_key, function_key
from mesh_assets.inventory.records import Connector

_KINDS: dict[NodeKind, AssetKind] = {
    "topic": "topics",
    "connector": "connectors",
    "application": "consumer_groups",
    "dataset": "datasets",
    "function": "functions",
}
# Leaves out what a system keeps for itself, and what is merely permitted.
_PURPOSES = ("data", "dead_letter")


class Links:
    """The keys of the graph's nodes, and what feeds each."""

    def __init__(self, graph: LineageGraph) -> None:
        self._shared = _shared_names(graph.nodes)
        self._upstream: dict[Key, dict[Key, None]] = {}
        self._columns: dict[Key, dict[str, dict[tuple[Key, str], None]]] = {}
        self._topics: dict[Key, set[Key]] = {}  # those that a connector or application serves
        self._applications = {(node.cluster, node.name) for node in graph.nodes if node.kind == "application"}
        self.outside: Sequence[Node] = [node for node in graph.nodes if node.kind in ("dataset", "function")]
        called: dict[Node, list[Node]] = {}
        for edge in graph.edges:
            if edge.source.kind == "event_source_mapping":
                called.setdefault(edge.source, []).append(edge.target)
        for edge in graph.edges:
            # An event source mapping is not an asset: its topic feeds its function.
            for function in called.get(edge.target, ()):
                if (topic := self._key(edge.source)) is not None:
                    self._upstream.setdefault(function_key(function.name), {})[topic] = None
            if edge.purpose not in _PURPOSES or edge.known == "permitted":
                continue
            source, target = self._key(edge.source), self._key(edge.target)
            if source is None or target is None:
                continue
            self._upstream.setdefault(target, {})[source] = None
            if edge.purpose == "data":
                if edge.target.kind == "topic":
                    self._topics.setdefault(source, set()).add(target)
                elif edge.source.kind == "topic":
                    self._topics.setdefault(target, set()).add(source)
        for flow in graph.flows:
            source, target = self._key(flow.source), self._key(flow.target)
            if source is None or target is None:
                continue
            self._add_columns(source, target, flow.columns)
            # Nor is a statement: what it reads feeds what it writes.
            if flow.through.kind == "statement":
                self._upstream.setdefault(target, {})[source] = None

    def _add_columns(self, source: Key, target: Key, pairs: Iterable[ColumnPair] | None) -> None:
        for pair in pairs or ():
            sources = self._columns.setdefault(target, {}).setdefault(pair.target, {})
            sources[source, pair.source] = None

    def applications(self, cluster: str) -> set[str]:
        """The consumer groups of the cluster that are applications; the rest belong to a sink."""
        return {name for of, name in self._applications if of == cluster}

    def connector_key(self, cluster: str, connector: Connector) -> Key:
        return self._connector_key(cluster, connector.connect, connector.name)

    def placed(self, asset: MeshAsset, domains: Mapping[Key, str | None]) -> MeshAsset:
        """A connector or application in the domain of the topics that it reads and writes, if those with a domain agree.
        `domains`: of topics."""
        served = {domains.get(topic) for topic in self._topics.get(asset.key, ())} - {None}
        return replace(asset, domain=served.pop()) if len(served) == 1 else asset

    def linked(self, asset: MeshAsset) -> MeshAsset:
        """The asset with what feeds it."""
        upstream = self._upstream.get(asset.key)
        if upstream is None:
            return asset
        columns = {column: tuple(sources) for column, sources in self._columns.get(asset.key, {}).items()}
        return replace(asset, upstream=tuple(upstream), column_sources=columns)

    def _key(self, node: Node) -> Key | None:
        """None if it is not an asset."""
        kind = _KINDS.get(node.kind)
        if kind is None:
            return None
        if kind == "datasets":
            return dataset_key(node.namespace, node.name)
        if kind == "functions":
            return function_key(node.name)
        if node.cluster is None:
            return None
        if kind == "connectors":
            return self._connector_key(node.cluster, node.namespace or "", node.name)
        return asset_key(node.cluster, kind, node.name)

    def _connector_key(self, cluster: str, connect: str, name: str) -> Key:
        """A connector's name is unique only within its endpoint; where two share one, the endpoint is added. It is also added
        to a name with a slash, which could be taken for such a pair."""
        shared = (cluster, name) in self._shared or "/" in name
        return asset_key(cluster, "connectors", f"{connect}/{name}" if shared else name)


def _shared_names(nodes: Iterable[Node]) -> set[tuple[str, str]]:
    counts = Counter((node.cluster or "", node.name) for node in nodes if node.kind == "connector")
    return {name for name, number in counts.items() if number > 1}
