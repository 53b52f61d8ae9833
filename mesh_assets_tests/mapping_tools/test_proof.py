"""Connections and proof from agents' tools: a fake account, and the sandbox's real broker."""

from collections.abc import Callable
from typing import Any

import anyio
import msgspec
import pytest
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult

from mesh_assets.errors import EstateError
from mesh_assets.esm import proof
from mesh_assets.esm.service import MappingService
from mesh_assets.sandbox.credentials import warehouse_access
from mesh_assets.sandbox.servers import Endpoints, Sandbox
from mesh_assets_tests.an_aws_account import an_account
from mesh_assets_tests.esm.fake_aws import CLUSTER_ARN, FakeAws
from mesh_assets_tests.mcp_server.served import Served

UUID = "a8c5714d-6203-416a-a404-1a18c8ae03ef"


@pytest.fixture
def make_esm(make_served: Callable[..., Served]) -> Callable[..., Served]:
    """A server on an account with one mapping of `topic` at `servers`."""

    def make(servers: str, topic: str = "orders", **settings: Any) -> Served:
        aws = FakeAws()
        aws.mappings[UUID] = {
            "UUID": UUID,
            "FunctionArn": "arn:aws:lambda:eu-central-1:123456789012:function:orders-handler",
            "State": "Enabled",
            "Topics": [topic],
            "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [servers]}},
            "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "agents-proof"},
        }
        service = MappingService(aws.account(), lookup_topic=lambda *_: 3)
        return make_served(toolsets=("esm",), open_service=lambda: service, **settings)

    return make


def test_brokers_by_network_and_authentication(make_esm: Callable[..., Served]) -> None:
    answer = make_esm("127.0.0.1:1").answer("get_msk_bootstrap_brokers", event_source_arn=CLUSTER_ARN)
    assert answer["brokers"] == {"private": {"iam": "b-1.orders:9098,b-2.orders:9098"}}


def test_a_failed_connection_names_the_step(make_esm: Callable[..., Served]) -> None:
    answer = make_esm("127.0.0.1:1").answer("test_kafka_connection", uuid=UUID)
    assert answer["ok"] is False
    assert [step["name"] for step in answer["steps"] if step["state"] == "failed"] == ["TCP"]


def test_test_messages_need_allow_writes(make_esm: Callable[..., Served]) -> None:
    served = make_esm("127.0.0.1:1")
    for tool in ("produce_test_messages", "validate_esm_processing"):
        assert "--allow-writes" in served.refusal(tool, uuid=UUID, plan_id="0123456789abcdef")


def test_positions_that_did_not_come_from_a_tool_are_refused(make_esm: Callable[..., Served]) -> None:
    text = make_esm("127.0.0.1:1").refusal(
        "check_offset_after_production", uuid=UUID, initial={}, produced={}
    )
    assert "as they were answered" in text


POSITION = {
    "group": "agents-proof",
    "topic": "orders",
    "committed": {"0": 4},
    "start": {"0": 0},
    "end": {"0": 9},
    "members": [],
}
PRODUCED = {
    "test_id": "t",
    "topic": "orders",
    "messages": 1,
    "started_at": "2026-11-26T08:30:00Z",
    "seconds": 0,
    "partitions": [{"partition": 0, "first": 9, "last": 9, "messages": 1}],
}


@pytest.mark.parametrize(
    ("initial", "produced", "says"),
    [
        ({"group": "another"}, {}, "reads topic orders as group agents-proof"),
        ({"topic": "payments"}, {}, "belong to another mapping"),
        ({}, {"topic": "payments"}, "belong to another mapping"),
        ({}, {"partitions": []}, "nothing to wait for"),
    ],
)
def test_answers_about_something_else_prove_nothing_about_a_mapping(
    make_esm: Callable[..., Served], initial: dict[str, Any], produced: dict[str, Any], says: str
) -> None:
    """Without messages, all of them have been passed."""
    said = make_esm("127.0.0.1:1").refusal(
        "check_offset_after_production",
        uuid=UUID,
        initial={**POSITION, **initial},
        produced={**PRODUCED, **produced},
    )
    assert says in said


@pytest.mark.parametrize(
    ("committed", "deadline", "passed", "readings"),
    [([4, 9, 10, 11], None, True, 3), ([4], 0.0, False, 1), ([4] * 100, 0.6, False, 3)],
    ids=["until it has passed", "one look", "until the deadline"],
)
def test_a_check_waits_for_the_group(
    make_esm: Callable[..., Served],
    monkeypatch: pytest.MonkeyPatch,
    committed: list[int],
    deadline: float | None,
    passed: bool,
    readings: int,
) -> None:
    before = msgspec.convert(POSITION, proof.Position, strict=False)
    read: list[int] = []

    def position(*_: Any, **__: Any) -> proof.Position:
        read.append(committed[len(read)])
        return msgspec.structs.replace(before, committed={0: read[-1]})

    monkeypatch.setattr(proof, "get_initial_offset", position)
    waiting = {} if deadline is None else {"deadline_seconds": deadline}
    answer = make_esm("127.0.0.1:1").answer(
        "check_offset_after_production", uuid=UUID, initial=POSITION, produced=PRODUCED, **waiting
    )
    assert (answer["passed"], len(read)) == (passed, readings)
    assert answer["partitions"][0]["committed"] == read[-1]


def test_a_wait_that_would_be_cut_off_is_refused_before_anything_is_written(
    make_esm: Callable[..., Served],
) -> None:
    served = make_esm("127.0.0.1:1", allow_writes=True, call_seconds=3)  # thirty for these tools
    for tool, arguments in (
        (
            "check_offset_after_production",
            {"initial": POSITION, "produced": PRODUCED, "deadline_seconds": 31},
        ),
        ("validate_esm_processing", {"plan_id": "p", "deadline_seconds": 20, "metrics_seconds": 11}),
        ("validate_esm_processing", {"plan_id": "p"}),
    ):
        said = served.refusal(tool, uuid=UUID, **arguments)
        assert "but a call is stopped after 30 s; nothing was done" in said


def test_a_validation_waits_as_long_as_requested(
    make_esm: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[proof.ValidationRequest] = []

    def stop(*arguments: Any, **_: Any) -> None:
        asked.append(arguments[3])
        raise EstateError("enough")

    monkeypatch.setattr(proof, "plan_validation", stop)
    served = make_esm("127.0.0.1:1")
    served.refusal("validate_esm_processing", uuid=UUID)
    served.refusal("validate_esm_processing", uuid=UUID, deadline_seconds=7, metrics_seconds=0)
    assert [(one.deadline_seconds, one.metrics_seconds) for one in asked] == [(None, 180), (7, 0)]


@pytest.mark.sandbox
def test_messages_are_planned_written_and_followed(
    endpoints: Endpoints, make_esm: Callable[..., Served]
) -> None:
    served = make_esm(endpoints.bootstrap_servers, "orders", allow_writes=True)
    assert served.answer("test_kafka_connection", uuid=UUID)["ok"]
    before = served.answer("get_initial_offset", uuid=UUID)["position"]
    plan = served.answer("produce_test_messages", uuid=UUID, messages=3)
    assert (plan["applied"], "connect-orders-sink" in plan["plan"]["other_groups"]) == (False, True)
    done = served.answer("produce_test_messages", uuid=UUID, messages=3, plan_id=plan["plan"]["id"])
    assert done["produced"]["messages"] == 3
    progress = served.answer(
        "check_offset_after_production",
        uuid=UUID,
        initial=before,
        produced=done["produced"],
        deadline_seconds=1,
    )
    assert progress["passed"] is False, "nobody polls for a faked mapping"


def test_the_user_learns_who_would_receive_test_messages_before_any_is_written(
    make_esm: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = proof.ProducePlan(
        id="p-1",
        endpoint="127.0.0.1:1",
        topic="orders",
        partitions=(0,),
        messages=3,
        bytes_each=9,
        key=None,
        group="g",
        other_groups=("bil\u202eling\u200b",),
    )
    monkeypatch.setattr(proof, "plan_test_messages", lambda *_, **__: plan)
    monkeypatch.setattr(proof, "plan_validation", lambda *_, **__: plan)
    asked: list[str] = []

    async def decline(context: Any, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001 - the SDK's names
        asked.append(params.message)
        return ElicitResult(action="decline")

    async def run() -> list[Any]:
        async with Client(
            make_esm("127.0.0.1:1", allow_writes=True).server, elicitation_callback=decline
        ) as client:
            return [
                await client.call_tool(tool, {"uuid": UUID})
                for tool in ("produce_test_messages", "validate_esm_processing")
            ]

    for result, question in zip(anyio.run(run), asked, strict=True):
        assert "would receive them: bil\ufffdling\ufffd\n" in question
        assert result.structured_content["plan"]["other_groups"] == ["bil\ufffdling\ufffd"]
        assert (
            result.structured_content["applied"],
            "did not agree" in result.structured_content["next"],
        ) == (False, True)


def test_a_listed_secret_logs_in_before_the_mapping_exists(
    stand_ins: Sandbox,
    broker: Endpoints,
    lambda_url: str,
    make_served: Callable[..., Served],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a real listener, whose port the estate does not name, with the certificate of a private authority."""
    own = warehouse_access(stand_ins.folder)
    with an_account(lambda_url, broker) as account:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
        password = account.secret(username=own.username, password=own.password)
        authority = account.secret(certificate=own.authority.read_text())
        call = {
            "kafka_bootstrap_servers": broker.sasl_bootstrap_servers,
            "kafka_topic": "orders",
            "source_access_configurations": [
                {"type": "SASL_SCRAM_512_AUTH", "uri": password},
                {"type": "SERVER_ROOT_CA_CERTIFICATE", "uri": authority},
            ],
        }
        estate = (
            f"clusters: {{warehouse: {{kafka: {{bootstrap_servers: '{broker.bootstrap_servers}'}}}}}}\n"
            f"esm: {{accounts: [{{region: us-east-1, endpoint_url: '{lambda_url}'}}]"
        )
        refused = make_served(estate=estate + "}").refusal("test_kafka_connection", **call)
        answer = make_served(estate=estate + ", secrets: ['s-*']}").answer("test_kafka_connection", **call)

    assert f"secret {password} is neither the mapping's own nor listed" in refused
    assert answer["ok"], answer
    assert answer["login"] == f"SCRAM-SHA-512 as {own.username} over TLS"
    assert own.password not in str(answer)
