"""Tool: a few records of a topic, where the estate allows reading them."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from mesh_assets.analysis.schema_fields import mask_personal, mask_personal_text
from mesh_assets.answering.answers import Answer, Call, ClusterName, Name, current_call, cut
from mesh_assets.answering.known_estate import KnownEstate, check_may_read
from mesh_assets.collecting.samples import Decoded, RecordDecoder
from mesh_assets.estate.model import Cluster
from mesh_assets.importing import importing

if TYPE_CHECKING:
    from mesh_assets.platforms.kafka.tail import Tail

_VALUE_CHARACTERS = 1_500
_ANSWER_CHARACTERS = 9_000
_SECONDS = 30.0


class SampledMessage(Answer):
    """`value`: JSON; whatever looks personal is `********`. `note`: why it could not be decoded further."""

    partition: int
    offset: int
    time: str | None = None
    key: Any = None
    value: Any = None
    format: str
    schema_id: int | None = None
    headers: dict[str, str] | None = None
    note: str | None = None


class Sample(Answer):
    cluster: str
    topic: str
    messages: list[SampledMessage]
    hint: str | None = None


def sample_messages(
    known: KnownEstate,
    /,
    topic: Annotated[
        Name, Field(description="The topic; the estate's allow_message_reading must include it.")
    ],
    cluster: ClusterName = None,
    partition: Annotated[int | None, Field(ge=0, le=100_000, description="Only this partition.")] = None,
    limit: Annotated[int, Field(ge=1, le=50, description="Maximum number of messages.")] = 5,
) -> Sample:
    """The newest messages of a topic, decoded, with personal fields masked. Only topics under the estate's
    allow_message_reading; reads without a consumer group and commits nothing.
    """
    described = known.cluster(known.name(cluster))
    check_may_read(described, topic)
    messages, tail = _read(described, topic, partition, limit, current_call())
    kept: list[SampledMessage] = []
    size = 0
    for message in messages:
        size += len(message.model_dump_json())
        if kept and size > _ANSWER_CHARACTERS:
            break
        kept.append(message)
    left = len(messages) - len(kept)
    return Sample(
        cluster=described.name,
        topic=topic,
        messages=kept,
        hint=_hint(tail, left=left),
    )


def _hint(tail: "Tail", *, left: int) -> str | None:
    said = []
    if tail.unread:
        said.append(
            f"{tail.unread} partitions were not read to their end, so there may be newer records; ask for one with `partition`"
        )
    if left:
        said.append(f"{left} more were read but left out to keep this short")
    if tail.not_searched:
        said.append(
            f"the newest offsets of {tail.not_searched} partitions hold only transaction markers or rolled-back "
            "records; there was no time to search everything before them, so there may be records"
        )
    if not tail.records and not tail.unread and not tail.not_searched:
        said.append(
            "no record can be read now: its offsets hold only transaction markers, or what transactions rolled back or did "
            "not finish"
            if tail.has_offsets
            else "the topic holds no records now, except any in unfinished transactions"
        )
    return "; ".join(said) or None


def _read(
    cluster: Cluster, topic: str, partition: int | None, most: int, call: Call
) -> tuple[list[SampledMessage], "Tail"]:
    """The messages and the records they come from. Raises MeshError."""
    with importing:
        from mesh_assets.platforms.kafka import client_properties  # imports librdkafka, needed only here
        from mesh_assets.platforms.kafka.tail import read_tail
        from mesh_assets.platforms.schema_registry import SchemaRegistryClient

    tail = read_tail(
        client_properties(cluster.kafka),
        topic,
        partition=partition,
        most=most,
        timeout_seconds=cluster.kafka.timeout_seconds,
        within_seconds=min(_SECONDS, call.seconds),
        go_on=call.go_on,
        on_confluent_cloud=cluster.on_confluent_cloud,
    )
    registry = None if cluster.schema_registry is None else SchemaRegistryClient(cluster.schema_registry)
    try:
        decoder = (
            RecordDecoder(registry.schema_by_id, registry.version)
            if registry is not None
            else RecordDecoder(None)
        )
        made = []
        for record in tail.records:
            call.go_on()
            key, value = decoder.decode(record.key), decoder.decode(record.value)
            made.append(
                SampledMessage(
                    partition=record.partition,
                    offset=record.offset,
                    time=_time(record.timestamp_ms),
                    key=_masked(key),
                    value=_masked(value),
                    format=value.format,
                    schema_id=value.schema_id,
                    headers={cut(name, 80): _header(name, data) for name, data in record.headers[:20]}
                    or None,
                    note=_note(record.timestamp_ms, key, value),
                )
            )
        return made, tail
    finally:
        if registry is not None:
            registry.close()


def _masked(decoded: Decoded) -> Any:
    value = mask_personal(decoded.value)
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return value if len(text) <= _VALUE_CHARACTERS else cut(text, _VALUE_CHARACTERS)


def _header(name: str, data: bytes | None) -> str:
    text = "" if data is None else data.decode("utf-8", "replace")
    return cut(str(mask_personal(mask_personal_text(text), name)), 200)


def _note(timestamp_ms: int | None, key: Decoded, value: Decoded) -> str | None:
    said = [value.note, None if key.note is None else f"key: {key.note}"]
    if timestamp_ms is not None and _time(timestamp_ms) is None:
        said.append(f"its timestamp, {timestamp_ms} ms, is outside the years 1 to 9999")
    return "; ".join(one for one in said if one) or None


def _time(timestamp_ms: int | None) -> str | None:
    """None also for a value that producers may set but no calendar has."""
    if timestamp_ms is None:
        return None
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return None
