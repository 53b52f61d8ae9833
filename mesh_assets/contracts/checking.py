"""Where the estate no longer keeps a contract.

Anything that cannot be determined is a breach of level `unknown`: neither kept nor broken for certain.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import isfinite

from mesh_assets.contracts.known import Estate, TopicNow
from mesh_assets.contracts.properties import contract_fields, properties_of
from mesh_assets.contracts.records import (
    Breach,
    BreachLevel,
    ContractField,
    ContractTopic,
    KnownContract,
    Requirement,
    ServiceLevel,
)
from mesh_assets.expectations.judging import about_of
from mesh_assets.inventory.wording import counted, duration

_SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3_600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 604_800),
    **dict.fromkeys(("y", "yr", "year", "years"), 31_536_000),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
}
_LEVELS: tuple[BreachLevel, ...] = ("error", "warning", "unknown")
_UNLIMITED = -1


def check_contract(contract: KnownContract, estate: Estate, *, now: datetime) -> tuple[Breach, ...]:
    """By level, topic and requirement. `now`: the time from which ages are measured."""
    found = [
        Breach(
            contract=contract.id, level=level, requirement=requirement, topic=topic.topic, sentence=sentence
        )
        for topic in contract.topics
        for level, requirement, sentence in _of_topic(contract, topic, estate, now)
    ]
    return tuple(
        sorted(found, key=lambda one: (_LEVELS.index(one.level), one.topic, one.requirement, one.sentence))
    )


_Found = Iterator[tuple[BreachLevel, Requirement, str]]


def _of_topic(contract: KnownContract, topic: ContractTopic, estate: Estate, now: datetime) -> _Found:
    places = estate.places(topic.topic, topic.cluster)
    if isinstance(places, str):
        yield "unknown", "topic", f"{topic.topic}: {places}"
        return
    if not places:
        where = f" in {topic.cluster}" if topic.cluster else " in any cluster of the estate"
        yield "error", "topic", f"{topic.topic}: there is no such topic{where}"
        return
    for one in places:
        yield from _fields(topic, one)
        yield from _partitions(topic, one)
        yield from _owner(contract, one)
        for level in contract.levels:
            if not level.elements or topic.name in level.elements or topic.topic in level.elements:
                yield from _level(level, one, now)
        yield from _quality(contract, topic, one)


def _fields(topic: ContractTopic, now: TopicNow) -> _Found:
    if not topic.fields:
        return
    if now.unread is not None:
        yield "unknown", "field", f"{now.name}: its fields are not known: {now.unread}"
        return
    present: Mapping[str, ContractField] = dict(
        contract_fields(properties_of(now.fields, (), {}, schema_type=None))
    )
    for path, promised in topic.fields.items():
        field = present.get(path)
        if field is None:
            if path.rpartition(".")[0] in topic.fields and path.rpartition(".")[0] not in present:
                continue  # the record around it is gone, which is reported
            yield "error", "field", f"{now.name}: the field {path} is gone"
            continue
        if promised.logical and field.logical and promised.logical != field.logical:
            yield "error", "field", f"{now.name}: {path} is {field.logical}; expected {promised.logical}"
        elif promised.physical and field.physical and not _is_of(field.physical, promised.physical):
            yield "error", "field", f"{now.name}: {path} is {field.physical}; expected {promised.physical}"
        elif promised.logical and field.logical is None and promised.physical is None:
            yield (
                "unknown",
                "field",
                f"{now.name}: the type {field.physical} does not show whether {path} is {promised.logical}",
            )
        if promised.required and not field.required and not now.inferred:
            yield "warning", "field", f"{now.name}: {path} may be null or missing; expected it to be required"


def _is_of(physical: str, promised: str) -> bool:
    """`array` promises an array of anything."""
    return promised in (physical, physical.partition("<")[0])


def _partitions(topic: ContractTopic, now: TopicNow) -> _Found:
    if topic.partitions is None:
        return
    if now.topic.error is not None:
        yield "unknown", "partitions", f"{now.name}: its partitions could not be read: {now.topic.error}"
    elif now.topic.details.partitions < topic.partitions:
        count = counted(now.topic.details.partitions, "partition")
        yield "error", "partitions", f"{now.name}: has {count}; expected {topic.partitions:,}"


def _owner(contract: KnownContract, now: TopicNow) -> _Found:
    if contract.owner is None:
        return
    if now.owner_unread is not None:
        yield "unknown", "owner", f"{now.name}: its owner is not known: {now.owner_unread}"
    elif now.owner is not None and now.owner != contract.owner:
        yield (
            "warning",
            "owner",
            f"{now.name}: the estate names {now.owner} as its owner; expected {contract.owner}",
        )


def _level(level: ServiceLevel, now: TopicNow, moment: datetime) -> _Found:
    if level.property in ("retention", "re"):
        yield from _retention(level, now)
    elif level.property in ("latency", "ly"):
        yield from _latency(level, now, moment)
    elif level.property in ("throughput", "th"):
        yield from _throughput(level, now)


def _seconds(level: ServiceLevel) -> float | None:
    size = _SECONDS.get((level.unit or "").casefold())
    if size is None or isinstance(level.value, bool) or not isinstance(level.value, int | float):
        return None
    return float(level.value) * size if isfinite(level.value) else None


def _not_a_time(level: ServiceLevel, now: TopicNow) -> str:
    return (
        f"{now.name}: {level.property} {level.value} {level.unit or 'without a unit'} is not a length of time; expected a "
        "number and one of s, m, h, d, y"
    )


def _retention(level: ServiceLevel, now: TopicNow) -> _Found:
    promised = _seconds(level)
    if promised is None:
        yield "unknown", "retention", _not_a_time(level, now)
        return
    config = now.topic.config
    value = None if config is None else config.get("retention.ms")
    if now.topic.config_error is not None or value is None or not value.lstrip("-").isdecimal():
        why = now.topic.config_error or "retention.ms is not known"
        yield "unknown", "retention", f"{now.name}: its configs could not be read: {why}"
        return
    if "delete" not in (now.topic.details.cleanup_policy or "delete"):
        return  # compaction keeps the newest record of each key forever
    if int(value) != _UNLIMITED and int(value) / 1_000 < promised:
        text = f"keeps records for {duration(int(value) / 1_000)}; expected at least {duration(promised)}"
        yield "error", "retention", f"{now.name}: {text}"
        return
    most = (config or {}).get("retention.bytes")
    if most is not None and most != str(_UNLIMITED):
        text = f"retention.bytes {most} may remove records before {duration(promised)} have passed"
        yield "unknown", "retention", f"{now.name}: {text}"


def _latency(level: ServiceLevel, now: TopicNow, moment: datetime) -> _Found:
    promised = _seconds(level)
    if promised is None:
        yield "unknown", "latency", _not_a_time(level, now)
    elif now.newest_at is None:
        yield (
            "unknown",
            "latency",
            f"{now.name}: it is not known when its newest record came; the job `profiling` finds out",
        )
    else:
        # As old as it was when the sample was taken: since then, newer ones may have come.
        age = ((now.sampled_at or moment) - now.newest_at).total_seconds()
        if age > promised:
            text = f"its newest record was {duration(age)} old; expected at most {duration(promised)}"
            yield "warning", "latency", f"{now.name}: {text}"


def _throughput(level: ServiceLevel, now: TopicNow) -> _Found:
    if isinstance(level.value, bool) or not isinstance(level.value, int | float) or level.unit != "records/s":
        text = (
            f"throughput {level.value} {level.unit or 'without a unit'} is not compared; expected records/s"
        )
        yield "unknown", "throughput", f"{now.name}: {text}"
    elif now.records_in_per_second is None:
        yield "unknown", "throughput", f"{now.name}: it is not known how many records come in"
    elif now.records_in_per_second < level.value:
        text = f"{now.records_in_per_second:,.3g} records/s come in; expected at least {level.value:,g}"
        yield "warning", "throughput", f"{now.name}: {text}"


def _quality(contract: KnownContract, topic: ContractTopic, now: TopicNow) -> _Found:
    results = {(one.origin, one.rule, one.about): one for one in now.results}
    for rule in topic.rules:
        # A rule copied from the policy is judged as the policy's.
        about = about_of(rule.rule)
        result = results.get((contract.id, rule.name, about)) or results.get(("policy", rule.name, about))
        if result is None:
            yield (
                "unknown",
                "quality",
                f"{now.name}: rule {rule.name} has not been judged yet; the job `profiling` does it",
            )
        elif result.status == "failed":
            yield rule.level, "quality", f"{result.sentence} (rule {rule.name})"
        elif result.status == "unknown":
            yield "unknown", "quality", f"{result.sentence} (rule {rule.name})"
