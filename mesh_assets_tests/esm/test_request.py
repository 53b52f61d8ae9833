"""Parsing a caller's request: all shape errors at once."""

from typing import Any

import pytest

from mesh_assets.esm.errors import InvalidRequestError
from mesh_assets.esm.request import CreateRequest, UpdateRequest, read_request

ASKED: dict[str, Any] = {
    "target": "pay",
    "kafka_topic": "payments",
    "kafka_bootstrap_servers": "b1.example:9092, b2.example:9092",
}


def test_lists_may_be_text_with_commas_and_names_may_be_aws_own() -> None:
    request = read_request(
        CreateRequest,
        {
            **ASKED,
            "source_access_configurations": [{"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"}],
            "filter_patterns": [{"value": [1]}],
        },
    )

    assert request.kafka_bootstrap_servers == ("b1.example:9092", "b2.example:9092")
    assert request.source_access_configurations is not None
    assert request.source_access_configurations[0].uri == "subnet:subnet-1"
    assert request.filter_patterns == ('{"value": [1]}',)
    assert (request.batch_size, request.enabled) == (100, True)


def test_every_wrong_shape_is_reported_at_once() -> None:
    asked = {
        "kafka_topic": "t1",
        "batch_size": True,
        "starting_position_timestamp": "2026-01-01T00:00:00",
        "password": "hunter2",
    }

    with pytest.raises(InvalidRequestError) as caught:
        read_request(CreateRequest, asked)

    assert sorted(violation.field for violation in caught.value.violations) == [
        "batch_size",
        "password",
        "starting_position_timestamp",
        "target",
    ]
    assert "hunter2" not in str(caught.value)
    assert "add the zone" in str(caught.value)


def test_an_update_leaves_unnamed_parameters_alone() -> None:
    request = read_request(UpdateRequest, {"uuid": "u", "batch_size": 5})

    assert request.model_dump(exclude_none=True) == {"uuid": "u", "batch_size": 5}


def test_every_parameter_is_described() -> None:
    assert [
        name
        for kind in (CreateRequest, UpdateRequest)
        for name, field in kind.model_fields.items()
        if not field.description
    ] == []
