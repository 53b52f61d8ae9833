"""A discovery in a process of its own, `mesh-assets discover`, which the caller can stop at any moment."""

import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import anyio
import anyio.abc
import msgspec

from mesh_assets.errors import MeshError

_GRACE_SECONDS = 10.0
_MOST_SAID = 1_000


class DiscoveryFailedError(MeshError):
    """The discovery failed; nothing was published."""


async def discover_in_process(
    cluster: str,
    options: Sequence[str] = (),
    *,
    environment: Mapping[str, str],
    heard: Callable[[str], Awaitable[None]],
) -> dict[str, Any]:
    """Its report, as `mesh-assets discover --json` writes it, using the estate in force. `options`: further options of the
    command. `heard` gets each line of its progress. Cancelling stops the process and leaves nothing half published.

    Raises DiscoveryFailedError with the last line that it printed.
    """
    arguments = ["discover", "--json", "--verbose", "--in-force", f"--cluster={cluster}", *options]
    out = await _run(arguments, environment, heard)
    try:
        [report] = msgspec.json.decode(out)
    except (msgspec.DecodeError, ValueError) as error:
        raise DiscoveryFailedError(f"the discovery of {cluster} gave no report") from error
    assert isinstance(report, dict)
    return report


async def _run(
    arguments: list[str], environment: Mapping[str, str], heard: Callable[[str], Awaitable[None]]
) -> bytes:
    process = await anyio.open_process(
        [sys.executable, "-m", "mesh_assets.cli.main", *arguments],
        stdin=subprocess.DEVNULL,  # ours may belong to a client
        env=environment,
        start_new_session=True,
    )
    last = ""
    out = bytearray()

    async def listen() -> None:
        nonlocal last
        assert process.stderr is not None
        rest = ""
        async for chunk in process.stderr:
            *lines, rest = (rest + chunk.decode("utf-8", "replace")).split("\n")
            for line in lines:
                if line.strip():
                    last = line.strip()
                    await heard(last)
        last = rest.strip() or last

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
        said = last.removeprefix("mesh-assets: ") or f"the discovery ended with status {status}"
        raise DiscoveryFailedError(said if len(said) <= _MOST_SAID else f"{said[: _MOST_SAID - 1]}…")
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
