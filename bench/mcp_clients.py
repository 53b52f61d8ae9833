"""Many MCP clients at once over HTTP: `python bench/mcp_clients.py URL [CLIENTS] [SECONDS]` prints calls, errors, times."""

import statistics
import sys
import time
from typing import Any

import anyio
from mcp import Client

CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("get_cluster_summary", {}),
    ("list_topics", {}),
    ("list_problems", {}),
    ("find", {"text": "email"}),
    ("list_consumer_groups", {"sort": "lag"}),
)


async def one(url: str, end: float, times: list[float], errors: list[str]) -> None:
    while time.monotonic() < end:
        async with Client(url) as client:
            for tool, arguments in CALLS:
                started = time.monotonic()
                result = await client.call_tool(tool, arguments)
                times.append(time.monotonic() - started)
                if result.is_error:
                    errors.append(f"{tool}: {result.content}")


async def main(url: str, clients: int, seconds: float) -> None:
    times: list[float] = []
    errors: list[str] = []
    end = time.monotonic() + seconds
    async with anyio.create_task_group() as tasks:
        for _ in range(clients):
            tasks.start_soon(one, url, end, times, errors)
    median, worst = statistics.median(times), max(times)
    print(  # noqa: T201
        f"{len(times):,} calls, {len(errors)} errors, median {median * 1000:.0f} ms, longest {worst * 1000:.0f} ms"
    )
    for error in sorted(set(errors))[:5]:
        print(error)  # noqa: T201


if __name__ == "__main__":
    address, number, duration = (*sys.argv[1:], *("50", "60")[len(sys.argv) - 2 :])[:3]
    anyio.run(main, address, int(number), float(duration))
