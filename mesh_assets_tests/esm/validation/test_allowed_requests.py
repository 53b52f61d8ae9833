"""Requests to create a mapping that are valid, for botocore's model too, and those that are allowed but surprising."""

from typing import Any

import pytest

from mesh_assets.esm.api_request import create_arguments
from mesh_assets.esm.validation import create_violations
from mesh_assets_tests.esm.botocore_model import request_problems
from mesh_assets_tests.esm.fake_aws import ACCOUNT, QUEUE_ARN, REGION
from mesh_assets_tests.esm.requests import MSK, PROVISIONED, SELF_MANAGED, create, faults, warnings
from mesh_assets_tests.esm.validation.allowed_requests import RIGHT


@pytest.mark.parametrize(("base", "changes"), RIGHT)
def test_a_valid_request_has_no_fault_for_us_or_for_botocore(
    base: dict[str, Any], changes: dict[str, Any]
) -> None:
    request = create(base, **changes)

    assert faults(base, **changes) == []
    assert request_problems("lambda", "CreateEventSourceMapping", create_arguments(request)) == []


@pytest.mark.parametrize(
    "destination", [QUEUE_ARN, f"arn:aws:sns:{REGION}:{ACCOUNT}:dead", "arn:aws:s3:::dead-letters"]
)
def test_a_queue_an_sns_topic_and_a_bucket_need_no_provisioned_mode(destination: str) -> None:
    said = [str(violation) for violation in warnings(MSK, on_failure_destination=destination)]

    assert [text for text in said if "provisioned" in text] == []


def test_with_provisioned_mode_there_is_no_note_about_it() -> None:
    found = create_violations(
        create(PROVISIONED, metrics=["EventCount"], retry_attempts=2, on_failure_destination="kafka://dead")
    )

    assert [str(violation) for violation in found if "provisioned" in str(violation)] == []


def test_provisioned_mode_has_defaults_on_request() -> None:
    def pollers(**changes: Any) -> Any:
        return create_arguments(create(MSK, **changes)).get("ProvisionedPollerConfig")

    assert pollers() is None
    assert pollers(provisioned_mode=True) == {"MinimumPollers": 1, "MaximumPollers": 2}
    assert pollers(min_pollers=5) == {"MinimumPollers": 5, "MaximumPollers": 5}
    assert pollers(max_pollers=9) == {"MinimumPollers": 1, "MaximumPollers": 9}


def test_the_group_is_in_the_sources_own_config() -> None:
    assert create_arguments(create(MSK))["AmazonManagedKafkaEventSourceConfig"] == {
        "ConsumerGroupId": "orders-handler"
    }
    assert create_arguments(create(SELF_MANAGED))["SelfManagedKafkaEventSourceConfig"] == {
        "ConsumerGroupId": "orders-handler"
    }


def test_a_limit_that_only_the_model_knows_is_a_fault_too() -> None:
    """As if a newer botocore allowed fewer records: our own rule accepts 10,000."""
    from mesh_assets.esm.validation import check

    check._input_shape("CreateEventSourceMapping").members["BatchSize"].metadata["max"] = 5_000
    try:
        [found] = faults(MSK, batch_size=6_000)
    finally:
        check._input_shape.cache_clear()
    assert (found.field, found.rule) == ("batch_size", "Lambda's API takes 1-5000")
