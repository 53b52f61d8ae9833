"""Where topics differ from the estate's policy."""

from collections.abc import Collection, Iterator
from math import isfinite

from mesh_assets.estate.policy import ConfigRequirement, Policy, PolicyRule, Range
from mesh_assets.findings.case import Case, minute
from mesh_assets.findings.finding import Found
from mesh_assets.inventory.changes import Severity
from mesh_assets.inventory.records import Schema, Topic
from mesh_assets.inventory.sections import SectionName
from mesh_assets.inventory.wording import listed
from mesh_assets.patterns.java import java_pattern

SEVERITY_OF_LEVEL: dict[str, Severity] = {"error": "warning", "warning": "info"}
"""A topic that breaks a rule still works; only what does not work is critical."""

_UNLIMITED = -1
# Configs in which -1 means no limit: https://kafka.apache.org/documentation/#topicconfigs
_MAY_BE_UNLIMITED = (
    "retention.ms",
    "retention.bytes",
    "local.retention.ms",
    "local.retention.bytes",
    "remote.copy.lag.ms",
    "remote.copy.lag.bytes",
)


def judge_policy(case: Case) -> Iterator[Found]:
    """Every requirement that a topic does not meet. Values that could not be read count as met: they are not known to
    differ."""
    rules = [rule for rule in case.policy.rules if rule.clusters.selects(case.document.cluster.name)]
    if not rules:
        return
    schemas = {schema.subject: schema for schema in case.document.schemas}
    registry_read = case.is_read("schemas") and case.document.sections["schemas"].status != "not_configured"
    for topic in case.document.topics:
        if topic.details.internal:
            continue
        for rule in rules:
            if not rule.topics.selects(topic.name):
                continue
            severity = SEVERITY_OF_LEVEL[rule.level]
            for requirement, expected, found in _differences(
                rule, topic, schemas if registry_read else None, case.policy, case
            ):
                yield Found(
                    "policy_violation",
                    severity,
                    topic.name,
                    f"{topic.name}: {requirement} {found}; rule {rule.name} expects {expected}",
                    {
                        "rule": rule.name,
                        "level": rule.level,
                        "requirement": requirement,
                        "expected": expected,
                        "found": found.removeprefix("is "),
                    },
                    place=f"{rule.name}/{requirement}",
                )


def not_checked(case: Case) -> Iterator[str]:
    """What could not be checked against the policy, one sentence each; including rules that select no topic, whose pattern
    may be misspelt."""
    document = case.document
    cluster = document.cluster.name
    rules = [rule for rule in case.policy.rules if rule.clusters.selects(cluster)]
    asks_registry = any(rule.schema_required or rule.compatibility or rule.owner_required for rule in rules)
    asked: tuple[SectionName, ...] = ("topics", "schemas") if asks_registry else ("topics",)
    for name in asked:
        state = document.sections.get(name)
        if state is None or state.status == "not_configured":
            yield f"{cluster}: the estate configures no source for {name}, so nothing about them was checked"
        elif state.status == "stale":
            yield f"{cluster}: {name} are as of {minute(state.collected_at)}, because reading them failed: {state.error}"
        elif state.error is not None:
            yield f"{cluster}: {name} were not read completely: {state.error}"
    if any(rule.owner_required for rule in rules):
        for problem in case.contracts.problems:
            yield f"{cluster}: topics' owners were not checked, because a contract cannot be read: {problem}"
        if case.product_owners.unread is not None:
            yield f"{cluster}: topics' owners were not checked: {case.product_owners.unread}"
    if any(rule.configs for rule in rules):
        unknown = [t.name for t in document.topics if t.config is None or t.config_error is not None]
        if unknown:
            yield f"{cluster}: the configs of {listed(unknown)} could not be read and were not checked"
    names = [topic.name for topic in document.topics if not topic.details.internal]
    for rule in rules:
        if not any(map(rule.topics.selects, names)):
            yield f"{cluster}: rule {rule.name} selects none of its topics; check its patterns"


def for_no_cluster(policy: Policy, clusters: Collection[str]) -> Iterator[str]:
    """The rules that select none of these clusters, whose pattern may be misspelt."""
    for rule in policy.rules:
        if not any(map(rule.clusters.selects, clusters)):
            yield f"rule {rule.name} is for none of {listed(sorted(clusters))}; check the patterns of its clusters"


def unusable_names(policy: Policy) -> Iterator[str]:
    """The rules whose name pattern is not used: refusing a name that does not match could take hours."""
    for rule in policy.rules:
        if rule.names is not None and java_pattern(rule.names) is None:
            yield (
                f"rule {rule.name}: names {rule.names!r} is not used, because it might keep Python busy for hours, or means something "
                "different in Java; write it without look-around, or in plainer syntax"
            )


_Difference = tuple[str, str, str]
"""The requirement, what the rule expects, and what was found (`is 1`)."""


def _differences(
    rule: PolicyRule, topic: Topic, schemas: dict[str, Schema] | None, policy: Policy, case: Case
) -> Iterator[_Difference]:
    pattern = None if rule.names is None else java_pattern(rule.names)
    if pattern is not None and pattern.fullmatch(topic.name) is None:
        yield "name", f"one like {rule.names}", "does not match"
    if topic.error is None:
        yield from _in_range("partitions", rule.partitions, topic.details.partitions)
        yield from _in_range("replication factor", rule.replication_factor, topic.details.replication_factor)
    if topic.config is not None and topic.config_error is None:
        for name, required in rule.configs.items():
            yield from _config(name, required, topic.config)
    if schemas is not None:
        yield from _schema(rule, topic, schemas, case)
    if rule.owner_required and policy.owner_of(topic.name) is None and _has_no_owner(topic, schemas, case):
        yield (
            "owner",
            "one in the policy's owners, a decision about products, a data contract or the registry",
            "is missing",
        )


def _has_no_owner(topic: Topic, schemas: dict[str, Schema] | None, case: Case) -> bool:
    """Whether no decision about its product, no contract and no entry in the registry names one either; False where not all
    of these could be read, or the registry could not be asked about all of the topic's subjects."""
    known, decided = case.contracts, case.product_owners
    if decided.unread is not None or topic.name in decided.topics:
        return False
    if known.problems or known.owner_of(case.document.cluster.name, topic.name) is not None:
        return False
    state = case.document.sections.get("schemas")
    if schemas is None:
        return state is not None and state.status == "not_configured"
    contracts = [
        schemas[subject].contract
        for subject in (*topic.schema.value_subjects, *topic.schema.record_subjects)
        if subject in schemas
    ]
    return all(contract is not None and contract.owner is None for contract in contracts)


def _in_range(name: str, required: Range | None, value: int) -> Iterator[_Difference]:
    if required is not None and not _within(value, required.min, required.max):
        yield name, _range_text(required.min, required.max), f"is {value:,}"


def _within(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _range_text(least: float | None, most: float | None) -> str:
    if least is not None and least == most:
        return f"{least:,}"
    parts = [f"at least {least:,}"] if least is not None else []
    return " and ".join([*parts, f"at most {most:,}"] if most is not None else parts)


def _config(name: str, required: ConfigRequirement, config: dict[str, str | None]) -> Iterator[_Difference]:
    """A sensitive value is None in the document, and not known to differ."""
    value = config.get(name, "")
    if value is None:
        return
    if required.one_of is not None:
        if _parts(value) not in [_parts(one) for one in required.one_of]:
            yield name, " or ".join(required.one_of), f"is {value or 'not set'}"
        return
    expected = _range_text(required.min, required.max)
    number = _number(value)
    if number is None:
        yield name, expected, f"is {value or 'not set'}"
        return
    if number == _UNLIMITED and name in _MAY_BE_UNLIMITED:
        if required.max is not None:
            yield name, expected, "is unlimited (-1)"
    elif not _within(number, required.min, required.max):
        yield name, expected, f"is {number:,}"


def _number(value: str) -> int | float | None:
    """As Kafka writes numbers, a ratio (`min.cleanable.dirty.ratio`) with its fraction; None for anything else."""
    try:
        return int(value)
    except ValueError:
        pass
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _parts(value: str) -> frozenset[str]:
    return frozenset(part.strip() for part in value.split(","))


def _schema(rule: PolicyRule, topic: Topic, schemas: dict[str, Schema], case: Case) -> Iterator[_Difference]:
    subjects = (*topic.schema.value_subjects, *topic.schema.record_subjects)
    if rule.schema_required and not subjects:
        yield "schema", "a subject in the registry for its values", "is missing"
    if not rule.compatibility:
        return
    registry = case.document.schema_registry
    for subject in subjects:
        schema = schemas.get(subject)
        if schema is None:
            continue
        level = schema.compatibility.value or (
            registry.compatibility if registry is not None and schema.compatibility.own is False else None
        )
        if level is not None and level not in rule.compatibility:
            yield f"compatibility of {subject}", " or ".join(rule.compatibility), f"is {level}"
