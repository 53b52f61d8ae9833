"""Which things become assets, and what the notes say about the others."""

from graphlib import TopologicalSorter

from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.components.estate_state import ClusterState, EstateState, estate_assets
from mesh_assets.components.mesh_asset import MeshAsset
from mesh_assets.components.names import AssetKind, Key
from mesh_assets.components.selection import Selection, select_assets
from mesh_assets_tests.components.a_shop import a_shop


def _state(*clusters: str) -> EstateState:
    return EstateState(
        clusters=tuple(ClusterState(name=name, cluster_id=name) for name in clusters),
        assets=tuple(estate_assets(dict.fromkeys(clusters, a_shop()))),
    )


def _thing(key: Key, *upstream: Key) -> MeshAsset:
    kind: AssetKind = "topics" if key[1] == "topics" else "connectors"
    return MeshAsset(key=key, kind=kind, cluster=key[0], name=key[2], description="", upstream=upstream)


def _names(state: EstateState, selection: Selection, limit: int = 100) -> list[str]:
    return ["/".join(asset.key) for asset in select_assets(state, selection, limit=limit).assets]


def test_patterns_match_whole_keys_and_exclusion_wins() -> None:
    state = _state("warehouse", "cloud")

    assert _names(state, Selection(include=("*/topics/*",), exclude=("cloud/*",))) == [
        "warehouse/topics/orders",
        "warehouse/topics/refunds",
    ]
    assert _names(state, Selection(clusters=("cloud",), kinds=("connectors", "consumer_groups"))) == [
        "cloud/connectors/orders-sink",
        "cloud/consumer_groups/fraud-detection",
    ]


def test_a_pattern_that_matches_nothing_is_named() -> None:
    include = ("*/topics/orders", "warehouse/topics/refunds", "warehouse/topic/*", "warehouse/topics/order")
    selected = select_assets(_state("warehouse"), Selection(include=include), limit=100)

    assert selected.notes == (
        "nothing in the estate matches warehouse/topic/*, warehouse/topics/order in include; keys look like "
        "warehouse/topics/orders",
    )
    assert select_assets(_state(), Selection(include=include), limit=100).notes == (
        "the store knows no cluster; run `mesh-assets discover` into it, then refresh the state: dg utils refresh-defs-state",
    )


def test_unselected_things_feed_nothing() -> None:
    selected = select_assets(_state("warehouse"), Selection(exclude=("*/orders",)), limit=100)

    assert {asset.key[2]: asset.upstream for asset in selected.assets} == {
        "refunds": (),
        "orders-sink": (),
        "fraud-detection": (),
    }
    assert selected.notes == ()


def test_over_the_limit_topics_come_first_and_the_rest_is_reported() -> None:
    selected = select_assets(_state("warehouse"), Selection(), limit=2)

    assert [asset.name for asset in selected.assets] == ["orders", "refunds"]
    assert selected.notes == (
        "2 things of the estate are left out over the limit of 2 assets (1 connector, 1 consumer group: "
        "warehouse/connectors/orders-sink, warehouse/consumer_groups/fraud-detection); select fewer with include, exclude, things or "
        "clusters, or raise limit",
    )


def test_a_cluster_missing_from_the_state_is_reported() -> None:
    [note] = select_assets(_state("warehouse"), Selection(clusters=("payments",)), limit=2).notes

    assert note.startswith("the state has no cluster payments (it has: warehouse); discover it")


def test_an_empty_store_is_reported() -> None:
    [note] = select_assets(EstateState(clusters=()), Selection(), limit=2).notes

    assert note.startswith("the store knows no cluster; run `mesh-assets discover`")


def test_a_sink_that_writes_dead_letters_to_the_topic_it_reads_gives_no_cycle() -> None:
    topic, sink = ("w", "topics", "t"), ("w", "connectors", "s")
    circle = (
        _thing(topic, sink),
        _thing(sink, topic),
    )
    state = EstateState(clusters=(ClusterState(name="w", cluster_id="w"),), assets=circle)

    first, second = select_assets(state, Selection(), limit=9).assets

    assert (first.upstream, second.upstream) == ((sink,), ())
    assert second.facts == {"also_fed_by": "w/topics/t"}


_NUMBERS = st.integers(0, 7)


@given(st.dictionaries(_NUMBERS, st.lists(_NUMBERS, max_size=4), max_size=8))
def test_no_graph_has_a_cycle_and_no_acyclic_edge_is_lost(
    graph: dict[int, list[int]],
) -> None:
    def key(number: int) -> Key:
        return ("w", "topics", str(number))

    assets = tuple(_thing(key(number), *map(key, dict.fromkeys(before))) for number, before in graph.items())
    state = EstateState(clusters=(ClusterState(name="w", cluster_id="w"),), assets=assets)

    selected = select_assets(state, Selection(), limit=9).assets

    tuple(TopologicalSorter({asset.key: asset.upstream for asset in selected}).static_order())
    for before, after in zip(assets, selected, strict=True):
        lost = {one for one in before.upstream if one[2] in map(str, graph)} - set(after.upstream)
        assert bool(lost) == ("also_fed_by" in after.facts)
