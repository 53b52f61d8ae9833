"""Where topics differ from a policy, and where that is unknown."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mesh_assets.answering.known_products import product_results
from mesh_assets.estate.model import Estate
from mesh_assets.estate.policy import Policy
from mesh_assets.findings.case import Case
from mesh_assets.findings.judge import judge
from mesh_assets.findings.policy import judge_policy, not_checked, unusable_names
from mesh_assets.findings.reading import read_case
from mesh_assets.findings.samples import Samples
from mesh_assets.inventory.data_contracts import DataContract
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import SubjectLevel, TopicSchema
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import MOMENT, NOT_CONFIGURED, STALE, a_document, a_schema, a_topic
from mesh_assets_tests.findings.cases import found, judged
from mesh_assets_tests.products.estates import a_shop, ground_of, products_of

SCHEMA = TopicSchema(value_subjects=("orders-value",))


def a_policy(**rule: Any) -> Policy:
    return Policy.model_validate({"rules": [{"name": "rule", **rule}]})


def violations(policy: Policy, *topics: Any, **fields: Any) -> list[str]:
    return found(a_document(topics=topics, **fields), "policy_violation", policy=policy)


@pytest.mark.parametrize(
    ("rule", "met", "broken", "sentence"),
    [
        (
            {"names": "[a-z]+"},
            a_topic("orders"),
            a_topic("Orders"),
            "Orders: name does not match; rule rule expects one like [a-z]+",
        ),
        (
            {"partitions": {"min": 3, "max": 6}},
            a_topic(partitions=6),
            a_topic(partitions=7),
            "orders: partitions is 7; rule rule expects at least 3 and at most 6",
        ),
        (
            {"replication_factor": {"min": 2}},
            a_topic(replicas=(1, 2)),
            a_topic(),
            "orders: replication factor is 1; rule rule expects at least 2",
        ),
        (
            {"configs": {"min.insync.replicas": {"min": 2}}},
            a_topic(config={"min.insync.replicas": "2"}),
            a_topic(config={"min.insync.replicas": "1"}),
            "orders: min.insync.replicas is 1; rule rule expects at least 2",
        ),
        (
            {"configs": {"min.cleanable.dirty.ratio": {"min": 0, "max": 0.5}}},
            a_topic(config={"min.cleanable.dirty.ratio": "0.5"}),
            a_topic(config={"min.cleanable.dirty.ratio": "0.75"}),
            "orders: min.cleanable.dirty.ratio is 0.75; rule rule expects at least 0 and at most 0.5",
        ),
        (
            {"configs": {"retention.ms": {"max": 1000}}},
            a_topic(config={"retention.ms": "1000"}),
            a_topic(config={"retention.ms": "-1"}),
            "orders: retention.ms is unlimited (-1); rule rule expects at most 1,000",
        ),
        (
            {"configs": {"cleanup.policy": {"one_of": ["delete", "compact,delete"]}}},
            a_topic(config={"cleanup.policy": "delete,compact"}),
            a_topic(config={"cleanup.policy": "compact"}),
            "orders: cleanup.policy is compact; rule rule expects delete or compact,delete",
        ),
        (
            {"configs": {"unclean.leader.election.enable": False}},
            a_topic(config={"unclean.leader.election.enable": "false"}),
            a_topic(),
            "orders: unclean.leader.election.enable is not set; rule rule expects false",
        ),
        (
            {"schema_required": True},
            a_topic(schema=SCHEMA),
            a_topic(),
            "orders: schema is missing; rule rule expects a subject in the registry for its values",
        ),
    ],
    ids=["name", "partitions", "replicas", "least", "fraction", "unlimited", "list", "value", "schema"],
)
def test_a_requirement_is_met_or_violated(rule: dict[str, Any], met: Any, broken: Any, sentence: str) -> None:
    assert violations(a_policy(**rule), met) == []
    assert violations(a_policy(**rule), broken) == [sentence]


def test_an_unlimited_retention_meets_every_minimum() -> None:
    policy = a_policy(configs={"retention.ms": {"min": 1000}})
    assert violations(policy, a_topic(config={"retention.ms": "-1"})) == []


def test_exceptions_other_clusters_and_kafkas_own_topics_are_exempt() -> None:
    internal = a_topic("__consumer_offsets")
    internal = replace(internal, details=replace(internal.details, internal=True))
    policy = a_policy(partitions={"min": 3}, topics={"include": ["*"], "exclude": ["tmp-*"]})
    assert violations(policy, a_topic("tmp-1"), internal) == []
    elsewhere = a_policy(partitions={"min": 3}, clusters={"include": ["prod-*"]})
    assert violations(elsewhere, a_topic("orders")) == []


def test_compatibility_counts_as_effective_and_an_unread_one_is_not_a_violation() -> None:
    policy = a_policy(compatibility=["FULL"])
    topic = a_topic(schema=SCHEMA)

    def of(level: SubjectLevel) -> list[str]:
        return violations(policy, topic, schemas=(a_schema("orders-value", compatibility=level),))

    assert of(SubjectLevel(value="NONE", own=True)) == [
        "orders: compatibility of orders-value is NONE; rule rule expects FULL"
    ]
    assert of(SubjectLevel(value="FULL", own=True)) == []
    assert of(SubjectLevel(own=False)) == [
        "orders: compatibility of orders-value is BACKWARD; rule rule expects FULL"
    ]
    assert of(SubjectLevel(error="refused")) == []


def test_an_owner_comes_from_the_policy_or_the_registry() -> None:
    policy = a_policy(owner_required=True)
    owned = Policy.model_validate(
        {**policy.model_dump(), "owners": [{"owner": "shop", "topics": {"include": ["ord*"]}}]}
    )
    topic = a_topic(schema=SCHEMA)
    missing = [
        "orders: owner is missing; rule rule expects one in the policy's owners, a decision about products, a data contract or "
        "the registry"
    ]

    def with_contract(contract: DataContract | None) -> list[str]:
        return violations(policy, topic, schemas=(a_schema("orders-value", contract=contract),))

    assert with_contract(DataContract()) == missing
    assert with_contract(DataContract(properties={"owner": "shop"})) == []
    assert with_contract(None) == []
    assert violations(owned, topic) == []
    assert violations(policy, topic, sections={"schemas": NOT_CONFIGURED}) == missing
    assert violations(policy, topic, sections={"schemas": STALE}) == []


def test_a_pattern_that_might_take_hours_is_not_matched() -> None:
    policy = Policy.model_validate({"rules": [{"name": "rule", "names": "(?!x)([a-z]+-?)+"}]})
    assert violations(policy, a_topic("a" * 22 + "X")) == []
    [sentence] = unusable_names(policy)
    assert sentence.startswith("rule rule: names '(?!x)([a-z]+-?)+' is not used")
    assert (
        list(unusable_names(Policy.model_validate({"rules": [{"name": "r", "names": "[a-z]+(-[a-z]+)*"}]})))
        == []
    )


CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: orders
team: {name: team-shop}
schema: [{name: orders}]
"""


def test_an_owner_may_come_from_a_contract_and_is_unknown_while_one_is_unreadable(tmp_path: Path) -> None:
    document = a_document(topics=(a_topic(), a_topic("clicks")), sections={"schemas": NOT_CONFIGURED})
    name = document.cluster.name
    estate = Estate.model_validate(
        {
            "clusters": {name: {"name": name, "kafka": {"bootstrap_servers": "localhost:9"}}},
            "contracts": {"folder": str(tmp_path)},
            "policy": {"rules": [{"name": "owned", "owner_required": True}]},
        }
    )
    store = InventoryStore(open_store(str(tmp_path / "store")))

    def of_contracts() -> tuple[list[str], list[str]]:
        case = read_case(document, store=store, estate=estate, samples=Samples())
        return [one.resource for one in judge(case, only=(judge_policy,))], list(not_checked(case))

    assert of_contracts()[0] == ["clicks", "orders"]
    (tmp_path / "orders.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    assert of_contracts()[0] == ["clicks"]
    (tmp_path / "clicks.odcs.yaml").write_text("kind: [", encoding="utf-8")
    missing, notes = of_contracts()
    assert missing == []
    assert [note for note in notes if "clicks.odcs.yaml" in note and "owners were not checked" in note]


def test_an_owner_may_come_from_a_decision_about_the_product(
    tmp_path: Path,
) -> None:
    document = a_document(
        topics=(a_topic(), a_topic("clicks"), a_topic("users")), sections={"schemas": NOT_CONFIGURED}
    )
    name = document.cluster.name
    store = InventoryStore(open_store(str(tmp_path)))

    def missing(*decisions: Mapping[str, object]) -> tuple[list[str], list[str]]:
        estate = Estate.model_validate(
            {
                "clusters": {name: {"name": name, "kafka": {"bootstrap_servers": "localhost:9"}}},
                "policy": {"rules": [{"name": "owned", "owner_required": True}]},
                "products": {"decisions": decisions},
            }
        )
        case = read_case(document, store=store, estate=estate, samples=Samples())
        return [one.resource for one in judge(case, only=(judge_policy,))], list(not_checked(case))

    accepted = {"product": "people", "owner": "team-a"}
    assert missing({"product": "people"})[0] == ["clicks", "orders", "users"]
    assert missing({"product": "shop", "owner": "team-b", "topics": ["ord*", "other/clicks"]})[0] == [
        "clicks",
        "users",
    ]
    unknown, notes = missing(accepted)
    assert unknown == []
    assert [note for note in notes if "owners were not checked" in note and "job `analysis`" in note]

    found = products_of(
        ground_of(a_shop(name=name), patterns={"people": ("user*",)}), {**accepted, "topics": ("users",)}
    )
    product_results(store).put(found, documents=(), made_at=MOMENT)
    assert missing(accepted)[0] == ["clicks", "orders"]
    assert missing({"product": "all", "owner": "team-a", "merge": ["people"]})[0] == ["clicks", "orders"]


def test_the_level_decides_the_severity_and_each_requirement_has_its_own_id() -> None:
    rule = {"name": "rule", "partitions": {"min": 2}, "replication_factor": {"min": 2}}
    policy = Policy.model_validate({"rules": [rule, {**rule, "name": "wish", "level": "warning"}]})
    findings = judged(a_document(topics=(a_topic(),), sections={"schemas": NOT_CONFIGURED}), policy=policy)
    assert [(one.severity, one.evidence["rule"]) for one in findings] == [
        ("warning", "rule"),
        ("warning", "rule"),
        ("info", "wish"),
        ("info", "wish"),
    ]
    assert len({one.id for one in findings}) == 4


def unchecked(document: Document, policy: Policy) -> list[str]:
    return list(not_checked(Case(document, policy=policy)))


def test_unread_parts_are_named_and_not_a_violation() -> None:
    policy = a_policy(configs={"retention.ms": {"max": 1000}}, schema_required=True)
    unread = replace(a_topic("orders"), config=None, config_error="refused")
    document = a_document(topics=(unread,), sections={"schemas": STALE})
    assert found(document, "policy_violation", policy=policy) == []
    assert unchecked(document, policy) == [
        "warehouse: schemas are as of 2026-11-23 16:40 UTC, because reading them failed: connection refused",
        "warehouse: the configs of orders could not be read and were not checked",
    ]


def test_a_rule_that_selects_nothing_is_named() -> None:
    policy = a_policy(partitions={"min": 1}, topics={"include": ["ordres*"]})
    assert unchecked(a_document(topics=(a_topic(),)), policy) == [
        "warehouse: rule rule selects none of its topics; check its patterns"
    ]
