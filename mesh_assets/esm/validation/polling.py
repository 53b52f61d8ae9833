"""How a mapping reads: where it starts, in which group and batches, by which pollers, with which metrics."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from mesh_assets.esm.api_request import DEFAULT_MIN_POLLERS, effective_pollers
from mesh_assets.esm.errors import Violation, fault, warning
from mesh_assets.esm.validation.subject import Subject, choice_violations, not_among

STARTING_POSITIONS = ("LATEST", "TRIM_HORIZON", "AT_TIMESTAMP")
CONSUMPTION_MODES = ("Stream", "Queue")

_CONSUMER_GROUP = re.compile(r"[a-zA-Z0-9-/*:_+=.@ ]{1,200}")


def start_violations(subject: Subject) -> Iterator[Violation]:
    """Where a new mapping starts to read, in which group, as a stream or a queue."""
    if not subject.creating:
        return
    yield from _consumer_group(subject)
    yield from _mode(subject)
    if subject.queue_mode:
        yield from _no_position(subject)
    else:
        yield from _position(subject)


def _consumer_group(subject: Subject) -> Iterator[Violation]:
    group = subject.request.kafka_consumer_group_id
    if group is None:
        yield warning(
            "kafka_consumer_group_id",
            None,
            "none is set, so AWS uses the mapping's UUID, unknown until it is created: rights cannot be granted for exactly this group",
            "set one",
        )
    elif not _CONSUMER_GROUP.fullmatch(group):
        yield fault(
            "kafka_consumer_group_id",
            group,
            "1-200 characters of a-z A-Z 0-9 - / * : _ + = . @ and blank",
            "choose another",
        )


def _mode(subject: Subject) -> Iterator[Violation]:
    mode = subject.request.consumption_mode
    if mode is None:
        return
    if mode not in CONSUMPTION_MODES:
        yield not_among("consumption_mode", mode, CONSUMPTION_MODES)
    elif subject.source == "msk":
        yield fault(
            "consumption_mode", mode, "MSK sources do not have it; only self-managed ones do", "leave it out"
        )
    elif mode == "Queue":
        yield warning(
            "consumption_mode",
            mode,
            "needs Kafka 4.2 or later, and cannot be changed afterwards",
            "check the brokers' version",
        )


def _no_position(subject: Subject) -> Iterator[Violation]:
    for field in ("starting_position", "starting_position_timestamp"):
        value = getattr(subject.request, field)
        if value is not None:
            yield fault(
                field,
                str(value),
                "a queue (share group) has no starting position",
                "leave it out, or use consumption_mode Stream",
            )


def _position(subject: Subject) -> Iterator[Violation]:
    position, timestamp = subject.request.starting_position, subject.request.starting_position_timestamp
    if position is None:
        yield fault(
            "starting_position",
            None,
            "is missing",
            "choose LATEST (only new records), TRIM_HORIZON (all existing records) or AT_TIMESTAMP",
        )
    elif position not in STARTING_POSITIONS:
        yield not_among("starting_position", position, STARTING_POSITIONS)
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
            "goes only with starting_position AT_TIMESTAMP",
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
            f"offsets that group {subject.request.kafka_consumer_group_id} has already committed take precedence",
            "use a new group to be sure of the position",
        )


_LARGEST_BATCH = 10_000
_LONGEST_WINDOW_SECONDS = 300


def batch_violations(subject: Subject) -> Iterator[Violation]:
    """How many records an invocation gets, and how long they are gathered."""
    size, window = subject.request.batch_size, subject.request.max_batching_window
    if size is not None and not 1 <= size <= _LARGEST_BATCH:
        yield fault("batch_size", size, f"1-{_LARGEST_BATCH} for Kafka", "correct it; the default is 100")
    if window is None:
        return
    if subject.queue_mode:
        yield fault(
            "max_batching_window", window, "a queue (share group) has no batching window", "leave it out"
        )
    elif not 0 <= window <= _LONGEST_WINDOW_SECONDS:
        yield fault("max_batching_window", window, f"0-{_LONGEST_WINDOW_SECONDS} seconds", "correct it")
    elif subject.existing is None or subject.existing.max_batching_window != window:
        yield warning(
            "max_batching_window",
            window,
            "once changed, it cannot return to the default of 500 ms, except by creating the mapping again",
            "leave it out if 500 ms will do",
        )


MOST_MIN_POLLERS = 200
MOST_MAX_POLLERS = 2_000
"""For Kafka. The model's 10,000 are for SQS."""

_POLLER_GROUP = re.compile(r"[a-zA-Z0-9-_]{0,128}")


def poller_violations(subject: Subject) -> Iterator[Violation]:
    """Provisioned mode: dedicated pollers, alone or in a group."""
    request = subject.request
    if request.provisioned_mode is False:
        for field in ("min_pollers", "max_pollers", "poller_group"):
            if getattr(request, field):
                yield fault(
                    field,
                    getattr(request, field),
                    "needs provisioned mode, and provisioned_mode is false",
                    "leave one of them out",
                )
        return
    lowest, highest = request.min_pollers, request.max_pollers
    if lowest is not None and not 1 <= lowest <= MOST_MIN_POLLERS:
        yield fault(
            "min_pollers",
            lowest,
            f"1-{MOST_MIN_POLLERS}",
            f"correct it; the default is {DEFAULT_MIN_POLLERS}",
        )
    if highest is not None and not 1 <= highest <= MOST_MAX_POLLERS:
        yield fault("max_pollers", highest, f"1-{MOST_MAX_POLLERS} for Kafka", "correct it")
    if subject.provisioned:
        least, most = effective_pollers(request, subject.existing)
        if least > most:
            yield fault(
                "min_pollers",
                least,
                f"is more than max_pollers, {most}",
                "raise max_pollers or lower min_pollers",
            )
    yield from _poller_group(subject)


def _poller_group(subject: Subject) -> Iterator[Violation]:
    group = subject.request.poller_group
    if group is None:
        return
    if not _POLLER_GROUP.fullmatch(group):
        yield fault("poller_group", group, "up to 128 letters, digits, '-' and '_'", "choose another")
    elif group == "" and subject.creating:
        yield fault(
            "poller_group",
            "''",
            "an empty name makes a mapping leave its group, and a new mapping has none",
            "leave it out",
        )
    elif not subject.provisioned:
        yield fault(
            "poller_group",
            group,
            "only mappings in provisioned mode share pollers",
            "set provisioned_mode, or leave it out",
        )


METRICS = ("EventCount", "ErrorCount", "KafkaMetrics")
LOG_LEVELS = ("DEBUG", "INFO", "WARN")


def observing_violations(subject: Subject) -> Iterator[Violation]:
    """The mapping's own metrics and log."""
    metrics = subject.request.metrics
    if metrics == () and subject.creating:
        yield fault("metrics", "()", "is empty", f"name some of {', '.join(METRICS)}, or leave it out")
    yield from choice_violations("metrics", metrics or (), METRICS)
    counted = subject.after("metrics")
    if counted and not subject.provisioned and (metrics or subject.ends_provisioned_mode):
        yield warning(
            "metrics",
            ", ".join(counted),
            "AWS announced them for provisioned mode; without it they may never arrive, and a validation then proves nothing",
            "set provisioned_mode to be sure of them",
        )
    yield from _log_level(subject)


def _log_level(subject: Subject) -> Iterator[Violation]:
    level = subject.request.log_level
    if level is None:
        has = subject.existing_config("LoggingConfig").get("SystemLogLevel")
        if has and subject.ends_provisioned_mode:
            yield fault(
                "log_level",
                has,
                "the mapping has it, but the poller's log exists only in provisioned mode",
                'end it as well: log_level: ""',
            )
        return
    if level == "":
        if subject.creating:
            yield fault("log_level", "''", "is empty", "leave it out")
        return
    if level not in LOG_LEVELS:
        yield not_among("log_level", level, LOG_LEVELS)
    if not subject.provisioned:
        yield fault(
            "log_level",
            level,
            "the poller's log exists only in provisioned mode",
            "set provisioned_mode, or leave it out",
        )


# What only other event sources have: accepted, so that the error can say why not.
_NOT_FOR_KAFKA = {
    "tumbling_window": (
        "tumbling windows exist for Kinesis and DynamoDB streams only",
        "leave it out; to aggregate, use max_batching_window or a stream processor",
    ),
    "parallelization_factor": (
        "exists for Kinesis and DynamoDB streams only; Kafka's parallelism is its partitions",
        "leave it out; add partitions, or pollers in provisioned mode",
    ),
    "maximum_concurrency": (
        "ScalingConfig exists for SQS only",
        "leave it out; set max_pollers, or the function's reserved concurrency",
    ),
}


def refused_violations(subject: Subject) -> Iterator[Violation]:
    """Settings that Kafka sources do not have."""
    for field, (rule, action) in _NOT_FOR_KAFKA.items():
        value = getattr(subject.request, field)
        if value is not None:
            yield fault(field, value, rule, action)
