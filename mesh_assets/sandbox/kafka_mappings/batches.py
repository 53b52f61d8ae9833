"""From records to invocations: filtering, batching, and what happens to a batch that fails."""

import base64
import json
import operator
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from mesh_assets.sandbox.kafka_mappings.mapping import KafkaMapping
from mesh_assets.sandbox.kafka_mappings.refusals import FaultBoard
from mesh_assets.sandbox.kafka_mappings.roles import Accounts

# Whether a record passes a mapping's filters: EventBridge's patterns, as far as Lambda supports them for
# Kafka.
#
# Patterns see a record as `{"topic", "partition", "offset", "timestamp", "key", "value"}`, with key and
# value decoded, and
# parsed if they are JSON. A pattern for fields of a value that is not a JSON object never matches; one for
# a text may.

_ABSENT = object()
# The limit of an account that was granted more than the initial five.
_MOST_FILTERS = 10


def passes(filters: Sequence[Mapping[str, Any]], record: Mapping[str, Any]) -> bool:
    """Whether any of the patterns matches; without patterns, everything passes. Raises `ValueError` for a bad pattern."""
    patterns = [_pattern(one["Pattern"]) for one in filters if one.get("Pattern")]
    return not patterns or any(_matches(pattern, record) for pattern in patterns)


# What Lambda says about every pattern that it cannot use; it does not say which part is wrong.
_REFUSED = "Invalid filter pattern definition."


def _pattern(text: str) -> Mapping[str, Any]:
    try:
        pattern = json.loads(text, parse_constant=int)  # `NaN` is not JSON: `int` refuses it
        fits = _is_pattern(pattern)
    except (ValueError, RecursionError) as error:
        raise ValueError(_REFUSED) from error
    if not fits:
        raise ValueError(_REFUSED)
    return cast(Mapping[str, Any], pattern)


def checked(filters: Sequence[Mapping[str, Any]]) -> None:
    """Check the patterns. Raises `ValueError` for a bad one, or for more than an account may be granted."""
    if len(filters) > _MOST_FILTERS:
        raise ValueError(f"The number of filters exceeds the limit of {_MOST_FILTERS}.")
    for one in filters:
        _pattern(one.get("Pattern") or "")


def _is_pattern(pattern: Any) -> bool:
    """A field has the form of an object, or of a list of values that is not empty."""
    if not isinstance(pattern, dict) or not pattern:
        return False
    for name, wanted in pattern.items():
        if name == "$or":
            if not isinstance(wanted, list) or len(wanted) < 2 or not all(map(_is_pattern, wanted)):
                return False
        elif isinstance(wanted, list):
            if not wanted or not all(map(_is_value, wanted)):
                return False
        elif not _is_pattern(wanted):
            return False
    return True


def _is_value(value: Any) -> bool:
    if not isinstance(value, dict):
        return not isinstance(value, list)
    if len(value) != 1:
        return False
    [(word, argument)] = value.items()
    match word:
        case "exists":
            return isinstance(argument, bool)
        case "prefix" | "suffix" | "equals-ignore-case":
            return isinstance(argument, str)
        case "numeric":
            return isinstance(argument, list) and _is_range(argument[::2], argument[1::2])
        case "anything-but":
            if isinstance(argument, dict):
                return len(argument) == 1 and _is_value(argument) and "exists" not in argument
            kinds = {type(one) for one in (argument if isinstance(argument, list) else [argument])}
            return kinds in ({str}, {int}, {float}, {int, float})
    return False


def _is_range(words: Sequence[Any], numbers: Sequence[Any]) -> bool:
    if len(words) != len(numbers) or not all(type(number) in (int, float) for number in numbers):
        return False
    if len(words) == 1:
        return words[0] in _COMPARED
    return len(words) == 2 and words[0] in (">", ">=") and words[1] in ("<", "<=") and numbers[0] < numbers[1]


def _matches(pattern: Mapping[str, Any], value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    for name, wanted in pattern.items():
        if name == "$or":
            if not any(_matches(one, value) for one in wanted):
                return False
            continue
        found = value.get(name, _ABSENT)
        if isinstance(wanted, dict):
            if not _matches(wanted, found):
                return False
        elif not any(_is(rule, found) for rule in wanted):
            return False
    return True


def _is(rule: Any, found: Any) -> bool:
    if isinstance(found, list):
        return any(_is(rule, one) for one in found)
    if not isinstance(rule, dict):
        return found is not _ABSENT and type(rule) is type(found) and rule == found
    [(word, argument)] = rule.items()
    match word:
        case "exists":
            return (found is not _ABSENT) is bool(argument)
        case "prefix":
            return isinstance(found, str) and found.startswith(argument)
        case "suffix":
            return isinstance(found, str) and found.endswith(argument)
        case "equals-ignore-case":
            return isinstance(found, str) and found.lower() == argument.lower()
        case "anything-but":
            refused = argument if isinstance(argument, list) else [argument]
            return found is not _ABSENT and not any(_is(one, found) for one in refused)
        case "numeric":
            return isinstance(found, int | float) and _in_range(found, argument)
    raise ValueError(_REFUSED)


_COMPARED = {"=": operator.eq, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


def _in_range(number: float, rule: Sequence[Any]) -> bool:
    return all(_COMPARED[word](number, limit) for word, limit in zip(rule[::2], rule[1::2], strict=True))


# Delivering one batch to the function: as Lambda's Kafka event, with retries and bisection, until it is
# given up.
#
# Records given up go to the on-failure destination: a queue, an SNS topic, a bucket or a topic of the
# same cluster.

# AWS waits longer between attempts; here, tests have to wait.
_PAUSE_SECONDS = 0.2
# What "forever" becomes in AWS if there is a destination for failures.
_ATTEMPTS_WITH_A_DESTINATION = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A record, as read from Kafka."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    timestamp_type: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @property
    def place(self) -> str:
        return f"{self.topic}-{self.partition}"

    def told(self) -> dict[str, Any]:
        """The record in Lambda's form."""
        told: dict[str, Any] = {
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "timestamp": self.timestamp_ms,
            "timestampType": self.timestamp_type,
            "headers": [{name: list(value)} for name, value in self.headers],
        }
        for name, content in (("key", self.key), ("value", self.value)):
            if content is not None:
                told[name] = base64.b64encode(content).decode()
        return told


def kafka_event(mapping: KafkaMapping, batch: Sequence[Read], bootstrap_servers: str) -> dict[str, Any]:
    records: dict[str, list[dict[str, Any]]] = {}
    for read in batch:
        records.setdefault(read.place, []).append(read.told())
    source = (
        {"eventSource": "aws:kafka", "eventSourceArn": mapping.settings["EventSourceArn"]}
        if mapping.managed
        else {}
    )
    return {
        **(source or {"eventSource": "SelfManagedKafka"}),
        "bootstrapServers": bootstrap_servers,
        "records": records,
    }


class StoppedError(Exception):
    """The mapping was stopped in the middle of a batch, which remains uncommitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How batches reach the function.

    `invoke`: sends the event to the function; returns its answer, or None when it failed. `give_up`: called
    with records that are no longer retried, and why. `count`: adds to one of the mapping's metrics.
    """

    mapping: KafkaMapping
    faults: FaultBoard
    stopped: threading.Event
    bootstrap_servers: str
    invoke: Callable[[dict[str, Any]], Any]
    give_up: Callable[[Sequence[Read], str], None]
    count: Callable[[str, int], None]

    def bring(self, batch: Sequence[Read], attempt: int = 0) -> None:
        """Deliver the batch; when this returns, all of it is processed or given up and may be committed.

        Raises `StoppedError`.
        """
        while batch:
            if self.stopped.is_set():
                raise StoppedError
            expired = [read for read in batch if self._too_old(read)]
            if expired:
                self.give_up(expired, "RecordAgeExceeded")
                batch = [read for read in batch if read not in expired]
                continue
            failed = self._failed(batch)
            if not failed:
                return
            if 0 <= self._most_attempts <= attempt:
                self.give_up(failed, "RetryAttemptsExhausted")
                return
            attempt += 1
            if self.mapping.setting("BisectBatchOnFunctionError") and len(failed) > 1:
                half = len(failed) // 2
                self.bring(failed[:half], attempt)
                self.bring(failed[half:], attempt)
                return
            batch = failed
            self.stopped.wait(_PAUSE_SECONDS)

    @property
    def _most_attempts(self) -> int:
        most = int(self.mapping.setting("MaximumRetryAttempts"))
        return _ATTEMPTS_WITH_A_DESTINATION if most < 0 and on_failure(self.mapping) else most

    def _too_old(self, read: Read) -> bool:
        most = self.mapping.setting("MaximumRecordAgeInSeconds")
        age_seconds = (time.time() - read.timestamp_ms / 1000) * self.faults.now.age_factor
        return bool(most >= 0 and age_seconds > most)

    def _failed(self, batch: Sequence[Read]) -> Sequence[Read]:
        """Invoke the function; returns the records to be retried."""
        self.count("InvokedEventCount", len(batch))
        answer = self.invoke(kafka_event(self.mapping, batch, self.bootstrap_servers))
        if answer is None:
            failed = batch
        elif "ReportBatchItemFailures" in self.mapping.setting("FunctionResponseTypes"):
            failed = _reported(answer, batch)
        else:
            failed = ()
        if failed:
            self.count("FailedInvokeEventCount", len(failed))
        return failed


def on_failure(mapping: KafkaMapping) -> str:
    """The destination of records given up; empty: none."""
    return str(((mapping.setting("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination") or "")


def _reported(answer: str, batch: Sequence[Read]) -> Sequence[Read]:
    """In each partition, all records from the first failure on; the whole batch if the answer makes no sense."""
    try:
        told = json.loads(answer) or {}
        failures = told.get("batchItemFailures") or []
        first: dict[str, int] = {}
        for one in failures:
            identifier: Mapping[str, Any] = one["itemIdentifier"]
            place, offset = str(identifier["partition"]), int(identifier["offset"])
            first[place] = min(offset, first.get(place, offset))
    except (ValueError, KeyError, TypeError, AttributeError):
        return batch
    if not set(first) <= {read.place for read in batch}:
        return batch
    return [read for read in batch if read.place in first and read.offset >= first[read.place]]


Produce = Callable[[str, Sequence[Read]], None]
"""Writes records to a topic of the mapping's cluster."""


def send_given_up(
    mapping: KafkaMapping,
    batch: Sequence[Read],
    condition: str,
    *,
    accounts: Accounts,
    bootstrap_servers: str,
    produce: Produce,
) -> bool:
    """Send records given up to the destination; False if there is none. Raises `ValueError` for an unknown
    kind."""
    destination = on_failure(mapping)
    if not destination:
        return False
    if destination.startswith("kafka://"):
        produce(destination.removeprefix("kafka://"), batch)
        return True
    service = destination.split(":")[2]
    client = accounts.client(mapping.account, service)
    told = json.dumps(_told(mapping, batch, condition))
    match service:
        case "sqs":
            client.send_message(
                QueueUrl=client.get_queue_url(QueueName=destination.rpartition(":")[2])["QueueUrl"],
                MessageBody=told,
            )
        case "sns":
            client.publish(TopicArn=destination, Message=told)
        case "s3":
            # Only S3 also gets the records themselves.
            whole = {
                **json.loads(told),
                "payload": json.dumps(kafka_event(mapping, batch, bootstrap_servers)),
            }
            name = f"aws/lambda/{mapping.uuid}/{datetime.now(UTC):%Y/%m/%d/%H.%M.%S}-{uuid.uuid4()}"
            client.put_object(
                Bucket=destination.rpartition(":")[2], Key=name, Body=json.dumps(whole).encode()
            )
        case _:
            raise ValueError(f"unrecognized destination {destination}")
    return True


def _told(mapping: KafkaMapping, batch: Sequence[Read], condition: str) -> dict[str, Any]:
    ranges = {}
    for place in sorted({read.place for read in batch}):
        reads = [read for read in batch if read.place == place]
        ranges[place] = {
            "startOffset": reads[0].offset,
            "endOffset": reads[-1].offset,
            "batchSize": len(reads),
        }
    return {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": mapping.function_arn,
            "condition": condition,
        },
        "version": "1.0",
        "timestamp": datetime.fromtimestamp(time.time(), UTC).isoformat(),
        "KafkaBatchInfo": {
            "eventSourceArn": mapping.settings.get("EventSourceArn", ""),
            "batchSize": len(batch),
            "offsets": ranges,
        },
    }
