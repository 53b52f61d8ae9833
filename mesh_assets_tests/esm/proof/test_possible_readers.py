"""The plan of test messages names the groups that may read them although nobody can say so."""

from typing import Any

import msgspec
import pytest
from confluent_kafka import ConsumerGroupState, Node, TopicPartitionInfo

from mesh_assets.cli.esm.proof import produce_plan_text
from mesh_assets.defs.esm.metadata import produce_plan_metadata
from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.esm.proof import ProducePlan
from mesh_assets.esm.proof.messages import _other_groups
from mesh_assets.mapping_tools.proof import ProducedAnswer, question_about_messages
from mesh_assets.platforms.kafka.group_listing import absent_groups
from mesh_assets.platforms.kafka.session import Session
from mesh_assets_tests.platforms.kafka.fakes import (
    FakeAdmin,
    FakeConsumer,
    as_listed_of_old,
    committed,
    described,
    description,
)


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


def test_streams_groups_read_what_they_committed_and_share_groups_perhaps_everything() -> None:
    admin = FakeAdmin()
    names = ("sharing", "totals", "elsewhere")
    admin.old_listings = [[as_listed_of_old(name, "Dead", "") for name in names]]
    admin.group_descriptions = {name: described(name, state=ConsumerGroupState.DEAD) for name in names}
    admin.committed = {"totals": [committed("orders", 0, 5)], "elsewhere": [committed("users", 0, 5)]}
    session = Session(
        {"bootstrap.servers": "broker-1:9092"},
        5,
        admin_factory=lambda _: admin,
        consumer_factory=lambda _: FakeConsumer(),
    )

    assert _other_groups(session, "orders", "g") == (("totals",), ("sharing",))


def test_groups_that_no_list_shows_may_read_along_so_there_is_no_plan() -> None:
    admin = FakeAdmin()
    leaders: list[Any] = [Node(1, "", 0), None]
    partitions = [TopicPartitionInfo(number, leader, [], []) for number, leader in enumerate(leaders)]
    admin.coordinators = description("__consumer_offsets", partitions=partitions)
    admin.group_descriptions = {
        name: described(name, state=ConsumerGroupState.DEAD) for name in absent_groups(2)
    }
    session = Session(
        {"bootstrap.servers": "broker-1:9092"},
        5,
        admin_factory=lambda _: admin,
        consumer_factory=lambda _: FakeConsumer(),
    )

    with pytest.raises(UnexpectedAnswerError, match="partitions 1 of __consumer_offsets have no coordinator"):
        _other_groups(session, "orders", "g")


def test_a_plan_says_who_may_read_along_and_not_that_nobody_does() -> None:
    plan = a_plan(possible=("sharing",))
    text = "\n".join(produce_plan_text(plan))
    metadata = produce_plan_metadata(plan)

    assert "may be read by sharing: what they read is not known" in text
    assert "no other group" not in text
    assert (metadata["also_read_by"], metadata["may_also_be_read_by"]) == (
        "no other group that is known",
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
