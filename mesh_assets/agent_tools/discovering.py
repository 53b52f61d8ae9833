"""Tool: run a discovery now, by `mesh-assets discover` in a process of its own, which a cancelled call can stop at any
moment."""

import os
import subprocess
import sys
from contextlib import suppress
from typing import Any

import anyio
import anyio.abc
import msgspec

from mesh_assets.answering.answers import Answer, BadArgumentError, ClusterName, current_call, cut, in_thread
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.errors import MeshError

_GRACE_SECONDS = 10.0
# About how many lines a discovery writes to stderr: clients show progress and need no exact total.
_STEPS = 8


class DiscoveryAnswer(Answer):
    """What the discovery found and where it is stored. `inventory_location`: the document. The first
    discovery has no `changes`."""

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


class DiscoveryFailedError(MeshError):
    """The discovery failed; nothing was published."""


async def run_discovery(
    known: KnownEstate, may_write: bool, /, cluster: ClusterName = None
) -> DiscoveryAnswer:
    """Reads everything of a cluster now, publishes it as an event and stores the document. Needs
    --allow-writes; takes seconds to minutes. When cancelled, its process is stopped and nothing is half
    published.
    """
    if not may_write:
        raise BadArgumentError(
            "a discovery writes events and documents, which the server does not allow: start it with --allow-writes"
        )
    name = await in_thread(lambda: known.cluster(known.name(cluster)).name)
    arguments = ["discover", "--json", "--verbose", "--cluster", name]
    out = await _run(arguments, {**os.environ, **known.environment})
    try:
        [report] = msgspec.json.decode(out)
    except (msgspec.DecodeError, ValueError) as error:
        raise DiscoveryFailedError(f"the discovery of {name} gave no report") from error
    return _answer(report)


async def _run(arguments: list[str], environment: dict[str, str]) -> bytes:
    """Runs `mesh-assets` and returns its stdout; its stderr becomes progress. Stops the process when the call
    is cancelled.

    Raises DiscoveryFailedError with the last line of stderr.
    """
    call = current_call()
    process = await anyio.open_process(
        [sys.executable, "-m", "mesh_assets.cli.main", *arguments],
        stdin=subprocess.DEVNULL,  # ours belongs to the client
        env=environment,
        start_new_session=True,
    )
    said: list[str] = []
    out = bytearray()

    async def listen() -> None:
        assert process.stderr is not None
        rest = ""
        async for chunk in process.stderr:
            *lines, rest = (rest + chunk.decode("utf-8", "replace")).split("\n")
            for line in lines:
                if line.strip():
                    said.append(line.strip())
                    await call.progress(min(len(said), _STEPS), _STEPS, cut(line.strip(), 200))
        if rest.strip():
            said.append(rest.strip())

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            assert process.stdout is not None
            async for chunk in process.stdout:
                out += chunk
        status = await process.wait()
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)
    if status != 0:
        raise DiscoveryFailedError(
            cut(
                said[-1].removeprefix("mesh-assets: ")
                if said
                else f"the discovery ended with status {status}",
                1_000,
            )
        )
    return bytes(out)


async def _end(process: anyio.abc.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        with anyio.move_on_after(_GRACE_SECONDS):
            await process.wait()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
    await process.aclose()


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
