"""What the sensors must notice: topics, a subject and a sink that belong to these tests alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mesh_assets_tests.daemon.changing import Changing
from mesh_assets_tests.daemon.queue import TriggerQueue

PREFIX = "daemon-test"
# Topics. A subject `…-value` goes with the first two.
EVOLVING, LATER = f"{PREFIX}-evolving", f"{PREFIX}-later"
CHANGED, GOING, COMING, POISONED = (
    f"{PREFIX}-changed",
    f"{PREFIX}-going",
    f"{PREFIX}-coming",
    f"{PREFIX}-poisoned",
)
SINK = f"{PREFIX}-sink"
DEPLOYMENT, ALARM = "deployment-4711", "far-behind"
# What `make_causes` works on.
RESOURCES = frozenset({f"{EVOLVING}-value", SINK, COMING, GOING, CHANGED, DEPLOYMENT, ALARM})


@contextmanager
def what_will_change(changing: Changing, folder: Path) -> Iterator[None]:
    """They exist before the first discovery and are gone at the end of the block."""
    try:
        for topic in (EVOLVING, LATER, CHANGED, POISONED):
            changing.make_topic(topic)
        changing.make_topic(GOING, partitions=3)
        for topic in (EVOLVING, LATER):
            changing.register(f"{topic}-value", 1)
        changing.put_sink(SINK, POISONED, folder / "sink.txt")
        changing.wait_for_task(SINK, "RUNNING")
        yield
    finally:
        changing.delete_sink(SINK)
        for topic in (EVOLVING, LATER):
            changing.delete_subject(f"{topic}-value")
        changing.delete_topics([EVOLVING, LATER, CHANGED, POISONED, GOING, COMING])


def make_causes(changing: Changing, queue: TriggerQueue) -> None:
    """One cause of each kind that a sensor notices at its first look."""
    changing.register(f"{EVOLVING}-value", 2)
    changing.produce(POISONED, b"not json {")
    changing.make_topic(COMING, partitions=3)
    changing.delete_topics([GOING])
    changing.set_retention_ms(CHANGED, 86_400_000)
    queue.publish(
        type="external", resource=DEPLOYMENT, details="Deployed by the pipeline", cluster="warehouse"
    )
    queue.raise_alarm(ALARM, reason="52013 records behind")
    changing.wait_for_task(SINK, "FAILED")
