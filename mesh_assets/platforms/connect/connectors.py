"""A connector as any Connect endpoint describes it: Kafka Connect's workers, Confluent Cloud, MSK Connect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mesh_assets.errors import PlatformError, UnexpectedAnswerError

UNKNOWN = "unknown"
"""Used for what the worker did not say, such as a state not yet reported or the type of a class it cannot
load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorTask:
    """One task. `state` is the worker's word (RUNNING, FAILED, …) or UNKNOWN; `trace` is a failed task's
    stack trace."""

    id: int
    state: str
    worker_id: str | None
    trace: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """One connector as its endpoint describes it.

    type: `source`, `sink` or UNKNOWN. state: the connector's own; its tasks have theirs, and a connector with
    a failed task still says RUNNING. config: as stored, **passwords included** (only `${provider:…}`
    references come back unresolved), so it must be masked before it goes anywhere; empty when we may not read
    it, since every connector has one. tasks: by id; a task that is configured but has not reported is
    UNKNOWN. id: Confluent Cloud's own (`lcc-…`), MSK Connect's ARN, None elsewhere. error: why part of it
    could not be read; that part is UNKNOWN, empty or None.
    """

    name: str
    type: str
    connector_class: str | None
    state: str
    worker_id: str | None
    trace: str | None = field(default=None, repr=False)
    config: Mapping[str, str] = field(repr=False)
    tasks: tuple[ConnectorTask, ...]
    id: str | None = None
    error: str | None = None


class ShapeError(UnexpectedAnswerError):
    """Part of an entry is not what the protocol says; the message completes a sentence."""


def those_read(read: Mapping[str, Connector | PlatformError]) -> tuple[Connector, ...]:
    """The connectors, by name; one that could not be read is there with its error, because it does exist.

    When none could be read, the endpoint is what is wrong: raises the first error.
    """
    errors = [answer for answer in read.values() if isinstance(answer, PlatformError)]
    if errors and len(errors) == len(read):
        raise errors[0]
    return tuple(
        _unread(name, answer) if isinstance(answer, PlatformError) else answer
        for name, answer in sorted(read.items())
    )


def _unread(name: str, error: PlatformError) -> Connector:
    return Connector(
        name=name,
        type=UNKNOWN,
        connector_class=None,
        state=UNKNOWN,
        worker_id=None,
        config={},
        tasks=(),
        error=str(error),
    )


def connector_of(name: str, info: Any, status: Any, *, connector_id: str | None = None) -> Connector:
    """The connector that `info` and `status` describe in the shape of Connect's `expand`. Raises ShapeError."""
    if not isinstance(info, dict) or not isinstance(status, dict):
        raise ShapeError("whose info or status is not an object")
    config = info.get("config")
    if not isinstance(config, dict):
        raise ShapeError("without a config")
    own = status.get("connector") or {}
    if not isinstance(own, dict):
        raise ShapeError("whose status is not an object")
    return Connector(
        name=name,
        id=connector_id,
        type=(text_or_none(info.get("type")) or text_or_none(status.get("type")) or UNKNOWN).lower(),
        connector_class=text_or_none(config.get("connector.class")),
        state=text_or_none(own.get("state")) or UNKNOWN,
        worker_id=text_or_none(own.get("worker_id")),
        trace=text_or_none(own.get("trace")),
        # A null value is a key without a value; Connect would not accept a null back.
        config={str(key): "" if value is None else str(value) for key, value in config.items()},
        tasks=_tasks(info.get("tasks") or [], status.get("tasks") or []),
    )


def _tasks(configured: Any, reported: Any) -> tuple[ConnectorTask, ...]:
    if not isinstance(configured, list) or not isinstance(reported, list):
        raise ShapeError("whose tasks are not a list")
    tasks = {
        number: ConnectorTask(id=number, state=UNKNOWN, worker_id=None)
        for number in (_number(task, "task") for task in configured)
    }
    for task in reported:
        number = _number(task, "id")
        tasks[number] = ConnectorTask(
            id=number,
            state=text_or_none(task.get("state")) or UNKNOWN,
            worker_id=text_or_none(task.get("worker_id")),
            trace=text_or_none(task.get("trace")) or text_or_none(task.get("msg")),
        )
    return tuple(tasks[number] for number in sorted(tasks))


def _number(task: Any, key: str) -> int:
    number = task.get(key) if isinstance(task, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**31:
        raise ShapeError("with a task without a number")
    return number


def text_or_none(value: Any) -> str | None:
    """`value` if it is text and not empty."""
    return value if isinstance(value, str) and value else None
