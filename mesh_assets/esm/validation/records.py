"""What happens to a record: decoded by a schema registry, retried, and sent elsewhere on failure."""

import re
from collections.abc import Iterator

from mesh_assets.esm.arns import arn_in
from mesh_assets.esm.errors import Violation, fault, warning
from mesh_assets.esm.mapping import KAFKA_CONFIGS
from mesh_assets.esm.request_fields import SchemaRegistry
from mesh_assets.esm.validation.source_access import secret_violations
from mesh_assets.esm.validation.subject import Subject, choice_violations, not_among, repeated

EVENT_FORMATS = ("JSON", "SOURCE")
ATTRIBUTES = ("KEY", "VALUE")
ACCESS_TYPES = ("BASIC_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE", "OAUTHBEARER_AUTH")


def registry_violations(subject: Subject) -> Iterator[Violation]:
    """The schema registry that decodes and validates records before the function gets them."""
    registry = subject.request.schema_registry
    if registry is None and subject.existing is not None:
        for note in subject.existing.notes:
            yield warning("schema_registry.uri", None, note, "give schema_registry again, without it")
    if subject.ends_provisioned_mode and _has_registry(subject):
        yield fault(
            "schema_registry",
            None,
            "the mapping has one, and Lambda ends provisioned mode only after it is gone",
            "remove it first, in an update of its own: schema_registry: {}",
        )
    if registry is None:
        return
    if registry.removes:
        if subject.creating or registry.access_configurations:
            yield fault(
                "schema_registry.uri",
                None,
                "is missing",
                "give the Glue registry's ARN or Confluent's https:// address, or leave schema_registry out",
            )
        return
    if "@" in registry.uri:
        yield fault(
            "schema_registry.uri",
            None,
            "contains a login (not shown), which anyone who may see the mapping could read",
            "leave it out, and name a secret that has it in access_configurations",
        )
        return
    if not subject.provisioned:
        yield fault(
            "schema_registry",
            registry.uri,
            "works only in provisioned mode",
            "set provisioned_mode (or min_pollers), or leave it out",
        )
    if registry.event_record_format not in EVENT_FORMATS:
        yield not_among("schema_registry.event_record_format", registry.event_record_format, EVENT_FORMATS)
    yield from choice_violations(
        "schema_registry.validate_attributes", registry.validate_attributes, ATTRIBUTES
    )
    yield from _kind(registry)


def _has_registry(subject: Subject) -> bool:
    return any(subject.existing_config(name).get("SchemaRegistryConfig") for name in KAFKA_CONFIGS)


_MOST_REGISTRY_ACCESSES = 2


def _kind(registry: SchemaRegistry) -> Iterator[Violation]:
    if registry.uri.startswith("https://"):
        yield from _accesses(registry)
        return
    arn = arn_in(registry.uri)
    if (
        arn is None
        or arn.service != "glue"
        or not arn.resource.startswith("registry/")
        or arn.resource == "registry/"
    ):
        yield fault(
            "schema_registry.uri",
            registry.uri,
            "is neither a Glue registry's ARN (arn:aws:glue:REGION:ACCOUNT:registry/NAME) nor an https:// address",
            "give one of these",
        )
    elif registry.access_configurations:
        yield fault(
            "schema_registry.access_configurations",
            ", ".join(access.type for access in registry.access_configurations),
            "a Glue registry takes none: it authorizes the function's role",
            "leave them out",
        )


def _accesses(registry: SchemaRegistry) -> Iterator[Violation]:
    """How Lambda authenticates to a Confluent registry."""
    field, entries = "schema_registry.access_configurations", registry.access_configurations
    if not entries:
        yield warning(
            field, None, "none is given, and Confluent's registry asks for credentials", "name its secret"
        )
    if len(entries) > _MOST_REGISTRY_ACCESSES:
        yield fault(
            field,
            len(entries),
            f"at most {_MOST_REGISTRY_ACCESSES}: the authentication, and the authority's certificate",
            "leave out the others",
        )
    yield from repeated(field, (entry.type for entry in entries))
    for number, entry in enumerate(entries):
        if entry.type not in ACCESS_TYPES:
            yield not_among(f"{field}[{number}].type", entry.type, ACCESS_TYPES)
        else:
            yield from secret_violations(f"{field}[{number}].uri", entry.uri)


KAFKA_DESTINATION = "kafka://"
ENDLESS = -1

_MOST_RETRIES = 10_000
_YOUNGEST_SECONDS = 60
_OLDEST_SECONDS = 604_800
_LONGEST_DESTINATION = 350
_KAFKA_TOPIC = re.compile(r"[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,248}")
_DESTINATION_SERVICES = ("sqs", "sns", "s3")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_WITH_PROVISIONED_MODE = (
    "retry_attempts",
    "bisect_batch_on_error",
    "max_record_age",
    "report_batch_item_failures",
)


def failure_violations(subject: Subject) -> Iterator[Violation]:
    """What happens to a failed batch: retries, halving, age, partial answers, its final destination."""
    request = subject.request
    retries, age = request.retry_attempts, request.max_record_age
    if retries is not None:
        if subject.queue_mode and retries == ENDLESS:
            yield fault(
                "retry_attempts",
                retries,
                "a queue (share group) cannot retry endlessly",
                "give 0 (the default) or more",
            )
        elif not ENDLESS <= retries <= _MOST_RETRIES:
            yield fault(
                "retry_attempts", retries, f"-1 (until the record expires) to {_MOST_RETRIES}", "correct it"
            )
    if age is not None and age != ENDLESS and not _YOUNGEST_SECONDS <= age <= _OLDEST_SECONDS:
        yield fault(
            "max_record_age",
            age,
            f"-1 (never) or {_YOUNGEST_SECONDS}-{_OLDEST_SECONDS} seconds",
            "correct it",
        )
    destination = request.on_failure_destination
    if destination == "" and subject.creating:
        yield fault("on_failure_destination", "''", "is empty", "leave it out")
    elif destination:
        yield from _destination(destination, subject)
    yield from _of_provisioned_mode(subject)
    if request.on_success_destination is not None:
        yield fault(
            "on_success_destination",
            request.on_success_destination,
            "event source mappings have no on-success destination, only on-failure (OnSuccess is for asynchronous invocations)",
            "leave it out, or send from the function itself",
        )
    if (
        subject.after("on_failure_destination")
        and subject.after("retry_attempts") in (None, ENDLESS)
        and not subject.queue_mode
    ):
        yield warning(
            "on_failure_destination",
            subject.after("on_failure_destination"),
            "with endless retries AWS makes 10 attempts and then sends the batch there",
            "set retry_attempts for another number",
        )


def _of_provisioned_mode(subject: Subject) -> Iterator[Violation]:
    """What needs provisioned mode, or seems to."""
    if subject.provisioned:
        return
    request, after = subject.request, subject.after("on_failure_destination") or ""
    # A mapping that has it anyway may still be changed in other ways, above all disabled.
    if after.startswith(KAFKA_DESTINATION) and (
        request.on_failure_destination or subject.ends_provisioned_mode
    ):
        yield fault(
            "on_failure_destination",
            after,
            "Lambda writes to a topic only in provisioned mode",
            "set provisioned_mode (or min_pollers), or name a queue, SNS topic or bucket",
        )
    asked = [name for name in _WITH_PROVISIONED_MODE if getattr(request, name) not in (None, False)]
    if asked:
        yield warning(
            ", ".join(asked),
            None,
            "AWS' console offers this only in provisioned mode, though the API's description does not require that",
            "set provisioned_mode if AWS refuses the request",
        )


def _destination(text: str, subject: Subject) -> Iterator[Violation]:
    field = "on_failure_destination"
    if len(text) > _LONGEST_DESTINATION:
        yield fault(field, text, f"at most {_LONGEST_DESTINATION} characters", "check it")
        return
    if text.startswith(KAFKA_DESTINATION):
        topic = text.removeprefix(KAFKA_DESTINATION)
        if not _KAFKA_TOPIC.fullmatch(topic):
            yield fault(
                field,
                text,
                "expected a topic after kafka://: letters, digits, '.', '_', '-', at most 249",
                "check the topic's name",
            )
        elif topic == subject.topic:
            yield fault(
                field,
                text,
                "is the topic that the mapping reads, so a failed record would come back forever",
                "name another topic",
            )
        return
    arn = arn_in(text)
    if arn is None or arn.service not in _DESTINATION_SERVICES:
        yield fault(
            field,
            text,
            "is neither the ARN of an SQS queue, SNS topic or S3 bucket, nor a kafka://topic",
            "give one of these",
        )
    elif arn.service == "s3" and not _BUCKET.fullmatch(arn.resource):
        yield fault(
            field,
            text,
            "an S3 destination is a bucket: arn:aws:s3:::NAME, without a key",
            "give the bucket's ARN",
        )
