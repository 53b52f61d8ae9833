"""The jobs that change mappings: plan by default, and applied only with the plan's id and the UUID repeated."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mesh_assets.defs.esm import jobs
from mesh_assets.defs.esm.jobs import mapping_jobs
from mesh_assets.errors import MeshError
from mesh_assets.esm.lookup import list_mappings
from mesh_assets.esm.proof import PartitionProgress, Position, Validation, Verdict
from mesh_assets.esm.proof.evidence import Counts, Member
from mesh_assets_tests.defs.esm.fakes import FAKES, INSTANCES, FakeMappings, shown
from mesh_assets_tests.esm.fake_aws import CLUSTER_ARN, REGION, ROLE, WHEN, FakeAws, refusal
from mesh_assets_tests.esm.requests import MSK

pytestmark = pytest.mark.slow

JOBS = {job.name: job for job in mapping_jobs()}
ALL = {"Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]}


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> FakeAws:
    (tmp_path / "estate.yaml").write_text(
        f"clusters: {{a: {{kafka: {{bootstrap_servers: 'b:9092'}}}}}}\nesm: {{accounts: [{{region: {REGION}}}]}}"
    )
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    FAKES["aws"], INSTANCES["jobs"] = FakeAws(), instance
    return FAKES["aws"]


def run(name: str, **config: Any) -> dict[str, Any]:
    """The metadata of the job's one op."""
    result = JOBS[name].execute_in_process(
        run_config={
            "ops": {name: {"config": config}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        },
        resources={"event_source_mappings": FakeMappings(fake="aws")},
        instance=INSTANCES["jobs"],
    )
    [event] = [event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_OUTPUT]
    data: Any = event.event_specific_data
    return {key: shown(value) for key, value in data.metadata.items()}


def test_by_default_a_job_shows_the_plan_and_does_nothing(aws: FakeAws) -> None:
    shown = run("create_event_source_mapping", **MSK)

    assert shown["result"] == "planned only; nothing was done"
    assert shown["summary"] == "create a mapping of topic orders to function orders-handler"
    assert [call["operation"] for call in shown["requests"]] == ["PutRolePolicy", "CreateEventSourceMapping"]
    assert "+ Allow kafka-cluster:DescribeTopic, kafka-cluster:ReadData on" in shown["policy"]
    assert aws.mutations() == []


def test_the_plans_id_carries_it_out(aws: FakeAws) -> None:
    plan_id = run("create_event_source_mapping", **MSK)["plan_id"]

    done = run("create_event_source_mapping", **MSK, apply=True, plan_id=plan_id, wait_seconds=0.0)

    assert (done["result"], done["state"]) == ("applied", "Creating")
    assert aws.mutations() == ["iam.put_role_policy", "lambda.create_event_source_mapping"]


def failed(name: str, **config: Any) -> tuple[str, dict[str, Any]]:
    """Why the job's one op failed, and the metadata of its failure."""
    result = JOBS[name].execute_in_process(
        run_config={
            "ops": {name: {"config": config}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        },
        resources={"event_source_mappings": FakeMappings(fake="aws")},
        instance=INSTANCES["jobs"],
        raise_on_error=False,
    )
    [event] = [event for event in result.all_events if event.is_step_failure]
    told = event.step_failure_data.user_failure_data
    assert told is not None, event.message
    return str(told.description), {key: shown(value) for key, value in told.metadata.items()}


@pytest.mark.parametrize("why", ["too late", "refused", "gone"])
def test_an_applied_plan_is_in_the_run_even_if_waiting_for_it_failed(aws: FakeAws, why: str) -> None:
    plan_id = run("create_event_source_mapping", **MSK)["plan_id"]
    # The fake's new mapping stays Creating.
    if why == "refused":
        aws.failing["lambda.get_event_source_mapping"] = [refusal("AccessDeniedException", "no", 403)]
    if why == "gone":
        aws.answers["lambda.get_event_source_mapping"] = lambda UUID: {  # noqa: N803
            **aws.mappings[UUID],
            "State": "Disabled",
            "LastModified": WHEN + timedelta(hours=1),
        }

    description, metadata = failed(
        "create_event_source_mapping", **MSK, apply=True, plan_id=plan_id, wait_seconds=0.1
    )

    assert description.startswith("the plan was applied, but waiting for it failed: ")
    assert (metadata["plan_id"], metadata["result"]) == (plan_id, "applied")
    assert metadata["uuid"] in aws.mappings
    assert [call["operation"] for call in metadata["requests"]] == [
        "PutRolePolicy",
        "CreateEventSourceMapping",
    ]
    assert aws.mutations() == ["iam.put_role_policy", "lambda.create_event_source_mapping"]


def test_all_kinds_of_parameters_pass_through_the_config(aws: FakeAws) -> None:
    shown = run(
        "create_event_source_mapping",
        **MSK,
        batch_size=7,
        provisioned_mode=True,
        filter_patterns=['{"value": [1]}'],
        metrics=["EventCount"],
        tags={"team": "a"},
        schema_registry={"uri": f"arn:aws:glue:{REGION}:123456789012:registry/main"},
    )

    request = shown["requests"][-1]["arguments"]
    assert (request["BatchSize"], request["Tags"]) == (7, {"team": "a"})
    assert request["FilterCriteria"] == {"Filters": [{"Pattern": '{"value": [1]}'}]}
    assert request["ProvisionedPollerConfig"] == {"MinimumPollers": 1, "MaximumPollers": 2}
    assert (
        request["AmazonManagedKafkaEventSourceConfig"]["SchemaRegistryConfig"]["EventRecordFormat"] == "JSON"
    )
    assert aws.mutations() == []


def test_applying_requires_the_plans_id(aws: FakeAws) -> None:
    with pytest.raises(MeshError, match="apply needs `plan_id`: run the job without apply first"):
        run("create_event_source_mapping", **MSK, apply=True)
    assert aws.mutations() == []


@pytest.mark.parametrize(
    ("job", "config"),
    [
        ("update_event_source_mapping", {"batch_size": 7}),
        ("delete_event_source_mapping", {}),
        ("add_msk_permissions", {}),
    ],
)
def test_changing_jobs_require_the_uuid_again(aws: FakeAws, job: str, config: dict[str, Any]) -> None:
    uuid = aws.add_mapping()
    plan_id = run(job, uuid=uuid, **config)["plan_id"]

    for repeated in ({}, {"repeat_uuid": aws.add_mapping(topic="other")}):
        with pytest.raises(MeshError, match=f"apply needs `repeat_uuid: {uuid}`"):
            run(job, uuid=uuid, **config, apply=True, plan_id=plan_id, **repeated)
    assert aws.mutations() == []


def test_an_update_found_by_its_topic_still_requires_its_uuid(aws: FakeAws) -> None:
    uuid = aws.add_mapping()

    with pytest.raises(MeshError, match=f"apply needs `repeat_uuid: {uuid}`"):
        run(
            "update_event_source_mapping",
            target="orders-handler",
            kafka_topic="orders",
            batch_size=7,
            apply=True,
            plan_id="x",
        )


@pytest.mark.parametrize("job", ["delete_event_source_mapping", "add_msk_permissions"])
def test_a_mapping_is_identified_by_function_and_source_and_never_guessed(aws: FakeAws, job: str) -> None:
    uuid = aws.add_mapping()
    aws.add_mapping(topic="payments")
    named = {"function_name": "orders-handler", "event_source_arn": CLUSTER_ARN}

    with pytest.raises(MeshError, match="2 event source mappings have function orders-handler") as several:
        run(job, **named)
    assert uuid in str(several.value)
    plan_id = run(job, **named, kafka_topic="orders")["plan_id"]
    with pytest.raises(MeshError, match=f"apply needs `repeat_uuid: {uuid}`"):
        run(job, **named, kafka_topic="orders", apply=True, plan_id=plan_id)
    run(job, **named, kafka_topic="orders", repeat_uuid=uuid, apply=True, plan_id=plan_id)
    assert len(aws.mutations()) == 1
    assert (uuid in aws.mappings) == (job == "add_msk_permissions")


def test_rights_are_granted_before_the_mapping_exists(aws: FakeAws) -> None:
    described = {
        "function_name": "orders-handler",
        "event_source_arn": CLUSTER_ARN,
        "kafka_topic": "orders",
        "kafka_consumer_group_id": "orders-handler",
    }
    planned = run("add_msk_permissions", **described)
    assert "kafka-cluster:AlterGroup" in planned["policy"]
    run("add_msk_permissions", **described, apply=True, plan_id=planned["plan_id"])
    assert aws.mutations() == ["iam.put_role_policy"]
    assert run("create_event_source_mapping", **MSK)["rights"] == "granted"


def test_a_job_shows_the_mapping_as_the_asset_does(aws: FakeAws) -> None:
    plan_id = run("create_event_source_mapping", **MSK)["plan_id"]
    done = run("create_event_source_mapping", **MSK, apply=True, plan_id=plan_id, wait_seconds=0.0)
    [mapping] = list_mappings(aws.account())
    assert done["mapping"] == [mapping.row]
    assert (mapping.row["group_id"], mapping.row["batch_size"]) == ("orders-handler", 100)


def test_a_mapping_is_updated_and_deleted(aws: FakeAws) -> None:
    aws.roles[ROLE]["all"] = ALL
    uuid = aws.add_mapping()
    plan_id = run("update_event_source_mapping", uuid=uuid, batch_size=7)["plan_id"]
    run(
        "update_event_source_mapping",
        uuid=uuid,
        repeat_uuid=uuid,
        batch_size=7,
        apply=True,
        plan_id=plan_id,
        wait_seconds=0.0,
    )
    aws.mappings[uuid]["State"] = "Enabled"
    plan_id = run("delete_event_source_mapping", uuid=uuid)["plan_id"]

    done = run("delete_event_source_mapping", uuid=uuid, repeat_uuid=uuid, apply=True, plan_id=plan_id)

    assert done["state"] == "deleted"
    assert aws.mutations() == ["lambda.update_event_source_mapping", "lambda.delete_event_source_mapping"]


def test_a_failed_validation_shows_its_evidence_as_tables(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = aws.add_mapping()
    partition = PartitionProgress(
        partition=3, passed=False, committed_before=5, committed=5, last=9, ahead=0, moved=0
    )
    found = Validation(
        verdict=Verdict(name="not processed", sentence="nothing was committed", advice="look"),
        uuid=uuid,
        function="orders-handler",
        topic="orders",
        group="g",
        mapping_state="Enabled",
        last_result=None,
        produced=None,
        before=Position(group="g", topic="orders", committed={3: 5}, start={3: 0}, end={3: 9}, members=()),
        progress=(partition,),
        members=(Member(client_id="lambda-1", host="h", partitions=(3, 4)),),
        counts=Counts(per_mapping=True, dropped=2),
        deadline_seconds=30,
        elapsed_seconds=30,
    )
    monkeypatch.setattr(jobs, "find_login", lambda *_, **__: None)
    monkeypatch.setattr(jobs, "validate_esm_processing", lambda *_, **__: found)
    name = "validate_event_source_mapping"

    result = JOBS[name].execute_in_process(
        run_config={
            "ops": {name: {"config": {"uuid": uuid, "apply": True, "plan_id": "p"}}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        },
        resources={"event_source_mappings": FakeMappings(fake="aws")},
        instance=INSTANCES["jobs"],
        raise_on_error=False,
    )

    [failure] = [e for e in result.all_events if e.event_type == dg.DagsterEventType.STEP_FAILURE]
    data: Any = failure.event_specific_data
    told = {key: shown(value) for key, value in data.user_failure_data.metadata.items()}
    assert told["partitions"] == [
        {
            "partition": 3,
            "passed": False,
            "committed_before": 5,
            "committed": 5,
            "last": 9,
            "ahead": 0,
            "moved": 0,
        }
    ]
    assert told["members"] == [{"client_id": "lambda-1", "host": "h", "partitions": "3, 4"}]
    assert told["counts"] == [{"count": "dropped", "value": 2}]


def test_a_login_without_a_secret_is_refused(aws: FakeAws) -> None:
    with pytest.raises(MeshError, match="auth: kerberos is not a login of a secret; expected iam or sasl"):
        run("validate_event_source_mapping", uuid=aws.add_mapping(), auth="kerberos")


def test_no_op_is_retried() -> None:
    assert all(node.definition.retry_policy is None for job in JOBS.values() for node in job.graph.nodes)  # type: ignore[attr-defined]
