"""`mesh-assets discover`: what the job `discovery` does, in this process, with progress and a summary."""

import gc
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NoReturn

import click

from mesh_assets.cli.options import clusters_option
from mesh_assets.cli.text import discovery_text
from mesh_assets.discovering.discovery import discover_cluster
from mesh_assets.errors import MeshError
from mesh_assets.estate.model import Estate
from mesh_assets.fleet.loading import load_estate
from mesh_assets.importing import without_collector
from mesh_assets.inventory.changes import TRIGGER_TYPES, Trigger, TriggerType
from mesh_assets.inventory.wording import printed_json
from mesh_assets.masking.unexpected import sentence
from mesh_assets.snapshot.report import DiscoveryReport
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store

# Each mostly waits for its own cluster. More would mainly take memory: 200 MB for 9,000 topics.
_AT_ONCE = 4
# As shells report a command that Ctrl-C ended: 128 plus the number of the signal.
_STOPPED = 130


@click.command(short_help="Read everything about each cluster and publish it as one event.")
@clusters_option
@click.option(
    "--trigger-type",
    type=click.Choice(TRIGGER_TYPES),
    default="manual",
    show_default=True,
    help="Why; the event will say so.",
)
@click.option("--trigger-resource", metavar="NAME", help="What caused it, e.g. users-value.")
@click.option("--trigger-details", metavar="TEXT", help="A sentence of explanation.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array of reports on stdout, nothing else.")
@click.option("-v", "--verbose", is_flag=True, help="Show each phase with its duration.")
@click.option(
    "--in-force",
    is_flag=True,
    hidden=True,
    help="For servers: by the last good estate while the file is broken.",
)
def discover(
    clusters: tuple[str, ...],
    trigger_type: TriggerType,
    trigger_resource: str | None,
    trigger_details: str | None,
    as_json: bool,
    verbose: bool,
    in_force: bool,
) -> None:
    """Read the topics, connectors, schemas, consumer groups, metrics, brokers, rights, transactions and cluster links
    of each cluster, find what changed, and publish one event per cluster.

    Does what the job `discovery` does, without Dagster; Dagster's UI shows the result once its daemon has looked into the
    store. Exit code 1: a cluster failed, and nothing was published for it.
    """
    estate = _estate_in_force() if in_force else load_estate()
    unknown = [name for name in clusters if name not in estate.clusters]
    if unknown:
        raise MeshError(f"the estate has no cluster {unknown[0]!r}; it has: {', '.join(estate.clusters)}")
    names = tuple(dict.fromkeys(clusters)) or tuple(estate.clusters)
    trigger = Trigger(type=trigger_type, resource=trigger_resource, details=trigger_details)
    objects = open_store(os.environ.get("MESH_STORE"))
    reports: list[DiscoveryReport] = []
    failures: list[str] = []
    # A discovery leaves little behind in reference cycles (5 MB); it is collected where many clusters follow.
    with without_collector(), _progress(shown=verbose):
        # A store for each: what a store holds in memory is for one cluster.
        discoveries = _at_once(
            names,
            lambda name: discover_cluster(estate, name, store=InventoryStore(objects), trigger=trigger),
        )
        for name, found in discoveries:
            if isinstance(found, MeshError):
                failures.append(f"{name}: {sentence(found).removeprefix(f'{name}: ')}")
                continue
            reports.append(found)
            if not as_json:
                click.echo(discovery_text(found, verbose=verbose))
    if as_json:
        click.echo(printed_json(reports))
    for failure in failures:
        click.echo(f"mesh-assets: {failure}", err=True)
    if failures:
        sys.exit(1)


def _estate_in_force() -> Estate:
    """Kept as well, for those who begin once the file is broken: there need not be a daemon that does it."""
    from mesh_assets.fleet.in_force import estate_in_force

    watched = estate_in_force()
    watched.keep()
    return watched.now().estate


def _at_once(
    names: Sequence[str], discover_one: Callable[[str], DiscoveryReport]
) -> Iterator[tuple[str, DiscoveryReport | MeshError]]:
    """The outcome of each discovery, in the order of the names; a few clusters run at the same time."""

    def outcome(name: str) -> DiscoveryReport | MeshError:
        try:
            return discover_one(name)
        except MeshError as error:
            return error
        finally:
            if len(names) > _AT_ONCE:
                gc.collect()

    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="discover") as pool:
        try:
            yield from zip(names, pool.map(outcome, names), strict=True)
        except KeyboardInterrupt:
            _stop()


def _stop() -> NoReturn:
    """Ends the process at once, whatever its threads wait for. The store and the topics survive it: it is like `kill -9`,
    and the next discovery completes what was begun."""
    click.echo(
        "mesh-assets: stopped; if a snapshot was being published, the next discovery completes it", err=True
    )
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_STOPPED)


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
