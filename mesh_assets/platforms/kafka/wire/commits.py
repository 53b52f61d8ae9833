"""What groups have committed (OffsetFetch), and what share groups have finished
(DescribeShareGroupOffsets)."""

from collections.abc import Mapping, Sequence
from struct import Struct
from sys import intern

from mesh_assets.platforms.kafka.values import CommittedPartition, ShareOffset
from mesh_assets.platforms.kafka.wire.forms import MalformedError, Reader, Request, Writer
from mesh_assets.platforms.kafka.wire.group_requests import Failure, every, exactly

MANY_GROUPS_FROM = 8

_TOPIC_RIGHT = "DESCRIBE on the topic"

Committed = dict[str, list[CommittedPartition]]
"""By topic, in the broker's order."""
Commits = Mapping[str, "Committed | Failure"]
ShareOffsets = Mapping[str, "tuple[ShareOffset, ...] | Failure"]

# A committed partition of a flexible version: number, offset, leader epoch, the length of its metadata and what follows
# them, an error code and the number of tagged fields. Clients usually leave the metadata empty; then the form
# is this.
_PLAIN = Struct(">iqiBhB")


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
    committed: Committed = {}
    for _ in range(answer.length()):
        topic = intern(answer.text())
        partitions = _partitions(answer, topic, version)
        answer.tags()
        if topic in committed:
            raise MalformedError("a topic that is answered twice")
        committed[topic] = partitions
    return committed


def _partitions(answer: Reader, topic: str, version: int) -> list[CommittedPartition]:
    """There are tens of thousands, so those in the plain form are read without a call for each field."""
    count = answer.length()
    unpack, size, data = _PLAIN.unpack_from, _PLAIN.size, answer.data
    at, last_start = answer.at, answer.end - size if answer.flexible else -1
    found: list[CommittedPartition] = []
    for _ in range(count):
        number, offset, code, plain = 0, 0, 0, False
        if at <= last_start:
            number, offset, _, metadata, code, tags = unpack(data, at)
            plain = metadata <= 1 and not tags
        if plain:
            at += size
        else:
            answer.at = at
            number, offset = answer.int32(), answer.int64()
            if version >= 5:
                answer.int32()
            answer.nullable_text()
            code = answer.int16()
            answer.tags()
            at = answer.at
        found.append(
            CommittedPartition(topic=topic, partition=number, committed=offset if offset >= 0 else None)
            if not code
            else CommittedPartition(
                topic=topic, partition=number, committed=None, error=Failure(code).text(_TOPIC_RIGHT)
            )
        )
    answer.at = at
    return found


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
