"""Where and how it begins to read: starting position, consumer group, stream or queue."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from mesh_assets.esm.findings import Finding, fault, warning
from mesh_assets.esm.validation.subject import Subject

STARTING_POSITIONS = ("LATEST", "TRIM_HORIZON", "AT_TIMESTAMP")
CONSUMPTION_MODES = ("Stream", "Queue")

_GROUP = re.compile(r"[a-zA-Z0-9-/*:_+=.@ ]{1,200}")


def start_findings(subject: Subject) -> Iterator[Finding]:
    if not subject.creating:
        return
    yield from _group(subject)
    yield from _mode(subject)
    if subject.queue_mode:
        yield from _no_position(subject)
    else:
        yield from _position(subject)


def _group(subject: Subject) -> Iterator[Finding]:
    group = subject.request.kafka_consumer_group_id
    if group is None:
        yield warning(
            "kafka_consumer_group_id",
            None,
            "none is set, so AWS uses the mapping's UUID, unknown before it is made: rights cannot be given to exactly this group",
            "set one",
        )
    elif not _GROUP.fullmatch(group):
        yield fault(
            "kafka_consumer_group_id",
            group,
            "1-200 characters of a-z A-Z 0-9 - / * : _ + = . @ and blank",
            "choose another",
        )
    elif "*" in group:
        yield warning(
            "kafka_consumer_group_id",
            group,
            "in an IAM policy `*` stands for any text, so the right to this group is one to more",
            "avoid *",
        )


def _mode(subject: Subject) -> Iterator[Finding]:
    mode = subject.request.consumption_mode
    if mode is None:
        return
    if mode not in CONSUMPTION_MODES:
        yield fault(
            "consumption_mode", mode, f"is none of {', '.join(CONSUMPTION_MODES)}", "choose one of them"
        )
    elif subject.source == "msk":
        yield fault(
            "consumption_mode", mode, "an MSK source has none; self-managed sources only", "leave it out"
        )
    elif mode == "Queue":
        yield warning(
            "consumption_mode",
            mode,
            "needs Kafka 4.2 or later, and cannot be changed later",
            "check the brokers' version",
        )


def _no_position(subject: Subject) -> Iterator[Finding]:
    for field in ("starting_position", "starting_position_timestamp"):
        value = getattr(subject.request, field)
        if value is not None:
            yield fault(
                field,
                str(value),
                "a queue (share group) has no starting position",
                "leave it out, or use consumption_mode Stream",
            )


def _position(subject: Subject) -> Iterator[Finding]:
    position, timestamp = subject.request.starting_position, subject.request.starting_position_timestamp
    if position is None:
        yield fault(
            "starting_position",
            None,
            "is missing",
            "choose LATEST (only what comes from now on), TRIM_HORIZON (everything there is) or AT_TIMESTAMP",
        )
    elif position not in STARTING_POSITIONS:
        yield fault(
            "starting_position", position, f"is none of {', '.join(STARTING_POSITIONS)}", "choose one of them"
        )
    if position == "AT_TIMESTAMP" and timestamp is None:
        yield fault(
            "starting_position_timestamp",
            None,
            "AT_TIMESTAMP needs it",
            "give the time to start from, with its zone",
        )
    if position != "AT_TIMESTAMP" and timestamp is not None:
        yield fault(
            "starting_position_timestamp",
            timestamp.isoformat(),
            "goes with starting_position AT_TIMESTAMP only",
            "leave one or change the other",
        )
    if timestamp is not None and timestamp > datetime.now(UTC):
        yield fault(
            "starting_position_timestamp",
            timestamp.isoformat(),
            "is in the future",
            "give a time that has passed",
        )
    if position in STARTING_POSITIONS and subject.request.kafka_consumer_group_id is not None:
        yield warning(
            "starting_position",
            position,
            f"offsets that group {subject.request.kafka_consumer_group_id} has committed already win over it",
            "use a new group to be sure of the position",
        )
