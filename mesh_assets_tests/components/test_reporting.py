"""Topics with new records wake what depends on them, and nothing else does."""

import warnings
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.components.mounted import Mounted, forget_mounted, keep_mounted
from mesh_assets.components.reporting import (
    Ends,
    TopicEnd,
    data_version,
    is_news,
    reading_ends,
    report_records,
    section_ends,
    wake_dependents,
)
from mesh_assets.components.selection import Selection
from mesh_assets.errors import MeshError, StoreError
from mesh_assets.inventory.records import Partition, Topic
from mesh_assets.inventory.sections import SectionState, TopicsSection
from mesh_assets.readings.reading import Reading, series_name
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import FRESH, STALE, a_topic

ORDERS = dg.AssetKey(["warehouse", "topics", "orders"])


@dg.asset(deps=[ORDERS], automation_condition=dg.AutomationCondition.eager())
def totals() -> None:
    """Of another project."""


DEFINITIONS = dg.Definitions(assets=[dg.AssetSpec(ORDERS), totals])


@pytest.fixture
def shown(location: str) -> InventoryStore:
    """A store in which a component shows every topic."""
    store = InventoryStore(open_store(location))
    keep_mounted(store.objects, Mounted(component="all", selection=Selection()))
    return store


def _ends(*topics: tuple[str, int], identity: str = "id", at: float = 1.0) -> Ends:
    return Ends(
        ends=tuple(TopicEnd(series_name(name, identity), end, at) for name, end in topics),
        topics=frozenset(name for name, _ in topics),
    )


def _report(
    instance: dg.DagsterInstance, store: InventoryStore, ends: Ends, **options: Any
) -> tuple[int, int]:
    told = report_records(
        instance,
        store.objects,
        lambda: ends,
        **{"cluster": "warehouse", "cluster_id": "lkc-1", "seconds": 60.0, **options},
    )
    return told.reported, told.waiting


def _versions(instance: dg.DagsterInstance, key: dg.AssetKey = ORDERS) -> list[str | None]:
    """Oldest first."""
    found = instance.fetch_materializations(key, limit=50).records
    return [
        record.asset_materialization.tags["dagster/data_version"]
        for record in reversed(found)
        if record.asset_materialization is not None and record.asset_materialization.tags is not None
    ]


def test_records_wake_the_dependents_of_their_topic_and_nothing_else_does(
    instance: dg.DagsterInstance, shown: InventoryStore
) -> None:
    def requested(cursor: Any) -> tuple[int, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)  # about Dagster's own calls
            result = dg.evaluate_automation_conditions(DEFINITIONS, instance=instance, cursor=cursor)
        return result.total_requested, result.cursor

    _report(instance, shown, _ends(("orders", 0)))
    empty, cursor = requested(None)
    _report(instance, shown, _ends(("orders", 3)))
    arrived, cursor = requested(cursor)
    dg.materialize([totals], instance=instance)
    _report(instance, shown, _ends(("orders", 3), at=2.0))
    quiet, cursor = requested(cursor)
    _report(instance, shown, _ends(("orders", 4), at=3.0))
    again, cursor = requested(cursor)

    assert (empty, arrived, quiet, again) == (0, 1, 0, 1)


def test_only_what_changed_is_reported(instance: dg.DagsterInstance, shown: InventoryStore) -> None:
    first = _report(instance, shown, _ends(("orders", 3), ("refunds", 1), ("empty", 0)))
    second = _report(instance, shown, _ends(("orders", 3), ("refunds", 2), ("empty", 0), at=2.0))

    assert (first, second) == ((2, 0), (1, 0))
    assert len(_versions(instance)) == 1
    [newest] = instance.fetch_materializations(
        dg.AssetKey(["warehouse", "topics", "refunds"]), limit=1
    ).records
    assert newest.asset_materialization is not None
    assert newest.asset_materialization.metadata["new_offsets"].value == 1


def test_a_recreated_topic_has_a_new_version(instance: dg.DagsterInstance, shown: InventoryStore) -> None:
    _report(instance, shown, _ends(("orders", 3), identity="first"))
    _report(instance, shown, _ends(("orders", 3), identity="second", at=2.0))

    before, after = _versions(instance)
    assert before != after


def test_a_late_reading_takes_nothing_back(instance: dg.DagsterInstance, shown: InventoryStore) -> None:
    _report(instance, shown, _ends(("orders", 9), identity="second", at=5.0))
    _report(instance, shown, _ends(("orders", 7), identity="second", at=4.0))
    _report(instance, shown, _ends(("orders", 8), identity="first", at=3.0))

    assert len(_versions(instance)) == 1


def test_without_a_component_nothing_is_read_or_reported(instance: dg.DagsterInstance, location: str) -> None:
    def never() -> Ends:
        raise AssertionError("nobody shows topics")

    store = InventoryStore(open_store(location))
    for prepare in (
        lambda: None,
        lambda: keep_mounted(store.objects, Mounted(component="x", selection=Selection(clusters=("other",)))),
        lambda: keep_mounted(
            store.objects, Mounted(component="x", selection=Selection(kinds=("connectors",)))
        ),
    ):
        prepare()
        told = report_records(
            instance, store.objects, never, cluster="warehouse", cluster_id="lkc-1", seconds=5
        )
        assert told.reported == told.waiting == 0


def test_the_estate_can_turn_it_off(instance: dg.DagsterInstance, shown: InventoryStore) -> None:
    assert _report(instance, shown, _ends(("orders", 3)), seconds=0.0) == (0, 0)


def test_what_a_sensor_reads_is_reported_only_for_components_that_want_it(
    instance: dg.DagsterInstance, location: str
) -> None:
    store = InventoryStore(open_store(location))
    looking = Mounted(component="x", selection=Selection(), between_discoveries=False)
    keep_mounted(store.objects, looking)

    by_sensor = _report(instance, store, _ends(("orders", 3)), discovery=False)
    by_discovery = _report(instance, store, _ends(("orders", 3)))

    assert (by_sensor, by_discovery) == ((0, 0), (1, 0))


def test_topics_that_no_component_selects_are_not_reported(
    instance: dg.DagsterInstance, location: str
) -> None:
    store = InventoryStore(open_store(location))
    only = Mounted(component="one", selection=Selection(include=("*/topics/orders",)))
    keep_mounted(store.objects, only)

    assert _report(instance, store, _ends(("orders", 3), ("refunds", 3))) == (1, 0)
    forget_mounted(store.objects, "one")
    assert _report(instance, store, _ends(("orders", 4), ("refunds", 4))) == (0, 0)


def test_a_renamed_topic_is_reported_under_its_new_key_once_shown_so(
    instance: dg.DagsterInstance, shown: InventoryStore
) -> None:
    _report(instance, shown, _ends(("orders", 3)))
    keep_mounted(
        shown.objects,
        Mounted(
            component="dbt", selection=Selection(), renamed={"warehouse/topics/orders": ("raw", "orders")}
        ),
    )

    assert _report(instance, shown, _ends(("orders", 3), at=2.0)) == (1, 0)
    assert len(_versions(instance, dg.AssetKey(["raw", "orders"]))) == 1
    assert len(_versions(instance)) == 1


def test_reports_that_exceed_the_time_come_next_and_everyone_gets_a_turn(
    instance: dg.DagsterInstance, shown: InventoryStore
) -> None:
    def ticking() -> Callable[[], float]:
        """A second passes between two readings of the clock."""
        moments = iter(range(1_000))
        return lambda: float(next(moments))

    def grown(at: float) -> Ends:
        return _ends(*((f"t{number}", int(at)) for number in range(5)), at=at)

    told = [_report(instance, shown, grown(at), seconds=3.0, clock=ticking()) for at in (1.0, 2.0, 3.0)]

    assert told == [(2, 3)] * 3
    counts = [len(_versions(instance, dg.AssetKey(["warehouse", "topics", f"t{n}"]))) for n in range(5)]
    assert counts == [2, 1, 1, 1, 1]


def test_reports_that_dagster_cannot_keep_are_logged_without_secrets_and_tried_again(
    instance: dg.DagsterInstance, shown: InventoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise OSError("postgres://dagster:hunter2hunter2@db/events does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(instance, "report_runless_asset_event", refuse)
        with pytest.raises(
            MeshError, match="could not keep that records came to warehouse/topics/orders"
        ) as told:
            _report(instance, shown, _ends(("orders", 3)))
        line = wake_dependents(
            instance, shown, lambda: _ends(("orders", 3)), cluster="warehouse", cluster_id="lkc-1", seconds=5
        )

    assert line is not None
    assert line.startswith("warehouse: not every topic with new records was reported to Dagster")
    assert "hunter2" not in str(told.value) + line
    assert _report(instance, shown, _ends(("orders", 3))) == (1, 0)


def test_another_instance_has_received_no_report(instance: dg.DagsterInstance, shown: InventoryStore) -> None:
    _report(instance, shown, _ends(("orders", 3)))

    with dg.DagsterInstance.ephemeral() as other:
        assert _report(other, shown, _ends(("orders", 3))) == (1, 0)


def test_two_processes_keep_what_each_reported(
    instance: dg.DagsterInstance, shown: InventoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = instance.report_runless_asset_event

    def meanwhile(event: Any) -> None:
        monkeypatch.setattr(instance, "report_runless_asset_event", report)
        _report(instance, shown, Ends(ends=_ends(("refunds", 1)).ends, topics=None))
        report(event)

    _report(instance, shown, _ends(("other", 1)))
    monkeypatch.setattr(instance, "report_runless_asset_event", meanwhile)
    both = Ends(ends=_ends(("orders", 3)).ends, topics=None)
    _report(instance, shown, both)

    assert _report(instance, shown, _ends(("orders", 3), ("refunds", 1), ("other", 1))) == (0, 0)


def test_a_damaged_record_of_reports_is_reported(instance: dg.DagsterInstance, shown: InventoryStore) -> None:
    _report(instance, shown, _ends(("orders", 3)))
    [entry] = shown.objects.list("assets/reported/")
    shown.objects.put(entry.key, b"nonsense")

    with pytest.raises(StoreError, match=r"lkc-1\.bin does not say what was reported to Dagster"):
        _report(instance, shown, _ends(("orders", 3)))


def _section(*topics: Topic, state: SectionState = FRESH) -> TopicsSection:
    return TopicsSection(cluster_id="lkc-1", state=state, records=topics)


def _partition(number: int, latest: int | None) -> Partition:
    return Partition(
        partition=number, leader=1, replicas=(1,), isr=(1,), earliest=0, latest=latest, error=None
    )


def test_a_topic_with_an_unknown_partition_reports_nothing() -> None:
    half = a_topic("half", partitions=2)
    half = type(half)(
        **{name: getattr(half, name) for name in half.__struct_fields__}
        | {"partitions": (_partition(0, 5), _partition(1, None))}
    )

    read = section_ends(_section(half, a_topic("orders", partitions=2)))

    assert [(end.series.partition("/")[0], end.end) for end in read.ends] == [("orders", 20)]
    assert read.topics == frozenset({"half", "orders"})


def test_a_stale_section_reports_nothing() -> None:
    assert section_ends(_section(a_topic("orders"), state=STALE)) == Ends(ends=(), topics=None)


def test_a_sensors_reading_and_a_discovery_report_the_same_version() -> None:
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    reading = Reading(
        read_at=moment,
        ends={series_name("orders", "id-of-orders"): 10},
        commits={},
        lags={},
        topics=frozenset({"orders"}),
        groups=frozenset(),
    )

    [of_discovery] = section_ends(_section(a_topic("orders"))).ends
    [of_sensor] = reading_ends(reading).ends

    assert data_version(of_discovery) == data_version(of_sensor)


_end = st.builds(
    partial(TopicEnd), st.sampled_from(["t/a", "t/b"]), st.integers(0, 3), st.integers(0, 3).map(float)
)


@given(st.lists(_end, max_size=12))
def test_an_identity_never_goes_back_whatever_the_order_of_readings(ends: Iterable[TopicEnd]) -> None:
    before: TopicEnd | None = None
    for end in ends:
        if is_news(end, before):
            assert before is None or before.series != end.series or end.end > before.end
            assert before is None or data_version(before) != data_version(end)
            before = end
