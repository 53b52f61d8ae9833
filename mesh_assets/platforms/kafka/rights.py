"""What the user may do with the cluster, its topics and groups, and whether a topic could be created.

The brokers report authorized operations (KIP-430) when asked. Reading them changes and creates nothing.
Measured with Kafka 4.3.1 (StandardAuthorizer, SASL/PLAIN):

- A broker without an authorizer reports every operation, and so does any broker for a super user: the two
look the same. (DescribeAcls would tell them apart, for users who may describe the cluster; we do not ask.)
- Without DESCRIBE on the cluster, the brokers report none of its operations, not even CREATE. Brokers before
2.3 report no operations at all.
- A topic without DESCRIBE is not listed; by name, it is refused whether it exists or not. So a made-up name
is "unknown" only to a user who sees every topic.
- Without DESCRIBE on the cluster the list of groups silently holds only those that the user may describe.
- Asking for a group by name makes the broker create `__consumer_offsets` if it does not exist yet, so we do
it only if groups are listed.
- Only a dry run of creating a topic (`validate_only`) shows whether it may be created: the right can come
from the cluster or from the topic's name or prefix, and policies have a say.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from sys import intern
from typing import Literal
from uuid import uuid4

from confluent_kafka import KafkaError

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.platforms.kafka.errors import AUTHENTICATION, AUTHORIZATION, NO_ANSWER, Endpoint
from mesh_assets.platforms.kafka.values import Value
from mesh_assets.platforms.kafka.wire.coordinators import Coordinators
from mesh_assets.platforms.kafka.wire.described_cluster import DESCRIBED_CLUSTER
from mesh_assets.platforms.kafka.wire.forms import (
    BrokerError,
    Connections,
    MalformedError,
    Reader,
    Request,
    UnsupportedError,
    Writer,
    together,
)
from mesh_assets.platforms.kafka.wire.group_requests import Described, Failure, describe_classic_groups
from mesh_assets.platforms.kafka.wire.groups import DESCRIPTIONS, existing, is_gone
from mesh_assets.platforms.kafka.wire.named_groups import group_presence
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets.platforms.kafka.wire.topics import list_topics
from mesh_assets.platforms.kafka.wire.transactions import LIST_RIGHT, ids_are_hidden

Operations = frozenset[str]
"""By Kafka's names: READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS,
ALTER_CONFIGS, IDEMPOTENT_WRITE."""

EVERY_CLUSTER_OPERATION: Operations = frozenset(
    {"CREATE", "ALTER", "DESCRIBE", "CLUSTER_ACTION", "DESCRIBE_CONFIGS", "ALTER_CONFIGS", "IDEMPOTENT_WRITE"}
)
EVERY_TOPIC_OPERATION: Operations = frozenset(
    {"READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"}
)

_CLUSTER = "asking for the rights on the cluster"
_TOPICS = "asking for the rights on the topics"
_GROUPS = "asking for the rights on the consumer groups"
_CREATING = "asking whether the topics of the events may be created"
_DESCRIBE_CLUSTER = "DESCRIBE on the cluster"
_DESCRIBE_TOPICS = "DESCRIBE on the topics"
_DESCRIBE_GROUPS = "DESCRIBE on the groups"
_CREATE = "CREATE on the topic"

_ATTEMPTS = 5
_PAUSE_SECONDS = 0.1


class ResourceRights(Value, frozen=True, kw_only=True):
    """What the user may do with one topic or group.

    state: `here` (described), `absent`, or `refused` (no DESCRIBE, so it may or may not exist). operations:
    None when it was not described or the brokers do not report them.
    """

    state: Literal["here", "absent", "refused"]
    operations: Operations | None = None


class ClusterRights(Value, frozen=True, kw_only=True):
    """The cluster as the user sees it. `operations`: those on the cluster itself; None: the brokers do not
    report them. `topics`: the visible ones, sorted."""

    cluster_id: str | None
    brokers: int
    operations: Operations | None
    topics: tuple[str, ...]


class GroupsRights(Value, frozen=True, kw_only=True):
    """The visible groups. `excluded`: visible but not selected. `every_group_is_visible` None: unknown."""

    groups: dict[str, ResourceRights]
    excluded: int
    every_group_is_visible: bool | None


# --- the cluster and its topics


def read_cluster_rights(cluster: RunningCluster) -> ClusterRights:
    """The user's rights on the cluster and the topics that the user sees; connects first.

    Raises UnreachableError, RefusedError or UnexpectedAnswerError.
    """
    return cluster.run(_cluster_rights, doing=_CLUSTER, right=_DESCRIBE_CLUSTER)


async def _cluster_rights(connections: Connections) -> ClusterRights:
    # Metadata also reports the rights on the cluster until DescribeCluster does (Kafka 2.8), and also asking
    # for those on all topics would be much work for nothing.
    described = await connections.version(DESCRIBED_CLUSTER) is not None
    listed = await list_topics(connections, None, rights=not described)
    operations = listed.operations
    if described:
        told = await connections.ask(DESCRIBED_CLUSTER)
        if isinstance(told, BrokerError):
            raise told
        operations = told.operations
    return ClusterRights(
        cluster_id=listed.cluster_id,
        brokers=len(listed.brokers),
        operations=_named(operations),
        topics=tuple(
            sorted(
                name
                for name in listed.topics
                if listed.codes.get(name) != KafkaError.UNKNOWN_TOPIC_OR_PART  # gone meanwhile
            )
        ),
    )


def read_topic_rights(cluster: RunningCluster, names: Iterable[str]) -> dict[str, ResourceRights]:
    """The user's rights on each of the topics. Raises PlatformError when the brokers could not be asked."""
    asked = frozenset(names)
    if not asked:
        return {}
    return cluster.run(partial(_topic_rights, names=asked), doing=_TOPICS, right=_DESCRIBE_TOPICS)


async def _topic_rights(connections: Connections, *, names: Collection[str]) -> dict[str, ResourceRights]:
    listed = await list_topics(connections, names, rights=True)
    rights: dict[str, ResourceRights] = {}
    for name in sorted(names):
        code = listed.codes.get(name, 0)
        if code in (0, KafkaError.LEADER_NOT_AVAILABLE):
            rights[name] = ResourceRights(state="here", operations=_named(listed.rights.get(name)))
        elif code in AUTHORIZATION:
            rights[name] = ResourceRights(state="refused")
        elif code == KafkaError.UNKNOWN_TOPIC_OR_PART:
            rights[name] = ResourceRights(state="absent")
        else:
            raise BrokerError(code)
    return rights


def every_topic_is_visible(cluster: RunningCluster) -> bool:
    """Whether the user may describe topics of any name; if not, some may be hidden. Misses a DENY on single
    topics.

    Raises PlatformError when the brokers could not be asked.
    """
    made_up = uuid4().hex
    return read_topic_rights(cluster, [made_up])[made_up].state != "refused"


async def _transactional_ids_are_hidden(connections: Connections) -> bool | None:
    [first, *_] = await connections.brokers()
    try:
        return await ids_are_hidden(connections, first.id)
    except UnsupportedError:
        return None


def transactional_ids_are_hidden(cluster: RunningCluster) -> bool | None:
    """Whether some transactional ids may be hidden from the user; None: these brokers (before Kafka 3.0) do
    not list them for anyone. Raises PlatformError when the brokers could not be asked."""
    return cluster.run(
        _transactional_ids_are_hidden, doing="asking for the rights on transactional ids", right=LIST_RIGHT
    )


# --- groups


def read_groups_rights(
    cluster: RunningCluster, selects: Callable[[str], bool], *, list_is_complete: bool | None
) -> GroupsRights:
    """The user's rights on each selected group of any kind. `list_is_complete`: True with DESCRIBE on the cluster.

    Raises PlatformError when the groups could not be listed, even if only some could not.
    """
    read = partial(
        _groups_rights,
        selects=selects,
        list_is_complete=list_is_complete,
        endpoint=cluster.endpoint,
        timeout_seconds=cluster.timeout_seconds,
    )
    return cluster.run(read, doing=_GROUPS, right=_DESCRIBE_GROUPS)


async def _groups_rights(
    connections: Connections,
    *,
    selects: Callable[[str], bool],
    list_is_complete: bool | None,
    endpoint: Endpoint,
    timeout_seconds: float,
) -> GroupsRights:
    coordinators = Coordinators(connections, endpoint, timeout_seconds)
    listing = await coordinators.list_groups()
    if listing.unlisted is not None:
        raise UnexpectedAnswerError(listing.unlisted.reason)
    selected = {name: group for name, group in listing.groups.items() if selects(name)}
    by_kind: dict[str, dict[str, int]] = {}
    for name, group in selected.items():
        by_kind.setdefault(group.listed.type, {})[name] = group.coordinator
    answers: dict[str, Described | Failure] = {}
    for part in await together(
        coordinators.ask(names, partial(DESCRIPTIONS.get(kind, describe_classic_groups), rights=True))
        for kind, names in by_kind.items()
    ):
        answers |= part
    groups: dict[str, ResourceRights] = {}
    for name, answer in sorted((name, existing(one)) for name, one in answers.items()):
        if isinstance(answer, Described):
            groups[name] = ResourceRights(state="here", operations=_named(answer.rights))
        elif answer.code in AUTHORIZATION:
            groups[name] = ResourceRights(state="refused")
        elif answer.code in (KafkaError.UNSUPPORTED_VERSION, KafkaError.INVALID_GROUP_ID):
            groups[name] = ResourceRights(state="here")  # listed, but nothing describes it
        elif not is_gone(answer):
            raise coordinators.failed(answer, doing=_GROUPS, right=_DESCRIBE_GROUPS)
    visible = list_is_complete
    if not visible and listing.groups:
        # A made-up name is refused unless the user may describe any group.
        made_up = uuid4().hex
        visible = (
            await group_presence(connections, [made_up], endpoint=endpoint, timeout_seconds=timeout_seconds)
        )[made_up] != "refused"
    return GroupsRights(
        groups=groups, excluded=len(listing.groups) - len(selected), every_group_is_visible=visible
    )


# --- topics that are still to be created


def read_creation(
    cluster: RunningCluster, topics: Mapping[str, Mapping[str, str]], *, replication_factor: int | None
) -> dict[str, KafkaError | None]:
    """Why each topic that is absent could not be created with one partition and these configs; None: it could.

    A dry run, which creates nothing. Raises UnreachableError or RefusedError when nobody answered.
    """
    if not topics:
        return {}
    request = _dry_run(topics, replication_factor or _THE_BROKERS_DEFAULT, cluster.timeout_seconds)
    return cluster.run(partial(_creation, request=request), doing=_CREATING, right=_CREATE)


async def _creation(
    connections: Connections, *, request: Request[dict[str, KafkaError | None]]
) -> dict[str, KafkaError | None]:
    """Asks the controller; with KRaft, any broker, which forwards it."""
    for attempt in range(1, _ATTEMPTS + 1):
        controller = (await list_topics(connections, ())).controller
        refusals = await connections.ask(request, broker=controller)
        moved = any(
            refusal is not None and refusal.code() == KafkaError.NOT_CONTROLLER
            for refusal in refusals.values()
        )
        if not moved or attempt == _ATTEMPTS:
            break
        await asyncio.sleep(_PAUSE_SECONDS * attempt)
    for name, refusal in refusals.items():
        if refusal is None:
            continue
        if refusal.code() in _SAYS_NOTHING_OF_THE_TOPIC:
            raise BrokerError(refusal.code(), refusal.str())
        if refusal.code() == KafkaError.TOPIC_ALREADY_EXISTS:  # somebody else has created it meanwhile
            refusals[name] = None
    return refusals


_SAYS_NOTHING_OF_THE_TOPIC = NO_ANSWER | AUTHENTICATION | {KafkaError.NOT_CONTROLLER}
_THE_BROKERS_DEFAULT = -1


# --- what goes over the wire

# The bits of Kafka's answers are numbered as its AclOperation is.
_OPERATIONS = {
    3: "READ",
    4: "WRITE",
    5: "CREATE",
    6: "DELETE",
    7: "ALTER",
    8: "DESCRIBE",
    9: "CLUSTER_ACTION",
    10: "DESCRIBE_CONFIGS",
    11: "ALTER_CONFIGS",
    12: "IDEMPOTENT_WRITE",
}


def _named(operations: int | None) -> Operations | None:
    if operations is None:
        return None
    return frozenset(intern(name) for bit, name in _OPERATIONS.items() if operations >> bit & 1)


def _dry_run(
    topics: Mapping[str, Mapping[str, str]], replication_factor: int, timeout_seconds: float
) -> Request[dict[str, KafkaError | None]]:
    """A CreateTopics that creates nothing. Before version 4 (Kafka 2.4), brokers refuse a replication factor of -1."""

    def config(w: Writer, name: str, value: str) -> None:
        w.text(name)
        w.text(value)
        w.tags()

    def write(w: Writer, _version: int) -> None:
        w.count(len(topics))
        for name, configs in topics.items():
            w.text(name)
            w.int32(1)  # partitions
            w.int16(replication_factor)
            w.count(0)  # their brokers: whichever the cluster chooses
            w.array(sorted(configs.items()), lambda pair: config(w, *pair))
            w.tags()
        w.int32(int(timeout_seconds * 1000))
        w.boolean(True)  # validate only
        w.tags()

    def read(r: Reader, version: int) -> dict[str, KafkaError | None]:
        r.throttle()
        refusals: dict[str, KafkaError | None] = {}
        for _ in range(r.length()):
            name = r.text()
            if version >= 7:
                r.uuid()
            code, said = r.int16(), r.nullable_text()
            if version >= 5:
                r.int32(), r.int16()  # partitions and replicas
                for _ in range(r.count()):
                    r.text(), r.nullable_text(), r.boolean(), r.int8(), r.boolean()
                    r.tags()
            r.tags()
            if name not in topics or name in refusals:
                raise MalformedError("an answer to CreateTopics about another topic, or about one twice")
            refusals[name] = Failure(code, said or "").error() if code else None
        r.tags()
        if len(refusals) < len(topics):
            raise MalformedError("an answer to CreateTopics that leaves out a topic")
        return refusals

    return Request("CreateTopics", 19, 2, 7, 5, write, read)
