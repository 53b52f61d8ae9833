"""Times the report of a large estate, and of a quarter of it: `python -m bench.report [--keep FOLDER]`.

The bar: less than 5 MB, 400 MB of memory, and at most 4.4 times the CPU time of the quarter. The store has
two documents, so that there are changes, and everything the job `analysis` keeps except findings, which are
judged again.
"""

# ruff: noqa: T201 - a script speaks to its user

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from bench.lineage import SUBJECTS, TOPICS, an_estate, topic
from mesh_assets.answering.belonging import domain_results, relationship_results
from mesh_assets.answering.estate_lineage import lineage_results
from mesh_assets.answering.known_products import keep_estate_products
from mesh_assets.answering.products import read_estate_products
from mesh_assets.estate.file import load_estate
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import TopicSchema
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import estate_graph
from mesh_assets.relationships.records import Domain, Domains, DomainTopic
from mesh_assets.relationships.relating import find_relationships
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets.store.results import read_latest_documents
from mesh_assets_tests.documents import a_connector, a_schema, a_topic
from mesh_assets_tests.published import publish

FIELDS = 12
ESTATE = 'clusters:\n  warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}\n'
_MAKE = """
import json, resource, sys, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
began = time.process_time()
from mesh_assets.estate.file import load_estate
from mesh_assets.report import read_report, render_report
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
imported = time.process_time()
folder = Path(sys.argv[1])
store = InventoryStore(open_store(str(folder / "store")))
report = read_report(load_estate(folder / "estate.yaml"), store, made_at=datetime(2026, 11, 23, 19, tzinfo=UTC))
read = time.process_time()
html = render_report(report).encode()
rendered = time.process_time()
(folder / "report.html").write_bytes(html)
print(json.dumps({
    "import": imported - began, "read": read - imported, "render": rendered - read, "mb": len(html) / 1e6,
    "findings": len(report.findings), "edges": len(report.mesh.graph.edges),
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def a_described_estate(scale: float) -> Document:
    """The estate of `bench.lineage`, with topics of four partitions and schemas of twelve fields, four of
    them their own."""
    document = an_estate(scale)
    subjects, topics = int(SUBJECTS * scale), int(TOPICS * scale)
    schemas = []
    for number in range(subjects):
        own = {f"field_{number}_{at}": {"type": "string"} for at in range(4)}
        shared = {f"field_{at}": {"type": "integer"} for at in range(FIELDS - 5)}
        properties = {f"entity_{number % 400}_id": {"type": "string"}, **shared, **own}
        definition = json.dumps({"type": "object", "properties": properties})
        schemas.append(a_schema(f"{topic(number)}-value", definition=definition))
    described = (
        TopicSchema(value_subjects=(f"{topic(number)}-value",)) if number < subjects else TopicSchema()
        for number in range(topics)
    )
    return replace(
        document,
        schemas=tuple(schemas),
        topics=tuple(
            a_topic(
                topic(number),
                partitions=4,
                replicas=(1, 2, 3),
                config={"retention.ms": "604800000"},
                schema=schema,
            )
            for number, schema in enumerate(described)
        ),
        connectors=(
            *(one for one in document.connectors if one.name != "c1"),
            a_connector(
                "c1",
                status="FAILED",
                trace="java.lang.IllegalStateException: the disk is full\n\tat a.B.c(B.java:1)",
            ),
        ),
    )


def keep_analysis(store: InventoryStore) -> None:
    """Domains follow the first word of the names; there are 50."""
    latest = read_latest_documents(store, ["warehouse"])
    [document] = latest.documents.values()
    related = find_relationships([document], synonyms={})
    by_word: defaultdict[str, list[DomainTopic]] = defaultdict(list)
    for one in document.topics:
        word = one.name.partition(".")[0]
        by_word[word].append(
            DomainTopic(topic=one.name, known="prefix", reason=f"its name begins with {word}, as others do")
        )
    domains = tuple(
        Domain(cluster="warehouse", name=word, topics=tuple(members), owners=())
        for word, members in by_word.items()
    )
    made_at = document.discovery_timestamp
    relationship_results(store).put(related, documents=latest.read, made_at=made_at)
    domain_results(store).put(Domains(domains=domains, unassigned=()), documents=latest.read, made_at=made_at)
    graph = estate_graph([ClusterFacts(document=document, bootstrap_servers=())])
    lineage_results(store).put(graph, documents=latest.read, made_at=made_at)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--keep", type=Path, help="a folder that keeps the page of the whole estate")
    keep = parser.parse_args().keep
    for scale in (0.25, 1.0):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "estate.yaml").write_text(ESTATE)
            store = InventoryStore(open_store(str(folder / "store")))
            document = a_described_estate(scale)
            publish(store, document)
            fewer = tuple(one for number, one in enumerate(document.topics) if number % 500)
            later = document.discovery_timestamp + timedelta(hours=2)
            publish(store, replace(document, sequence=2, topics=fewer, discovery_timestamp=later))
            keep_analysis(store)
            estate = load_estate(folder / "estate.yaml")
            keep_estate_products(store, read_estate_products(estate, store, now=later), made_at=later)
            done = subprocess.run(
                [sys.executable, "-c", _MAKE, name], capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                sys.exit(done.stderr)
            told = json.loads(done.stdout)
            print(
                f"{scale:>4}: CPU {told['import']:.2f} s to import, {told['read']:.2f} s to read and judge, {told['render']:.2f} s to "
                f"render; {told['mb']:.2f} MB, {told['findings']:,} findings, {told['edges']:,} edges, {told['peak_mb']:.0f} MB at most"
            )
            if keep is not None:
                (keep / "report.html").write_bytes((folder / "report.html").read_bytes())


if __name__ == "__main__":
    main()
