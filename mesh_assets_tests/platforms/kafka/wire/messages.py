"""Kafka's messages as kafka-python writes them, the reference for ours. Its definitions are Kafka's own; missing ones are
defined here, after https://github.com/apache/kafka (clients/src/main/resources/common/message, 4.3).
"""

import warnings
from functools import cache
from typing import Any

import pytest

from mesh_assets.platforms.kafka.wire.forms import Answer, Reader, Request, Writer

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of importlib.resources.read_text, with Python 3.11
    from kafka.protocol.schemas import BaseField, StructField, load_json


def encoded(message: str, version: int, values: dict[str, Any]) -> bytes:
    """The body of a message such as `ListGroupsResponse`. Values that are left out have Kafka's defaults."""
    struct = _struct(message)
    first, last = BaseField.parse_versions(struct._json["flexibleVersions"])
    flexible = first <= version <= last
    complete = _complete(struct, values, version)
    body: bytes = struct.encode(complete, version=version, compact=flexible, tagged=flexible)
    return body


def answer_of(request: Request[Answer], version: int, values: dict[str, Any]) -> Answer:
    """What `request` reads from such an answer."""
    return read(request, version, encoded(f"{request.name}Response", version, values))


def read(request: Request[Answer], version: int, body: bytes) -> Answer:
    reader = Reader(body, flexible=version >= request.flexible_from)
    answer = request.read(reader, version)
    reader.finish()
    return answer


def written(request: Request[Any], version: int) -> bytes:
    writer = Writer(flexible=version >= request.flexible_from)
    request.write(writer, version)
    return bytes(writer.data)


def versions(request: Request[Any]) -> range:
    return range(request.oldest, request.newest + 1)


def _complete(struct: Any, values: dict[str, Any], version: int) -> dict[str, Any]:
    """The values with all defaults for the encoder; an unknown field name fails the test."""
    assert values.keys() <= struct.fields.keys(), values.keys() - struct.fields.keys()
    complete: dict[str, Any] = {}
    for name, field in struct.fields.items():
        value = values[name] if name in values else _default(field._json)
        if field.is_struct_array() and value is None and not field.nullable_for_version_q(version):
            value = []
        if field.is_struct_array() and value is not None:
            value = [_complete(field.array_of, one, version) for one in value]
        elif field.is_struct() and (value is not None or not field.nullable_for_version_q(version)):
            value = _complete(field, value or {}, version)
        elif value is None and field._json["type"].startswith("[]"):
            value = None if field.nullable_for_version_q(version) else []
        complete[name] = value
    return complete


def _default(field: dict[str, Any]) -> Any:
    kind, default = field["type"], field.get("default")
    if default == "null":
        return None
    if default is not None and kind.startswith("int"):
        return int(default, 0) if isinstance(default, str) else default
    return _DEFAULTS.get(kind)


_DEFAULTS = {
    "int8": 0,
    "int16": 0,
    "uint16": 0,
    "int32": 0,
    "int64": 0,
    "bool": False,
    "string": "",
    "bytes": b"",
}


@cache
def _struct(message: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return StructField(_OURS[message] if message in _OURS else load_json(message))


def _message(name: str, api: int, valid: str, *fields: dict[str, Any]) -> dict[str, dict[str, Any]]:
    kind = "request" if name.endswith("Request") else "response"
    return {
        name: {
            "apiKey": api,
            "type": kind,
            "name": name,
            "validVersions": valid,
            "flexibleVersions": "0+",
            "fields": list(fields),
        }
    }


def _field(name: str, kind: str, *fields: dict[str, Any], since: int = 0) -> dict[str, Any]:
    """`?` after the type: nullable, and null by default."""
    field: dict[str, Any] = {"name": name, "type": kind.removesuffix("?"), "versions": f"{since}+"}
    if kind.endswith("?"):
        field |= {"nullableVersions": "0+", "default": "null"}
    return field | ({"fields": list(fields)} if fields else {})


def _fields(kind: str, *names: str) -> list[dict[str, Any]]:
    return [_field(name, kind) for name in names]


_THROTTLE = _field("ThrottleTimeMs", "int32")
_ERROR = [_field("ErrorCode", "int16"), _field("ErrorMessage", "string?")]
_EPOCHS = _fields("int32", "GroupEpoch", "AssignmentEpoch")
_CLIENT = _fields("string", "ClientId", "ClientHost")
_TOPICS = _field(
    "TopicPartitions",
    "[]TopicPartitions",
    _field("TopicId", "uuid"),
    _field("TopicName", "string"),
    _field("Partitions", "[]int32"),
)
_PAIR = _fields("string", "Key", "Value")
_TOPIC_INFO = [
    _field("Name", "string"),
    _field("Partitions", "int32"),
    _field("ReplicationFactor", "int16"),
    _field("TopicConfigs", "[]KeyValue", *_PAIR),
]
_TASK = [_field("SubtopologyId", "string"), _field("Partitions", "[]int32")]
_TASKS = [_field(name, "[]TaskIds", *_TASK) for name in ("ActiveTasks", "StandbyTasks", "WarmupTasks")]
_TASK_OFFSET = [_field("SubtopologyId", "string"), _field("Partition", "int32"), _field("Offset", "int64")]
_ASKED = [_field("GroupIds", "[]string"), _field("IncludeAuthorizedOperations", "bool")]


def _groups(*fields: dict[str, Any]) -> dict[str, Any]:
    common = [*_ERROR, _field("GroupId", "string"), _field("GroupState", "string"), *_EPOCHS]
    rights = _field("AuthorizedOperations", "int32") | {"default": "-2147483648"}
    return _field("Groups", "[]DescribedGroup", *common, *fields, rights)


_OURS: dict[str, dict[str, Any]] = {
    **_message("ConsumerGroupDescribeRequest", 69, "0-1", *_ASKED),
    **_message(
        "ConsumerGroupDescribeResponse",
        69,
        "0-1",
        _THROTTLE,
        _groups(
            _field("AssignorName", "string"),
            _field(
                "Members",
                "[]Member",
                _field("MemberId", "string"),
                _field("InstanceId", "string?"),
                _field("RackId", "string?"),
                _field("MemberEpoch", "int32"),
                *_CLIENT,
                _field("SubscribedTopicNames", "[]string"),
                _field("SubscribedTopicRegex", "string?"),
                _field("Assignment", "Assignment", _TOPICS),
                _field("TargetAssignment", "Assignment", _TOPICS),
                _field("MemberType", "int8", since=1),
            ),
        ),
    ),
    **_message("ShareGroupDescribeRequest", 77, "1", *_ASKED),
    **_message(
        "ShareGroupDescribeResponse",
        77,
        "1",
        _THROTTLE,
        _groups(
            _field("AssignorName", "string"),
            _field(
                "Members",
                "[]Member",
                _field("MemberId", "string"),
                _field("RackId", "string?"),
                _field("MemberEpoch", "int32"),
                *_CLIENT,
                _field("SubscribedTopicNames", "[]string"),
                _field("Assignment", "Assignment", _TOPICS),
            ),
        ),
    ),
    **_message("StreamsGroupDescribeRequest", 89, "0", *_ASKED),
    **_message(
        "StreamsGroupDescribeResponse",
        89,
        "0",
        _THROTTLE,
        _groups(
            _field(
                "Topology",
                "Topology?",
                _field("Epoch", "int32"),
                _field(
                    "Subtopologies",
                    "[]Subtopology?",
                    _field("SubtopologyId", "string"),
                    _field("SourceTopics", "[]string"),
                    _field("RepartitionSinkTopics", "[]string"),
                    _field("StateChangelogTopics", "[]TopicInfo", *_TOPIC_INFO),
                    _field("RepartitionSourceTopics", "[]TopicInfo", *_TOPIC_INFO),
                ),
            ),
            _field(
                "Members",
                "[]Member",
                _field("MemberId", "string"),
                _field("MemberEpoch", "int32"),
                _field("InstanceId", "string?"),
                _field("RackId", "string?"),
                *_CLIENT,
                _field("TopologyEpoch", "int32"),
                _field("ProcessId", "string"),
                _field("UserEndpoint", "Endpoint?", _field("Host", "string"), _field("Port", "uint16")),
                _field("ClientTags", "[]KeyValue", *_PAIR),
                _field("TaskOffsets", "[]TaskOffset", *_TASK_OFFSET),
                _field("TaskEndOffsets", "[]TaskOffset", *_TASK_OFFSET),
                _field("Assignment", "Assignment", *_TASKS),
                _field("TargetAssignment", "Assignment", *_TASKS),
                _field("IsClassic", "bool"),
            ),
        ),
    ),
    **_message(
        "DescribeShareGroupOffsetsRequest",
        90,
        "0-1",
        _field(
            "Groups",
            "[]DescribeShareGroupOffsetsRequestGroup",
            _field("GroupId", "string"),
            _field(
                "Topics",
                "[]DescribeShareGroupOffsetsRequestTopic?",
                _field("TopicName", "string"),
                _field("Partitions", "[]int32"),
            ),
        ),
    ),
    **_message(
        "DescribeShareGroupOffsetsResponse",
        90,
        "0-1",
        _THROTTLE,
        _field(
            "Groups",
            "[]DescribeShareGroupOffsetsResponseGroup",
            _field("GroupId", "string"),
            _field(
                "Topics",
                "[]DescribeShareGroupOffsetsResponseTopic",
                _field("TopicName", "string"),
                _field("TopicId", "uuid"),
                _field(
                    "Partitions",
                    "[]DescribeShareGroupOffsetsResponsePartition",
                    _field("PartitionIndex", "int32"),
                    _field("StartOffset", "int64"),
                    _field("LeaderEpoch", "int32"),
                    _field("Lag", "int64", since=1),
                    *_ERROR,
                ),
            ),
            *_ERROR,
        ),
    ),
}


def every_version(request: Request[Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("version", versions(request))


TOPIC_PARTITIONS = {"topic_partitions": [{"topic_name": "orders", "partitions": [2, 0]}]}
