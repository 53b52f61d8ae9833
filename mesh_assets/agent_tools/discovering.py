"""Tool: run a discovery now, as `mesh-assets discover` in a process of its own, which a cancelled call can stop at any
moment."""

import os
from typing import Any

from mesh_assets.answering.answers import Answer, BadArgumentError, ClusterName, current_call, cut, in_thread
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.discovering.process import discover_in_process

# About how many lines a discovery writes to stderr: clients show progress and need no exact total.
_STEPS = 8


class DiscoveryAnswer(Answer):
    """What the discovery found and where it is stored. `inventory_location`: the document. A first discovery
    has no `changes`."""

    cluster: str
    cluster_id: str
    sequence: int
    seconds: float
    topics: int
    partitions: int
    connectors: int
    active_connectors: int
    schemas: int
    consumer_groups: int
    changes: int | None = None
    first_changes: list[str]
    not_current: dict[str, str]
    inventory_location: str
    event: str
    notes: list[str]


async def run_discovery(
    known: KnownEstate, may_write: bool, /, cluster: ClusterName = None
) -> DiscoveryAnswer:
    """Reads everything about a cluster now, publishes it as an event and stores the document. Needs
    --allow-writes; takes seconds to minutes. Cancelling stops its process and leaves nothing half
    published.
    """
    if not may_write:
        raise BadArgumentError(
            "a discovery writes events and documents, which the server does not allow: start it with --allow-writes"
        )
    name = await in_thread(lambda: known.cluster(known.name(cluster)).name)
    call, heard = current_call(), 0

    async def hear(line: str) -> None:
        nonlocal heard
        heard += 1
        await call.progress(min(heard, _STEPS), _STEPS, cut(line, 200))

    environment = {**os.environ, **known.environment}
    return _answer(await discover_in_process(name, environment=environment, heard=hear))


def _answer(report: dict[str, Any]) -> DiscoveryAnswer:
    summary, event = report["summary"], report["event"]
    return DiscoveryAnswer(
        cluster=report["cluster"],
        cluster_id=report["cluster_id"],
        sequence=report["sequence"],
        seconds=round(report["seconds"], 1),
        topics=summary["total_topics"],
        partitions=summary["total_partitions"],
        connectors=summary["total_connectors"],
        active_connectors=summary["active_connectors"],
        schemas=summary["total_schemas"],
        consumer_groups=summary["total_consumer_groups"],
        changes=report["total_changes"],
        first_changes=list(report["first_changes"]),
        not_current={
            name: state["error"] or ""
            for name, state in report["sections"].items()
            if state["status"] == "stale"
        },
        inventory_location=report["inventory_location"],
        event=f"{event['topic']}[{event['partition']}]@{event['offset']}",
        notes=list(report["notes"]),
    )
