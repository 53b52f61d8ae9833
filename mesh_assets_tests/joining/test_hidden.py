"""What groups have committed on topics that the user may not describe is unknown, not absent or expired; and which connectors
are hidden."""

from collections.abc import Sequence
from typing import Any

from mesh_assets.inventory.groups import CommittedOffset, ConsumerGroup, GroupMember
from mesh_assets.joining.hidden import hidden_connectors, hidden_connectors_note, with_hidden
from mesh_assets_tests.documents import a_connector, a_group

SEEN = {"orders", "users"}


class Refusing:
    """The broker. `hidden`: topics that the user may not describe; None: all that are not listed. `asked`: for which."""

    def __init__(self, hidden: set[str] | None) -> None:
        self.hidden = hidden
        self.asked: list[str] = []

    def __call__(self, names: Sequence[str]) -> set[str]:
        self.asked += names
        return set(names) if self.hidden is None else self.hidden.intersection(names)


def on(*places: tuple[str, int, int | None]) -> dict[str, Any]:
    """Offsets, and the topics that they are of."""
    offsets = tuple(
        CommittedOffset(
            topic=topic,
            partition=number,
            committed=committed,
            end=50,
            lag_records=None if committed is None else 50 - committed,
            start=0,
            lag_is="never_committed" if committed is None else "known",
        )
        for topic, number, committed in places
    )
    return {"offsets": offsets, "topics": tuple(sorted({topic for topic, _, _ in places}))}


def told(
    group: ConsumerGroup, before: ConsumerGroup | None = None, *, refusing: Refusing | None = None
) -> ConsumerGroup:
    known = {} if before is None else {before.group_id: before}
    refused = refusing or Refusing(hidden=None)
    (found,) = with_hidden([group], known, seen=SEEN, refused=refused)
    return found


def positions(group: ConsumerGroup) -> list[tuple[str, int, int | None, str | None]]:
    return [(one.topic, one.partition, one.committed, one.lag_is) for one in group.offsets or ()]


def test_what_members_have_committed_on_a_hidden_topic_is_unreadable() -> None:
    member = GroupMember(
        member_id="one", client_id="one", group_instance_id=None, host="here", assignment={"secret": (0,)}
    )
    group = told(a_group("billing", members=(member,), **on(("orders", 0, 4), ("secret", 0, None))))

    assert positions(group) == [("orders", 0, 4, "known"), ("secret", 0, None, "unreadable")]
    assert group.error == (
        "TOPIC_AUTHORIZATION_FAILED: what the group has committed on secret is hidden; needs DESCRIBE on the topics"
    )


def test_a_commit_on_a_topic_hidden_since_is_unreadable_and_the_group_still_reads_it() -> None:
    before = a_group("billing", **on(("orders", 0, 4), ("secret", 0, 7)))

    once = told(a_group("billing", **on(("orders", 0, 5))), before)
    again = told(a_group("billing", **on(("orders", 0, 6))), once)

    assert positions(once) == [("orders", 0, 5, "known"), ("secret", 0, None, "unreadable")]
    assert positions(again) == [("orders", 0, 6, "known"), ("secret", 0, None, "unreadable")]
    assert once.topics == again.topics == ("orders", "secret")
    assert again.error is not None


def test_a_deleted_topic_is_not_hidden() -> None:
    before = a_group("billing", **on(("orders", 0, 4), ("gone", 0, 7)))
    now = a_group("billing", **on(("orders", 0, 5)))
    refusing = Refusing(hidden=set())

    assert told(now, before, refusing=refusing) == now
    assert refusing.asked == ["gone"]


def test_a_group_without_members_and_commits_is_unknown_unless_every_topic_is_visible() -> None:
    bare = a_group("billing", members=(), offsets=(), topics=())

    assert told(bare, refusing=Refusing(hidden=set())) == bare
    hidden = told(bare)
    assert hidden.offsets is None
    assert hidden.error == (
        "TOPIC_AUTHORIZATION_FAILED: what the group has committed is hidden; needs DESCRIBE on the topics"
    )


def test_a_group_that_may_not_be_described_because_of_its_topics_has_hidden_commits() -> None:
    error = "TOPIC_AUTHORIZATION_FAILED: hidden topics; needs DESCRIBE on the topics that the group reads"
    group = told(a_group("billing", members=None, offsets=(), topics=(), error=error))
    assert (group.offsets, group.error) == (None, error)


def test_nothing_is_asked_about_groups_that_read_visible_topics() -> None:
    refusing = Refusing(hidden=None)
    group = a_group("billing", **on(("orders", 0, 4), ("users", 1, None)))

    assert told(group, group, refusing=refusing) == group
    assert refusing.asked == []


def test_a_consuming_sink_that_is_not_listed_is_hidden() -> None:
    groups = [
        a_group("connect-lcc-abc123"),
        a_group("connect-lcc-def456"),
        a_group("fraud-detection"),
        a_group("connect-cluster"),
    ]
    assert hidden_connectors([a_connector(id="lcc-abc123")], groups) == ("lcc-def456",)


def test_a_group_without_members_may_be_left_over_from_a_deleted_connector() -> None:
    assert (
        hidden_connectors(
            [], [a_group("connect-lcc-abc123", state="Empty"), a_group("connect-lcc-x", members=None)]
        )
        == ()
    )


def test_the_note_says_how_many_which_and_what_to_grant() -> None:
    assert hidden_connectors_note(("lcc-a",)).startswith(
        "a managed connector that consumes is not in the list of connectors (lcc-a): "
    )
    assert hidden_connectors_note(("lcc-a", "lcc-b", "lcc-c", "lcc-d")) == (
        "4 managed connectors that consume are not in the list of connectors (lcc-a, lcc-b, lcc-c, …): the list is filtered by missing "
        "rights; grant Operator on the cluster, and DeveloperRead on connector *"
    )
