"""Profiles compared with those of DataHub's own Kafka source: the same topics, as many records, the figures
that both have.

    python -m bench.datahub                      starts a broker and a registry, and installs DataHub into a temporary folder
    python -m bench.datahub --venv DIR           an environment with `acryl-datahub[kafka]`; made there if there is none
    python -m bench.datahub --pairs 3
    python -m bench.datahub --sizes 100 2000 10000 50000    records of each topic; the default is 2000

Profiles the planted topics (mesh_assets/sandbox/estate/quality.py), rewritten for each size, alternately with
`datahub ingest`, sink `file`, and with the work of the job `profiling`, each in a process of its own: wall
time, CPU and peak memory of the whole process, excluding Dagster, in which the job runs. DataHub's run
without profiling is measured once, since its start and the topics' metadata are in its figures. It profiles a
topic only if it knows its fields, so its schema inference is on; without it, topics without a schema are
skipped.
"""

# ruff: noqa: T201  (it prints its result)
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from math import isclose
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from mesh_assets.profiling.records import FieldProfile, TopicProfile
from mesh_assets.sandbox.estate.quality import FAULTY_TOPICS, PARTITIONS, PREFIX
from mesh_assets.sandbox.planting import planted
from mesh_assets.sandbox.servers import Endpoints, Sandbox

REQUIREMENT = "acryl-datahub[kafka]==1.7.0.17"
SIZE = 2_000
_SECONDS = 300
_CLOSE = 1e-6
"""How far apart figures may be, as a share: each program adds up in its own order."""

Figures = dict[tuple[str, str], dict[str, float]]
"""Topic and field → figure → value."""


class Spent(NamedTuple):
    wall: float
    cpu: float
    megabytes: float

    @property
    def line(self) -> str:
        return f"{self.wall:6.1f} s   {self.cpu:6.1f} s of CPU   {self.megabytes:5.0f} MB at most"


def main() -> int:
    arguments = parse()
    if arguments.ours is not None:
        profile(Path(arguments.ours[0]), Path(arguments.ours[1]), int(arguments.ours[2]))
        return 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        datahub = program(arguments.venv or folder / "venv")
        box = Sandbox(folder / "sandbox")
        stack.callback(box.stop)
        box.start(("broker", "registry"))
        endpoints = box.endpoints()
        differing = 0
        for number, size in enumerate(arguments.sizes):
            with planted(endpoints.bootstrap_servers, endpoints.registry_url, records=size):
                print(f"{len(FAULTY_TOPICS)} topics of {size:,} records")
                differing += compare(
                    datahub, endpoints, folder, size, pairs=arguments.pairs, alone=not number
                )
        return 1 if differing else 0


def compare(datahub: Path, endpoints: Endpoints, folder: Path, size: int, *, pairs: int, alone: bool) -> int:
    """How many shared figures differ that should not. `alone`: also measures DataHub without profiling."""
    ours, theirs = folder / "ours.json", folder / "theirs.json"
    quiet = {**os.environ, "DATAHUB_TELEMETRY_ENABLED": "false", "HOME": str(folder)}
    recipes = {on: recipe(endpoints, theirs, folder / f"{on}.yaml", size if on else None) for on in (1, 0)}
    mine = [sys.executable, "-m", "bench.datahub", "--ours", str(endpoints.estate_file), str(ours), str(size)]
    spent: list[tuple[Spent, Spent]] = []
    if alone:
        print(f"DataHub without profiling   {run([datahub, 'ingest', '-c', recipes[0]], quiet).line}")
    for number in range(pairs):
        pair = run(mine, dict(os.environ)), run([datahub, "ingest", "-c", recipes[1]], quiet)
        spent.append(pair)
        for name, one in zip(("Mesh Assets", "DataHub"), pair, strict=True):
            print(f"pair {number + 1}   {name:20}{one.line}")
    for what in Spent._fields:
        shares = [getattr(a, what) / getattr(b, what) for a, b in spent]
        print(f"{what:12}{', '.join(f'{share:.2f}' for share in shares)} of DataHub's")
    return report(our_figures(ours), their_figures(json.loads(theirs.read_text(encoding="utf-8"))))


def report(ours: Figures, theirs: Figures) -> int:
    """How many of the figures that both have differ; each of them is printed. Topics with several schema
    versions do not count: DataHub reads all their values by the latest and leaves out those that do not
    fit."""
    several = {topic.name for topic in FAULTY_TOPICS if len(topic.schemas) > 1}
    same: dict[str, int] = {}
    differing = expected = 0
    for place in sorted(ours.keys() & theirs.keys()):
        for name in ours[place].keys() & theirs[place].keys():
            one, other = ours[place][name], theirs[place][name]
            if isclose(one, other, rel_tol=_CLOSE):
                same[name] = same.get(name, 0) + 1
            else:
                differing += place[0] not in several
                expected += place[0] in several
                print(f"    differs  {' '.join(place)}: {name} is {one:,.10g} here, {other:,.10g} of DataHub")
    for name, places in (("here", ours.keys() - theirs.keys()), ("of DataHub", theirs.keys() - ours.keys())):
        for topic, field in sorted(places):
            print(f"    only {name}: {topic} {field}")
    fields = len(ours.keys() & theirs.keys())
    print(
        f"{fields} fields of both; the same: {', '.join(f'{name} {n}' for name, n in sorted(same.items()))}"
    )
    print(
        f"differing: {differing}, and {expected} of topics whose values DataHub reads by their latest schema alone"
    )
    return differing


def run(command: Sequence[str | Path], variables: Mapping[str, str]) -> Spent:
    """The usage of the process and those it waited for. Ends this program with its output if it failed."""
    with tempfile.TemporaryFile() as said:
        begun = time.monotonic()
        process = subprocess.Popen(
            [str(one) for one in command], env=dict(variables), stdout=said, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            sys.exit(f"{command[0]} failed:\n{said.read().decode(errors='replace')[-4_000:]}")
    return Spent(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def profile(estate_file: Path, out: Path, size: int) -> None:
    from mesh_assets.collecting.live import read_live
    from mesh_assets.estate.file import load_estate
    from mesh_assets.profiling.cluster import Before, profile_cluster
    from mesh_assets.store.fingerprints import FingerprintKey

    estate = load_estate(estate_file)
    cluster = estate.clusters["warehouse"].model_copy(update={"allow_message_reading": (f"{PREFIX}*",)})
    found = profile_cluster(
        cluster,
        estate.profiling.model_copy(update={"records_per_partition": size // PARTITIONS, "records": size}),
        before=Before(document=read_live(cluster, ("topics", "schemas"), previous=lambda _: None)),
        key=FingerprintKey(id="bench", key=b"what is hashed here is not kept."),
        now=lambda: datetime.now(UTC),
        on_sample=lambda _: None,
    )
    out.write_bytes(msgspec.json.encode(found.profiles))


def our_figures(file: Path) -> Figures:
    profiles = msgspec.json.decode(file.read_bytes(), type=list[TopicProfile])
    return {(one.topic, field.path): dict(_of_field(field)) for one in profiles for field in one.fields}


def _of_field(field: FieldProfile) -> Iterator[tuple[str, float]]:
    yield "values", field.records
    figures: dict[str, float | None] = {"distinct": field.distinct}
    if field.figures_of == "number":
        figures |= {"minimum": field.minimum, "maximum": field.maximum, "mean": field.mean}
    yield from ((name, value) for name, value in figures.items() if value is not None)


_ANNOTATION = re.compile(r"\[[^\]]*\]\.?")
"""Of a path in DataHub's second form: `[version=2.0].[type=Payment].[type=double].amount`."""
_NAMES = {"distinct": "uniqueCount", "minimum": "min", "maximum": "max", "mean": "mean"}


def their_figures(aspects: Sequence[Mapping[str, Any]]) -> Figures:
    found: Figures = {}
    for one in aspects:
        if one.get("aspectName") != "datasetProfile":
            continue
        topic = one["entityUrn"].split(",")[1]
        made = one["aspect"]["json"]
        for field in made.get("fieldProfiles") or ():
            path = _ANNOTATION.sub("", field["fieldPath"])
            if "[key=True]" in field["fieldPath"] or path == "key" or path.startswith("key."):
                continue
            read = {name: field.get(theirs) for name, theirs in _NAMES.items()}
            share = field.get("uniqueProportion")
            if share:  # of all values; it gives no other count of them
                read["values"] = round(field["uniqueCount"] / share) - field.get("nullCount", 0)
            found[topic, path] = {
                **{
                    name: float(value)
                    for name, value in read.items()
                    if value is not None and _is_number(value)
                },
            }
    return found


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def recipe(endpoints: Endpoints, out: Path, file: Path, size: int | None) -> Path:
    """`size`: of each sample; None: without profiling."""
    source = {
        "connection": {
            "bootstrap": endpoints.bootstrap_servers,
            "schema_registry_url": endpoints.registry_url,
        },
        "topic_patterns": {"allow": [f"^{PREFIX}.*"]},
        "schema_resolution": {"enabled": True},
        "profiling": {
            "enabled": size is not None,
            "sample_size": size or SIZE,
            "batch_size": min(size or SIZE, 1_000),
            "max_sample_time_seconds": _SECONDS,
        },
    }
    sink = {"type": "file", "config": {"filename": str(out)}}
    file.write_text(
        yaml.safe_dump({"source": {"type": "kafka", "config": source}, "sink": sink}), encoding="utf-8"
    )
    return file


def program(folder: Path) -> Path:
    found = folder / "bin/datahub"
    if not found.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=_SECONDS)
        pip: list[str | Path] = [folder / "bin/python", "-m", "pip", "install", "--quiet", REQUIREMENT]
        subprocess.run(pip, check=True, timeout=3 * _SECONDS)
    return found


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=2, help="how often each of the two runs")
    parser.add_argument("--venv", type=Path, help="an environment with DataHub")
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[SIZE],
        help="records of each topic, half of which are sampled of each partition",
    )
    parser.add_argument("--ours", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
