"""What is wrong with a cluster, from its newest document and, where time matters, the one before. Every
finding has a sentence.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Literal, TypeAlias, get_args

from mesh_assets.inventory.changes import Severity
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.lag import beyond_end
from mesh_assets.inventory.records import Connector, Record
from mesh_assets.inventory.sections import SECTION_NAMES
from mesh_assets.inventory.wording import listed, named

FindingKind = Literal[
    "failed_connector",
    "leaderless_partitions",
    "under_replicated",
    "section_not_current",
    "connector_not_running",
    "stopped_group",
    "group_beyond_end",
    "growing_lag",
    "silent_topic",
    "missing_schema",
]
FINDING_KINDS: tuple[FindingKind, ...] = get_args(FindingKind)
_ResourceType = Literal["topic", "connector", "consumer_group", "section"]
_IS_ABOUT: dict[FindingKind, _ResourceType] = {
    "failed_connector": "connector",
    "leaderless_partitions": "topic",
    "under_replicated": "topic",
    "section_not_current": "section",
    "connector_not_running": "connector",
    "stopped_group": "consumer_group",
    "group_beyond_end": "consumer_group",
    "growing_lag": "consumer_group",
    "silent_topic": "topic",
    "missing_schema": "topic",
}
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")

_TRACE_CHARACTERS = 200
_SILENCE_SECONDS = 300.0


class Finding(Record, frozen=True, kw_only=True):
    """Something wrong with a resource, as a sentence."""

    kind: FindingKind
    severity: Severity
    resource_type: _ResourceType
    resource: str
    sentence: str


_Found: TypeAlias = tuple[FindingKind, Severity, str, str]
"""Kind, severity, the resource's name, the sentence."""


def judge_document(document: Document, before: Document | None = None) -> tuple[Finding, ...]:
    """The findings, worst first, then by kind and name.

    `before`: the previous document, which growing lag and silent topics are judged by. A section that is not
    current is a finding of its own; what follows from its last good data still counts.
    """
    found = chain(
        _sections(document),
        _connectors(document),
        _partitions(document),
        _groups(document, before),
        _silent(document, before),
        _schemas(document),
    )
    findings = (
        Finding(kind=kind, severity=severity, resource_type=_IS_ABOUT[kind], resource=name, sentence=sentence)
        for kind, severity, name, sentence in found
    )
    return tuple(sorted(findings, key=finding_position))


def finding_position(finding: Finding) -> tuple[int, int, str]:
    return SEVERITIES.index(finding.severity), FINDING_KINDS.index(finding.kind), finding.resource


def count_findings(findings: tuple[Finding, ...]) -> dict[str, int]:
    counts = Counter(finding.kind for finding in findings)
    return {kind: counts[kind] for kind in FINDING_KINDS if counts[kind]}


def _sections(document: Document) -> Iterator[_Found]:
    for name in SECTION_NAMES:
        state = document.sections.get(name)
        if state is not None and state.status == "stale":
            since = f"last read {_minute(state.collected_at)}" if state.collected_at else "never read"
            yield (
                "section_not_current",
                "warning",
                name,
                f"{name.replace('_', ' ')} are not current ({since}): {state.error or 'no reason given'}",
            )
        elif state is not None and state.error is not None:
            yield (
                "section_not_current",
                "warning",
                name,
                f"{name.replace('_', ' ')} are not complete: {state.error}",
            )


def _connectors(document: Document) -> Iterator[_Found]:
    for connector in document.connectors:
        uses = _uses(connector)
        if connector.status == "FAILED" or connector.failed_tasks:
            what = (
                f"{connector.failed_tasks} of {len(connector.tasks)} tasks FAILED"
                if connector.failed_tasks
                else f"is {connector.status}"
            )
            yield (
                "failed_connector",
                "critical",
                connector.name,
                f"{connector.name}: {what}; {uses}{_reason(connector)}",
            )
        elif not connector.active and connector.status not in ("PAUSED", "STOPPED"):
            states = ", ".join(sorted({task.state for task in connector.tasks})) or "no task"
            yield (
                "connector_not_running",
                "warning",
                connector.name,
                f"{connector.name}: is {connector.status} with {states}; {uses}",
            )


def _uses(connector: Connector) -> str:
    names = [topic.name for topic in connector.topics]
    verb = {"source": "writes", "sink": "reads"}.get(connector.type, "uses")
    if not names:
        return f"{verb} topics that are not known ({connector.topics_note or 'its config names none'})"
    return f"{verb} {listed(names)}"


def _reason(connector: Connector) -> str:
    trace = next(
        (task.trace for task in connector.tasks if task.state == "FAILED" and task.trace), connector.trace
    )
    if not trace:
        return ""
    lines = [line.strip() for line in trace.splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    reason = causes[-1] if causes else lines[0] if lines else ""
    return f": {reason[:_TRACE_CHARACTERS]}"


def _partitions(document: Document) -> Iterator[_Found]:
    for topic in document.topics:
        leaderless = [partition.partition for partition in topic.partitions if partition.leader is None]
        under = [
            partition.partition
            for partition in topic.partitions
            if len(partition.isr) < len(partition.replicas)
        ]
        faults: tuple[tuple[FindingKind, Severity, list[int], str], ...] = (
            ("leaderless_partitions", "critical", leaderless, "without a leader"),
            ("under_replicated", "warning", under, "with fewer replicas in sync than it should have"),
        )
        for kind, severity, partitions, words in faults:
            if partitions:
                yield (
                    kind,
                    severity,
                    topic.name,
                    f"{topic.name}: {len(partitions)} of {len(topic.partitions)} partitions {words}: {_numbers(partitions)}",
                )


def _groups(document: Document, before: Document | None) -> Iterator[_Found]:
    old = {group.group_id: group.total_lag_records for group in before.consumer_groups} if before else {}
    for group in document.consumer_groups:
        if beyond := beyond_end(group.offsets or ()):
            yield (
                "group_beyond_end",
                "warning",
                group.group_id,
                f"{named(group.group_id)}: committed beyond the end of {listed(beyond)}: the topic was created anew or cut",
            )
        lag = group.total_lag_records
        if not lag:
            continue
        earlier = old.get(group.group_id)
        grown = before is not None and earlier is not None and lag > earlier
        if group.state.lower() in ("empty", "dead"):
            growth = (
                f", {earlier:,} at {_minute(before.discovery_timestamp)}"
                if before is not None and earlier is not None
                else ""
            )
            yield (
                "stopped_group",
                "warning" if grown else "info",
                group.group_id,
                f"{named(group.group_id)}: nobody reads ({group.state}) and {lag:,} records wait{growth}",
            )
        elif grown and before is not None:
            yield (
                "growing_lag",
                "warning",
                group.group_id,
                f"{named(group.group_id)}: {lag:,} records behind, {earlier:,} at {_minute(before.discovery_timestamp)}",
            )


def _silent(document: Document, before: Document | None) -> Iterator[_Found]:
    """Topics without new records in the last window, though a running source connector feeds them or records
    arrived in the window before.
    """
    if document.metrics is None or (document.metrics.window_seconds or 0.0) < _SILENCE_SECONDS:
        return  # a first discovery measures over one second, in which most topics are silent
    fed: dict[str, str] = {}
    for connector in document.connectors:
        if connector.type == "source" and connector.active:
            fed.update((topic.name, connector.name) for topic in connector.topics)
    earlier = (
        {rate.topic: rate.records_in_per_second for rate in before.metrics.topics}
        if before and before.metrics
        else {}
    )
    window = document.metrics.window_seconds
    for rate in document.metrics.topics:
        if rate.records_in_per_second != 0:
            continue
        was = earlier.get(rate.topic)
        why = (
            f"though {fed[rate.topic]} is running"
            if rate.topic in fed
            else f"{was:,.1f} a second before"
            if was
            else None
        )
        if why is not None:
            yield (
                "silent_topic",
                "info",
                rate.topic,
                f"{rate.topic}: no record came in over {window:,.0f} s, {why}",
            )


def _schemas(document: Document) -> Iterator[_Found]:
    """Topics without a schema, where the registry was read: without a registry no topic lacks one."""
    state = document.sections.get("schemas")
    if state is None or state.status == "not_configured" or state.collected_at is None:
        return
    for topic in document.topics:
        if (
            not topic.details.internal
            and not topic.schema.value_subjects
            and not topic.schema.record_subjects
        ):
            yield (
                "missing_schema",
                "info",
                topic.name,
                f"{topic.name}: no subject of the registry describes its values",
            )


def _numbers(partitions: list[int]) -> str:
    return ", ".join(map(str, partitions[:10])) + (", …" if len(partitions) > 10 else "")


def _minute(moment: datetime | None) -> str:
    return "at an unknown time" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
