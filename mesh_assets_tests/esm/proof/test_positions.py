"""What a group has committed: nothing yet is not an error, but unreadable commits are."""

from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import KafkaError

from mesh_assets.errors import MeshError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.esm.proof import (
    Position,
    Produced,
    check_offset_after_production,
    get_initial_offset,
)
from mesh_assets.esm.proof.evidence import Member
from mesh_assets.esm.proof.messages import Written
from mesh_assets.platforms.kafka.wire.forms import Answer, Request
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets_tests.platforms.kafka.wire.group_brokers import (
    GROUP_REFUSED,
    TOPIC_REFUSED,
    Group,
    GroupBrokers,
)
from mesh_assets_tests.platforms.kafka.wire.groups_read import assigned_member, classic_member
from mesh_assets_tests.platforms.kafka.wire.oracle import LATEST, Cluster

GROUP_REQUESTS = ("DescribeGroups", "ConsumerGroupDescribe", "ShareGroupDescribe", "StreamsGroupDescribe")


class Brokers(GroupBrokers):
    """With groups and with records: `kafka` has the topic `orders`, whose partitions hold offsets 5 to 9 and 0 to 6."""

    def __init__(self, **groups: Group) -> None:
        super().__init__(**groups)
        self.kafka = Cluster({"orders": {0: 1, 1: 2}})
        self.kafka.ends = {("orders", 0): (5, 10), ("orders", 1): (0, 7)}

    async def ask(self, request: Request[Answer], *, broker: int | None = None) -> Answer:
        of_groups = request.name != "ListOffsets"
        if request.name == "Metadata":
            of_groups = self._names(request, request.newest) == ["__consumer_offsets"]
        if of_groups:
            return await super().ask(request, broker=broker)
        self.asked.append((request.name, broker, []))
        return await self.kafka.brokers.ask(request, broker=broker)


def look(brokers: Brokers, *, queue: bool = False) -> Position:
    with brokers.running() as cluster:
        return get_initial_offset(cluster, "g", "orders", queue=queue)


def a_group(committed: dict[int, int], *members: dict[str, Any]) -> Group:
    return Group("consumer", commits={"orders": committed, "users": {0: 1}}, described={"members": members})


def test_a_missing_group_has_committed_nothing() -> None:
    found = look(Brokers())
    assert found == Position(
        group="g",
        topic="orders",
        committed={0: None, 1: None},
        start={0: 5, 1: 0},
        end={0: 10, 1: 7},
        members=(),
    )
    assert (found.lag_records, found.has_commits) == (None, False)


def test_commits_are_read_with_their_lag_and_their_members() -> None:
    found = look(Brokers(g=a_group({0: 7}, assigned_member("m-1", orders=[1, 0], users=[0]))))
    assert (found.committed, found.lag_records) == ({0: 7, 1: None}, 3)
    [one] = found.members
    assert one == Member(client_id=one.client_id, host=one.host, partitions=(0, 1))
    assert not one.host.startswith("/")


def test_a_classic_group_is_read_as_well() -> None:
    group = Group(commits={"orders": {1: 7}}, described={"members": [classic_member("m-1", orders=[1])]})
    found = look(Brokers(g=group))
    assert (found.committed, found.lag_records) == ({0: None, 1: 7}, 0)
    assert [one.partitions for one in found.members] == [(1,)]


def test_ends_are_read_after_commits_so_that_no_group_is_ahead_of_them() -> None:
    brokers = Brokers(g=a_group({0: 7}))
    look(brokers)
    asked = [name for name, _, _ in brokers.asked]
    assert asked.index("OffsetFetch") < asked.index("ListOffsets")


def test_a_look_requests_the_topic_once() -> None:
    """It runs twice a second while a group is awaited."""
    for queue in (False, True):
        brokers = Brokers(g=a_share_group(orders={0: (6, 0)}) if queue else a_group({0: 7}))
        look(brokers, queue=queue)
        assert [name for name, _, _ in brokers.asked].count("Metadata") == 1


def test_a_leader_that_has_moved_since_is_looked_up_again() -> None:
    brokers = Brokers(g=a_group({0: 7}))
    brokers.before["OffsetFetch"] = lambda: brokers.kafka.leaders["orders"].update({0: 2})
    assert look(brokers).end == {0: 10, 1: 7}


# --- unreadable answers


@pytest.mark.parametrize(
    ("failures", "error", "sentence"),
    [
        ({("OffsetFetch", "g"): GROUP_REFUSED}, UnexpectedAnswerError, "group g could not be read"),
        (
            {(request, "g"): GROUP_REFUSED for request in GROUP_REQUESTS},
            RefusedError,
            "refused reading consumer group g .* needs DESCRIBE on the group",
        ),
        (
            {("ConsumerGroupDescribe", "g"): TOPIC_REFUSED},
            UnexpectedAnswerError,
            "group g could not be read .*needs DESCRIBE on the topics",
        ),
        ({("FindCoordinator", "g"): GROUP_REFUSED}, RefusedError, "refused reading consumer group g"),
    ],
    ids=["commits", "group", "members", "coordinator"],
)
def test_an_unreadable_group_is_an_error_and_never_an_empty_one(
    failures: dict[tuple[str, str | int], int], error: type[MeshError], sentence: str
) -> None:
    brokers = Brokers(g=a_group({0: 7}))
    brokers.failures = {place: [code] for place, code in failures.items()}
    with pytest.raises(error, match=sentence):
        look(brokers)


def test_one_unreadable_commit_is_an_error_and_not_nothing() -> None:
    brokers = Brokers(g=a_group({0: 7, 1: 3}))
    brokers.commit_codes = {("orders", 1): 88}
    with pytest.raises(UnexpectedAnswerError, match=r"what g committed on orders\[1\] could not be read"):
        look(brokers)
    brokers.commit_codes = {("users", 0): 88}
    assert look(brokers).committed == {0: 7, 1: 3}


def test_an_undecodable_member_may_be_the_one_that_commits() -> None:
    group = Group(
        commits={"orders": {0: 7}},
        described={"members": [classic_member("m-1", orders=[0]) | {"member_assignment": b"\0"}]},
    )
    with pytest.raises(UnexpectedAnswerError, match="what m-1 reads could not be decoded"):
        look(Brokers(g=group))


@pytest.mark.parametrize("edge", [LATEST, -2])
@pytest.mark.parametrize("queue", [False, True])
def test_an_unreadable_end_is_an_error_and_never_zero(edge: int, queue: bool) -> None:
    brokers = Brokers()
    brokers.kafka.codes["orders", 1, edge] = [KafkaError.UNKNOWN]
    with pytest.raises(UnexpectedAnswerError, match=r"the offsets of orders\[1\] could not be read"):
        look(brokers, queue=queue)


def test_a_missing_topic_and_a_hidden_one_are_distinguished() -> None:
    brokers = Brokers(g=a_group({0: 7}))
    brokers.kafka.refused = {"orders"}
    with pytest.raises(RefusedError, match=r"refused reading topic orders .*needs DESCRIBE on topic orders"):
        look(brokers)
    brokers.kafka.refused = set()
    del brokers.kafka.leaders["orders"]
    with pytest.raises(RefusedError, match="broker-1:9092 has no topic orders; check its name"):
        look(brokers)


def test_brokers_that_do_not_answer_do_not_mean_a_missing_topic() -> None:
    cluster = RunningCluster({"bootstrap.servers": "127.0.0.1:1"}, 0.2)
    with closing(cluster), pytest.raises(UnreachableError, match=r"Kafka at 127\.0\.0\.1:1"):
        get_initial_offset(cluster, "g", "orders")


# --- share groups


def a_share_group(**shares: dict[int, tuple[int, int]]) -> Group:
    members = [assigned_member("m-1", orders=[0]), assigned_member("m-2", users=[0])]
    return Group("share", described={"members": members}, shares=shares)


def test_a_share_group_has_finished_what_it_leaves_behind() -> None:
    """Without lag: everything before the end is finished, wherever the next delivery begins."""
    found = look(Brokers(g=a_share_group(orders={0: (6, 0), 1: (2, 5)}, users={0: (9, 0)})), queue=True)
    assert (found.committed, found.at_least, found.has_commits) == ({0: 10, 1: 2}, False, True)
    assert [one.partitions for one in found.members] == [(0,)]


def test_where_lag_is_not_counted_what_is_never_delivered_again_is_finished() -> None:
    brokers = Brokers(g=a_share_group(orders={0: (6, -1)}))
    brokers.newest = {"DescribeShareGroupOffsets": 0}
    found = look(brokers, queue=True)
    assert (found.committed, found.at_least) == ({0: 6, 1: None}, True)


@pytest.mark.parametrize("group", [None, a_share_group(orders={0: (-1, -1)})])
def test_a_share_group_that_has_begun_nothing_has_finished_nothing(group: Group | None) -> None:
    found = look(Brokers(**({} if group is None else {"g": group})), queue=True)
    assert (found.committed, found.at_least) == ({0: None, 1: None}, False)


def test_ends_are_read_before_a_share_group_so_that_it_has_finished_everything_before_them() -> None:
    brokers = Brokers(g=a_share_group(orders={0: (6, 0)}))
    look(brokers, queue=True)
    asked = [name for name, _, _ in brokers.asked]
    assert asked.index("ListOffsets") < asked.index("DescribeShareGroupOffsets")


@pytest.mark.parametrize("request_", ["ShareGroupDescribe", "DescribeShareGroupOffsets", "FindCoordinator"])
def test_a_refused_share_group_is_not_an_empty_one(request_: str) -> None:
    brokers = Brokers(g=a_share_group(orders={0: (6, 0)}))
    brokers.failures[request_, "g"] = [GROUP_REFUSED]
    with pytest.raises(
        RefusedError, match=r"refused reading a share group .*DESCRIBE on the group and on its"
    ):
        look(brokers, queue=True)


def test_brokers_without_share_groups_say_so() -> None:
    brokers = Brokers(g=a_share_group(orders={0: (6, 0)}))
    brokers.newest = {"ShareGroupDescribe": None, "DescribeShareGroupOffsets": None}
    with pytest.raises(UnexpectedAnswerError, match="does not support reading a share group"):
        look(brokers, queue=True)


def test_a_share_group_behind_a_mapping_of_another_mode_has_no_commits_that_prove_anything() -> None:
    with pytest.raises(UnexpectedAnswerError, match="a share group commits no offsets"):
        look(Brokers(g=a_share_group(orders={0: (6, 0)})))


# --- progress


def test_progress_counts_from_the_first_record_where_nothing_was_committed() -> None:
    brokers = Brokers()
    before = look(brokers)
    brokers.groups["g"] = a_group({0: 8})
    written = (Written(partition=0, first=10, last=12, messages=3),)
    produced = Produced(
        test_id="t", topic="orders", messages=3, started_at=datetime.now(UTC), seconds=0.1, partitions=written
    )

    [progress] = check_offset_after_production(before, look(brokers), produced)

    assert (progress.passed, progress.ahead, progress.moved) == (False, 2, 3)
    brokers.groups["g"] = a_group({0: 13})
    assert check_offset_after_production(before, look(brokers), produced)[0].passed
