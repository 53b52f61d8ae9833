"""The feed files that Connect's sources read: their first records, then more at a steady pace."""

import logging
import zlib
from pathlib import Path

from mesh_assets.sandbox.estate.topic import Topic, backlog, line
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets.sandbox.folder import locked, write_atomically

_LOCK_SECONDS = 60.0


def write_first_records(feeds: Path) -> None:
    """Make the missing feed files, with the records that every sandbox starts with.

    Connect and the feed both need them and may start at the same time: whichever comes first writes them.
    """
    with locked(feeds.with_suffix(".lock"), timeout_seconds=_LOCK_SECONDS, what=f"the feed files in {feeds}"):
        for topic in TOPICS:
            path = feeds / f"{topic.name}.jsonl"
            if not path.exists():
                write_atomically(path, "".join(f"{line}\n" for line in backlog(topic)))


_log = logging.getLogger(__name__)

# The file source cannot follow a file that is truncated or replaced, so the files only grow: by about 300 MB a day at full
# pace. Once they have this size altogether, the pace drops to a twentieth.
FULL_PACE_BYTES = 200_000_000
_SLOW = 0.05
# After a pause (a laptop asleep), nothing is caught up on.
_LONGEST_STEP_SECONDS = 5.0


class Appender:
    """Continues each topic's file where it ends."""

    def __init__(self, folder: Path, topics: tuple[Topic, ...]) -> None:
        self._files = {topic.name: folder / f"{topic.name}.jsonl" for topic in topics}
        self._topics = topics
        # Staggered, so that the slow topics do not all move in the same second.
        self._credit = {topic.name: zlib.crc32(topic.name.encode()) % 100 / 100 for topic in topics}
        self._next: dict[str, int] = {}
        self._bytes = 0
        self.appended = 0
        for topic in topics:
            self._resume(topic)

    def _resume(self, topic: Topic) -> None:
        """Find the next record's number, and complete a line that a crash has cut: its content is known."""
        path = self._files[topic.name]
        content = path.read_bytes() if path.exists() else b""
        number = content.count(b"\n")
        tail = content[content.rfind(b"\n") + 1 :]
        if tail:
            whole = line(topic, number).encode()
            with path.open("ab") as file:
                file.write((whole[len(tail) :] if whole.startswith(tail) else b"") + b"\n")
            number += 1
        self._next[topic.name] = number
        self._bytes += path.stat().st_size if path.exists() else 0

    def step(self, seconds: float) -> None:
        """Append the records due after that time."""
        pace = 1.0 if self._bytes < FULL_PACE_BYTES else _SLOW
        for topic in self._topics:
            credit = (
                self._credit[topic.name] + topic.per_minute / 60 * min(seconds, _LONGEST_STEP_SECONDS) * pace
            )
            due = int(credit)
            self._credit[topic.name] = credit - due
            if due:
                self._append(topic, due)

    def _append(self, topic: Topic, count: int) -> None:
        first = self._next[topic.name]
        text = "".join(f"{line(topic, number)}\n" for number in range(first, first + count)).encode()
        # One write: the source never sees half a line for longer than the kernel takes.
        with self._files[topic.name].open("ab", buffering=0) as file:
            file.write(text)
        self._next[topic.name] = first + count
        self._bytes += len(text)
        self.appended += count
