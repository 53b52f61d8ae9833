"""Where the estate breaks a contract."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from mesh_assets.contracts.checking import check_contract
from mesh_assets.contracts.generating import contract_of
from mesh_assets.contracts.known import Estate, TopicNow
from mesh_assets.contracts.reading import read_contract
from mesh_assets.contracts.records import KnownContract, ServiceLevel
from mesh_assets.expectations.records import ExpectationResult
from mesh_assets_tests.contracts.facts import CONFIG, ORDER, USER, a_rule, facts, fields_of, orders, users
from mesh_assets_tests.documents import a_topic

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
RULE = a_rule("there", "warning", metric="nullValues", property="order_id", mustBe=0)
CONTRACT = read_contract(contract_of(facts(orders(rules=(RULE,)), users())), "orders.odcs.yaml", ("shop",))


def a_result(status: Any) -> ExpectationResult:
    return ExpectationResult(
        cluster="shop",
        topic="orders-v2",
        rule="there",
        origin="policy",
        level="warning",
        status=status,
        about="nullValues of order_id",
        expected="exactly 0 rows",
        measured=3,
        measured_most=3,
        unit="rows",
        sampled=10,
        undecodable=0,
        failing=3,
        places=(),
        sentence="orders-v2: nullValues of order_id are 3 rows; expected exactly 0 rows",
    )


def orders_now(**fields: Any) -> TopicNow:
    return TopicNow(
        cluster="shop",
        **{
            "topic": a_topic("orders-v2", partitions=3, config=CONFIG),
            "fields": fields_of(ORDER),
            "owner": "team-shop",
            "records_in_per_second": 12.0,
            "newest_at": NOW - timedelta(seconds=10),
            "sampled_at": NOW,
            "results": (a_result("passed"),),
            **fields,
        },
    )


USERS_NOW = TopicNow(
    cluster="shop", topic=a_topic("users", config={"cleanup.policy": "compact"}), fields=fields_of(USER)
)


def estate(*topics: TopicNow, unread: dict[str, str] | None = None) -> Estate:
    return Estate(
        topics={(one.cluster, one.topic.name): one for one in topics},
        unread=unread or {},
        clusters=("shop", "dwh"),
    )


def breaches(
    *topics: TopicNow, contract: KnownContract = CONTRACT, unread: dict[str, str] | None = None
) -> list[tuple[str, str, str]]:
    found = check_contract(contract, estate(*topics, unread=unread), now=NOW)
    return [(one.level, one.requirement, one.sentence) for one in found]


def test_an_estate_that_keeps_the_contract_breaks_nothing() -> None:
    assert breaches(orders_now(), USERS_NOW) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"topic": a_topic("orders-v2", partitions=2, config=CONFIG)},
            ("error", "partitions", "shop/orders-v2: has 2 partitions; expected 3"),
        ),
        (
            {"topic": a_topic("orders-v2", partitions=3, config={**CONFIG, "retention.ms": "86400000"})},
            ("error", "retention", "shop/orders-v2: keeps records for 24 h; expected at least 7 days"),
        ),
        (
            {"topic": a_topic("orders-v2", partitions=3, config={**CONFIG, "retention.bytes": "1000"})},
            (
                "unknown",
                "retention",
                "shop/orders-v2: retention.bytes 1000 may remove records before 7 days have passed",
            ),
        ),
        (
            {"topic": a_topic("orders-v2", partitions=3, config=None, config_error="not allowed")},
            ("unknown", "retention", "shop/orders-v2: its configs could not be read: not allowed"),
        ),
        (
            {"owner": "team-b"},
            ("warning", "owner", "shop/orders-v2: the estate names team-b as its owner; expected team-shop"),
        ),
        (
            {"owner": None, "owner_unread": "schemas are not current"},
            ("unknown", "owner", "shop/orders-v2: its owner is not known: schemas are not current"),
        ),
        (
            {"records_in_per_second": 1.5},
            ("warning", "throughput", "shop/orders-v2: 1.5 records/s come in; expected at least 10"),
        ),
        (
            {"records_in_per_second": None},
            ("unknown", "throughput", "shop/orders-v2: it is not known how many records come in"),
        ),
        (
            {"newest_at": NOW - timedelta(hours=1)},
            ("warning", "latency", "shop/orders-v2: its newest record was 60 min old; expected at most 62 s"),
        ),
        (
            {"newest_at": None},
            (
                "unknown",
                "latency",
                "shop/orders-v2: it is not known when its newest record came; the job `profiling` finds out",
            ),
        ),
        (
            {"results": (a_result("failed"),)},
            (
                "warning",
                "quality",
                "orders-v2: nullValues of order_id are 3 rows; expected exactly 0 rows (rule there)",
            ),
        ),
        (
            {"results": ()},
            (
                "unknown",
                "quality",
                "shop/orders-v2: rule there has not been judged yet; the job `profiling` does it",
            ),
        ),
        (
            {"fields": (), "unread": "no schema describes its values"},
            ("unknown", "field", "shop/orders-v2: its fields are not known: no schema describes its values"),
        ),
    ],
)
def test_a_broken_promise_is_one_sentence(fields: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert breaches(orders_now(**fields), USERS_NOW) == [expected]


def test_a_promise_without_a_number_is_neither_kept_nor_broken() -> None:
    for promised in (float("nan"), float("inf"), True, "7"):
        level = ServiceLevel(property="retention", value=promised, unit="d", elements=())
        found = check_contract(replace(CONTRACT, levels=(level,)), estate(orders_now(), USERS_NOW), now=NOW)
        assert {one.level for one in found} == {"unknown"}, promised


def test_the_result_of_a_same_named_rule_on_another_field_proves_nothing() -> None:
    elsewhere = replace(a_result("passed"), about="nullValues of note")
    assert breaches(orders_now(results=(elsewhere,)), USERS_NOW) == [
        (
            "unknown",
            "quality",
            "shop/orders-v2: rule there has not been judged yet; the job `profiling` does it",
        )
    ]
    failed = a_result("failed")
    for results in ((failed, elsewhere), (elsewhere, failed)):
        found = breaches(orders_now(results=results), USERS_NOW)
        assert [(level, requirement) for level, requirement, _ in found] == [("warning", "quality")]


def test_missing_retyped_and_newly_optional_fields_are_reported() -> None:
    kept = [one for one in ORDER["fields"] if one["name"] not in ("address", "order_id", "day", "state")]
    changed = [
        {"name": "order_id", "type": "string"},
        {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW"]}},
    ]
    found = breaches(orders_now(fields=fields_of({**ORDER, "fields": [*kept, *changed]})), USERS_NOW)
    assert found == [
        ("error", "field", "shop/orders-v2: order_id is string; expected integer"),
        ("error", "field", "shop/orders-v2: state is enum(NEW); expected enum(NEW, PAID)"),
        ("error", "field", "shop/orders-v2: the field address is gone"),
        ("warning", "field", "shop/orders-v2: day may be null or missing; expected it to be required"),
    ]


@pytest.mark.parametrize(
    ("promised", "kept"), [("array", True), ("array<string>", True), ("array<long>", False)]
)
def test_an_array_may_be_promised_with_or_without_its_elements(promised: str, kept: bool) -> None:
    written = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "tags",
        "schema": [
            {
                "name": "tagged",
                "properties": [{"name": "tags", "logicalType": "array", "physicalType": promised}],
            }
        ],
    }
    tags = {"name": "tags", "type": {"type": "array", "items": "string"}}
    now = TopicNow(
        cluster="shop",
        topic=a_topic("tagged"),
        fields=fields_of({"type": "record", "name": "T", "fields": [tags]}),
    )
    found = breaches(now, contract=read_contract(written, "tags.odcs.yaml", ("shop",)))
    expected = [("error", "field", f"shop/tagged: tags is array<string>; expected {promised}")]
    assert found == ([] if kept else expected)


def test_a_type_that_the_schema_does_not_give_neither_keeps_nor_breaks_a_promise() -> None:
    by_hand = read_contract(
        {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": "orders",
            "schema": [
                {"name": "orders-v2", "properties": [{"name": "either", "logicalType": "string"}]},
            ],
        },
        "orders.odcs.yaml",
        ("shop",),
    )
    assert breaches(orders_now(), contract=by_hand) == [
        (
            "unknown",
            "field",
            "shop/orders-v2: the type string | long does not show whether either is string",
        )
    ]


def test_a_missing_topic_is_an_error_unless_it_could_not_be_read() -> None:
    assert breaches(USERS_NOW) == [("error", "topic", "orders-v2: there is no such topic in shop")]
    assert breaches(USERS_NOW, unread={"shop": "topics are not current: refused"}) == [
        (
            "unknown",
            "topic",
            "orders-v2: it is not known whether it exists: shop: topics are not current: refused",
        )
    ]
    # Unreadable parts elsewhere do not matter.
    assert breaches(USERS_NOW, unread={"dwh": "refused"})[0][0] == "error"


def test_a_contract_without_a_cluster_applies_wherever_the_topic_is() -> None:
    contract = read_contract(
        {
            "apiVersion": "v3.0.0",
            "kind": "DataContract",
            "id": "c",
            "schema": [{"name": "users", "properties": [{"name": "age", "logicalType": "integer"}]}],
            "slaProperties": [
                {"property": "retention", "value": "long"},
                {"property": "availability", "value": 99},
            ],
        },
        "f",
        ("shop", "dwh"),
    )
    again = TopicNow(cluster="dwh", topic=USERS_NOW.topic, fields=USERS_NOW.fields)
    assert [one[2] for one in breaches(USERS_NOW, again, contract=contract)] == [
        "dwh/users: the field age is gone",
        "shop/users: the field age is gone",
        "dwh/users: retention long without a unit is not a length of time; expected a number and one of s, m, h, d, y",
        "shop/users: retention long without a unit is not a length of time; expected a number and one of s, m, h, d, y",
    ]
    assert breaches(contract=contract)[0][2] == "users: there is no such topic in any cluster of the estate"
