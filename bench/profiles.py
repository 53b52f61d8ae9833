"""What profiles find in the sandbox, compared with what was planted there, and what they cost.

    python -m bench.profiles                     starts a sandbox of its own, in a temporary folder
    python -m bench.profiles --sandbox .sandbox  uses a running one
    python -m bench.profiles --planted-only      starts a broker and a registry, and looks only at the planted
    topics

Plants topics with faults in the warehouse (mesh_assets/sandbox/estate/quality.py says which), profiles all
topics of both clusters, and prints precision and recall: of all faults and shared keys found, how many exist;
of all that exist, how many were found. The sandbox's own topics have no faults, so one found there counts
against precision; the keys that they share are also written down (belonging.py). The discovery's key for
data-mesh-cluster may read no records, as on Confluent Cloud without `enable_profiling` of terraform/; here,
it gets the ACL that this would give it until the end.
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

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # re-exported without saying so
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

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
from mesh_assets.profiling.topic import KAFKA_KEY
from mesh_assets.sandbox.credentials import cloud_login, sandbox_keys
from mesh_assets.sandbox.estate.belonging import fields_of_things, identified_by
from mesh_assets.sandbox.estate.quality import PREFIX, SHARED_KEYS, planted_faults
from mesh_assets.sandbox.kafka_admin import admin_client
from mesh_assets.sandbox.planting import planted
from mesh_assets.sandbox.servers import Endpoints, Sandbox
from mesh_assets.store.fingerprints import FingerprintKey

_KEY = FingerprintKey(id="bench", key=b"what is hashed here is not kept.")
_SHARED = 0.3
_ENOUGH = ("broker", "registry")
_SECONDS = 30


class Score(Record, frozen=True, kw_only=True):
    """`found` and `true`: anything comparable."""

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
        if not arguments.planted_only:
            stack.enter_context(records_allowed(box, endpoints))
        stack.enter_context(planted(endpoints.bootstrap_servers, endpoints.registry_url))
        return measure(endpoints, ["warehouse"] if arguments.planted_only else None)


@contextmanager
def records_allowed(box: Sandbox, endpoints: Endpoints) -> Iterator[None]:
    """Lets the discovery's key read all topics of data-mesh-cluster. Fails if its broker refuses."""
    assert endpoints.cloud_bootstrap_servers is not None
    name, operation = f"User:{sandbox_keys(box.folder).kafka.id}", AclOperation.READ
    kind, pattern, allow = ResourceType.TOPIC, ResourcePatternType.LITERAL, AclPermissionType.ALLOW
    grant = AclBinding(kind, "*", pattern, name, "*", operation, allow)
    with admin_client(endpoints.cloud_bootstrap_servers, cloud_login(box.folder)) as admin:
        for made in admin.create_acls([grant]).values():
            made.result(_SECONDS)
        try:
            yield
        finally:
            taken = AclBindingFilter(kind, "*", pattern, name, "*", operation, allow)
            for gone in admin.delete_acls([taken]).values():
                gone.result(_SECONDS)


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
    scores = (
        Score(what="faults", found=frozenset(faults), true=planted_faults()),
        *shared_keys(found, own=clusters is None),
    )
    for score in scores:
        print(score.line)
        for missed in sorted(map(str, score.true - score.found)):
            print(f"    missed   {missed}")
        for invented in sorted(score.found - score.true, key=str):
            sentence = f": {faults[invented].sentence}" if invented in faults else ""
            print(f"    invented {invented}{sentence}")
    failed = [one for one in profiles if one.error is not None]
    for one in failed:
        print(f"    failed   {one.topic}: {one.error}")
    return 0 if not failed and all(score.found == score.true for score in scores) else 1


def shared_keys(found: Sequence[ClusterProfiles], *, own: bool) -> Iterator[Score]:
    """For the planted topics and, with `own`, the sandbox's, in each cluster: pairs of fields with the same
    values. Pairs in which neither field identifies anything (names, addresses) are not keys, whatever they
    share, and are only counted."""
    pairs = [
        {
            frozenset({(one.topic, one.path), (one.other_topic, one.other_path)})
            for one in cluster.overlaps
            if one.contained >= _SHARED
            and not {one.path.partition(".")[0], one.other_path.partition(".")[0]} & {KAFKA_KEY}
        }
        for cluster in found
    ]
    is_planted = {pair: any(topic.startswith(PREFIX) for topic, _ in pair) for one in pairs for pair in one}
    yield Score(
        what="shared keys", found=frozenset(pair for pair, yes in is_planted.items() if yes), true=SHARED_KEYS
    )
    others = 0
    for number, one in enumerate(pairs if own else ()):
        mine = [pair for pair in one if not is_planted[pair]]
        keys = frozenset(pair for pair in mine if any(identified_by(*place) for place in pair))
        others += len(mine) - len(keys)
        yield Score(what=f"of the sandbox, {number + 1}", found=keys, true=fields_of_things())
    if own:
        print(
            f"{others} pairs of fields that are not keys also share values (names, streets, addresses of machines)"
        )


def unjudged(sample: TopicSample) -> None:
    """The cost of rules is not measured here."""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--planted-only", action="store_true", help="only the planted topics")
    parser.add_argument("--sandbox", type=Path, help="the folder of a running sandbox")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
