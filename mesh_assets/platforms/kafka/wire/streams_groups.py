"""How brokers describe streams groups (KIP-1071): the topology that they run, and which of its tasks each member has.

A task is a partition of each source topic of its subtopology.
"""

from collections.abc import Sequence
from sys import intern
from typing import Literal

from mesh_assets.inventory.groups import (
    GroupMember,
    StreamsMember,
    StreamsTasks,
    StreamsTopology,
    Subtopology,
)
from mesh_assets.platforms.kafka.wire.forms import Reader, Request
from mesh_assets.platforms.kafka.wire.group_kinds import description_request
from mesh_assets.platforms.kafka.wire.group_requests import (
    UNKNOWN,
    Described,
    Descriptions,
    every,
    in_order,
    new_member,
    undecoded_note,
)

_ROLES: tuple[Literal["active", "standby", "warmup"], ...] = ("active", "standby", "warmup")


def describe_streams_groups(names: Sequence[str], *, rights: bool = False) -> Request[Descriptions]:
    """Streams groups. A member's assignment is what its active tasks read."""
    return description_request("StreamsGroupDescribe", 89, names, _group, rights, versions=(0, 0))


def _group(answer: Reader, _version: int) -> Described:
    state = intern(answer.text())
    epoch, assignment_epoch = answer.int32(), answer.int32()
    topology = _topology(answer) if _is_here(answer) else None
    sources = {
        one.id: (*one.source_topics, *one.repartition_source_topics)
        for one in (topology.subtopologies if topology is not None else ())
    }
    unmapped: list[str] = []

    def member() -> GroupMember:
        member_id, member_epoch = answer.text(), answer.int32()
        instance, rack = answer.nullable_text(), answer.nullable_text()
        client_id, host = answer.text(), answer.text()
        topology_epoch, process_id = answer.int32(), answer.text()
        endpoint = _endpoint(answer) if _is_here(answer) else None
        tags = dict(every(answer, lambda: _pair(answer)))
        offsets = dict(every(answer, lambda: _task_offset(answer)))
        ends = dict(every(answer, lambda: _task_offset(answer)))
        tasks, target = _tasks(answer), _tasks(answer)
        is_classic = answer.boolean()
        answer.tags()

        def read_by(some: Sequence[StreamsTasks]) -> dict[str, list[int]]:
            assignment: dict[str, list[int]] = {}
            for one in some:
                if one.role != "active":
                    continue
                if one.subtopology not in sources:
                    unmapped.append(member_id)
                for topic in sources.get(one.subtopology, ()):
                    assignment.setdefault(topic, []).extend(one.partitions)
            return assignment

        return new_member(
            *(member_id, client_id, instance, host, read_by(tasks)),
            epoch=member_epoch,
            rack=rack,
            is_classic=is_classic,
            streams=StreamsMember(
                process_id=process_id,
                topology_epoch=topology_epoch,
                tasks=tasks,
                target_tasks=target,
                task_lag_records={
                    task: max(0, ends[task] - offset) for task, offset in offsets.items() if task in ends
                },
                client_tags=tags,
                endpoint=endpoint,
            ),
        )

    members = in_order(every(answer, member))
    shared = frozenset(topic for topics in sources.values() if len(topics) > 1 for topic in topics)
    return Described(
        state or UNKNOWN,
        "streams",
        members,
        undecoded_note(list(dict.fromkeys(unmapped))),
        shared,
        epoch=epoch,
        assignment_epoch=assignment_epoch,
        topology=topology,
    )


def _is_here(answer: Reader) -> bool:
    """The byte before a struct that may be null (KIP-893)."""
    return answer.int8() >= 0


def _topology(answer: Reader) -> StreamsTopology | None:
    """None until its subtopologies are known."""

    def topics() -> tuple[str, ...]:
        return tuple(intern(name) for name in every(answer, answer.text))

    def internal_topics() -> tuple[str, ...]:
        return tuple(every(answer, lambda: _internal_topic(answer)))

    epoch, count = answer.int32(), answer.count()
    subtopologies = []
    for _ in range(count):
        name, source, sinks = answer.text(), topics(), topics()
        changelogs, repartition = internal_topics(), internal_topics()
        answer.tags()
        subtopologies.append(
            Subtopology(
                id=name,
                source_topics=source,
                repartition_source_topics=repartition,
                repartition_sink_topics=sinks,
                changelog_topics=changelogs,
            )
        )
    answer.tags()
    return StreamsTopology(epoch=epoch, subtopologies=tuple(subtopologies)) if count >= 0 else None


def _internal_topic(answer: Reader) -> str:
    name = intern(answer.text())
    answer.take(6)  # its partitions and its replication factor
    every(answer, lambda: _pair(answer))  # its configs
    answer.tags()
    return name


def _endpoint(answer: Reader) -> str:
    host, port = answer.text(), int.from_bytes(answer.take(2), "big")
    answer.tags()
    return f"{host}:{port}"


def _pair(answer: Reader) -> tuple[str, str]:
    key, value = answer.text(), answer.text()
    answer.tags()
    return key, value


def _task_offset(answer: Reader) -> tuple[str, int]:
    subtopology, number, offset = answer.text(), answer.int32(), answer.int64()
    answer.tags()
    return f"{subtopology}_{number}", offset


def _tasks(answer: Reader) -> tuple[StreamsTasks, ...]:
    """Sorted, by role."""

    def task() -> tuple[str, tuple[int, ...]]:
        subtopology, numbers = answer.text(), answer.int32s()
        answer.tags()
        return subtopology, numbers

    found: list[StreamsTasks] = []
    for role in _ROLES:
        by_subtopology: dict[str, set[int]] = {}
        for subtopology, numbers in every(answer, task):
            by_subtopology.setdefault(subtopology, set()).update(numbers)
        found += [
            StreamsTasks(subtopology=subtopology, role=role, partitions=tuple(sorted(numbers)))
            for subtopology, numbers in sorted(by_subtopology.items())
        ]
    answer.tags()
    return tuple(found)
