"""Drafts of joins in Flink SQL, along keys that topics of a product share. They are a starting point for a
person: nothing here runs them, and anything not measured is listed as an assumption."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mesh_assets.analysis.schema_fields import schema_fields
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Schema, Topic
from mesh_assets.products.flink import (
    common_type,
    flink_type,
    is_column_path,
    literal,
    quoted,
    why_draft_unreadable,
)
from mesh_assets.products.records import JoinDraft, TopicPlace
from mesh_assets.relationships.records import Entity, KeyUse

MOST_DRAFTS = 12
"""Of a product."""
MOST_IN_ALL = 300
"""Parsing one takes a few milliseconds if no other is like it."""
_MOST_COLUMNS = 20
_FORMATS = {"AVRO": "avro-confluent", "JSON": "json", "PROTOBUF": "protobuf"}
_WATERMARK = "records arrive at most 5 seconds late, by the timestamps that they carry (the watermark)"
_APART = "matching records are at most an hour apart"
_VERSIONS = "every version of a record of {topic} joins: its key in Kafka is not known to be the column"
_CONNECTION = "addresses, credentials and the registry's address are added to each WITH"
_HEADER = "{format} values carry the registry's header, which Confluent's Flink reads and Flink's own format does not"


@dataclass(frozen=True, slots=True)
class Tables:
    """The sources of tables: topics, and schemas by cluster and subject."""

    topics: Mapping[TopicPlace, Topic]
    schemas: Mapping[tuple[str, str], Schema]


def tables_of(documents: Mapping[str, Document]) -> Tables:
    return Tables(
        topics={
            TopicPlace(cluster=name, topic=one.name): one
            for name, document in documents.items()
            for one in document.topics
        },
        schemas={
            (name, one.subject): one for name, document in documents.items() for one in document.schemas
        },
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """A topic of a join, as a table. `schema`: that of the use, for the records' keys or their values.
    `value`: that of their values; None: the document has none. `kind`: the type of its key's column.
    `versioned`: the table keeps the latest record of each key."""

    place: TopicPlace
    use: KeyUse
    schema: Schema
    value: Schema | None
    kind: str
    versioned: bool
    compacted: bool


def draft_joins(
    entities: Iterable[Entity],
    topics: Sequence[TopicPlace],
    tables: Tables,
    *,
    most: int = MOST_DRAFTS,
    readable: Collection[str] = (),
) -> Iterator[JoinDraft]:
    """For each entity that two of the topics share, the topic that describes it, joined with each of the
    others; at most `most`. For an entity that no topic of the product describes, the first of its topics is
    joined with the others. `readable`: drafts parsed before, which are not parsed again."""
    wanted = set(topics)
    drafts = 0
    for entity in entities:
        uses = _best_uses(entity, wanted)
        if len(uses) < 2:
            continue
        described = [place for place in uses if place.topic in entity.described_by]
        center = described[0] if described else min(uses)
        for place, use in uses.items():
            if place == center:
                continue
            if drafts == most:
                return
            drafts += 1
            yield _draft(entity, use, uses[center], tables, readable)


def _best_uses(entity: Entity, wanted: set[TopicPlace]) -> dict[TopicPlace, KeyUse]:
    """Each topic's most certain use; the value before the key, a column before an array."""
    found: dict[TopicPlace, KeyUse] = {}
    for use in entity.uses:
        place = TopicPlace(cluster=entity.cluster, topic=use.topic)
        if place in wanted and (place not in found or _rank(use) > _rank(found[place])):
            found[place] = use
    return found


def _rank(use: KeyUse) -> tuple[bool, bool, float]:
    return is_column_path(use.path), not use.in_key, use.score


def _draft(
    entity: Entity, left: KeyUse, right: KeyUse, tables: Tables, readable: Collection[str]
) -> JoinDraft:
    cluster = entity.cluster
    draft = JoinDraft(
        entity=entity.name,
        key=entity.key,
        left=TopicPlace(cluster=cluster, topic=left.topic),
        right=TopicPlace(cluster=cluster, topic=right.topic),
        sql=None,
        reason=None,
    )
    sides: list[_Side] = []
    for use in (left, right):
        made = _side(use, cluster, tables)
        if isinstance(made, str):
            return _without(draft, made)
        sides.append(made)
    sql, assumptions = _sql(*sides)
    unreadable = None if sql in readable else why_draft_unreadable(sql)
    if unreadable is not None:
        return _without(draft, unreadable)
    return JoinDraft(
        entity=draft.entity,
        key=draft.key,
        left=draft.left,
        right=draft.right,
        sql=sql,
        reason=None,
        assumptions=tuple(assumptions),
    )


def _without(draft: JoinDraft, reason: str) -> JoinDraft:
    return JoinDraft(
        entity=draft.entity, key=draft.key, left=draft.left, right=draft.right, sql=None, reason=reason
    )


def _side(use: KeyUse, cluster: str, tables: Tables) -> "_Side | str":
    """The topic as a table, or why it cannot be one."""
    place = TopicPlace(cluster=cluster, topic=use.topic)
    topic, schema = tables.topics.get(place), tables.schemas.get((cluster, use.subject))
    if topic is None or schema is None:
        return f"{use.topic} or its subject {use.subject} is not in the inventory"
    if not is_column_path(use.path):
        return f"{use.path} of {use.topic} is within an array or a map, which a join by a column cannot reach"
    kind = flink_type(schema.schema_type, use.type)
    if kind is None:
        return (
            f"{use.path} of {use.topic} is of type {use.type}, for which no Flink type is certain to be right"
        )
    compacted = "compact" in (topic.details.cleanup_policy or "")
    top_level = "." not in use.path
    subjects = (*topic.schema.value_subjects, *topic.schema.record_subjects)
    known = (tables.schemas.get((cluster, subject)) for subject in subjects)
    value = schema if not use.in_key else next((one for one in known if one is not None), None)
    return _Side(
        place,
        use,
        schema,
        value,
        kind,
        versioned=compacted and use.in_key and top_level and _is_whole_key(topic, schema),
        compacted=compacted,
    )


def _is_whole_key(topic: Topic, schema: Schema) -> bool:
    """Whether the records' key is just that field: only then is the latest record of each key the latest of
    each thing."""
    read = schema_fields(schema.schema_type, schema.definition)
    return topic.schema.key_subjects == (schema.subject,) and read is not None and len(read.fields) == 1


def _columns(side: _Side) -> dict[str, str]:
    """Column → type: the key, and the plain top-level fields of the values."""
    first, _, rest = side.use.path.partition(".")
    columns = {first: side.kind if not rest else _row(rest, side.kind)}
    value = side.value
    read = None if value is None else schema_fields(value.schema_type, value.definition)
    for field in read.fields if read is not None else ():
        kind = flink_type(value.schema_type, field.type) if value is not None else None
        if kind is not None and "." not in field.path and is_column_path(field.path):
            columns.setdefault(field.path, kind)
        if len(columns) == _MOST_COLUMNS:
            break
    return columns


def _row(path: str, kind: str) -> str:
    first, _, rest = path.partition(".")
    return f"ROW<{quoted(first)} {kind if not rest else _row(rest, kind)}>"


def _sql(left: _Side, right: _Side) -> tuple[str, list[str]]:
    tables, time = [], {}
    for side in (left, right):
        columns = _columns(side)
        time[side] = _unused("record_time", columns)
        tables.append(_table(side, columns, time[side]))
    keys = [f"{alias}.{_path(side.use.path)}" for alias, side in (("l", left), ("r", right))]
    cast = common_type(left.kind, right.kind)
    if cast is not None:
        keys = [
            key if side.kind == cast else f"CAST({key} AS {cast})"
            for key, side in zip(keys, (left, right), strict=True)
        ]
    of, on, assumptions = "", f"{keys[0]} = {keys[1]}", [_CONNECTION, _WATERMARK]
    if right.versioned:
        of = f" FOR SYSTEM_TIME AS OF l.{quoted(time[left])}"
    elif right.compacted:
        assumptions.append(_VERSIONS.format(topic=right.place.topic))
    else:
        here, there = f"l.{quoted(time[left])}", f"r.{quoted(time[right])}"
        on += f"\n  AND {here} BETWEEN {there} - INTERVAL '1' HOUR AND {there} + INTERVAL '1' HOUR"
        assumptions.append(_APART)
    formats = dict.fromkeys(side.schema.schema_type for side in (left, right))
    assumptions += [_HEADER.format(format=one) for one in formats if one != "AVRO"]
    select = ",\n  ".join(_selected(left, right))
    query = (
        f"SELECT\n  {select}\nFROM {quoted(left.place.topic)} AS l\n"
        f"JOIN {quoted(right.place.topic)}{of} AS r\n  ON {on};"
    )
    head = [f"-- assumed: {one}" for one in assumptions]
    return "\n".join((*head, *tables, query)), assumptions


def _table(side: _Side, columns: Mapping[str, str], time: str) -> str:
    lines = [f"{quoted(name)} {kind}" for name, kind in columns.items()]
    lines.append(f"{quoted(time)} TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL")
    lines.append(f"WATERMARK FOR {quoted(time)} AS {quoted(time)} - INTERVAL '5' SECOND")
    key = side.use.path.partition(".")[0]
    options = ["'connector' = 'kafka'", f"'topic' = {literal(side.place.topic)}"]
    if side.versioned:
        lines.append(f"PRIMARY KEY ({quoted(key)}) NOT ENFORCED")
        options[0] = "'connector' = 'upsert-kafka'"
    if side.use.in_key:
        options.append(f"'key.format' = {_format(side.schema)}")
        options += [] if side.versioned else [f"'key.fields' = {literal(key)}"]
        options.append("'value.fields-include' = 'EXCEPT_KEY'")
    options.append(f"'value.format' = {_format(side.value or side.schema)}")
    body = ",\n  ".join(lines)
    return (
        f"CREATE TABLE {quoted(side.place.topic)} (\n  {body}\n) WITH (\n  " + ",\n  ".join(options) + "\n);"
    )


def _format(schema: Schema) -> str:
    return literal(_FORMATS.get(schema.schema_type, "json"))


def _selected(left: _Side, right: _Side) -> Iterator[str]:
    used: set[str] = set()
    for alias, side in (("l", left), ("r", right)):
        for name in _columns(side):
            shown = _unused(name, used)
            used.add(shown)
            yield f"{alias}.{quoted(name)}" + ("" if shown == name else f" AS {quoted(shown)}")


def _path(path: str) -> str:
    return ".".join(map(quoted, path.split(".")))


def _unused(name: str, taken: Iterable[str]) -> str:
    others = {one.casefold() for one in taken}
    number, free = 2, name
    while free.casefold() in others:
        free, number = f"{name}_{number}", number + 1
    return free
