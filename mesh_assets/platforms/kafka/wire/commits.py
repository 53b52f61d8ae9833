"""What groups have committed (OffsetFetch), and what share groups have finished
(DescribeShareGroupOffsets)."""

from collections.abc import Iterator, Mapping, Sequence
from struct import Struct
from sys import intern

from mesh_assets.platforms.kafka.values import CommittedPartition, ShareOffset
from mesh_assets.platforms.kafka.wire.forms import MalformedError, Reader, Request, Writer
from mesh_assets.platforms.kafka.wire.group_requests import Failure, every, exactly
from mesh_assets.platforms.kafka.wire.partition_columns import Committed

MANY_GROUPS_FROM = 8

_TOPIC_RIGHT = "DESCRIBE on the topic"

Commits = Mapping[str, "Committed | Failure"]
ShareOffsets = Mapping[str, "tuple[ShareOffset, ...] | Failure"]

_ROW = Struct(">iqiBhB")
"""As COMMITTED."""
_EPOCH_UNKNOWN = -1


def fetch_offsets(names: Sequence[str]) -> Request[Commits]:
    """All that these groups have committed; one group before version 8.

    Version 10 names topics by id alone. We do not wait for offsets of open transactions (`require_stable`):
    until these end, the group's position is its last commit.
    """

    def write(request: Writer, version: int) -> None:
        if version >= MANY_GROUPS_FROM:
            request.count(len(names))
            for name in names:
                request.text(name)
                if version >= 9:
                    request.text(None)  # the request comes from no member of the group
                    request.int32(-1)
                request.count(None)  # of all topics
                request.tags()
        else:
            [name] = names
            request.text(name)
            request.count(None)
        if version >= 7:
            request.boolean(False)
        request.tags()

    def read(answer: Reader, version: int) -> Commits:
        if version >= 3:
            answer.throttle()
        if version >= MANY_GROUPS_FROM:
            commits = exactly(names, every(answer, lambda: _group(answer, version)))
        else:
            committed = _committed(answer, version)
            code = answer.int16()
            commits = {names[0]: Failure(code) if code else committed}
        answer.tags()
        return commits

    return Request(name="OffsetFetch", api=9, oldest=2, newest=9, flexible_from=6, write=write, read=read)


def _group(answer: Reader, version: int) -> tuple[str, Committed | Failure]:
    name = answer.text()
    committed = _committed(answer, version)
    code = answer.int16()
    answer.tags()
    return name, Failure(code) if code else committed


def _committed(answer: Reader, version: int) -> Committed:
    topics: list[str] = []
    counts: list[int] = []
    rows: list[bytes] = []
    for _ in range(answer.length()):
        topic, partitions = (_plain_topic(answer) if answer.flexible else None) or _topic(answer, version)
        topics.append(topic)
        rows.append(partitions)
        counts.append(len(partitions) // _ROW.size)
    if len(set(topics)) != len(topics):
        raise MalformedError("a topic that is answered twice")
    return Committed(topics, counts, b"".join(rows))


def _plain_topic(answer: Reader) -> tuple[str, bytes] | None:
    """Reads a topic in the form that nearly all have: lengths of a byte, commits without metadata (a length of 0 or 1), no
    tagged fields. Its partitions are rows already. None: it is not of that form; nothing was read."""
    data, at = answer.data, answer.at
    try:
        begin = at + data[at] + 1
        count = data[begin - 1] - 1
        end = begin + count * _ROW.size
        rows = data[begin:end]
        if data[at] > 0x7F or not 0 <= count < 0x7F or data[end]:
            return None
        if rows[16 :: _ROW.size].strip(b"\0\1") or rows[19 :: _ROW.size].strip(b"\0"):
            return None
        topic = intern(data[at + 1 : begin - 1].decode())
    except (IndexError, UnicodeDecodeError):
        return None
    answer.at = end + 1
    return topic, rows


def _topic(answer: Reader, version: int) -> tuple[str, bytes]:
    topic = intern(answer.text())
    rows = bytearray()
    for _ in range(answer.length()):
        number, offset = answer.int32(), answer.int64()
        if version >= 5:
            answer.int32()
        answer.nullable_text()
        code = answer.int16()
        answer.tags()
        rows += _ROW.pack(number, offset, _EPOCH_UNKNOWN, 0, code, 0)
    answer.tags()
    return topic, bytes(rows)


def committed_partitions(committed: Committed) -> dict[str, list[CommittedPartition]]:
    """By topic, in the broker's order."""
    found: dict[str, list[CommittedPartition]] = {}
    for topic, rows in _by_topic(committed):
        found[topic] = [
            CommittedPartition(topic=topic, partition=number, committed=offset if offset >= 0 else None)
            if not code
            else CommittedPartition(
                topic=topic, partition=number, committed=None, error=Failure(code).text(_TOPIC_RIGHT)
            )
            for number, offset, _, _, code, _ in rows
        ]
    return found


def committed_offsets(committed: Committed) -> dict[str, dict[int, int]]:
    """By topic and partition; only where something is committed and could be read."""
    return {
        topic: {number: offset for number, offset, _, _, code, _ in rows if offset >= 0 and not code}
        for topic, rows in _by_topic(committed)
    }


def _by_topic(committed: Committed) -> Iterator[tuple[str, list[tuple[int, ...]]]]:
    rows, end = [*_ROW.iter_unpack(committed.rows)], 0
    for topic, count in zip(committed.topics, committed.counts, strict=True):
        begin, end = end, end + count
        yield topic, rows[begin:end]


def describe_share_offsets(names: Sequence[str]) -> Request[ShareOffsets]:
    """Every partition that these share groups have begun. The broker counts their lag since version 1 (Kafka 4.3):
    it is not everything after the start, since records are acknowledged one by one."""

    def write(request: Writer, _version: int) -> None:
        request.count(len(names))
        for name in names:
            request.text(name)
            request.count(None)  # of all topics
            request.tags()
        request.tags()

    def read(answer: Reader, version: int) -> ShareOffsets:
        def partition(topic: str) -> ShareOffset:
            number, start, _ = answer.int32(), answer.int64(), answer.int32()
            lag = answer.int64() if version >= 1 else -1
            code, said = answer.int16(), answer.nullable_text()
            answer.tags()
            return ShareOffset(
                topic=topic,
                partition=number,
                start=start if start >= 0 and not code else None,
                lag_records=lag if lag >= 0 and not code else None,
                error=Failure(code, said or "").text(_TOPIC_RIGHT) if code else None,
            )

        def topic() -> list[ShareOffset]:
            name = intern(answer.text())
            answer.uuid()
            partitions = every(answer, lambda: partition(name))
            answer.tags()
            return partitions

        def group() -> tuple[str, tuple[ShareOffset, ...] | Failure]:
            name = answer.text()
            offsets = [one for ones in every(answer, topic) for one in ones]
            code, said = answer.int16(), answer.nullable_text()
            answer.tags()
            if code:
                return name, Failure(code, said or "")
            return name, tuple(sorted(offsets, key=lambda one: (one.topic, one.partition)))

        answer.throttle()
        found = exactly(names, every(answer, group))
        answer.tags()
        return found

    return Request(
        name="DescribeShareGroupOffsets",
        api=90,
        oldest=0,
        newest=1,
        flexible_from=0,
        write=write,
        read=read,
    )
