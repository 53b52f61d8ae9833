"""The estate's definitions keep the sandbox's promises; records are reproducible and match schemas."""

import hashlib
import json

import jsonschema  # type: ignore[import-untyped] # it comes without types
import pytest
from referencing import Registry, Resource

from mesh_assets.sandbox.estate import EXPECTED, PLANTED_PASSWORD, REFERENCED_PASSWORD
from mesh_assets.sandbox.estate.clusters import all_connectors, source_name
from mesh_assets.sandbox.estate.expectations import _NOWHERE
from mesh_assets.sandbox.estate.subjects import all_subjects, json_schema
from mesh_assets.sandbox.estate.topic import Topic, backlog, line, record
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets.sandbox.estate.vocabulary import SHARED_TYPES

PROMISED_TOPICS = [
    "campaign_finance",
    "clickstream",
    "clickstream_codes",
    "clickstream_users",
    "credit_cards",
    "device_information",
    "fleet_mgmt_description",
    "fleet_mgmt_location",
    "fleet_mgmt_sensors",
    "gaming_games",
    "gaming_player_activity",
    "gaming_players",
    "insurance_customer_activity",
    "insurance_customers",
    "insurance_offers",
    "inventory",
    "orders",
    "pageviews",
    "payroll_bonus",
    "payroll_employee",
    "payroll_employee_location",
    "pizza_orders",
    "pizza_orders_cancelled",
    "pizza_orders_completed",
    "product",
    "purchases",
    "ratings",
    "shoe_clickstream",
    "shoe_customers",
    "shoe_orders",
    "shoes",
    "siem_logs",
    "stock_trades",
    "stores",
    "syslog_logs",
    "transactions",
    "users",
]


def test_the_estate_has_the_37_promised_topics_of_6_partitions() -> None:
    assert sorted(EXPECTED.topics) == sorted(PROMISED_TOPICS)
    assert EXPECTED.partitions == 222


def test_each_topic_has_a_source_and_three_sinks_make_40_connectors() -> None:
    assert len(EXPECTED.connectors) == 40
    assert len(EXPECTED.sinks) == 3
    assert {source_name(t) for t in PROMISED_TOPICS} | set(EXPECTED.sinks) == set(EXPECTED.connectors)


def test_every_topic_has_a_subject_and_schemas_are_as_varied_as_promised() -> None:
    assert {f"{t}-value" for t in PROMISED_TOPICS} | {
        "common.address",
        "common.geo_point",
        "common.money",
    } == set(EXPECTED.subjects)
    assert len(EXPECTED.subjects_with_two_versions) >= 6
    assert len(EXPECTED.subjects_with_references) >= 3
    assert len(set(EXPECTED.compatibility_levels.values())) >= 4


def test_topic_configs_are_varied() -> None:
    assert len({tuple(sorted(t.config.items())) for t in TOPICS if t.config}) >= 12
    assert len({name for t in TOPICS for name in t.config}) >= 12


def test_a_shared_key_always_names_something_that_exists() -> None:
    """Whatever a topic refers to is among the first records of the topic that describes it."""
    described = {
        (name, field.entity): {record(topic, n)[name] for n in range(topic.backlog)}
        for topic in TOPICS
        for name, field in topic.fields.items()
        if field.entity
        and record(topic, 0)[name] == field.entity.id(0)
        and record(topic, 1)[name] == field.entity.id(1)
    }
    for topic in TOPICS:
        for name, field in topic.fields.items():
            if field.entity and (name, field.entity) in described:
                referred = {record(topic, n)[name] for n in range(100)}
                assert referred <= described[name, field.entity], f"{topic.name}.{name}"


def test_one_password_is_planted_in_clear_and_one_by_reference() -> None:
    configs = all_connectors(feeds=_NOWHERE, sinks=_NOWHERE, secrets=_NOWHERE / "secrets.properties")
    planted = sorted(
        name
        for name, config in configs.items()
        if any(PLANTED_PASSWORD in value for value in config.values())
    )
    assert planted == ["siem-logs-source", "transactions-source"]
    assert (
        configs["payroll-employee-source"]["database.password"]
        == "${file:/secrets.properties:payroll.password}"
    )
    assert REFERENCED_PASSWORD not in str(configs)


by_name = {topic.name: topic for topic in TOPICS}


def test_the_same_seed_gives_the_same_bytes() -> None:
    text = "\n".join(found for topic in TOPICS for found in backlog(topic))
    # Changes only with the definitions: not with the machine, the run or the order of records.
    assert (
        hashlib.sha256(text.encode()).hexdigest()
        == "cc7a49db2b7f83938a32aa0649a3248c62ee549090821a42f5653896948978d2"
    )


def test_a_record_does_not_depend_on_earlier_ones() -> None:
    orders = by_name["orders"]
    assert [line(orders, n) for n in (250, 3, 250)] == [line(orders, 250), line(orders, 3), line(orders, 250)]
    assert line(orders, 250) != line(orders, 3)


def test_a_repeated_description_uses_the_same_words() -> None:
    users = by_name["users"]
    assert line(users, 7) == line(users, 7 + users.backlog)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda t: t.name)
def test_every_record_keeps_to_the_newest_schema_of_its_topic(topic: Topic) -> None:
    texts = {subject.name: subject.versions[-1] for subject in all_subjects()}
    registry: Registry[object] = Registry().with_resources(
        (kind.file, Resource.from_contents(json.loads(texts[kind.subject]))) for kind in SHARED_TYPES
    )
    validator = jsonschema.Draft7Validator(
        json_schema(topic, version=topic.schema_versions), registry=registry
    )
    for number in range(0, topic.backlog + 50, 7):
        assert list(validator.iter_errors(record(topic, number))) == []


def test_an_optional_field_is_sometimes_present_and_sometimes_not() -> None:
    present = {"coupon" in record(by_name["orders"], number) for number in range(50)}
    assert present == {True, False}
