"""Everything the job `analysis` does, as a separate process, without Dagster: `python -m bench.analysis_parts
FOLDER [profile]`, run by `bench/analysis.py`. Requests to AWS and Flink are not included: the estate has
neither."""

# ruff: noqa: T201 - a script speaks to its user

import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

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
from mesh_assets.store.layout import open_store


def main(folder: Path, *, profiled: bool) -> None:
    seconds = {"Python and what is imported first": time.process_time()}
    estate = load_estate(folder / "estate.yaml")
    store = DocumentsOnce(
        open_store(str(folder / "store"))
    )  # as in Dagster, where all parts belong to one run
    now = datetime.now(UTC)

    def lineage() -> None:
        found = read_estate_lineage(estate, store, mappings=KnownMappings(lambda: estate))
        keep_estate_lineage(store, found, made_at=now)

    def relationships() -> None:
        keep_estate_relationships(store, read_estate_relationships(estate, store), made_at=now)

    def domains() -> None:
        keep_estate_domains(store, read_estate_domains(estate, store), made_at=now)

    def findings() -> None:
        found, read = judge_estate(store, estate, None)
        findings_results(store).put(found, documents=read, made_at=now)

    def products() -> None:
        found = read_estate_products(estate, store, now=now)
        keep_estate_products(store, found, made_at=now)
        write_product_tables(store.objects, found.products, found.costs, made_at=now)

    def report() -> None:
        keep_report(store, render_report(read_report(estate, store, made_at=now)))

    parts: list[Callable[[], None]] = [lineage, relationships, domains, findings, products, report]
    if profiled:
        import cProfile
        import pstats

        profile = cProfile.Profile()
        profile.enable()
    for part in parts:
        began = time.process_time()
        part()
        seconds[part.__name__] = time.process_time() - began
    if profiled:
        profile.disable()
        said = pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(45)
        said.sort_stats("cumulative").print_stats(90)
    used = resource.getrusage(resource.RUSAGE_SELF)
    whole = used.ru_utime + used.ru_stime
    print(json.dumps({**seconds, "CPU s": whole, "peak MB": used.ru_maxrss / 1024}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), profiled="profile" in sys.argv[2:])
