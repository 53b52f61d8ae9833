import io

import pytest
from dotenv import dotenv_values

from mesh_assets.configuration.entries import variables_from_terraform
from mesh_assets.configuration.env_text import merged_env, shown_env
from mesh_assets.configuration.terraform_outputs import parse_terraform_outputs
from mesh_assets.errors import ConfigurationError
from mesh_assets_tests.configuration.outputs import SECRETS, outputs_json

NAMES = [
    "CONFLUENT_CLOUD_API_KEY",
    "CONFLUENT_CLOUD_API_SECRET",
    "CONFLUENT_ENVIRONMENT_ID",
    "CONFLUENT_KAFKA_CLUSTER_ID",
    "CONFLUENT_SCHEMA_REGISTRY_ID",
    "KAFKA_BOOTSTRAP_ENDPOINT",
    "KAFKA_API_KEY",
    "KAFKA_API_SECRET",
    "SCHEMA_REGISTRY_ENDPOINT",
    "SCHEMA_REGISTRY_API_KEY",
    "SCHEMA_REGISTRY_API_SECRET",
]


def test_the_file_reads_back_as_what_terraform_said_and_shows_no_secret() -> None:
    variables = variables_from_terraform(parse_terraform_outputs(outputs_json(), source="x"))
    assert list(variables) == NAMES
    assert variables["KAFKA_BOOTSTRAP_ENDPOINT"] == "pkc-00000.eu-central-1.aws.confluent.cloud:9092"
    assert dict(dotenv_values(stream=io.StringIO(merged_env(None, variables, source=".env")))) == variables
    shown = shown_env(variables)
    assert not any(secret in shown for secret in SECRETS.values())
    assert shown.count("(hidden)") == len(SECRETS)


def test_a_second_cluster_has_variables_of_its_own() -> None:
    variables = variables_from_terraform(parse_terraform_outputs(outputs_json(), source="x"), suffix="ORDERS")
    assert list(variables) == [f"{name}_ORDERS" for name in NAMES]


def test_other_lines_stay_and_another_value_is_replaced_by_force_alone() -> None:
    text = "# mine\nexport A=1\nKAFKA_API_KEY=old\n\nB='two words'\n"
    with pytest.raises(
        ConfigurationError, match="has KAFKA_API_KEY with another value; --force replaces it"
    ) as caught:
        merged_env(text, {"KAFKA_API_KEY": "new"}, source=".env")
    assert "old" not in str(caught.value)
    assert "new" not in str(caught.value)
    assert merged_env(text, {"KAFKA_API_KEY": "new"}, source=".env", force=True) == (
        "# mine\nexport A=1\n\nB='two words'\nKAFKA_API_KEY=new\n"
    )


@pytest.mark.parametrize("value", ["a'b", 'a"b', "a#b", "a b", "a\\b", "$b", "", "=+/"])
def test_a_value_with_unusual_characters_survives(value: str) -> None:
    assert dotenv_values(stream=io.StringIO(merged_env(None, {"A": value}, source=".env")))["A"] == value


def test_a_value_that_the_reader_would_change_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^the value of A cannot be kept in a \.env: it holds"):
        merged_env(None, {"A": "x${HOME}"}, source=".env")
