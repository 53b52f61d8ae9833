"""Mappings for people: names in place of ARNs, times, states, the last result."""

from collections.abc import Iterator, Sequence

from mesh_assets.cli.table import aligned
from mesh_assets.esm.arns import msk_cluster_in
from mesh_assets.esm.mapping import EventSourceMapping

_HEADINGS = ("function", "topic", "cluster", "state", "last result", "changed", "uuid")


def mappings_text(mappings: Sequence[EventSourceMapping]) -> Iterator[str]:
    if not mappings:
        yield "No event source mapping of a Kafka topic fits."
        return
    yield from aligned([_HEADINGS, *(_row(mapping) for mapping in mappings)])


def _row(mapping: EventSourceMapping) -> tuple[str, ...]:
    changed = "-" if mapping.last_modified is None else f"{mapping.last_modified:%Y-%m-%d %H:%M} UTC"
    return (
        mapping.function_name,
        mapping.topic or "-",
        cluster_name(mapping),
        mapping.state or "-",
        mapping.last_processing_result or "-",
        changed,
        mapping.uuid,
    )


def cluster_name(mapping: EventSourceMapping) -> str:
    """The MSK cluster's name, or the first bootstrap server and how many more."""
    if mapping.event_source_arn is not None:
        cluster = msk_cluster_in(mapping.event_source_arn)
        return mapping.event_source_arn if cluster is None else cluster.name
    first, *others = mapping.bootstrap_servers or ("-",)
    return f"{first} (+{len(others)})" if others else first


def mapping_text(mapping: EventSourceMapping) -> Iterator[str]:
    """Everything that is set, a line each."""
    yield f"{mapping.function_name} ← {mapping.topic or '-'} of {cluster_name(mapping)}   {mapping.state or '-'}"
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
        "filters": " or ".join(mapping.filter_patterns),
        "metrics": ", ".join(mapping.metrics),
    }
    yield from (f"  {name:<17} {value}" for name, value in facts.items() if value not in (None, ""))
