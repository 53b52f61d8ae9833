"""Which secrets and brokers a call may name, and that a person decides what a call leaves open."""

import json
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult

from mesh_assets.esm import connection
from mesh_assets.esm.connection.login import KafkaLogin
from mesh_assets.esm.connection.steps import ConnectionReport
from mesh_assets.esm.service import MappingService
from mesh_assets_tests.esm.fake_aws import ACCOUNT, CLUSTER_ARN, REGION, SECRET_ARN, FakeAws
from mesh_assets_tests.esm.requests import MSK, MSK_SCRAM, SELF_MANAGED, SELF_MANAGED_SECRET
from mesh_assets_tests.mcp_server.served import Mode, Served

OTHER_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:payroll/database-AbCdEf"
CLUSTERS = """\
clusters:
  warehouse: {kafka: {bootstrap_servers: "b1.example.com:9092,b2.example.com:9092"}}
  lake: {kafka: {cluster_arn: "%s", security_protocol: SASL_SSL, sasl_mechanism: AWS_MSK_IAM}}
""" % CLUSTER_ARN.replace(ACCOUNT, "999999999999")  # noqa: UP031 - braces are YAML's
UUID = "a8c5714d-6203-416a-a404-1a18c8ae03ef"
SASL = {"type": "SASL_SCRAM_256_AUTH", "uri": SELF_MANAGED_SECRET}
Esm = Callable[..., Served]


@pytest.fixture
def aws() -> FakeAws:
    """An account with the mapping UUID, which logs in with SELF_MANAGED_SECRET, and with other secrets."""
    made = FakeAws()
    made.secrets |= {SELF_MANAGED_SECRET: None, OTHER_SECRET: None}
    made.answers["secretsmanager.get_secret_value"] = lambda SecretId: {  # noqa: N803 - AWS' name
        "ARN": SecretId,
        "Name": "s",
        "SecretString": json.dumps({"username": SecretId.rpartition(":")[2], "password": "p"}),
    }
    registry = {
        "SchemaRegistryURI": "https://registry",
        "AccessConfigs": [{"Type": "BASIC_AUTH", "URI": OTHER_SECRET}],
    }
    made.add_mapping(
        UUID=UUID,
        SelfManagedEventSource={"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["only-mapped.example.com:9096"]}},
        SourceAccessConfigurations=[{"Type": "SASL_SCRAM_256_AUTH", "URI": SELF_MANAGED_SECRET}],
        ProvisionedPollerConfig={"MinimumPollers": 1, "MaximumPollers": 2},
        SelfManagedKafkaEventSourceConfig={"ConsumerGroupId": "agents", "SchemaRegistryConfig": registry},
    )
    return made


@pytest.fixture
def logins(monkeypatch: pytest.MonkeyPatch) -> list[KafkaLogin]:
    """What would have been presented to whom, without connecting."""
    seen: list[KafkaLogin] = []

    def check(login: KafkaLogin, **_: Any) -> ConnectionReport:
        seen.append(login)
        return ConnectionReport(endpoint=login.bootstrap_servers, login="l", origin=login.origin, steps=())

    monkeypatch.setattr(connection, "check_connection", check)
    return seen


@pytest.fixture
def make_esm(aws: FakeAws, make_served: Callable[..., Served]) -> Esm:
    def make(*secrets: str, **settings: Any) -> Served:
        listed = f"esm: {{secrets: {json.dumps(secrets)}}}\n" if secrets else ""
        service = MappingService(aws.account(), lookup_topic=lambda *_: 3, sleep=lambda _: None)
        return make_served(
            toolsets=("esm",), estate=CLUSTERS + listed, open_service=lambda: service, **settings
        )

    return make


READING_SECRETS = (
    ("test_kafka_connection", {"uuid": UUID}),
    ("get_initial_offset", {"uuid": UUID}),
    ("produce_test_messages", {"uuid": UUID}),
    (
        "check_offset_after_production",
        {
            "uuid": UUID,
            "initial": {"group": "g", "topic": "t", "committed": {}, "start": {}, "end": {}, "members": []},
            "produced": {
                "test_id": "t",
                "topic": "t",
                "messages": 0,
                "started_at": "2026-11-26T08:30:00Z",
                "seconds": 0,
                "partitions": [],
            },
        },
    ),
    ("validate_esm_processing", {"uuid": UUID}),
)


@pytest.mark.parametrize(("tool", "arguments"), READING_SECRETS)
def test_no_tool_presents_a_secret_that_is_neither_the_mappings_nor_listed(
    aws: FakeAws, make_esm: Esm, tool: str, arguments: dict[str, Any]
) -> None:
    said = make_esm("payments/*").refusal(tool, **arguments, secret_arn=OTHER_SECRET)
    assert "is neither the mapping's own nor listed in the estate" in said
    assert "`esm: {secrets: […]}`" in said
    assert aws.asked("secretsmanager.get_secret_value") == []


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("create_event_source_mapping", MSK_SCRAM),
        ("create_event_source_mapping", SELF_MANAGED),
        ("create_execution_role", {**MSK_SCRAM, "role_name": "r"}),
        (
            "create_event_source_mapping",
            {
                **MSK,
                "provisioned_mode": True,
                "schema_registry": {
                    "uri": "https://registry",
                    "access_configurations": [{"type": "BASIC_AUTH", "uri": OTHER_SECRET}],
                },
            },
        ),
        (
            "update_event_source_mapping",
            {"uuid": UUID, "source_access_configurations": [{**SASL, "uri": OTHER_SECRET}]},
        ),
        (
            "add_msk_permissions",
            {"function_name": "orders-handler", "event_source_arn": CLUSTER_ARN, "kafka_topic": "orders"}
            | {"source_access_configurations": MSK_SCRAM["source_access_configurations"]},
        ),
        (
            "test_kafka_connection",
            {"cluster": "warehouse", "source_access_configurations": [{**SASL, "uri": OTHER_SECRET}]},
        ),
    ],
)
def test_no_plan_names_such_a_secret_either(
    aws: FakeAws, make_esm: Esm, tool: str, arguments: dict[str, Any]
) -> None:
    said = make_esm().refusal(tool, **arguments)
    assert "is neither the mapping's own nor listed in the estate" in said
    assert aws.asked("secretsmanager.describe_secret") == []
    assert aws.asked("secretsmanager.get_secret_value") == []


@pytest.mark.parametrize(
    "pattern",
    ["payroll/database", "payroll/*", OTHER_SECRET, f"arn:aws:secretsmanager:*:{ACCOUNT}:secret:payroll/*"],
)
def test_a_listed_secret_may_be_named(make_esm: Esm, logins: list[KafkaLogin], pattern: str) -> None:
    assert make_esm(pattern).answer("test_kafka_connection", uuid=UUID, secret_arn=OTHER_SECRET)
    [login] = logins
    assert (login.username, login.bootstrap_servers) == (
        "payroll/database-AbCdEf",
        "only-mapped.example.com:9096",
    )


@pytest.mark.parametrize(
    ("arn", "says"),
    [
        (OTHER_SECRET.replace("payroll", "payments"), "nor listed"),
        (OTHER_SECRET.replace(ACCOUNT, "999999999999"), "nor listed"),
        (OTHER_SECRET.replace("-AbCdEf", ""), "nor listed"),
        (OTHER_SECRET.replace("database", "databases"), "nor listed"),
        ("payroll/database", "not shown: it could be the secret itself"),
        ("hunter2", "not shown: it could be the secret itself"),
    ],
)
def test_a_secret_that_only_resembles_a_listed_one_is_refused(
    aws: FakeAws, make_esm: Esm, arn: str, says: str
) -> None:
    aws.secrets[arn] = None
    said = make_esm("payroll/database").refusal("test_kafka_connection", uuid=UUID, secret_arn=arn)
    assert says in said
    assert "hunter2" not in said
    assert aws.asked("secretsmanager.get_secret_value") == []


def test_a_partial_arn_that_means_another_secret_is_refused(aws: FakeAws, make_esm: Esm) -> None:
    """Secrets Manager also reads `…:secret:payroll/db-passwd` as the secret `payroll/db-passwd`, though it looks like the full
    ARN of `payroll/db`, which is listed."""
    part = OTHER_SECRET.replace("database-AbCdEf", "db-passwd")
    aws.answers["secretsmanager.describe_secret"] = lambda SecretId: {"ARN": f"{SecretId}-AbCdEf"}  # noqa: N803
    said = make_esm("payroll/db").refusal("test_kafka_connection", uuid=UUID, secret_arn=part)
    assert "nor listed" in said
    assert aws.asked("secretsmanager.get_secret_value") == []


def test_the_mappings_own_secret_needs_no_list(make_esm: Esm, logins: list[KafkaLogin]) -> None:
    assert make_esm().answer("test_kafka_connection", uuid=UUID, secret_arn=SELF_MANAGED_SECRET)
    change = {**SASL, "type": "SASL_SCRAM_512_AUTH"}
    plan = make_esm().answer("update_event_source_mapping", uuid=UUID, source_access_configurations=[change])
    assert plan["differences"]
    assert len(logins) == 1


def test_a_registrys_secret_is_neither_a_login_nor_for_another_registry(aws: FakeAws, make_esm: Esm) -> None:
    served = make_esm()
    assert "nor listed" in served.refusal("test_kafka_connection", uuid=UUID, secret_arn=OTHER_SECRET)
    access = [{"type": "BASIC_AUTH", "uri": OTHER_SECRET}]
    moved = {"uri": "https://elsewhere", "access_configurations": access}
    assert "nor listed" in served.refusal("update_event_source_mapping", uuid=UUID, schema_registry=moved)
    same = {"uri": "https://registry", "access_configurations": access, "event_record_format": "SOURCE"}
    assert served.answer("update_event_source_mapping", uuid=UUID, schema_registry=same)["differences"]
    assert aws.asked("secretsmanager.get_secret_value") == []


@pytest.mark.parametrize(
    "source",
    [
        {"kafka_bootstrap_servers": ["evil.example.net:9092"]},
        {"kafka_bootstrap_servers": ["b1.example.com:9092", "evil.example.net:9092"]},
        {"kafka_bootstrap_servers": ["b1.example.com:9092,evil.example.net:9092"]},
        {"kafka_bootstrap_servers": "b1.example.com:9092,evil.example.net:9092"},
        {"kafka_bootstrap_servers": ["b1.example.com.evil.example.net:9092"]},
        {"kafka_bootstrap_servers": ["SASL_SSL://evil.example.net:1/b1.example.com:9092"]},
        {"kafka_bootstrap_servers": ["evil.example.net"]},
        {"event_source_arn": CLUSTER_ARN.replace(ACCOUNT, "888888888888")},
    ],
)
def test_a_call_does_not_choose_where_the_server_connects(
    aws: FakeAws, make_esm: Esm, logins: list[KafkaLogin], source: dict[str, Any]
) -> None:
    """With or without credentials: an MSK IAM token is worth as much as a password, and an open port is information, too."""
    served = make_esm("kafka/*")
    for access in ([], [SASL], [{"type": "IAM_AUTH"}]):
        said = served.refusal(
            "test_kafka_connection", **source, kafka_topic="orders", source_access_configurations=access
        )
        assert "neither the estate nor an event source mapping" in said or "expected host:port" in said
    assert logins == []
    assert aws.asked("secretsmanager.get_secret_value") == []


@pytest.mark.parametrize(
    ("source", "reached"),
    [
        ({"cluster": "warehouse"}, "b1.example.com:9092,b2.example.com:9092"),
        ({"kafka_bootstrap_servers": ["B1.example.com:9096"]}, "B1.example.com:9096"),
        ({"kafka_bootstrap_servers": "only-mapped.example.com:9096"}, "only-mapped.example.com:9096"),
        ({"event_source_arn": CLUSTER_ARN}, "b-1.orders:9098,b-2.orders:9098"),
        ({"cluster": "lake"}, "b-1.orders:9098,b-2.orders:9098"),
        (
            {"event_source_arn": CLUSTER_ARN.replace(ACCOUNT, "999999999999")},
            "b-1.orders:9098,b-2.orders:9098",
        ),
    ],
)
def test_a_connection_is_tried_before_the_mapping_exists(
    make_esm: Esm, logins: list[KafkaLogin], source: dict[str, Any], reached: str
) -> None:
    served = make_esm("kafka/*")
    assert served.answer("test_kafka_connection", **source, kafka_topic="orders")["endpoint"] == reached
    if "9098" not in reached:
        answer = served.answer(
            "test_kafka_connection", **source, kafka_topic="orders", source_access_configurations=[SASL]
        )
        assert answer["credentials"] == (
            f"the access of mapping that does not exist yet (secret {SELF_MANAGED_SECRET})"
        )
        assert logins[-1].sasl_mechanism == "SCRAM-SHA-256"


def test_the_target_of_a_connection_is_reported_once(make_esm: Esm) -> None:
    served = make_esm()
    assert "say what to connect to" in served.refusal("test_kafka_connection", kafka_topic="orders")
    assert "leave out cluster" in served.refusal("test_kafka_connection", uuid=UUID, cluster="warehouse")
    assert "cluster already names the source" in served.refusal(
        "test_kafka_connection", cluster="warehouse", event_source_arn=CLUSTER_ARN
    )
    assert "there is no cluster 'attic'" in served.refusal("test_kafka_connection", cluster="attic")


# --- what a call leaves open


def chosen(
    served: Served, tool: str, arguments: dict[str, Any], mode: Mode, *answers: dict[str, Any] | None
) -> Any:
    """The result for a client whose user gives these answers (None: declines), and the questions."""
    asked: list[str] = []
    left = list(answers)

    async def answer(context: Any, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001 - the SDK's names
        asked.append(params.message)
        content = left.pop(0)
        return (
            ElicitResult(action="decline")
            if content is None
            else ElicitResult(action="accept", content=content)
        )

    async def run() -> Any:
        async with Client(served.server, mode=mode, elicitation_callback=answer) as client:
            return await client.call_tool(tool, arguments)

    result = anyio.run(run)
    assert left == []
    return result, asked


BOTH_SOURCES = {**MSK, "kafka_bootstrap_servers": ["b1.example.com:9092"]}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_person_chooses_between_two_sources_and_then_agrees_to_the_plan(
    aws: FakeAws, make_esm: Esm, mode: Mode
) -> None:
    before = len(aws.mappings)
    result, asked = chosen(
        make_esm(allow_writes=True),
        "create_event_source_mapping",
        BOTH_SOURCES,
        mode,
        {"choice": "event_source_arn"},
        {"carry_out": True},
    )
    assert result.structured_content["applied"] is True
    assert asked[0].startswith("Which source is meant: the MSK cluster arn:aws:kafka:")
    assert "CreateEventSourceMapping" in asked[1]
    assert len(aws.mappings) == before + 1


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("create_event_source_mapping", BOTH_SOURCES),
        ("create_execution_role", {**BOTH_SOURCES, "role_name": "new"}),
        (
            "test_kafka_connection",
            {key: BOTH_SOURCES[key] for key in ("event_source_arn", "kafka_bootstrap_servers")},
        ),
    ],
)
def test_a_read_only_server_asks_for_the_source_too(
    make_esm: Esm, logins: list[KafkaLogin], mode: Mode, tool: str, arguments: dict[str, Any]
) -> None:
    result, asked = chosen(make_esm(), tool, arguments, mode, {"choice": "event_source_arn"})
    assert not result.is_error, result.content
    assert len(asked) == 1
    assert len(logins) == (tool == "test_kafka_connection")


def test_without_a_choice_the_call_says_what_is_open(make_esm: Esm, aws: FakeAws) -> None:
    served = make_esm()
    declined, asked = chosen(served, "create_event_source_mapping", BOTH_SOURCES, "auto", None)
    said = served.refusal("create_event_source_mapping", **{**BOTH_SOURCES, "batch_size": 0})
    assert (declined.is_error, len(asked)) == (True, 1)
    assert "event_source_arn" in said
    assert "batch_size" in said  # all faults at once, where no one can be asked
    for tool in ("get_event_source_mapping", "delete_event_source_mapping", "add_msk_permissions"):
        named = {key: BOTH_SOURCES[key] for key in ("event_source_arn", "kafka_bootstrap_servers")}
        assert "give only one of them" in served.refusal(tool, **named)
    assert [name for _, name, _ in aws.calls if name.startswith(("create", "put"))] == []


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_login_of_a_secret_with_two_is_asked_for_or_given(
    aws: FakeAws, make_esm: Esm, logins: list[KafkaLogin], mode: Mode
) -> None:
    two = {
        "iam": {"bootstrap_servers": "k:9098"},
        "sasl": {"bootstrap_servers": "k:9096", "sasl_plain_username": "u", "sasl_plain_password": "hunter2"},
    }
    aws.answers["secretsmanager.get_secret_value"] = lambda SecretId: {  # noqa: N803 - AWS' name
        "ARN": SecretId,
        "Name": "s",
        "SecretString": json.dumps(two),
    }
    served = make_esm("kafka/*", "AmazonMSK_*")
    aws.secrets[SECRET_ARN] = None
    call = {"cluster": "warehouse", "secret_arn": SECRET_ARN}

    said = served.refusal("test_kafka_connection", **call)
    result, asked = chosen(served, "test_kafka_connection", call, mode, {"choice": "sasl"})
    taken = served.answer("test_kafka_connection", **call, auth="iam")

    assert "auth iam or auth sasl" in said
    assert asked == [f"Secret {SECRET_ARN} has a login by iam and one by sasl. Which one is meant?"]
    assert (result.structured_content["endpoint"], taken["endpoint"]) == ("k:9096", "k:9098")
    assert [login.sasl_mechanism for login in logins] == ["SCRAM-SHA-512", "AWS_MSK_IAM"]
    assert "hunter2" not in said + str(result)
