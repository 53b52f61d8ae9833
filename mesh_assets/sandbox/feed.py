"""The feed process: appends records, writes for the Datagen connectors, and runs the live consumers until told to stop.

Run as `python -m mesh_assets.sandbox.feed FOLDER`. It waits for a broker that is away; anything unexpected ends it, and
its supervisor starts it again.
"""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from mesh_assets.sandbox.credentials import cloud_login
from mesh_assets.sandbox.estate.clusters import CLOUD_GROUPS, LIVE_GROUPS
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets.sandbox.feeding.appender import Appender
from mesh_assets.sandbox.feeding.datagen import DatagenWriter
from mesh_assets.sandbox.feeding.members import Member
from mesh_assets.sandbox.folder import Folder, locked, write_atomically
from mesh_assets.sandbox.process import asked_to_stop, log_to_stdout
from mesh_assets.sandbox.state import known_state

_log = logging.getLogger("feed")
_STEP_SECONDS = 1.0
_COMMIT_EVERY_STEPS = 5


def run_feed(folder: Folder, stop: threading.Event) -> None:
    """Work until asked to stop or until the supervisor is gone. Raises `SandboxError` when the folder holds no sandbox."""
    state = known_state(folder)
    supervisor = os.getppid()
    # A second feed, left over from a crash, would write every record twice.
    with locked(folder.run / "feed.lock", timeout_seconds=30, what="the feed files"):
        appender = Appender(folder.feeds, TOPICS)
        login = cloud_login(folder)
        cloud_broker = state.address("cloud-broker")
        members = [
            Member(state.bootstrap_servers, group, n + 1)
            for group in LIVE_GROUPS
            for n in range(group.members)
        ]
        members += [
            Member(cloud_broker, group, n + 1, login=login)
            for group in CLOUD_GROUPS
            for n in range(group.members)
        ]
        datagen = DatagenWriter(folder, cloud_broker, login, state.registry_url)
        try:
            _work(folder, appender, datagen, members, stop, supervisor)
        finally:
            for member in members:
                member.close()
            datagen.close()
    _log.info("the feed ended after %d records", appender.appended)


def _work(
    folder: Folder,
    appender: Appender,
    datagen: DatagenWriter,
    members: Sequence[Member],
    stop: threading.Event,
    supervisor: int,
) -> None:
    last = time.monotonic()
    step = 0
    while not stop.wait(_STEP_SECONDS) and os.getppid() == supervisor:
        now = time.monotonic()
        quiet = folder.quiet_marker.exists()
        if quiet:
            datagen.settle(seconds=_STEP_SECONDS)
        else:
            appender.step(now - last)
            datagen.step(now - last)
        last = now
        for member in members:
            member.read()
            if not quiet and step % _COMMIT_EVERY_STEPS == 0:
                member.commit()
        step += 1
        _report(folder, appender, datagen, members, quiet=quiet)


def _report(
    folder: Folder, appender: Appender, datagen: DatagenWriter, members: Sequence[Member], *, quiet: bool
) -> None:
    partitions = {member.name: member.partitions for member in members}
    report = {
        "at": time.time(),
        "quiet": quiet,
        "appended": appender.appended,
        "partitions": partitions,
        "groups_ready": all(partitions.values()),
        "datagen_ready": datagen.ready,
    }
    write_atomically(folder.feed_report, json.dumps(report) + "\n")


def main() -> None:
    log_to_stdout()
    run_feed(Folder(Path(sys.argv[1])), asked_to_stop())


if __name__ == "__main__":
    main()
