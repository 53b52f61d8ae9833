"""How long the four bulk reads of a Kafka cluster take: wall and CPU seconds of this process.

    python bench/kafka_read.py --bootstrap 127.0.0.1:9092 --repeat 5
    python bench/kafka_read.py --bootstrap 127.0.0.1:9092 --make-topics 2000 --partitions 4 --groups 300

Each read is timed alone, then all four at once in threads, as in a discovery. On a shared machine, CPU seconds are
steadier than wall time. `--make-topics` and `--groups` create load first, only on a broker on this machine; what already
exists is kept.
"""

# ruff: noqa: T201  (it prints its result)
import argparse
import gc
import ipaddress
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from mesh_assets.errors import MeshError
from mesh_assets.platforms.kafka import WireReader, leading_partitions

Result = TypeVar("Result")

CALL_SECONDS = 60
TOPICS_A_CALL = 250
TOPICS_A_GROUP = 4
# A group's coordinator does not know a new topic at once, and a new broker has no coordinator at first.
COMMIT_SECONDS = 5
MAKE_GROUPS_SECONDS = 60


class Timings:
    """Wall and CPU seconds by read, one pair per repetition."""

    def __init__(self) -> None:
        self._taken: dict[str, list[tuple[float, float]]] = {}

    def take(self, name: str, read: Callable[[], Result]) -> Result:
        wall, cpu = time.perf_counter(), time.process_time()
        result = read()
        self._taken.setdefault(name, []).append((time.perf_counter() - wall, time.process_time() - cpu))
        return result

    def report(self) -> str:
        lines = [
            f"{'':12}{'wall s':>22}{'CPU s':>22}",
            f"{'':12}{'median':>11}{'best':>11}{'median':>11}{'best':>11}",
        ]
        for name, taken in self._taken.items():
            walls, cpus = zip(*taken, strict=True)
            columns = (statistics.median(walls), min(walls), statistics.median(cpus), min(cpus))
            lines.append(f"{name:12}" + "".join(f"{seconds:11.3f}" for seconds in columns))
        return "\n".join(lines)


def main() -> int:
    arguments = parse()
    if (arguments.make_topics or arguments.groups) and not on_this_machine(arguments.bootstrap):
        print("load is created only on a broker on this machine, by its loopback address", file=sys.stderr)
        return 2
    if arguments.make_topics:
        make_topics(arguments.bootstrap, arguments.make_topics, arguments.partitions)
    if arguments.groups:
        make_groups(arguments.bootstrap, arguments.groups, arguments.make_topics, arguments.partitions)
    try:
        measure(arguments.bootstrap, arguments.repeat, arguments.timeout, gc_off=arguments.gc_off)
    except MeshError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bootstrap", required=True, help="HOST:PORT of a broker without TLS and SASL")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds a call")
    parser.add_argument(
        "--gc-off", action="store_true", help="without the garbage collector, as a discovery reads"
    )
    parser.add_argument("--make-topics", type=int, default=0, metavar="N")
    parser.add_argument("--partitions", type=int, default=4, metavar="P", help="of each topic that is made")
    parser.add_argument(
        "--groups",
        type=int,
        default=0,
        metavar="G",
        help=f"groups to make, each committing for {TOPICS_A_GROUP} topics",
    )
    arguments = parser.parse_args()
    if arguments.groups and arguments.make_topics < TOPICS_A_GROUP:
        parser.error(f"--groups needs --make-topics {TOPICS_A_GROUP} or more: the topics to commit for")
    return arguments


def on_this_machine(bootstrap: str) -> bool:
    hosts = [server.rpartition(":")[0].strip("[]") for server in bootstrap.split(",")]
    return all(host == "localhost" or _loopback(host) for host in hosts)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def make_topics(bootstrap: str, topics: int, partitions: int) -> None:
    with AdminClient({"bootstrap.servers": bootstrap}) as admin:
        for start in range(0, topics, TOPICS_A_CALL):
            new = [
                NewTopic(topic_name(number), partitions, 1)
                for number in range(start, min(topics, start + TOPICS_A_CALL))
            ]
            for future in admin.create_topics(new, request_timeout=CALL_SECONDS).values():
                try:
                    future.result(CALL_SECONDS)
                except KafkaException as error:
                    if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                        raise


def make_groups(bootstrap: str, groups: int, topics: int, partitions: int) -> None:
    """Make groups without members that have committed offset 0. A commit that is refused or lost is repeated."""
    with AdminClient({"bootstrap.servers": bootstrap}) as admin:
        remaining = [commit_of(number, topics, partitions) for number in range(groups)]
        deadline = time.monotonic() + MAKE_GROUPS_SECONDS
        while remaining:
            answers = [
                next(iter(admin.alter_consumer_group_offsets([one], request_timeout=COMMIT_SECONDS).values()))
                for one in remaining
            ]
            remaining = [
                commit for commit, answer in zip(remaining, answers, strict=True) if not taken(answer)
            ]
            if remaining and time.monotonic() > deadline:
                raise SystemExit(f"{len(remaining)} groups could not commit within {MAKE_GROUPS_SECONDS} s")


def taken(answer: Future[ConsumerGroupTopicPartitions]) -> bool:
    try:
        return all(place.error is None for place in answer.result(CALL_SECONDS).topic_partitions or ())
    except KafkaException:
        return False


def commit_of(number: int, topics: int, partitions: int) -> ConsumerGroupTopicPartitions:
    first = number * TOPICS_A_GROUP
    names = [topic_name((first + step) % topics) for step in range(TOPICS_A_GROUP)]
    return ConsumerGroupTopicPartitions(
        f"bench-group-{number:05}", [TopicPartition(name, p, 0) for name in names for p in range(partitions)]
    )


def topic_name(number: int) -> str:
    return f"bench-topic-{number:05}"


def measure(bootstrap: str, repeat: int, timeout_seconds: float, *, gc_off: bool) -> None:
    timings = Timings()
    if gc_off:
        gc.disable()
    with WireReader({"bootstrap.servers": bootstrap}, timeout_seconds) as reader:
        for _ in range(repeat):
            metadata = timings.take("metadata", reader.metadata)
            names = [topic.name for topic in metadata.topics]
            places = leading_partitions(metadata)
            timings.take("configs", lambda names=names: reader.configs(names))  # type: ignore[misc]
            timings.take("offsets", lambda places=places: reader.offsets(places))  # type: ignore[misc]
            reading = timings.take("groups", lambda: reader.groups(lambda _: True))
            timings.take("all at once", lambda names=names, places=places: all_at_once(reader, names, places))  # type: ignore[misc]
        partitions = sum(len(topic.partitions) for topic in metadata.topics)
        committed = sum(len(group.offsets or ()) for group in reading.groups)
        print(
            f"{len(names)} topics, {partitions} partitions, {len(reading.groups)} groups, {committed} committed offsets, {repeat} times"
        )
        print(timings.report())
        print(
            "requests on the wire:",
            ", ".join(f"{kind} {count}" for kind, count in sorted(reader.requests.items())),
        )


def all_at_once(reader: WireReader, names: list[str], places: dict[str, tuple[int, ...]]) -> None:
    with ThreadPoolExecutor(4) as threads:
        reads: list[Future[object]] = [
            threads.submit(reader.metadata),
            threads.submit(reader.configs, names),
            threads.submit(reader.offsets, places),
            threads.submit(reader.groups, lambda _: True),
        ]
    for read in reads:
        read.result()


if __name__ == "__main__":
    sys.exit(main())
