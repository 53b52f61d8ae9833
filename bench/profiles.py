"""What profiles find in the sandbox, against what was planted there, and what they cost.

    python -m bench.profiles                     starts a sandbox of its own, in a temporary folder
    python -m bench.profiles --sandbox .sandbox  uses one that runs
    python -m bench.profiles --planted-only      starts a broker and a registry, and looks at what is planted alone

Plants topics with faults in the warehouse (mesh_assets/sandbox/estate/quality.py says which), profiles all topics of both
clusters, and prints precision and recall: of all faults and shared keys found, which were planted; of all planted, which
were found. A fault in a topic of the sandbox's own is one that nobody planted, and counts against precision.
"""

# ruff: noqa: T201  (it prints its result)
import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mesh_assets.collecting.live import read_live
from mesh_assets.estate.file import load_estate
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.records import Record
from mesh_assets.profiling.cluster import (
    Before,
    ClusterProfiles,
    ProfilingClients,
    open_profiling,
    profile_cluster,
)
from mesh_assets.profiling.sample import TopicSample
from mesh_assets.sandbox.estate.quality import PREFIX, SHARED_KEYS, planted_faults
from mesh_assets.sandbox.planting import planted
from mesh_assets.sandbox.servers import Endpoints, Sandbox
from mesh_assets.store.fingerprints import FingerprintKey

_KEY = FingerprintKey(id="bench", key=b"what is hashed here is not kept.")
_SHARED = 0.3
_ENOUGH = ("broker", "registry")


class Score(Record, frozen=True, kw_only=True):
    """`found` and `true`: whatever can be compared."""

    what: str
    found: frozenset[Any]
    true: frozenset[Any]

    @property
    def line(self) -> str:
        right = len(self.found & self.true)
        precision = right / len(self.found) if self.found else float("nan")
        recall = right / len(self.true) if self.true else float("nan")
        return f"{self.what:20}planted {len(self.true):3}   found {len(self.found):3}   precision {precision:.3f}   recall {recall:.3f}"


class Reading:
    """Seconds spent waiting for records, and topics read."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def open(self, cluster: Cluster) -> Iterator[ProfilingClients]:
        with open_profiling(cluster) as clients:
            read = clients.slices.read

            def timed(*arguments: Any, **named: Any) -> Any:
                begun = time.monotonic()
                try:
                    return read(*arguments, **named)
                finally:
                    self.seconds += time.monotonic() - begun

            clients.slices.read = timed  # type: ignore[method-assign]
            yield replace(clients)


def main() -> int:
    arguments = parse()
    with ExitStack() as stack:
        folder = arguments.sandbox or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        box = Sandbox(folder)
        if arguments.sandbox is None:
            stack.callback(box.stop)
            box.start(_ENOUGH if arguments.planted_only else None)
        endpoints = box.endpoints()
        stack.enter_context(planted(endpoints.bootstrap_servers, endpoints.registry_url))
        return measure(endpoints, ["warehouse"] if arguments.planted_only else None)


def measure(endpoints: Endpoints, clusters: Sequence[str] | None) -> int:
    """`clusters`: None: all."""
    estate = load_estate(endpoints.estate_file)
    found: list[ClusterProfiles] = []
    reading, profiling = Reading(), 0.0
    begun, cpu = time.monotonic(), time.process_time()
    for name in clusters or estate.clusters:
        cluster = estate.clusters[name]
        open_one = cluster.model_copy(update={"allow_message_reading": ("*",)})
        document = read_live(open_one, ("topics", "schemas"), previous=lambda _: None)
        begun_one = time.monotonic()
        found.append(
            profile_cluster(
                open_one,
                estate.profiling,
                before=Before(document=document),
                key=_KEY,
                now=lambda: datetime.now(UTC),
                on_sample=unjudged,
                open_clients=reading.open,
            )
        )
        profiling += (seconds := time.monotonic() - begun_one)
        print(f"{cluster.name:20}{len(found[-1].profiles):4} topics in {seconds:.1f} s")
    print(
        f"in all {time.monotonic() - begun:.1f} s, {time.process_time() - cpu:.1f} s of CPU; waiting for records {reading.seconds:.1f} s"
    )
    print(f"profiles took {profiling / reading.seconds:.2f} times as long as reading their samples")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    profiles = [one for cluster in found for one in cluster.profiles]
    records, size = sum(one.sampled_records for one in profiles), sum(one.sampled_bytes for one in profiles)
    print(f"{records:,} records, {size / 1e6:.1f} MB of keys and values")
    faults = {(one.topic, fault.kind, fault.path): fault for one in profiles for fault in one.faults}
    shared = frozenset(
        frozenset({(one.topic, one.path), (one.other_topic, one.other_path)})
        for cluster in found
        for one in cluster.overlaps
        if one.contained >= _SHARED and one.topic.startswith(PREFIX)
    )
    scores = (
        Score(what="faults", found=frozenset(faults), true=planted_faults()),
        Score(what="shared keys", found=shared, true=SHARED_KEYS),
    )
    for score in scores:
        print(score.line)
        for missed in sorted(map(str, score.true - score.found)):
            print(f"    missed   {missed}")
    for place in sorted(faults.keys() - planted_faults(), key=str):
        print(f"    invented {place[0]}: {place[1]}: {faults[place].sentence}")
    failed = [one for one in profiles if one.error is not None]
    for one in failed:
        print(f"    failed   {one.topic}: {one.error}")
    return 0 if not failed and all(score.found == score.true for score in scores) else 1


def unjudged(sample: TopicSample) -> None:
    """What rules cost is not measured here."""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--planted-only", action="store_true", help="only the topics that are planted")
    parser.add_argument("--sandbox", type=Path, help="the folder of a sandbox that runs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
