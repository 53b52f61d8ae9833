"""Writes the records every sandbox starts with into the feed files that are missing."""

from pathlib import Path

from mesh_assets.sandbox.estate.records import backlog
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets.sandbox.folder import write_atomically


def write_first_records(feeds: Path) -> None:
    for topic in TOPICS:
        path = feeds / f"{topic.name}.jsonl"
        if not path.exists():
            write_atomically(path, "".join(f"{line}\n" for line in backlog(topic)))
