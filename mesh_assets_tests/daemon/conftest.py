"""One daemon for all tests of this folder, and a cause for each of its sensors, made before it starts."""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.daemon.causes import RESOURCES, make_causes, what_will_change
from mesh_assets_tests.daemon.changing import Changing
from mesh_assets_tests.daemon.events import Events
from mesh_assets_tests.daemon.queue import TriggerQueue
from mesh_assets_tests.daemon.running import Daemon, a_run_under_way, running_daemon
from mesh_assets_tests.doors import Door
from mesh_assets_tests.example import TOPIC
from mesh_assets_tests.workplace import workplace_in


@pytest.fixture(scope="package")
def daemon(sandbox: Sandbox, aws_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A running daemon, on an estate whose registry, Connect worker and trigger queue it reaches through doors.

    Its sensors notice all the causes before a run begins to read: a run would include what no sensor has seen yet in its own
    snapshot, without naming it. The topic of the example gets its record once the daemon has seen it empty.
    """
    folder, endpoints = tmp_path_factory.mktemp("daemon"), sandbox.endpoints()
    changing = Changing(endpoints)
    queue = TriggerQueue(aws_url, f"{secrets.randbelow(10**12):012d}")
    with ExitStack() as until_the_end:
        until_the_end.callback(changing.close)
        doors = {
            name: Door(url)
            for name, url in (
                ("registry", endpoints.registry_url),
                ("connect", endpoints.connect_url),
                ("aws", aws_url),
            )
        }
        for door in doors.values():
            until_the_end.callback(door.close)
        workplace = replace(
            workplace_in(folder, endpoints),
            variables={"AWS_ACCESS_KEY_ID": queue.account, "AWS_SECRET_ACCESS_KEY": "x", "AWS_PROFILE": None},
        )
        _put_doors_into(workplace.estate, doors, queue)
        until_the_end.enter_context(what_will_change(changing, folder))
        changing.make_topic(TOPIC)
        until_the_end.callback(changing.delete_topics, [TOPIC])
        workplace.discover()
        events = until_the_end.enter_context(Events(endpoints))
        make_causes(changing, queue)
        daemon = Daemon(workplace, events, changing, queue, doors)
        with a_run_under_way(workplace):
            until_the_end.enter_context(running_daemon(workplace))
            daemon.wait_for_causes(RESOURCES)
        daemon.wait_for_evaluations(count=2, after=0.0)
        record_at = time.time()
        changing.produce(TOPIC, b"{}")
        yield replace(daemon, record_at=record_at)


def _put_doors_into(path: Path, doors: Mapping[str, Door], queue: TriggerQueue) -> None:
    estate = yaml.safe_load(path.read_text())
    warehouse = estate["clusters"]["warehouse"]
    warehouse["schema_registry"]["url"] = doors["registry"].url
    warehouse["connect"][0]["url"] = doors["connect"].url
    aws = doors["aws"].url
    estate["triggers"] = {"queue_url": f"{aws}/{queue.path}", "region": "us-east-1", "endpoint_url": aws}
    path.write_text(json.dumps(estate))
