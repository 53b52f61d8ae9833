"""What identifies a mapping: its function, topic, cluster and tags, and what cannot change once it is created."""

import re
from collections.abc import Iterator, Sequence

from mesh_assets.esm.arns import arn_in, function_in, msk_cluster_in
from mesh_assets.esm.errors import Violation, fault
from mesh_assets.esm.request import UpdateRequest
from mesh_assets.esm.validation.subject import Subject, repeated

# Lambda's patterns and lengths, from botocore's model.
_TOPIC = re.compile(r"[^.]([a-zA-Z0-9\-_.]+)")
_LONGEST_TOPIC = 249
_LONGEST_FUNCTION_NAME = 64
_SERVER = re.compile(
    r"(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]*[a-zA-Z0-9])\.)*([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9\-]*[A-Za-z0-9]):[0-9]{1,5}"
)
_MOST_SERVERS = 10
_LONGEST_SERVER = 300
_HIGHEST_PORT = 65_535


def place_violations(subject: Subject) -> Iterator[Violation]:
    """Function, topic and source; for a new mapping exactly one source."""
    target = subject.request.target
    if target is not None:
        function = function_in(target)
        if function is None:
            yield fault(
                "target",
                target,
                "is neither a function's name nor its ARN",
                "give a name, name:alias, or the function's ARN",
            )
        elif len(function.name) > _LONGEST_FUNCTION_NAME:
            yield fault(
                "target",
                target,
                f"a function's name has at most {_LONGEST_FUNCTION_NAME} characters",
                "check the name",
            )
    if subject.existing is not None:
        return
    yield from _topic(subject.request.kafka_topic)
    arn, servers = subject.request.event_source_arn, subject.request.kafka_bootstrap_servers
    if arn and servers:
        yield fault(
            "event_source_arn, kafka_bootstrap_servers",
            f"{arn} and {', '.join(servers)}",
            "both name a source, and a mapping has exactly one",
            "leave out kafka_bootstrap_servers for the MSK cluster, or event_source_arn for the self-managed one",
        )
    elif not arn and not servers:
        yield fault(
            "event_source_arn, kafka_bootstrap_servers",
            None,
            "neither is given, and a mapping needs a source",
            "give event_source_arn for an MSK cluster, or kafka_bootstrap_servers for a self-managed one",
        )
    if arn:
        yield from _cluster_arn(arn)
    if servers:
        yield from _servers(servers)


def _topic(topic: str | None) -> Iterator[Violation]:
    if topic is None:
        return
    if "," in topic:
        yield fault(
            "kafka_topic", topic, "a mapping has exactly one topic", "create a mapping for each topic"
        )
    elif len(topic) > _LONGEST_TOPIC:
        yield fault(
            "kafka_topic", topic, f"a topic's name has at most {_LONGEST_TOPIC} characters", "check the name"
        )
    elif not _TOPIC.fullmatch(topic):
        yield fault(
            "kafka_topic",
            topic,
            "Lambda takes two or more letters, digits, '.', '_' and '-', not starting with a dot",
            "check the topic's name",
        )


def _cluster_arn(text: str) -> Iterator[Violation]:
    if msk_cluster_in(text) is not None:
        return
    arn = arn_in(text)
    if arn is None:
        yield fault(
            "event_source_arn",
            text,
            "is not an ARN",
            "give the MSK cluster's ARN (`aws kafka list-clusters-v2`)",
        )
    elif arn.service != "kafka":
        yield fault(
            "event_source_arn",
            text,
            f"is an ARN for {arn.service}, not for an MSK cluster",
            "give the MSK cluster's ARN; other sources are not supported",
        )
    else:
        yield fault(
            "event_source_arn",
            text,
            "an MSK cluster's ARN ends in cluster/NAME/UUID, a VPC connection's in vpc-connection/ACCOUNT/NAME/UUID",
            "copy the whole ARN",
        )


def _servers(servers: Sequence[str]) -> Iterator[Violation]:
    field = "kafka_bootstrap_servers"
    if len(servers) > _MOST_SERVERS:
        yield fault(
            field,
            len(servers),
            f"at most {_MOST_SERVERS} servers",
            f"name {_MOST_SERVERS}; Lambda discovers the others",
        )
    for server in servers:
        if not _SERVER.fullmatch(server):
            yield fault(
                field, server, "each server is host:port, without a scheme", "e.g. broker-1.example.com:9092"
            )
        elif not 0 < int(server.rpartition(":")[2]) <= _HIGHEST_PORT:
            yield fault(field, server, f"a port is 1-{_HIGHEST_PORT}", "correct the port")
        elif len(server) > _LONGEST_SERVER:
            yield fault(field, server, f"a server has at most {_LONGEST_SERVER} characters", "check the name")
    yield from repeated(field, servers)


_MOST_TAGS = 50
_LONGEST_KEY = 128
_LONGEST_VALUE = 256
_BESIDE_LETTERS = set("_.:/=+-@")


def tag_violations(subject: Subject) -> Iterator[Violation]:
    """The tags of a new mapping."""
    tags = subject.request.tags
    if tags is None or not subject.creating:
        return
    if len(tags) > _MOST_TAGS:
        yield fault("tags", len(tags), f"at most {_MOST_TAGS}", "drop some")
    for key, value in tags.items():
        if not 1 <= len(key) <= _LONGEST_KEY or len(value) > _LONGEST_VALUE:
            yield fault(
                "tags",
                key,
                f"a key has 1-{_LONGEST_KEY} characters and a value at most {_LONGEST_VALUE}",
                "shorten it",
            )
        elif key.casefold().startswith("aws:"):
            yield fault("tags", key, "names that start with aws: are reserved for AWS", "choose another name")
        elif not all(
            c.isalpha() or c.isnumeric() or c.isspace() or c in _BESIDE_LETTERS for c in key + value
        ):
            yield fault("tags", key, "letters, digits, blanks and _ . : / = + - @ only", "remove the others")


_CREATE_ANOTHER = "delete the mapping and create another, or leave this out"


def unchangeable_violations(subject: Subject) -> Iterator[Violation]:
    """What cannot change once the mapping exists. Repeating the present value does no harm."""
    request, existing = subject.request, subject.existing
    if existing is None or not isinstance(request, UpdateRequest):
        return
    mode = subject.existing_config("SelfManagedKafkaEventSourceConfig").get("ConsumptionMode", "Stream")
    fixed: tuple[tuple[str, object, object], ...] = (
        ("kafka_topic", request.kafka_topic, existing.topic),
        ("event_source_arn", request.event_source_arn, existing.event_source_arn),
        ("kafka_consumer_group_id", request.kafka_consumer_group_id, existing.consumer_group_id),
        ("starting_position", request.starting_position, existing.starting_position),
        (
            "starting_position_timestamp",
            request.starting_position_timestamp,
            existing.starting_position_timestamp,
        ),
        ("consumption_mode", request.consumption_mode, mode),
    )
    for field, asked, has in fixed:
        if asked is not None and asked != has:
            yield fault(field, str(asked), f"cannot change; the mapping has {has or 'none'}", _CREATE_ANOTHER)
    servers = request.kafka_bootstrap_servers
    if servers is not None and set(servers) != set(existing.bootstrap_servers):
        has_servers = ", ".join(existing.bootstrap_servers) or "none"
        yield fault(
            "kafka_bootstrap_servers",
            ", ".join(servers),
            f"cannot change; the mapping has {has_servers}",
            _CREATE_ANOTHER,
        )
    if request.tags is not None:
        yield fault(
            "tags", ", ".join(request.tags), "an update does not change tags", "use `aws lambda tag-resource`"
        )
    if not changes_anything(request):
        yield fault("the request", None, "names nothing to change", "give at least one setting")


def changes_anything(request: UpdateRequest) -> bool:
    """Whether the request does more than name a mapping."""
    naming = {"uuid", "kafka_topic", "event_source_arn", "kafka_bootstrap_servers", "kafka_consumer_group_id"}
    if request.uuid is None:
        naming.add("target")
    return any(value is not None and name not in naming for name, value in request)
