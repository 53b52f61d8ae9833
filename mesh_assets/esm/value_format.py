"""Filters on a topic of Avro or Protobuf, for a mapping without a schema registry.

Lambda decodes values to UTF-8 before it filters, as text or JSON, and deserializes Avro and Protobuf only with a schema
registry, before it filters (https://docs.aws.amazon.com/lambda/latest/dg/services-consume-kafka-events.html). Without one,
such a value is bytes that match no pattern, the record is committed, and the function never hears of it. Without filters,
records reach the function as they are in the topic, and it may deserialize them itself: that needs no warning.
"""

from collections.abc import Callable, Iterator

from mesh_assets.errors import EstateError, PlatformError
from mesh_assets.esm.errors import Violation, warning
from mesh_assets.esm.iam.wiring import Wiring
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.request import CreateRequest, UpdateRequest

FormatLookup = Callable[[Wiring, tuple[str, ...]], str | None]
"""The format of the topic's values (AVRO, PROTOBUF, JSON), given the wiring and the bootstrap servers. None: not known.

Raises EstateError or PlatformError when AWS or the registry refuses or does not answer.
"""
_BINARY = ("AVRO", "PROTOBUF")


def filter_format_violations(
    lookup: FormatLookup,
    request: CreateRequest | UpdateRequest,
    wiring: Wiring,
    existing: EventSourceMapping | None = None,
) -> Iterator[Violation]:
    """A warning where the request leaves a mapping with filters that nothing may pass. `existing` None: it is to be created."""
    if request.filter_patterns is None and request.schema_registry is None:
        return
    patterns, registry = request.filter_patterns, request.schema_registry
    if existing is not None and patterns is None:
        patterns = existing.filter_patterns
    has_registry = (
        not registry.removes if registry else existing is not None and existing.schema_registry is not None
    )
    if not patterns or has_registry:
        return
    servers = request.kafka_bootstrap_servers or () if existing is None else existing.bootstrap_servers
    field = "filter_patterns"
    try:
        found = lookup(wiring, tuple(servers))
    except (EstateError, PlatformError) as error:
        yield warning(
            field,
            None,
            f"the format of {wiring.topic}'s values could not be looked up: {error}",
            "make sure that they are JSON or text: without a schema registry, Lambda filters nothing else",
        )
        return
    if found in _BINARY:
        yield warning(
            field,
            None,
            f"the values of {wiring.topic} are {found} (subject {wiring.topic}-value), which Lambda deserializes before it filters "
            "only if the mapping has a schema registry, so these patterns may match no record",
            "set schema_registry (and provisioned_mode), or leave the filters out",
        )
