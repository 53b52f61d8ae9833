"""How brokers describe the kinds of groups newer than the classic protocol: consumer groups of KIP-848 and
share groups. (Streams groups: `streams_groups.py`.)
"""

from collections.abc import Callable, Sequence
from sys import intern

from mesh_assets.inventory.groups import GroupMember
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
)

_CLASSIC_MEMBER = {0: True, 1: False}
"""The field `member_type` since version 1 (Kafka 4.0), -1: unknown."""


def describe_consumer_groups(names: Sequence[str], *, rights: bool = False) -> Request[Descriptions]:
    """Groups of the protocol of KIP-848."""

    def group(answer: Reader, version: int) -> Described:
        state = intern(answer.text())
        epoch, assignment_epoch, assignor = answer.int32(), answer.int32(), intern(answer.text())

        def member() -> GroupMember:
            member_id, instance, rack = answer.text(), answer.nullable_text(), answer.nullable_text()
            member_epoch = answer.int32()
            client_id, host = answer.text(), answer.text()
            subscribed, regex = _topic_names(answer), answer.nullable_text()
            assignment, target = _assigned(answer), _assigned(answer)
            member_type = answer.int8() if version >= 1 else -1
            answer.tags()
            return new_member(
                *(member_id, client_id, instance, host, assignment),
                epoch=member_epoch,
                rack=rack,
                subscribed=subscribed,
                regex=regex,
                target=target,
                is_classic=_CLASSIC_MEMBER.get(member_type),
            )

        return Described(
            state or UNKNOWN,
            "consumer",
            in_order(every(answer, member)),
            epoch=epoch,
            assignment_epoch=assignment_epoch,
            assignor=assignor or None,
        )

    return description_request("ConsumerGroupDescribe", 69, names, group, rights, versions=(0, 1))


def describe_share_groups(names: Sequence[str], *, rights: bool = False) -> Request[Descriptions]:
    """Share groups (KIP-932). Version 0 was early access in Kafka 4.0 and has since been removed."""

    def group(answer: Reader, _version: int) -> Described:
        state = intern(answer.text())
        epoch, assignment_epoch, assignor = answer.int32(), answer.int32(), intern(answer.text())

        def member() -> GroupMember:
            member_id, rack, member_epoch = answer.text(), answer.nullable_text(), answer.int32()
            client_id, host = answer.text(), answer.text()
            subscribed, assignment = _topic_names(answer), _assigned(answer)
            answer.tags()
            return new_member(
                *(member_id, client_id, None, host, assignment),
                epoch=member_epoch,
                rack=rack,
                subscribed=subscribed,
            )

        return Described(
            state or UNKNOWN,
            "share",
            in_order(every(answer, member)),
            epoch=epoch,
            assignment_epoch=assignment_epoch,
            assignor=assignor or None,
        )

    return description_request("ShareGroupDescribe", 77, names, group, rights, versions=(1, 1))


def _topic_names(answer: Reader) -> list[str]:
    return [intern(name) for name in every(answer, answer.text)]


def _assigned(answer: Reader) -> dict[str, list[int]]:
    assignment: dict[str, list[int]] = {}

    def topic() -> None:
        answer.uuid()
        assignment.setdefault(intern(answer.text()), []).extend(answer.int32s())
        answer.tags()

    every(answer, topic)
    answer.tags()
    return assignment


def description_request(
    name: str,
    api: int,
    names: Sequence[str],
    group: Callable[[Reader, int], Described],
    rights: bool,
    *,
    versions: tuple[int, int],
) -> Request[Descriptions]:
    """A request for the kinds since KIP-848, which are alike except for what `group` reads."""

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
