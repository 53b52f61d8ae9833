"""`mesh-assets esm list` over an account of fakes."""

import json

import pytest
from click.testing import CliRunner

from mesh_assets.cli.esm import mappings as list_command
from mesh_assets.cli.esm.mappings import list_mappings
from mesh_assets_tests.esm.fake_aws import FakeAws

UUID = "7d3c1b52-5f0e-4a53-9c62-6b8f5b8b9a10"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    aws = FakeAws()
    monkeypatch.setattr(list_command, "aws_account", lambda _: aws.account())
    return aws


def test_the_list_has_names_times_states_and_results(account: FakeAws) -> None:
    account.add_mapping(
        "pay:live", "payments", UUID=UUID, LastProcessingResult="PROBLEM: SASL authentication failed."
    )

    result = CliRunner().invoke(list_mappings)

    assert result.output.splitlines() == [
        "function  topic     cluster  state    last result                           changed               uuid",
        f"pay:live  payments  orders   Enabled  PROBLEM: SASL authentication failed.  2026-11-26 08:30 UTC  {UUID}",
    ]


def test_as_json_it_is_the_records(account: FakeAws) -> None:
    account.add_mapping(UUID=UUID)

    [mapping] = json.loads(CliRunner().invoke(list_mappings, ["--json"]).output)

    assert (mapping["uuid"], mapping["topic"], mapping["last_modified"]) == (
        UUID,
        "orders",
        "2026-11-26T08:30:00Z",
    )


def test_an_empty_list_is_a_sentence(account: FakeAws) -> None:  # noqa: ARG001 - set up by being there
    assert CliRunner().invoke(list_mappings).output == "No event source mapping of a Kafka topic matches.\n"
