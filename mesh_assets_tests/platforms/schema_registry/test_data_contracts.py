from typing import Any

import pytest

from mesh_assets.inventory.data_contracts import DataContract, SchemaRule
from mesh_assets.masking.configs import MASK
from mesh_assets.platforms.schema_registry.data_contracts import ContractError, data_contract
from mesh_assets.platforms.schema_registry.records import BrokenItem, schema_or_broken

SECRET = "hunter2-contract"


def test_properties_tags_and_rules_keep_the_order_in_which_the_rules_run() -> None:
    contract = data_contract(
        {"properties": {"owner": "shop", "domain": "sales"}, "tags": {"**.ssn": ["PII", "PRIVATE"]}},
        {
            "migrationRules": [{"name": "rename", "kind": "TRANSFORM", "mode": "UPGRADE", "type": "JSONATA"}],
            "domainRules": [
                {
                    "name": "positive",
                    "kind": "CONDITION",
                    "mode": "WRITE",
                    "type": "CEL",
                    "expr": "message.units > 0",
                },
                {
                    "name": "encryptPII",
                    "type": "ENCRYPT",
                    "tags": ["PII"],
                    "params": {"encrypt.kek.name": "shop"},
                    "onFailure": "ERROR,NONE",
                    "disabled": True,
                },
            ],
        },
    )
    assert contract == DataContract(
        properties={"domain": "sales", "owner": "shop"},
        tags={"**.ssn": ("PII", "PRIVATE")},
        rules=(
            SchemaRule(phase="migration", name="rename", kind="TRANSFORM", mode="UPGRADE", type="JSONATA"),
            SchemaRule(
                phase="domain",
                name="positive",
                kind="CONDITION",
                mode="WRITE",
                type="CEL",
                expr="message.units > 0",
            ),
            SchemaRule(
                phase="domain",
                name="encryptPII",
                type="ENCRYPT",
                tags=("PII",),
                params={"encrypt.kek.name": "shop"},
                on_failure="ERROR,NONE",
                disabled=True,
            ),
        ),
    )
    assert contract.owner == "shop"


@pytest.mark.parametrize(
    ("metadata", "rules"),
    [
        ({"properties": {"contact": SECRET}, "sensitive": ["contact"]}, None),
        ({"properties": {"api.password": SECRET}}, None),
        ({"properties": {"link": f"https://ada:{SECRET}@example.com/x"}}, None),
        (None, {"domainRules": [{"name": "r", "params": {"vault.token": SECRET}}]}),
        ({"sensitive": ["role"]}, {"domainRules": [{"name": "r", "params": {"role": SECRET}}]}),
        (None, {"encodingRules": [{"name": "r", "doc": f"log in with password={SECRET}"}]}),
    ],
)
def test_sensitive_and_secret_looking_values_are_masked(metadata: Any, rules: Any) -> None:
    said = repr(data_contract(metadata, rules))
    assert SECRET not in said
    assert MASK in said


def test_a_schema_without_a_contract_has_an_empty_one() -> None:
    assert data_contract(None, None) == DataContract()
    assert data_contract({}, {"domainRules": None}) == DataContract()


@pytest.mark.parametrize(
    ("metadata", "rules", "what"),
    [
        ([], None, "metadata is not an object"),
        ({"properties": []}, None, "metadata.properties is not an object"),
        ({"properties": {"a": 1}}, None, "a property of the contract is not a text"),
        ({"tags": {"a": "PII"}}, None, "metadata.tags is not a list of texts"),
        ({"sensitive": [1]}, None, "metadata.sensitive is not a list of texts"),
        (None, {"domainRules": {}}, "ruleSet.domainRules is not a list"),
        (None, {"domainRules": ["x"]}, "a rule of ruleSet.domainRules is not an object"),
        (None, {"domainRules": [{}]}, "a rule of ruleSet.domainRules has no name"),
    ],
)
def test_a_contract_of_another_shape_makes_its_schema_unread_instead_of_without_a_contract(
    metadata: Any, rules: Any, what: str
) -> None:
    with pytest.raises(ContractError, match=what):
        data_contract(metadata, rules)
    item = {"subject": "s", "version": 1, "id": 1, "schema": "{}", "metadata": metadata, "ruleSet": rules}
    read = schema_or_broken(item)
    assert isinstance(read, BrokenItem)
    assert what in read.reason
