"""What the user may do with the cluster, its topics and groups, and whether a topic or group exists at all.

The brokers report authorized operations (KIP-430) when asked. Reading them changes and creates nothing.
Measured with Kafka 4.3.1 (StandardAuthorizer, SASL/PLAIN):

- A broker without an authorizer reports every operation, and so does one to a super user: the two look the
  same. (DescribeAcls would differ, but librdkafka 2.16 drops its SECURITY_DISABLED and its refusals and
  returns an empty list.)
- Without DESCRIBE on the cluster the brokers report none of its operations, CREATE included. confluent-kafka
  then gives None, as it does for brokers before 2.3, which report none at all.
- A topic without DESCRIBE is not listed; by name it is refused whether it exists or not. So a made-up name is
  "unknown" only to a user who sees every topic.
- Without DESCRIBE on the cluster the list of groups silently holds only those that the user may describe.
- Describing a group makes the broker create `__consumer_offsets` if it does not exist yet, so only listed
  groups are described. (`describe_topics` creates nothing, whatever `auto.create.topics.enable` says;
  `list_topics(name)` would.)
- Whether a topic may be created, only a dry run of creating it says (`validate_only`): the right can come from the
  cluster, from the topic's name or prefix, and policies have a say.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from sys import intern
from typing import Any, Literal
from uuid import uuid4

from confluent_kafka import KafkaError, TopicCollection

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.platforms import Presence
from mesh_assets.platforms.kafka import admin_api
from mesh_assets.platforms.kafka.admin_api import (
    ConsumerGroupDescription,
    DescribeClusterResult,
    TopicDescription,
)
from mesh_assets.platforms.kafka.errors import AUTHENTICATION, AUTHORIZATION, NO_ANSWER
from mesh_assets.platforms.kafka.group_listing import DEAD, list_groups, state_name
from mesh_assets.platforms.kafka.session import Deadline, Session, in_chunks, outcome
from mesh_assets.platforms.kafka.values import Value

NAMES_A_CALL = 500
CALLS_IN_FLIGHT = 4

Operations = frozenset[str]
"""By Kafka's names: READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS,
ALTER_CONFIGS, IDEMPOTENT_WRITE."""

EVERY_CLUSTER_OPERATION: Operations = frozenset(
    {"CREATE", "ALTER", "DESCRIBE", "CLUSTER_ACTION", "DESCRIBE_CONFIGS", "ALTER_CONFIGS", "IDEMPOTENT_WRITE"}
)
EVERY_TOPIC_OPERATION: Operations = frozenset(
    {"READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"}
)

_ABSENT = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._NOENT,
        KafkaError.GROUP_ID_NOT_FOUND,
    }
)
_TOPICS = "asking for the rights on the topics"
_CREATING = "asking whether the topics of the events may be created"
_GROUPS = "asking for the rights on the consumer groups"


class ResourceRights(Value, frozen=True, kw_only=True):
    """What the user may do with one topic or group.

    state: `here` (described), `absent`, or `refused` (no DESCRIBE, so it may or may not exist). operations:
    None when it was not described or the brokers do not report them.
    """

    state: Literal["here", "absent", "refused"]
    operations: Operations | None = None


class ClusterRights(Value, frozen=True, kw_only=True):
    """The cluster as the user sees it. `operations` None: none, or not reported. `topics`: the visible ones,
    sorted."""

    cluster_id: str | None
    brokers: int
    operations: Operations | None
    topics: tuple[str, ...]


class GroupsRights(Value, frozen=True, kw_only=True):
    """The visible groups. `excluded`: visible but not selected. `every_group_is_visible` None: unknown."""

    groups: dict[str, ResourceRights]
    excluded: int
    every_group_is_visible: bool | None


def read_cluster_rights(session: Session, deadline: Deadline) -> ClusterRights:
    """The user's rights on the cluster and the topics that the user sees; connects first.

    Raises UnreachableError, RefusedError or UnexpectedAnswerError.
    """
    session.connect()
    cluster: DescribeClusterResult = session.one(
        lambda: session.start(
            "describe_cluster",
            session.admin.describe_cluster,
            include_authorized_operations=True,
            request_timeout=deadline.call_seconds,
        ),
        doing="asking for the rights on the cluster",
        right="DESCRIBE on the cluster",
    )
    # All topics: asked for one by name, a broker with auto.create.topics.enable would create it.
    listing: admin_api.ClusterMetadata = session.one(
        lambda: session.start_blocking(
            "list_topics", session.admin.list_topics, timeout=deadline.call_seconds
        ),
        doing="listing the topics",
        right="DESCRIBE on the topics",
    )
    return ClusterRights(
        cluster_id=cluster.cluster_id or listing.cluster_id,
        brokers=len(cluster.nodes),
        operations=_operations(cluster.authorized_operations),
        topics=tuple(sorted(listing.topics)),
    )


def read_topic_rights(
    session: Session, names: Iterable[str], deadline: Deadline
) -> dict[str, ResourceRights]:
    """The user's rights on each of the topics. Raises PlatformError when the brokers could not be asked."""

    def describe(chunk: list[str]) -> Mapping[str, Future[TopicDescription]]:
        return session.start(
            "describe_topics",
            session.admin.describe_topics,
            TopicCollection(chunk),
            include_authorized_operations=True,
            request_timeout=deadline.call_seconds,
        )

    return _read(session, names, describe, deadline, doing=_TOPICS, right="DESCRIBE on the topics")


def every_topic_is_visible(session: Session, deadline: Deadline) -> bool:
    """Whether the user may describe topics of any name; if not, some may be hidden. Misses a DENY on single
    topics.

    Raises PlatformError when the brokers could not be asked.
    """
    name = uuid4().hex
    return read_topic_rights(session, [name], deadline)[name].state != "refused"


def read_creation(
    session: Session,
    topics: Mapping[str, Mapping[str, str]],
    deadline: Deadline,
    *,
    replication_factor: int | None,
) -> dict[str, KafkaError | None]:
    """Why each topic that is absent could not be created with one partition and these configs; None: it could.

    A dry run, which creates nothing. Raises UnreachableError or RefusedError when nobody answered.
    """
    news = [
        admin_api.NewTopic(
            name, num_partitions=1, replication_factor=replication_factor or -1, config=dict(config)
        )
        for name, config in topics.items()
    ]
    found: dict[str, KafkaError | None] = {}
    for _, answers in session.run(
        [
            (
                None,
                lambda: session.start(
                    "create_topics",
                    session.admin.create_topics,
                    news,
                    validate_only=True,
                    request_timeout=deadline.call_seconds,
                ),
            )
        ],
        window=1,
        deadline=deadline,
        doing=_CREATING,
    ):
        for name, future in answers.items():
            answer = outcome(future)
            refusal = answer if isinstance(answer, KafkaError) else None
            if refusal is not None and refusal.code() in NO_ANSWER | AUTHENTICATION:
                raise session.failed(refusal, doing=_CREATING, right="CREATE on the topic")
            exists = refusal is not None and refusal.code() == KafkaError.TOPIC_ALREADY_EXISTS
            found[name] = None if exists else refusal  # somebody else has created it meanwhile
    return found


def read_groups_rights(
    session: Session, selects: Callable[[str], bool], deadline: Deadline, *, list_is_complete: bool | None
) -> GroupsRights:
    """The user's rights on each selected group. `list_is_complete`: True with DESCRIBE on the cluster.

    Raises PlatformError when the groups could not be listed, also when some of them could not.
    """
    listing = list_groups(session, deadline)
    if listing.unlisted is not None:
        raise UnexpectedAnswerError(listing.unlisted.reason)
    selected = sorted(name for name in listing.consumers if selects(name))
    others = {name: group for name, group in listing.others.items() if selects(name)}

    def describe(chunk: list[str]) -> Mapping[str, Future[ConsumerGroupDescription]]:
        return session.start(
            "describe_consumer_groups",
            session.admin.describe_consumer_groups,
            chunk,
            include_authorized_operations=True,
            request_timeout=deadline.call_seconds,
        )

    def read(names: Iterable[str]) -> dict[str, ResourceRights]:
        return _read(session, names, describe, deadline, doing=_GROUPS, right="DESCRIBE on the groups")

    groups = {name: rights for name, rights in read(selected).items() if rights.state != "absent"}
    for name, group in others.items():
        # Other kinds than this call describes (Connect's workers, share groups), which the older listing
        # described.
        refused = group.error is not None and group.error.code() in AUTHORIZATION
        if refused or (group.error is None and group.state != DEAD):
            groups[name] = ResourceRights(state="refused" if refused else "here")
    visible = list_is_complete
    if not visible and (listing.consumers or listing.others):
        # A made-up name is refused unless the user may describe any group.
        name = uuid4().hex
        visible = read([name])[name].state != "refused"
    return GroupsRights(
        groups=dict(sorted(groups.items())),
        excluded=len(listing.consumers) + len(listing.others) - len(selected) - len(others),
        every_group_is_visible=visible,
    )


def _read(
    session: Session,
    names: Iterable[str],
    describe: Callable[[list[str]], Mapping[str, Future[Any]]],
    deadline: Deadline,
    *,
    doing: str,
    right: str,
) -> dict[str, ResourceRights]:
    def call(chunk: list[str]) -> Callable[[], Mapping[str, Future[Any]]]:
        return lambda: describe(chunk)

    rights: dict[str, ResourceRights] = {}
    calls = ((None, call(chunk)) for chunk in in_chunks(sorted(set(names)), NAMES_A_CALL))
    for _, answers in session.run(calls, window=CALLS_IN_FLIGHT, deadline=deadline, doing=doing):
        for name, future in answers.items():
            answer = outcome(future)
            if not isinstance(answer, KafkaError):
                rights[name] = ResourceRights(
                    state="here", operations=_operations(answer.authorized_operations)
                )
            elif answer.code() in AUTHORIZATION:
                rights[name] = ResourceRights(state="refused")
            elif answer.code() in _ABSENT:
                rights[name] = ResourceRights(state="absent")
            else:
                raise session.failed(answer, doing=doing, right=right)
    return dict(sorted(rights.items()))


def _operations(reported: Iterable[Any] | None) -> Operations | None:
    return None if reported is None else frozenset(intern(operation.name) for operation in reported)


# Kafka silently leaves out of its lists what the user may not describe; asked by name it answers "not
# authorized".

_ASKING_BY_NAME = "asking for consumer groups by name"
_OF_STATE: dict[str, Presence] = {"here": "here", "absent": "gone", "refused": "refused"}


def topic_presence(session: Session, names: Sequence[str]) -> dict[str, Presence]:
    """Whether each of these topics exists, whatever the list says; one call. Raises PlatformError."""
    rights = read_topic_rights(session, names, Deadline(session.timeout_seconds))
    return {name: _OF_STATE[rights[name].state] for name in names}


def group_presence(session: Session, names: Sequence[str]) -> dict[str, Presence]:
    """Whether each of these groups, which existed once, still does, whatever the list says; one call.

    A deleted group is described as dead before Kafka 4.0 and not found since. Only for groups that existed,
    because describing one creates `__consumer_offsets` if there is none yet. Raises PlatformError.
    """
    deadline = Deadline(session.timeout_seconds)

    def call() -> Mapping[str, Future[ConsumerGroupDescription]]:
        return session.start(
            "describe_consumer_groups",
            session.admin.describe_consumer_groups,
            list(names),
            request_timeout=deadline.call_seconds,
        )

    calls: list[tuple[None, Callable[[], Mapping[str, Future[ConsumerGroupDescription]]]]] = (
        [(None, call)] if names else []
    )
    found: dict[str, Presence] = {}
    for _, answers in session.run(calls, window=1, deadline=deadline, doing=_ASKING_BY_NAME):
        for name, future in answers.items():
            answer = outcome(future)
            if not isinstance(answer, KafkaError):
                found[name] = "gone" if state_name(answer.state) == DEAD else "here"
            elif answer.code() in AUTHORIZATION:
                found[name] = "refused"
            elif answer.code() == KafkaError.GROUP_ID_NOT_FOUND:
                found[name] = "gone"
            elif answer.code() == KafkaError.INVALID_GROUP_ID:
                found[name] = "unaskable"  # the empty name, under which some clients commit
            else:
                raise session.failed(answer, doing=_ASKING_BY_NAME, right="DESCRIBE on the groups")
    return found
