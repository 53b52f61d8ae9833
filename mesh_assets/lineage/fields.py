"""Which field of a record's value a connector's transforms turn into which: followed in order, forwards on
the way out of Kafka, and backwards on the way in, where only the resulting schema is known.

Sources: https://kafka.apache.org/documentation/#connect_included_transformation and
https://debezium.io/documentation/reference/stable/transformations/event-flattening.html. After a transform
that is not known here, or that decides record by record whether it applies, nothing is known.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from mesh_assets.analysis.graph import ColumnPair
from mesh_assets.collecting.connector_topics import listed

_KAFKA = "org.apache.kafka.connect.transforms."
_DEBEZIUM = "io.debezium.transforms."
_CONFLUENT = "io.confluent.connect."
# They leave the names of the value's fields alone, whatever they do to topic names, headers, types and
# contents.
_KEEPS = frozenset(
    {
        *(
            f"{_KAFKA}{name}"
            for name in (
                "DropHeaders",
                "Filter",
                "HeaderFrom",
                "InsertHeader",
                "MaskField",
                "RegexRouter",
                "SetSchemaMetadata",
                "TimestampConverter",
                "TimestampRouter",
                "ValueToKey",
            )
        ),
        f"{_CONFLUENT}cloud.transforms.TopicRegexRouter",
        f"{_CONFLUENT}transforms.TombstoneHandler",
        f"{_CONFLUENT}transforms.Filter",
        f"{_DEBEZIUM}ByLogicalTableRouter",
        f"{_DEBEZIUM}Filter",
        f"{_DEBEZIUM}partitions.PartitionRouting",
    }
)
# Workers heed the old names before Kafka 4.0, and ignore them since (findings/connect-options-under-old-names.sh).
_OLD_NAMES = (("include", "whitelist"), ("exclude", "blacklist"))
_INSERTED = ("offset.field", "partition.field", "static.field", "timestamp.field", "topic.field")

Config = Mapping[str, str | None]
_Follow = Callable[[str], str | None]


class _Step(NamedTuple):
    """`forth`: what becomes of a field, by its path; `back`: what it came from. None: it is dropped, or made
    up. `flattens`: no field has fields of its own any more."""

    forth: _Follow
    back: _Follow
    flattens: bool = False


def sink_columns(config: Config, fields: Iterable[str]) -> tuple[ColumnPair, ...] | None:
    """What each field of a topic's value is called when the sink gets it; None if that is not known. Only
    fields at the top level by then are columns."""
    steps = _steps(config)
    if steps is None:
        return None
    named = tuple(fields)
    around = {_around(field) for field in named} if any(step.flattens for step in steps) else set()
    pairs = []
    for field in named:
        name: str | None = None if field in around else field
        for step in steps:
            name = None if name is None else step.forth(name)
        if name is not None and is_top(name):
            pairs.append(ColumnPair(source=field, target=name))
    return tuple(pairs)


def source_columns(
    config: Config, fields: Iterable[str], *, within: str = ""
) -> tuple[ColumnPair, ...] | None:
    """Which column each field of a topic's value came from; None if that is not known. `within`: the path
    under which the source puts the row, before its transforms (`after.`)."""
    steps = _steps(config)
    if steps is None:
        return None
    pairs = []
    for field in fields:
        name: str | None = field
        for step in reversed(steps):
            name = None if name is None else step.back(name)
        if name is not None and name.startswith(within) and is_top(column := name.removeprefix(within)):
            pairs.append(ColumnPair(source=column, target=field))
    return tuple(pairs)


def is_top(path: str) -> bool:
    """Whether the path leads to a field of the record itself, not into one."""
    return not set(path) & set(".[{")


def _steps(config: Config) -> list[_Step] | None:
    steps = []
    for alias in listed(config.get("transforms")):
        at = f"transforms.{alias}."
        full, _, part = (config.get(f"{at}type") or "").partition("$")
        if "." not in full:
            full = f"{_KAFKA}{full}"  # a plugin may be given without its package
        if full in _KEEPS or part == "Key":
            continue
        step = None if config.get(f"{at}predicate") else _step(config, at, full)
        if step is None:
            return None
        steps.append(step)
    return steps


def _step(config: Config, at: str, full: str) -> _Step | None:
    def value(*keys: str) -> str | None:
        return next((text for key in keys if (text := config.get(f"{at}{key}"))), None)

    match full.removeprefix(_KAFKA):
        case "Cast":
            names = [entry.partition(":") for entry in listed(value("spec"))]
            return _Step(_same, _same) if names and all(colon for _, colon, _ in names) else None
        case "InsertField":
            made = {(config.get(f"{at}{key}") or "").rstrip("!?") for key in _INSERTED}
            return _Step(_same, lambda path: None if path in made else path)
        case "ReplaceField":
            if any(value(old) and not value(new) for new, old in _OLD_NAMES):
                return None
            return _replaced(
                listed(value("include")),
                set(listed(value("exclude"))),
                {
                    old.strip(): new.strip()
                    for old, _, new in (entry.partition(":") for entry in listed(value("renames")))
                },
            )
        case "Flatten":
            return _flattened(value("delimiter") or ".")
        case "ExtractField":
            return _lifted(value("field"))
    if full == f"{_DEBEZIUM}ExtractNewRecordState":
        # Fields that it adds have a prefix, two underscores unless told otherwise.
        prefix = config.get(f"{at}add.fields.prefix", "__") or ""
        added = bool(value("add.fields")) or value(
            "delete.handling.mode", "delete.tombstone.handling.mode"
        ) in (
            "rewrite",
            "rewrite-with-tombstone",
        )
        if added and not prefix:
            return None
        lifted = _lifted("after")
        return lifted and _Step(
            lifted.forth, lambda path: None if added and path.startswith(prefix) else lifted.back(path)
        )
    return None


def _same(path: str) -> str:
    return path


def _replaced(include: list[str], exclude: set[str], renames: Mapping[str, str]) -> _Step:
    """It only knows the record's own fields; what is below a field moves with it."""
    olds = {new: old for old, new in renames.items()}

    def is_dropped(name: str) -> bool:
        return name in exclude or bool(include and name not in include)

    def forth(path: str) -> str | None:
        name, dot, rest = _top(path)
        if is_dropped(name):
            return None
        return f"{renames.get(name, name)}{dot}{rest}"

    def back(path: str) -> str | None:
        name, dot, rest = _top(path)
        old = olds.get(name) or (None if name in renames else name)
        # A schema may be older than the config: a field dropped now was the column of that name then.
        return None if old is None or is_dropped(old) else f"{old}{dot}{rest}"

    return _Step(forth, back)


def _around(path: str) -> str:
    return path.rpartition(".")[0]


def _top(path: str) -> tuple[str, str, str]:
    at = next((at for at, character in enumerate(path) if character in ".[{"), len(path))
    return path[:at], path[at : at + 1], path[at + 1 :]


def _flattened(delimiter: str) -> _Step:
    """Backwards, only names without the delimiter are certain: a name that contains it may always have done
    so."""
    return _Step(
        lambda path: None if set(path) & set("[{") else path.replace(".", delimiter),
        lambda path: None if delimiter in path else path,
        flattens=True,
    )


def _lifted(field: str | None) -> _Step | None:
    """The value becomes what one of its fields held."""
    if not field:
        return None
    within = f"{field}."
    return _Step(
        lambda path: path.removeprefix(within) if path.startswith(within) else None,
        lambda path: f"{within}{path}",
    )
