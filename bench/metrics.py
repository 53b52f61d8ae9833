# ruff: noqa: T201 - a script speaks to its user
"""What the metrics of a large cluster cost: `python bench/metrics.py [topics]`.

It reads an export of the Metrics API with five metrics per topic and consumer lags that are skipped unread; and the kept
ends from which time lags are computed, for four partitions per topic.
"""

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mesh_assets.metrics.confluent_cloud import WANTED
from mesh_assets.platforms.confluent_cloud.metrics_api import read_samples
from mesh_assets.platforms.http import Answer
from mesh_assets.readings.ends import KeptEnds
from mesh_assets.readings.reading import Reading, place_name, series_name
from mesh_assets.store.layout import open_store

METRICS = ("received_bytes", "sent_bytes", "received_records", "sent_records", "retained_bytes")
LAGS_A_TOPIC = 4


def lines(topics: int) -> Iterator[str]:
    names = [f"team-{n % 90:02}.domain.topic-{n:05}" for n in range(topics)]
    for metric in METRICS:
        yield f"# TYPE confluent_kafka_server_{metric} gauge"
        yield from (
            f'confluent_kafka_server_{metric}{{kafka_id="lkc-1",topic="{name}"}} 6000.0 1609459200.000'
            for name in names
        )
    yield "# TYPE confluent_kafka_server_consumer_lag_offsets gauge"
    for name in names:
        for partition in range(LAGS_A_TOPIC):
            labels = f'kafka_id="lkc-1",topic="{name}",partition="{partition}",consumer_group_id="g"'
            yield f"confluent_kafka_server_consumer_lag_offsets{{{labels}}} 1.0 1609459200.000"
    yield "# EOF"


def export(topics: int) -> None:
    body = ("\n".join(lines(topics)) + "\n").encode()
    headers = {"content-type": "application/openmetrics-text;version=1.0.0"}
    answer = Answer(service="bench", request="GET /", who="", status=200, headers=headers, body=body)
    begin = time.process_time()
    samples = read_samples(answer, WANTED)
    seconds = time.process_time() - begin
    print(
        f"export of {topics:,} topics, {len(body) / 1e6:.1f} MB: {len(samples):,} samples in {seconds:.2f} s of CPU"
    )


def kept_ends(partitions: int) -> None:
    """Twelve readings: a chunk, the most that a tick rewrites."""
    chance = random.Random(1)
    ends = {
        place_name(series_name(f"domain.topic-{n // 4:05}", f"id-{n // 4}"), n % 4): chance.randrange(
            10**6, 10**8
        )
        for n in range(partitions)
    }
    begin, slowest = datetime(2026, 11, 1, tzinfo=UTC), 0.0
    with tempfile.TemporaryDirectory() as folder:
        kept = KeptEnds(open_store(folder), "lkc-1")
        for n in range(12):
            ends = {name: end + chance.randrange(3_000) for name, end in ends.items()}
            moment = begin + timedelta(minutes=5 * n)
            reading = Reading(
                read_at=moment,
                ends={},
                commits={},
                lags={},
                topics=frozenset(),
                groups=frozenset(),
                places=ends,
            )
            start = time.process_time()
            for write in kept.additions(reading):
                write()
            slowest = max(slowest, time.process_time() - start)
        chunk = max(path.stat().st_size for path in Path(folder).rglob("*.bin"))
    print(
        f"kept ends of {partitions:,} partitions: {slowest:.2f} s of CPU a tick at most, {chunk / 1e6:.1f} MB for twelve readings"
    )


def main() -> None:
    topics = int(sys.argv[1]) if len(sys.argv) > 1 else 9_000
    export(topics)
    kept_ends(4 * topics)


if __name__ == "__main__":
    main()
