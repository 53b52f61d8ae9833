"""Reading contracts: ours, people's, and files that are not contracts."""

from pathlib import Path
from typing import Any

import pytest

from mesh_assets.answering.contract_facts import rules_of_estate
from mesh_assets.contracts.folder import text_of
from mesh_assets.contracts.generating import contract_of
from mesh_assets.contracts.reading import KnownContracts, read_contract, read_contracts
from mesh_assets.contracts.records import ContractField
from mesh_assets.errors import ContractError
from mesh_assets.estate.model import Estate
from mesh_assets_tests.contracts.facts import RULES, facts, orders, users

CLUSTERS = ("shop", "dwh")


def folder_of(tmp_path: Path, **files: str) -> KnownContracts:
    for name, text in files.items():
        (tmp_path / f"{name}.odcs.yaml").write_text(text, encoding="utf-8")
    return read_contracts(tmp_path, CLUSTERS)


ROWS = {"metric": "rowCount", "mustBeGreaterThan": 0}


def minimal(**fields: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "c",
        "version": "1.0.0",
        "status": "active",
        **fields,
    }


def test_a_written_contract_is_read_back_with_its_rules(tmp_path: Path) -> None:
    known = folder_of(tmp_path, orders=text_of(contract_of(facts(orders(rules=RULES), users()))))
    assert known.problems == ()
    [contract] = known.contracts
    assert (contract.id, contract.owner, contract.domain, contract.notes) == (
        "shop-orders",
        "team-shop",
        "orders",
        (),
    )
    [topic, other] = contract.topics
    assert (topic.topic, topic.cluster, topic.partitions, other.topic) == ("orders-v2", "shop", 3, "users")
    assert topic.fields["items[].sku"] == ContractField(logical="string", physical="string", required=True)
    # A range for all values becomes an option of the type, and freshness a service level; the others stay rules.
    written = {one.name: one for one in RULES if one.name not in ("positive", "fresh")}
    assert {one.name: (one.rule, one.level) for one in topic.rules} == {
        name: (one.rule, one.level) for name, one in written.items()
    }


def test_the_owner_is_the_team_or_its_owner() -> None:
    for team, owner in (
        ({"name": "team-a"}, "team-a"),
        (
            {"members": [{"username": "bob", "role": "Steward"}, {"username": "ann", "role": "Data Owner"}]},
            "ann",
        ),
        ([{"username": "ann", "role": "owner"}], "ann"),
        ([{"username": "bob"}], None),
        (None, None),
        ("team-a", None),
    ):
        assert read_contract(minimal(team=team), "f", CLUSTERS).owner == owner


def test_the_cluster_is_the_one_named_by_the_servers() -> None:
    schema = [{"name": "orders"}]
    server = {"server": "dwh", "type": "kafka", "host": "x:9092"}
    for servers, cluster in (
        ([server], "dwh"),
        ([{**server, "server": "prod"}], None),
        ([], None),
        (None, None),
    ):
        [topic] = read_contract(minimal(schema=schema, servers=servers), "f", CLUSTERS).topics
        assert topic.cluster == cluster


def test_owner_domain_and_rules_of_a_topic_can_be_looked_up(tmp_path: Path) -> None:
    quality = [{"id": "r", "metric": "rowCount", "mustBeGreaterThan": 0}]
    known = folder_of(
        tmp_path,
        one=text_of(
            minimal(team={"name": "team-a"}, domain="d", schema=[{"name": "orders", "quality": quality}])
        ),
    )
    assert (known.owner_of("shop", "orders"), known.domain_of("dwh", "orders")) == ("team-a", "d")
    assert [(one.name, one.origin) for one in known.rules_of("shop", "orders")] == [("r", "c")]
    assert (known.owner_of("shop", "users"), known.rules_of("shop", "users")) == (None, ())


def test_what_we_generated_ourselves_does_not_count_as_a_persons_word(tmp_path: Path) -> None:
    text = text_of(minimal(team={"name": "team-a"}, domain="d", schema=[{"name": "orders"}]))
    (tmp_path / ".generated").mkdir()
    (tmp_path / ".generated/one.odcs.yaml").write_text(text, encoding="utf-8")
    known = folder_of(tmp_path, one=text)
    assert (known.owner_of("shop", "orders"), known.domain_of("shop", "orders")) == (None, None)
    known = folder_of(tmp_path, one=text.replace("team-a", "team-b"))
    assert (known.owner_of("shop", "orders"), known.domain_of("shop", "orders")) == ("team-b", None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "x.odcs.yaml:1: not YAML"),
        ("- 1", "expected a contract that begins with"),
        ("", "expected a contract that begins with"),
        ("dataContractSpecification: 1.1.0\nid: x", "expected kind: DataContract of ODCS"),
        ("kind: DataContract\napiVersion: v2.2.2\nuuid: x", "apiVersion: v3.0.0 or newer"),
        ("kind: DataContract\napiVersion: v3.1.0", "id: expected the contract's machine-readable name"),
        ("kind: DataContract\napiVersion: v3.1.0\nid: x\nschema: {}\n", ""),
        ("kind: DataContract\napiVersion: v3.1.0\nid: x\nschema: {a: 1}\n", "schema: expected a list"),
        ("kind: DataContract\napiVersion: v3.1.0\nid: x\nschema: [{physicalName: y}]\n", "has no name"),
        ("a: 1\na: 2\n", "not YAML"),
        ("x" * 10 + ": &a [*a]", "expected kind: DataContract"),
    ],
)
def test_a_file_that_is_not_a_contract_is_a_problem_and_affects_no_other(
    tmp_path: Path, text: str, problem: str
) -> None:
    known = folder_of(tmp_path, good=text_of(minimal(id="good")), x=text)
    assert "good" in [one.id for one in known.contracts]
    if problem:
        [told] = known.problems
        assert problem in told


@pytest.mark.parametrize(
    "text",
    [
        "schema: [{name: orders, customProperties: 7, quality: 5, properties: {a: b}}]",
        "schema: [{name: orders, customProperties: {partitions: 3}, properties: [null, 3, {name: 5}]}]",
        "schema: [{name: orders, customProperties: [{property: {a: b}}, {property: [1]}, 3]}]",
        "schema: [{name: orders}]\nteam: [1, 2]\nslaProperties: [{property: latency, element: [1]}, 5]\nservers: 3",
        "schema: [{name: orders, quality: [5, null, {id: [1], metric: rowCount, mustBe: .nan}]}]",
    ],
)
def test_malformed_parts_of_a_contract_are_left_out(tmp_path: Path, text: str) -> None:
    known = folder_of(tmp_path, odd=f"{text_of(minimal())}{text}", fine=text_of(minimal(id="fine")))
    assert [(one.id, len(one.topics)) for one in known.contracts] == [("fine", 0), ("c", 1)]
    assert known.problems == ()


def test_a_few_lines_that_expand_endlessly_are_a_problem(tmp_path: Path) -> None:
    steps = [f"x{n}: &x{n} [{', '.join(9 * [f'{{name: a, properties: *x{n - 1}}}'])}]" for n in range(1, 30)]
    chain = ["y0: &y0 [a]", *(f"y{n}: &y{n} [*y{n - 1}]" for n in range(1, 200))]
    known = folder_of(
        tmp_path,
        wide="\n".join(
            [text_of(minimal()), "x0: &x0 [a]", *steps, "schema: [{name: orders, properties: *x29}]"]
        ),
        deep="\n".join([text_of(minimal()), *chain]),
    )
    assert known.contracts == ()
    assert [problem.partition("has more than ")[2] for problem in known.problems] == 2 * [
        "2,000,000 values or 100 levels where its aliases are followed; expected a contract"
    ]


def test_two_contracts_with_one_id_are_a_problem(tmp_path: Path) -> None:
    known = folder_of(tmp_path, a=text_of(minimal()), b=text_of(minimal()))
    assert len(known.contracts) == 1
    assert "has the id c of" in known.problems[0]


def test_rules_with_one_name_are_distinguished_by_their_fields(tmp_path: Path) -> None:
    nothing_null = [{"name": "not_null", "metric": "nullValues", "mustBe": 0}]
    properties = [{"name": name, "quality": nothing_null} for name in ("a", "b")]
    known = folder_of(
        tmp_path,
        one=text_of(
            minimal(
                schema=[{"name": "orders", "properties": properties, "quality": 2 * [ROWS | {"id": "n"}]}]
            )
        ),
    )
    names = [one.name for one in known.rules_of("shop", "orders")]
    assert names == ["n_topic", "n_topic_2", "not_null_a", "not_null_b"]


def test_a_contracts_rule_is_judged_beside_one_of_the_policy_with_its_name(tmp_path: Path) -> None:
    properties = [
        {"name": name, "quality": [{"name": "whole", "metric": "nullValues", "mustBe": 0}]}
        for name in ("id", "note")
    ]
    folder_of(tmp_path, one=text_of(minimal(schema=[{"name": "orders", "properties": properties[:1]}])))
    expectation = {"name": "whole", "metric": "nullValues", "property": "id", "mustBe": 0}
    estate = Estate.model_validate(
        {
            "clusters": {"shop": {"name": "shop", "kafka": {"bootstrap_servers": "b:1"}}},
            "contracts": {"folder": str(tmp_path)},
            "policy": {"expectations": [expectation]},
        }
    )
    assert [(one.origin, one.rule.path) for one in rules_of_estate(estate)[0]("shop", "orders")] == [
        ("policy", "id")
    ]
    folder_of(tmp_path, one=text_of(minimal(schema=[{"name": "orders", "properties": properties[1:]}])))
    assert [(one.origin, one.rule.path) for one in rules_of_estate(estate)[0]("shop", "orders")] == [
        ("policy", "id"),
        ("c", "note"),
    ]


def test_rules_that_cannot_be_judged_get_a_note() -> None:
    quality = [
        {"type": "text", "description": "Verified."},
        {"id": "soda", "type": "custom", "engine": "soda", "implementation": "type: x"},
        {"id": "odd", "metric": "median", "mustBe": 1},
        {"id": "two", "metric": "rowCount", "mustBe": 1, "mustNotBe": 2},
    ]
    contract = read_contract(minimal(schema=[{"name": "orders", "quality": quality}]), "f", CLUSTERS)
    assert contract.topics[0].rules == ()
    assert [note.split(" ")[0] for note in contract.notes] == [
        "schema.orders.quality.soda",
        "schema.orders.quality.odd",
        "schema.orders.quality.two",
    ]


def test_a_missing_folder_has_no_contracts_and_an_unlistable_one_is_an_error(tmp_path: Path) -> None:
    assert read_contracts(None, CLUSTERS) == KnownContracts()
    assert read_contracts(tmp_path / "missing", CLUSTERS) == KnownContracts()
    (tmp_path / "file").write_text("")
    with pytest.raises(ContractError, match="cannot be read"):
        read_contracts(tmp_path / "file", CLUSTERS)
