"""`mesh-assets contract`: data contracts in ODCS, written from the estate and checked against it."""

import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from mesh_assets.answering.contract_facts import ContractGround, read_ground
from mesh_assets.cli.stored import CannotCheckError
from mesh_assets.cli.text import shown_lines
from mesh_assets.contracts.checking import check_contract
from mesh_assets.contracts.folder import (
    GENERATED,
    Written,
    contract_files,
    file_name,
    generated_before,
    merged,
)
from mesh_assets.contracts.generating import contract_of
from mesh_assets.contracts.merging import lines_of
from mesh_assets.contracts.reading import contracts_folder
from mesh_assets.contracts.records import Breach
from mesh_assets.errors import ContractError, MeshError
from mesh_assets.exports.files import write_files
from mesh_assets.fleet.loading import load_estate
from mesh_assets.inventory.wording import brief_sentence, counted, printed_json
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store

_LEVELS = ("unknown", "warning", "error")
_SHOWN_CHANGES = 10
_folder = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where the contracts are. Default: the estate's contracts.folder.",
)


@click.group(short_help="Data contracts (ODCS): write and check them.")
def contract() -> None:
    """Data contracts in the Open Data Contract Standard, one for each data product (docs/contracts.md)."""


@contract.command(short_help="Write a contract for each data product.")
@_folder
@click.option(
    "--product", "products", multiple=True, metavar="ID", help="Only this one. Repeatable. Default: all."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be written.")
def write(folder: Path | None, products: tuple[str, ...], dry_run: bool) -> None:
    """Write a contract for each data product, or merge what is new into the existing one.

    Changes that people made stay; where the estate changed the same thing, stderr names the conflict. Exit code 1: a contract
    could not be written; stderr says which, and why. The others are written.
    """
    place, ground = _read(folder)
    ids = [one.product.id for one in ground.facts]
    for wanted in products:
        if wanted not in ids:
            raise ContractError(f"there is no data product {wanted!r}; there are: {', '.join(ids) or 'none'}")
    _say(ground.notes)
    made: list[Written] = []
    failed: list[str] = []
    for facts in ground.facts:
        if not products or facts.product.id in products:
            try:
                before = generated_before(place, facts.product.id)
                made.append(merged(place, contract_of(facts, before=before), before=before))
            except ContractError as error:
                failed.append(str(error))
    # Files of other products, or by hand: what they say of owners and rules is missing here.
    _say(problem for problem in ground.known.problems if problem not in failed)
    if not dry_run:
        base = place / GENERATED
        files = [(one.path, one.text) for one in made] + [(base / one.path.name, one.base) for one in made]
        write_files((path, [text.encode()]) for path, text in files)
    click.echo(shown_lines(_written(made, dry_run=dry_run)))
    if not products:
        _say(_without_product(place, ids))
    for one in made:
        _say(f"conflict in {one.path}: {line}" for line in lines_of(one.conflicts))
    if failed:
        raise ContractError("\n".join(failed))


@contract.command(short_help="Show where the estate no longer keeps a contract.")
@_folder
@click.option(
    "--fail-on",
    type=click.Choice(_LEVELS),
    default="error",
    show_default=True,
    help="The lowest level of a breach that makes the exit code 1; unknown: it cannot be decided.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON array of breaches on stdout, nothing else.")
def check(folder: Path | None, fail_on: str, as_json: bool) -> None:
    """Check the newest documents and profiles against the contracts. Writes nothing and asks no cluster.

    Exit code 1: a breach of the level --fail-on or worse. Exit code 2: there is no contract, or a file or the store
    cannot be read.
    """
    try:
        place, ground = _read(folder, with_facts=False)
    except MeshError as error:
        raise CannotCheckError(str(error)) from error
    _say(ground.notes)
    contracts = ground.known.contracts
    if not contracts and not ground.known.problems:
        raise CannotCheckError(
            f"there is no contract (*.odcs.yaml) in {place}; `mesh-assets contract write` writes them"
        )
    _say(f"{one.file}: {note}" for one in contracts for note in one.notes)
    now = datetime.now(UTC)
    found = {one.id: check_contract(one, ground.now, now=now) for one in contracts}
    if as_json:
        everything = [breach for breaches in found.values() for breach in breaches]
        click.echo(printed_json(everything))
    else:
        click.echo(shown_lines(_checked(ground, found)))
    if ground.known.problems:
        raise CannotCheckError("\n".join(ground.known.problems))
    failing = _LEVELS[_LEVELS.index(fail_on) :]
    if any(breach.level in failing for breaches in found.values() for breach in breaches):
        sys.exit(1)


def _read(folder: Path | None, *, with_facts: bool = True) -> tuple[Path, ContractGround]:
    estate = load_estate()
    place = folder or contracts_folder(estate)
    if place is None:
        raise ContractError(
            "no folder of contracts is known; write `contracts: {folder: …}` in the estate file, or give --folder"
        )
    store = InventoryStore(open_store(os.environ.get("MESH_STORE")))
    return place, read_ground(estate, store, folder=place, with_facts=with_facts)


def _say(notes: Iterator[str] | Sequence[str]) -> None:
    for note in notes:
        click.echo(shown_lines([f"note: {note}"]), err=True)


def _written(made: Sequence[Written], *, dry_run: bool) -> Iterator[str]:
    for one in made:
        what = (
            "new" if one.is_new else f"{counted(len(one.changes), 'change')}" if one.changes else "unchanged"
        )
        yield f"{one.path}   {what}"
        yield from (f"  {brief_sentence(change)}" for change in one.changes[:_SHOWN_CHANGES])
        if len(one.changes) > _SHOWN_CHANGES:
            yield f"  and {len(one.changes) - _SHOWN_CHANGES:,} more"
    conflicts = sum(len(one.conflicts) for one in made)
    named = f", {counted(conflicts, 'conflict')}" if conflicts else ""
    yield f"{counted(len(made), 'contract')} {'would be written' if dry_run else 'written'}{named}"


def _without_product(folder: Path, ids: Sequence[str]) -> Iterator[str]:
    """Contracts that we wrote earlier for products that no longer exist; they stay."""
    now = {file_name(one) for one in ids}
    for path in contract_files(folder):
        if path.name not in now and (folder / GENERATED / path.name).exists():
            yield f"{path}: its data product no longer exists; the file stays as it is"


def _checked(ground: ContractGround, found: dict[str, tuple[Breach, ...]]) -> Iterator[str]:
    for number, one in enumerate(ground.known.contracts):
        yield from ("",) if number else ()
        breaches = found[one.id]
        yield f"{one.id} {one.version}   {counted(len(one.topics), 'topic')}   {one.file}"
        yield from (f"  {breach.level:<8} {brief_sentence(breach.sentence)}" for breach in breaches)
        levels = [(sum(1 for one in breaches if one.level == level), level) for level in _LEVELS[::-1]]
        counts = [
            counted(count, level, "unknown" if level == "unknown" else None)
            for count, level in levels
            if count
        ]
        yield f"  {', '.join(counts) or 'kept'}"
