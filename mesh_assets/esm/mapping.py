"""An event source mapping as Lambda describes it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.esm.arns import FunctionName, function_in, msk_cluster_in
from mesh_assets.masking.text import MASK, mask_text

# Changes by itself, or belongs to the answer rather than the mapping.
_NOT_CONFIGURATION = frozenset(
    {"LastModified", "LastProcessingResult", "State", "StateTransitionReason", "ResponseMetadata"}
)
KAFKA_CONFIGS = ("AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig")


class SourceAccessConfiguration(Struct, frozen=True, kw_only=True):
    """How Lambda accesses the source. `uri` None: the two IAM types have none."""

    type: str
    uri: str | None = None


class EventSourceMapping(Struct, frozen=True, kw_only=True):
    """An event source mapping. None: Lambda's answer does not contain the value.

    `function_name` is for people: the name, with the version or alias if there is one. A Kafka source has
    exactly one of `event_source_arn` (MSK) and `bootstrap_servers`; `is_kafka` is False for other sources.
    `consumer_group_id` is the configured group or, where none was set, the UUID, which AWS then uses.
    `configuration` is the answer as JSON values, without what changes by itself (state, last result, times).
    Plans are compared and hashed by it. Answers, plans and runs show it in full, so a login in the registry's address
    is masked in it; only `registry_address` of `lookup` reads the address as it is.
    """

    uuid: str
    function_arn: str
    function_name: str
    state: str | None
    state_transition_reason: str | None
    last_processing_result: str | None
    last_modified: datetime | None
    topic: str | None
    event_source_arn: str | None
    bootstrap_servers: tuple[str, ...]
    consumer_group_id: str
    batch_size: int | None
    max_batching_window: int | None
    starting_position: str | None
    starting_position_timestamp: datetime | None
    source_access: tuple[SourceAccessConfiguration, ...]
    min_pollers: int | None
    max_pollers: int | None
    poller_group: str | None
    retry_attempts: int | None
    max_record_age: int | None
    bisect_batch_on_error: bool | None
    report_batch_item_failures: bool
    on_failure_destination: str | None
    filter_patterns: tuple[str, ...]
    metrics: tuple[str, ...]
    configuration: Mapping[str, Any]

    @property
    def is_kafka(self) -> bool:
        return self.topic is not None

    @property
    def is_provisioned(self) -> bool:
        return self.min_pollers is not None or self.max_pollers is not None

    @property
    def is_queue(self) -> bool:
        """Whether it consumes as a share group, which commits no offsets."""
        return bool(self._own_config.get("ConsumptionMode") == "Queue")

    @property
    def schema_registry(self) -> Mapping[str, Any] | None:
        """Lambda's SchemaRegistryConfig; None: records reach the function as they are."""
        return self._own_config.get("SchemaRegistryConfig") or None

    @property
    def registry_has_login(self) -> bool:
        """Whether its registry's address contains a login, which anyone who may read the mapping can read."""
        return MASK in str((self.schema_registry or {}).get("SchemaRegistryURI"))

    @property
    def notes(self) -> tuple[str, ...]:
        """What anyone looking at the mapping should know about it."""
        if not self.registry_has_login:
            return ()
        return (
            "the address of its schema registry contains a login (masked here), which anyone who may see the mapping can read: "
            "put the login into a secret, name that in access_configurations, and change the password",
        )

    @property
    def unknown_filters(self) -> str | None:
        """Why its filters are not known, although it may have some; None when `filter_patterns` says all.

        They are encrypted under a customer's key: a list never contains them, and anyone who may not use the key
        gets an error instead.
        """
        error = self.configuration.get("FilterCriteriaError")
        if error:
            return f"{error.get('ErrorCode') or 'FilterCriteriaError'}: {error.get('Message') or 'no reason given'}"
        key = self.configuration.get("KMSKeyArn")
        if key and not self.filter_patterns:
            return f"they are encrypted under {key}, and the answer does not contain them"
        return None

    @property
    def _own_config(self) -> Mapping[str, Any]:
        name = (
            "AmazonManagedKafkaEventSourceConfig"
            if self.event_source_arn
            else "SelfManagedKafkaEventSourceConfig"
        )
        return self.configuration.get(name) or {}

    @property
    def source(self) -> str:
        """The MSK cluster's ARN, or the bootstrap servers separated by commas."""
        return self.event_source_arn or ",".join(self.bootstrap_servers)

    @property
    def cluster_name(self) -> str:
        """For people: the MSK cluster's name, or the first bootstrap server and how many more there are."""
        if self.event_source_arn is not None:
            cluster = msk_cluster_in(self.event_source_arn)
            return self.event_source_arn if cluster is None else cluster.name
        first, *others = self.bootstrap_servers or ("-",)
        return f"{first} (+{len(others)})" if others else first

    @property
    def row(self) -> dict[str, str | int | None]:
        """What a table shows of it, in this order: the list of the command line, the asset, its checks, the jobs."""
        changed = self.last_modified
        return {
            "function": self.function_name,
            "topic": self.topic,
            "cluster": self.cluster_name,
            "group_id": self.consumer_group_id,
            "batch_size": self.batch_size,
            "state": self.state,
            "last_result": self.last_processing_result,
            "changed": None if changed is None else f"{changed:%Y-%m-%d %H:%M} UTC",
            "uuid": self.uuid,
        }


def read_mapping(answer: Mapping[str, Any]) -> EventSourceMapping:
    """The mapping in Lambda's answer. Raises UnexpectedAnswerError when the UUID or the function is missing."""
    uuid, function_arn = answer.get("UUID"), answer.get("FunctionArn")
    if not uuid or not function_arn:
        raise UnexpectedAnswerError(
            f"Lambda described an event source mapping without {'UUID' if not uuid else 'FunctionArn'}; expected both in every answer"
        )
    msk = answer.get("AmazonManagedKafkaEventSourceConfig") or {}
    own = answer.get("SelfManagedKafkaEventSourceConfig") or {}
    pollers = answer.get("ProvisionedPollerConfig") or {}
    topics = answer.get("Topics") or ()
    return EventSourceMapping(
        uuid=uuid,
        function_arn=function_arn,
        function_name=_readable(function_in(function_arn), function_arn),
        state=answer.get("State"),
        state_transition_reason=answer.get("StateTransitionReason"),
        last_processing_result=_masked(answer.get("LastProcessingResult")),
        last_modified=_time(answer.get("LastModified")),
        topic=topics[0] if topics else None,
        event_source_arn=answer.get("EventSourceArn"),
        bootstrap_servers=tuple(
            (answer.get("SelfManagedEventSource") or {})
            .get("Endpoints", {})
            .get("KAFKA_BOOTSTRAP_SERVERS", ())
        ),
        consumer_group_id=msk.get("ConsumerGroupId") or own.get("ConsumerGroupId") or uuid,
        batch_size=answer.get("BatchSize"),
        max_batching_window=answer.get("MaximumBatchingWindowInSeconds"),
        starting_position=answer.get("StartingPosition"),
        starting_position_timestamp=_time(answer.get("StartingPositionTimestamp")),
        source_access=tuple(
            SourceAccessConfiguration(type=entry["Type"], uri=entry.get("URI"))
            for entry in answer.get("SourceAccessConfigurations") or ()
            if "Type" in entry
        ),
        min_pollers=pollers.get("MinimumPollers"),
        max_pollers=pollers.get("MaximumPollers"),
        poller_group=pollers.get("PollerGroupName") or None,
        retry_attempts=answer.get("MaximumRetryAttempts"),
        max_record_age=answer.get("MaximumRecordAgeInSeconds"),
        bisect_batch_on_error=answer.get("BisectBatchOnFunctionError"),
        report_batch_item_failures="ReportBatchItemFailures" in (answer.get("FunctionResponseTypes") or ()),
        on_failure_destination=(answer.get("DestinationConfig") or {}).get("OnFailure", {}).get("Destination")
        or None,
        filter_patterns=tuple(
            entry["Pattern"]
            for entry in (answer.get("FilterCriteria") or {}).get("Filters", ())
            if "Pattern" in entry
        ),
        metrics=tuple((answer.get("MetricsConfig") or {}).get("Metrics", ())),
        configuration={
            name: _without_login(plain(value)) if name in KAFKA_CONFIGS else plain(value)
            for name, value in answer.items()
            if name not in _NOT_CONFIGURATION
        },
    )


def _without_login(config: Mapping[str, Any]) -> Mapping[str, Any]:
    registry = config.get("SchemaRegistryConfig") or {}
    if "SchemaRegistryURI" not in registry:
        return config
    shown = {**registry, "SchemaRegistryURI": _masked(registry["SchemaRegistryURI"])}
    return {**config, "SchemaRegistryConfig": shown}


def _masked(text: str | None) -> str | None:
    return None if text is None else mask_text(text)


def plain(value: Any) -> Any:
    """A boto3 answer as JSON values, with times as text in UTC."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case Mapping():
            return {name: plain(part) for name, part in value.items()}
        case list() | tuple():
            return [plain(part) for part in value]
        case _:
            return value


def _readable(function: FunctionName | None, arn: str) -> str:
    if function is None:
        return arn
    return function.name if function.qualifier is None else f"{function.name}:{function.qualifier}"


def _time(value: Any) -> datetime | None:
    """boto3 returns a time in the machine's zone; a stand-in may return seconds since 1970."""
    match value:
        case datetime():
            return value.astimezone(UTC)
        case int() | float():
            return datetime.fromtimestamp(value, tz=UTC)
        case _:
            return None
