"""`mesh-assets snapshot`: reads the newest event back from Kafka, hands a cluster over to this store, repairs what
blocks a cluster, and retires one that is gone."""

import os
import sys
from contextlib import suppress

import click

from mesh_assets.cli.options import cluster_option
from mesh_assets.cli.text import shown_lines, size_text
from mesh_assets.errors import MeshError, StoreError, UnexpectedAnswerError
from mesh_assets.estate.fields import EVENTS_TOPIC
from mesh_assets.estate.model import Estate
from mesh_assets.events.model import ReadSnapshot, is_behind
from mesh_assets.fleet.loading import load_estate
from mesh_assets.inventory.key_figures import key_figures, key_figures_text
from mesh_assets.inventory.wording import brief, brief_sentence, printed_json, readable
from mesh_assets.snapshot.reader import read_newest_snapshot
from mesh_assets.snapshot.repair import find_faults, repair_fault
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store

_LISTED = 8


@click.group()
def snapshot() -> None:
    """Published snapshots: a cluster's newest event, who publishes it, and its tombstone."""


@snapshot.command(short_help="Read a cluster's newest event back from Kafka.")
@cluster_option
@click.option("--json", "as_json", is_flag=True, help="The whole event as JSON on stdout, nothing else.")
def show(cluster: str, as_json: bool) -> None:
    """Read a cluster's newest snapshot back from Kafka, not from the store, and print it.

    Does not join a consumer group.
    """
    estate = _estate_with(cluster)
    store = _store()
    cluster_id = _cluster_id(estate, cluster, store)
    known, damage = None, None
    try:
        known = store.latest(cluster_id)
    except StoreError as error:  # it would only save a request to the registry
        damage = str(error)
    try:
        read = read_newest_snapshot(
            estate, cluster, cluster_id=cluster_id, known_ids=None if known is None else known[0].schema_ids
        )
    except UnexpectedAnswerError as error:
        if damage is None:
            raise
        raise MeshError(
            f"the newest snapshot of {cluster} cannot be read: {error}; and in the store {damage}"
        ) from error
    if damage is not None:
        click.echo(f"mesh-assets: {readable(damage)} (what is shown is from Kafka)", err=True)
    if read is None:
        raise MeshError(
            f"{EVENTS_TOPIC} has no snapshot of {cluster} ({cluster_id}); publish one with: mesh-assets discover --cluster {cluster}"
        )
    click.echo(printed_json(read.event) if as_json else shown_lines(_text(read)))


@snapshot.command(short_help="Write the tombstone for a cluster that is gone.")
@cluster_option
@click.option(
    "--cluster-id",
    metavar="ID",
    help="An id that the cluster had before it was rebuilt. Default: its current one.",
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def retire(cluster: str, cluster_id: str | None, yes: bool) -> None:
    """Write a tombstone for a cluster, so that compaction removes its snapshots and consumers forget it.

    The documents in the store stay. The next discovery of the cluster brings it back.
    """
    from mesh_assets.snapshot.publisher import NothingToRetireError, RetiredAlreadyError, retire_snapshot

    estate = _estate_with(cluster)
    store = _store()
    known = store.known_cluster(cluster)
    by_id = cluster_id is not None
    if cluster_id is None:
        cluster_id = _cluster_id(estate, cluster, store)
        if known is not None and known.former:
            click.echo(
                f"{cluster} used to be: {', '.join(known.former)}. To retire one of those: --cluster-id ID"
            )
    else:
        _refuse_if_of_another(estate, store, cluster, cluster_id)
    carrier = estate.events.cluster or cluster
    click.echo(
        f"This writes a tombstone for {cluster} ({cluster_id}) to {EVENTS_TOPIC} on {carrier}: its consumers will forget the cluster."
    )
    if not yes:
        click.confirm("Write it?", abort=True)
    try:
        position = retire_snapshot(estate, cluster, cluster_id=cluster_id)
    except RetiredAlreadyError as error:
        if by_id:
            store.forget_cluster_id(cluster, cluster_id)
        click.echo(f"Nothing to do: {readable(str(error))}.")
        return
    except NothingToRetireError as error:
        if not by_id or known is None or cluster_id not in (*known.former, known.cluster_id):
            raise
        store.forget_cluster_id(cluster, cluster_id)
        click.echo(f"{error}. This store treats it as gone from now on.")
        return
    if by_id:
        store.forget_cluster_id(cluster, cluster_id)
    click.echo(
        f"Retired: {position.topic}[{position.partition}]@{position.offset}. The documents in the store stay."
    )


def _refuse_if_of_another(estate: Estate, store: InventoryStore, cluster: str, cluster_id: str) -> None:
    """Raises MeshError where the id is, or was, that of another cluster of the estate. No command accepts a name that the
    estate no longer has, so such a name is only mentioned."""
    here = estate.clusters
    of_store = [name for name in store.names_of(cluster_id) if name not in here]
    others = [
        name
        for name in here
        if name != cluster and (here[name].cluster_id or store.cluster_id(name)) == cluster_id
    ]
    said = "is"
    if not others:
        once = [name for name in here if (known := store.known_cluster(name)) and cluster_id in known.former]
        others, said = ([] if cluster in once else once), "was"
    if others:
        raise MeshError(f"{cluster_id} {said} {others[0]}, not {cluster}; name it: --cluster {others[0]}")
    if of_store:
        click.echo(
            f"{cluster_id} was last discovered as {', '.join(of_store)}, a name that this estate does not have."
        )


@snapshot.command(short_help="Let this store publish a cluster that another store published.")
@cluster_option
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def adopt(cluster: str, yes: bool) -> None:
    """Hand a cluster over to this store and this name: its next discovery continues from the newest snapshot in Kafka,
    whichever store published it. From then on, runs of the other store, or under another name, are refused.
    """
    estate = _estate_with(cluster)
    store = _store()
    cluster_id = _cluster_id(estate, cluster, store)
    latest = store.latest(cluster_id)
    others = tuple(name for name in store.names_of(cluster_id) if name != cluster)
    if others:
        _adopt_name(store, cluster, cluster_id, others, estate, yes=yes)
    try:
        read = read_newest_snapshot(estate, cluster, cluster_id=cluster_id)
    except UnexpectedAnswerError as error:
        raise MeshError(
            f"{cluster}: the newest snapshot in {EVENTS_TOPIC} cannot be read, so no store can continue from it: {error}; "
            f"if it is no longer needed, write its tombstone, after which any store may publish {cluster}: "
            f"mesh-assets snapshot retire --cluster {cluster}"
        ) from error
    event = None if read is None else read.event
    if (
        event is None
        or event.store_id == store.store_id()
        or (latest is not None and is_behind(event, latest[0]))
    ):
        done = "Adopted" if others else "Nothing to do"
        click.echo(f"{done}: the next discovery of {cluster} from this store continues by itself.")
        return
    known = (
        "this store has published none"
        if latest is None
        else f"this store's latest is {latest[0].sequence}, which it forgets (the documents stay)"
    )
    click.echo(
        f"The newest snapshot of {cluster} ({cluster_id}) in {EVENTS_TOPIC} is {event.sequence} of "
        f"{event.discovery_timestamp:%Y-%m-%d %H:%M} UTC, by run {event.run_id} of store {event.store_id or 'unknown'}; {known}. "
        "Once handed over, the next discovery from this store continues from it, and the other store's are refused; one that is "
        "running is shut out. This store publishes those changes of that snapshot that are not in Kafka yet."
    )
    if not yes:
        click.confirm("Hand it over to this store?", abort=True)
    store.adopt(cluster_id, event.store_id, None if latest is None else latest[1], sequence=event.sequence)
    click.echo(f"Adopted. Now publish from this store: mesh-assets discover --cluster {cluster}")


def _adopt_name(
    store: InventoryStore,
    cluster: str,
    cluster_id: str,
    others: tuple[str, ...],
    estate: Estate,
    *,
    yes: bool,
) -> None:
    """Raises MeshError where the estate itself has the other name, under which it would still be published."""
    if twice := [name for name in others if name in estate.clusters]:
        raise MeshError(
            f"the estate has {cluster_id} twice, as {cluster} and as {twice[0]}; remove one of them from it"
        )
    click.echo(f"{cluster_id} was also discovered as {', '.join(others)}. This forgets that.")
    if not yes:
        click.confirm(f"Is it {cluster} alone?", abort=True)
    for name in others:
        store.forget_name(name)


@snapshot.command(short_help="Show what keeps a cluster from being published, and move it aside.")
@cluster_option
@click.option("--apply", "wanted", is_flag=True, help="Do what is shown. Without it nothing changes.")
def repair(cluster: str, wanted: bool) -> None:
    """Show what in the store permanently keeps a cluster from being published: damaged files, and a snapshot or
    change that Kafka will never accept. With --apply, move it aside.

    Anything moved is kept below quarantine/ in the store. Exit code 1 while something is wrong.
    """
    estate = _estate_with(cluster)
    store = _store()
    cluster_id = _cluster_id(estate, cluster, store)
    faults = find_faults(store, cluster, cluster_id)
    if not faults:
        click.echo(f"Nothing in this store keeps {cluster} ({cluster_id}) from being published.")
        return
    for fault in faults:
        click.echo(f"WRONG   {fault.problem}")
        click.echo(f"  repair: move it aside and keep it; {fault.then}")
        if wanted:
            for place in repair_fault(store, fault):
                click.echo(f"  done: kept at {place}")
    if wanted:
        click.echo(f"Repaired. Now publish: mesh-assets discover --cluster {cluster}")
        return
    click.echo(f"Nothing was changed. To do it: mesh-assets snapshot repair --cluster {cluster} --apply")
    sys.exit(1)


def _estate_with(cluster: str) -> Estate:
    estate = load_estate()
    if cluster not in estate.clusters:
        raise MeshError(f"the estate has no cluster {cluster!r}; it has: {', '.join(estate.clusters)}")
    return estate


def _store() -> InventoryStore:
    return InventoryStore(open_store(os.environ.get("MESH_STORE")))


def _cluster_id(estate: Estate, name: str, store: InventoryStore) -> str:
    """From the estate, else the store, else the brokers (on a machine that never discovered the cluster)."""
    known = estate.clusters[name].cluster_id
    with suppress(
        StoreError
    ):  # the brokers know it; a command that needs the store will say what is wrong with it
        known = known or store.cluster_id(name)
    if known is not None:
        return known
    from mesh_assets.platforms.kafka import WireReader, client_properties

    cluster = estate.clusters[name]
    with WireReader(
        client_properties(cluster.kafka),
        cluster.kafka.timeout_seconds,
        on_confluent_cloud=cluster.on_confluent_cloud,
    ) as reader:
        asked = reader.read_cluster_id()
    if asked is None:
        raise MeshError(f"{name}: the brokers report no cluster id; set cluster_id in the estate")
    return asked


def _text(read: ReadSnapshot) -> list[str]:
    event, summary, state = read.event, read.event.summary, read.event.cluster_state
    cause = (
        event.trigger.type
        if event.trigger.resource is None
        else f"{event.trigger.type} {event.trigger.resource}"
    )
    identity = ", ".join(
        part for part in (state.cluster_id, state.environment_name or state.environment_id) if part
    )
    at = f"{event.discovery_timestamp:%Y-%m-%d %H:%M:%S} UTC"
    position = read.position
    lines = [
        f"{state.cluster_name} ({identity})   sequence {event.sequence}   {at}   trigger: {brief_sentence(cause)}",
        f"  read from       {position.topic}[{position.partition}]@{position.offset}   {size_text(read.bytes)}",
        f"  {summary.total_topics:6,} topics      {summary.total_partitions:,} partitions",
        f"  {summary.total_connectors:6,} connectors  {summary.active_connectors:,} active",
        f"  {summary.total_schemas:6,} schemas",
        f"  {summary.total_consumer_groups:6,} consumer groups   known lag {summary.total_lag_records:,} records",
    ]
    if event.trigger.details:
        lines.insert(1, f"  because         {brief_sentence(event.trigger.details)}")
    for name, section in event.sections.items():
        if section.status == "stale":
            lines.append(f"  STALE           {name}: {section.error}")
        elif section.error is not None:
            lines.append(f"  INCOMPLETE      {name}: {section.error}")
    if event.document is not None:
        lines.append(
            f"  claim check     the state is at {event.document.uri} ({size_text(event.document.bytes)})"
        )
        return lines
    if state.topics:
        if figures := key_figures_text(key_figures(state.metrics_snapshot)):
            lines.append(f"         metrics     {figures}")
        names = [brief(topic.name) for topic in state.topics[:_LISTED]]
        more = f", and {len(state.topics) - _LISTED} more" if len(state.topics) > _LISTED else ""
        lines.append(f"  topics          {', '.join(names)}{more}")
    lines.append("  everything      --json")
    return lines
