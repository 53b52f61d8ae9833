"""Times the diff of two large documents against decoding one of them: `python bench/diff.py [--topics N] [--repeat N]`.

The bar: the diff of 9,000 topics, 36,000 partitions and 2,200 groups takes less time than parsing one of the documents.
"""

# ruff: noqa: T201 - a script speaks to its user

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.document import (
    ClusterIdentity,
    Document,
    EnvironmentIdentity,
    decode_document,
    encode_document,
    summarize,
)
from mesh_assets.inventory.groups import CommittedOffset, ConsumerGroup, GroupMember
from mesh_assets.inventory.records import (
    Connector,
    ConnectorTask,
    Partition,
    RegistryFacts,
    Schema,
    Topic,
    TopicDetails,
)
from mesh_assets.inventory.sections import SECTION_NAMES, SectionState

MOMENT = datetime(2026, 11, 23, 16, 40, 2, tzinfo=UTC)


def build_document(
    *, topics: int, partitions: int, configs: int, groups: int, connectors: int, schemas: int
) -> Document:
    all_topics = tuple(_topic(number, partitions, configs) for number in range(topics))
    all_groups = tuple(_group(number, topics) for number in range(groups))
    all_connectors = tuple(_connector(number) for number in range(connectors))
    all_schemas = tuple(_schema(number) for number in range(schemas))
    return Document(
        environment=EnvironmentIdentity(id="env-1", name="bench"),
        cluster=ClusterIdentity(id="lkc-bench", name="bench"),
        discovery_timestamp=MOMENT,
        sequence=1,
        run_id="bench",
        sections=dict.fromkeys(SECTION_NAMES, SectionState(status="fresh", collected_at=MOMENT)),
        summary=summarize(all_topics, all_connectors, all_schemas, all_groups),
        topics=all_topics,
        connectors=all_connectors,
        schemas=all_schemas,
        consumer_groups=all_groups,
        metrics=None,
        schema_registry=RegistryFacts(compatibility="BACKWARD", mode="READWRITE", contexts=()),
    )


def an_hour_later(document: Document, *, changed: float) -> Document:
    """The document with other offsets, lags and members.

    A share `changed` of the topics has another retention, and the same share of the groups is now empty.
    """
    step = round(1 / changed) if changed else 0
    return replace(
        document,
        sequence=2,
        topics=tuple(
            _later_topic(topic, changed=step > 0 and number % step == 0)
            for number, topic in enumerate(document.topics)
        ),
        consumer_groups=tuple(
            _later_group(group, changed=step > 0 and number % step == 0)
            for number, group in enumerate(document.consumer_groups)
        ),
    )


def _topic(number: int, partitions: int, configs: int) -> Topic:
    return Topic(
        name=f"team-{number % 90:02}.domain.topic-{number:05}",
        id=f"{number:022}",
        details=TopicDetails(
            partitions=partitions,
            replication_factor=3,
            cleanup_policy="delete",
            internal=False,
            message_count=1_000 * partitions,
            message_count_is="exact_without_transactions",
        ),
        partitions=tuple(
            Partition(
                partition=p,
                leader=p % 3,
                replicas=(p % 3, (p + 1) % 3, (p + 2) % 3),
                isr=(0, 1, 2),
                earliest=0,
                latest=1_000 + number,
            )
            for p in range(partitions)
        ),
        config={
            "retention.ms": "604800000",
            **{f"some.config.name.{c}": f"value-{c}" for c in range(configs - 1)},
        },
        config_overrides=("retention.ms",),
    )


def _group(number: int, topics: int) -> ConsumerGroup:
    topic = f"team-{number % 90:02}.domain.topic-{number % topics:05}"
    member = GroupMember(
        member_id=f"client-{number}-0a1b2c",
        client_id=f"client-{number}",
        host="/10.0.0.1",
        group_instance_id=None,
        assignment={topic: (0, 1, 2, 3)},
    )
    return ConsumerGroup(
        group_id=f"group-{number:05}",
        type="classic",
        protocol_type="consumer",
        state="Stable",
        coordinator=number % 3,
        members=(member,),
        offsets=tuple(
            CommittedOffset(topic=topic, partition=p, committed=900, end=1_000, lag_records=100)
            for p in range(4)
        ),
        topics=(topic,),
        total_lag_records=400,
    )


def _connector(number: int) -> Connector:
    return Connector(
        name=f"connector-{number:05}",
        connect="connect:8083",
        type="sink",
        connector_class="Sink",
        status="RUNNING",
        worker_id="worker-1",
        trace=None,
        tasks=(ConnectorTask(id=0, state="RUNNING", worker_id="worker-1"),),
        config={"connector.class": "Sink", **{f"some.key.{c}": f"value-{c}" for c in range(20)}},
    )


def _schema(number: int) -> Schema:
    fields = ",".join(f'{{"name":"field_{f}","type":"string"}}' for f in range(20))
    definition = f'{{"type":"record","name":"R{number}","fields":[{fields}]}}'
    return Schema(
        subject=f"topic-{number:05}-value", version=1, id=number, schema_type="AVRO", definition=definition
    )


def _later_topic(topic: Topic, *, changed: bool) -> Topic:
    config = {**(topic.config or {}), "retention.ms": "86400000"} if changed else topic.config
    return replace(
        topic,
        partitions=tuple(replace(p, latest=(p.latest or 0) + 50) for p in topic.partitions),
        config=config,
    )


def _later_group(group: ConsumerGroup, *, changed: bool) -> ConsumerGroup:
    return replace(
        group,
        state="Empty" if changed else group.state,
        members=(),
        offsets=tuple(replace(offset, committed=950, end=1_050) for offset in group.offsets or ()),
    )


def median_milliseconds(call: Callable[[], Any], repeat: int) -> float:
    seconds = []
    for _ in range(repeat):
        gc.collect()
        start = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - start)
        del result
    return statistics.median(seconds) * 1_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--topics", type=int, default=9_000)
    parser.add_argument("--partitions", type=int, default=4, help="of each topic (default: 4)")
    parser.add_argument("--configs", type=int, default=33, help="of each topic (default: 33)")
    parser.add_argument("--groups", type=int, default=2_200)
    parser.add_argument("--connectors", type=int, default=300)
    parser.add_argument("--schemas", type=int, default=3_000)
    parser.add_argument("--repeat", type=int, default=9, help="runs; the median is printed (default: 9)")
    arguments = parser.parse_args()
    first = build_document(
        topics=arguments.topics,
        partitions=arguments.partitions,
        configs=arguments.configs,
        groups=arguments.groups,
        connectors=arguments.connectors,
        schemas=arguments.schemas,
    )
    data = encode_document(first)
    # Decoded separately, as in a run: the two share no records and no strings.
    before = decode_document(data, source="before")
    cases = {
        "equal documents": first,
        "all offsets differ": an_hour_later(first, changed=0),
        "… and 1 % changed": an_hour_later(first, changed=0.01),
        "… and all changed": an_hour_later(first, changed=1),
    }
    decoding = median_milliseconds(lambda: decode_document(data, source="bench"), arguments.repeat)
    partitions = arguments.topics * arguments.partitions
    print(
        f"{arguments.topics:,} topics, {partitions:,} partitions, {arguments.groups:,} groups: {len(data) / 1e6:.1f} MB"
    )
    print(f"  decode one document        {decoding:8.1f} ms")
    for name, document in cases.items():
        after = decode_document(encode_document(document), source=name)
        changes = diff_documents(before, after)
        diffing = median_milliseconds(lambda after=after: diff_documents(before, after), arguments.repeat)  # type: ignore[misc]
        print(
            f"  diff, {name:<21}{diffing:8.1f} ms   {len(changes):,} changes   {diffing / decoding:.2f} of decoding"
        )


if __name__ == "__main__":
    main()
