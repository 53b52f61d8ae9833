"""What happens to a batch that fails: retries, halving, age, partial answers, where it goes in the end."""

import re
from collections.abc import Iterator

from mesh_assets.esm.arns import arn_in
from mesh_assets.esm.findings import Finding, fault, warning
from mesh_assets.esm.validation.subject import Subject

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
    "on_failure_destination",
)


def failure_findings(subject: Subject) -> Iterator[Finding]:
    request = subject.request
    retries, age = request.retry_attempts, request.max_record_age
    if retries is not None:
        if subject.queue_mode and retries == ENDLESS:
            yield fault(
                "retry_attempts",
                retries,
                "a queue (share group) cannot retry without end",
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
    if request.on_success_destination is not None:
        yield fault(
            "on_success_destination",
            request.on_success_destination,
            "event source mappings have no destination on success, only on failure (OnSuccess is for asynchronous invocations)",
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
            "set retry_attempts to have another number",
        )
    asked = [name for name in _WITH_PROVISIONED_MODE if getattr(request, name) not in (None, False)]
    if asked and not subject.provisioned:
        yield warning(
            ", ".join(asked),
            None,
            "AWS' console offers this in provisioned mode only, though the API's description does not ask for it",
            "set provisioned_mode if AWS refuses the request",
        )


def _destination(text: str, subject: Subject) -> Iterator[Finding]:
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
                "kafka:// is followed by a topic: letters, digits, '.', '_', '-', at most 249",
                "check the topic's name",
            )
        elif topic == subject.topic:
            yield fault(
                field,
                text,
                "is the topic the mapping reads, so a failed record would come back for ever",
                "name another topic",
            )
        return
    arn = arn_in(text)
    if arn is None or arn.service not in _DESTINATION_SERVICES:
        yield fault(
            field,
            text,
            "is no ARN of an SQS queue, SNS topic or S3 bucket, and no kafka://topic",
            "give one of these",
        )
    elif arn.service == "s3" and not _BUCKET.fullmatch(arn.resource):
        yield fault(
            field,
            text,
            "an S3 destination is a bucket: arn:aws:s3:::NAME, without a key",
            "give the bucket's ARN",
        )
