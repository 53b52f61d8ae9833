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
