"""`mesh-assets esm produce` and `validate`: a plan by default, and the verdict with --apply."""

import json
import re
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from mesh_assets.cli.main import cli
from mesh_assets.errors import MeshError
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.an_aws_account import OK, AwsAccount, an_account

pytestmark = pytest.mark.sandbox


@pytest.fixture
def account(lambda_url: str, broker: Endpoints, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsAccount]:
    with an_account(lambda_url, broker) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", lambda_url)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", made.id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
        monkeypatch.setenv("MESH_ESTATE", "/nowhere/estate.yaml")
        yield made


def run(*arguments: str) -> Result:
    """Our own errors are left to the test; any other fails it."""
    done = CliRunner().invoke(cli, ["esm", *arguments])
    if done.exception is not None and not isinstance(done.exception, MeshError | SystemExit):
        raise done.exception
    return done


def test_validate_shows_its_plan_and_with_apply_the_verdict(account: AwsAccount) -> None:
    account.function(OK)
    topic = account.topic(2)
    uuid = account.mapping(topic=topic, MetricsConfig={"Metrics": ["EventCount"]})["UUID"]

    plan = run("validate", uuid, "--messages", "4")
    assert plan.exit_code == 0, plan.exception
    assert "Nothing has been written. To do it: the same command with --apply" in plan.stdout
    assert f"meant for     group {uuid}" in plan.stdout
    assert account.committed(uuid, topic) == 0
    [plan_id] = re.findall(r"--apply (\w+)", plan.stdout)

    done = run(
        "validate", uuid, "--messages", "4", "--deadline", "60", "--metrics-wait", "30", "--apply", plan_id
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("PROCESSED: all 4 messages were committed in")
    assert "2 of 2 partitions passed" in done.stderr


def test_produce_writes_only_with_the_id_of_its_plan(broker: Endpoints, account: AwsAccount) -> None:
    topic = account.topic(1)
    arguments = ("produce", "--bootstrap-servers", broker.bootstrap_servers, "--topic", topic, "--json")
    plan = json.loads(run(*arguments).stdout)
    refused = run(*arguments, "--apply", "another")
    assert refused.exception is not None
    assert "another" in str(refused.exception)

    done = json.loads(run(*arguments, "--apply", plan["id"]).stdout)

    assert [(written["first"], written["last"]) for written in done["partitions"]] == [(0, 9)]
