"""How brokers describe the kinds of groups that are newer than the classic protocol: consumer groups of KIP-848,
share groups and streams groups.
"""

from collections.abc import Callable, Sequence
from sys import intern

from mesh_assets.platforms.kafka.values import GroupMember
from mesh_assets.platforms.kafka.wire.forms import Reader, Request, Writer
from mesh_assets.platforms.kafka.wire.group_requests import (
    UNKNOWN,
    Described,
    Descriptions,
    Failure,
    every,
    exactly,
    in_order,
    new_member,
    undecoded_note,
)


def describe_consumer_groups(names: Sequence[str], *, rights: bool = False) -> Request[Descriptions]:
    """Groups of the protocol of KIP-848."""

    def group(answer: Reader, version: int) -> Described:
        state = intern(answer.text())
        answer.take(8)  # group and assignment epoch
        answer.text()

        def member() -> GroupMember:
            member_id, instance, _ = answer.text(), answer.nullable_text(), answer.nullable_text()
            answer.int32()
            client_id, host = answer.text(), answer.text()
            every(answer, answer.text)
            answer.nullable_text()
            assignment = _assigned(answer)
            _assigned(answer)  # its target
            if version >= 1:
                answer.int8()
            answer.tags()
            return new_member(member_id, client_id, instance, host, assignment)

        return Described(state or UNKNOWN, "consumer", in_order(every(answer, member)))

    return _description("ConsumerGroupDescribe", 69, names, group, rights, versions=(0, 1))


def describe_share_groups(names: Sequence[str], *, rights: bool = False) -> Request[Descriptions]:
    """Share groups (KIP-932). Version 0 was an early access in Kafka 4.0, and is gone since."""

    def group(answer: Reader, _version: int) -> Described:
        state = intern(answer.text())
        answer.take(8)
        answer.text()

        def member() -> GroupMember:
            member_id, _, _ = answer.text(), answer.nullable_text(), answer.int32()
            client_id, host = answer.text(), answer.text()
            every(answer, answer.text)
            assignment = _assigned(answer)
            answer.tags()
            return new_member(member_id, client_id, None, host, assignment)

        return Described(state or UNKNOWN, "share", in_order(every(answer, member)))

    return _description("ShareGroupDescribe", 77, names, group, rights, versions=(1, 1))


def _assigned(answer: Reader) -> dict[str, list[int]]:
    assignment: dict[str, list[int]] = {}

    def topic() -> None:
        answer.uuid()
        assignment.setdefault(intern(answer.text()), []).extend(answer.int32s())
        answer.tags()

    every(answer, topic)
    answer.tags()
    return assignment


def _description(
    name: str,
    api: int,
    names: Sequence[str],
    group: Callable[[Reader, int], Described],
    rights: bool,
    *,
    versions: tuple[int, int],
) -> Request[Descriptions]:
    """A request of the kinds since KIP-848, which are alike around what `group` reads."""

    def write(request: Writer, _version: int) -> None:
        request.array(names, request.text)
        request.boolean(rights)
        request.tags()

    def read(answer: Reader, version: int) -> Descriptions:
        def one() -> tuple[str, Described | Failure]:
            code, said, group_id = answer.int16(), answer.nullable_text(), answer.text()
            described = group(answer, version)._replace(rights=answer.operations())
            answer.tags()
            return group_id, Failure(code, said or "") if code else described

        answer.throttle()
        found = exactly(names, every(answer, one))
        answer.tags()
        return found

    oldest, newest = versions
    return Request(name=name, api=api, oldest=oldest, newest=newest, flexible_from=0, write=write, read=read)


def describe_streams_groups(names: Sequence[str], *, rights: bool = False) -> Request[Descriptions]:
    """Streams groups (KIP-1071). A member's assignment is what its active tasks read: a task is a partition of each
    source topic of its subtopology."""
    return _description("StreamsGroupDescribe", 89, names, _streams_group, rights, versions=(0, 0))


def _streams_group(answer: Reader, _version: int) -> Described:
    state = intern(answer.text())
    answer.take(8)
    sources = _sources(answer) if _is_here(answer) else None
    unmapped: list[str] = []

    def member() -> GroupMember:
        member_id, _ = answer.text(), answer.int32()
        instance, _ = answer.nullable_text(), answer.nullable_text()
        client_id, host = answer.text(), answer.text()
        answer.int32()
        answer.text()
        if _is_here(answer):  # its endpoint
            answer.text()
            answer.take(2)
            answer.tags()
        every(answer, lambda: _pair(answer))
        for _ in range(2):  # offsets and end offsets of its tasks
            every(answer, lambda: _task_offset(answer))
        active = _tasks(answer)
        _tasks(answer)  # its target
        answer.boolean()
        answer.tags()
        assignment: dict[str, list[int]] = {}
        for subtopology, numbers in active.items():
            if sources is None or subtopology not in sources:
                unmapped.append(member_id)
                continue
            for topic in sources[subtopology]:
                assignment.setdefault(topic, []).extend(numbers)
        return new_member(member_id, client_id, instance, host, assignment)

    members = in_order(every(answer, member))
    shared = frozenset(topic for topics in (sources or {}).values() if len(topics) > 1 for topic in topics)
    return Described(
        state or UNKNOWN, "streams", members, undecoded_note(list(dict.fromkeys(unmapped))), shared
    )


def _is_here(answer: Reader) -> bool:
    """The byte before a struct that may be null (KIP-893)."""
    return answer.int8() >= 0


def _sources(answer: Reader) -> dict[str, tuple[str, ...]] | None:
    """The topics that each subtopology reads; None before they are known."""

    def topic_info() -> str:
        name = intern(answer.text())
        answer.take(6)
        every(answer, lambda: _pair(answer))
        answer.tags()
        return name

    answer.int32()
    count = answer.count()
    sources: dict[str, tuple[str, ...]] = {}
    for _ in range(count):
        subtopology = answer.text()
        topics = [intern(topic) for topic in every(answer, answer.text)]
        every(answer, answer.text)
        every(answer, topic_info)
        sources[subtopology] = (*topics, *every(answer, topic_info))
        answer.tags()
    answer.tags()
    return sources if count >= 0 else None


def _pair(answer: Reader) -> None:
    answer.text()
    answer.text()
    answer.tags()


def _task_offset(answer: Reader) -> None:
    answer.text()
    answer.take(12)
    answer.tags()


def _tasks(answer: Reader) -> dict[str, list[int]]:
    """The active ones, by subtopology; skips those that stand by and warm up."""

    def task() -> tuple[str, tuple[int, ...]]:
        subtopology, numbers = answer.text(), answer.int32s()
        answer.tags()
        return subtopology, numbers

    active: dict[str, list[int]] = {}
    for subtopology, numbers in every(answer, task):
        active.setdefault(subtopology, []).extend(numbers)
    every(answer, task)
    every(answer, task)
    answer.tags()
    return active
