"""Times what a code location with KafkaEstateComponent needs, cold, at several sizes: `python -m bench.assets [--sizes 500 2000 9000]`.

For each size: refreshing the state from the store; then, in a new process each, importing Dagster and the component,
building the definitions, the repository and the asset graph, and the snapshot that a code server sends to the
webserver. And a discovery's report: with nothing changed, and how many topics Dagster's SQLite keeps in a second. All in
seconds of CPU, which other work on the machine changes little.
"""

# ruff: noqa: T201 - a script speaks to its user

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace

from bench.diff import build_document
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Schema, TopicSchema
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store

FIELDS = 12
_LOAD = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
start = time.process_time()
import dagster as dg
dagster_imported = time.process_time()
from mesh_assets.components import KafkaEstateComponent
imported = time.process_time()
component = KafkaEstateComponent(store=sys.argv[1], limit=10**6)
from pathlib import Path
definitions = component.build_defs_from_state(None, Path(sys.argv[2]))
built = time.process_time()
repository = definitions.get_repository_def()
assets = len(repository.asset_graph.get_all_asset_keys())
ready = time.process_time()
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._serdes import serialize_value
snapshot = len(serialize_value(RepositorySnap.from_def(repository)))
served = time.process_time()
print(json.dumps({
    "assets": assets, "dagster": dagster_imported - start, "component": imported - dagster_imported, "definitions": built - imported,
    "graph": ready - built, "snapshot": served - ready, "total": served - start, "snapshot_mb": snapshot / 1e6,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""
_REPORT = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import dagster as dg
from mesh_assets.components.mounted import Mounted, keep_mounted
from mesh_assets.components.reporting import report_records, section_ends
from mesh_assets.components.selection import Selection
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from msgspec.structs import replace
store = InventoryStore(open_store(sys.argv[1]))
keep_mounted(store.objects, Mounted(component="bench", selection=Selection()))
section = store.latest_document("lkc-bench").section("topics")
with dg.DagsterInstance.local_temp(sys.argv[2]) as instance:
    def report(seconds):
        start = time.process_time()
        told = report_records(
            instance, store.objects, lambda: section_ends(section), cluster="bench", cluster_id="lkc-bench", seconds=seconds
        )
        return told, time.process_time() - start
    told, seconds = report(5.0)
    rate = told.reported / seconds
    keep = instance.report_runless_asset_event
    instance.report_runless_asset_event = lambda event: None
    report(600.0)
    instance.report_runless_asset_event = keep
    _, unchanged = report(5.0)
print(json.dumps({"a_second": rate, "unchanged": unchanged}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 2_000, 9_000])
    sizes = parser.parse_args().sizes
    print("assets   refresh      import   definitions   graph   snapshot      total   snapshot     peak")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            _load(size, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        _publish(_estate(max(sizes)), Path(folder, "store"))
        told = json.loads(_python(_REPORT, str(Path(folder, "store")), folder))
    print(
        f"a report of a discovery of {max(sizes):,}: {told['unchanged']:.3f} s with nothing changed; "
        f"Dagster's SQLite keeps {told['a_second']:.0f} topics a second"
    )


def _load(size: int, folder: Path) -> None:
    from mesh_assets.components import KafkaEstateComponent

    store, state = folder / "store", folder / "state"
    _publish(_estate(size), store)
    start = time.process_time()
    KafkaEstateComponent(store=str(store), limit=10**6).write_state_to_path(state)
    refresh = time.process_time() - start
    told = json.loads(_python(_LOAD, str(store), str(state)))
    imports = told["dagster"] + told["component"]
    print(
        f"{told['assets']:>6,} {refresh:>7.2f} s {imports:>9.2f} s {told['definitions']:>11.2f} s {told['graph']:>5.2f} s "
        f"{told['snapshot']:>8.2f} s {told['total']:>8.2f} s {told['snapshot_mb']:>7.1f} MB {told['peak_mb']:>5.0f} MB"
    )


def _estate(assets: int) -> Document:
    """Four fifths topics, each with a schema of twelve fields; the rest sinks and consumer groups, half and half."""
    topics, others = assets * 4 // 5, assets // 10
    document = build_document(
        topics=topics, partitions=4, configs=8, groups=assets - topics - others, connectors=others, schemas=0
    )
    properties = {
        f"field_{number}": {"type": "string", "description": f"Field {number}"} for number in range(FIELDS)
    }
    text = json.dumps({"type": "object", "owner": "payments", "properties": properties})
    schemas = tuple(
        Schema(
            subject=f"{topic.name}-value",
            version=1,
            id=number,
            schema_type="JSON",
            definition=text.replace("Field", topic.name),
        )
        for number, topic in enumerate(document.topics)
    )
    described = tuple(
        replace(topic, schema=TopicSchema(value_subjects=(f"{topic.name}-value",)))
        for topic in document.topics
    )
    return replace(document, topics=described, schemas=schemas)


def _publish(document: Document, location: Path) -> None:
    from mesh_assets_tests.published import publish

    publish(InventoryStore(open_store(str(location))), document)


def _python(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(done.stderr)
    return done.stdout.splitlines()[-1]


if __name__ == "__main__":
    main()
