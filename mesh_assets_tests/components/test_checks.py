"""Checks of assets: how findings decide them, who is informed, and when."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.components import KafkaEstateComponent
from mesh_assets.components.check_reports import report_checks
from mesh_assets.components.checks import judge_asset
from mesh_assets.components.mounted import Mounted, keep_mounted
from mesh_assets.components.selection import Selection
from mesh_assets.estate.findings import FINDING_KINDS
from mesh_assets.findings.finding import SEVERITIES, Finding
from mesh_assets.findings.history import ClusterFindings, EstateFindings, findings_results
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import MOMENT, a_document, a_group, a_topic
from mesh_assets_tests.published import publish

SINK = dg.AssetKey(["warehouse", "connectors", "orders-sink"])
ORDERS = dg.AssetKey(["warehouse", "topics", "orders"])


def a_finding(**fields: Any) -> Finding:
    return Finding(
        **{
            "id": "1",
            "kind": "failed_connector",
            "severity": "critical",
            "cluster": "warehouse",
            "resource_type": "connector",
            "resource": "orders-sink",
            "sentence": "orders-sink: 1 of 1 tasks FAILED",
            **fields,
        }
    )


UNREAD = a_finding(
    id="2",
    kind="unread_topic",
    severity="info",
    resource_type="topic",
    resource="orders",
    sentence="nobody reads orders",
)


def _found(*findings: Finding) -> EstateFindings:
    return EstateFindings(
        clusters=(
            ClusterFindings(cluster="warehouse", cluster_id="lkc-1", judged_at=MOMENT, findings=findings),
        )
    )


@pytest.fixture
def shown(location: str) -> InventoryStore:
    """A store in which a component shows every thing with both kinds of checks."""
    store = InventoryStore(open_store(location))
    keep_mounted(
        store.objects,
        Mounted(component="all", selection=Selection(), checks=("findings", "failed_connector")),
    )
    return store


def _evaluations(instance: dg.DagsterInstance, key: dg.AssetKey, check: str) -> list[tuple[bool, str | None]]:
    """Whether it passed and what it says, oldest first."""
    records = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(key, check), limit=50
    )
    found = []
    for record in reversed(records):
        assert record.event is not None
        evaluation = record.event.asset_check_evaluation
        assert evaluation is not None
        found.append((evaluation.passed, evaluation.description))
    return found


def test_a_check_is_reported_when_it_starts_and_stops_failing_and_not_in_between(
    instance: dg.DagsterInstance, shown: InventoryStore
) -> None:
    def report(*findings: Finding) -> list[str]:
        return report_checks(instance, shown, _found(*findings), seconds=60)

    assert report() == []
    assert report(a_finding()) == ["2 checks of assets reported to Dagster"]
    assert report(a_finding(sentence="orders-sink: 1 of 2 tasks FAILED")) == []
    assert report(
        a_finding(), a_finding(id="3", kind="idle_connector", severity="warning", sentence="idle")
    ) == ["1 check of assets reported to Dagster"]
    assert report(a_finding(muted="known")) == ["2 checks of assets reported to Dagster"]
    assert report() == []

    told = _evaluations(instance, SINK, "findings")
    assert [passed for passed, _ in told] == [False, False, True]
    assert (told[0][1] or "").startswith("orders-sink: 1 of 1 tasks FAILED\nRead the trace")
    assert [passed for passed, _ in _evaluations(instance, SINK, "failed_connector")] == [False, True]


def test_of_two_connectors_with_one_name_the_failing_one_is_reported(
    instance: dg.DagsterInstance, shown: InventoryStore
) -> None:
    failed = a_finding(connect="lab", shares_name=True)
    report_checks(instance, shown, _found(failed), seconds=60)

    assert _evaluations(instance, SINK, "findings") == []
    twin = dg.AssetKey(["warehouse", "connectors", "lab/orders-sink"])
    assert [passed for passed, _ in _evaluations(instance, twin, "findings")] == [False]


def test_information_does_not_fail_the_check_of_all_findings(
    instance: dg.DagsterInstance, shown: InventoryStore
) -> None:
    assert report_checks(instance, shown, _found(UNREAD), seconds=60) == []
    assert judge_asset("unread_topic", [UNREAD]).findings == (UNREAD,)


def test_reports_that_the_time_does_not_allow_come_next_time_critical_ones_first(
    instance: dg.DagsterInstance, shown: InventoryStore
) -> None:
    times = iter([0.0, 0.0, 6.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    late = a_finding(
        id="4", kind="stopped_group", severity="warning", resource_type="consumer_group", resource="g"
    )
    found = _found(late, a_finding())

    first = report_checks(instance, shown, found, seconds=5, clock=lambda: next(times))
    reported_first = _evaluations(instance, SINK, "findings")
    second = report_checks(instance, shown, found, seconds=5, clock=lambda: next(times))

    assert first == [
        "1 check of assets reported to Dagster; 2 wait for the next time, after 5 s (asset_reports in the estate)"
    ]
    assert [passed for passed, _ in reported_first] == [False]
    assert second == ["2 checks of assets reported to Dagster"]


def test_without_a_component_that_wants_checks_nothing_is_reported_or_kept(
    instance: dg.DagsterInstance, location: str
) -> None:
    store = InventoryStore(open_store(location))
    keep_mounted(store.objects, Mounted(component="plain", selection=Selection()))
    keep_mounted(
        store.objects,
        Mounted(component="else", selection=Selection(clusters=("other",)), checks=("findings",)),
    )

    assert report_checks(instance, store, _found(a_finding()), seconds=60) == []
    assert not list(store.objects.list("assets/failing/"))


def test_a_failing_instance_affects_the_reports_only_and_they_come_again(
    instance: dg.DagsterInstance, shown: InventoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise OSError("no space left; password=hunter2hunter2")

    with monkeypatch.context() as broken:
        broken.setattr(instance, "report_runless_asset_event", fail)
        [told] = report_checks(instance, shown, _found(a_finding()), seconds=60)
    assert "Dagster could not keep the check findings of warehouse/connectors/orders-sink: OSError" in told
    assert "hunter2" not in told

    assert report_checks(instance, shown, _found(a_finding()), seconds=60) == [
        "2 checks of assets reported to Dagster"
    ]


def test_a_damaged_list_of_failing_checks_is_reported(
    instance: dg.DagsterInstance, shown: InventoryStore
) -> None:
    report_checks(instance, shown, _found(a_finding()), seconds=60)
    [entry] = shown.objects.list("assets/failing/")
    shown.objects.put(entry.key, b"no")

    [told] = report_checks(instance, shown, _found(a_finding()), seconds=60)

    assert "does not say which checks fail" in told
    assert "remove it" in told


def _executed(location: str, instance: dg.DagsterInstance, **options: Any) -> dict[str, bool]:
    definitions = KafkaEstateComponent(store=location, **options).definitions_from_store()
    checks = [
        check for check in definitions.asset_checks or () if isinstance(check, dg.AssetChecksDefinition)
    ]
    job = dg.Definitions(
        assets=list(definitions.assets or ()),
        asset_checks=checks,
        jobs=[dg.define_asset_job("judge", selection=dg.AssetSelection.all_asset_checks())],
    ).resolve_job_def("judge")
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    return {
        f"{one.asset_key.to_user_string()}:{one.check_name}": one.passed
        for one in result.get_asset_check_evaluations()
    }


def test_anyone_may_run_the_checks_on_the_kept_findings(
    instance: dg.DagsterInstance, store: InventoryStore, location: str
) -> None:
    findings_results(store).put(
        _found(a_finding(), UNREAD), documents=(), made_at=MOMENT + timedelta(hours=1)
    )

    told = _executed(location, instance, checks=["findings", "unread_topic"])

    assert told == {
        "warehouse/topics/orders:findings": True,
        "warehouse/topics/orders:unread_topic": False,
        "warehouse/topics/refunds:findings": True,
        "warehouse/topics/refunds:unread_topic": True,
        "warehouse/connectors/orders-sink:findings": False,
        "warehouse/consumer_groups/fraud-detection:findings": True,
    }


def test_names_that_differ_only_in_signs_and_names_with_any_sign_have_checks_of_their_own(
    instance: dg.DagsterInstance, location: str
) -> None:
    """Dagster's own names for checks keep neither apart, and a group's id may hold anything."""
    store = InventoryStore(open_store(location))
    topics, groups = ("orders-v2", "orders.v2", "orders_v2"), ("my group", "a:b", "", "ä\n")
    publish(
        store,
        a_document(
            topics=tuple(map(a_topic, topics)),
            consumer_groups=tuple(a_group(group, topics=("orders-v2",)) for group in groups),
        ),
    )
    bad = a_finding(severity="critical", resource_type="topic", resource="orders.v2", kind="under_min_isr")
    findings_results(store).put(_found(bad), documents=(), made_at=MOMENT)

    told = _executed(location, instance)

    assert {key for key, passed in told.items() if not passed} == {"warehouse/topics/orders.v2:findings"}
    assert len(told) == len(topics) + len(groups)


@pytest.mark.usefixtures("store")
def test_checks_neither_pass_nor_fail_before_findings_were_kept(
    instance: dg.DagsterInstance, location: str
) -> None:
    assert _executed(location, instance) == {}


def test_an_unjudged_cluster_is_neither_healthy_nor_unhealthy(
    instance: dg.DagsterInstance, store: InventoryStore, location: str
) -> None:
    findings_results(store).put(EstateFindings(clusters=()), documents=(), made_at=MOMENT)

    assert _executed(location, instance) == {}


@pytest.mark.usefixtures("store")
def test_without_checks_a_component_defines_none(location: str) -> None:
    definitions = KafkaEstateComponent(store=location, checks=[]).definitions_from_store()

    assert list(definitions.asset_checks or ()) == []


@given(
    st.lists(
        st.builds(
            a_finding,
            id=st.sampled_from("abcdef"),
            kind=st.sampled_from(FINDING_KINDS),
            severity=st.sampled_from(SEVERITIES),
            muted=st.sampled_from([None, "known"]),
        ),
        max_size=6,
        unique_by=lambda one: one.id,
    )
)
def test_the_check_of_all_findings_fails_when_one_of_a_kind_does_except_for_information(
    findings: Sequence[Finding],
) -> None:
    kinds = [judge_asset(kind, findings) for kind in FINDING_KINDS]
    whole = judge_asset("findings", findings)

    assert {one.id for one in whole.findings} == {
        one.id for verdict in kinds for one in verdict.findings if one.severity != "info"
    }
