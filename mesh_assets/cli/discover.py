"""`mesh-assets discover`: the discovery job, run in this process, with progress and a summary."""

import gc
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from mesh_assets.cli.text import discovery_text
from mesh_assets.errors import MeshError
from mesh_assets.estate.file import load_estate
from mesh_assets.importing import without_collector
from mesh_assets.inventory.changes import TRIGGER_TYPES, Trigger, TriggerType
from mesh_assets.masking.unexpected import sentence
from mesh_assets.snapshot.report import DiscoveryReport

if TYPE_CHECKING:
    import dagster as dg


@click.command(short_help="Read everything about each cluster and publish it as one event.")
@click.option(
    "--cluster",
    "clusters",
    multiple=True,
    metavar="NAME",
    help="A cluster of the estate. Repeatable. Default: all.",
)
@click.option(
    "--trigger-type",
    type=click.Choice(TRIGGER_TYPES),
    default="manual",
    show_default=True,
    help="Why, as the event will say.",
)
@click.option("--trigger-resource", metavar="NAME", help="What caused it, e.g. users-value.")
@click.option("--trigger-details", metavar="TEXT", help="A sentence of explanation.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array of reports on stdout, nothing else.")
@click.option("-v", "--verbose", is_flag=True, help="Show each phase with its duration.")
def discover(
    clusters: tuple[str, ...],
    trigger_type: TriggerType,
    trigger_resource: str | None,
    trigger_details: str | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Read the topics, connectors, schemas, consumer groups and metrics of each cluster, find what changed,
    and publish one event per cluster.

    Runs the same assets as the job `discovery`, in this process; Dagster's UI shows the run. Exit code 1: a
    cluster failed, and nothing was written for it.
    """
    estate = load_estate()
    unknown = [name for name in clusters if name not in estate.clusters]
    if unknown:
        raise MeshError(f"the estate has no cluster {unknown[0]!r}; it has: {', '.join(estate.clusters)}")
    home = dagster_home()
    trigger = Trigger(type=trigger_type, resource=trigger_resource, details=trigger_details)
    reports: list[DiscoveryReport] = []
    failures: list[str] = []
    # What a discovery leaves behind in cycles is little (5 MB), and goes before the next cluster.
    with without_collector(), _progress(shown=verbose):
        job = _discovery_job()
        gc.freeze()  # what was imported stays, and need not be looked at again
        for name in clusters or tuple(estate.clusters):
            try:
                reports.append(_run(job, name, trigger, home=home))
            except MeshError as error:
                failures.append(f"{name}: {sentence(error).removeprefix(f'{name}: ')}")
                continue
            finally:
                gc.collect()
            if not as_json:
                click.echo(discovery_text(reports[-1], verbose=verbose))
        gc.unfreeze()
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(reports)).decode())
    for failure in failures:
        click.echo(f"mesh-assets: {failure}", err=True)
    if failures:
        sys.exit(1)


def _discovery_job() -> "dg.JobDefinition":
    from mesh_assets.defs.discovery import discovery_job

    return discovery_job()


def _run(job: "dg.JobDefinition", name: str, trigger: Trigger, *, home: str) -> DiscoveryReport:
    import dagster as dg

    from mesh_assets.defs.run_tags import trigger_tags
    from mesh_assets.defs.snapshot import SNAPSHOT_KEY

    with dg.DagsterInstance.from_config(home) as instance:
        report: DiscoveryReport = job.execute_in_process(
            instance=instance,
            partition_key=name,
            tags=trigger_tags(trigger),
            # Dagster's console log would drown the summary; the run's own log has everything.
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        ).asset_value(SNAPSHOT_KEY)
    return report


@contextmanager
def _progress(*, shown: bool) -> Iterator[None]:
    """Meanwhile shows the library's log lines on stderr, with the seconds since the start."""
    logger = logging.getLogger("mesh_assets")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Elapsed(time.monotonic()))
    if shown:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Elapsed(logging.Formatter):
    def __init__(self, start: float) -> None:
        super().__init__()
        self._start = start

    def format(self, record: logging.LogRecord) -> str:
        return f"{time.monotonic() - self._start:6.1f} s  {record.getMessage()}"


def dagster_home() -> str:
    """The folder of the Dagster instance: DAGSTER_HOME, or the current folder if it has a dagster.yaml.

    Sets DAGSTER_HOME for everything that this process starts. Raises MeshError when there is no such folder.
    """
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        if not Path("dagster.yaml").is_file():
            raise MeshError(
                "DAGSTER_HOME is not set and there is no dagster.yaml here; run this in the project folder, or set DAGSTER_HOME to it"
            )
        home = str(Path.cwd())
        os.environ["DAGSTER_HOME"] = home
    if not Path(home).is_dir():
        raise MeshError(
            f"DAGSTER_HOME is {home}, which is not a folder; create it with a dagster.yaml inside, or set it to the project folder"
        )
    return home
