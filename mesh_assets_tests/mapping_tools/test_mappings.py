"""The mapping tools on a fake AWS account: plans first, and only what was planned."""

import functools
from collections.abc import Callable
from typing import Any

import anyio
import jsonschema  # type: ignore[import-untyped]
import pytest
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult

from mesh_assets.esm.service import MappingService
from mesh_assets_tests.esm.fake_aws import CLUSTER_ARN, FakeAws, refusal
from mesh_assets_tests.esm.requests import MSK
from mesh_assets_tests.mcp_server.served import Mode, Served, call

READING = ("describe", "get", "list", "simulate")


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def make_esm(aws: FakeAws, make_served: Callable[..., Served]) -> Callable[..., Served]:
    def make(**settings: Any) -> Served:
        service = MappingService(aws.account(), lookup_topic=lambda *_: 3, sleep=lambda _: None)
        return make_served(toolsets=("esm",), open_service=lambda: service, **settings)

    return make


def changes(aws: FakeAws) -> list[str]:
    return [method for _, method, _ in aws.calls if not method.startswith(READING)]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_read_only_server_shows_the_plan_but_refuses_to_carry_it_out(
    aws: FakeAws, make_esm: Callable[..., Served], mode: Mode
) -> None:
    served = make_esm()
    result = call(served.server, "create_event_source_mapping", MSK, mode=mode)
    plan = result.structured_content
    assert isinstance(plan, dict), result.content
    assert (plan["applied"], [one["operation"] for one in plan["calls"]]) == (
        False,
        ["PutRolePolicy", "CreateEventSourceMapping"],
    )
    assert "--allow-writes" in plan["next"]
    assert "--allow-writes" in served.refusal("create_event_source_mapping", **MSK, plan_id=plan["plan_id"])
    assert changes(aws) == []


def test_from_a_plan_to_a_mapping_and_back(aws: FakeAws, make_esm: Callable[..., Served]) -> None:
    served = make_esm(allow_writes=True)
    plan = served.answer("create_event_source_mapping", **MSK)
    made = served.answer("create_event_source_mapping", **MSK, plan_id=plan["plan_id"])
    assert (made["applied"], made["mapping"]["topic"]) == (True, "orders")
    uuid = made["mapping"]["uuid"]
    aws.mappings[uuid]["State"] = "Enabled"  # as Lambda says after a while
    listed = served.answer("list_event_source_mappings", kafka_topic="orders")
    assert [one["uuid"] for one in listed["mappings"]] == [uuid]
    assert served.answer("get_event_source_mapping", uuid=uuid)["consumer_group_id"] == "orders-handler"
    change = served.answer("update_event_source_mapping", uuid=uuid, batch_size=7)
    assert served.answer("update_event_source_mapping", uuid=uuid, batch_size=7, plan_id=change["plan_id"])[
        "applied"
    ]
    aws.mappings[uuid]["State"] = "Enabled"
    assert served.answer("add_msk_permissions", uuid=uuid)["permissions"] == "granted"
    removal = served.answer("delete_event_source_mapping", uuid=uuid)
    assert served.answer("delete_event_source_mapping", uuid=uuid, plan_id=removal["plan_id"])["applied"]
    assert aws.mappings == {}


def test_another_plans_id_changes_nothing(aws: FakeAws, make_esm: Callable[..., Served]) -> None:
    served = make_esm(allow_writes=True)
    served.refusal("create_event_source_mapping", **MSK, plan_id="0123456789abcdef")
    assert changes(aws) == []


def test_a_role_is_planned_with_the_least_rights(make_esm: Callable[..., Served]) -> None:
    plan = make_esm().answer("create_execution_role", role_name="new-role", **MSK)
    assert plan["calls"][0]["operation"] == "CreateRole"


def test_a_list_shows_who_reads_in_which_batches_since_when(
    aws: FakeAws, make_esm: Callable[..., Served]
) -> None:
    uuid = aws.add_mapping(AmazonManagedKafkaEventSourceConfig={"ConsumerGroupId": "orders-handler"})
    [row] = make_esm().answer("list_event_source_mappings")["mappings"]
    assert row == {
        "uuid": uuid,
        "function": "orders-handler",
        "topic": "orders",
        "state": "Enabled",
        "last_result": "OK",
        "consumer_group_id": "orders-handler",
        "batch_size": 100,
        "last_modified": "2026-11-26T08:30:00Z",
        "source": CLUSTER_ARN,
    }


@pytest.mark.parametrize(
    ("cluster", "topics"),
    [
        (None, ["orders", "payments", "refunds"]),
        ("own", ["payments"]),
        ("lake", ["orders"]),
        (CLUSTER_ARN, ["orders"]),
        ("b2.example:9092,b1.example:9092", ["payments"]),
        ("c1.example:9092", ["refunds"]),
        ("arn:aws:kafka:eu-central-1:123456789012:cluster/other/x", []),
    ],
)
def test_mappings_are_listed_by_cluster(
    aws: FakeAws, make_esm: Callable[..., Served], cluster: str | None, topics: list[str]
) -> None:
    """By the estate's name: one request per source, however many mappings read it."""
    clusters = (
        "clusters:\n  own: {kafka: {bootstrap_servers: 'b1.example:9092'}}\n"
        f"  lake: {{kafka: {{cluster_arn: '{CLUSTER_ARN}'}}}}\n"
    )
    aws.add_mapping()
    for topic, servers in (
        ("payments", ["b1.example:9092", "b2.example:9092"]),
        ("refunds", ["c1.example:9092"]),
    ):
        aws.add_mapping(
            topic=topic, SelfManagedEventSource={"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": servers}}
        )

    found = make_esm(estate=clusters).answer("list_event_source_mappings", cluster=cluster)

    assert sorted(row["topic"] for row in found["mappings"]) == topics
    assert found["total"] == len(topics)


def test_a_cluster_missing_from_the_estate_is_not_an_empty_list(
    aws: FakeAws, make_esm: Callable[..., Served]
) -> None:
    aws.add_mapping()
    assert "there is no cluster 'attic'" in make_esm().refusal("list_event_source_mappings", cluster="attic")


@pytest.mark.parametrize(
    "tool", ["get_event_source_mapping", "delete_event_source_mapping", "add_msk_permissions"]
)
def test_a_mapping_is_identified_by_function_and_source_and_never_guessed(
    aws: FakeAws, make_esm: Callable[..., Served], tool: str
) -> None:
    both = [aws.add_mapping(topic=topic) for topic in ("orders", "payments")]
    named = {"function_name": "orders-handler", "event_source_arn": CLUSTER_ARN}
    served = make_esm()

    several = served.refusal(tool, **named)
    found = served.answer(tool, **named, kafka_topic="payments")

    assert all(uuid in several for uuid in both)
    assert both[1] in str(found)
    assert both[0] not in str(found)
    if tool != "add_msk_permissions":
        assert "no event source mapping" in served.refusal(tool, **named, kafka_topic="refunds")
        assert "no mapping was named" in served.refusal(tool)


def test_a_login_in_the_registrys_address_never_reaches_an_agent(
    aws: FakeAws, make_esm: Callable[..., Served]
) -> None:
    registry = {"SchemaRegistryURI": "https://me:hunter2@registry.example", "EventRecordFormat": "JSON"}
    uuid = aws.add_mapping(AmazonManagedKafkaEventSourceConfig={"SchemaRegistryConfig": registry})
    served = make_esm()

    found = served.answer("get_event_source_mapping", uuid=uuid)
    answers = [
        found,
        served.answer("list_event_source_mappings"),
        served.answer("delete_event_source_mapping", uuid=uuid),
        served.answer("update_event_source_mapping", uuid=uuid, batch_size=7),
    ]

    assert "hunter2" not in str(answers)
    assert "https://********@registry.example" in str(found["configuration"])
    assert "put the login into a secret" in found["notes"][0]


def test_rights_are_granted_before_the_mapping_exists(aws: FakeAws, make_esm: Callable[..., Served]) -> None:
    served = make_esm(allow_writes=True)
    described = {
        "function_name": "orders-handler",
        "event_source_arn": CLUSTER_ARN,
        "kafka_topic": "orders",
        "kafka_consumer_group_id": "orders-handler",
    }
    plan = served.answer("add_msk_permissions", **described)
    assert [one["operation"] for one in plan["calls"]] == ["PutRolePolicy"]
    assert served.answer("add_msk_permissions", **described, plan_id=plan["plan_id"])["applied"]
    assert changes(aws) == ["put_role_policy"]
    assert served.answer("create_event_source_mapping", **MSK)["permissions"] == "granted"
    uuid = aws.add_mapping()
    assert "whose own settings decide which rights it needs" in served.refusal(
        "add_msk_permissions", uuid=uuid, kafka_consumer_group_id="another"
    )
    aws.mappings.clear()
    assert "kafka_topic: is missing, and no mapping fits" in served.refusal(
        "add_msk_permissions", function_name="orders-handler", event_source_arn=CLUSTER_ARN
    )


def test_a_plan_continues_without_permissions_only_on_request(
    aws: FakeAws, make_esm: Callable[..., Served]
) -> None:
    served = make_esm(allow_writes=True)
    refused = served.answer("create_event_source_mapping", **MSK, add_permissions=False)
    assert refused["blocked"] == "the role lacks rights, and granting them is turned off"
    alone = {"add_permissions": False, "continue_without_permissions": True}
    plan = served.answer("create_event_source_mapping", **MSK, **alone)
    assert "blocked" not in plan
    served.answer("create_event_source_mapping", **MSK, **alone, plan_id=plan["plan_id"])
    assert changes(aws) == ["create_event_source_mapping"]

    [uuid] = aws.mappings
    aws.mappings[uuid]["State"] = "Enabled"
    aws.failing["iam.put_role_policy"] = [refusal("AccessDenied", status=403)]
    go_on = {"uuid": uuid, "batch_size": 7, "continue_without_permissions": True}
    plan = served.answer("update_event_source_mapping", **go_on)
    done = served.answer("update_event_source_mapping", **go_on, plan_id=plan["plan_id"])
    assert done["applied"]
    assert any("hand this policy to an administrator" in warning for warning in done["warnings"])


def test_all_faults_of_a_request_are_reported_at_once_and_nothing_is_called(
    aws: FakeAws, make_esm: Callable[..., Served]
) -> None:
    text = make_esm().refusal("create_event_source_mapping", **{**MSK, "batch_size": 0, "tumbling_window": 5})
    assert "batch_size" in text
    assert "tumbling_window" in text
    assert changes(aws) == []


def test_answers_match_the_schemas_of_the_tools(make_esm: Callable[..., Served]) -> None:
    served = make_esm()
    promised = {tool.name: tool.output_schema for tool in anyio.run(served.server.list_tools)}
    for tool, arguments in (("list_event_source_mappings", {}), ("create_event_source_mapping", MSK)):
        jsonschema.validate(served.answer(tool, **arguments), promised[tool])


def test_without_a_region_each_tool_says_what_is_missing(
    make_served: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    served = make_served()
    for tool, arguments in (("list_event_source_mappings", {}), ("create_event_source_mapping", MSK)):
        assert "no AWS region is known" in served.refusal(tool, **arguments)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("agrees", [True, False])
def test_a_client_that_can_ask_its_user_does(
    aws: FakeAws, make_esm: Callable[..., Served], mode: Mode, agrees: bool
) -> None:
    served = make_esm(allow_writes=True)
    asked: list[str] = []

    async def ask(context: Any, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001 - the SDK's names
        asked.append(params.message)
        return (
            ElicitResult(action="accept", content={"carry_out": True})
            if agrees
            else ElicitResult(action="decline")
        )

    async def run() -> Any:
        async with Client(served.server, mode=mode, elicitation_callback=ask) as client:
            return await client.call_tool("create_event_source_mapping", MSK)

    answer = anyio.run(run).structured_content
    [question] = asked
    assert "CreateEventSourceMapping" in question
    assert answer["plan_id"] in question
    assert answer["applied"] is agrees
    assert len(aws.mappings) == int(agrees)
    assert agrees or "did not agree" in answer["next"]


def test_no_question_is_asked_when_the_server_is_read_only_or_the_plan_is_named(
    aws: FakeAws, make_esm: Callable[..., Served]
) -> None:
    async def never(context: Any, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001 - the SDK's names
        raise AssertionError(params.message)

    async def run(served: Served, **arguments: Any) -> Any:
        async with Client(served.server, elicitation_callback=never) as client:
            return (
                await client.call_tool("create_event_source_mapping", {**MSK, **arguments})
            ).structured_content

    plan = anyio.run(run, make_esm())
    assert plan["applied"] is False
    assert anyio.run(functools.partial(run, make_esm(allow_writes=True), plan_id=plan["plan_id"]))["applied"]
    assert len(aws.mappings) == 1
