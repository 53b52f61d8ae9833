"""Times all that the job `analysis` does, of a large estate and of a quarter of it: `python -m bench.analysis`.

The bar: at most the CPU time of the discovery (`python -m bench.discover`), 400 MB, and 4.4 times the CPU time of the quarter. Without
Dagster, and without what is asked of AWS and Flink.
"""

# ruff: noqa: T201 - a script speaks to its user

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from bench.report import ESTATE, a_described_estate
from mesh_assets.answering.belonging import (
    keep_estate_domains,
    keep_estate_relationships,
    read_estate_domains,
    read_estate_relationships,
)
from mesh_assets.answering.documents_once import DocumentsOnce
from mesh_assets.answering.estate_lineage import keep_estate_lineage, read_estate_lineage
from mesh_assets.answering.known_mappings import KnownMappings
from mesh_assets.answering.known_products import keep_estate_products
from mesh_assets.answering.products import read_estate_products
from mesh_assets.estate.file import load_estate
from mesh_assets.findings.history import findings_results, judge_estate
from mesh_assets.products.tables import write_product_tables
from mesh_assets.report import read_report, render_report
from mesh_assets.report.page import keep_report
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.published import publish


def measure(scale: float) -> None:
    """In its own process, so that its peak memory can be measured."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "estate.yaml").write_text(ESTATE)
        estate = load_estate(folder / "estate.yaml")
        objects = open_store(str(folder / "store"))
        store = InventoryStore(objects)
        document = a_described_estate(scale)
        now = document.discovery_timestamp + timedelta(hours=2)
        publish(store, document)
        fewer = tuple(one for number, one in enumerate(document.topics) if number % 500)
        publish(store, replace(document, sequence=2, topics=fewer, discovery_timestamp=now))
        store = DocumentsOnce(objects)  # as in Dagster, where all parts are of one run

        def findings() -> None:
            found, read = judge_estate(store, estate, None)
            findings_results(store).put(found, documents=read, made_at=now)

        def lineage() -> None:
            found = read_estate_lineage(estate, store, mappings=KnownMappings(lambda: estate))
            keep_estate_lineage(store, found, made_at=now)

        def products() -> None:
            found = read_estate_products(estate, store, now=now)
            keep_estate_products(store, found, made_at=now)
            write_product_tables(store.objects, found.products, found.costs, made_at=now)

        parts: dict[str, Callable[[], object]] = {
            "lineage": lineage,
            "relationships": lambda: keep_estate_relationships(
                store, read_estate_relationships(estate, store), made_at=now
            ),
            "domains": lambda: keep_estate_domains(store, read_estate_domains(estate, store), made_at=now),
            "findings": findings,
            "products": products,
            "report": lambda: keep_report(store, render_report(read_report(estate, store, made_at=now))),
        }
        seconds = {}
        for part, do in parts.items():
            began = time.process_time()
            do()
            seconds[part] = time.process_time() - began
    told = ", ".join(f"{part} {one:.2f} s" for part, one in seconds.items())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{scale:>4}: CPU {sum(seconds.values()):.2f} s ({told}); {peak} MB at most")


def main() -> None:
    for scale in ("0.25", "1.0"):
        subprocess.run([sys.executable, "-m", "bench.analysis", scale], check=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(float(sys.argv[1]))
    else:
        main()
