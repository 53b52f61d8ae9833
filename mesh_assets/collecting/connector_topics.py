"""The topics that a connector's config names, read as Connect reads it. Where it does not name them, the reason."""

from collections.abc import Mapping

from mesh_assets.inventory.links import is_topic_name, pattern_not_followed
from mesh_assets.inventory.records import Record
from mesh_assets.patterns.java import java_pattern, replaced

# A source with a name under one of these keys writes to exactly that topic. `topic` comes second: beside
# `kafka.topic` it is a topic of the other system.
_SOURCE_KEYS = ("kafka.topic", "topic")
_MIRRORS = "org.apache.kafka.connect.mirror."
# In other classes, a source's `topics` are not those it writes to (MirrorMaker: patterns of the cluster it reads).
_WRITES_TO_TOPICS = "org.apache.camel.kafkaconnector."

_KAFKA = "org.apache.kafka.connect.transforms."
_CONFLUENT = "io.confluent.connect.transforms."
_DEBEZIUM = "io.debezium.transforms."
KEEP_THE_TOPIC = frozenset(
    {
        f"{_KAFKA}Cast",
        f"{_KAFKA}DropHeaders",
        f"{_KAFKA}ExtractField",
        f"{_KAFKA}Filter",
        f"{_KAFKA}Flatten",
        f"{_KAFKA}HeaderFrom",
        f"{_KAFKA}HoistField",
        f"{_KAFKA}InsertField",
        f"{_KAFKA}InsertHeader",
        f"{_KAFKA}MaskField",
        f"{_KAFKA}ReplaceField",
        f"{_KAFKA}SetSchemaMetadata",
        f"{_KAFKA}TimestampConverter",
        f"{_KAFKA}ValueToKey",
        f"{_CONFLUENT}Drop",
        f"{_CONFLUENT}Filter",
        f"{_CONFLUENT}ReplaceField",
        f"{_CONFLUENT}TombstoneHandler",
        f"{_DEBEZIUM}ExtractChangedRecordState",
        f"{_DEBEZIUM}ExtractNewRecordState",
        f"{_DEBEZIUM}ExtractSchemaToNewRecord",
        f"{_DEBEZIUM}Filter",
        f"{_DEBEZIUM}HeaderToValue",
        f"{_DEBEZIUM}TimezoneConverter",
        f"{_DEBEZIUM}partitions.PartitionRouting",
        "io.debezium.connector.mongodb.transforms.ExtractNewDocumentState",
    }
)


class DeclaredTopics(Record, frozen=True, kw_only=True):
    """The topics a config names. `names`: after its routing. `pattern`: a sink's `topics.regex`.

    `unknown_because`: why these may not be all of them; None if they are.
    """

    names: tuple[str, ...] = ()
    pattern: str | None = None
    unknown_because: str | None = None


def declared_topics(connector_type: str, config: Mapping[str, str | None]) -> DeclaredTopics:
    """The topics a connector uses, from its config alone. What the config does not say is not guessed."""
    if not config:
        return DeclaredTopics(unknown_because="its config may not be read")
    if (config.get("connector.class") or "").startswith(_MIRRORS):
        return DeclaredTopics(
            unknown_because="its config names topics of the cluster that it mirrors, not those it writes"
        )
    if connector_type == "sink" or (
        connector_type != "source" and (config.get("topics") or config.get("topics.regex"))
    ):
        # A sink's transforms act on records it has already read, so they do not change what it reads.
        return _read(config)
    return _written(config)


def _read(config: Mapping[str, str | None]) -> DeclaredTopics:
    pattern = config.get("topics.regex")
    if pattern:
        followed = java_pattern(pattern) is not None
        return DeclaredTopics(
            pattern=pattern, unknown_because=None if followed else pattern_not_followed(pattern)
        )
    return _named("topics", listed(config.get("topics")))


def _written(config: Mapping[str, str | None]) -> DeclaredTopics:
    if (config.get("connector.class") or "").startswith(_WRITES_TO_TOPICS):
        declared = _named("topics", listed(config.get("topics")))
    else:
        key = next((key for key in _SOURCE_KEYS if config.get(key)), _SOURCE_KEYS[0])
        declared = _named(key, [config.get(key) or ""] if config.get(key) else [])
    return declared if declared.unknown_because else _routed(declared.names, config)


def _named(key: str, names: list[str]) -> DeclaredTopics:
    if not names:
        return DeclaredTopics(unknown_because="its config names no topic")
    # `sf.${_ObjectType}` and `${env:TOPIC}` become names where the connector runs.
    known = tuple(sorted({name for name in names if is_topic_name(name)}))
    if len(known) < len(set(names)):
        return DeclaredTopics(names=known, unknown_because=f"its {key} has an entry that is not a topic name")
    return DeclaredTopics(names=known)


def listed(value: str | None) -> list[str]:
    """The names of a list config, in order."""
    return [name.strip() for name in (value or "").split(",") if name.strip()]


def _routed(names: tuple[str, ...], config: Mapping[str, str | None]) -> DeclaredTopics:
    for alias in listed(config.get("transforms")):
        full = (config.get(f"transforms.{alias}.type") or "").partition("$")[0]
        kind = full.rpartition(".")[2] or "of no type"
        if "." not in full:
            full = f"{_KAFKA}{full}"  # a plugin may be named without its package
        if full in KEEP_THE_TOPIC and not config.get(f"transforms.{alias}.route.by.field"):
            continue
        if full != f"{_KAFKA}RegexRouter" or config.get(f"transforms.{alias}.predicate"):
            return DeclaredTopics(
                unknown_because=f"its transform {alias} ({kind}) may send records to other topics"
            )
        followed = _follow(
            names, config.get(f"transforms.{alias}.regex"), config.get(f"transforms.{alias}.replacement")
        )
        if followed is None:
            return DeclaredTopics(unknown_because=f"its transform {alias} ({kind}) could not be followed")
        names = followed
    return DeclaredTopics(names=names)


def _follow(names: tuple[str, ...], regex: str | None, replacement: str | None) -> tuple[str, ...] | None:
    """The names after a RegexRouter; None if any of them cannot be known."""
    pattern = None if regex is None else java_pattern(regex)
    if pattern is None or replacement is None:
        return None
    made = {name: replaced(pattern, replacement, name) for name in names}
    known = {name for name in made.values() if name is not None and is_topic_name(name)}
    return tuple(sorted(known)) if all(name in known for name in made.values()) else None
