"""Times everything the job `analysis` does, compared with the discovery of the same estate, for a large estate and
for a quarter of it.

    python -m bench.analysis                   9,000 topics of 4 partitions, 5,000 subjects, 1,000 connectors, 2,200 groups
    python -m bench.analysis --scales 0.1      to try it
    python -m bench.analysis --profile         with the functions of the analysis that take the most time

The bar: at most the CPU time of the discovery, 400 MB, and 4.4 times the CPU time of the quarter.

Both run as separate processes, measured from start to end: `mesh-assets discover`, whose Kafka is in memory
and costs nothing (reading 9,000 topics from brokers takes another third of a CPU second, according to
`bench.estate`), with registry and Connect over HTTP; then the analysis of what it kept. Then a few things
change, and both run again.
"""

# ruff: noqa: T201 - a script speaks to its user

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import yaml
from msgspec.structs import replace

from bench.described import registry_and_connect
from bench.report import a_described_estate
from mesh_assets.inventory.document import Document, encode_document

TREE = Path(__file__).parents[1]
MOMENTS = ("all new", "a little changed")
Costs = dict[str, float]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scales", type=float, nargs="+", default=(0.25, 1.0))
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--profile", action="store_true", help="of the analysis, on stderr")
    parser.add_argument("--keep", type=Path, help="a folder that keeps the stores, one for each scale")
    arguments = parser.parse_args()
    found: defaultdict[tuple[float, str], list[Costs]] = defaultdict(list)
    for scale in arguments.scales:
        for number in range(arguments.repeat):
            with tempfile.TemporaryDirectory(prefix="bench-analysis-") as name:
                folder = Path(name) if arguments.keep is None else arguments.keep / f"{scale}-{number}"
                folder.mkdir(parents=True, exist_ok=True)
                first = a_described_estate(scale)
                for moment, document in zip(MOMENTS, (first, a_little_later(first)), strict=True):
                    print(f"{number + 1} of {arguments.repeat}, {scale}, {moment}", file=sys.stderr)
                    costs = measured(document, folder, profiled=arguments.profile)
                    found[scale, moment].append(costs)
    print("\n".join(table(found)))
    return 0


def a_little_later(document: Document) -> Document:
    """Every second topic has more records, one in 500 is gone; ten schemas have another version."""
    topics = (
        replace(
            topic,
            partitions=tuple(replace(one, latest=(one.latest or 0) + 5) for one in topic.partitions),
        )
        if number % 2
        else topic
        for number, topic in enumerate(document.topics)
        if number % 500
    )
    schemas = (
        replace(schema, version=2, id=schema.id + 100_000, definition=_another_field(schema.definition))
        if number < 10
        else schema
        for number, schema in enumerate(document.schemas)
    )
    return replace(document, topics=tuple(topics), schemas=tuple(schemas))


def _another_field(definition: str) -> str:
    parsed = json.loads(definition)
    parsed["properties"]["note"] = {"type": "string"}
    return json.dumps(parsed)


def measured(document: Document, folder: Path, *, profiled: bool) -> Costs:
    """What the discovery of this estate and the analysis after it cost."""
    (folder / "document.json").write_bytes(encode_document(document))
    with registry_and_connect(document) as url:
        (folder / "estate.yaml").write_text(
            yaml.safe_dump(
                {
                    "clusters": {
                        document.cluster.name: {
                            "environment": {"id": "bench", "name": "bench"},
                            "kafka": {"bootstrap_servers": "127.0.0.1:1"},
                            "schema_registry": {"url": url},
                            "connect": [{"kind": "kafka_connect", "name": "main", "url": url}],
                            "metrics": {"kind": "offsets"},
                        }
                    }
                }
            )
        )
        discovery = process(["-m", "bench.described", str(folder / "document.json")], folder)
    arguments = [str(folder), *(["profile"] if profiled else [])]
    analysis = process(["-m", "bench.analysis_parts", *arguments], folder)
    return {
        "discovery: CPU s": discovery["CPU s"],
        "discovery: peak MB": discovery["peak MB"],
        **{f"analysis: {name}": value for name, value in analysis.items()},
        "analysis / discovery": analysis["CPU s"] / discovery["CPU s"],
    }


def process(arguments: Sequence[str], folder: Path) -> Costs:
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "",  # or each process would recompile the project, unlike any user's
        "PYTHONPATH": str(TREE),
        "MESH_ESTATE": str(folder / "estate.yaml"),
        "MESH_STORE": str(folder / "store"),
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, check=True
    )
    costs: Costs = json.loads(done.stdout.splitlines()[-1])
    return costs


def table(found: dict[tuple[float, str], list[Costs]]) -> list[str]:
    """Medians; at the end, the cost of the largest estate relative to the smallest."""
    names = list(next(iter(found.values()))[0])
    medians = {
        key: {name: statistics.median(one[name] for one in costs) for name in names}
        for key, costs in found.items()
    }
    lines = [f"{'medians':44}" + "".join(f"{f'{scale}: {moment}':>24}" for scale, moment in found)]
    lines += [f"{name:44}" + "".join(f"{one[name]:24.2f}" for one in medians.values()) for name in names]
    scales = {scale for scale, _ in found}
    for moment in MOMENTS if len(scales) > 1 else ():
        small, large = medians[min(scales), moment], medians[max(scales), moment]
        growth = large["analysis: CPU s"] / small["analysis: CPU s"]
        lines.append(f"from {min(scales)} to {max(scales)}, {moment}: {growth:.2f} times the CPU time")
    return lines


if __name__ == "__main__":
    sys.exit(main())
