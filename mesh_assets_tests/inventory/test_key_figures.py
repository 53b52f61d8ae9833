from typing import Any

from mesh_assets.inventory.key_figures import KeyFigures, key_figures, key_figures_text
from mesh_assets.inventory.records import ClusterLoad, GroupRate, MetricsSource, TopicRate
from mesh_assets_tests.documents import some_metrics


def a_group(group_id: str, **lag: Any) -> GroupRate:
    return GroupRate(group_id=group_id, records_committed_per_second=None, lag_records=1, **lag)


def a_topic(rate: float | None) -> TopicRate:
    return TopicRate(topic="orders", records_in_per_second=rate, message_count=None)


def test_a_figure_without_a_source_is_left_out() -> None:
    assert key_figures(None) == key_figures(some_metrics()) == KeyFigures()
    assert key_figures_text(KeyFigures()) == ""


def test_every_known_figure_is_in_one_line() -> None:
    metrics = some_metrics(
        topics=(a_topic(100.25), a_topic(19.75), a_topic(None)),
        consumer_groups=(a_group("audit", lag_seconds=12.0), a_group("fraud-detection", lag_seconds=720.0)),
        cluster=ClusterLoad(
            load_percent=34.2,
            connections=1204,
            bytes_in_per_second=3_240_000.0,
            retained_bytes=41_000_000_000,
        ),
    )
    text = "120 records/s in   3.2 MB/s in   41 GB retained   load 34 %   1,204 connections   fraud-detection 12 min behind"
    assert key_figures_text(key_figures(metrics)) == text


def test_a_lower_bound_of_a_lag_is_marked_and_no_lag_is_left_out() -> None:
    bound = some_metrics(
        consumer_groups=(
            a_group("audit", lag_seconds=12.0),
            a_group("old", lag_seconds_at_least=86_400.0 * 3),
        )
    )
    assert key_figures_text(key_figures(bound)) == "old at least 3 days behind"
    assert (
        key_figures_text(key_figures(some_metrics(consumer_groups=(a_group("audit", lag_seconds=0.0),))))
        == ""
    )


def test_missing_sources_are_named() -> None:
    sources = (MetricsSource(name="offsets"), MetricsSource(name="confluent_cloud", error="refused"))
    assert key_figures(some_metrics(sources=sources)).errors == ("refused",)
