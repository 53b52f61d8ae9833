"""What brokers answer about topics, their configs and offsets, in kafka-python's classes."""

from collections.abc import Iterable, Sequence
from functools import cache, partial
from typing import Any
from uuid import UUID

from mesh_assets.platforms.kafka.wire import configs, topics
from mesh_assets.platforms.kafka.wire.forms import Request
from mesh_assets.platforms.kafka.wire.offset_messages import list_offsets
from mesh_assets.platforms.kafka.wire.partition_columns import PartitionsAsked
from mesh_assets_tests.platforms.kafka.wire.oracle import (
    DescribeConfigsResponse,
    ListOffsetsResponse,
    MetadataResponse,
)

ID = UUID("0f9a3c44-5bff-4e0e-a1f3-fe00fb8a7c11")
_Topic = MetadataResponse.MetadataResponseTopic
_Result = DescribeConfigsResponse.DescribeConfigsResult
_Entry = _Result.DescribeConfigsResourceResult
_Offsets = ListOffsetsResponse.ListOffsetsTopicResponse


def partition(
    number: int, leader: int, replicas: Sequence[int], isr: Sequence[int], code: int = 0, epoch: int = 7
) -> Any:
    return _Topic.MetadataResponsePartition(
        error_code=code,
        partition_index=number,
        leader_id=leader,
        leader_epoch=epoch,
        replica_nodes=list(replicas),
        isr_nodes=list(isr),
        offline_replicas=[one for one in replicas if one not in isr],
    )


def topic(
    name: str, *partitions: Any, code: int = 0, topic_id: UUID | None = ID, internal: bool = False
) -> Any:
    return _Topic(
        error_code=code,
        name=name,
        topic_id=topic_id or UUID(int=0),
        is_internal=internal,
        partitions=list(partitions),
    )


def entry(
    name: str,
    value: str | None,
    source: int = 5,
    *,
    sensitive: bool = False,
    synonyms: Iterable[str] = (),
    documentation: str | None = None,
) -> Any:
    return _Entry(
        name=name,
        value=value,
        read_only=False,
        config_source=source,
        is_sensitive=sensitive,
        synonyms=[_Entry.DescribeConfigsSynonym(name=one, value=value, source=4) for one in synonyms],
        config_type=2,
        documentation=documentation,
    )


def result(
    name: str, entries: Iterable[Any] = (), code: int = 0, said: str | None = None, kind: int = 2
) -> Any:
    return _Result(
        error_code=code, error_message=said, resource_type=kind, resource_name=name, configs=list(entries)
    )


def rows(topic: str, numbers: Iterable[int]) -> Any:
    return _Offsets(
        name=topic,
        partitions=[
            _Offsets.ListOffsetsPartitionResponse(
                partition_index=number, error_code=0, timestamp=-1, offset=1, leader_epoch=1
            )
            for number in numbers
        ],
    )


METADATA = Request("Metadata", 3, 4, 13, 9, partial(topics._write, None), topics._read)
NAMES = ["orders", "payments", "kundenaufträge"]
OFFSETS = list_offsets(PartitionsAsked(dict.fromkeys(NAMES, (0, 1, 2))), -1)


def _read_configs(*arguments: Any) -> Any:
    return configs._Reading(None, [1])._decode(*arguments)  # type: ignore[arg-type]


CONFIGS = Request("DescribeConfigs", 32, 1, 4, 4, partial(configs.write_names, 2, []), _read_configs)
CASES = [
    (request, version)
    for request in (METADATA, CONFIGS, OFFSETS)
    for version in range(request.oldest, request.newest + 1)
]


@cache
def sample(request: Request[Any], version: int) -> bytes:
    """An answer with several topics, so that equal ones are recognised, too."""
    answer: Any
    if request is METADATA:
        alike = [partition(0, 1, (1, 2), (1,)), partition(1, -1, (2, 1), (), 5)]
        broker = MetadataResponse.MetadataResponseBroker(node_id=1, host="broker-1", port=9092, rack="a")
        answer = MetadataResponse(
            throttle_time_ms=7,
            brokers=[broker],
            cluster_id="cluster-1",
            topics=[topic(name, *alike, topic_id=UUID(int=5)) for name in NAMES],
        )
    elif request is CONFIGS:
        own = [entry("a", "1", 1), entry("b", None), entry("c", "3", synonyms=["d"]), entry("e", "2")]
        long = [*own[:2], entry("c", "x" * 130)]
        answer = DescribeConfigsResponse(
            results=[result(NAMES[0], own), result(NAMES[1], own), result(NAMES[2], long, 29, "why")]
        )
    else:
        answer = ListOffsetsResponse(topics=[rows(name, [0, 1, 2]) for name in NAMES])
    return bytes(answer.encode(version=version))
