# ruff: noqa: T201 - a script speaks to its user
"""What reading an export of a large cluster costs: python bench/metrics.py [topics]

The text is as the Metrics API publishes it, five metrics for each topic, beside consumer lags that are skipped unread.
"""

import sys
import time
from collections.abc import Iterator

from mesh_assets.inventory.metrics.confluent_cloud import WANTED
from mesh_assets.platforms.confluent_cloud.exposition import read_samples
from mesh_assets.platforms.http import Answer

METRICS = ("received_bytes", "sent_bytes", "received_records", "sent_records", "retained_bytes")
LAGS_A_TOPIC = 4


def lines(topics: int) -> Iterator[str]:
    names = [f"team-{n % 90:02}.domain.topic-{n:05}" for n in range(topics)]
    for metric in METRICS:
        yield f"# TYPE confluent_kafka_server_{metric} gauge"
        yield from (f'confluent_kafka_server_{metric}{{kafka_id="lkc-1",topic="{name}"}} 6000.0 1609459200.000' for name in names)
    yield "# TYPE confluent_kafka_server_consumer_lag_offsets gauge"
    for name in names:
        for partition in range(LAGS_A_TOPIC):
            labels = f'kafka_id="lkc-1",topic="{name}",partition="{partition}",consumer_group_id="g"'
            yield f"confluent_kafka_server_consumer_lag_offsets{{{labels}}} 1.0 1609459200.000"
    yield "# EOF"


def main() -> None:
    topics = int(sys.argv[1]) if len(sys.argv) > 1 else 9_000
    body = ("\n".join(lines(topics)) + "\n").encode()
    headers = {"content-type": "application/openmetrics-text;version=1.0.0"}
    answer = Answer(service="bench", request="GET /", who="", status=200, headers=headers, body=body)
    begin = time.process_time()
    samples = read_samples(answer, WANTED)
    seconds = time.process_time() - begin
    print(f"{topics:,} topics, {len(body) / 1e6:.1f} MB: {len(samples):,} samples in {seconds:.2f} s of CPU")


if __name__ == "__main__":
    main()
