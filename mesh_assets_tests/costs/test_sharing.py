"""Who uses what: everything adds up, and unknown values are never 0."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mesh_assets.analysis.graph import LineageGraph
from mesh_assets.costs.records import CostRow, EstateCosts, TakerKind
from mesh_assets.costs.sharing import share_costs
from mesh_assets.costs.text import cost_lines
from mesh_assets.estate.costs import DRIVERS, ClusterPrices, CostSettings, Driver
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import ConnectorTopic, GroupRate, TopicRate
from mesh_assets.inventory.storage_records import TopicStorage
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import estate_graph
from mesh_assets_tests.documents import (
    NEVER_READ,
    STALE,
    a_connector,
    a_document,
    a_group,
    a_metrics,
    a_topic,
)

GIB = 2**30
KINDS: tuple[TakerKind, ...] = ("topic", "domain", "product", "application")


def a_cluster(
    rates: Mapping[str, tuple[float | None, float | None, int | None]], **fields: object
) -> Document:
    """Topics with bytes in, out (a second) and kept; all copies are twice that."""
    metrics = replace(
        a_metrics(),
        topics=tuple(
            TopicRate(
                topic=name,
                records_in_per_second=1.0,
                message_count=None,
                bytes_in_per_second=into,
                bytes_out_per_second=out,
            )
            for name, (into, out, _) in rates.items()
        ),
    )
    topics = tuple(
        a_topic(
            name,
            partitions=number + 1,
            storage=TopicStorage(leader_bytes=kept, replica_bytes=None if kept is None else 2 * kept),
        )
        for number, (name, (_, _, kept)) in enumerate(rates.items())
    )
    return a_document(**{"topics": topics, "metrics": metrics, **fields})  # type: ignore[arg-type]


def costs_of(
    document: Document, settings: CostSettings | None = None, *, graph: LineageGraph | None = None
) -> EstateCosts:
    names = [topic.name for topic in document.topics]
    return share_costs(
        [document],
        graph or estate_graph([ClusterFacts(document=document)]),
        settings or CostSettings(),
        domains={("warehouse", name): "shop" for name in names[:2]},
        products={("warehouse", name): f"p{at % 2}" for at, name in enumerate(names[1:])},
    )


def row(costs: EstateCosts, kind: TakerKind, name: str | None) -> CostRow:
    [found] = [one for one in costs.rows_of(kind) if one.name == name]
    return found


def priced(**prices: object) -> CostSettings:
    return CostSettings(currency="EUR", prices=(ClusterPrices(**prices),))  # type: ignore[arg-type]


_figure = st.none() | st.floats(0, 1e9)
_rates = st.dictionaries(
    st.sampled_from(["orders", "users", "returns", "stock"]),
    st.tuples(_figure, _figure, st.none() | st.integers(0, 10**12)),
    max_size=4,
)


@given(
    _rates,
    st.lists(st.lists(st.sampled_from(["orders", "users", "gone"]), max_size=2), max_size=3),
    st.lists(st.lists(st.sampled_from(["orders", "users"]), min_size=1, max_size=2), max_size=3),
    st.sampled_from(DRIVERS),
)
def test_the_shares_and_costs_of_all_rows_of_a_kind_add_up_to_the_whole(
    rates: dict[str, tuple[float | None, float | None, int | None]],
    connectors: list[list[str]],
    groups: list[list[str]],
    month_by: Driver,
) -> None:
    document = a_cluster(
        rates,
        connectors=tuple(
            a_connector(
                f"c{at}",
                tasks=("RUNNING",) * (at + 1),
                topics=tuple(ConnectorTopic(name=name, known="declared") for name in names),
            )
            for at, names in enumerate(connectors)
        ),
        consumer_groups=tuple(a_group(f"g{at}", topics=tuple(set(names))) for at, names in enumerate(groups)),
    )
    settings = priced(
        gib_in=1.0, gib_out=2.0, gib_month_replicas=3.0, partition_hour=0.5, month=100.0, month_by=month_by
    )
    costs = costs_of(document, settings)
    for kind in KINDS:
        rows = costs.rows_of(kind)
        for total in costs.totals:
            values = [value for one in rows if (value := one.of(total.driver).value) is not None]
            shares = [share for one in rows if (share := one.of(total.driver).share) is not None]
            if total.value:
                assert sum(values) == pytest.approx(total.value)
                assert sum(shares) == pytest.approx(1.0)
            else:
                assert not any(values)
                assert not shares
        assert sum(one.cost or 0.0 for one in rows) == pytest.approx(costs.cost or 0.0)
        if costs.cost:
            assert sum(one.cost_share or 0.0 for one in rows) == pytest.approx(1.0)


def test_a_driver_without_a_source_is_unknown_with_the_reason_and_has_no_share() -> None:
    costs = costs_of(a_cluster({"orders": (None, 5.0, None)}))
    taken = row(costs, "topic", "orders").of("bytes_in_per_second")
    assert (taken.value, taken.share, taken.unknown) == (None, None, 1)
    assert taken.reason == "offsets reports no bytes for the topic"
    assert (
        row(costs, "topic", "orders").of("retained_bytes").reason
        == "no source of the cluster reports bytes on disk"
    )
    assert row(costs, "topic", "orders").of("bytes_out_per_second").share == 1.0


def test_a_sum_with_an_unknown_part_counts_its_topics_and_its_cost_is_a_lower_bound() -> None:
    costs = costs_of(
        a_cluster({"orders": (1.0, 0.0, GIB), "users": (1.0, 0.0, None)}), priced(gib_month_retained=2.0)
    )
    shop = row(costs, "domain", "shop")
    assert (shop.of("retained_bytes").value, shop.of("retained_bytes").unknown) == (GIB, 1)
    assert shop.cost == pytest.approx(2.0)
    assert shop.cost_unknown == ("retained_bytes",)
    assert "at least 2.00 EUR a month, at the rates and sizes of the newest documents" in cost_lines(
        costs, ()
    )


def test_prices_are_per_gib_per_hour_and_per_month_of_730_hours() -> None:
    settings = priced(gib_in=0.5, gib_month_replicas=0.1, partition_hour=0.001, connector_task_hour=0.02)
    document = a_cluster(
        {"orders": (1024.0, 9.0, 5 * GIB)}, connectors=(a_connector(tasks=("RUNNING",) * 2),)
    )
    one = row(costs_of(document, settings), "topic", "orders")
    assert one.of("bytes_in_per_second").cost == pytest.approx(0.5 * 1024 * 730 * 3600 / GIB)
    assert one.of("replica_bytes").cost == pytest.approx(0.1 * 10)
    assert one.of("partitions").cost == pytest.approx(0.73)
    assert one.of("connector_tasks").cost == pytest.approx(2 * 0.02 * 730)
    assert one.of("bytes_out_per_second").cost is None


def test_fully_known_costs_are_stated_plainly() -> None:
    costs = costs_of(a_cluster({"orders": (1.0, 0.0, GIB)}), priced(gib_month_retained=2.0))
    assert "2.00 EUR a month, at the rates and sizes of the newest documents" in cost_lines(costs, ())


def test_without_prices_there_are_quantities_and_shares_and_no_money() -> None:
    costs = costs_of(a_cluster({"orders": (1.0, 2.0, 3)}))
    assert (costs.currency, costs.cost) == (None, None)
    assert {one.cost for one in costs.rows} == {None}
    assert row(costs, "topic", "orders").of("retained_bytes").share == 1.0


def test_a_clusters_monthly_cost_is_shared_by_the_driver_that_the_estate_names() -> None:
    costs = costs_of(
        a_cluster({"orders": (3.0, 0.0, 0), "users": (1.0, 0.0, 0)}),
        priced(month=200.0, month_by="bytes_in_per_second"),
    )
    assert row(costs, "topic", "orders").fixed_cost == pytest.approx(150.0)
    assert costs.cost == 200.0


def test_a_monthly_cost_that_nothing_shares_is_reported_as_unassigned() -> None:
    costs = costs_of(
        a_cluster({"orders": (None, None, None)}), priced(month=200.0, month_by="retained_bytes")
    )
    assert row(costs, "topic", None).cost == 200.0
    assert row(costs, "topic", "orders").cost is None
    assert "the monthly cost of warehouse is not shared" in costs.notes[0]


def test_a_cluster_without_matching_prices_is_reported() -> None:
    costs = costs_of(a_cluster({"orders": (1.0, 1.0, 1)}), priced(clusters="prod-*", partition_hour=1.0))
    assert costs.notes == ("warehouse has no prices: no entry of `costs.prices` matches it",)
    assert costs.cost is None


def test_bytes_out_belong_wholly_to_an_only_reader() -> None:
    document = a_cluster({"orders": (1.0, 8.0, 1)}, consumer_groups=(a_group("fraud"),))
    assert row(costs_of(document), "application", "application fraud").of("bytes_out_per_second").value == 8.0


def test_bytes_out_of_several_readers_are_divided_by_records_where_each_reads_that_topic_alone() -> None:
    document = a_cluster({"orders": (1.0, 8.0, 1)}, consumer_groups=(a_group("fraud"), a_group("stock")))
    metrics = document.metrics
    assert metrics is not None
    rates = tuple(
        GroupRate(group_id=group, records_committed_per_second=rate, lag_records=0)
        for group, rate in (("fraud", 3.0), ("stock", 1.0))
    )
    costs = costs_of(replace(document, metrics=replace(metrics, consumer_groups=rates)))
    assert row(costs, "application", "application fraud").of("bytes_out_per_second").value == 6.0
    assert row(costs, "application", "application stock").of("bytes_out_per_second").share == 0.25


def test_bytes_shared_in_unknown_parts_are_assigned_to_no_reader_and_each_reader_says_so() -> None:
    document = a_cluster({"orders": (1.0, 8.0, 1)}, consumer_groups=(a_group("fraud"), a_group("stock")))
    costs = costs_of(document)
    taken = row(costs, "application", "application fraud").of("bytes_out_per_second")
    assert (taken.value, taken.unknown) == (None, 1)
    assert taken.reason == "2 readers of orders, whose bytes are counted together"
    assert row(costs, "application", None).of("bytes_out_per_second").value == 8.0


def test_what_an_application_writes_to_other_topics_is_unknown_and_not_0() -> None:
    document = a_cluster({"orders": (1.0, 8.0, 1)}, consumer_groups=(a_group("fraud"),))
    taken = row(costs_of(document), "application", "application fraud").of("bytes_in_per_second")
    assert (taken.value, taken.reason) == (None, "brokers count bytes by topic, not by who writes them")


def test_tasks_are_spread_over_the_topics_of_a_connector_and_count_wholly_for_the_connector() -> None:
    both = tuple(ConnectorTopic(name=name, known="declared") for name in ("orders", "users"))
    document = a_cluster(
        {"orders": (1.0, 1.0, 1), "users": (1.0, 1.0, 1)},
        connectors=(a_connector("lake", tasks=("RUNNING",) * 3, topics=both), a_connector("idle", topics=())),
    )
    costs = costs_of(document)
    assert row(costs, "topic", "orders").of("connector_tasks").value == 1.5
    assert row(costs, "topic", None).of("connector_tasks").value == 1.0
    assert row(costs, "application", "connector lake on main").of("connector_tasks").value == 3.0


def test_tasks_that_a_connector_does_not_report_are_unknown() -> None:
    arn = "arn:aws:kafkaconnect:eu-west-1:123456789012:connector/orders-sink/1"
    document = a_cluster({"orders": (1.0, 1.0, 1)}, connectors=(a_connector(tasks=(), id=arn),))
    taken = row(costs_of(document), "topic", "orders").of("connector_tasks")
    assert (taken.value, taken.reason) == (None, "MSK Connect reports no tasks for orders-sink")


def test_unread_and_old_sections_are_reported() -> None:
    document = a_cluster({"orders": (1.0, 1.0, 1)}, sections={"connectors": NEVER_READ, "topics": STALE})
    costs = costs_of(document)
    assert row(costs, "topic", "orders").of("connector_tasks").value is None
    assert [note.partition(" are not")[0] for note in costs.notes[:2]] == [
        "warehouse: topics",
        "warehouse: connectors",
    ]
