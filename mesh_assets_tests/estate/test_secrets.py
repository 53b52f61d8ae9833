import pytest

from mesh_assets.errors import EstateError
from mesh_assets.estate.secrets import resolve


def test_a_reference_is_replaced_by_the_variables_value() -> None:
    assert resolve("${KEY}", environment={"KEY": "abc"}) == "abc"
    assert resolve("broker-${N}.example:9092", environment={"N": "7"}) == "broker-7.example:9092"


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(EstateError, match="the environment variable KEY is not set"):
        resolve("${KEY}", environment={"OTHER": "abc"})


def test_a_kind_of_reference_that_cannot_be_resolved_is_never_used_as_the_secret_itself() -> None:
    with pytest.raises(EstateError, match="references to ssm are not supported yet"):
        resolve("ssm:/discovery-agent/secret", environment={})
