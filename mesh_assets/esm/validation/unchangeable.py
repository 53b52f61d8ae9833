"""What is fixed once a mapping is made. Naming it as it is does no harm."""

from collections.abc import Iterator

from mesh_assets.esm.findings import Finding, fault
from mesh_assets.esm.request import UpdateRequest
from mesh_assets.esm.validation.subject import Subject

_MAKE_ANEW = "delete the mapping and create another, or leave this out"


def unchangeable_findings(subject: Subject) -> Iterator[Finding]:
    request, existing = subject.request, subject.existing
    if existing is None or not isinstance(request, UpdateRequest):
        return
    mode = (existing.configuration.get("SelfManagedKafkaEventSourceConfig") or {}).get(
        "ConsumptionMode", "Stream"
    )
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
            yield fault(field, str(asked), f"cannot change; the mapping has {has or 'none'}", _MAKE_ANEW)
    servers = request.kafka_bootstrap_servers
    if servers is not None and set(servers) != set(existing.bootstrap_servers):
        has_servers = ", ".join(existing.bootstrap_servers) or "none"
        yield fault(
            "kafka_bootstrap_servers",
            ", ".join(servers),
            f"cannot change; the mapping has {has_servers}",
            _MAKE_ANEW,
        )
    if request.tags is not None:
        yield fault(
            "tags",
            ", ".join(request.tags),
            "an update does not carry tags",
            "change them with `aws lambda tag-resource`",
        )
    if not changes_anything(request):
        yield fault("the request", None, "names nothing to change", "give at least one setting")


def changes_anything(request: UpdateRequest) -> bool:
    """Whether the request asks for more than which mapping it means."""
    meaning = {
        "uuid",
        "kafka_topic",
        "event_source_arn",
        "kafka_bootstrap_servers",
        "kafka_consumer_group_id",
    }
    if request.uuid is None:
        meaning.add("target")
    return any(value is not None and name not in meaning for name, value in request)
