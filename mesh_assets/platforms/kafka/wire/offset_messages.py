"""ListOffsets: the request for the offsets of partitions, and how its answer is read."""

import struct
from collections.abc import Mapping, Sequence
from functools import partial
from sys import intern

from mesh_assets.platforms.kafka.wire.forms import MalformedError, Reader, Request, Writer

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

Places = Mapping[str, Sequence[int]]
"""Partitions by topic, sorted."""
Row = tuple[int, ...]
"""Of an answer: partition, error code, timestamp, offset, and more in newer versions."""
CODE, TIMESTAMP, OFFSET = 1, 2, 3
_ROW_1, _ROW_4, _ROW_6 = (struct.Struct(form) for form in (">ihqq", ">ihqqi", ">ihqqiB"))


def list_offsets(places: Places, timestamp: int) -> Request[dict[str, list[Row]]]:
    """The rows by topic. Older brokers lack the request for some special timestamps."""
    oldest = _OLDEST_VERSIONS.get(timestamp, 1)
    return Request("ListOffsets", 2, oldest, 11, 6, partial(_write, places, timestamp), _read)


def _write(places: Places, timestamp: int, w: Writer, version: int) -> None:
    w.int32(_CONSUMER)
    if version >= 2:
        w.int8(_READ_UNCOMMITTED)
    w.count(len(places))
    written: dict[tuple[int, ...], bytes] = {}  # most topics have the same few partitions
    for topic, numbers in places.items():
        w.text(topic)
        block = written.get(key := tuple(numbers))
        if block is None:
            block = written[key] = _partitions(key, timestamp, version, flexible=w.flexible)
        w.raw(block)
        w.tags()
    if version >= 10:
        w.int32(_TIERED_MS)
    w.tags()


def _partitions(numbers: Sequence[int], timestamp: int, version: int, *, flexible: bool) -> bytes:
    w = Writer(flexible=flexible)
    w.count(len(numbers))
    for number in numbers:
        w.int32(number)
        if version >= 4:
            w.int32(_WITHOUT_EPOCH)
        w.int64(timestamp)
        w.tags()
    return bytes(w.data)


def _read(r: Reader, version: int) -> dict[str, list[Row]]:
    form = _ROW_6 if r.flexible else _ROW_4 if version >= 4 else _ROW_1
    if version >= 2:
        r.throttle()
    topics: dict[str, list[Row]] = {}
    for _ in range(r.length()):
        name, rows = (r.flexible and _plain_topic(r)) or _topic(r, form)
        if name in topics:
            raise MalformedError("an answer to ListOffsets with a topic twice")
        topics[intern(name)] = rows
    r.tags()
    return topics


def _plain_topic(r: Reader) -> tuple[str, list[Row]] | None:
    """A topic as it nearly always is in flexible versions: the lengths of its name and of its array take a byte each,
    and nowhere are tagged fields. Read without a call for each of these. None: it is not like that; nothing was read."""
    data, at, size = r.data, r.at, _ROW_6.size
    try:
        begin = at + data[at] + 1
        count = data[begin - 1] - 1
        end = begin + count * size
        if not 0 < data[at] < 0x80 or not 0 <= count < 0x7F or data[end]:
            return None
        block = data[begin:end]
        if any(block[size - 1 :: size]):
            return None
        name = data[at + 1 : begin - 1].decode()
    except (IndexError, UnicodeDecodeError):
        return None
    r.at = end + 1
    return name, list(_ROW_6.iter_unpack(block))


def _topic(r: Reader, form: struct.Struct) -> tuple[str, list[Row]]:
    name = r.text()
    rows: list[Row] = []
    for _ in range(r.length()):
        rows.append(form.unpack(r.take(form.size)))
        if r.flexible:
            r.at -= 1  # the last byte is no field, but begins the tagged ones
            r.tags()
    r.tags()
    return name, rows
