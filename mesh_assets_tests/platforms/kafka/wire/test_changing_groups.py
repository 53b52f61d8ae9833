"""Groups that appear, disappear and change while they are read, and their unreadable parts."""

from typing import Any

import pytest

from mesh_assets.errors import RefusedError, UnreachableError
from mesh_assets.platforms.kafka.values import CommittedPartition, ConsumerGroup
from mesh_assets.platforms.kafka.wire.committed import read_committed
from mesh_assets.platforms.kafka.wire.forms import MalformedError
from mesh_assets.platforms.kafka.wire.groups import read_groups
from mesh_assets_tests.platforms.kafka.wire.group_brokers import (
    GROUP_REFUSED,
    LOADING,
    NOT_COORDINATOR,
    NOT_FOUND,
    OLD_BROKERS,
    TOPIC_REFUSED,
    Group,
    GroupBrokers,
)
from mesh_assets_tests.platforms.kafka.wire.groups_read import (
    BILLING,
    assigned_member,
    billing,
    groups,
    reads,
)


def test_a_group_deleted_before_it_is_described_is_absent() -> None:
    brokers = GroupBrokers(billing=billing(), brief=Group())

    def delete() -> None:
        del brokers.groups["brief"]

    brokers.before["OffsetFetch"] = delete  # while the description is under way
    assert groups(brokers) == (BILLING,)


@pytest.mark.parametrize("newest", [{}, OLD_BROKERS])
def test_a_group_listed_as_dead_is_absent(newest: dict[str, int | None]) -> None:
    brokers = GroupBrokers(billing=billing(), brief=Group(state="Dead"))
    brokers.newest = dict(newest)
    assert groups(brokers) == (BILLING,)


def test_a_group_deleted_before_its_offsets_are_read_is_absent() -> None:
    brokers = GroupBrokers(billing=billing(), brief=Group())
    brokers.failures["OffsetFetch", "brief"] = [NOT_FOUND]
    assert groups(brokers) == (BILLING,)


def test_a_group_that_changes_its_kind_during_the_reading_is_read_as_the_new_one() -> None:
    brokers = GroupBrokers(billing=billing())

    def upgrade() -> None:
        group = brokers.groups["billing"]
        group.kind, group.described = "consumer", {"members": [assigned_member("m-9", orders=[0, 1])]}

    brokers.before["OffsetFetch"] = upgrade  # while the description is under way
    [found] = groups(brokers)
    assert (found.type, reads(found)) == ("consumer", {"m-9": {"orders": (0, 1)}})


def test_only_selected_groups_are_read_and_the_others_counted() -> None:
    brokers = GroupBrokers(billing=billing(), **{"tool-1": Group(), "tool-2": Group(broker=2)})
    found = brokers.run(read_groups, lambda name: not name.startswith("tool-"))
    assert (found.groups, found.excluded) == ((BILLING,), 2)
    assert brokers.names("DescribeGroups")[2:] == [["billing"]]
    assert brokers.names("OffsetFetch") == [["billing"]]


def test_a_request_covers_500_groups_of_one_coordinator() -> None:
    many = {f"group-{number:04}": Group(broker=1 + number % 2) for number in range(1_301)}
    brokers = GroupBrokers(**many)
    assert len(groups(brokers)) == 1_301
    for name in ("DescribeGroups", "OffsetFetch"):
        asked = [names for names in brokers.names(name) if names[0] in many]
        assert sorted(map(len, asked)) == [150, 151, 500, 500]
        assert sorted(name for names in asked for name in names) == sorted(many)
    assert len(brokers.asked) < 20


# --- unreadable parts


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            GROUP_REFUSED,
            "GROUP_AUTHORIZATION_FAILED: Broker: Group authorization failed; needs DESCRIBE on the group",
        ),
        (LOADING, "COORDINATOR_LOAD_IN_PROGRESS: Broker: Coordinator load in progress"),
        (NOT_COORDINATOR, "NOT_COORDINATOR: Broker: Not coordinator"),
    ],
)
def test_an_unreadable_group_says_why_and_does_not_have_empty_offsets(code: int, text: str) -> None:
    brokers = GroupBrokers(billing=billing(), secret=Group(commits={"orders": {0: 1}}))
    brokers.patience_seconds = 0.2
    brokers.failures = {("DescribeGroups", "secret"): [code], ("OffsetFetch", "secret"): [code]}
    assert groups(brokers) == (
        BILLING,
        ConsumerGroup(
            group_id="secret",
            type="classic",
            protocol_type="consumer",
            state="Stable",
            coordinator=1 if code == GROUP_REFUSED else None,
            members=None,
            offsets=None,
            error=text,
        ),
    )


def test_a_consumer_group_on_hidden_topics_needs_rights_on_them() -> None:
    brokers = GroupBrokers(billing=Group(kind="consumer", commits={"orders": {0: 1}}))
    brokers.failures["ConsumerGroupDescribe", "billing"] = [TOPIC_REFUSED]
    [found] = groups(brokers)
    assert (found.type, found.members) == ("consumer", None)
    assert found.offsets == (CommittedPartition(topic="orders", partition=0, committed=1),)
    assert found.error == (
        "TOPIC_AUTHORIZATION_FAILED: Broker: Topic authorization failed; needs DESCRIBE on the topics that the group reads"
    )


def test_an_invalid_answer_leaves_other_kinds_as_they_are() -> None:
    brokers = GroupBrokers(billing=billing(), sharing=Group(kind="share"))
    answer = brokers._answer

    def broken(request: Any, version: int, values: dict[str, Any]) -> Any:
        if request.name == "ShareGroupDescribe":
            raise MalformedError("the answer ends too early")
        return answer(request, version, values)

    brokers._answer = broken  # type: ignore[method-assign]
    found = groups(brokers)
    assert found[0] == BILLING
    assert found[1].members is None
    assert "no answer of Kafka's protocol: the answer ends too early" in (found[1].error or "")


def test_without_an_answer_for_any_group_there_is_no_reading() -> None:
    brokers = GroupBrokers(billing=billing(), shipping=Group())
    brokers.patience_seconds = 0.2
    for name in ("billing", "shipping"):
        brokers.failures["DescribeGroups", name] = [7]
    with pytest.raises(UnreachableError, match="could not be reached while reading the consumer groups"):
        groups(brokers)


class Refusing(GroupBrokers):
    """Lists no group, and refuses to describe any. `operations`: what the user may do with the cluster, a bit for each."""

    def __init__(self, operations: int) -> None:
        super().__init__()
        self.operations = operations

    def _DescribeGroups(self, *asked: Any) -> dict[str, Any]:  # noqa: N802
        *_, names = asked
        return {"groups": [{"group_id": name, "error_code": GROUP_REFUSED} for name in names]}

    def _DescribeCluster(self, *_: Any) -> dict[str, Any]:  # noqa: N802
        return {
            "cluster_id": "c",
            "controller_id": 1,
            "brokers": [],
            "cluster_authorized_operations": self.operations,
        }


@pytest.mark.parametrize("operations", [-(2**31), 1 << 7])
def test_a_list_without_groups_is_refused_if_it_may_hide_all(operations: int) -> None:
    with pytest.raises(
        RefusedError, match="an anonymous client needs DESCRIBE on the cluster or on the groups"
    ):
        groups(Refusing(operations))
    with pytest.raises(RefusedError):
        Refusing(operations).run(read_committed, lambda _: True)


def test_a_list_without_groups_is_empty_for_a_user_who_may_describe_the_cluster() -> None:
    assert groups(Refusing(1 << 8)) == ()
