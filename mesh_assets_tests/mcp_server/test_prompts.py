"""Prompts: each can be rendered, and the calls it suggests work; the one that wires a topic leads to a processing mapping."""

import ast
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest
from mcp import Client

from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.an_aws_account import AwsAccount, an_account
from mesh_assets_tests.mcp_server.served import Served, the_day_before, today

NAMES = {
    "connector": "orders-sink",
    "subject": "users-value",
    "topic": "orders",
    "function_name": "consume",
    "cluster": "warehouse",
}
_CALL = re.compile(r"\b([a-z]+(?:_[a-z]+)+)\(([^()]*)\)")
_ARGUMENT = re.compile(r"(\w+)=('[^']*'|[^,\s]+)")


def prompt_texts(served: Served, **arguments: str) -> dict[str, str]:
    """Every prompt, rendered with the arguments it accepts."""

    async def texts() -> dict[str, str]:
        found = {}
        async with Client(served.server) as client:
            for prompt in (await client.list_prompts()).prompts:
                names = [argument.name for argument in prompt.arguments or ()]
                given = {name: arguments[name] for name in names if name in arguments}
                [message] = (await client.get_prompt(prompt.name, given)).messages
                found[prompt.name] = message.content.text  # type: ignore[union-attr]
                assert all(value in found[prompt.name] for value in given.values()), prompt.name
        return found

    return anyio.run(texts)


def calls(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The calls that a prompt spells out: the tool, and the arguments with given values; `…` is left to the agent."""
    return [
        (
            call[1],
            {
                one[1]: "…" if one[2].startswith(("…", "<")) else ast.literal_eval(one[2])
                for one in _ARGUMENT.finditer(call[2])
            },
        )
        for call in _CALL.finditer(text)
    ]


def test_every_prompt_names_only_tools_and_arguments_that_exist(served: Served) -> None:
    said = prompt_texts(served, **NAMES)
    assert set(said) == {
        "triage_failed_connector",
        "review_schema_change",
        "wire_topic_to_lambda",
        "weekly_estate_review",
    }
    takes = {
        tool.name: set(tool.parameters["properties"]) for tool in served.server._tool_manager.list_tools()
    }
    for name, text in said.items():
        named = {word.strip("`.,:;()").partition("(")[0] for word in text.split()}
        called = {
            word
            for word in named
            if word.partition("_")[0] in ("list", "get", "describe", "create", "test", "validate", "add")
        }
        assert {word for word in called if "_" in word} <= set(takes), name
        for tool, arguments in calls(text):
            assert set(arguments) <= takes[tool], (name, tool)


@pytest.mark.parametrize("cluster", [{}, {"cluster": "warehouse"}], ids=["one cluster", "named cluster"])
def test_calls_spelled_out_in_the_prompts_are_answered(
    make_served: Callable[..., Served], cluster: dict[str, str]
) -> None:
    """Every call verbatim; where the agent chooses, with a name from the answers."""
    served = make_served(the_day_before(), today())
    chosen = {"topic": "users", "connector": "orders-sink", "cluster": "warehouse", "version": 1}
    said = prompt_texts(
        served, **{name: value for name, value in NAMES.items() if name != "cluster"}, **cluster
    )
    assert said.pop("wire_topic_to_lambda")
    for prompt, text in said.items():
        spelled_out = calls(text)
        assert spelled_out, prompt
        for tool, arguments in spelled_out:
            assert served.answer(
                tool, **{name: chosen[name] if value == "…" else value for name, value in arguments.items()}
            ), (prompt, tool)
            assert arguments.get("cluster") in (None, "…", cluster.get("cluster")), (prompt, tool)


@pytest.fixture
def account(lambda_url: str, broker: Endpoints, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsAccount]:
    with an_account(lambda_url, broker) as made:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", made.id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        yield made


def test_wiring_a_topic_leads_from_nothing_to_a_mapping_that_processes(
    account: AwsAccount, broker: Endpoints, lambda_url: str, make_served: Callable[..., Served]
) -> None:
    """Each call that the prompt spells out, in order, with gaps filled from earlier answers."""
    account.role()
    account.function()
    topic = account.topic(2)
    served = make_served(
        estate=f"clusters:\n  wiring: {{kafka: {{bootstrap_servers: '{broker.bootstrap_servers}'}}, topics: {{exclude: []}}}}\n"
        f"esm: {{accounts: [{{region: us-east-1, endpoint_url: '{lambda_url}'}}]}}\n",
        allow_writes=True,
    )
    named = {"topic": topic, "function_name": "consume", "cluster": "wiring"}
    text = prompt_texts(served, **{**NAMES, **named})["wire_topic_to_lambda"]
    steps = [(tool, {n: v for n, v in arguments.items() if v != "…"}) for tool, arguments in calls(text)]
    assert [tool for tool, _ in steps] == [
        "describe_topic",
        "describe_schema",
        "list_event_source_mappings",
        "test_kafka_connection",
        "add_msk_permissions",
        "create_event_source_mapping",
        "get_event_source_mapping",
        "validate_esm_processing",
    ]
    spelled_out = dict(steps)

    def follow(tool: str, **own: Any) -> dict[str, Any]:
        return served.answer(tool, **spelled_out[tool], **own)

    described = follow("describe_topic")
    for subject in described["value_subjects"]:  # none where the estate has no registry
        follow("describe_schema", subject=subject)
    assert follow("list_event_source_mappings")["mappings"] == []
    access = [
        {"type": "VPC_SUBNET", "uri": "subnet:subnet-1"},
        {"type": "VPC_SECURITY_GROUP", "uri": "security_group:sg-1"},
    ]
    connection = follow("test_kafka_connection", source_access_configurations=access)
    assert connection["ok"], connection
    mapping = {
        "kafka_bootstrap_servers": connection["kafka_bootstrap_servers"],
        "source_access_configurations": access,
        "kafka_consumer_group_id": f"group-{topic}",
    }
    rights = follow("add_msk_permissions", **mapping)
    assert [one["operation"] for one in rights["calls"]] == ["PutRolePolicy"]
    assert follow("add_msk_permissions", **mapping, plan_id=rights["plan_id"])["applied"]
    wanted = {**mapping, "starting_position": "TRIM_HORIZON"}
    plan = follow("create_event_source_mapping", **wanted)
    assert (plan["permissions"], plan.get("blocked")) == ("granted", None)
    made = follow("create_event_source_mapping", **wanted, plan_id=plan["plan_id"])
    uuid = made["mapping"]["uuid"]
    deadline = time.monotonic() + 60
    while follow("get_event_source_mapping", uuid=uuid)["mapping"]["state"] != "Enabled":
        assert time.monotonic() < deadline, "the mapping is not Enabled within a minute"
        time.sleep(0.2)
    proof = {"uuid": uuid, "messages": 4, "deadline_seconds": 60, "metrics_seconds": 30}
    planned = follow("validate_esm_processing", **proof)
    assert planned["plan"]["other_groups"] == []
    verdict = follow("validate_esm_processing", **proof, plan_id=planned["plan"]["id"])["validation"][
        "verdict"
    ]
    assert verdict["name"] == "processed", verdict
    assert account.committed(f"group-{topic}", topic) == 4
