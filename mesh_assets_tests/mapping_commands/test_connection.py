"""`mesh-assets esm connection`: what it prints, its exit code, and that a password prompt leaves no trace."""

import json

import pytest
from click.testing import CliRunner

from mesh_assets.cli.main import cli
from mesh_assets.sandbox.credentials import warehouse_access
from mesh_assets.sandbox.servers import Endpoints, Sandbox

pytestmark = pytest.mark.sandbox


def test_the_password_is_prompted_for_and_never_shown(stand_ins: Sandbox, broker: Endpoints) -> None:
    own = warehouse_access(stand_ins.folder)
    arguments = [
        "esm",
        "connection",
        "--bootstrap-servers",
        str(broker.sasl_bootstrap_servers),
        "--mechanism",
        "SCRAM-SHA-512",
    ]
    arguments += ["--username", own.username, "--ca", str(own.authority), "--topic", "orders"]

    done = CliRunner().invoke(cli, arguments, input=f"{own.password}\n")

    assert done.exit_code == 0, done.output
    assert own.password not in done.output
    assert "for this session only: it is not stored" in done.stderr
    assert "ok      authentication   as SCRAM-SHA-512 as warehouse-app over TLS" in done.stdout
    assert "Nothing failed." in done.stdout


def test_a_failure_names_its_likely_cause_and_exits_with_1(broker: Endpoints) -> None:
    done = CliRunner().invoke(
        cli, ["esm", "connection", "--bootstrap-servers", broker.bootstrap_servers, "--topic", "Orders"]
    )
    assert done.exit_code == 1
    assert "FAILED  topic            topic Orders does not exist" in done.stdout
    assert "likely: did you mean orders?" in done.stdout


def test_with_json_the_report_alone_is_printed(broker: Endpoints) -> None:
    done = CliRunner().invoke(
        cli, ["esm", "connection", "--bootstrap-servers", broker.bootstrap_servers, "--json"]
    )
    report = json.loads(done.stdout)
    assert [step["name"] for step in report["steps"]][-3:] == ["metadata", "topic", "rights"]
    assert done.exit_code == 0
