from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.changes import Change, headline_changes
from mesh_assets.inventory.records import Connector, ConnectorTopic
from mesh_assets.masking.configs import MASK
from mesh_assets_tests.documents import a_connector, a_document

TRACE = "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n\tat org.apache.kafka\nCaused by: x"
FIRST_LINE = "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler"


def changes_of(
    before: Connector, after: Connector
) -> list[tuple[str | None, str | None, str | None, str, str]]:
    """Field, before, after, severity, sentence."""
    changes = diff_documents(a_document(connectors=(before,)), a_document(connectors=(after,)))
    return [(c.field, c.before, c.after, c.severity, c.sentence) for c in changes]


def test_a_created_and_a_deleted_connector_carry_their_record() -> None:
    connector = a_connector()
    without, having = a_document(), a_document(connectors=(connector,))
    record = msgspec.json.encode(connector, order="deterministic").decode()
    fields: Any = {"resource_type": "connector", "resource": "orders-sink", "field": None}
    assert diff_documents(without, having) == (
        Change(
            kind="created",
            before=None,
            after=record,
            severity="info",
            sentence="Connector orders-sink created: sink, RUNNING",
            **fields,
        ),
    )
    sentence = "Connector orders-sink deleted: sink, was RUNNING"
    assert diff_documents(having, without) == (
        Change(kind="deleted", before=record, after=None, severity="warning", sentence=sentence, **fields),
    )


def test_a_connector_created_broken_is_critical() -> None:
    connector = a_connector(tasks=("FAILED",), task_trace=TRACE)
    (change,) = diff_documents(a_document(), a_document(connectors=(connector,)))
    assert (change.severity, change.sentence) == (
        "critical",
        f"Connector orders-sink created: sink, RUNNING: {FIRST_LINE}",
    )


def test_a_connector_that_fails_says_why() -> None:
    assert changes_of(a_connector(), a_connector(status="FAILED", trace=TRACE)) == [
        ("status", "RUNNING", "FAILED", "critical", f"Connector orders-sink: RUNNING → FAILED: {FIRST_LINE}")
    ]


def test_a_failed_connector_without_a_trace_gives_its_tasks_reason() -> None:
    changes = changes_of(a_connector(), a_connector(status="FAILED", tasks=("FAILED",), task_trace=TRACE))
    assert changes == [
        ("status", "RUNNING", "FAILED", "critical", f"Connector orders-sink: RUNNING → FAILED: {FIRST_LINE}"),
        (
            "tasks.0.state",
            "RUNNING",
            "FAILED",
            "critical",
            f"Connector orders-sink: task 0 RUNNING → FAILED: {FIRST_LINE}",
        ),
    ]


def test_a_failed_connector_without_any_trace_is_reported_all_the_same() -> None:
    assert [s for *_, s in changes_of(a_connector(), a_connector(status="FAILED"))] == [
        "Connector orders-sink: RUNNING → FAILED"
    ]


@pytest.mark.parametrize(
    ("status", "severity"),
    [("PAUSED", "warning"), ("UNASSIGNED", "warning"), ("DEGRADED", "critical"), ("RESTARTING", "info")],
)
def test_other_states_have_their_own_severity(status: str, severity: str) -> None:
    assert changes_of(a_connector(), a_connector(status=status)) == [
        ("status", "RUNNING", status, severity, f"Connector orders-sink: RUNNING → {status}")
    ]


def test_a_task_that_fails_and_recovers_is_two_changes_while_the_connector_runs() -> None:
    running, failed = (
        a_connector(tasks=("RUNNING",) * 2),
        a_connector(tasks=("RUNNING", "FAILED"), task_trace=TRACE),
    )
    assert changes_of(running, failed) == [
        (
            "tasks.1.state",
            "RUNNING",
            "FAILED",
            "critical",
            f"Connector orders-sink: task 1 RUNNING → FAILED: {FIRST_LINE}",
        )
    ]
    assert changes_of(failed, running) == [
        ("tasks.1.state", "FAILED", "RUNNING", "info", "Connector orders-sink: task 1 FAILED → RUNNING")
    ]


def test_more_tasks_are_one_headline_and_fewer_a_warning() -> None:
    one, three = a_connector(tasks=("RUNNING",)), a_connector(tasks=("RUNNING",) * 3)
    changes = diff_documents(a_document(connectors=(one,)), a_document(connectors=(three,)))
    assert [(c.field, c.before, c.after) for c in changes] == [
        ("tasks", "1", "3"),
        ("tasks.1.state", None, "RUNNING"),
        ("tasks.2.state", None, "RUNNING"),
    ]
    assert [c.sentence for c in headline_changes(changes)] == ["Connector orders-sink: tasks 1 → 3"]
    assert [(field, severity) for field, _, _, severity, _ in changes_of(three, one)] == [
        ("tasks", "warning"),
        ("tasks.1.state", "info"),
        ("tasks.2.state", "info"),
    ]


def test_a_new_task_that_failed_stays_a_headline() -> None:
    changes = diff_documents(
        a_document(connectors=(a_connector(),)),
        a_document(connectors=(a_connector(tasks=("RUNNING", "FAILED"), task_trace=TRACE),)),
    )
    assert [c.sentence for c in headline_changes(changes)] == [
        "Connector orders-sink: tasks 1 → 2",
        f"Connector orders-sink: task 1 is FAILED: {FIRST_LINE}",
    ]


def test_a_status_that_became_unknown_is_not_a_change_but_its_next_known_value_is() -> None:
    unknown = a_connector(status="UNKNOWN", tasks=())
    assert changes_of(a_connector(), unknown) == []
    assert changes_of(unknown, a_connector(status="FAILED", trace=TRACE)) == [
        (
            "status",
            None,
            "FAILED",
            "critical",
            f"Connector orders-sink: status now known, FAILED: {FIRST_LINE}",
        ),
        ("tasks", None, "1", "info", "Connector orders-sink: tasks now known, 1"),
        ("tasks.0.state", None, "RUNNING", "info", "Connector orders-sink: task 0 is RUNNING"),
    ]


def test_each_config_key_is_a_change() -> None:
    before = a_connector(config={"batch.size": "100", "old": "1", "same": "x"})
    after = a_connector(config={"batch.size": "500", "new": "2", "same": "x"})
    assert changes_of(before, after) == [
        ("config.batch.size", "100", "500", "info", "Connector orders-sink: batch.size 100 → 500"),
        ("config.new", None, "2", "info", "Connector orders-sink: new set to 2"),
        ("config.old", "1", None, "info", "Connector orders-sink: old removed, was 1"),
    ]


def test_another_class_is_one_change_and_a_warning() -> None:
    before, after = a_connector(config={"connector.class": "A"}), a_connector(config={"connector.class": "B"})
    assert changes_of(before, after) == [
        ("config.connector.class", "A", "B", "warning", "Connector orders-sink: connector.class A → B")
    ]


def test_a_class_missing_from_the_config_is_its_own_field() -> None:
    before, after = (
        replace(a_connector(), config={"topics": "orders"}, connector_class=name) for name in ("A", "B")
    )
    assert changes_of(before, after) == [
        ("connector_class", "A", "B", "warning", "Connector orders-sink: class A → B")
    ]


def test_a_value_newly_masked_is_not_sent_out_once_more() -> None:
    changes = changes_of(
        a_connector(config={"database.password": "hunter2"}), a_connector(config={"database.password": MASK})
    )
    assert changes == [
        (
            "config.database.password",
            MASK,
            MASK,
            "info",
            "Connector orders-sink: database.password is masked now",
        )
    ]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (MASK, "4712", (MASK, MASK, "pin changed")),
        ("4711", MASK, (MASK, MASK, "pin is masked now")),
        (MASK, "${file:/a:pin}", (MASK, "${file:/a:pin}", f"pin {MASK} → ${{file:/a:pin}}")),
        ("${file:/a:pin}", MASK, ("${file:/a:pin}", MASK, f"pin ${{file:/a:pin}} → {MASK}")),
    ],
)
def test_a_value_masked_on_one_side_is_shown_on_neither(
    before: str, after: str, told: tuple[str, str, str]
) -> None:
    changes = changes_of(a_connector(config={"pin": before}), a_connector(config={"pin": after}))
    assert changes == [("config.pin", told[0], told[1], "info", f"Connector orders-sink: {told[2]}")]


def test_a_harmless_value_masked_by_an_older_version_is_shown_now() -> None:
    changes = changes_of(a_connector(config={"tokens.max": MASK}), a_connector(config={"tokens.max": "8"}))
    assert changes == [
        ("config.tokens.max", MASK, "8", "info", "Connector orders-sink: tokens.max is shown now, 8")
    ]


def test_a_secret_kept_by_an_older_version_is_not_sent_out_with_a_removal_or_deletion() -> None:
    old = a_connector(config={"database.password": "hunter2"})
    changes = diff_documents(a_document(connectors=(old,)), a_document())
    assert MASK in str(changes)
    assert "hunter2" not in str(changes)
    assert "hunter2" not in str(changes_of(old, a_connector()))


def test_an_unreadable_config_is_not_a_change() -> None:
    known = a_connector()
    unknown = replace(known, config={}, connector_class=None)
    assert changes_of(known, unknown) == []
    assert changes_of(unknown, known) == []


def test_declared_topics_follow_from_the_config_and_workers_from_the_cluster() -> None:
    before = a_connector()
    after = replace(
        before,
        worker_id="worker-2:8083",
        topics=(ConnectorTopic(name="other", known="declared"),),
        quickstart="users",
    )
    assert changes_of(before, after) == []


def test_a_newly_observed_topic_is_a_change_and_one_no_longer_observed_is_not() -> None:
    nothing = a_connector(topics=())
    seen = a_connector(
        topics=(ConnectorTopic(name="b", known="observed"), ConnectorTopic(name="a", known="observed"))
    )
    assert changes_of(nothing, seen) == [
        ("observed_topics", None, '["a","b"]', "info", "Connector orders-sink: topics seen are now a, b")
    ]
    assert changes_of(seen, nothing) == []


def test_a_name_used_by_two_endpoints_comes_with_its_endpoint() -> None:
    one, other, unique = (
        a_connector(connect="one"),
        a_connector(connect="other"),
        a_connector("unique", connect="one"),
    )
    failed = [replace(connector, status="FAILED") for connector in (one, unique)]
    changes = diff_documents(
        a_document(connectors=(one, other, unique)), a_document(connectors=(failed[0], other, failed[1]))
    )
    assert [(c.resource, c.sentence) for c in changes] == [
        ("one/orders-sink", "Connector one/orders-sink: RUNNING → FAILED"),
        ("unique", "Connector unique: RUNNING → FAILED"),
    ]


def test_a_name_with_a_slash_always_comes_with_its_endpoint() -> None:
    document = a_document(
        connectors=(a_connector("one/orders", connect="two"), a_connector("orders", connect="one"))
    )
    assert [change.resource for change in diff_documents(a_document(), document)] == [
        "orders",
        "two/one/orders",
    ]


def test_a_connector_that_moves_to_another_endpoint_is_deleted_and_created() -> None:
    changes = diff_documents(
        a_document(connectors=(a_connector(connect="one"),)),
        a_document(connectors=(a_connector(connect="two"),)),
    )
    assert [(c.kind, c.resource) for c in changes] == [("deleted", "orders-sink"), ("created", "orders-sink")]
