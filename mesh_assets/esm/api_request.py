"""Requests to Lambda's API, exactly as sent, and how an existing mapping differs from them."""

from collections.abc import Iterator, Mapping
from typing import Any

from mesh_assets.esm.arns import names_function
from mesh_assets.esm.mapping import KAFKA_CONFIGS, EventSourceMapping, plain
from mesh_assets.esm.request import CreateRequest, MappingSettings, UpdateRequest
from mesh_assets.esm.request_fields import SchemaRegistry, SourceAccess

DEFAULT_MIN_POLLERS = 1
DEFAULT_MAX_POLLERS = 2


def create_arguments(request: CreateRequest) -> dict[str, Any]:
    """The arguments of CreateEventSourceMapping, without what the request leaves to AWS."""
    arguments: dict[str, Any] = {"FunctionName": request.target, "Topics": [request.kafka_topic]}
    if request.event_source_arn:
        arguments["EventSourceArn"] = request.event_source_arn
    if request.kafka_bootstrap_servers:
        arguments["SelfManagedEventSource"] = {
            "Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": list(request.kafka_bootstrap_servers)}
        }
    if request.starting_position is not None:
        arguments["StartingPosition"] = request.starting_position
    if request.starting_position_timestamp is not None:
        arguments["StartingPositionTimestamp"] = request.starting_position_timestamp
    if request.tags:
        arguments["Tags"] = dict(request.tags)
    if provisioned_mode_asked(request):
        arguments["ProvisionedPollerConfig"] = _pollers(request, None)
    config: dict[str, Any] = {}
    if request.kafka_consumer_group_id is not None:
        config["ConsumerGroupId"] = request.kafka_consumer_group_id
    if request.schema_registry is not None:
        config["SchemaRegistryConfig"] = _registry(request.schema_registry)
    if request.consumption_mode is not None:
        config["ConsumptionMode"] = request.consumption_mode
    if config:
        arguments[_config_name(bool(request.event_source_arn))] = config
    return {**arguments, **_settings(request)}


def update_arguments(request: UpdateRequest, existing: EventSourceMapping) -> dict[str, Any]:
    """The arguments of UpdateEventSourceMapping: only what changes."""
    arguments: dict[str, Any] = {"UUID": existing.uuid}
    if request.uuid is not None and request.target is not None:
        arguments["FunctionName"] = request.target
    if provisioned_mode_asked(request) is False:
        arguments["ProvisionedPollerConfig"] = {}  # which ends provisioned mode
    elif provisioned_mode_asked(request) or request.poller_group is not None:
        arguments["ProvisionedPollerConfig"] = _pollers(request, existing)
    if request.schema_registry is not None:
        name = _config_name(existing.event_source_arn is not None)
        # AWS replaces the config as a whole. What cannot change is repeated.
        same = {
            k: v
            for k, v in (existing.configuration.get(name) or {}).items()
            if k in ("ConsumerGroupId", "ConsumptionMode")
        }
        arguments[name] = {**same, "SchemaRegistryConfig": _registry(request.schema_registry)}
    return {**arguments, **_settings(request)}


def provisioned_mode_asked(request: MappingSettings) -> bool | None:
    """Whether the request turns provisioned mode on or off, directly or by asking for pollers.

    None: it says nothing.
    """
    if request.provisioned_mode is not None:
        return request.provisioned_mode
    return True if request.min_pollers is not None or request.max_pollers is not None else None


def effective_pollers(request: MappingSettings, existing: EventSourceMapping | None) -> tuple[int, int]:
    """Minimum and maximum pollers once the request is applied. A default maximum rises to a larger minimum."""
    least, most = request.min_pollers, request.max_pollers
    if existing is not None:
        least = existing.min_pollers if least is None else least
        most = existing.max_pollers if most is None else most
    if least is None:
        least = DEFAULT_MIN_POLLERS
    return least, max(DEFAULT_MAX_POLLERS, least) if most is None else most


def _pollers(request: MappingSettings, existing: EventSourceMapping | None) -> dict[str, Any]:
    least, most = effective_pollers(request, existing)
    # Repeated where the request is silent: left out, it could be taken for leaving the group.
    group = request.poller_group
    if group is None and existing is not None:
        group = existing.poller_group
    return {
        "MinimumPollers": least,
        "MaximumPollers": most,
        **({} if group is None else {"PollerGroupName": group}),
    }


def _settings(request: MappingSettings) -> dict[str, Any]:
    """The arguments that creating and updating have in common."""
    plain = {
        "BatchSize": request.batch_size,
        "MaximumBatchingWindowInSeconds": request.max_batching_window,
        "Enabled": request.enabled,
        "MaximumRetryAttempts": request.retry_attempts,
        "BisectBatchOnFunctionError": request.bisect_batch_on_error,
        "MaximumRecordAgeInSeconds": request.max_record_age,
        "KMSKeyArn": request.filter_kms_key_arn,
    }
    arguments: dict[str, Any] = {name: value for name, value in plain.items() if value is not None}
    if request.source_access_configurations is not None:
        arguments["SourceAccessConfigurations"] = [
            _access(entry) for entry in request.source_access_configurations
        ]
    if request.report_batch_item_failures is not None:
        arguments["FunctionResponseTypes"] = (
            ["ReportBatchItemFailures"] if request.report_batch_item_failures else []
        )
    if request.on_failure_destination is not None:
        arguments["DestinationConfig"] = {"OnFailure": {"Destination": request.on_failure_destination}}
    if request.filter_patterns is not None:
        # An empty FilterCriteria removes all filters.
        filters = [{"Pattern": pattern} for pattern in request.filter_patterns]
        arguments["FilterCriteria"] = {"Filters": filters} if filters else {}
    if request.metrics is not None:
        arguments["MetricsConfig"] = {"Metrics": list(request.metrics)}
    if request.log_level is not None:
        arguments["LoggingConfig"] = {"SystemLogLevel": request.log_level} if request.log_level else {}
    return arguments


def _access(entry: SourceAccess) -> dict[str, str]:
    return {"Type": entry.type} if entry.uri is None else {"Type": entry.type, "URI": entry.uri}


def _registry(registry: SchemaRegistry) -> dict[str, Any]:
    """An empty one removes the mapping's registry, like every other empty config of this API."""
    if registry.removes:
        return {}
    config: dict[str, Any] = {
        "SchemaRegistryURI": registry.uri,
        "EventRecordFormat": registry.event_record_format,
    }
    if registry.access_configurations:
        config["AccessConfigs"] = [_access(entry) for entry in registry.access_configurations]
    if registry.validate_attributes:
        config["SchemaValidationConfigs"] = [
            {"Attribute": attribute} for attribute in registry.validate_attributes
        ]
    return config


def _config_name(msk: bool) -> str:
    return "AmazonManagedKafkaEventSourceConfig" if msk else "SelfManagedKafkaEventSourceConfig"


# In the request, but never among a mapping's settings.
_NOT_SETTINGS = frozenset({"UUID", "Tags"})
UNCHANGEABLE = ("StartingPosition", "StartingPositionTimestamp", "ConsumerGroupId", "ConsumptionMode")
"""What a mapping keeps for life, by the API's names, besides its source and topic."""


def differences(arguments: Mapping[str, Any], existing: EventSourceMapping) -> dict[str, str]:
    """How the mapping differs from the API arguments: a sentence for each setting, by the API's names.

    Settings that they do not name are not compared.
    """
    return {name: f"{name}: {sentence}" for name, sentence in _different(arguments, existing)}


def _different(arguments: Mapping[str, Any], existing: EventSourceMapping) -> Iterator[tuple[str, str]]:
    for name, asked in plain(arguments).items():
        if name in _NOT_SETTINGS:
            continue
        if name == "FunctionName":
            if not names_function(str(asked), existing.function_arn):
                yield name, f"{existing.function_name} → {asked}"
        elif name == "Enabled":
            if asked != (existing.state in ("Enabled", "Enabling", "Creating", "Updating")):
                yield name, f"{existing.state} → {asked}"
        elif name == "FilterCriteria" and existing.unknown_filters is not None:
            yield name, f"unknown ({existing.unknown_filters}) → {_shown(asked)}"
        elif name in KAFKA_CONFIGS:
            config = existing.configuration.get(name) or {}
            # Without a configured group it still has one: its UUID.
            has = {**config, "ConsumerGroupId": existing.consumer_group_id}
            for part in asked:
                yield from _setting(part, has.get(part), asked[part])
        else:
            yield from _setting(name, existing.configuration.get(name), asked)


def _setting(name: str, has: Any, asked: Any) -> Iterator[tuple[str, str]]:
    if _settled(has) != _settled(asked):
        yield name, f"{_shown(has)} → {_shown(asked)}"


def _settled(value: Any) -> Any:
    """The value in normal form: an empty value equals a missing one, and lists have no order."""
    match value:
        case Mapping():
            kept = {name: settled for name, part in value.items() if (settled := _settled(part)) is not None}
            return kept or None
        case list() | tuple():
            return sorted((_settled(part) for part in value), key=repr) or None
        case "":
            return None
        case _:
            return value


def _shown(value: Any) -> str:
    return "none" if _settled(value) is None else str(value)
