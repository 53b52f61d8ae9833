"""Stand-ins at the seam of confluent-kafka: its own value classes, answers as the test sets them, and a
record of what was asked.

They can refuse, lose a broker and go silent; what they cannot be wrong about is how librdkafka behaves, which
is for the sandbox tests.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import (
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    ConsumerGroupType,
    KafkaError,
    KafkaException,
    Node,
)
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    BrokerMetadata,
    ClusterMetadata,
    ConfigEntry,
    ConsumerGroupDescription,
    ConsumerGroupListing,
    DescribeClusterResult,
    GroupMember,
    GroupMetadata,
    ListConsumerGroupsResult,
    ListOffsetsResultInfo,
    MemberAssignment,
    MemberDescription,
    PartitionMetadata,
    TopicDescription,
    TopicMetadata,
)
from confluent_kafka.cimpl import Uuid

NODE = Node(1, "broker-1", 9092, "rack-a")
TOPIC_ID = Uuid(1, 2)


def settled(answer: object) -> "Future[Any]":
    """A future that is done: failed when the answer is a KafkaError."""
    future: Future[Any] = Future()
    if isinstance(answer, KafkaError):
        future.set_exception(KafkaException(answer))
    else:
        future.set_result(answer)
    return future


def error(code: int, text: str = "as the test wants it") -> KafkaError:
    return KafkaError(code, text)


# --- confluent-kafka's values


def partition(
    number: int,
    leader: int = 1,
    replicas: Sequence[int] = (1,),
    isr: Sequence[int] = (1,),
    failure: object = None,
) -> Any:
    made: Any = PartitionMetadata()
    made.id, made.leader, made.replicas, made.isrs, made.error = (
        number,
        leader,
        list(replicas),
        list(isr),
        failure,
    )
    return made


def topic(name: str, *partitions: Any, failure: KafkaError | None = None) -> Any:
    made: Any = TopicMetadata()
    made.topic, made.error = name, failure
    made.partitions = {one.id: one for one in partitions}
    return made


def description(
    name: str, internal: bool = False, topic_id: Any = TOPIC_ID, partitions: Sequence[Any] = ()
) -> Any:
    return TopicDescription(name, topic_id, internal, list(partitions))


def entry(name: str, value: str | None, source: Any = 5, sensitive: bool = False) -> Any:
    """`source`: 1 on the topic, 4 in the broker's file, 5 a default."""
    return ConfigEntry(name, value, source=source, is_sensitive=sensitive)


def listed(
    name: str, kind: ConsumerGroupType | None = ConsumerGroupType.CLASSIC, simple: bool = False
) -> Any:
    return ConsumerGroupListing(name, simple, ConsumerGroupState.STABLE, kind)


def described(
    name: str,
    *members: Any,
    state: ConsumerGroupState = ConsumerGroupState.STABLE,
    kind: ConsumerGroupType = ConsumerGroupType.CLASSIC,
    coordinator: Any = NODE,
) -> Any:
    return ConsumerGroupDescription(name, False, list(members), "range", state, coordinator, type=kind)


def member(name: str, **assignment: Sequence[int]) -> Any:
    places = [Place(topic_name, number) for topic_name, numbers in assignment.items() for number in numbers]
    return MemberDescription(
        name, f"client-{name}", "/10.0.0.7", MemberAssignment(places), f"instance-{name}"
    )


def as_listed_of_old(
    name: str, state: str, protocol_type: str, *members: str, failure: KafkaError | None = None
) -> Any:
    """A group as `list_groups` gives it."""
    made: Any = GroupMetadata()
    made.id, made.state, made.protocol_type, made.error = name, state, protocol_type, failure
    made.broker = BrokerMetadata()
    made.broker.id = 1
    for member_name in members:
        one: Any = GroupMember()
        one.id, one.client_id, one.client_host = member_name, f"client-{member_name}", "/10.0.0.8"
        made.members.append(one)
    return made


def committed(topic_name: str, number: int, offset: int = -1001, failure: KafkaError | None = None) -> Any:
    """-1001 is librdkafka's "no offset". The error of a place can only be set by librdkafka, hence the
    stand-in."""
    if failure is None:
        return Place(topic_name, number, offset)
    return FailedPlace(topic_name, number, offset, failure)


class FailedPlace:
    def __init__(self, topic_name: str, number: int, offset: int, failure: KafkaError) -> None:
        self.topic, self.partition, self.offset, self.error = topic_name, number, offset, failure


# --- the clients


class FakeAdmin:
    """An AdminClient. A KafkaError in place of an answer makes that answer fail."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.topics: dict[str, Any] = {}
        self.descriptions: dict[str, Any] = {}
        self.topic_configs: dict[str, Any] = {}
        self.consumer_groups: list[Any] = []
        self.listing_errors: list[Any] = []
        self.listings_that_fail: int | None = None
        """How many of the next listings have `listing_errors`; None: all."""
        self.old_listings: list[Any] = []
        """What the old listing says, call by call; the last one holds from then on. None set: the consumer
        groups."""
        self.group_descriptions: dict[str, Any] = {}
        self.committed: dict[str, Any] = {}
        self.offsets: dict[tuple[str, int], Any] = {}
        self.coordinators: Any = error(KafkaError.UNKNOWN_TOPIC_OR_PART)
        self.held: list[Future[Any]] | None = None
        """Set to a list: answers to offsets of groups and configs are kept there until the test gives them.
        """
        self.closed = False

    def __enter__(self) -> "FakeAdmin":
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def calls(self, name: str) -> list[Any]:
        return [asked for kind, asked in self.asked if kind == name]

    def poll(self, _timeout: float) -> int:
        return 0

    def describe_cluster(self, **_options: Any) -> "Future[Any]":
        self.asked.append(("describe_cluster", None))
        return settled(DescribeClusterResult(NODE, [NODE], "cluster-1"))

    def list_topics(self, *, timeout: float) -> Any:
        self.asked.append(("list_topics", timeout))
        listing: Any = ClusterMetadata()
        listing.topics = self.topics
        return listing

    def describe_topics(self, topics: Any, **_options: Any) -> Mapping[str, "Future[Any]"]:
        self.asked.append(("describe_topics", topics.topic_names))
        answers = {"__consumer_offsets": self.coordinators, **self.descriptions}
        return {name: settled(answers.get(name, description(name))) for name in topics.topic_names}

    def describe_configs(self, resources: Sequence[Any], **_options: Any) -> Mapping[Any, "Future[Any]"]:
        self.asked.append(("describe_configs", [resource.name for resource in resources]))
        return {resource: settled(self.topic_configs.get(resource.name, {})) for resource in resources}

    def list_offsets(self, places: Mapping[Any, Any], **_options: Any) -> Mapping[Any, "Future[Any]"]:
        self.asked.append(("list_offsets", len(places)))
        answers: dict[Any, Future[Any]] = {}
        for place in places:
            answer = self.offsets.get((place.topic, place.partition), 0)
            answers[place] = settled(
                answer if isinstance(answer, KafkaError) else ListOffsetsResultInfo(answer, -1, -1)
            )
        return answers

    def list_consumer_groups(self, **_options: Any) -> "Future[Any]":
        self.asked.append(("list_consumer_groups", None))
        if self.listings_that_fail is not None:
            self.listings_that_fail -= 1
        fails = self.listings_that_fail is None or self.listings_that_fail >= 0
        return settled(ListConsumerGroupsResult(self.consumer_groups, self.listing_errors if fails else []))

    def list_groups(self, *, timeout: float) -> list[Any]:
        self.asked.append(("list_groups", timeout))
        if not self.old_listings:
            return [as_listed_of_old(group.group_id, "Stable", "consumer") for group in self.consumer_groups]
        listing: list[Any] | KafkaError = (
            self.old_listings.pop(0) if len(self.old_listings) > 1 else self.old_listings[0]
        )
        if isinstance(listing, KafkaError):
            raise KafkaException(listing)
        return listing

    def describe_consumer_groups(self, names: list[str], **_options: Any) -> Mapping[str, "Future[Any]"]:
        self.asked.append(("describe_consumer_groups", names))
        return {name: settled(self.group_descriptions.get(name, described(name))) for name in names}

    def list_consumer_group_offsets(self, groups: list[Any], **_options: Any) -> Mapping[str, "Future[Any]"]:
        name = groups[0].group_id
        self.asked.append(("list_consumer_group_offsets", name))
        answer = self.committed.get(name, [])
        if not isinstance(answer, KafkaError):
            answer = ConsumerGroupTopicPartitions(name, []) if not answer else _Commits(answer)
        if self.held is None:
            return {name: settled(answer)}
        future: Future[Any] = Future()
        self.held.append(future)

        return {name: future}


class _Commits:
    def __init__(self, places: list[Any]) -> None:
        self.topic_partitions = places


class FakeConsumer:
    """A Consumer. `ends`: earliest and latest by place; a KafkaError fails the whole call, as librdkafka does
    for one partition's error."""

    def __init__(self) -> None:
        self.asked: list[list[tuple[str, int, int]]] = []
        self.ends: dict[tuple[str, int], Any] = {}
        self.closed = False

    def poll(self, _timeout: float) -> None:
        return None

    def offsets_for_times(self, places: list[Any], *, timeout: float) -> list[Any]:
        assert timeout > 0
        self.asked.append([(place.topic, place.partition, place.offset) for place in places])
        answers = []
        for place in places:
            ends = self.ends.get((place.topic, place.partition), (0, 0))
            if isinstance(ends, KafkaError):
                raise KafkaException(ends)
            answers.append(Place(place.topic, place.partition, ends[0] if place.offset == -2 else ends[1]))
        return answers

    def close(self) -> None:
        self.closed = True
