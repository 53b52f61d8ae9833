"""`mesh-assets store`: what is in the store, what can be removed, what is damaged."""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from mesh_assets.cli.text import shown_lines, size_text
from mesh_assets.errors import StoreError
from mesh_assets.fleet.loading import load_estate
from mesh_assets.inventory.wording import aligned, counted
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets.upkeep.census import take_census
from mesh_assets.upkeep.pruning import PrunePlan, plan_pruning
from mesh_assets.upkeep.pruning import prune as prune_store
from mesh_assets.upkeep.verifying import Damage, find_damage, repair_damage


@click.group()
def store() -> None:
    """Look after the store (MESH_STORE). Nothing changes without --apply."""


@store.command(short_help="Show what is in the store, and how much could be removed.")
def status() -> None:
    """Show how many objects and bytes there are of each kind, and what `prune` would do. Reads no documents."""
    opened = _store()
    held = take_census(opened.objects).held()
    rows = [("kind", "objects", "size", "oldest", "newest")]
    rows += [
        (one.kind, f"{one.objects:,}", size_text(one.bytes), _day(one.oldest), _day(one.newest))
        for one in held
    ]
    total = sum(one.bytes for one in held)
    rows.append(("all", f"{sum(one.objects for one in held):,}", size_text(total), "", ""))
    click.echo(shown_lines(aligned(rows)))
    if not any(one.objects for one in held):
        click.echo("NOTE    the store holds nothing; see whether MESH_STORE is right")
    plan = _plan(opened)
    for line in plan.left:
        click.echo(shown_lines([f"LEFT    {line}"]))
    if plan.removals or plan.packed:
        click.echo(f"{_summary(plan)}. To see them: mesh-assets store prune")
    else:
        click.echo("Nothing to prune.")


@store.command(short_help="Remove what is no longer kept; pack documents.")
@click.option("--apply", "wanted", is_flag=True, help="Do what is shown. Without it nothing changes.")
def prune(wanted: bool) -> None:
    """Show what exceeds the estate's `retention`, by age or number, and documents that could be packed; with --apply,
    remove and pack them. Discoveries can continue meanwhile."""
    opened = _store()
    plan = _plan(opened)
    click.echo(shown_lines(_plan_lines(plan)))
    if not plan.removals and not plan.packed:
        return
    if not wanted:
        click.echo(f"{_summary(plan)}. Nothing was changed. To do it: mesh-assets store prune --apply")
        return
    done = prune_store(opened, plan)
    click.echo(
        f"Done: {counted(done.objects, 'object')} removed, {size_text(done.bytes)}; "
        f"{counted(done.packed, 'document')} packed."
    )


@store.command(short_help="Read the whole store, and show what is damaged.")
def verify() -> None:
    """Read every object and show what is damaged, missing, unreadable, or lacks what it needs. Exit code 1 if anything
    is."""
    _show_damage(_store(), apply=False)


@store.command(short_help="Show how each damaged object is repaired, and move it aside.")
@click.option("--apply", "wanted", is_flag=True, help="Do what is shown. Without it nothing changes.")
def repair(wanted: bool) -> None:
    """Like `verify`; with --apply, move damaged objects aside, keeping a copy of each below quarantine/. For anything that
    keeps a cluster from being published, use `mesh-assets snapshot repair`. Exit code 1 while something is wrong."""
    _show_damage(_store(), apply=wanted)


def _show_damage(opened: InventoryStore, *, apply: bool) -> None:
    found = []
    # Shown as it is found: a large store takes long, and may fail before its end.
    for damage in find_damage(opened, progress=lambda line: click.echo(line, err=True)):
        click.echo(shown_lines([f"WRONG   {damage.problem}", f"  repair: {damage.then}"]))
        found.append(damage)
    if not found:
        click.echo("Nothing is damaged.")
        return
    ours = [damage for damage in found if damage.version is not None]
    if not apply:
        how = " To repair: mesh-assets store repair --apply" if ours else ""
        click.echo(f"{counted(len(found), 'fault')} found. Nothing was changed.{how}")
        sys.exit(1)
    done = sum(_repaired(opened, damage) for damage in ours)
    if done < len(found):
        click.echo(f"{counted(len(found), 'fault')} found, {done:,} repaired.")
        sys.exit(1)


def _repaired(opened: InventoryStore, damage: Damage) -> bool:
    where = opened.objects.location(damage.key)
    try:
        kept = repair_damage(opened, damage)
    except StoreError as error:
        click.echo(shown_lines([f"FAILED  {where} stays: {error}"]))
        return False
    click.echo(shown_lines([f"DONE    {where} is kept at {kept}"]))
    return True


def _plan(opened: InventoryStore) -> PrunePlan:
    return plan_pruning(opened, load_estate().retention, clock=datetime.now(UTC))


def _plan_lines(plan: PrunePlan) -> Iterator[str]:
    yield from (f"LEFT    {line}" for line in plan.left)
    for one in plan.removals:
        of = "" if one.cluster_id is None else f" of {one.cluster_id}"
        yield f"REMOVE  {counted(len(one.keys), 'object')} of {one.kind}{of}, {size_text(one.bytes)}: {one.reason}"
    if plan.packed:
        yield f"PACK    {counted(len(plan.packed), 'document')} stored in full: each becomes its difference from one of the same day"
    if not plan.removals and not plan.packed:
        yield "Nothing to prune."


def _summary(plan: PrunePlan) -> str:
    objects = sum(len(one.keys) for one in plan.removals)
    return f"{counted(objects, 'object')} can be removed, {size_text(plan.bytes)}; {counted(len(plan.packed), 'document')} can be packed"


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"


def _store() -> InventoryStore:
    return InventoryStore(open_store(os.environ.get("MESH_STORE")))
