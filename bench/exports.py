"""Times each export of a large estate, in a process of its own: `python -m bench.exports [FOLDER]`.

The bar: seconds, and 400 MB. The analysis has run, as it does after each discovery: `lineage`, `relationships` and `domains`
are in the store. The sandbox's documents are smaller; these have 9,000 topics with three partitions and 30 configs, 5,000
Avro schemas of 20 fields, 1,000 connectors and 2,200 groups.
"""

# ruff: noqa: T201 - a script speaks to its user

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace

from bench.lineage import CONNECTORS, GROUPS, SUBJECTS, an_estate, topic
from mesh_assets.answering.belonging import (
    keep_estate_domains,
    keep_estate_relationships,
    read_estate_domains,
    read_estate_relationships,
)
from mesh_assets.answering.estate_lineage import EstateLineage, keep_estate_lineage
from mesh_assets.estate.file import load_estate
from mesh_assets.inventory.records import TopicSchema
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import cluster_graph
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets.store.results import read_latest_documents
from mesh_assets.tables.written import write_tables
from mesh_assets_tests.documents import MOMENT, a_document, a_schema, a_topic
from mesh_assets_tests.published import publish

EXPORTS = {
    "openlineage": ["openlineage", "--out", "mesh.ndjson"],
    "asyncapi": ["asyncapi", "--out", "mesh.yaml"],
    "csv": ["csv", "--out", "tables"],
    "mermaid": ["mermaid", "--from", f"topic {topic(5)}", "--depth", "1", "--out", "mesh.mmd"],
    "graphml": ["graphml", "--out", "mesh.graphml"],
}


def keep_an_estate(folder: Path) -> None:
    """The estate file and the store, as discovery and analysis leave them."""
    (folder / "estate.yaml").write_text("clusters: {warehouse: {kafka: {bootstrap_servers: 'a:9092'}}}\n")
    document = an_estate(1.0)
    fields = [{"name": f"field_{number}", "type": ["null", "string"]} for number in range(19)]
    config: dict[str, str | None] = {f"some.config.{number}": str(number) for number in range(27)}
    config |= {"cleanup.policy": "delete", "retention.ms": "604800000", "max.message.bytes": "1048588"}
    topics, schemas = [], []
    for number, one in enumerate(document.topics):
        subject = f"{one.name}-value"
        described = TopicSchema(value_subjects=(subject,)) if number < SUBJECTS else TopicSchema()
        topics.append(a_topic(one.name, partitions=3, config=config, schema=described))
        if number < SUBJECTS:
            record = {
                "type": "record",
                "name": f"T{number}",
                "fields": [{"name": f"t{number}_id", "type": "long"}, *fields],
            }
            schemas.append(
                a_schema(subject, schema_type="AVRO", definition=json.dumps(record), id=number + 1)
            )
    large = a_document(
        topics=tuple(topics),
        schemas=tuple(schemas),
        connectors=document.connectors,
        consumer_groups=tuple(replace(one, lost_records=0) for one in document.consumer_groups),
    )
    store = InventoryStore(open_store(str(folder / ".mesh")))
    publish(store, large)
    write_tables(store.objects, large, [])
    estate = load_estate(folder / "estate.yaml")
    read = read_latest_documents(store, estate.clusters).read
    graph = cluster_graph(ClusterFacts(document=large, bootstrap_servers=("a:9092",)))
    keep_estate_lineage(store, EstateLineage(graph=graph, documents=read), made_at=MOMENT)
    keep_estate_relationships(store, read_estate_relationships(estate, store), made_at=MOMENT)
    keep_estate_domains(store, read_estate_domains(estate, store), made_at=MOMENT)
    print(
        f"{len(topics):,} topics, {len(schemas):,} subjects, {CONNECTORS:,} connectors, {GROUPS:,} groups, {len(graph.edges):,} edges"
    )


def run(arguments: list[str]) -> None:
    began = time.monotonic()
    process = os.spawnv(
        os.P_NOWAIT, sys.executable, [sys.executable, "-m", "mesh_assets.cli.main", "export", *arguments]
    )
    _, status, used = os.wait4(process, 0)
    out = Path(arguments[-1])
    files = [out] if out.is_file() else list(out.glob("*")) if out.is_dir() else []
    size = sum(one.stat().st_size for one in files) / 1e6
    print(
        f"{arguments[0]:<12} {time.monotonic() - began:6.1f} s, {used.ru_utime + used.ru_stime:5.1f} s of CPU, "
        f"{used.ru_maxrss // 1024} MB at most, {size:,.1f} MB written, exit code {os.waitstatus_to_exitcode(status)}"
    )


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="bench-exports-"))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PYTHONPATH"] = str(Path.cwd())
    os.environ["PYTHONDONTWRITEBYTECODE"] = (
        ""  # or each process would recompile the project, unlike any user's
    )
    if not (folder / "estate.yaml").exists():
        keep_an_estate(folder)
    os.chdir(folder)
    os.environ.pop("MESH_STORE", None)
    os.environ.pop("MESH_ESTATE", None)
    for arguments in EXPORTS.values():
        run(arguments)


if __name__ == "__main__":
    main()
