"""`mesh-assets esm list` on a faked account."""

import json

import pytest
from click.testing import CliRunner

from mesh_assets.esm.lookup import get_mapping
from mesh_assets.mapping_commands import mappings as list_command
from mesh_assets.mapping_commands.mappings import list_mappings, mapping_text
from mesh_assets_tests.esm.fake_aws import KEY_ARN, SECRET_ARN, FakeAws

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


def test_with_json_the_records_are_printed(account: FakeAws) -> None:
    account.add_mapping(UUID=UUID)

    [mapping] = json.loads(CliRunner().invoke(list_mappings, ["--json"]).output)

    assert (mapping["uuid"], mapping["topic"], mapping["last_modified"]) == (
        UUID,
        "orders",
        "2026-11-26T08:30:00Z",
    )


REGISTRY = {
    "SchemaRegistryURI": "https://me:hunter2@registry.example",
    "EventRecordFormat": "JSON",
    "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
    "AccessConfigs": [{"Type": "BASIC_AUTH", "URI": SECRET_ARN}],
}


def test_one_mapping_shows_everything_that_decides_which_records_arrive(account: FakeAws) -> None:
    """Even unreadable filters: a missing line would mean that there are none."""
    account.add_mapping(
        UUID=UUID,
        KMSKeyArn=KEY_ARN,
        FilterCriteriaError={"ErrorCode": "KMSAccessDeniedException", "Message": "not allowed"},
        AmazonManagedKafkaEventSourceConfig={"ConsumerGroupId": "g", "SchemaRegistryConfig": REGISTRY},
        LoggingConfig={"SystemLogLevel": "DEBUG"},
    )
    lines = list(mapping_text(get_mapping(account.account(), UUID)))

    assert "  filters           unknown: KMSAccessDeniedException: not allowed" in lines
    assert (
        f"  registry          https://********@registry.example, records as JSON, validates VALUE, BASIC_AUTH {SECRET_ARN}"
        in lines
    )
    assert "  poller's log      DEBUG" in lines
    assert lines[-1].startswith("  note              the address of its schema registry contains a login")
    assert "hunter2" not in "".join(lines)
    assert "hunter2" not in CliRunner().invoke(list_mappings, ["--json"]).output


def test_an_empty_list_is_a_sentence(account: FakeAws) -> None:  # noqa: ARG001 - set up by being there
    assert CliRunner().invoke(list_mappings).output == "No event source mapping of a Kafka topic matches.\n"
