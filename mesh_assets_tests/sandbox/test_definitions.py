"""The estate's definitions hold what the project promises of its sandbox."""

from mesh_assets.sandbox.estate import EXPECTED, PLANTED_PASSWORD, REFERENCED_PASSWORD
from mesh_assets.sandbox.estate.connectors import all_connectors, source_name
from mesh_assets.sandbox.estate.expectations import _NOWHERE
from mesh_assets.sandbox.estate.records import record
from mesh_assets.sandbox.estate.topics import TOPICS

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
    """What a topic refers to is among the first records of the topic that describes it."""
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
