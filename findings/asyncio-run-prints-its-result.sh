#!/usr/bin/env bash
# asyncio.run() of CPython 3.11 and 3.12 makes the text (repr) of what the coroutine returned, twice a call, and throws
# it away: after the run it asks for the handler of SIGINT, a partial that holds the finished task; `signal` looks the
# handler up in an enum, fails, and the ValueError that says so holds the handler's repr, which holds the task's, which
# holds the result's. reprlib cuts lists short, but the repr of a struct or dataclass is made whole before it is cut.
# A coroutine that returns a few hundred thousand values in records pays for a text of all of them; one that stores
# them elsewhere, or runs in the loop of another thread (run_coroutine_threadsafe), does not. 3.10 and 3.13 make none.
#
# Seen with CPython 3.11.7 and 3.12.1 (twice), 3.10.13 and 3.13.0 (never), msgspec 0.20.0 for the records.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${PYTHON:-python3}
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'msgspec==0.20.0'
cat > "$folder/count.py" <<'PROGRAM'
import asyncio
import sys
import time

import msgspec

made = 0


class Offset(msgspec.Struct):
    topic: str
    partition: int
    end: int

    def __repr__(self) -> str:
        global made
        made += 1
        return f"{self.topic}[{self.partition}]@{self.end}"


class Reading(msgspec.Struct):
    offsets: list[Offset]


async def read() -> Reading:
    return Reading([Offset("orders", number, number * 7) for number in range(36_000)])


begun = time.perf_counter()
reading = asyncio.run(read())
seconds = time.perf_counter() - begun
print(f"Python {sys.version.split()[0]}: {made} texts of {len(reading.offsets)} offsets, {seconds:.2f} s")
expected = 2 * len(reading.offsets) if sys.version_info[:2] in ((3, 11), (3, 12)) else 0
if made != expected:
    sys.exit(f"this has changed: expected {expected} texts")
PROGRAM
"$folder/venv/bin/python" "$folder/count.py"
