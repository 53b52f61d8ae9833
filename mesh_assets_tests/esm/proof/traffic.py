"""Other traffic on a real broker while a mapping is judged."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, ShareConsumer

from mesh_assets.esm.proof import Validation

Validate = Callable[..., Validation]
COUNTED: dict[str, Any] = {"MetricsConfig": {"Metrics": ["EventCount"]}}


@contextmanager
def polled(consumer: Consumer | ShareConsumer, *, until: Callable[[], Any]) -> Iterator[None]:
    """A consumer at work from that condition until the block ends; then it leaves its group."""
    ended = threading.Event()

    def poll() -> None:
        while not ended.is_set():
            consumer.poll(0.1)

    thread = threading.Thread(target=poll)
    try:
        deadline = time.monotonic() + 60
        while not until():
            consumer.poll(0.1)
            assert time.monotonic() < deadline
        thread.start()
        yield
        ended.set()
        thread.join()
    finally:
        consumer.close()
