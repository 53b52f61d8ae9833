"""Reads the real servers for these tests, without the project's clients."""

import time
from collections.abc import Sequence
from typing import Any

import httpx
from confluent_kafka.admin import AdminClient

from mesh_assets.sandbox.estate import EXPECTED
from mesh_assets.sandbox.kafka_admin import Offsets, committed_offsets, end_offsets
from mesh_assets.sandbox.servers import Sandbox


def get(url: str) -> Any:
    return httpx.get(url, timeout=30, trust_env=False).raise_for_status().json()


def connector_states(box: Sandbox) -> dict[str, tuple[str, ...]]:
    """Connector → its state, then its tasks'."""
    found = get(f"{box.endpoints().connect_url}/connectors?expand=status")
    return {
        name: (one["status"]["connector"]["state"], *(task["state"] for task in one["status"]["tasks"]))
        for name, one in found.items()
    }


def wait_until_all_run(box: Sandbox) -> None:
    """Every connector of the estate and its task. A busy worker may leave its group once more and restart its connectors."""
    wanted, deadline = dict.fromkeys(EXPECTED.connectors, ("RUNNING", "RUNNING")), time.monotonic() + 60
    while (found := connector_states(box)) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


def schema_ids(box: Sandbox) -> dict[str, list[int]]:
    """Subject → the ids of its versions."""
    registry = box.endpoints().registry_url
    return {
        subject: [
            get(f"{registry}/subjects/{subject}/versions/{v}")["id"]
            for v in get(f"{registry}/subjects/{subject}/versions")
        ]
        for subject in get(f"{registry}/subjects")
    }


def ends(box: Sandbox) -> Offsets:
    return end_offsets(box.endpoints().bootstrap_servers, EXPECTED.topics)


def committed(box: Sandbox) -> dict[str, Offsets]:
    return {group: committed_offsets(box.endpoints().bootstrap_servers, group) for group in EXPECTED.groups}


def lines_in_feeds(box: Sandbox) -> dict[str, int]:
    return {path.stem: path.read_bytes().count(b"\n") for path in box.folder.feeds.glob("*.jsonl")}


def records_in_topics(box: Sandbox) -> dict[str, int]:
    """Topic → how many records were written to it, compacted away or not."""
    counts = dict.fromkeys(EXPECTED.topics, 0)
    for (topic, _), end in ends(box).items():
        counts[topic] += end
    return counts


def describe_groups(box: Sandbox, names: Sequence[str]) -> dict[str, Any]:
    with admin(box) as client:
        return {
            name: future.result(timeout=10)
            for name, future in client.describe_consumer_groups(list(names)).items()
        }


def admin(box: Sandbox) -> AdminClient:
    """Use it in a `with`: one left to the garbage collector can hang the process."""
    return AdminClient({"bootstrap.servers": box.endpoints().bootstrap_servers})
