"""Where a connector's transforms send records: followed in order, with their predicates, as Connect applies them.

Sources: https://kafka.apache.org/documentation/#connect_included_transformation for Kafka's own,
https://docs.confluent.io/cloud/current/connectors/transforms/overview.html for Confluent's,
https://debezium.io/documentation/reference/stable/transformations/ for Debezium's.

On the way into Kafka the name is the topic's; on the way out it is the name by which the sink finds its table or path.
"""

from collections.abc import Callable, Mapping

from mesh_assets.collecting.connector_topics import KEEP_THE_TOPIC, listed
from mesh_assets.inventory.records import Record
from mesh_assets.patterns.java import java_pattern, replaced

_KAFKA = "org.apache.kafka.connect.transforms."
_DEBEZIUM = "io.debezium.transforms."
_NAME_MATCHES = "org.apache.kafka.connect.transforms.predicates.TopicNameMatches"
# The regex, the replacement, and their defaults; all four replace only if the whole name matches.
_RE2 = ("io.confluent.connect.cloud.transforms.TopicRegexRouter",)  # it writes named groups as Python does
_ROUTERS = {
    f"{_KAFKA}RegexRouter": ("regex", "replacement"),
    **dict.fromkeys(_RE2, ("regex", "replacement")),
    f"{_DEBEZIUM}ByLogicalTableRouter": ("topic.regex", "topic.replacement"),
}
_OUTBOX = (
    f"{_DEBEZIUM}outbox.EventRouter",
    "io.debezium.connector.mongodb.transforms.outbox.MongoEventRouter",
)
_BY_RECORD = {
    "ExtractTopic": "takes the topic from each record",
    "TimestampRouter": "puts the record's time into the topic's name",
    "ContentBasedRouter": "evaluates an expression for each record",
}


class Routed(Record, frozen=True, kw_only=True):
    """`name` None: not known, for the reason in `because`; without a reason, the records are dropped."""

    name: str | None
    because: str | None = None


Config = Mapping[str, str | None]
_Step = Callable[[str], Routed]


class Routing:
    """The transforms of one connector."""

    def __init__(self, config: Config) -> None:
        steps = (_step(config, alias) for alias in listed(config.get("transforms")))
        self._steps = [step for step in steps if step is not None]

    @property
    def keeps_names(self) -> bool:
        """Whether no transform can change a name, or drop records because of it."""
        return not self._steps

    def follow(self, name: str) -> Routed:
        routed = Routed(name=name)
        for step in self._steps:
            if routed.name is None:
                break
            routed = step(routed.name)
        return routed


def _step(config: Config, alias: str) -> _Step | None:
    """What the transform does to a name; None if it keeps it."""
    at = f"transforms.{alias}."
    full = (config.get(f"{at}type") or "").partition("$")[0]
    kind = full.rpartition(".")[2] or "of no type"
    if "." not in full:
        full = f"{_KAFKA}{full}"  # a plugin may be named without its package
    drops = full == f"{_KAFKA}Filter"
    if full in KEEP_THE_TOPIC and not drops and not config.get(f"{at}route.by.field"):
        return None
    said = f"its transform {alias} ({kind})"
    pattern = _pattern_of_names(config, alias)
    if pattern is not None and java_pattern(pattern) is None:
        because = f"{said} could not be followed: its predicate's pattern {pattern!r} is not read as Java does, or might take hours to"
        return lambda _: Routed(name=None, because=because)
    applies = _condition(config, alias)

    def step(name: str) -> Routed:
        does = applies(name)
        if does is False:
            return Routed(name=name)
        if drops:
            # Where a predicate depends on the record, some are dropped and the rest keep their topic.
            return Routed(name=None if does else name)
        if does is None:
            return Routed(name=None, because=f"{said} applies or not depending on each record")
        return _applied(config, at, full, kind, said, name)

    return step


def _applied(config: Config, at: str, full: str, kind: str, said: str, name: str) -> Routed:
    if full in _ROUTERS:
        regex, replacement = (config.get(f"{at}{key}") for key in _ROUTERS[full])
        if full in _RE2 and regex is not None:
            regex = regex.replace("(?P<", "(?<")
        return _replaced(said, regex, replacement, name)
    if full in _OUTBOX:
        target = config.get(f"{at}route.topic.replacement") or "outbox.event.${routedByValue}"
        if "$" in target:
            by = config.get(f"{at}route.by.field") or "aggregatetype"
            return Routed(name=None, because=f"{said} takes the topic from each row, by its column {by}")
        return Routed(name=target)
    if full == f"{_KAFKA}TimestampRouter":
        target = config.get(f"{at}topic.format") or "${topic}-${timestamp}"
        if "${timestamp}" not in target:
            return Routed(name=target.replace("${topic}", name))
    does = _BY_RECORD.get(kind, "may send records elsewhere, and is not known here")
    return Routed(name=None, because=f"{said} {does}")


def _replaced(said: str, regex: str | None, replacement: str | None, name: str) -> Routed:
    pattern = None if regex is None else java_pattern(regex)
    made = None if pattern is None or replacement is None else replaced(pattern, replacement, name)
    if made is None:
        return Routed(
            name=None,
            because=f"{said} could not be followed: {regex!r} → {replacement!r} is not read as Java does, or might take hours to",
        )
    return Routed(name=made or name)  # neither router sends records to a topic with an empty name


def _condition(config: Config, alias: str) -> Callable[[str], bool | None]:
    """Whether the transform applies to records of a topic; None: it depends on the record."""
    if not config.get(f"transforms.{alias}.predicate"):
        return lambda _: True
    negated = (config.get(f"transforms.{alias}.negate") or "").strip().lower() == "true"
    text = _pattern_of_names(config, alias)
    pattern = None if text is None else java_pattern(text)
    if pattern is None:
        return lambda _: None
    return lambda topic: bool(pattern.fullmatch(topic)) is not negated


def _pattern_of_names(config: Config, alias: str) -> str | None:
    """The pattern of topic names for which the transform applies, or does not; None if its predicate is about something else."""
    name = config.get(f"transforms.{alias}.predicate")
    if name and config.get(f"predicates.{name}.type") in (_NAME_MATCHES, "TopicNameMatches"):
        return config.get(f"predicates.{name}.pattern") or ""
    return None
