"""What profiling a topic of a million records costs, compared with a topic no larger than its sample.

    python -m bench.large_topic                     starts a broker of its own, in a temporary folder
    python -m bench.large_topic --records 5000000

Writes both topics with the same records, and profiles each several times, alternating: seconds, records read,
and the process's peak memory so far.
"""

# ruff: noqa: T201  (it prints its result)
import argparse
import json
import resource
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import get_args

from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

from mesh_assets.estate.expectations import ProfilingSettings
from mesh_assets.estate.file import load_estate
from mesh_assets.estate.model import Cluster
from mesh_assets.profiling.cluster import Before, profile_cluster
from mesh_assets.profiling.records import Strategy, TopicProfile
from mesh_assets.sandbox.kafka_admin import admin_client, quiet_settings
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets.store.fingerprints import FingerprintKey

PARTITIONS = 2
_KEY = FingerprintKey(id="bench", key=b"what is hashed here is not kept.")
_ROUNDS = 3
_SECONDS = 300.0


def main() -> int:
    arguments = parse()
    with ExitStack() as stack:
        box = Sandbox(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))))
        stack.callback(box.stop)
        box.start(("broker",))
        endpoints = box.endpoints()
        estate = load_estate(endpoints.estate_file)
        sample = PARTITIONS * estate.profiling.records_per_partition
        sizes = {"small": sample, "large": arguments.records}
        for name, records in sizes.items():
            write(endpoints.bootstrap_servers, name, records)
        return compare(estate.clusters["warehouse"], estate.profiling, sizes)


def compare(cluster: Cluster, settings: ProfilingSettings, sizes: dict[str, int]) -> int:
    profiled(cluster, settings, "small")  # initial imports and connections must not count for a topic
    wrong = False
    for strategy in get_args(Strategy):
        chosen = settings.model_copy(update={"strategy": strategy})
        seconds: dict[str, list[float]] = {name: [] for name in sizes}
        for _ in range(_ROUNDS):
            for name in sizes:
                begun = time.monotonic()
                profile = profiled(cluster, chosen, name)
                seconds[name].append(time.monotonic() - begun)
                wrong |= profile.error is not None or profile.sampled_records != sizes["small"]
                print(
                    f"{strategy:12}{sizes[name]:>10,} records   {seconds[name][-1]:.2f} s   {profile.sampled_records:,} read   "
                    f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB so far"
                )
        print(f"{strategy:12}{median(seconds['large']) / median(seconds['small']):.2f} times as long")
    return int(wrong)


def profiled(cluster: Cluster, settings: ProfilingSettings, topic: str) -> TopicProfile:
    [profile] = profile_cluster(
        cluster.model_copy(update={"allow_message_reading": (topic,)}),
        settings,
        before=Before(),
        key=_KEY,
        now=lambda: datetime.now(UTC),
        on_sample=lambda _: None,
    ).profiles
    return profile


def write(bootstrap_servers: str, topic: str, records: int) -> None:
    with admin_client(bootstrap_servers) as admin:
        for made in admin.create_topics([NewTopic(topic, PARTITIONS, 1)]).values():
            made.result(_SECONDS)
    producer = Producer({**quiet_settings(bootstrap_servers), "linger.ms": 50, "compression.type": "lz4"})
    failed: list[str] = []
    try:
        for number in range(records):
            value = {
                "order": number,
                "amount": number % 997 / 7,
                "state": ("new", "paid")[number % 2],
                "note": "x" * 60,
            }
            while True:
                try:
                    producer.produce(
                        topic,
                        json.dumps(value),
                        partition=number % PARTITIONS,
                        on_delivery=lambda error, _: None if error is None else failed.append(error.str()),
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
            if number % 10_000 == 0:
                producer.poll(0)
        left = producer.flush(_SECONDS)
    finally:
        producer.close()
    if left or failed:
        sys.exit(f"{left + len(failed)} records of {topic} were not written: {'; '.join(failed[:3])}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=1_000_000, help="in the larger topic")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
