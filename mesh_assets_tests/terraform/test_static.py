"""What neither Terraform nor the provider stubs notice: misplaced secrets, roles, and what the code relies on."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mesh_assets.estate.fields import CHANGES_TOPIC, EVENTS_TOPIC
from mesh_assets.snapshot.topics import CHANGES_CONFIG, EVENTS_CONFIG
from mesh_assets.store import layout
from mesh_assets_tests.terraform.configuration import bindings, outputs, read, resources
from mesh_assets_tests.terraform.terraform_cli import FOLDER

# From the table in docs/terraform.md: none allows more than reading, except for the project's own topics and subjects.
ALLOWED_ROLES = {"Operator", "MetricsViewer", "DeveloperRead", "DeveloperWrite"}
WRITTEN = {
    f"topic={EVENTS_TOPIC}",
    f"topic={CHANGES_TOPIC}",
    f"subject={EVENTS_TOPIC}-value",
    f"subject={CHANGES_TOPIC}-value",
    "transactional-id=mesh-assets-*",
}


@pytest.fixture(scope="module")
def blocks() -> dict[str, list[Any]]:
    return read()


@pytest.fixture(scope="module")
def agents() -> str:
    return (FOLDER / "agents.tf").read_text(encoding="utf-8")


def test_no_role_is_stronger_than_the_tables(agents: str, blocks: dict[str, list[Any]]) -> None:
    found = bindings(agents)
    assert len(found) == agents.count("role = ") == 12
    assert {binding.role for binding in found} == ALLOWED_ROLES
    assert {binding.resource for binding in found if binding.role == "DeveloperWrite"} == WRITTEN
    # One resource makes all bindings from that table, for one principal.
    (only,) = resources("confluent_role_binding", blocks=blocks).values()
    assert only["role_name"] == "${each.value.role}"
    assert only["crn_pattern"] == "${each.value.on}"
    assert only["principal"] == "${local.principal}"
    assert '"User:${confluent_service_account.discovery_agent.id}"' in agents


def test_only_messages_of_snapshots_and_profiled_topics_are_readable(agents: str) -> None:
    readers = [
        binding.resource
        for binding in bindings(agents)
        if binding.role == "DeveloperRead" and "topic=" in binding.resource
    ]
    assert readers == [f"topic={EVENTS_TOPIC}", "topic=${pattern}"]
    assert "for pattern in(var.enable_profiling ? var.profiled_topics : [])" in agents


def test_no_identity_administers_a_cluster() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.tf"))
    for role in ("Admin", "ConnectManager", "ResourceOwner", "DeveloperManage"):
        assert role not in text


def test_every_output_that_names_a_key_is_sensitive(blocks: dict[str, list[Any]]) -> None:
    keys = {name: body for name, body in outputs(blocks).items() if "confluent_api_key" in str(body["value"])}
    assert sorted(keys) == [
        f"discovery_agent_{what}_api_{part}"
        for what in ("cloud", "cluster", "sr")
        for part in ("key", "secret")
    ]
    assert all(body.get("sensitive") is True for body in keys.values())


def test_keys_go_to_ssm_only_as_write_only_values(blocks: dict[str, list[Any]]) -> None:
    (parameter,) = resources("aws_ssm_parameter", blocks=blocks).values()
    assert parameter["type"] == "SecureString"
    assert {"value_wo", "value_wo_version"} <= parameter.keys()
    assert not {"value", "insecure_value"} & parameter.keys()


def test_no_resource_holds_credentials(blocks: dict[str, list[Any]]) -> None:
    for kind in ("confluent_kafka_topic", "confluent_kafka_acl"):
        for body in resources(kind, blocks=blocks).values():
            assert "credentials" not in body
            assert body["provider"] == "${confluent.kafka}"
    variables = {name: body for block in blocks["variable"] for name, body in block.items()}
    assert {name for name, body in variables.items() if body.get("ephemeral")} == {
        "kafka_admin_api_key",
        "kafka_admin_api_secret",
    }


def test_the_topics_are_as_the_publisher_would_create_them(blocks: dict[str, list[Any]], agents: str) -> None:
    topics = resources("confluent_kafka_topic", blocks=blocks)
    # Confluent Cloud does not let users set this one.
    events = {name: value for name, value in EVENTS_CONFIG.items() if name != "min.cleanable.dirty.ratio"}
    assert {name.strip('"'): value for name, value in topics["discovery_events"]["config"].items()} == events
    assert {
        name.strip('"'): value for name, value in topics["discovery_changes"]["config"].items()
    } == CHANGES_CONFIG
    assert f'events_topic  = "{EVENTS_TOPIC}"' in agents
    assert f'changes_topic = "{CHANGES_TOPIC}"' in agents


def test_no_current_object_expires_but_the_steps_of_runs(blocks: dict[str, list[Any]]) -> None:
    (lifecycle,) = resources("aws_s3_bucket_lifecycle_configuration", blocks=blocks).values()
    ending = [
        rule["filter"][0]["prefix"] for rule in lifecycle["rule"] if "days" in rule.get("expiration", [{}])[0]
    ]
    assert ending == ["${var.store_prefix}/steps/"]
    # A key of every kind that the code writes; the claim check names the first.
    kept = [
        layout.document_key("lkc-nd1ng3", datetime(2026, 11, 23, tzinfo=UTC), 1),
        layout.latest_key("lkc-nd1ng3"),
        layout.pending_key("lkc-nd1ng3"),
        layout.tickets_key("lkc-nd1ng3"),
        layout.known_cluster_key("data-mesh-cluster"),
    ]
    assert not any(key.startswith("steps/") for key in kept)
    assert layout.section_key("run", "data-mesh-cluster", "topics").startswith("steps/")


def test_the_names_that_others_rely_on_are_outputs(blocks: dict[str, list[Any]]) -> None:
    assert outputs(blocks).keys() >= {
        "environment_id",
        "kafka_cluster_id",
        "kafka_bootstrap_endpoint",
        "schema_registry_rest_endpoint",
        "schema_registry_id",
        "discovery_agent_cluster_api_key",
        "discovery_agent_cluster_api_secret",
        "discovery_agent_sr_api_key",
        "discovery_agent_sr_api_secret",
        "discovery_agent_cloud_api_key",
        "discovery_agent_cloud_api_secret",
        "trigger_queue_url",
        "bucket",
    }
