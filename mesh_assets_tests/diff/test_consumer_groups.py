from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.changes import Change, headline_changes
from mesh_assets.inventory.groups import ConsumerGroup, GroupMember, StreamsTopology, Subtopology
from mesh_assets_tests.documents import a_document, a_group


def headlines_of(before: ConsumerGroup, after: ConsumerGroup) -> list[tuple[str | None, str, str]]:
    """Field, severity, sentence of what people are shown."""
    changes = diff_documents(a_document(consumer_groups=(before,)), a_document(consumer_groups=(after,)))
    return [(c.field, c.severity, c.sentence) for c in headline_changes(changes)]


def changes_of(
    before: ConsumerGroup, after: ConsumerGroup
) -> list[tuple[str | None, str | None, str | None, str, str]]:
    """Field, before, after, severity, sentence."""
    changes = diff_documents(a_document(consumer_groups=(before,)), a_document(consumer_groups=(after,)))
    return [(c.field, c.before, c.after, c.severity, c.sentence) for c in changes]


def test_a_created_and_a_deleted_group_carry_their_record() -> None:
    group = a_group(topics=("orders", "users"))
    without, having = a_document(), a_document(consumer_groups=(group,))
    record = msgspec.json.encode(group).decode()
    fields: Any = {"resource_type": "consumer_group", "resource": "fraud-detection", "field": None}
    sentence = "Consumer group fraud-detection created: active, reads orders, users"
    assert diff_documents(without, having) == (
        Change(kind="created", before=None, after=record, severity="info", sentence=sentence, **fields),
    )
    sentence = "Consumer group fraud-detection deleted, read orders, users"
    assert diff_documents(having, without) == (
        Change(kind="deleted", before=record, after=None, severity="warning", sentence=sentence, **fields),
    )


def test_a_group_with_an_empty_name_has_readable_sentences() -> None:
    group = replace(a_group(topics=("orders",)), group_id="")
    without, having = a_document(), a_document(consumer_groups=(group,))
    sentences = [
        *(change.sentence for change in diff_documents(without, having)),
        *(change.sentence for change in diff_documents(having, without)),
        *(sentence for *_, sentence in headlines_of(group, replace(group, state="Empty"))),
    ]
    assert sentences == [
        'Consumer group "" created: active, reads orders',
        'Consumer group "" deleted, read orders',
        'Consumer group "": active → empty',
    ]


def test_a_group_becomes_empty_and_active_again() -> None:
    active, empty = a_group(), a_group(state="Empty")
    assert headlines_of(active, empty) == [
        ("state", "warning", "Consumer group fraud-detection: active → empty")
    ]
    assert headlines_of(empty, active) == [
        ("state", "info", "Consumer group fraud-detection: empty → active")
    ]


@pytest.mark.parametrize(
    "state", ["PreparingRebalance", "COMPLETING_REBALANCING", "Assigning", "Reconciling", "Unknown"]
)
def test_a_rebalance_is_not_a_change(state: str) -> None:
    assert changes_of(a_group(), a_group(state=state)) == []


def test_a_dead_group_counts_as_empty() -> None:
    assert changes_of(a_group(state="Empty"), a_group(state="Dead")) == []


def test_a_group_that_became_empty_while_unknown_is_reported() -> None:
    assert changes_of(a_group(state="Unknown"), a_group(state="Empty")) == [
        ("state", None, "empty", "warning", "Consumer group fraud-detection: state now known, empty")
    ]


def test_other_topics_are_a_change() -> None:
    before, after = a_group(topics=("orders", "users")), a_group(topics=("clicks", "users"))
    assert changes_of(before, after) == [
        (
            "topics",
            '["orders","users"]',
            '["clicks","users"]',
            "info",
            "Consumer group fraud-detection: now also reads clicks, no longer reads orders",
        )
    ]
    assert [s for *_, s in changes_of(a_group(topics=()), a_group(topics=("orders",)))] == [
        "Consumer group fraud-detection: now reads orders"
    ]


def test_topics_that_vanish_during_an_assignment_or_an_unread_group_are_not_a_change() -> None:
    group = a_group()
    assert changes_of(group, a_group(state="PreparingRebalance", topics=())) == []
    assert changes_of(group, a_group(topics=(), error="offsets: not authorized")) == []


def test_a_changed_type_is_a_change_and_an_unknown_one_is_not() -> None:
    assert changes_of(a_group(), a_group(type="consumer")) == [
        ("type", "classic", "consumer", "warning", "Consumer group fraud-detection: type classic → consumer")
    ]
    assert changes_of(a_group(), a_group(type="unknown")) == []


def members(*ids: str) -> tuple[GroupMember, ...]:
    return tuple(
        GroupMember(member_id=one, client_id="c", host="h", group_instance_id=None, assignment={})
        for one in ids
    )


def test_another_number_of_members_is_a_change_and_replaced_members_are_not() -> None:
    two, three = a_group(members=members("a", "b")), a_group(members=members("c", "d", "e"))

    assert changes_of(two, three) == [
        ("members", "2", "3", "info", "Consumer group fraud-detection: 2 → 3 members")
    ]
    assert changes_of(two, replace(two, members=members("c", "d"))) == []


@pytest.mark.parametrize(
    "after",
    [
        a_group(members=members("a"), state="PreparingRebalance"),
        a_group(members=None, error="members: not authorized"),
    ],
)
def test_moving_and_unknown_members_are_not_a_change(after: ConsumerGroup) -> None:
    assert changes_of(a_group(members=members("a", "b")), after) == []


def test_a_group_that_becomes_empty_has_no_members_for_a_consumer_of_the_changes() -> None:
    before, after = a_group(members=members("a")), a_group(members=(), state="Empty")
    assert [change[:3] for change in changes_of(before, after)] == [
        ("members", "1", "0"),
        ("state", "active", "empty"),
    ]


def a_topology(*ids: str, epoch: int = 1, changelogs: tuple[str, ...] = ()) -> StreamsTopology:
    return StreamsTopology(
        epoch=epoch,
        subtopologies=tuple(
            Subtopology(
                id=one,
                source_topics=("orders",),
                repartition_source_topics=(),
                repartition_sink_topics=(),
                changelog_topics=changelogs,
            )
            for one in ids
        ),
    )


def test_another_topology_is_a_change_and_another_epoch_is_not() -> None:
    old = a_group(type="streams", topology=a_topology("0", "1"))

    def sentences(new: StreamsTopology | None) -> list[str]:
        return [sentence for *_, sentence in changes_of(old, replace(old, topology=new))]

    assert sentences(a_topology("0", "1", epoch=7)) == sentences(None) == []
    assert sentences(a_topology("1", "2", "3", changelogs=("totals-changelog",))) == [
        "Consumer group fraud-detection: its topology changed: new subtopologies 2, 3, no longer subtopology 0, different "
        "topics in subtopology 1"
    ]


def test_members_offsets_lag_and_coordinator_are_volatile() -> None:
    group = a_group()
    assert (
        changes_of(
            group,
            replace(group, offsets=(), coordinator=3, total_lag_records=99, protocol_type="", epoch=9),
        )
        == []
    )


def test_groups_of_console_consumers_are_not_reported() -> None:
    document = a_document(consumer_groups=(a_group("console-consumer-4711"), a_group("team-a-test")))
    assert [c.resource for c in diff_documents(a_document(), document)] == ["team-a-test"]
    assert [c.resource for c in diff_documents(a_document(), document, ephemeral_groups=("team-a-*",))] == [
        "console-consumer-4711"
    ]
