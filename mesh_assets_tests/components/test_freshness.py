"""A topic is late by its own usual gap, and never where that is unknown."""

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from mesh_assets.components import KafkaEstateComponent
from mesh_assets.components.analysed import rounded
from mesh_assets.defs.usual_gaps import usual_gaps_asset
from mesh_assets.readings.history import READINGS_A_CHUNK, Chunk, ReadingHistory
from mesh_assets.readings.reading import series_name
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.documents import MOMENT

ORDERS = dg.AssetKey(["warehouse", "topics", "orders"])


def _policies(location: str, *, freshness: bool = True) -> dict[str, dg.FreshnessPolicy]:
    definitions = KafkaEstateComponent(store=location, freshness=freshness).definitions_from_store()
    return {
        spec.key.to_user_string(): spec.freshness_policy
        for spec in definitions.resolve_all_asset_specs()
        if spec.freshness_policy is not None
    }


def _keep_readings(store: InventoryStore, cluster_id: str, series: str, *, hours: int) -> None:
    """A record each hour, read every five minutes."""
    begin = (MOMENT - timedelta(hours=hours)).timestamp()
    for hour in range(hours):
        times = [begin + hour * 3_600 + 300 * number for number in range(READINGS_A_CHUNK)]
        ReadingHistory(store.objects, cluster_id).insert(
            Chunk(times=times, ends={series: [hour] * READINGS_A_CHUNK}, commits={}, lags={})
        )


def test_a_topic_is_late_after_twice_its_longest_usual_gap_and_fails_after_four_times(
    store: InventoryStore,
    location: str,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from mesh_assets.definitions import defs

    (tmp_path / "estate.yaml").write_text(
        'clusters: {warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}}'
    )
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("MESH_STORE", location)
    cluster_id = store.cluster_id("warehouse")
    assert cluster_id is not None
    document = store.latest_document(cluster_id)
    assert document is not None
    [orders] = [topic for topic in document.topics if topic.name == "orders"]
    _keep_readings(store, cluster_id, series_name("orders", orders.id or ""), hours=8 * 24)
    before = _policies(location)

    made = dg.materialize([usual_gaps_asset()], instance=instance, resources=defs().resources)

    assert made.success

    assert before == {}
    assert _policies(location) == {
        ORDERS.to_user_string(): dg.FreshnessPolicy.time_window(
            fail_window=timedelta(hours=4), warn_window=timedelta(hours=2)
        )
    }
    assert _policies(location, freshness=False) == {}


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, 900), (900, 900), (901, 1_800), (3_600, 3_600), (10**9, 1_209_600)]
)
def test_gaps_are_rounded_up_so_that_the_state_changes_rarely(seconds: float, shown: int) -> None:
    assert rounded(seconds) == shown
