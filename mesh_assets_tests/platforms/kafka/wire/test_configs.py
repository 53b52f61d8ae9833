"""All configs of topics by DescribeConfigs."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka.values import TopicConfigs
from mesh_assets.platforms.kafka.wire import configs
from mesh_assets.platforms.kafka.wire.configs import read_configs
from mesh_assets.platforms.kafka.wire.forms import BrokerError, MalformedError
from mesh_assets_tests.platforms.kafka.wire.oracle import (
    Brokers,
    DescribeConfigsRequest,
    DescribeConfigsResponse,
)
from mesh_assets_tests.platforms.kafka.wire.topic_messages import entry, result

VERSIONS = range(1, 5)


Answers = Callable[[list[str], int | None], list[Any]]


def brokers_that(answer: Answers, *numbers: int, newest: int = 4) -> Brokers:
    def described(request: Any, broker: int | None) -> Any:
        assert {(one.resource_type, one.configuration_keys) for one in request.resources} == {(2, None)}
        assert not request.include_synonyms
        assert not request.include_documentation
        names = [one.resource_name for one in request.resources]
        return DescribeConfigsResponse(throttle_time_ms=0, results=answer(names, broker))

    return Brokers(
        *(numbers or (1,)),
        handlers={"DescribeConfigs": (DescribeConfigsRequest, described)},
        newest={"DescribeConfigs": newest},
    )


def brokers_with(topics: Mapping[str, list[Any]], newest: int = 4) -> Brokers:
    return brokers_that(lambda names, _: [result(name, topics[name]) for name in names], newest=newest)


def sizes(brokers: Brokers) -> list[tuple[int | None, int]]:
    return [(broker, len(request.resources)) for _, broker, request in brokers.asked]


def read(brokers: Brokers, names: Iterable[str]) -> dict[str, TopicConfigs]:
    return asyncio.run(read_configs(brokers, names))


@pytest.mark.parametrize("version", VERSIONS)
def test_all_configs_and_their_sources_are_read_in_every_version(version: int) -> None:
    own = [
        entry("retention.ms", "3600000", source=1, synonyms=["log.retention.ms", "log.retention.hours"]),
        entry("cleanup.policy", "compact", source=1, documentation="What to do with old records. " * 9),
        entry("broker's", "1", source=2),
        entry("cluster's", "1", source=3),
        entry("static", "1", source=4),
        entry("segment.bytes", "1073741824"),
        entry("leader.replication.throttled.replicas", ""),
        entry("unset", None),
        entry("long", "0:1," * 100, source=1),
    ]
    brokers = brokers_with({"orders": own, "other": own[3:], "same": own}, newest=version)
    values = {
        "broker's": "1",
        "cleanup.policy": "compact",
        "cluster's": "1",
        "leader.replication.throttled.replicas": "",
        "long": "0:1," * 100,
        "retention.ms": "3600000",
        "segment.bytes": "1073741824",
        "static": "1",
        "unset": None,
    }
    answered = read(brokers, ["orders", "same", "other"])
    assert list(answered) == ["orders", "other", "same"]
    for name in ("orders", "same"):
        assert answered[name] == TopicConfigs(
            topic=name,
            values=values,
            overridden=("cleanup.policy", "long", "retention.ms"),
            cluster_wide=("cluster's",),
            of_the_broker=("broker's",),
        )
        assert list(answered[name].values or ()) == sorted(values)
    assert answered["other"] == TopicConfigs(
        topic="other",
        values={
            name: values[name]
            for name in values
            if name not in ("broker's", "cleanup.policy", "retention.ms")
        },
        overridden=("long",),
        cluster_wide=("cluster's",),
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_a_sensitive_value_is_dropped_even_if_the_broker_sends_it(version: int) -> None:
    own = {"orders": [entry("link.password", "hush", source=1, sensitive=True), entry("link.user", "hush")]}
    assert read(brokers_with(own, newest=version), ["orders"])["orders"] == TopicConfigs(
        topic="orders", values={"link.password": None, "link.user": "hush"}, overridden=("link.password",)
    )


def test_values_that_differ_in_one_letter_or_in_their_source_stay_apart() -> None:
    """Topics are compared as bytes; every topic here differs slightly from its neighbours."""
    expected: dict[str, tuple[dict[str, str | None], tuple[str, ...]]] = {}
    topics = {}
    for number in range(200):
        own = [
            entry("a", str(number % 2)),
            entry("b", "x" * (number % 150)),
            entry("c", str(number), source=1 + 4 * (number % 3 == 0)),
            entry("d", None if number % 5 else ""),
            *([entry("e", "only some have it", source=1)] if number % 7 == 0 else []),
        ]
        topics[f"topic-{number:03}"] = own
        expected[f"topic-{number:03}"] = (
            {one.name: one.value for one in own},
            tuple(one.name for one in own if one.config_source == 1),
        )
    answered = read(brokers_with(topics), topics)
    assert {name: (one.values, one.overridden) for name, one in answered.items()} == expected


def test_topics_with_equal_configs_share_them_in_memory() -> None:
    def own(policy: str) -> list[Any]:
        return [entry("cleanup.policy", policy, source=1), entry("retention.ms", "1")]

    names = {f"topic-{number}": own("compact" if number % 2 else "delete") for number in range(10)}
    answered = read(brokers_with(names), names).values()
    assert len({id(one.values) for one in answered}) == 2
    assert len({id(one.overridden) for one in answered}) <= 2
    assert len({id(key) for one in answered for key in one.values or ()}) == 2


def test_a_refused_topic_is_unknown_with_the_missing_right_and_the_others_are_read() -> None:
    codes = {
        "secret": (KafkaError.TOPIC_AUTHORIZATION_FAILED, "Topic authorization failed."),
        "gone": (KafkaError.UNKNOWN_TOPIC_OR_PART, None),
        "open": (0, None),
    }
    brokers = brokers_that(lambda names, _: [result(name, [], *codes[name]) for name in names])
    assert read(brokers, codes) == {
        "gone": TopicConfigs(
            topic="gone", values=None, error="UNKNOWN_TOPIC_OR_PART: Broker: Unknown topic or partition"
        ),
        "open": TopicConfigs(topic="open", values={}),
        "secret": TopicConfigs(
            topic="secret",
            values=None,
            error="TOPIC_AUTHORIZATION_FAILED: Topic authorization failed.; needs DESCRIBE_CONFIGS on the topic",
        ),
    }


def test_a_brokers_words_about_a_refusal_become_one_printable_line() -> None:
    brokers = brokers_that(lambda names, _: [result(name, [], 29, "no\0,\n\x1b[31mno") for name in names])
    assert read(brokers, ["orders"])["orders"].error == (
        "TOPIC_AUTHORIZATION_FAILED: no , [31mno; needs DESCRIBE_CONFIGS on the topic"
    )


def test_no_topics_need_no_request() -> None:
    brokers = brokers_with({})
    assert (read(brokers, []), brokers.asked) == ({}, [])


# How requests are spread over brokers.


def answers_all(names: list[str], _: int | None) -> list[Any]:
    return [result(name, [entry("a", name)]) for name in names]


def test_topics_are_spread_evenly_over_the_brokers_and_each_is_requested_once() -> None:
    names = [f"topic-{number:04}" for number in range(5_400)]
    brokers = brokers_that(answers_all, 1, 2, 3)
    answered = read(brokers, [*names, *names])
    assert {name: one.values for name, one in answered.items()} == {name: {"a": name} for name in names}
    assert sorted(sizes(brokers)) == [(1, 900), (1, 900), (2, 900), (2, 900), (3, 900), (3, 900)]


@pytest.mark.parametrize(
    ("topics", "expected"),
    [(90, [90]), (250, [84, 84, 82]), (600, [200, 200, 200]), (3_001, [501] * 5 + [496])],
)
def test_few_topics_take_few_requests(topics: int, expected: list[int]) -> None:
    brokers = brokers_that(answers_all, 1, 2, 3)
    read(brokers, [f"topic-{number:04}" for number in range(topics)])
    assert [size for _, size in sizes(brokers)] == expected


def test_other_brokers_answer_for_one_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configs, "_PAUSE_SECONDS", 0)

    def answer(names: list[str], broker: int | None) -> list[Any]:
        if broker == 2:
            raise BrokerError(KafkaError._TRANSPORT)
        return answers_all(names, broker)

    names = [f"topic-{number:04}" for number in range(900)]
    brokers = brokers_that(answer, 1, 2, 3)
    assert [one.values for one in read(brokers, names).values()] == [{"a": name} for name in names]
    failed = [size for broker, size in sizes(brokers) if broker == 2]
    assert failed == [300]


def test_an_answer_that_is_too_large_is_requested_in_halves_even_from_an_only_broker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(configs, "_PAUSE_SECONDS", 0)

    def answer(names: list[str], broker: int | None) -> list[Any]:
        if len(names) > 150:
            raise BrokerError(KafkaError._BAD_MSG, "an answer of 300000000 bytes")
        return answers_all(names, broker)

    names = [f"topic-{number:04}" for number in range(500)]
    brokers = brokers_that(answer)
    assert [one.values for one in read(brokers, names).values()] == [{"a": name} for name in names]
    assert [size for _, size in sizes(brokers)] == [500, 250, 250, 125, 125, 125, 125]


@pytest.mark.parametrize(("code", "attempts"), [(KafkaError._TIMED_OUT, 3), (KafkaError._AUTHENTICATION, 1)])
def test_without_an_answer_there_is_no_reading(
    monkeypatch: pytest.MonkeyPatch, code: int, attempts: int
) -> None:
    monkeypatch.setattr(configs, "_PAUSE_SECONDS", 0)

    def answer(*_: object) -> list[Any]:
        raise BrokerError(code, "why")

    brokers = brokers_that(answer, 1, 2)
    with pytest.raises(BrokerError) as raised:
        read(brokers, ["orders"])
    assert (raised.value.code, raised.value.said) == (code, "why")
    assert [broker for broker, _ in sizes(brokers)] == [1, 2, 1][:attempts]


@pytest.mark.parametrize(
    "answer",
    [
        lambda names: answers_all(names[1:], 1),
        lambda names: answers_all([*names, "another"], 1),
        lambda names: answers_all([*names, names[0]], 1),
        lambda names: [result(name, kind=4) for name in names],
        lambda names: [result(name, [entry("a", "1"), entry("a", "2")]) for name in names],
    ],
    ids=["too few topics", "another topic", "a topic twice", "a broker's configs", "a config twice"],
)
def test_an_impossible_answer_is_invalid(answer: Callable[[list[str]], list[Any]]) -> None:
    with pytest.raises(MalformedError):
        read(brokers_that(lambda names, _: answer(names)), ["one", "two"])
