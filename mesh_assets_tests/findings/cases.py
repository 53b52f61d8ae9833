"""Documents a week apart, and what is found in the later one."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from mesh_assets.findings.case import Case
from mesh_assets.findings.finding import Finding
from mesh_assets.findings.judge import judge
from mesh_assets.findings.past import past_of
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Partition, Topic, TopicSchema
from mesh_assets.inventory.sections import SectionName, SectionScope, SectionState
from mesh_assets_tests.documents import FRESH, MOMENT, a_document, a_topic

SCOPED = replace(FRESH, scope=SectionScope(include=("*",), exclude=("__*",)))


def judged(
    document: Document, *, a_week_ago: Document | None = None, before: Document | None = None, **settings: Any
) -> tuple[Finding, ...]:
    return judge(
        Case(
            document,
            before=None if before is None else past_of(before),
            earlier=None if a_week_ago is None else past_of(a_week_ago),
            **settings,
        )
    )


def found(document: Document, kind: str, **rest: Any) -> list[str]:
    return [finding.sentence for finding in judged(document, **rest) if finding.kind == kind]


def now(*, sections: dict[SectionName, SectionState] | None = None, **fields: Any) -> Document:
    return a_document(
        discovery_timestamp=MOMENT + timedelta(days=7),
        sequence=2,
        sections={"topics": SCOPED, **(sections or {})},
        **fields,
    )


def then(*, sections: dict[SectionName, SectionState] | None = None, **fields: Any) -> Document:
    return a_document(sections={"topics": SCOPED, **(sections or {})}, **fields)


def a_log(name: str = "orders", *spans: tuple[int, int], policy: str = "delete", **fields: Any) -> Topic:
    """A topic of values with a schema, whose partitions hold the records from a first to a last offset."""
    config = {"cleanup.policy": policy, **fields.pop("config", {})}
    topic = a_topic(name, config=config, schema=TopicSchema(value_subjects=(f"{name}-value",)), **fields)
    return replace(
        topic,
        partitions=tuple(
            Partition(partition=number, leader=1, replicas=(1,), isr=(1,), earliest=first, latest=last)
            for number, (first, last) in enumerate(spans)
        ),
        details=replace(
            topic.details,
            partitions=len(spans),
            message_count=sum(last - first for first, last in spans),
        ),
    )
