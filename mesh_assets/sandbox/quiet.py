"""A quiet estate: nothing appended, nothing committed, the consumers still members; so that two readings must
agree."""

import time

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.estate.expectations import EXPECTED
from mesh_assets.sandbox.folder import Folder, read_json
from mesh_assets.sandbox.offsets import Offsets, committed_offsets, end_offsets

_POLL_SECONDS = 1.0
# Sinks commit every 5 s: after two intervals without a change there will be none.
_STILL_SECONDS = 12.0
# With every sink at its end there is nothing left to commit; this covers what is on its way.
_STILL_AT_END_SECONDS = 3.0


def wait_until_quiet(folder: Folder, bootstrap_servers: str, *, feed_runs: bool, seconds: float) -> None:
    """Returns when the feed has noticed and no offset moves any more."""
    deadline = time.monotonic() + seconds
    asked_at = time.time()
    while feed_runs and not _feed_is_quiet(folder, since=asked_at):
        _sleep_or_give_up(deadline, "the feed did not become quiet")
    seen: tuple[Offsets, dict[str, Offsets]] | None = None
    still_since = time.monotonic()
    while True:
        ends = end_offsets(bootstrap_servers, EXPECTED.topics)
        committed = {group: committed_offsets(bootstrap_servers, group) for group in EXPECTED.groups}
        if (ends, committed) != seen:
            seen, still_since = (ends, committed), time.monotonic()
        at_end = all(
            ends[place] == offset
            for group in EXPECTED.sink_groups
            for place, offset in committed[group].items()
        )
        if time.monotonic() - still_since >= (_STILL_AT_END_SECONDS if at_end else _STILL_SECONDS):
            return
        _sleep_or_give_up(deadline, "offsets still move")


def _feed_is_quiet(folder: Folder, *, since: float) -> bool:
    report = read_json(folder.feed_report)
    return report is not None and report["quiet"] and report["at"] >= since


def _sleep_or_give_up(deadline: float, what: str) -> None:
    if time.monotonic() > deadline:
        raise SandboxError(f"the estate did not become quiet in time: {what}")
    time.sleep(_POLL_SECONDS)
