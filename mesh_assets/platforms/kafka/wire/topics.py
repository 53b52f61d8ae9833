"""Brokers, topics and partitions: one request (Metadata) returns them all, whatever the broker's version."""

from base64 import urlsafe_b64encode
from collections.abc import Collection, Sequence
from functools import partial
from itertools import pairwise
from operator import attrgetter
from struct import Struct
from sys import intern
from typing import NamedTuple

from confluent_kafka import KafkaError

from mesh_assets.platforms import Presence
from mesh_assets.platforms.kafka.errors import AUTHORIZATION, item_error
from mesh_assets.platforms.kafka.values import BrokerNode, ClusterMetadata, PartitionMetadata, TopicMetadata
from mesh_assets.platforms.kafka.wire.forms import (
    BrokerError,
    Connections,
    MalformedError,
    Reader,
    Request,
    Writer,
)

_DESCRIBE = "DESCRIBE on the topic"
_NO_ID = bytes(16)
# Kafka's own list (org.apache.kafka.common.internals.Topic): for a topic that we may not describe, a broker
# says that it is not internal.
_INTERNAL = frozenset(
    {"__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata"}
)


class ListedTopics(NamedTuple):
    """An answer to Metadata. `codes`: Kafka's errors, for the topics that have one. `controller`: the broker
    that carries out changes, or forwards them; None: there is currently none.

    What the user may do, a bit for each operation: `operations` on the cluster (None: not asked for, not
    reported, or left to DescribeCluster), `rights` on the topics for which it was requested and reported.
    """

    code: int
    cluster_id: str | None
    brokers: tuple[BrokerNode, ...]
    topics: dict[str, TopicMetadata]
    codes: dict[str, int]
    controller: int | None
    operations: int | None
    rights: dict[str, int]


async def read_cluster_id(connections: Connections) -> str | None:
    """The cluster id that the brokers give; None: they give none."""
    return (await _list_of_started(connections, ())).cluster_id


async def read_metadata(connections: Connections) -> ClusterMetadata:
    """The cluster, its brokers and all topics that the user may see; a refused one with its error. Raises
    BrokerError when the cluster could not be read."""
    listed = await _list_of_started(connections, None)
    return ClusterMetadata(
        cluster_id=listed.cluster_id,
        brokers=listed.brokers,
        topics=tuple(
            topic
            for name, topic in sorted(listed.topics.items())
            if listed.codes.get(name) != KafkaError.UNKNOWN_TOPIC_OR_PART
        ),
    )


async def topic_presence(connections: Connections, names: Collection[str]) -> dict[str, Presence]:
    """Whether each of these topics exists, whatever the list of topics says. Raises BrokerError."""
    if not names:
        return {}
    listed = await _list_of_started(connections, names)
    return {name: _presence(listed.codes.get(name, 0)) for name in names}


def _presence(code: int) -> Presence:
    if code in AUTHORIZATION:
        return "refused"
    match code:
        case 0 | KafkaError.LEADER_NOT_AVAILABLE:
            return "here"
        case KafkaError.UNKNOWN_TOPIC_OR_PART:
            return "gone"
        case KafkaError.TOPIC_EXCEPTION:  # a name that no topic can have today
            return "unaskable"
        case _:
            raise BrokerError(code)


async def _list_of_started(connections: Connections, names: Collection[str] | None) -> ListedTopics:
    """As `list_topics`. Also raises BrokerError if no broker is listed: then this one has just started, and what it does not
    list may well exist."""
    listed = await list_topics(connections, names)
    if not listed.brokers:
        raise BrokerError(KafkaError.BROKER_NOT_AVAILABLE, "it names no live broker")
    return listed


async def list_topics(
    connections: Connections, names: Collection[str] | None, *, rights: bool = False
) -> ListedTopics:
    """These topics, each of them present or with its error; None: all that the user may see. Never creates
    one. `rights`: include what the user may do. Raises BrokerError when the answer as a whole is an error."""
    asked = None if names is None else sorted(set(names))
    listed = await connections.ask(_request(asked, rights))
    if listed.code:
        raise BrokerError(listed.code)
    if asked is not None and listed.topics.keys() != set(asked):
        raise MalformedError("an answer to Metadata about topics that were not asked for")
    return listed


def _request(names: Sequence[str] | None, rights: bool) -> Request[ListedTopics]:
    # Before version 4, brokers with auto.create.topics.enable create a topic that is asked for by name.
    return Request("Metadata", 3, 4, 13, 9, partial(_write, names, rights), _read)


def _write(names: Sequence[str] | None, rights: bool, w: Writer, version: int) -> None:
    w.count(None if names is None else len(names))
    for name in names or ():
        if version >= 10:
            w.raw(_NO_ID)
        w.text(name)
        w.tags()
    w.boolean(False)  # create no topic
    if 8 <= version <= 10:
        w.boolean(rights)  # those on the cluster, which DescribeCluster reports in later versions
    if version >= 8:
        w.boolean(rights)  # and on the topics
    w.tags()


def _read(r: Reader, version: int) -> ListedTopics:
    r.throttle()
    brokers = [_broker(r) for _ in range(r.length())]
    cluster_id = r.nullable_text()
    controller = r.int32()  # with KRaft, any broker
    topics: dict[str, TopicMetadata] = {}
    codes: dict[str, int] = {}
    rights: dict[str, int] = {}
    seen = _Seen({}, {}, {})
    for _ in range(r.length()):
        code, name, topic_id, internal = (_plain_head(r) if version >= 10 else None) or _head(r, version)
        if name in topics:
            raise MalformedError("a topic that is listed twice")
        partitions, bits = _rest_of_topic(r, version, seen)
        if bits is not None:
            rights[name] = bits
        error = None
        if code:
            codes[name] = code
            error = item_error(KafkaError(code), _DESCRIBE)
            internal = internal or name in _INTERNAL
        topics[name] = TopicMetadata(
            name=name,
            # As Kafka's tools print it.
            id=None if topic_id == _NO_ID else urlsafe_b64encode(topic_id)[:22].decode(),
            internal=internal,
            partitions=partitions,
            error=error,
        )
    operations = r.operations() if 8 <= version <= 10 else None
    code = r.int16() if version >= 13 else 0
    r.tags()
    return ListedTopics(
        code=code,
        cluster_id=cluster_id,
        brokers=tuple(sorted(brokers, key=lambda broker: broker.id)),
        topics=topics,
        codes=codes,
        controller=controller if controller >= 0 else None,
        operations=operations,
        rights=rights,
    )


def _broker(r: Reader) -> BrokerNode:
    broker = BrokerNode(id=r.int32(), host=r.text(), port=r.int32(), rack=r.nullable_text() or None)
    r.tags()
    return broker


_Head = tuple[int, str, bytes, bool]
"""Of a topic: Kafka's error, its name and id, and whether it is internal."""
_CODE_AND_LENGTH = Struct(">hB")


def _plain_head(r: Reader) -> _Head | None:
    """With a name of less than 127 bytes, read without a call for each field. None: it is not of that form; nothing was
    read."""
    data, at = r.data, r.at
    if at + 3 > r.end:
        return None
    code, length = _CODE_AND_LENGTH.unpack_from(data, at)
    end = at + 2 + length
    if not 0 < length <= 0x7F or end + 17 > r.end:
        return None
    try:
        name = intern(data[at + 3 : end].decode())
    except UnicodeDecodeError:
        return None
    r.at = end + 17
    return code, name, data[end : end + 16], data[end + 16] != 0


def _head(r: Reader, version: int) -> _Head:
    return r.int16(), intern(r.text()), r.uuid() if version >= 10 else _NO_ID, r.boolean()


class _Seen(NamedTuple):
    """What was parsed before, by its bytes: the rest of topics from their partitions on, and partitions. `sizes`: of the last
    topic whose rest began like that."""

    topics: dict[bytes, "tuple[tuple[PartitionMetadata, ...], int | None]"]
    partitions: dict[bytes, PartitionMetadata]
    sizes: dict[bytes, int]


def _rest_of_topic(r: Reader, version: int, seen: _Seen) -> tuple[tuple[PartitionMetadata, ...], int | None]:
    """A topic's partitions, and what the user may do with it. Topics with as many partitions in the same places are equal
    from here on: those share one tuple.

    We guess that this is as long as with the last topic of so many partitions. Bytes that were parsed before mean the same
    again.
    """
    data, start = r.data, r.at
    begins = data[start : start + 4]
    end = start + seen.sizes.get(begins, 0)
    known = seen.topics.get(data[start:end])
    if known is not None:
        r.at = end
        return known
    partitions = _partitions(r, version, seen.partitions)
    known = partitions, r.operations() if version >= 8 else None
    r.tags()
    seen.sizes[begins] = r.at - start
    seen.topics[data[start : r.at]] = known
    return known


def _partitions(
    r: Reader, version: int, seen: dict[bytes, PartitionMetadata]
) -> tuple[PartitionMetadata, ...]:
    """The partitions of one topic. Thousands of them are equal byte for byte: those share one object.

    We guess a partition's end as if its three arrays were short. We trust a guess only if the bytes are those
    of a partition that was fully parsed before.
    """
    data, flexible = r.data, r.flexible
    head = 14 if version >= 7 else 10
    partitions: list[PartitionMetadata] = []
    last, ordered = -1, True
    for _ in range(r.length()):
        start = r.at
        known = None
        if flexible:
            try:
                at = start + head
                at += 4 * data[at] - 3
                at += 4 * data[at] - 3
                at += 4 * data[at] - 3
            except IndexError:
                at = start
            block = data[start : at + 1]
            known = seen.get(block)
        if known is not None:
            r.at = start + len(block)
        else:
            known = _partition(r, version)
            seen[data[start : r.at]] = known
        ordered = ordered and known.partition > last
        last = known.partition
        partitions.append(known)
    if not ordered:
        partitions.sort(key=attrgetter("partition"))
        if any(one.partition == next_.partition for one, next_ in pairwise(partitions)):
            raise MalformedError("a partition that is listed twice")
    return tuple(partitions)


def _partition(r: Reader, version: int) -> PartitionMetadata:
    code = r.int16()
    number = r.int32()
    if number < 0:
        raise MalformedError("a partition with a negative number")
    leader = r.int32()
    epoch = r.int32() if version >= 7 else -1
    replicas, isr = r.int32s(), r.int32s()
    if version >= 5:
        r.int32s()  # those that are offline
    r.tags()
    return PartitionMetadata(
        partition=number,
        leader=leader if leader >= 0 else None,
        leader_epoch=epoch if epoch >= 0 else None,
        replicas=replicas,
        isr=isr,
        error=KafkaError(code).name() if code else None,
    )


ABOUT_NO_TOPIC = _request((), False)
"""Only the cluster and its brokers."""
