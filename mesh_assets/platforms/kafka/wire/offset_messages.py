"""ListOffsets: the request for the offsets of partitions, and how to read its answer."""

import struct
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from mesh_assets.platforms.kafka.wire.forms import MalformedError, Reader, Request, Writer
from mesh_assets.platforms.kafka.wire.partition_columns import Numbers, PartitionsAsked, Rows

LATEST, EARLIEST, OF_THE_NEWEST_TIMESTAMP, EARLIEST_LOCAL, LATEST_TIERED = -1, -2, -3, -4, -5
"""Kafka's special timestamps."""
# Kafka 3.0 (KIP-734), 3.4 (KIP-405) and 3.9 (KIP-1005); brokers before them refuse these timestamps.
_OLDEST_VERSIONS = {OF_THE_NEWEST_TIMESTAMP: 7, EARLIEST_LOCAL: 8, LATEST_TIERED: 9}

_CONSUMER = -1
# With read_committed, "latest" would be the last stable offset, which is below the end while a transaction is open.
_READ_UNCOMMITTED = 0
_WITHOUT_EPOCH = -1
# How long a broker may look into tiered storage for the offset at a time.
_TIERED_MS = 10_000

# A partition of an answer, in the newest version and in earlier ones, which lack fields at the end.
_PARTITION = np.dtype(
    [
        ("partition", ">i4"),
        ("code", ">i2"),
        ("timestamp", ">i8"),
        ("offset", ">i8"),
        ("epoch", ">i4"),
        ("tags", "u1"),
    ]
)
_ROW_1, _ROW_4, _ROW_6 = (struct.Struct(form) for form in (">ihqq", ">ihqqi", ">ihqqiB"))


class Found(NamedTuple):
    """What a broker says. `topics`: their places among those that were asked for; `counts`: how many
    partitions of each follow one another in the columns."""

    topics: Rows
    counts: Rows
    partitions: Numbers
    codes: Numbers
    timestamps: Numbers
    offsets: Numbers


def list_offsets(asked: PartitionsAsked, timestamp: int) -> Request[Found]:
    """For all partitions. Older brokers lack the request for some special timestamps."""
    oldest = _OLDEST_VERSIONS.get(timestamp, 1)
    return Request(
        "ListOffsets", 2, oldest, 11, 6, partial(_write, asked, timestamp), partial(_read, asked.by_name)
    )


def _write(asked: PartitionsAsked, timestamp: int, w: Writer, version: int) -> None:
    w.int32(_CONSUMER)
    if version >= 2:
        w.int8(_READ_UNCOMMITTED)
    w.count(len(asked.topics))
    write = partial(_partitions, timestamp, version, flexible=w.flexible)
    w.raw(asked.written(write, flexible=w.flexible))
    if version >= 10:
        w.int32(_TIERED_MS)
    w.tags()


def _partitions(timestamp: int, version: int, numbers: Sequence[int], *, flexible: bool) -> bytes:
    w = Writer(flexible=flexible)
    w.count(len(numbers))
    for number in numbers:
        w.int32(number)
        if version >= 4:
            w.int32(_WITHOUT_EPOCH)
        w.int64(timestamp)
        w.tags()
    w.tags()
    return bytes(w.data)


def _read(by_name: Mapping[bytes, int], r: Reader, version: int) -> Found:
    if version >= 2:
        r.throttle()
    begin = r.at
    found = _plain(by_name, r) if r.flexible else None
    if found is None:
        r.at = begin
        found = _field_by_field(by_name, r, version)
    r.tags()
    if np.bincount(found.topics).max(initial=0) > 1:
        raise MalformedError("an answer to ListOffsets with a topic twice")
    return found


def _plain(by_name: Mapping[bytes, int], r: Reader) -> Found | None:
    """Reads topics in their nearly universal form in flexible versions: all were asked for, the lengths of
    their names and arrays take a byte each, and there are no tagged fields. No call for each of these; all
    rows at once. None: a topic is not of that form."""
    count, data, size = r.length(), r.data, _PARTITION.itemsize
    at = r.at
    topics: list[int] = []
    counts: list[int] = []
    blocks: list[bytes] = []
    try:
        for _ in range(count):
            begin = at + data[at] + 1
            rows = data[begin - 1] - 1
            end = begin + rows * size
            if data[at] > 0x7F or not 0 <= rows < 0x7F or data[end]:
                return None
            topics.append(by_name[data[at + 1 : begin - 1]])
            counts.append(rows)
            blocks.append(data[begin:end])
            at = end + 1
    except (IndexError, KeyError):
        return None
    columns = np.frombuffer(b"".join(blocks), _PARTITION)
    if columns["tags"].any():
        return None
    r.at = at
    return Found(
        np.array(topics, np.intp),
        np.array(counts, np.intp),
        *(columns[name].astype(np.int64) for name in ("partition", "code", "timestamp", "offset")),
    )


def _field_by_field(by_name: Mapping[bytes, int], r: Reader, version: int) -> Found:
    form = _ROW_6 if r.flexible else _ROW_4 if version >= 4 else _ROW_1
    topics: list[int] = []
    counts: list[int] = []
    rows: list[tuple[int, ...]] = []
    for _ in range(r.length()):
        topic, count = by_name.get(r.text().encode()), r.length()
        if topic is None:
            raise MalformedError("an answer to ListOffsets about topics that were not asked for")
        for _ in range(count):
            rows.append(form.unpack(r.take(form.size))[:4])
            if r.flexible:
                r.at -= 1  # the last byte is not a field; it begins the tagged ones
                r.tags()
        r.tags()
        topics.append(topic)
        counts.append(count)
    columns = np.array(rows, np.int64).reshape(len(rows), 4)
    return Found(np.array(topics, np.intp), np.array(counts, np.intp), *columns.T)
