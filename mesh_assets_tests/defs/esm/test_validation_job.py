"""The job `validate_event_source_mapping`: a plan by default, the verdict as metadata, and a failed run
unless it is `processed`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mesh_assets.defs.esm.jobs import mapping_jobs
from mesh_assets.defs.resources import EventSourceMappings
from mesh_assets.esm import aws_account
from mesh_assets.estate.model import AwsAccountSettings
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.an_aws_account import FAILS, OK, AwsAccount, an_account
from mesh_assets_tests.defs.esm.fakes import shown

pytestmark = pytest.mark.sandbox

NAME = "validate_event_source_mapping"
_ACCOUNTS: dict[str, AwsAccount] = {}
COUNTED: dict[str, Any] = {"MetricsConfig": {"Metrics": ["EventCount"]}}


class StandInMappings(EventSourceMappings):
    """Dagster's resources hold plain values only, so the account is found by its id."""

    id: str

    def account(self, settings: AwsAccountSettings) -> aws_account.AwsAccount:
        return aws_account.AwsAccount(
            settings, make_client=lambda service, _: _ACCOUNTS[self.id].client(service)
        )


@pytest.fixture
def account(
    lambda_url: str, broker: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AwsAccount]:
    (tmp_path / "estate.yaml").write_text(
        f"clusters: {{a: {{kafka: {{bootstrap_servers: '{broker.bootstrap_servers}'}}}}}}"
    )
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with an_account(lambda_url, broker) as made:
        _ACCOUNTS[made.id] = made
        yield made


def run(account: AwsAccount, **config: Any) -> dg.ExecuteInProcessResult:
    [job] = [job for job in mapping_jobs() if job.name == NAME]
    return job.execute_in_process(
        run_config={
            "ops": {NAME: {"config": config}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        },
        resources={"event_source_mappings": StandInMappings(id=account.id)},
        raise_on_error=False,
    )


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """The metadata of the op's output or failure; a table as its rows."""
    for event in result.all_events:
        data: Any = event.event_specific_data
        if event.event_type == dg.DagsterEventType.STEP_OUTPUT:
            return {key: shown(value) for key, value in data.metadata.items()}
        if event.event_type == dg.DagsterEventType.STEP_FAILURE:
            return {key: shown(value) for key, value in data.user_failure_data.metadata.items()}
    raise AssertionError("the run has neither an output nor a failure")


def test_the_job_shows_its_plan_and_with_the_plans_id_the_verdict(account: AwsAccount) -> None:
    account.function(OK)
    topic = account.topic(2)
    uuid = account.mapping(topic=topic, **COUNTED)["UUID"]

    plan = metadata(run(account, uuid=uuid, messages=4))
    assert plan["result"] == "planned only; nothing was written"
    assert account.committed(uuid, topic) == 0

    done = run(
        account,
        uuid=uuid,
        messages=4,
        deadline_seconds=60.0,
        metrics_seconds=30.0,
        apply=True,
        plan_id=plan["plan_id"],
    )
    told = metadata(done)
    assert (done.success, told["verdict"]) == (True, "processed")
    assert told["evidence"]["counts"]["invoked"] == 4


def test_the_run_fails_with_the_verdict_and_its_evidence_when_nothing_was_processed(
    account: AwsAccount,
) -> None:
    account.function(FAILS)
    uuid = account.mapping(topic=account.topic(1), MaximumRetryAttempts=0, **COUNTED)["UUID"]
    plan = metadata(run(account, uuid=uuid, messages=2))

    done = run(
        account,
        uuid=uuid,
        messages=2,
        deadline_seconds=60.0,
        metrics_seconds=30.0,
        apply=True,
        plan_id=plan["plan_id"],
    )

    assert (done.success, metadata(done)["verdict"]) == (False, "committed, not processed")
    told = metadata(done)
    assert told["evidence"]["counts"]["dropped"] == 2
    assert [(row["partition"], row["passed"]) for row in told["partitions"]] == [(0, True)]
    assert {"count": "dropped", "value": 2} in told["counts"]
    assert all(row["client_id"] and row["partitions"] in ("", "0") for row in told["members"])
