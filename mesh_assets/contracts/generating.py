"""Generates a contract: all of it follows from known facts, so the same facts give the same text."""

import re
from collections.abc import Iterable, Iterator, Mapping
from math import floor, log10
from typing import Any

from mesh_assets.contracts.properties import logical_type, physical_type, properties_of, without_empty
from mesh_assets.contracts.quality import quality_of, service_level_of
from mesh_assets.contracts.records import API_VERSION, ContractFacts, Reference, TopicFacts

FIRST_VERSION = "1.0.0"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]")
_REFERABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNLIMITED = "-1"


def contract_of(facts: ContractFacts, *, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The contract of a product. `before`: as it was last generated. A service level in it is a promise: it stays as it is,
    and `check` says where the estate no longer keeps it. The version follows semantic versioning: the first number grows
    when a topic or field is gone or has a different type, the second for any other difference."""
    product = facts.product
    topics = sorted(facts.topics, key=lambda one: (one.cluster, one.topic.name))
    names = _names(topics)
    made: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": product.id,
        "name": product.name,
        "version": FIRST_VERSION,
        "status": "draft",
    }
    if product.domain is not None:
        made["domain"] = product.domain
    if product.description is not None:
        made["description"] = {"purpose": product.description}
    made["servers"] = list(_servers(facts, topics))
    made["schema"] = [_schema(one, names, facts) for one in topics]
    if product.owner is not None:
        made["team"] = {"name": product.owner}
    levels = [level for one in topics for level in _levels(one, names[one.cluster, one.topic.name])]
    if levels:
        made["slaProperties"] = levels
    if before is not None:
        _keep_promises(made, before)
        made["version"] = _next_version(before, made)
    return made


def _names(topics: Iterable[TopicFacts]) -> dict[tuple[str, str], str]:
    """Names that references can use: `orders-v2` → `orders_v2`. Two topics never share one."""
    names: dict[tuple[str, str], str] = {}
    for one in topics:
        plain = _NOT_IN_NAMES.sub("_", one.topic.name)
        plain = plain if _REFERABLE.fullmatch(plain) else f"_{plain}"
        name, number = plain, 2
        while name in names.values():
            name, number = f"{plain}_{number}", number + 1
        names[one.cluster, one.topic.name] = name
    return names


def _format(facts: TopicFacts) -> str:
    return {"AVRO": "avro", "PROTOBUF": "protobuf"}.get(facts.schema_type or "", "json")


def _servers(facts: ContractFacts, topics: list[TopicFacts]) -> Iterator[dict[str, Any]]:
    """One per cluster and format, since in ODCS the server says how records are encoded. Only the address is given."""
    formats: dict[str, list[str]] = {}
    for one in topics:
        of = formats.setdefault(one.cluster, [])
        if _format(one) not in of:
            of.append(_format(one))
    for cluster, several in formats.items():
        for form in sorted(several):
            yield {
                "server": cluster if len(several) == 1 else f"{cluster}-{form}",
                "type": "kafka",
                "host": facts.hosts[cluster],
                "format": form,
            }


def _schema(
    facts: TopicFacts, names: Mapping[tuple[str, str], str], all_facts: ContractFacts
) -> dict[str, Any]:
    topic = facts.topic
    types = {field.path: logical_type(field.type) for field in facts.fields}
    more: dict[str, dict[str, Any]] = {}
    whole: list[dict[str, Any]] = []
    for rule in facts.rules:
        for path, what in quality_of(rule, types):
            if path is None:
                whole += what["quality"]
            else:
                _add(more.setdefault(path, {}), what)
    for one in facts.references:
        target = _target(facts, one, names, all_facts)
        if target is not None:
            more.setdefault(one.path, {}).setdefault("relationships", []).append(
                {"type": "foreignKey", "to": target}
            )
    made: dict[str, Any] = {
        "name": names[facts.cluster, topic.name],
        "physicalName": topic.name,
        "physicalType": "topic",
        "logicalType": "object",
    }
    if facts.description is not None:
        made["description"] = facts.description
    properties = without_empty(
        properties_of(facts.fields, facts.personal, more, schema_type=facts.schema_type)
    )
    if properties:
        made["properties"] = properties
    if whole:
        made["quality"] = whole
    made["customProperties"] = [
        {"property": name, "value": value} for name, value in _custom(facts) if value is not None
    ]
    return made


def _add(holder: dict[str, Any], what: Mapping[str, Any]) -> None:
    for key, value in what.items():
        if isinstance(value, list):
            holder.setdefault(key, []).extend(value)
        else:
            holder.setdefault(key, {}).update(value)


def _custom(facts: TopicFacts) -> Iterator[tuple[str, Any]]:
    topic = facts.topic
    yield "cluster", facts.cluster
    yield "partitions", topic.details.partitions if topic.error is None else None
    yield "cleanupPolicy", topic.details.cleanup_policy
    yield "subject", facts.subject
    yield "inferred", True if facts.inferred else None


def _target(
    facts: TopicFacts,
    one: Reference,
    names: Mapping[tuple[str, str], str],
    all_facts: ContractFacts,
) -> str | None:
    """`users.user_id` within the contract; in another contract, by its file. None: it is in no contract, or ODCS cannot
    express its path."""
    steps = one.to_path.split(".")
    if not all(map(_REFERABLE.fullmatch, steps)):
        return None
    here = names.get((facts.cluster, one.to_topic))
    if here is not None:
        if len(steps) == 1:
            return f"{here}.{steps[0]}"
        return f"schema/{here}/{'/'.join(f'properties/{step}' for step in steps)}"
    file = all_facts.files.get((facts.cluster, one.to_topic))
    if file is None:
        return None
    name = _NOT_IN_NAMES.sub("_", one.to_topic)
    return f"{file}#schema/{name}/{'/'.join(f'properties/{step}' for step in steps)}"


def _levels(facts: TopicFacts, name: str) -> Iterator[dict[str, Any]]:
    """What is measured or configured when the contract is first written."""
    config = facts.topic.config or {}
    retention = config.get("retention.ms")
    by_time_alone = config.get("retention.bytes") in (None, _UNLIMITED)
    deletes = "delete" in (facts.topic.details.cleanup_policy or "")
    if deletes and by_time_alone and retention is not None and retention.isdecimal():
        value, unit = _duration(int(retention) / 1_000)
        yield _level("retention", name, value, unit, "Records are kept for at least this long.")
    if facts.usual_gap_seconds is not None:
        value, unit = _duration(float(f"{facts.usual_gap_seconds:.2g}"))
        yield _level("latency", name, value, unit, "The newest record is at most this old.")
    rate = facts.records_in_per_second
    if rate is not None and rate > 0:
        yield _level(
            "throughput", name, _rounded_down(rate), "records/s", "At least this many records come in."
        )
    for rule in facts.rules:
        yield from service_level_of(rule, name)


def _level(property_: str, name: str, value: float, unit: str, description: str) -> dict[str, Any]:
    return {
        "id": f"{name}_{property_}",
        "property": property_,
        "value": value,
        "unit": unit,
        "element": name,
        "description": description,
    }


def _duration(seconds: float) -> tuple[float, str]:
    """In the largest unit that gives a whole number."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return int(seconds // size), unit
    return (int(seconds) if seconds == int(seconds) else seconds), "s"


def _rounded_down(rate: float) -> float:
    """To one significant digit: the promise is not as precise as the last measurement."""
    step = float(10 ** floor(log10(rate)))
    rounded = floor(rate / step) * step
    return int(rounded) if rounded >= 1 else round(rounded, 6)


def _keep_promises(made: dict[str, Any], before: Mapping[str, Any]) -> None:
    kept = {_promise(one): one for one in before.get("slaProperties") or () if isinstance(one, Mapping)}
    if kept or "slaProperties" in made:
        now = {_promise(one): one for one in made.get("slaProperties", [])}
        made["slaProperties"] = [dict(kept.get(which, one)) for which, one in {**kept, **now}.items()]


def _promise(level: Mapping[str, Any]) -> tuple[str, str]:
    """The topic and what of it: earlier versions gave levels of a rule its name alone as their id."""
    topic = str(level.get("element"))
    return topic, str(level.get("id")).removeprefix(f"{topic}_")


def _next_version(before: Mapping[str, Any], made: dict[str, Any]) -> str:
    version = str(before.get("version", FIRST_VERSION))
    numbers = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", version)
    same = {**before, "version": None} == {**made, "version": None}
    if same or numbers is None:
        return version
    major, minor = int(numbers[1]), int(numbers[2])
    return f"{major + 1}.0.0" if _breaks(before, made) else f"{major}.{minor + 1}.0"


def _breaks(before: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
    old, new = _types(before.get("schema")), _types(made.get("schema"))
    return any(new.get(place) != kind for place, kind in old.items())


def _types(elements: Any, above: str = "") -> dict[str, Any]:
    """The type of every element, by its place."""
    found: dict[str, Any] = {}
    for one in elements if isinstance(elements, list) else ():
        place = f"{above}/{one.get('physicalName') or one.get('name')}"
        found[place] = one.get("logicalType"), physical_type(one)
        found |= _types(one.get("properties"), place)
        found |= _types((one.get("items") or {}).get("properties"), f"{place}[]")
    return found
