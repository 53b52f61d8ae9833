"""Hypothesis strategies of arbitrary documents of one cluster, from few names, so that two of them have
resources in common."""

from collections.abc import Mapping
from functools import cache, partial
from typing import Any, cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec.structs import replace

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.records import Connector, ConnectorTopic, Schema, Topic
from mesh_assets.inventory.sections import SECTION_NAMES
from mesh_assets_tests.arbitrary_parts import accesses, brokers, cluster_links, transactions
from mesh_assets_tests.arbitrary_records import (
    ACTIVE,
    broker_ids,
    connectors,
    consumer_groups,
    counts,
    log_directories,
    maybe,
    members,
    moments,
    names,
    registries,
    schemas,
    texts,
    topics,
    tuples,
)
from mesh_assets_tests.documents import FRESH, NEVER_READ, NOT_CONFIGURED, STALE, a_document

# Making and shrinking a document takes as long as twenty other values: half as many examples suffice, and `make test-long`
# tries ten times as many. No deadline: the machine may be busy.
property_of_documents = settings(
    deadline=None,
    max_examples=settings().max_examples // 2,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
section_states = st.sampled_from([FRESH, STALE, NEVER_READ, NOT_CONFIGURED])


@cache
def documents(*, known: bool = False, fresh: bool = False) -> SearchStrategy[Document]:
    """`known`: nothing in them is unknown. `fresh`: every section is."""
    return st.builds(
        a_document,
        topics=tuples(topics(known=known), lambda t: t.name),
        connectors=tuples(connectors(known=known), lambda c: (c.connect, c.name)),
        schemas=tuples(schemas(known=known), lambda s: s.subject),
        consumer_groups=tuples(consumer_groups(known=known), lambda g: g.group_id),
        schema_registry=registries(known=known),
        topic_defaults=maybe(st.dictionaries(texts, texts, max_size=3), known),
        brokers=maybe(brokers(known=known), known),
        access=maybe(accesses(known=known), known),
        log_directories=log_directories(known=known),
        transactions=maybe(transactions(known=known), known),
        cluster_links=maybe(cluster_links(known=known), known),
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
    """The same estate a moment later: only transient and derived values differ."""
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
                                "isr": broker_ids,
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
    """The number of members is transient only during a rebalance; their identities always are."""
    other = draw(consumer_groups())
    state = draw(st.sampled_from(ACTIVE)) if group.state in ACTIVE else group.state
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
"""Documents without unknown values: for these, applying the changes gives exactly the new state.
"""
