"""Hypothesis strategies for what a document lists: topics, connectors, schemas, consumer groups; from few names, so that two
documents share resources."""

from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from mesh_assets.inventory.data_contracts import DataContract, SchemaRule
from mesh_assets.inventory.groups import CommittedOffset, ConsumerGroup, GroupMember
from mesh_assets.inventory.records import (
    Connector,
    ConnectorTask,
    ConnectorTopic,
    Partition,
    RegistryFacts,
    Schema,
    SchemaReference,
    SubjectLevel,
    Topic,
    TopicDetails,
    TopicSchema,
)
from mesh_assets.inventory.storage_records import (
    EligibleLeaders,
    LogDirectory,
    Reassignment,
    TieredPartition,
    TopicStorage,
)

_T = TypeVar("_T")
# JSON holds no lone surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
counts = st.integers(0, 2**53)
moments = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC))
names = st.sampled_from(["orders", "payments", "users", "main/orders", "a.b", "Größe \n 1"])
broker_ids = st.lists(st.integers(1, 4), unique=True, max_size=3).map(tuple)
ACTIVE = ("Stable", "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling")
_STATUSES = ("RUNNING", "PAUSED", "FAILED", "UNASSIGNED", "STOPPED", "DEGRADED")


def maybe(strategy: SearchStrategy[_T], known: bool) -> SearchStrategy[_T | None]:
    return strategy if known else st.none() | strategy


def tuples(strategy: SearchStrategy[_T], key: Any = None, *, most: int = 3) -> SearchStrategy[tuple[_T, ...]]:
    return st.lists(strategy, max_size=most, unique_by=key).map(tuple)


@cache
def partitions(*, known: bool) -> SearchStrategy[Partition]:
    return st.builds(
        Partition,
        partition=st.integers(0, 4),
        leader=st.none() | st.integers(1, 4),
        replicas=broker_ids.filter(bool) if known else broker_ids,
        isr=broker_ids,
        earliest=st.none() | counts,
        latest=st.none() | counts,
        error=st.none() | texts,
        bytes=st.none() | counts,
    )


# Only a few, made once: documents are costly to make as it is.
_MOVING = (
    Reassignment(partition=0, adding=(4,), removing=(1, 2)),
    Reassignment(partition=3, adding=(), removing=(1,)),
)
_STORAGES = (
    TopicStorage(reassignments=(), eligible_leaders=(), tiered=(), leader_bytes=0),
    TopicStorage(
        reassignments=_MOVING[:1], future_bytes=2**40, oldest_record_at=datetime(1970, 1, 1, tzinfo=UTC)
    ),
    TopicStorage(
        leader_bytes=7,
        replica_bytes=21,
        newest_record_at=datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC),
        reassignments=_MOVING,
        eligible_leaders=(EligibleLeaders(partition=1, eligible=(2, 3), last_known=()),) * 2,
        tiered=(
            TieredPartition(partition=0, earliest_local=50, latest_tiered=49),
            TieredPartition(partition=1, earliest_local=None, latest_tiered=None, error="REFUSED"),
        ),
    ),
)


@cache
def storages(*, known: bool = False) -> SearchStrategy[TopicStorage | None]:
    return st.sampled_from(_STORAGES if known else (*_STORAGES, TopicStorage(), None))


@cache
def log_directories(*, known: bool = False) -> SearchStrategy[tuple[LogDirectory, ...] | None]:
    """Known ones all belong to one broker, which always reports them."""
    offline = LogDirectory(broker=1, path="/b.c", error="KAFKA_STORAGE_ERROR")
    back = LogDirectory(broker=1, path="/b.c", replicas=3, bytes=2**40, total_bytes=2**41, usable_bytes=0)
    some = [(offline,), (back,), (LogDirectory(broker=1, path="/a", error="\n"), offline)]
    others = [None, (), (LogDirectory(broker=2, path="/a", error="KAFKA_STORAGE_ERROR"),)]
    return st.sampled_from(some if known else [*some, *others])


@cache
def topics(*, known: bool = False) -> SearchStrategy[Topic]:
    return st.builds(
        Topic,
        name=names,
        id=maybe(st.sampled_from(["id-1", "id-2"]), known),
        details=st.builds(
            TopicDetails,
            partitions=st.integers(0, 5),
            replication_factor=st.integers(0, 3),
            cleanup_policy=st.none() | texts,
            internal=st.booleans(),
            message_count=st.none() | counts,
            message_count_is=st.sampled_from(["exact_without_transactions", "upper_bound", "unknown"]),
        ),
        partitions=tuples(partitions(known=known), lambda p: p.partition),
        config=maybe(
            st.dictionaries(
                st.sampled_from(["retention.ms", "cleanup.policy"]) | texts, maybe(texts, known), max_size=3
            ),
            known,
        ),
        config_overrides=tuples(texts),
        config_error=st.none() | texts,
        error=st.none() if known else st.none() | texts,
        schema=st.builds(TopicSchema, key_subjects=tuples(names), value_subjects=tuples(names)),
        connectors=tuples(names),
        storage=storages(known=known),
    )


@cache
def connectors(*, known: bool = False) -> SearchStrategy[Connector]:
    words = st.sampled_from(_STATUSES if known else (*_STATUSES, "UNKNOWN", ""))
    config = st.dictionaries(
        st.sampled_from(["connector.class", "topics", "tasks.max"]) | texts, st.none() | texts, max_size=3
    )
    observed = st.builds(ConnectorTopic, name=names, known=st.just("observed"))
    return st.builds(
        Connector,
        name=names,
        connect=st.sampled_from(["main", "second"]),
        type=st.sampled_from(["source", "sink"] if known else ["source", "sink", "unknown"]),
        connector_class=st.none() | texts,
        status=words,
        worker_id=st.none() | texts,
        trace=st.none() | texts,
        tasks=tuples(
            st.builds(
                ConnectorTask,
                id=st.integers(0, 3),
                state=words,
                worker_id=st.none() | texts,
                trace=st.none() | texts,
            ),
            lambda task: task.id,
        ),
        config=config.filter(bool) if known else config,
        topics=st.tuples(observed)
        if known
        else tuples(observed | st.builds(ConnectorTopic, name=names, known=st.just("declared"))),
        topics_note=st.none() | texts,
        id=st.none() | texts,
    )


def levels(values: list[str], *, known: bool) -> SearchStrategy[SubjectLevel]:
    return st.builds(
        SubjectLevel,
        value=maybe(st.sampled_from(values), known),
        own=maybe(st.booleans(), known),
        read_at=st.none() | moments,
        error=st.none() | texts,
    )


@cache
def schemas(*, known: bool = False) -> SearchStrategy[Schema]:
    return st.builds(
        Schema,
        subject=names,
        version=st.integers(1, 3),
        id=st.integers(1, 5),
        schema_type=st.sampled_from(["AVRO", "JSON", "PROTOBUF"]),
        definition=texts,
        references=tuples(st.builds(SchemaReference, name=names, subject=names, version=st.integers(1, 3))),
        compatibility=levels(["BACKWARD", "FULL", "NONE"], known=known),
        mode=levels(["READWRITE", "READONLY"], known=known),
        naming_strategy=st.sampled_from(["topic", "record", "topic_record", "unknown"]),
        record_name=st.none() | texts,
        contract=contracts if known else st.none() | contracts,
    )


contracts = st.builds(
    DataContract,
    properties=st.dictionaries(texts, texts, max_size=2),
    tags=st.dictionaries(texts, tuples(texts), max_size=2),
    rules=tuples(
        st.builds(
            SchemaRule,
            phase=st.sampled_from(["migration", "domain", "encoding"]),
            name=names,
            expr=st.none() | texts,
        )
    ),
)


@cache
def registries(*, known: bool = False) -> SearchStrategy[RegistryFacts | None]:
    facts = st.builds(
        RegistryFacts,
        compatibility=maybe(st.sampled_from(["BACKWARD", "FULL"]), known),
        mode=maybe(st.sampled_from(["READWRITE", "READONLY"]), known),
        contexts=tuples(texts),
    )
    return maybe(facts, known)


members = st.builds(
    GroupMember,
    member_id=texts,
    client_id=texts,
    host=texts,
    group_instance_id=st.none() | texts,
    assignment=st.dictionaries(names, st.just((0,)), max_size=2),
)
committed_offsets = st.builds(
    CommittedOffset,
    topic=names,
    partition=st.integers(0, 3),
    committed=st.none() | counts,
    end=st.none() | counts,
    lag_records=st.none() | counts,
)


@cache
def consumer_groups(*, known: bool = False) -> SearchStrategy[ConsumerGroup]:
    """Known ones are not rebalancing: in a rebalance the topics of a group without offsets are unknown."""
    states = ["Stable", "Empty", "Dead"] if known else ["Empty", "Dead", "Unknown", "", *ACTIVE]
    return st.builds(
        ConsumerGroup,
        group_id=names | st.just("console-consumer-4711"),
        type=st.sampled_from(["classic", "consumer"] if known else ["classic", "share", "unknown"]),
        protocol_type=st.none() | texts,
        state=st.sampled_from(states),
        coordinator=st.none() | st.integers(1, 4),
        members=maybe(tuples(members, most=2), known),
        offsets=maybe(tuples(committed_offsets, lambda one: (one.topic, one.partition)), known),
        topics=tuples(names),
        total_lag_records=st.none() | counts,
        error=st.none() if known else st.none() | texts,
    )
