"""The profile of one topic, made from its sample."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from msgspec.structs import replace

from mesh_assets.profiling.decoding import DecodedValues, ValueDecoder
from mesh_assets.profiling.faults import find_faults, repeats_of, still_written
from mesh_assets.profiling.figures import profile_field
from mesh_assets.profiling.flattening import WHOLE, Columns, flatten, frame_of
from mesh_assets.profiling.freshness import freshness_of
from mesh_assets.profiling.known import KnownTopic, shape_of_plain_json
from mesh_assets.profiling.overlaps import KeySketch, sketch_of
from mesh_assets.profiling.records import (
    FieldProfile,
    SchemaUse,
    Strategy,
    TopicProfile,
    Undecodable,
)
from mesh_assets.profiling.sample import TopicSample
from mesh_assets.profiling.sampling import RawSample
from mesh_assets.profiling.shapes import Declared, Shape
from mesh_assets.readings.usual_gaps import UsualGap
from mesh_assets.relationships.keys import canonical

KAFKA_KEY = "key"
"""The path of a record's key in overlaps, if it is a single value."""
_NAMELESS = frozenset({"id", "key", "uuid", "guid", "code", "value", "name", "number"})
_REASONS = 10
_PARTS_OF_PATH = "[]{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicFacts:
    """What is known about a topic besides its sample. `known`: from the newest document. `named`: whether a
    field's few values may be named. `hashed`: the hash of a value in a field, keyed by the store. `key`: for
    sketches."""

    cluster: str
    cluster_id: str
    topic: str
    topic_id: str | None
    taken_at: datetime
    strategy: Strategy
    known: KnownTopic
    usual_gap: UsualGap | None
    named: Callable[[str], bool]
    hashed: Callable[[str, str], str]
    key: bytes


@dataclass(frozen=True, slots=True)
class Profiled:
    """The profile, the sample that rules are judged on, and the sketches of fields that may be keys."""

    profile: TopicProfile
    sample: TopicSample
    sketches: tuple[KeySketch, ...]


def profile_topic(raw: RawSample, facts: TopicFacts, decoder: ValueDecoder) -> Profiled:
    """Figures for all fields, over records and, within arrays and maps, over values."""
    records = raw.records
    keys = decoder.decode([one.key for one in records])
    values = decoder.decode([one.value for one in records])
    shape = _shape(values, facts.known)
    columns = flatten(values.values, declared=shape.fields.keys(), maps=shape.maps)
    decoded = sum(1 for one in values.values if one is not None)
    unknown = len(values.unread)
    nothing_known = bool(unknown) and not decoded
    values.values.clear()  # they would double a large sample's memory: the columns hold the same data
    undecodable = (*_undecodable("value", values, len(records)), *_undecodable("key", keys, len(records)))
    inferred = not values.shapes and not shape.fields
    fields = tuple(_fields(columns, values, shape, facts, decoded)) if records and not nothing_known else ()
    uses = _uses(values, facts.known.latest_ids)
    sample = TopicSample(
        cluster=facts.cluster,
        topic=facts.topic,
        taken_at=facts.taken_at,
        frame=partial(frame_of, columns, records, values.reasons),
        windows=raw.windows,
        bytes=raw.bytes,
        inferred=inferred,
        undecodable=undecodable,
        topic_id=facts.topic_id,
    )
    profile = TopicProfile(
        cluster=facts.cluster,
        cluster_id=facts.cluster_id,
        topic=facts.topic,
        topic_id=facts.topic_id,
        taken_at=facts.taken_at,
        strategy=facts.strategy,
        sampled_records=len(records),
        sampled_bytes=raw.bytes,
        sampled_partitions=sum(1 for one in raw.windows if one.records),
        windows=raw.windows,
        error=_why_unknown(values) if nothing_known else None,
        format=values.formats.most_common(1)[0][0] if values.formats.total() else None,
        decoded_share=_share(
            len(records) - _tombstones(raw) - len(values.reasons), len(records) - _tombstones(raw) - unknown
        ),
        undecodable=undecodable,
        null_key_share=_share(sum(1 for one in records if one.key is None), len(records)),
        tombstone_share=_share(_tombstones(raw), len(records)),
        duplicate_key_share=_duplicates(raw),
        freshness=freshness_of(
            records, taken_at=facts.taken_at, strategy=facts.strategy, usual=facts.usual_gap
        ),
        schemas=uses,
        latest_schema_share=_latest_share(uses),
        inferred=inferred if records and not nothing_known else None,
        fields=fields,
        fields_left_out=len(columns.left_out),
    )
    faults = find_faults(
        profile,
        repeats_of(records),
        # A value whose schema could not be read may be one that names the latest.
        old_still_written=()
        if unknown
        else still_written(records, values.schemas, uses, newest=facts.strategy == "latest"),
        compacted=bool(facts.known.compacted),
    )
    return Profiled(
        replace(profile, faults=faults), sample, tuple(_sketches(columns, keys, facts)) if records else ()
    )


def _shape(values: DecodedValues, known: KnownTopic) -> Shape:
    """What the schemas that values name declare; for plain JSON, what the topic's own schema declares. Empty:
    no schema describes them."""
    plain = known.json_schema if values.kind == "json" and not values.shapes else None
    found = None if plain is None else shape_of_plain_json(plain, values.values)
    return _merged(values.shapes.values()) if found is None else found


def _merged(shapes: Iterable[Shape]) -> Shape:
    """Merged from all schemas that values name: a field that one of them lacks is optional."""
    found = list(shapes)
    fields: dict[str, Declared] = {}
    for shape in found:
        for path, declared in shape.fields.items():
            known = fields.get(path)
            optional = declared.optional or (known is not None and known.optional)
            fields[path] = Declared(declared.type, optional or not all(path in one.fields for one in found))
    return Shape(fields, frozenset(path for shape in found for path in shape.maps))


def _fields(
    columns: Columns, values: DecodedValues, shape: Shape, facts: TopicFacts, decoded: int
) -> Iterable[FieldProfile]:
    checked = bool(values.json_ids) or not values.shapes
    holders = _holders((*shape.fields, *columns.rows))
    leaves = {path for path in shape.fields if not any(one in path for one in _PARTS_OF_PATH)} - holders
    for path in dict.fromkeys((*(path for path in shape.fields if path in leaves), *columns.rows)):
        yield _profiled(
            path,
            columns.values.get(path, []),
            len(columns.rows.get(path, [])),
            decoded,
            shape,
            facts,
            checked,
        )
    for path, inner in columns.inner.items():
        if inner:
            yield _profiled(path, inner, None, decoded, shape, facts, checked)


def _holders(paths: Iterable[str]) -> set[str]:
    """Paths of records, which have no values of their own."""
    found = set()
    for path in paths:
        around = path.rpartition(".")[0]
        while around:
            found.add(around)
            around = around.rpartition(".")[0]
    return found


def _profiled(
    path: str,
    values: Sequence[Any],
    records: int | None,
    decoded: int,
    shape: Shape,
    facts: TopicFacts,
    checked: bool,
) -> FieldProfile:
    return profile_field(
        path,
        values,
        records=records,
        of=decoded,
        declared=shape.fields.get(path),
        checked=checked,
        hashed=lambda text: facts.hashed(path, text),
        named=facts.named(path),
    )


def _uses(values: DecodedValues, latest: Collection[int] | None) -> tuple[SchemaUse, ...]:
    counts = Counter(values.schemas.values())
    return tuple(
        SchemaUse(id=schema, records=count, latest=None if latest is None else schema in latest)
        for schema, count in sorted(counts.items())
    )


def _latest_share(uses: Sequence[SchemaUse]) -> float | None:
    if not uses or any(one.latest is None for one in uses):
        return None
    return sum(one.records for one in uses if one.latest) / sum(one.records for one in uses)


def _undecodable(part: Any, found: DecodedValues, records: int) -> Iterable[Undecodable]:
    for unread in (False, True):
        counts = Counter(
            reason for place, reason in found.reasons.items() if (place in found.unread) is unread
        ).most_common()
        shown = counts if len(counts) <= _REASONS else counts[: _REASONS - 1]
        rest = sum(count for _, count in counts[len(shown) :])
        for reason, count in [*shown, *([("for other reasons", rest)] if rest else [])]:
            yield Undecodable(part=part, reason=reason, records=count, share=count / records, unread=unread)


def _why_unknown(found: DecodedValues) -> str:
    reasons = Counter(found.reasons[place] for place in found.unread)
    return f"none of its values could be decoded: {reasons.most_common(1)[0][0]}"


def _tombstones(raw: RawSample) -> int:
    return sum(1 for one in raw.records if one.value is None)


def _duplicates(raw: RawSample) -> float | None:
    keys = [one.key for one in raw.records if one.key is not None]
    return _share(len(keys) - len(set(keys)), len(keys))


def _share(count: int, of: int) -> float | None:
    return count / of if of else None


def _sketches(columns: Columns, keys: DecodedValues, facts: TopicFacts) -> Iterable[KeySketch]:
    """A key of several fields has a sketch for each; a bare name does not show what a field identifies."""
    taken = [(path, column) for path, column in columns.values.items()]
    for path, column in flatten(keys.values, declared=(), maps=()).values.items():
        taken.append((KAFKA_KEY if path == WHOLE else f"{KAFKA_KEY}.{path}", column))
    for path, column in taken:
        name = canonical(path.rpartition(".")[2])
        known = name if name and name not in _NAMELESS else f"{facts.topic}/{path}"
        made = sketch_of(facts.topic, path, known, column, facts.key)
        if made is not None:
            yield made
