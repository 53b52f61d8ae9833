"""`mesh-assets esm list` and `get`: mappings in the terminal, with names instead of ARNs."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from mesh_assets.esm.lookup import list_mappings as read_mappings
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.inventory.wording import aligned, brief, printed_json
from mesh_assets.mapping_commands.plans import (
    aws_account,
    mapping_service,
    region_option,
)

_COLUMNS = ("function", "topic", "cluster", "state", "last_result", "changed", "uuid")


def mappings_text(mappings: Sequence[EventSourceMapping]) -> Iterator[str]:
    """The mappings as a table, for people."""
    if not mappings:
        yield "No event source mapping of a Kafka topic matches."
        return
    rows = ([brief(str(mapping.row[column] or "-")) for column in _COLUMNS] for mapping in mappings)
    yield from aligned([[column.replace("_", " ") for column in _COLUMNS], *rows])


def mapping_text(mapping: EventSourceMapping) -> Iterator[str]:
    """Everything that is set, one line each."""
    yield f"{mapping.function_name} ← {mapping.topic or '-'} of {mapping.cluster_name}   {mapping.state or '-'}"
    changed = None if mapping.last_modified is None else f"{mapping.last_modified:%Y-%m-%d %H:%M:%S} UTC"
    access = ", ".join(
        entry.type if entry.uri is None else f"{entry.type} {entry.uri}" for entry in mapping.source_access
    )
    pollers = (
        None
        if not mapping.is_provisioned
        else f"{mapping.min_pollers}-{mapping.max_pollers} {mapping.poller_group or ''}".rstrip()
    )
    facts = {
        "uuid": mapping.uuid,
        "function": mapping.function_arn,
        "source": mapping.source,
        "group": mapping.consumer_group_id,
        "last result": mapping.last_processing_result,
        "changed": changed
        if mapping.state_transition_reason is None
        else f"{changed or '-'} ({mapping.state_transition_reason})",
        "batch": f"{mapping.batch_size} records",
        "window": None if mapping.max_batching_window is None else f"{mapping.max_batching_window} s",
        "started at": mapping.starting_position,
        "access": access,
        "pollers": pollers,
        "retries": "until it expires" if mapping.retry_attempts == -1 else mapping.retry_attempts,
        "oldest record": None if mapping.max_record_age in (None, -1) else f"{mapping.max_record_age} s",
        "bisects": mapping.bisect_batch_on_error,
        "reports failures": mapping.report_batch_item_failures or None,
        "on failure": mapping.on_failure_destination,
        "filters": _filters(mapping),
        "registry": _registry(mapping),
        "reads as": "a share group (queue mode)" if mapping.is_queue else None,
        "metrics": ", ".join(mapping.metrics),
        "poller's log": (mapping.configuration.get("LoggingConfig") or {}).get("SystemLogLevel"),
    }
    yield from (f"  {name:<17} {value}" for name, value in facts.items() if value not in (None, ""))
    yield from (f"  note              {note}" for note in mapping.notes)


def _filters(mapping: EventSourceMapping) -> str | None:
    if mapping.unknown_filters is not None:
        return f"unknown: {mapping.unknown_filters}"
    key = mapping.configuration.get("KMSKeyArn")
    encrypted = f" (encrypted under {key})" if key else ""
    return " or ".join(mapping.filter_patterns) + encrypted if mapping.filter_patterns else None


def _registry(mapping: EventSourceMapping) -> str | None:
    registry = mapping.schema_registry
    if registry is None:
        return None
    validated = [str(entry.get("Attribute")) for entry in registry.get("SchemaValidationConfigs") or ()]
    accesses = [f"{entry.get('Type')} {entry.get('URI')}" for entry in registry.get("AccessConfigs") or ()]
    parts = [
        str(registry.get("SchemaRegistryURI")),
        f"records as {registry.get('EventRecordFormat')}",
        *([f"validates {', '.join(validated)}"] if validated else []),
        *accesses,
    ]
    return ", ".join(parts)


def naming_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that name one mapping: UUID, or `--function`, `--source` and `--topic`."""
    for option in (
        click.option("--topic", metavar="NAME", help="… and its topic."),
        click.option("--source", metavar="ARN|SERVERS", help="… its cluster …"),
        click.option("--function", metavar="NAME", help="Find it by its function …"),
        click.argument("uuid", required=False),
    ):
        command = option(command)
    return command


def named_by(uuid: str | None, function: str | None, source: str | None, topic: str | None) -> dict[str, Any]:
    """The values of these options, by the names that a request uses."""
    is_arn = source is not None and source.startswith("arn:")
    return {
        "uuid": uuid,
        "function_name": function,
        "event_source_arn": source if is_arn else None,
        "kafka_bootstrap_servers": None if is_arn else source,
        "kafka_topic": topic,
    }


@click.command(name="list", short_help="List the mappings of an account and region.")
@click.option("--function", metavar="NAME", help="Only of this function: name or ARN.")
@click.option(
    "--source", metavar="ARN|SERVERS", help="Only of this cluster: MSK ARN, or bootstrap servers with commas."
)
@click.option("--topic", metavar="NAME", help="Only of this topic.")
@click.option("--state", metavar="STATE", help="Only in this state, e.g. Enabled.")
@region_option
@click.option("--json", "as_json", is_flag=True, help="One JSON array on stdout, nothing else.")
def list_mappings(
    function: str | None,
    source: str | None,
    topic: str | None,
    state: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    """List the event source mappings of Kafka topics: function, topic, cluster, state, last result, when last
    changed."""
    found = read_mappings(aws_account(region), function=function, source=source, topic=topic, state=state)
    click.echo(printed_json(found) if as_json else "\n".join(mappings_text(found)))


@click.command(short_help="Show one mapping, with everything that Lambda says about it.")
@naming_options
@region_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, nothing else.")
def get(
    uuid: str | None,
    function: str | None,
    source: str | None,
    topic: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    """Show a mapping, by UUID or by function, cluster and topic. When several match, they are listed and none
    is chosen."""
    found = mapping_service(region).get(uuid, function=function, source=source, topic=topic)
    click.echo(printed_json(found) if as_json else "\n".join(mapping_text(found)))
