"""What is asked for: a mapping to be made, or changed. The names are those of the command line, the jobs and
the agents' tools.

Types hold only the shape. Limits, and what goes with what, are the rules of `validation`, which reports all
faults at once; so a value like `starting_position` is text here and not a choice.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import AwareDatetime, Field, ValidationError

from mesh_assets.esm.errors import Finding, InvalidRequestError, fault
from mesh_assets.esm.request_fields import (
    Count,
    EsmModel,
    FilterPattern,
    Flag,
    Names,
    SchemaRegistry,
    SourceAccess,
)

Request = TypeVar("Request", bound=EsmModel)


class MappingSettings(EsmModel):
    """What both creating and updating can set. None: AWS' default when creating, unchanged when updating; an
    empty value clears it."""

    source_access_configurations: tuple[SourceAccess, ...] | None = Field(
        default=None,
        description="How Lambda authenticates to the brokers and which network it uses: {type, uri} each",
    )
    batch_size: Count | None = Field(default=None, description="Records an invocation, 1-10000")
    max_batching_window: Count | None = Field(default=None, description="Seconds to gather a batch, 0-300")
    enabled: Flag | None = Field(default=None, description="Whether it polls")
    kafka_consumer_group_id: str | None = Field(
        default=None, description="The consumer group; cannot change later"
    )
    provisioned_mode: Flag | None = Field(
        default=None, description="Dedicated pollers; also asked for by min_pollers or max_pollers"
    )
    min_pollers: Count | None = Field(
        default=None, description="Provisioned mode: fewest pollers, 1-200 (default 1)"
    )
    max_pollers: Count | None = Field(
        default=None, description="Provisioned mode: most pollers, 1-2000 (default 2)"
    )
    poller_group: str | None = Field(
        default=None, description="Provisioned mode: mappings of one group share pollers; empty leaves it"
    )
    report_batch_item_failures: Flag | None = Field(
        default=None, description="The function says which records of a batch failed"
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
    on_failure_destination: str | None = Field(
        default=None, description="ARN of an SQS queue, SNS topic or S3 bucket, or kafka://topic"
    )
    filter_patterns: tuple[FilterPattern, ...] | None = Field(
        default=None, description="Event filter patterns (JSON); any that fits passes"
    )
    filter_kms_key_arn: str | None = Field(
        default=None, description="KMS key that encrypts the filter patterns"
    )
    schema_registry: SchemaRegistry | None = Field(
        default=None, description="Glue or Confluent registry: {uri, …}; provisioned mode only"
    )
    metrics: Names | None = Field(default=None, description="EventCount, ErrorCount, KafkaMetrics")
    log_level: str | None = Field(
        default=None, description="The poller's own log: DEBUG, INFO or WARN; provisioned mode only"
    )
    # What other event sources have: taken, so that the answer can say why Kafka has none of it.
    tumbling_window: Count | None = Field(
        default=None, description="Refused: Kinesis and DynamoDB streams only"
    )
    parallelization_factor: Count | None = Field(
        default=None, description="Refused: Kinesis and DynamoDB streams only"
    )
    maximum_concurrency: Count | None = Field(default=None, description="Refused: SQS only")
    on_success_destination: str | None = Field(
        default=None, description="Refused: event source mappings have no OnSuccess"
    )


class CreateRequest(MappingSettings):
    """A mapping to be made: which topic, of which cluster, to which function, and how."""

    target: str = Field(description="The Lambda function: its name, or ARN, also with a version or alias")
    kafka_topic: str = Field(description="The topic, exactly one")
    event_source_arn: str | None = Field(
        default=None, description="The MSK cluster's ARN; or kafka_bootstrap_servers"
    )
    kafka_bootstrap_servers: Names | None = Field(
        default=None, description="A self-managed cluster's host:port, …; or event_source_arn"
    )
    starting_position: str | None = Field(
        default=None, description="LATEST, TRIM_HORIZON or AT_TIMESTAMP, for a group without offsets"
    )
    starting_position_timestamp: AwareDatetime | None = Field(
        default=None, description="With AT_TIMESTAMP: a time with its zone"
    )
    batch_size: Count | None = Field(default=100, description="Records an invocation, 1-10000")
    enabled: Flag | None = Field(default=True, description="Whether it polls from the start")
    consumption_mode: str | None = Field(
        default=None, description="Stream (default) or Queue (share group; self-managed, Kafka 4.2)"
    )
    tags: dict[str, str] | None = Field(default=None, description="Tags of the mapping")


class UpdateRequest(MappingSettings):
    """A mapping to be changed: named by `uuid`, or by `target`, source and `kafka_topic` when there is no
    `uuid`.

    With a `uuid`, `target` is the function it shall call from now on.
    """

    uuid: str | None = Field(default=None, description="The mapping's UUID")
    target: str | None = Field(
        default=None, description="With uuid: the new function. Without: finds the mapping"
    )
    kafka_topic: str | None = Field(
        default=None, description="Finds the mapping when there is no uuid; cannot change"
    )
    event_source_arn: str | None = Field(
        default=None, description="Finds the mapping when there is no uuid; cannot change"
    )
    kafka_bootstrap_servers: Names | None = Field(
        default=None, description="Finds the mapping when there is no uuid; cannot change"
    )
    starting_position: str | None = Field(
        default=None, description="Refused: fixed when the mapping was made"
    )
    starting_position_timestamp: AwareDatetime | None = Field(
        default=None, description="Refused: fixed when the mapping was made"
    )
    consumption_mode: str | None = Field(default=None, description="Refused: fixed when the mapping was made")
    tags: dict[str, str] | None = Field(
        default=None, description="Refused: tags change by lambda:TagResource"
    )


def read_request(kind: type[Request], data: Mapping[str, Any]) -> Request:
    """The request that `data` holds. Raises InvalidRequestError with every unknown name and every value of
    the wrong type."""
    try:
        return kind.model_validate(dict(data))
    except ValidationError as error:
        raise InvalidRequestError(
            [_finding(detail) for detail in error.errors(include_url=False, include_context=False)]
        ) from None


def _finding(detail: Any) -> Finding:
    field = ".".join(str(part) for part in detail["loc"])
    kind = detail["type"]
    # What was written under a wrong name may be anything, a password too: it is not shown.
    if kind == "extra_forbidden":
        return fault(field, None, "is not a parameter here", "check its spelling or remove it")
    if kind == "missing":
        return fault(field, None, "is missing", "give it")
    if kind == "timezone_aware":
        return fault(
            field,
            detail["input"],
            "a time without a zone could mean any hour",
            "add the zone, e.g. 2026-01-31T08:00:00Z",
        )
    value = detail["input"] if isinstance(detail["input"], int | float) else None
    return fault(
        field, value, f"has the wrong type ({detail['msg'][:1].lower()}{detail['msg'][1:]})", "correct it"
    )
