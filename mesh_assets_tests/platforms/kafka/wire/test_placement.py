"""Partitions under reassignment, and eligible leaders outside the ISR."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError

from mesh_assets.inventory.storage_records import EligibleLeaders, Reassignment
from mesh_assets.platforms.kafka.wire.forms import BrokerError, MalformedError, UnsupportedError
from mesh_assets.platforms.kafka.wire.placement import (
    LIST_REASSIGNMENTS,
    read_eligible_leaders,
    read_reassignments,
)
from mesh_assets_tests.platforms.kafka.wire.messages import encoded, written
from mesh_assets_tests.platforms.kafka.wire.scripted import ScriptedAnswers
from mesh_assets_tests.platforms.kafka.wire.storage_messages import described, led, moving

NOT_CONTROLLER = int(KafkaError.NOT_CONTROLLER)


def test_moving_partitions_are_listed_by_topic_and_number() -> None:
    topics = [{"name": "orders", "partitions": [moving(7, [4], [2]), moving(0, [], [3])]}]
    brokers = ScriptedAnswers(1, answers={"ListPartitionReassignments": lambda _: {"topics": topics}})
    assert asyncio.run(read_reassignments(brokers)) == {
        "orders": (
            Reassignment(partition=0, adding=(), removing=(3,)),
            Reassignment(partition=7, adding=(4,), removing=(2,)),
        )
    }
    assert written(LIST_REASSIGNMENTS, 0) == encoded(
        "ListPartitionReassignmentsRequest", 0, {"timeout_ms": 10_000, "topics": None}
    )


def test_no_reassignment_is_none_and_a_refusal_is_not() -> None:
    quiet = ScriptedAnswers(1, answers={"ListPartitionReassignments": lambda _: {}})
    assert asyncio.run(read_reassignments(quiet)) == {}
    refused = {"error_code": int(KafkaError.CLUSTER_AUTHORIZATION_FAILED), "error_message": "no"}
    refusing = ScriptedAnswers(1, answers={"ListPartitionReassignments": lambda _: refused})
    with pytest.raises(BrokerError) as raised:
        asyncio.run(read_reassignments(refusing))
    assert (raised.value.code, raised.value.said) == (refused["error_code"], "no")


def test_zookeepers_brokers_are_asked_for_their_controller() -> None:
    def answer(broker: int | None) -> dict[str, Any]:
        return {} if broker == 2 else {"error_code": NOT_CONTROLLER}

    brokers = ScriptedAnswers(
        1, 2, answers={"ListPartitionReassignments": answer, "Metadata": lambda _: {"controller_id": 2}}
    )
    assert asyncio.run(read_reassignments(brokers)) == {}
    assert [broker for name, broker, _ in brokers.asked if name != "Metadata"] == [None, 2]


def test_a_controller_that_keeps_moving_is_an_error() -> None:
    brokers = ScriptedAnswers(
        1,
        answers={
            "ListPartitionReassignments": lambda _: {"error_code": NOT_CONTROLLER},
            "Metadata": lambda _: {"controller_id": 1},
        },
    )
    with pytest.raises(BrokerError):
        asyncio.run(read_reassignments(brokers))


# Eligible leaders.


def paged(*pages: dict[str, Any]) -> ScriptedAnswers:
    following: Iterator[dict[str, Any]] = iter(pages)
    return ScriptedAnswers(1, answers={"DescribeTopicPartitions": lambda _: next(following)})


def test_only_partitions_with_leaders_outside_the_isr_are_kept() -> None:
    brokers = paged(
        {
            "topics": [
                described("orders", led(1, [], [3]), led(0, [2], None), led(2), led(3, [], [])),
                described("secret", code=int(KafkaError.TOPIC_AUTHORIZATION_FAILED)),
            ]
        }
    )
    assert asyncio.run(read_eligible_leaders(brokers, ["orders", "secret"])) == {
        "orders": (
            EligibleLeaders(partition=0, eligible=(2,), last_known=()),
            EligibleLeaders(partition=1, eligible=(), last_known=(3,)),
        ),
        "secret": None,
    }


def test_all_pages_are_read_and_finished_topics_left_out() -> None:
    brokers = paged(
        {
            "topics": [described("a", led(0, [2])), described("b", led(0, [3]))],
            "next_cursor": {"topic_name": "b", "partition_index": 1},
        },
        {"topics": [described("b", led(1, [2])), described("c")]},
    )
    found = asyncio.run(read_eligible_leaders(brokers, ["c", "b", "a"]))
    assert {name: [one.partition for one in ones or ()] for name, ones in found.items()} == {
        "a": [0],
        "b": [0, 1],
        "c": [],
    }
    assert [body for _, _, body in brokers.asked] == [
        encoded("DescribeTopicPartitionsRequest", 0, {"topics": [{"name": name} for name in names]} | more)
        for names, more in (
            ("abc", {}),
            ("bc", {"cursor": {"topic_name": "b", "partition_index": 1}}),
        )
    ]


def test_pages_that_lead_in_a_circle_are_invalid() -> None:
    page = {"topics": [described("a")], "next_cursor": {"topic_name": "a", "partition_index": 1}}
    with pytest.raises(MalformedError):
        asyncio.run(read_eligible_leaders(paged(page, page), ["a"]))


def test_brokers_without_the_request_are_too_old_and_no_topics_need_no_request() -> None:
    brokers = ScriptedAnswers(1, answers={}, newest={"DescribeTopicPartitions": -1})
    with pytest.raises(UnsupportedError):
        asyncio.run(read_eligible_leaders(brokers, ["a"]))
    assert asyncio.run(read_eligible_leaders(brokers, [])) == {}


def test_an_answer_about_another_topic_is_invalid() -> None:
    with pytest.raises(MalformedError):
        asyncio.run(read_eligible_leaders(paged({"topics": [described("b")]}), ["a"]))
