"""Every rule of a new mapping, for MSK and for self-managed sources: what breaks it, and which field is
named."""

from typing import Any

import pytest

from mesh_assets.esm.errors import InvalidRequestError
from mesh_assets.esm.validation import create_violations, require_no_fault
from mesh_assets_tests.esm.fake_aws import QUEUE_ARN
from mesh_assets_tests.esm.requests import (
    CONFLUENT,
    MSK,
    MSK_SCRAM,
    PROVISIONED,
    QUEUE,
    SELF_MANAGED,
    access,
    create,
    faults,
    warnings,
)
from mesh_assets_tests.esm.validation.broken_requests import SAC, TABLE


@pytest.mark.parametrize(("base", "changes", "field", "words"), TABLE)
def test_a_broken_rule_is_a_fault_that_names_the_field_and_what_to_do(
    base: dict[str, Any], changes: dict[str, Any], field: str, words: str
) -> None:
    found = faults(base, **changes)

    assert any(violation.field == field and words in violation.rule for violation in found), [
        str(violation) for violation in found
    ]
    assert all(violation.action for violation in found)
    assert "hunter2" not in str(found)


def test_two_sources_give_a_fault_that_says_which_argument_to_leave_out() -> None:
    [found] = faults(MSK, kafka_bootstrap_servers=["b1:9092"])

    assert found.field == "event_source_arn, kafka_bootstrap_servers"
    assert found.action == (
        "leave out kafka_bootstrap_servers for the MSK cluster, or event_source_arn for the self-managed one"
    )


def test_an_empty_value_is_shown_as_one() -> None:
    [found] = faults(MSK, kafka_topic="")
    assert str(found).startswith("kafka_topic = '': Lambda takes")


def test_all_faults_are_reported_at_once() -> None:
    asked = create(MSK, batch_size=0, max_record_age=5, tumbling_window=1, kafka_topic=".x", log_level="LOUD")

    with pytest.raises(InvalidRequestError) as caught:
        require_no_fault(create_violations(asked))

    assert {violation.field for violation in caught.value.violations} == {
        "batch_size",
        "max_record_age",
        "tumbling_window",
        "kafka_topic",
        "log_level",
    }
    assert str(caught.value).startswith("the request has 6 faults; nothing was done\n  kafka_topic = .x: ")


@pytest.mark.parametrize(
    ("base", "changes", "field", "words"),
    [
        (MSK, {"kafka_consumer_group_id": None}, "kafka_consumer_group_id", "the mapping's UUID"),
        (
            MSK,
            {},
            "starting_position",
            "offsets that group orders-handler has already committed take precedence",
        ),
        (MSK, {"max_batching_window": 5}, "max_batching_window", "cannot return to the default of 500 ms"),
        (MSK, {"on_failure_destination": QUEUE_ARN}, "on_failure_destination", "makes 10 attempts"),
        (MSK, {"retry_attempts": 2}, "retry_attempts", "only in provisioned mode"),
        (MSK, {"metrics": ["EventCount"]}, "metrics", "without it they may never arrive"),
        (QUEUE, {}, "consumption_mode", "Kafka 4.2 or later"),
        (MSK, {"filter_patterns": ['{"value": [1]}'] * 6}, "filter_patterns", "5 filters"),
        (MSK, {"filter_patterns": [{"body": {"a": ["x"]}}]}, "filter_patterns[0]", "only by their value"),
        (
            MSK,
            {"filter_patterns": [{"$or": [{"key": ["x"]}, {"value": ["x"]}]}]},
            "filter_patterns[0]",
            "only by their value",
        ),
        (
            MSK,
            {"filter_patterns": [{"value": {"a": [{"wildcard": "a*b"}]}}]},
            "filter_patterns[0]",
            "guide does not list",
        ),
        (
            MSK,
            {"filter_patterns": [{"value": {"a": [{"numeric": ["=", 6e9]}]}}]},
            "filter_patterns[0]",
            "from -5e9 to 5e9",
        ),
        (
            MSK_SCRAM,
            {SAC: [*MSK_SCRAM[SAC], *access("CLIENT_CERTIFICATE_TLS_AUTH")]},
            SAC,
            "uses the certificate",
        ),
        (SELF_MANAGED, {SAC: access("BASIC_AUTH", "SASL_SCRAM_512_AUTH")}, SAC, "authenticates in one way"),
        (
            PROVISIONED,
            {"schema_registry": {"uri": CONFLUENT}},
            "schema_registry.access_configurations",
            "asks for credentials",
        ),
    ],
)
def test_allowed_but_surprising_values_are_a_warning(
    base: dict[str, Any], changes: dict[str, Any], field: str, words: str
) -> None:
    assert any(
        violation.field == field and words in violation.rule for violation in warnings(base, **changes)
    )
