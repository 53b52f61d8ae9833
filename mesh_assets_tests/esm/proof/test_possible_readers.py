"""The plan for test messages names the groups that may read them, though that is not certain."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from confluent_kafka import KafkaError

from mesh_assets.defs.esm.metadata import produce_plan_metadata
from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.esm.proof import ProducePlan, messages, plan_test_messages
from mesh_assets.esm.proof.messages import _other_groups
from mesh_assets.mapping_commands.proof import produce_plan_text
from mesh_assets.mapping_tools.proof import ProducedAnswer, question_about_messages
from mesh_assets.platforms.kafka.settings import ClientProperties
from mesh_assets_tests.platforms.kafka.wire.group_brokers import (
    GROUP_REFUSED,
    TOPIC_REFUSED,
    Group,
    GroupBrokers,
)
from mesh_assets_tests.platforms.kafka.wire.groups_read import assigned_member, classic_member, streams_group

CLUSTER_REFUSED = KafkaError.CLUSTER_AUTHORIZATION_FAILED


def a_plan(*, other: tuple[str, ...] = (), possible: tuple[str, ...] = (), **changed: Any) -> ProducePlan:
    return ProducePlan(
        **changed,
        id="p-1",
        endpoint="broker-1:9092",
        topic="orders",
        partitions=(0,),
        messages=3,
        bytes_each=9,
        key=None,
        group="g",
        other_groups=other,
        possible_groups=possible,
    )


def other_groups(brokers: GroupBrokers) -> tuple[tuple[str, ...], tuple[str, ...]]:
    with brokers.running() as cluster:
        return _other_groups(cluster, "orders", "g")


def test_groups_of_every_kind_read_what_they_hold_or_began_or_committed() -> None:
    here, elsewhere = ({"members": [assigned_member("m-1", **{name: [0]})]} for name in ("orders", "users"))
    brokers = GroupBrokers(
        g=Group(commits={"orders": {0: 5}}),
        committed=Group(state="Empty", commits={"orders": {0: 5}}),
        elsewhere=Group(commits={"users": {0: 5}}),
        holding=Group("consumer", described=here),
        holding_elsewhere=Group("consumer", described=elsewhere),
        sharing=Group("share", described=here),
        begun=Group("share", state="Empty", shares={"orders": {0: (5, 0)}}),
        sharing_elsewhere=Group("share", described=elsewhere, shares={"users": {0: (5, 0)}}),
        totals=replace(streams_group("orders"), commits={}),
    )
    assert other_groups(brokers) == (("begun", "committed", "holding", "sharing", "totals"), ())


def test_partly_unreadable_groups_may_read_along() -> None:
    brokers = GroupBrokers(
        commits=Group(described={"members": [classic_member("m-1", users=[0])]}),
        members=Group("consumer", commits={"users": {0: 5}}),
        undecoded=Group(described={"members": [classic_member("m-1") | {"member_assignment": b"\0"}]}),
        shares=Group("share"),
        sharing=Group("share"),
        later=Group("queue", commits={"users": {0: 5}}),
        known=Group("share", shares={"users": {0: (5, 0)}}),
        reading=Group("consumer", commits={"orders": {0: 5}}),
    )
    brokers.failures = {
        ("OffsetFetch", "commits"): [GROUP_REFUSED],
        ("ConsumerGroupDescribe", "members"): [TOPIC_REFUSED],
        ("ConsumerGroupDescribe", "reading"): [TOPIC_REFUSED],
        ("DescribeShareGroupOffsets", "shares"): [GROUP_REFUSED],
        ("ShareGroupDescribe", "sharing"): [TOPIC_REFUSED],
    }
    assert other_groups(brokers) == (
        ("reading",),
        ("commits", "later", "members", "shares", "sharing", "undecoded"),
    )


def test_groups_hidden_from_every_list_may_read_along_so_there_is_no_plan() -> None:
    brokers = GroupBrokers()
    brokers.leaders = [1, None]
    with pytest.raises(UnexpectedAnswerError, match="partitions 1 of __consumer_offsets have no coordinator"):
        other_groups(brokers)


def test_a_plan_says_why_its_readers_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unlistable groups give a plan with a reason; brokers that do not answer give none."""
    brokers = GroupBrokers()
    brokers.failures["ListGroups", 1] = [CLUSTER_REFUSED]
    with brokers.running() as cluster:
        monkeypatch.setattr(messages, "RunningCluster", lambda *_: cluster)
        monkeypatch.setattr(messages, "partitions_of", lambda *_: (0,))
        plan = plan_test_messages(
            ClientProperties({"bootstrap.servers": "broker-1:9092"}),
            topic="orders",
            messages=1,
            bytes_each=300,
            key=None,
            group="g",
        )
    assert plan.other_groups is None
    assert "a broker did not list its groups" in str(plan.other_groups_error)


def test_a_plan_names_possible_readers_and_never_claims_there_are_none() -> None:
    plan = a_plan(possible=("sharing",))
    text = "\n".join(produce_plan_text(plan))
    metadata = produce_plan_metadata(plan)

    assert "may be read by sharing: what they read is not known" in text
    assert "no other group" not in text
    assert (metadata["also_read_by"], metadata["may_also_be_read_by"]) == (
        "no other known group",
        "sharing",
    )


def test_a_plan_says_in_which_format_it_writes_or_why_in_none() -> None:
    by_schema = a_plan(format="AVRO, by version 2 of orders-value (schema 7)")
    assert "format        AVRO, by version 2 of orders-value" in "\n".join(produce_plan_text(by_schema))
    assert "format" not in "\n".join(produce_plan_text(a_plan()))
    none = a_plan(format="none", unwritable="it is AWS Glue's")
    text = "\n".join(produce_plan_text(none))
    assert ("it is AWS Glue's" in text, "--apply" in text) == (True, False)
    assert produce_plan_metadata(none)["format"] == "none would be written: it is AWS Glue's"
    answer = ProducedAnswer(applied=False, plan=msgspec.to_builtins(none), next="")
    assert question_about_messages(answer) is None, "there is nothing to agree to"


def test_a_plan_with_no_other_reader_at_all_says_so() -> None:
    assert "also read by  no other group" in "\n".join(produce_plan_text(a_plan()))
    assert produce_plan_metadata(a_plan())["also_read_by"] == "no other group"


def test_the_question_before_messages_are_written_names_possible_readers() -> None:
    def asked(plan: ProducePlan) -> str:
        answer = ProducedAnswer.model_construct(applied=False, plan=msgspec.to_builtins(plan))
        question = question_about_messages(answer)
        assert question is not None
        return question.text

    assert "would receive them: sharing may read it, not known\n" in asked(a_plan(possible=("sharing",)))
    assert "would receive them: billing; sharing may read it, not known\n" in asked(
        a_plan(other=("billing",), possible=("sharing",))
    )
    assert "would receive them: none\n" in asked(a_plan())
