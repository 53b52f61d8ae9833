"""The rows of profiles: what a sample showed about each topic, with the fields that stand out first."""

from collections.abc import Iterator

from mesh_assets.profiling.records import DataQuality, FieldProfile, TopicProfile
from mesh_assets.report.places import Places
from mesh_assets.report.rows import ProfileRow

_FIELDS = 40
_FAULTS = 20


def profile_rows(quality: DataQuality | None, places: Places) -> Iterator[ProfileRow]:
    """For the topics in the page."""
    for one in () if quality is None else quality.profiles:
        topic = places.topics.known((one.cluster, one.topic))
        if topic < 0:
            continue
        fields = sorted(one.fields, key=lambda field: (_stands_out(field, one), field.path))
        fresh = one.freshness
        yield ProfileRow(
            topic=topic,
            taken_at=int(one.taken_at.timestamp()),
            records=one.sampled_records,
            partitions=one.sampled_partitions,
            format=one.format,
            inferred=None if one.inferred is None else int(one.inferred),
            decoded=one.decoded_share,
            null_keys=one.null_key_share,
            duplicate_keys=one.duplicate_key_share,
            tombstones=one.tombstone_share,
            latest_schema=one.latest_schema_share,
            age_seconds=None if fresh is None else fresh.age_seconds,
            usual_gap_seconds=None if fresh is None else fresh.usual_gap_seconds,
            error=one.error,
            faults=tuple((fault.kind, fault.sentence) for fault in one.faults[:_FAULTS]),
            fields=tuple(_field(field) for field in fields[:_FIELDS]),
            fields_left_out=max(0, len(fields) - _FIELDS) + one.fields_left_out,
        )


def _stands_out(field: FieldProfile, profile: TopicProfile) -> int:
    """Fields with a fault come first, then those that are not complete."""
    if any(fault.path == field.path for fault in profile.faults):
        return 0
    return 1 if field.completeness is not None and field.completeness < 1 else 2


def _field(field: FieldProfile) -> tuple[str, str, float | None, int | None, str]:
    types = ", ".join(
        one.type if len(field.types) == 1 else f"{one.type} {one.share:.1%}" for one in field.types[:4]
    )
    personal = ", ".join(f"{one.kind} {one.share:.1%}" for one in field.looks_personal)
    return field.path, types, field.completeness, field.distinct, personal
