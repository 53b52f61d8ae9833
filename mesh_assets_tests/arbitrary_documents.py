"""Hypothesis strategies of arbitrary documents of one cluster, from few names, so that two of them have
resources in common."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar, cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec.structs import replace

from mesh_assets.diff.access import acl_name, quota_name
from mesh_assets.diff.transactions import transaction_name
from mesh_assets.inventory.access_records import Access, Acl, ClientQuota, ScramCredential, ScramUser
from mesh_assets.inventory.broker_records import (
    BrokerConfig,
    BrokerConfigs,
    Brokers,
    ClusterBroker,
    Feature,
    Features,
    Quorum,
    QuorumReplica,
)
from mesh_assets.inventory.cluster_link_records import ClusterLink, ClusterLinks, LinkTask, MirrorTopic
from mesh_assets.inventory.data_contracts import DataContract, SchemaRule
from mesh_assets.inventory.document import Document
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
from mesh_assets.inventory.sections import SECTION_NAMES
from mesh_assets.inventory.storage_records import (
    EligibleLeaders,
    LogDirectory,
    Reassignment,
    TieredPartition,
    TopicStorage,
)
from mesh_assets.inventory.transaction_records import OpenTransaction, Transactions
from mesh_assets_tests.documents import FRESH, NEVER_READ, NOT_CONFIGURED, STALE, a_document

_T = TypeVar("_T")

# A document takes as long to make as twenty other values, and to shrink: half as many examples do, and `make test-long` tries
# ten times as many. Time is not what these properties are about: the machine may be busy.
property_of_documents = settings(
    deadline=None,
    max_examples=settings().max_examples // 2,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)

# JSON holds no lone surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
counts = st.integers(0, 2**53)
moments = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC))
names = st.sampled_from(["orders", "payments", "users", "main/orders", "a.b", "Größe \n 1"])
_brokers = st.lists(st.integers(1, 4), unique=True, max_size=3).map(tuple)
_ACTIVE = ("Stable", "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling")
_STATUSES = ("RUNNING", "PAUSED", "FAILED", "UNASSIGNED", "STOPPED", "DEGRADED")


def _maybe(strategy: SearchStrategy[_T], known: bool) -> SearchStrategy[_T | None]:
    return strategy if known else st.none() | strategy


def _tuples(
    strategy: SearchStrategy[_T], key: Any = None, *, most: int = 3
) -> SearchStrategy[tuple[_T, ...]]:
    return st.lists(strategy, max_size=most, unique_by=key).map(tuple)


def partitions(*, known: bool) -> SearchStrategy[Partition]:
    return st.builds(
        Partition,
        partition=st.integers(0, 4),
        leader=st.none() | st.integers(1, 4),
        replicas=_brokers.filter(bool) if known else _brokers,
        isr=_brokers,
        earliest=st.none() | counts,
        latest=st.none() | counts,
        error=st.none() | texts,
        bytes=st.none() | counts,
    )


# Few of them, made once: documents are costly to make as it is.
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


def storages(*, known: bool = False) -> SearchStrategy[TopicStorage | None]:
    return st.sampled_from(_STORAGES if known else (*_STORAGES, TopicStorage(), None))


def log_directories(*, known: bool = False) -> SearchStrategy[tuple[LogDirectory, ...] | None]:
    """Known ones are all of one broker, which always tells."""
    offline = LogDirectory(broker=1, path="/b.c", error="KAFKA_STORAGE_ERROR")
    back = LogDirectory(broker=1, path="/b.c", replicas=3, bytes=2**40, total_bytes=2**41, usable_bytes=0)
    some = [(offline,), (back,), (LogDirectory(broker=1, path="/a", error="\n"), offline)]
    others = [None, (), (LogDirectory(broker=2, path="/a", error="KAFKA_STORAGE_ERROR"),)]
    return st.sampled_from(some if known else [*some, *others])


def topics(*, known: bool = False) -> SearchStrategy[Topic]:
    return st.builds(
        Topic,
        name=names,
        id=_maybe(st.sampled_from(["id-1", "id-2"]), known),
        details=st.builds(
            TopicDetails,
            partitions=st.integers(0, 5),
            replication_factor=st.integers(0, 3),
            cleanup_policy=st.none() | texts,
            internal=st.booleans(),
            message_count=st.none() | counts,
            message_count_is=st.sampled_from(["exact_without_transactions", "upper_bound", "unknown"]),
        ),
        partitions=_tuples(partitions(known=known), lambda p: p.partition),
        config=_maybe(
            st.dictionaries(
                st.sampled_from(["retention.ms", "cleanup.policy"]) | texts, _maybe(texts, known), max_size=3
            ),
            known,
        ),
        config_overrides=_tuples(texts),
        config_error=st.none() | texts,
        error=st.none() if known else st.none() | texts,
        schema=st.builds(TopicSchema, key_subjects=_tuples(names), value_subjects=_tuples(names)),
        connectors=_tuples(names),
        storage=storages(known=known),
    )


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
        tasks=_tuples(
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
        else _tuples(observed | st.builds(ConnectorTopic, name=names, known=st.just("declared"))),
        topics_note=st.none() | texts,
        id=st.none() | texts,
    )


def levels(values: list[str], *, known: bool) -> SearchStrategy[SubjectLevel]:
    return st.builds(
        SubjectLevel,
        value=_maybe(st.sampled_from(values), known),
        own=_maybe(st.booleans(), known),
        read_at=st.none() | moments,
        error=st.none() | texts,
    )


def schemas(*, known: bool = False) -> SearchStrategy[Schema]:
    return st.builds(
        Schema,
        subject=names,
        version=st.integers(1, 3),
        id=st.integers(1, 5),
        schema_type=st.sampled_from(["AVRO", "JSON", "PROTOBUF"]),
        definition=texts,
        references=_tuples(st.builds(SchemaReference, name=names, subject=names, version=st.integers(1, 3))),
        compatibility=levels(["BACKWARD", "FULL", "NONE"], known=known),
        mode=levels(["READWRITE", "READONLY"], known=known),
        naming_strategy=st.sampled_from(["topic", "record", "topic_record", "unknown"]),
        record_name=st.none() | texts,
        contract=contracts if known else st.none() | contracts,
    )


contracts = st.builds(
    DataContract,
    properties=st.dictionaries(texts, texts, max_size=2),
    tags=st.dictionaries(texts, _tuples(texts), max_size=2),
    rules=_tuples(
        st.builds(
            SchemaRule,
            phase=st.sampled_from(["migration", "domain", "encoding"]),
            name=names,
            expr=st.none() | texts,
        )
    ),
)


def registries(*, known: bool = False) -> SearchStrategy[RegistryFacts | None]:
    facts = st.builds(
        RegistryFacts,
        compatibility=_maybe(st.sampled_from(["BACKWARD", "FULL"]), known),
        mode=_maybe(st.sampled_from(["READWRITE", "READONLY"]), known),
        contexts=_tuples(texts),
    )
    return _maybe(facts, known)


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


def consumer_groups(*, known: bool = False) -> SearchStrategy[ConsumerGroup]:
    """Known ones are not rebalancing: in a rebalance the topics of a group without offsets are unknown."""
    states = ["Stable", "Empty", "Dead"] if known else ["Empty", "Dead", "Unknown", "", *_ACTIVE]
    return st.builds(
        ConsumerGroup,
        group_id=names | st.just("console-consumer-4711"),
        type=st.sampled_from(["classic", "consumer"] if known else ["classic", "share", "unknown"]),
        protocol_type=st.none() | texts,
        state=st.sampled_from(states),
        coordinator=st.none() | st.integers(1, 4),
        members=_maybe(_tuples(members, most=2), known),
        offsets=_maybe(_tuples(committed_offsets), known),
        topics=_tuples(names),
        total_lag_records=st.none() | counts,
        error=st.none() if known else st.none() | texts,
    )


section_states = st.sampled_from([FRESH, STALE, NEVER_READ, NOT_CONFIGURED])


def brokers(*, known: bool = False) -> SearchStrategy[Brokers]:
    """Without values that Kafka hides where all is known; one of two configs can differ between brokers."""
    numbers = st.lists(st.integers(1, 4), unique=True, min_size=1, max_size=3).map(sorted)
    return numbers.flatmap(
        lambda ids: st.builds(
            Brokers,
            brokers=st.tuples(
                *(
                    st.builds(
                        ClusterBroker,
                        id=st.just(number),
                        host=texts,
                        port=st.integers(1, 65_535),
                        rack=st.none() | texts,
                        fenced=_maybe(st.booleans(), known),
                    )
                    for number in ids
                )
            ),
            controller=st.none() | st.sampled_from(ids),
            configs=_maybe(_broker_configs(tuple(ids)), known),
            features=_maybe(_features, known),
            quorum=_maybe(_quorums, known),
        )
    )


def _broker_configs(ids: tuple[int, ...]) -> SearchStrategy[BrokerConfigs]:
    def entries(name: str) -> SearchStrategy[list[BrokerConfig]]:
        """A value of each broker; those that are the same are told once."""
        values = st.tuples(*(st.none() | st.sampled_from(["1", "2"]) for _ in ids))

        def told(of_each: tuple[str | None, ...]) -> list[BrokerConfig]:
            having: dict[str | None, list[int]] = {}
            for number, value in zip(ids, of_each, strict=True):
                having.setdefault(value, []).append(number)
            return [
                BrokerConfig(
                    name=name,
                    value=value,
                    source="static",
                    brokers=() if len(some) == len(ids) else tuple(some),
                )
                for value, some in having.items()
            ]

        return values.map(told)

    return st.builds(
        BrokerConfigs,
        brokers=st.just(ids),
        entries=st.tuples(entries("log.dirs"), entries("node.id")).map(lambda both: (*both[0], *both[1])),
        cluster_wide=st.just({}),
    )


_features = st.builds(
    Features,
    epoch=st.none() | counts,
    broker=st.just(1),
    features=_tuples(
        st.builds(Feature, name=names, level=st.none() | st.integers(0, 30)), lambda feature: feature.name
    ),
)
_quorums = st.builds(
    Quorum,
    leader=st.none() | st.integers(1, 4),
    epoch=counts,
    high_watermark=counts,
    voters=_tuples(
        st.builds(
            QuorumReplica, id=st.integers(1, 4), log_end_offset=st.none() | counts, lag_records=st.none()
        ),
        lambda voter: voter.id,
    ),
    observers=st.just(()),
)
_acls = st.builds(
    Acl,
    principal=texts,
    permission=st.sampled_from(["allow", "deny"]),
    operation=st.sampled_from(["read", "all"]),
    resource_type=st.sampled_from(["topic", "group"]),
    resource=names,
    pattern=st.sampled_from(["literal", "prefixed"]),
    host=st.just("*"),
)
_quotas = st.builds(
    ClientQuota,
    entity=st.dictionaries(st.sampled_from(["user", "client-id"]), st.none() | texts, min_size=1),
    limits=st.dictionaries(st.sampled_from(["producer_byte_rate", "request_percentage"]), st.floats(0, 1e9)),
)
_scram_users = st.builds(
    ScramUser,
    name=texts,
    credentials=_tuples(
        st.builds(
            ScramCredential,
            mechanism=st.sampled_from(["SCRAM-SHA-256", "SCRAM-SHA-512"]),
            iterations=st.integers(4096, 8192),
        ),
        lambda one: one.mechanism,
    ),
)


def accesses(*, known: bool = False) -> SearchStrategy[Access]:
    return st.builds(
        Access,
        acls=_maybe(_tuples(_acls, acl_name), known),
        quotas=_maybe(_tuples(_quotas, quota_name), known),
        scram_users=_maybe(_tuples(_scram_users, lambda user: user.name), known),
    )


_open_transactions = st.builds(
    OpenTransaction,
    topic=st.sampled_from(["orders", "users"]),
    partition=st.integers(0, 3),
    producer_id=st.integers(0, 2**40),
    producer_epoch=st.integers(0, 100),
    start_offset=st.integers(0, 2**40),
    last_written_at=st.none(),
    transactional_id=st.none() | texts,
    hanging=st.sampled_from([None, "overdue", "unknown_to_coordinator"]),
)


def transactions(*, known: bool = False) -> SearchStrategy[Transactions]:
    return st.builds(
        Transactions, open_transactions=_maybe(_tuples(_open_transactions, transaction_name), known)
    )


_links = st.builds(
    ClusterLink,
    name=names,
    id=texts,
    source_cluster_id=st.none() | texts,
    remote_cluster_id=st.none() | texts,
    state=st.none() | texts,
    error=st.none() | texts,
    tasks=_tuples(st.builds(LinkTask, name=names, state=texts, errors=_tuples(texts))),
)
_mirrors = st.builds(
    MirrorTopic,
    name=names,
    link=names,
    source_topic=names,
    status=st.sampled_from(["ACTIVE", "PAUSED", "FAILED", "STOPPED"]),
    partitions=st.integers(1, 9),
    lag_records=st.none() | counts,
)


def cluster_links(*, known: bool = False) -> SearchStrategy[ClusterLinks]:
    configs = st.dictionaries(texts, _maybe(texts, known), max_size=3)
    links = st.builds(lambda one, config: replace(one, config=config), _links, _maybe(configs, known))
    return st.builds(
        ClusterLinks,
        links=_maybe(_tuples(links, lambda one: one.name), known),
        mirror_topics=_maybe(_tuples(_mirrors, lambda one: one.name), known),
    )


def documents(*, known: bool = False, fresh: bool = False) -> SearchStrategy[Document]:
    """`known`: nothing in them is unknown. `fresh`: all sections are."""
    return st.builds(
        a_document,
        topics=_tuples(topics(known=known), lambda t: t.name),
        connectors=_tuples(connectors(known=known), lambda c: (c.connect, c.name)),
        schemas=_tuples(schemas(known=known), lambda s: s.subject),
        consumer_groups=_tuples(consumer_groups(known=known), lambda g: g.group_id),
        schema_registry=registries(known=known),
        topic_defaults=_maybe(st.dictionaries(texts, texts, max_size=3), known),
        brokers=_maybe(brokers(known=known), known),
        access=_maybe(accesses(known=known), known),
        log_directories=log_directories(known=known),
        transactions=_maybe(transactions(known=known), known),
        cluster_links=_maybe(cluster_links(known=known), known),
        sections=st.just({}) if fresh else st.dictionaries(st.sampled_from(SECTION_NAMES), section_states),
    )


@st.composite
def shuffled(draw: st.DrawFn, document: Document) -> Document:
    """The same document with its lists, and the lists of its records that have no order of their own, in
    another order."""
    return replace(
        document,
        topics=_shuffle(draw, [replace(t, partitions=_shuffle(draw, t.partitions)) for t in document.topics]),
        connectors=_shuffle(
            draw,
            [
                replace(c, tasks=_shuffle(draw, c.tasks), topics=_shuffle(draw, c.topics))
                for c in document.connectors
            ],
        ),
        schemas=_shuffle(
            draw, [replace(s, references=_shuffle(draw, s.references)) for s in document.schemas]
        ),
        consumer_groups=_shuffle(
            draw, [replace(g, topics=_shuffle(draw, g.topics)) for g in document.consumer_groups]
        ),
    )


def _shuffle(draw: st.DrawFn, values: Any) -> tuple[Any, ...]:
    return tuple(draw(st.permutations(values)))


@st.composite
def volatile_twins(draw: st.DrawFn, document: Document) -> Document:
    """The same estate a moment later: only what comes and goes by itself, or is derived from other records,
    differs."""
    return replace(
        document,
        discovery_timestamp=draw(moments),
        sequence=draw(st.integers(1, 9)),
        run_id=draw(texts),
        topics=tuple(_volatile_topic(draw, topic) for topic in document.topics),
        connectors=tuple(_volatile_connector(draw, connector) for connector in document.connectors),
        schemas=tuple(_volatile_schema(draw, schema) for schema in document.schemas),
        consumer_groups=tuple(_volatile_group(draw, group) for group in document.consumer_groups),
    )


def _volatile_topic(draw: st.DrawFn, topic: Topic) -> Topic:
    other = draw(topics())
    return replace(
        topic,
        details=replace(
            topic.details,
            message_count=other.details.message_count,
            message_count_is=other.details.message_count_is,
        ),
        partitions=tuple(
            replace(
                partition,
                **cast(
                    Mapping[str, Any],
                    draw(
                        st.fixed_dictionaries(
                            {
                                "leader": st.none() | st.integers(1, 4),
                                "isr": _brokers,
                                "earliest": st.none() | counts,
                                "latest": st.none() | counts,
                                "error": st.none() | texts,
                            }
                        )
                    ),
                ),
            )
            for partition in topic.partitions
        ),
        schema=other.schema,
        connectors=other.connectors,
    )


def _volatile_connector(draw: st.DrawFn, connector: Connector) -> Connector:
    other = draw(connectors())
    return replace(
        connector,
        worker_id=other.worker_id,
        trace=other.trace,
        quickstart=draw(st.none() | texts),
        tasks=tuple(
            replace(task, worker_id=draw(st.none() | texts), trace=draw(st.none() | texts))
            for task in connector.tasks
        ),
        topics=(
            *(t for t in connector.topics if t.known == "observed"),
            ConnectorTopic(name=draw(names), known="declared"),
        ),
        topics_note=other.topics_note,
        id=other.id,
    )


def _volatile_schema(draw: st.DrawFn, schema: Schema) -> Schema:
    other = draw(schemas())
    return replace(
        schema,
        naming_strategy=other.naming_strategy,
        record_name=other.record_name,
        compatibility=replace(schema.compatibility, read_at=other.compatibility.read_at),
        mode=replace(schema.mode, read_at=other.mode.read_at),
    )


def _volatile_group(draw: st.DrawFn, group: ConsumerGroup) -> ConsumerGroup:
    """How many members a group has comes and goes by itself only while it rebalances; who they are, always."""
    other = draw(consumer_groups())
    state = draw(st.sampled_from(_ACTIVE)) if group.state in _ACTIVE else group.state
    new_members = other.members
    if group.members is None or state == group.state == "Stable":
        new_members = None if group.members is None else draw(st.tuples(*(members for _ in group.members)))
    return replace(
        group,
        state=state,
        protocol_type=other.protocol_type,
        coordinator=other.coordinator,
        members=new_members,
        offsets=None if group.offsets is None else other.offsets,
        total_lag_records=other.total_lag_records,
    )


known_documents = partial(documents, known=True, fresh=True)
"""Documents of which everything is known: those for which applying the changes gives exactly the new state.
"""
