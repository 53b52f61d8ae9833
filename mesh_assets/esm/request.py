"""Requests to create or change a mapping.

The command line, the jobs and the agents' tools use the same names. Types define only the shape. Limits and
combinations are the rules of `validation`, which reports all faults at once; so a value like
`starting_position` is text here, not a choice.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from mesh_assets.esm.errors import InvalidRequestError, Violation, fault
from mesh_assets.esm.request_fields import (
    Count,
    EsmModel,
    Flag,
    Names,
    Patterns,
    Refused,
    Registry,
    SourceAccesses,
    Tags,
    Text,
    Time,
)

Request = TypeVar("Request", bound=EsmModel)


class MappingSettings(EsmModel):
    """What both creating and updating can set.

    None: AWS' default when creating, unchanged when updating. An empty value clears the setting.
    """

    source_access_configurations: SourceAccesses | None = Field(
        default=None,
        description="How Lambda authenticates to the brokers and which network it uses: {type, uri} each",
    )
    batch_size: Count | None = Field(default=None, description="Records per invocation, 1-10000")
    max_batching_window: Count | None = Field(default=None, description="Seconds to gather a batch, 0-300")
    enabled: Flag | None = Field(default=None, description="Whether it polls")
    kafka_consumer_group_id: Text | None = Field(
        default=None, description="The consumer group; cannot change later"
    )
    provisioned_mode: Flag | None = Field(
        default=None, description="Dedicated pollers; also asked for by min_pollers or max_pollers"
    )
    min_pollers: Count | None = Field(
        default=None, description="Provisioned mode: minimum pollers, 1-200 (default 1)"
    )
    max_pollers: Count | None = Field(
        default=None, description="Provisioned mode: maximum pollers, 1-2000 (default 2)"
    )
    poller_group: Text | None = Field(
        default=None,
        description="Provisioned mode: mappings of a group share pollers; empty leaves the group",
    )
    report_batch_item_failures: Flag | None = Field(
        default=None, description="The function reports which records of a batch failed"
    )
    retry_attempts: Count | None = Field(
        default=None, description="Retries of a failed batch, -1 (until it expires) to 10000"
    )
    bisect_batch_on_error: Flag | None = Field(
        default=None, description="Halve a failed batch and try the halves"
    )
    max_record_age: Count | None = Field(
        default=None, description="Seconds after which a record is given up, -1 (never) or 60-604800"
    )
    on_failure_destination: Text | None = Field(
        default=None,
        description="ARN of an SQS queue, SNS topic or S3 bucket, or kafka://topic (provisioned mode only)",
    )
    filter_patterns: Patterns | None = Field(
        default=None, description="Event filter patterns (JSON); a record that matches one of them passes"
    )
    filter_kms_key_arn: Text | None = Field(
        default=None, description="KMS key that encrypts the filter patterns"
    )
    schema_registry: Registry | None = Field(
        default=None, description="Glue or Confluent registry: {uri, …}; provisioned mode only; {} removes it"
    )
    metrics: Names | None = Field(default=None, description="EventCount, ErrorCount, KafkaMetrics")
    log_level: Text | None = Field(
        default=None,
        description="The poller's own log: DEBUG, INFO or WARN; provisioned mode only; empty ends it",
    )
    # What only other event sources have: accepted, so that the answer can say why Kafka does not.
    tumbling_window: Annotated[Count | None, Refused()] = Field(
        default=None, description="Refused: Kinesis and DynamoDB streams only"
    )
    parallelization_factor: Annotated[Count | None, Refused()] = Field(
        default=None, description="Refused: Kinesis and DynamoDB streams only"
    )
    maximum_concurrency: Annotated[Count | None, Refused()] = Field(
        default=None, description="Refused: SQS only"
    )
    on_success_destination: Annotated[Text | None, Refused()] = Field(
        default=None, description="Refused: event source mappings have no OnSuccess"
    )


class CreateRequest(MappingSettings):
    """A mapping to be created: which topic, of which cluster, to which function, and how."""

    target: Text = Field(description="The Lambda function's name or ARN, optionally with a version or alias")
    kafka_topic: Text = Field(description="The topic; exactly one")
    event_source_arn: Text | None = Field(
        default=None, description="The MSK cluster's ARN; or kafka_bootstrap_servers"
    )
    kafka_bootstrap_servers: Names | None = Field(
        default=None, description="A self-managed cluster's host:port, …; or event_source_arn"
    )
    starting_position: Text | None = Field(
        default=None, description="LATEST, TRIM_HORIZON or AT_TIMESTAMP, for a group without offsets"
    )
    starting_position_timestamp: Time | None = Field(
        default=None, description="With AT_TIMESTAMP: a time with its zone"
    )
    batch_size: Count | None = Field(default=100, description="Records per invocation, 1-10000")
    enabled: Flag | None = Field(default=True, description="Whether it polls from the start")
    consumption_mode: Text | None = Field(
        default=None, description="Stream (default) or Queue (share group; self-managed, Kafka 4.2)"
    )
    tags: Tags | None = Field(default=None, description="Tags of the mapping")


class UpdateRequest(MappingSettings):
    """A mapping to be changed: named by `uuid`, or else by `target`, source and `kafka_topic`.

    With a `uuid`, `target` is the function to call from now on.
    """

    uuid: Text | None = Field(default=None, description="The mapping's UUID")
    target: Text | None = Field(
        default=None, description="With uuid: the new function. Without: finds the mapping"
    )
    kafka_topic: Text | None = Field(
        default=None, description="Without uuid: finds the mapping; cannot change"
    )
    event_source_arn: Text | None = Field(
        default=None, description="Without uuid: finds the mapping; cannot change"
    )
    kafka_bootstrap_servers: Names | None = Field(
        default=None, description="Without uuid: finds the mapping; cannot change"
    )
    starting_position: Annotated[Text | None, Refused()] = Field(
        default=None, description="Refused: fixed when the mapping was created"
    )
    starting_position_timestamp: Annotated[Time | None, Refused()] = Field(
        default=None, description="Refused: fixed when the mapping was created"
    )
    consumption_mode: Annotated[Text | None, Refused()] = Field(
        default=None, description="Refused: fixed when the mapping was created"
    )
    tags: Annotated[Tags | None, Refused()] = Field(
        default=None, description="Refused: use lambda:TagResource to change tags"
    )


class NamedMapping(EsmModel):
    """An existing mapping: by `uuid`, or by its function and source, and its topic where these have several."""

    uuid: Text | None = Field(default=None, description="The mapping's UUID; or function and source")
    function_name: Text | None = Field(default=None, description="Its function's name or ARN")
    event_source_arn: Text | None = Field(default=None, description="Its MSK cluster's ARN")
    kafka_bootstrap_servers: Names | None = Field(default=None, description="Or its host:port, …")
    kafka_topic: Text | None = Field(default=None, description="If these have several mappings")

    @property
    def source(self) -> str | None:
        """As `lookup.list_mappings` takes it."""
        return self.event_source_arn or ",".join(self.kafka_bootstrap_servers or ()) or None


class PermissionsRequest(NamedMapping):
    """Whose role to grant what it lacks: the function of a mapping, or one that will get such a mapping.

    If no mapping matches, or one of the last four is given, the rights follow from what is given here.
    """

    kafka_consumer_group_id: Text | None = Field(
        default=None, description="Of a mapping that does not exist yet, like the following"
    )
    source_access_configurations: SourceAccesses | None = Field(
        default=None, description="How Lambda will authenticate: {type, uri} each"
    )
    schema_registry: Registry | None = Field(
        default=None, description="Its Glue or Confluent registry: {uri, …}"
    )
    on_failure_destination: Text | None = Field(default=None, description="ARN or kafka://topic")

    @property
    def describes_a_mapping(self) -> bool:
        """Whether it describes a future mapping, beyond identifying one."""
        return any(getattr(self, name) is not None for name in _DESCRIBING)


class ConnectionRequest(EsmModel):
    """What to try a connection to: a mapping, or what one will read."""

    uuid: Text | None = Field(default=None, description="The mapping's UUID")
    cluster: Text | None = Field(
        default=None, description="Before there is a mapping: the cluster's name in the estate"
    )
    event_source_arn: Text | None = Field(default=None, description="Or its MSK cluster's ARN")
    kafka_bootstrap_servers: Names | None = Field(default=None, description="Or its host:port, …")
    kafka_topic: Text | None = Field(default=None, description="Whether it exists and may be read")
    kafka_consumer_group_id: Text | None = Field(default=None, description="Whether it may be used")
    source_access_configurations: SourceAccesses | None = Field(
        default=None, description="How Lambda will authenticate: {type, uri} each"
    )


_DESCRIBING = tuple(name for name in PermissionsRequest.model_fields if name not in NamedMapping.model_fields)


def read_request(kind: type[Request], data: Mapping[str, Any]) -> Request:
    """The request in `data`.

    Raises InvalidRequestError with every unknown name and every value of the wrong type.
    """
    try:
        return kind.model_validate(dict(data))
    except ValidationError as error:
        raise InvalidRequestError(
            [_violation(detail) for detail in error.errors(include_url=False, include_context=False)]
        ) from None


def _violation(detail: Any) -> Violation:
    field = ".".join(str(part) for part in detail["loc"])
    kind = detail["type"]
    # The value under a wrong name may be anything, even a password, so it is not shown.
    if kind == "extra_forbidden":
        return fault(field, None, "is not a parameter here", "check its spelling or remove it")
    if kind == "missing":
        return fault(field, None, "is missing", "give it")
    if kind == "timezone_aware":
        return fault(
            field,
            detail["input"],
            "a time without a zone is ambiguous",
            "add the zone, e.g. 2026-01-31T08:00:00Z",
        )
    value = detail["input"] if isinstance(detail["input"], int | float) else None
    return fault(
        field, value, f"has the wrong type ({detail['msg'][:1].lower()}{detail['msg'][1:]})", "correct it"
    )
