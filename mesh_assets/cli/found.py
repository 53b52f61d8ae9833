"""`mesh-assets estate find`: which clusters the estate's rules find, and what they change in the estate."""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from mesh_assets.cli.text import shown_lines
from mesh_assets.estate.file import estate_path
from mesh_assets.inventory.wording import aligned, counted, printed_json
from mesh_assets.store.layout import open_store

if TYPE_CHECKING:
    from mesh_assets.fleet.finding import FindPlan
    from mesh_assets.store.objects import ObjectStore

_WORDS = {"add": "ADD", "changed": "CHANGED", "back": "BACK", "missing": "MISSING", "forget": "FORGET"}


@click.command(short_help="Find clusters in the clouds by the estate's rules; --apply takes them in.")
@click.option(
    "--apply", is_flag=True, help="Take what was found into the estate. Without it, nothing is changed."
)
@click.option(
    "--forget-missing",
    is_flag=True,
    help="Remove clusters that no list has any longer from the estate; lists must be complete.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, nothing else.")
def find(*, apply: bool, forget_missing: bool, as_json: bool) -> None:
    """List the clusters of Amazon MSK and Confluent Cloud by the rules under `found` in the estate, and show which would be
    added, have changed, are missing, or are skipped and why.

    Only reads from the clouds. With --apply, the store keeps what was found, and from then on it is part of the estate. A
    list that fails removes nothing. Exit code 1 when one failed.
    """
    from mesh_assets.fleet.finding import FindAnswer
    from mesh_assets.fleet.looking import look_for_clusters

    def objects() -> "ObjectStore":
        return open_store(os.environ.get("MESH_STORE"))  # after reading any `.env` beside the estate

    look = look_for_clusters(estate_path(), objects, at=datetime.now(UTC), forget_missing=forget_missing)
    if apply:
        look.apply(objects())
    plan = look.plan
    if as_json:
        click.echo(printed_json(FindAnswer(applied=apply, clusters=plan.steps, failures=dict(plan.failures))))
    else:
        click.echo(shown_lines(_text(plan, applied=apply)))
    if plan.failures:
        sys.exit(1)


def missing_clusters() -> tuple[str, ...]:
    """A sentence for each cluster of the estate that was found earlier and is no longer in any list. Asks no cloud. Raises
    StoreError."""
    from mesh_assets.fleet.finding import missing
    from mesh_assets.fleet.kept_found import kept_clusters

    return tuple(missing(kept_clusters(open_store(os.environ.get("MESH_STORE")), estate_path()).clusters))


def _text(plan: "FindPlan", *, applied: bool) -> Iterator[str]:
    rows = [
        (_WORDS.get(step.action, step.action), step.rule, step.cluster or "-", step.id) for step in plan.steps
    ]
    lines = aligned([("", "rule", "cluster", "id"), *rows])
    heading = next(lines)
    if rows:
        yield heading
    for line, step in zip(lines, plan.steps, strict=True):
        yield line
        if step.why is not None:
            yield f"    {step.why}"
    for rule, failures in plan.failures.items():
        yield from ("", f"The list of rule {rule} is not complete, so missing clusters are not removed:")
        yield from (f"  {failure}" for failure in failures)
    yield ""
    yield _conclusion(plan, applied=applied)


def _conclusion(plan: "FindPlan", *, applied: bool) -> str:
    found = f"{counted(len(plan.clusters), 'cluster')} found"
    if not plan.changes:
        return f"{found}; nothing changes."
    changes = counted(len(plan.changes), "change")
    return (
        f"{found}, {changes} applied."
        if applied
        else f"{found}, {changes}. To take them in: mesh-assets estate find --apply"
    )
