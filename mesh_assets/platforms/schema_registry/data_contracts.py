"""Confluent's data contracts, which a version of a subject may include: properties, tags and rules.

Their shape is that of the registry's `Metadata`, `RuleSet` and `Rule`
(docs.confluent.io/platform/current/schema-registry/fundamentals/data-contracts.html). Other registries drop them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mesh_assets.inventory.data_contracts import DataContract, RulePhase, SchemaRule
from mesh_assets.masking.configs import MASK, mask_config, mask_field, mask_text

_PHASES: Mapping[str, RulePhase] = {
    "migrationRules": "migration",
    "domainRules": "domain",
    "encodingRules": "encoding",
}
_LONGEST_NAME = 500


class ContractError(ValueError):
    """A part breaks the protocol; the message says which."""


def data_contract(metadata: Any, rule_set: Any) -> DataContract:
    """What `metadata` and `ruleSet` of a schema say, masked: sensitive properties, and anything that looks
    like a secret. Without both, an empty contract. Raises ContractError."""
    said = _object(metadata, "metadata")
    sensitive = frozenset(_texts(said.get("sensitive"), "metadata.sensitive"))
    properties = _object(said.get("properties"), "metadata.properties")
    tags = _object(said.get("tags"), "metadata.tags")
    return DataContract(
        properties={
            key: MASK if key in sensitive else mask_field(key, _text(properties[key], "a property"))
            for key in sorted(properties)
        },
        sensitive=tuple(sorted(sensitive)),
        tags={path: tuple(sorted(_texts(tags[path], "metadata.tags"))) for path in sorted(tags)},
        rules=tuple(_rules(_object(rule_set, "ruleSet"), sensitive)),
    )


def _rules(rule_set: Mapping[str, Any], sensitive: frozenset[str]) -> list[SchemaRule]:
    found = []
    for key, phase in _PHASES.items():
        listed = rule_set.get(key)
        if listed is None:
            continue
        if not isinstance(listed, list):
            raise ContractError(f"ruleSet.{key} is not a list")
        for one in listed:
            rule = _object(one, f"a rule of ruleSet.{key}")
            name = rule.get("name")
            if not isinstance(name, str) or not name:
                raise ContractError(f"a rule of ruleSet.{key} has no name")
            params = _object(rule.get("params"), "params of a rule")
            found.append(
                SchemaRule(
                    phase=phase,
                    name=name[:_LONGEST_NAME],
                    kind=_word(rule, "kind"),
                    mode=_word(rule, "mode"),
                    type=_word(rule, "type"),
                    tags=tuple(sorted(_texts(rule.get("tags"), "tags of a rule"))),
                    params=mask_config(
                        {key: _text(value, "a parameter") for key, value in params.items()},
                        passwords=sensitive,
                    ),
                    expr=_masked(rule, "expr"),
                    on_success=_masked(rule, "onSuccess"),
                    on_failure=_masked(rule, "onFailure"),
                    doc=_masked(rule, "doc"),
                    disabled=rule.get("disabled") is True,
                )
            )
    return found


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ContractError(f"{what} is not an object")
    return value


def _texts(value: Any, what: str) -> Sequence[str]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ContractError(f"{what} is not a list of texts")
    return value


def _text(value: Any, what: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ContractError(f"{what} of the contract is not a text")
    return value


def _word(rule: Mapping[str, Any], key: str) -> str | None:
    value = rule.get(key)
    return value if isinstance(value, str) and value else None


def _masked(rule: Mapping[str, Any], key: str) -> str | None:
    value = _word(rule, key)
    return None if value is None else mask_text(value)
