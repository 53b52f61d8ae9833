"""What the discovery tools answer, on a small estate."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import anyio
from mcp import Client

from mesh_assets.agent_tools.consumer_groups import describe_consumer_group
from mesh_assets.agent_tools.topics import describe_topic
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.views import View
from mesh_assets.findings.history import findings_results, judge_estate
from mesh_assets.inventory.groups import CommittedOffset
from mesh_assets.mcp_server.server import MeshServer
from mesh_assets_tests.documents import MOMENT, a_document, a_group, a_schema, a_topic
from mesh_assets_tests.mcp_server.minimal_calls import CALLS
from mesh_assets_tests.mcp_server.served import Served

SINCE = "2026-11-23T17:00:00Z"


def tools(server: MeshServer) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        async with Client(server) as client:
            return {tool.name: tool for tool in (await client.list_tools()).tools}

    return anyio.run(run)


def test_read_only_tools_say_so_and_on_a_read_only_server_nearly_all_do(served: Served) -> None:
    found = {name: tool.annotations for name, tool in tools(served.server).items()}
    assert {name for name, said in found.items() if not said.read_only_hint} == {
        "run_discovery",
        "execute_flink_sql",
    }
    assert not any(said.destructive_hint for said in found.values() if said.read_only_hint)


def test_a_failed_connector_comes_with_its_reason_and_what_it_reads(served: Served) -> None:
    [failed] = served.answer("list_problems", severity="critical")["problems"]
    assert failed["sentence"] == "orders-sink: 1 of 1 tasks FAILED; reads orders: out of space"
    [task] = served.answer("describe_connector", connector="orders-sink")["tasks"]
    assert (task["state"], "out of space" in task["trace"]) == ("FAILED", True)


def test_after_a_clock_was_set_back_lag_is_compared_with_the_previous_document(
    make_served: Callable[..., Served],
) -> None:
    lags = [(1, 5), (3, 2000), (2, 900)]
    served = make_served(
        *(
            a_document(
                consumer_groups=(a_group("billing", total_lag_records=lag),),
                discovery_timestamp=MOMENT + timedelta(hours=hours),
            )
            for hours, lag in lags
        )
    )
    assert served.answer("list_problems", kind="growing_lag")["problems"] == []


def test_changes_of_a_host_whose_clock_is_ahead_are_changes_up_to_now(
    make_served: Callable[..., Served],
) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=2)
    served = make_served(
        a_document(topics=()), a_document(topics=(a_topic("orders"),), discovery_timestamp=ahead)
    )
    [change] = served.answer("list_changes", since=SINCE, resource_type="topic")["changes"]
    assert (change["kind"], change["resource"]) == ("created", "orders")


def test_who_reads_and_writes_a_topic(served: Served) -> None:
    topic = served.answer("describe_topic", topic="orders")
    assert [one["connector"] for one in topic["writers"]] == ["orders-source"]
    assert [one["connector"] for one in topic["reading_connectors"]] == ["orders-sink"]
    assert topic["reading_groups"] == [{"group_id": "billing", "state": "Stable", "lag_records": 5}]
    assert topic["config_overrides"] == {"retention.ms": "1000"}


def test_changes_are_dated_and_counted(served: Served) -> None:
    answer = served.answer("list_changes", since=SINCE)
    assert answer["compared_from"] == "2026-11-23T16:40:02Z"
    assert {(change["kind"], change["resource"]) for change in answer["changes"]} >= {
        ("created", "payments"),
        ("updated", "users-value"),
        ("updated", "orders-sink"),
    }
    assert sum(answer["counts"].values()) == answer["total"]
    only = served.answer("list_changes", since=SINCE, resource_type="schema")
    assert [change["sentence"] for change in only["changes"]] == ["users-value: Schema version 1 → 2"]


def test_lineage_of_a_topic_in_both_directions(served: Served) -> None:
    answer = served.answer("get_lineage", topic="orders")
    assert answer["upstream"] == {"1": ["connector orders-source"]}
    assert answer["downstream"] == {
        "1": ["application billing", "connector orders-sink"],
        "2": ["dataset s3://lake/topics/orders"],
    }


def test_secrets_in_a_config_are_not_shown(served: Served) -> None:
    config = served.answer("get_connector_config", connector="orders-sink")["config"]
    assert config["s3.bucket.name"] == "lake"


def test_an_answer_states_its_age_and_what_is_out_of_date(served: Served) -> None:
    about = served.answer("list_topics")["about"]
    assert (about["cluster"], about["source"], about["as_of"]) == (
        "warehouse",
        "latest",
        "2026-11-23T16:40:02Z",
    )
    assert about["age"]


def test_a_document_is_read_once_not_per_call(served: Served) -> None:
    for _ in range(5):
        served.answer("list_topics")
        served.answer("describe_topic", topic="orders")
    assert served.known.reads == 1


def test_without_estate_or_store_the_server_starts_and_each_tool_says_what_is_missing(
    make_served: Any,
) -> None:
    served = make_served()
    (served.folder / "estate.yaml").unlink()
    assert set(tools(served.server)) == set(CALLS)
    for name, (arguments, missing) in CALLS.items():
        if missing is None:
            assert "estate file" in served.refusal(name, **arguments), name


def test_a_cluster_never_discovered_is_answered_with_what_to_do(make_served: Any) -> None:
    assert "mesh-assets discover" in make_served().refusal("list_topics")


def test_live_answers_of_an_unreachable_cluster_are_errors_not_empty_lists(served: Served) -> None:
    assert "127.0.0.1:1" in served.refusal("list_topics", source="live")


def test_a_topic_names_the_groups_that_might_read_it_when_readers_are_unknown() -> None:
    sharing = a_group("sharing", type="unknown", members=None, offsets=None, topics=(), error="a share group")
    document = a_document(topics=(a_topic("orders"),), consumer_groups=(a_group("billing"), sharing))
    view = View(document=document, source="live", version="1")
    known = cast(KnownEstate, SimpleNamespace(view=lambda *_, **__: view))

    topic = describe_topic(known, topic="orders")

    assert [group.group_id for group in topic.reading_groups] == ["billing"]
    assert topic.possible_readers == ["sharing"]


def test_a_group_beyond_the_end_says_so_instead_of_a_lag_of_zero() -> None:
    gone = CommittedOffset(topic="orders", partition=0, committed=12, start=0, end=10, lag_records=None)
    group = a_group("billing", offsets=(gone,), total_lag_records=None)
    view = View(document=a_document(consumer_groups=(group,)), source="latest", version="1")
    known = cast(KnownEstate, SimpleNamespace(view=lambda *_, **__: view))

    described = describe_consumer_group(known, group="billing")

    assert described.lag_records is None
    assert described.notes[0].startswith("beyond the end of 1 partition (orders[0])")


def test_no_total_is_claimed_for_a_schema_read_in_part(make_served: Callable[..., Served]) -> None:
    fields = [{"name": f"f{number}", "type": "string"} for number in range(6_000)]
    definition = json.dumps({"type": "record", "name": "Wide", "fields": fields})
    wide = a_schema("wide-value", schema_type="AVRO", definition=definition)
    answer = make_served(a_document(schemas=(wide,))).answer("describe_schema", subject="wide-value")

    assert "total_fields" not in answer
    assert "at least 1,940 more fields" in answer["hint"]


def test_a_schema_nested_too_deeply_says_so_and_one_of_plain_values_says_it_has_no_fields(
    make_served: Callable[..., Served],
) -> None:
    def nested(depth: int, inner: str) -> str:
        return '{"type":"array","items":' * depth + inner + "}" * depth

    record = '{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}'
    definitions = {
        "deep-value": nested(990, record),
        "plain-value": nested(300, '"int"'),
        "near-value": nested(300, record),
    }
    schemas = tuple(a_schema(name, schema_type="AVRO", definition=text) for name, text in definitions.items())
    served = make_served(a_document(schemas=schemas))
    deep, plain, near = (served.answer("describe_schema", subject=name) for name in definitions)

    assert "fields" not in deep
    assert (
        deep["hint"]
        == "the definition cannot be read as AVRO: nested deeper than 400 levels; get_schema shows its text"
    )
    assert (plain["fields"], plain["total_fields"]) == ([], 0)
    assert plain["hint"].startswith("the schema has no named fields")
    assert [field["type"] for field in near["fields"]] == ["int"]
    assert near["fields"][0]["path"].startswith("[][][]")
    assert served.answer("get_schema", subject="deep-value")["characters"] == len(definitions["deep-value"])


def test_problems_come_with_figures_what_to_do_and_the_muted_ones_only_on_request(served: Served) -> None:
    page = served.answer("list_problems", resource_type="consumer_group")
    [lag] = page["problems"]
    assert (lag["kind"], lag["figures"]) == ("growing_lag", {"lag_records": 900, "lag_records_before": 5})
    assert page["what_to_do"].keys() == {"growing_lag"}
    assert page["muted"] == 0
    estate = served.folder / "estate.yaml"
    estate.write_text(f"{estate.read_text()}findings: {{mute: [{{kind: growing_lag, reason: known}}]}}\n")
    page = served.answer("list_problems", resource_type="consumer_group")
    assert (page["problems"], page["muted"], "growing_lag" in page["counts"]) == ([], 1, False)
    [lag] = served.answer("list_problems", kind="growing_lag", muted=True)["problems"]
    assert lag["muted"] == "known"


def test_a_problem_states_its_start_once_an_analysis_has_kept_it(served: Served) -> None:
    assert "since" not in served.answer("list_problems", kind="failed_connector")["problems"][0]
    store = served.known.store
    result, read = judge_estate(store, served.known.estate, None)
    findings_results(store).put(result, documents=read, made_at=MOMENT)
    [failed] = served.answer("list_problems", kind="failed_connector")["problems"]
    assert failed["since"] == "2026-11-24T16:40:02Z"
    store.objects.put(findings_results(store).key, b"{")
    page = served.answer("list_problems", kind="failed_connector")
    assert "how long the problems have existed is not known" in page["about"]["notes"][-1]
    assert len(page["problems"]) == 1
