"""What is likely wrong in a profile: rules without settings. What a topic must satisfy is for expectations to
say."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mesh_assets.analysis.schema_fields import is_personal
from mesh_assets.inventory.wording import counted, duration
from mesh_assets.platforms.kafka.slices import SampledRecord
from mesh_assets.profiling.freshness import is_silent
from mesh_assets.profiling.records import Fault, FieldProfile, SchemaUse, TopicProfile

FEWEST_RECORDS = 20
"""With fewer, a share says nothing."""
_NEARLY_ALL = 0.8
"""A field that no schema describes is expected in all records if it is in this share of them."""
_REPEATED = 0.1
_PERSONAL = 0.005
_PERSONAL_RECORDS = 2
_WORDS = {
    "email": "e-mail addresses",
    "phone": "phone numbers",
    "iban": "IBANs",
    "card": "card numbers",
    "ip": "IP addresses",
}


@dataclass(frozen=True, slots=True)
class Repeats:
    """`same`: records whose key and value both occur in an earlier record of the sample; `keyed`: records
    with a key."""

    same: int
    keyed: int


def find_faults(
    profile: TopicProfile, repeats: Repeats, *, old_still_written: Sequence[int], compacted: bool
) -> tuple[Fault, ...]:
    """The faults of a profile, none where the sample is too small. `old_still_written`: ids of older schemas
    in records after the first that names the latest, or all ids if none does. `compacted`: a record that
    repeats an earlier one only restates how things are, which does no harm."""
    return tuple(_faults(profile, repeats, old_still_written, compacted=compacted))


def _faults(
    profile: TopicProfile, repeats: Repeats, old: Sequence[int], *, compacted: bool
) -> Iterator[Fault]:
    if profile.sampled_records < FEWEST_RECORDS:
        return
    values = [one for one in profile.undecodable if one.part == "value" and not one.unread]
    if values and profile.error is None:
        records = sum(one.records for one in values)
        why = values[0].reason if len(values) == 1 else f"{values[0].records:,} of them: {values[0].reason}"
        yield Fault(
            kind="undecodable_records",
            path=None,
            share=1 - (profile.decoded_share or 0.0),
            sentence=f"{counted(records, 'value')} of {profile.sampled_records:,} records cannot be decoded: {why}",
        )
    fresh = profile.freshness
    if fresh is not None and is_silent(fresh):
        usual = duration(max(1.0, fresh.usual_gap_seconds or 0.0))
        yield Fault(
            kind="silent_topic",
            path=None,
            share=None,
            sentence=f"the newest record is {duration(fresh.age_seconds or 0.0)} old, though the topic never waited longer than "
            f"{usual} for the next",
        )
    if not compacted and 0 < repeats.same <= _REPEATED * repeats.keyed:
        yield Fault(
            kind="duplicate_keys",
            path=None,
            share=repeats.same / repeats.keyed,
            sentence=f"{counted(repeats.same, 'record')} of {repeats.keyed:,} repeat an earlier one, key and value",
        )
    if old:
        yield _old_schema(profile, old)
    for field in profile.fields:
        yield from _of_field(field, decoded=_decoded(profile))


def _old_schema(profile: TopicProfile, old: Sequence[int]) -> Fault:
    records = sum(one.records for one in profile.schemas if one.id in old)
    none_new = not any(one.latest for one in profile.schemas)
    said = (
        "none names the latest schema" if none_new else "older schemas are still written alongside the latest"
    )
    return Fault(
        kind="old_schema",
        path=None,
        share=records / sum(one.records for one in profile.schemas),
        sentence=f"{said}: {counted(records, 'value')} with the schema ids {', '.join(map(str, old[:5]))}",
    )


def _of_field(field: FieldProfile, *, decoded: int) -> Iterator[Fault]:
    missing = field.completeness
    expected = field.optional is False or (
        field.optional is None and missing is not None and missing >= _NEARLY_ALL
    )
    if missing is not None and missing < 1 and expected and decoded >= FEWEST_RECORDS:
        absent = decoded - field.records
        yield Fault(
            kind="incomplete_field",
            path=field.path,
            share=1 - missing,
            sentence=f"{field.path} is missing or null in {absent:,} of {counted(decoded, 'record')}",
        )
    fit = field.type_conformance
    if fit is not None and fit < 1 and field.records >= FEWEST_RECORDS:
        declared = field.optional is not None and field.declared is not None
        if declared or fit >= _NEARLY_ALL:
            wrong = round((1 - fit) * field.records)
            kind = field.declared if declared else f"{field.types[0].type}, unlike the others"
            yield Fault(
                kind="wrong_type",
                path=field.path,
                share=1 - fit,
                sentence=f"{field.path} has {counted(wrong, 'value')} of {field.records:,} that are not of the type {kind}",
            )
    name = field.path.rpartition(".")[2].rstrip("[]{}")
    for one in field.looks_personal:
        if one.share >= _PERSONAL and one.records >= _PERSONAL_RECORDS and not is_personal(name):
            yield Fault(
                kind="personal_data",
                path=field.path,
                share=one.share,
                sentence=f"{field.path} holds what look like {_WORDS[one.kind]} in {counted(one.records, 'value')} of "
                f"{field.records:,}, which its name does not suggest",
            )


def _decoded(profile: TopicProfile) -> int:
    """Values that were decoded and are not tombstones."""
    tombstones = round((profile.tombstone_share or 0.0) * profile.sampled_records)
    undecodable = sum(one.records for one in profile.undecodable if one.part == "value")
    return profile.sampled_records - tombstones - undecodable


def repeats_of(records: Iterable[SampledRecord]) -> Repeats:
    """In records by partition and offset. Tombstones may repeat."""
    seen: set[tuple[bytes, bytes]] = set()
    same = keyed = 0
    for one in records:
        if one.key is None or one.value is None:
            continue
        keyed += 1
        pair = (one.key, one.value)
        same += pair in seen
        seen.add(pair)
    return Repeats(same=same, keyed=keyed)


def still_written(
    records: Sequence[SampledRecord],
    named: Mapping[int, int],
    uses: Sequence[SchemaUse],
    *,
    newest: bool,
) -> tuple[int, ...]:
    """Ids that are not the latest but come after a latest one in their partition; all ids if none of the newest
    records names the latest. `named`: the ids by place among the records, in order of partition and offset.
    `newest`: the sample is of the newest records. Empty if the latest are not known."""
    latest = {one.id for one in uses if one.latest}
    old = {one.id for one in uses if one.latest is False}
    if not latest:
        return tuple(sorted(old)) if newest else ()
    found: set[int] = set()
    begun: set[int] = set()
    for place, record in enumerate(records):
        schema = named.get(place)
        if schema in latest:
            begun.add(record.partition)
        elif schema in old and record.partition in begun:
            found.add(schema)
    return tuple(sorted(found))
