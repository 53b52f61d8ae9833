"""`mesh-assets estate`: does every system answer, with the rights that discovery needs, and what may an estate file hold?"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from shutil import get_terminal_size

import click

from mesh_assets.access_checks import AccessCheck, check_estate
from mesh_assets.access_checks.access_check import facts_text
from mesh_assets.cli.found import find, missing_clusters
from mesh_assets.cli.options import clusters_option
from mesh_assets.cli.text import shown_lines
from mesh_assets.errors import StoreError
from mesh_assets.estate.file import estate_path
from mesh_assets.estate.model import Estate
from mesh_assets.estate.schema import estate_schema, included_schema
from mesh_assets.findings.idle_settings import read_idle_settings
from mesh_assets.fleet.loading import load_estate
from mesh_assets.inventory.wording import aligned, counted, plural, printed_json
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store

_HEADINGS = ("", "cluster", "system", "endpoint", "as", "answers", "rights")
# The columns on the first line when the terminal is too narrow for all of them.
_ON_THE_FIRST_LINE = 5
_STATES = {"ok": "ok", "incomplete": "MISSING", "failed": "FAILED"}


@click.group()
def estate() -> None:
    """The estate file (MESH_ESTATE, default estate.yaml) and the systems in it."""


@estate.command(short_help="Connect to every system in the estate; report what is missing.")
@clusters_option
@click.option("--json", "as_json", is_flag=True, help="One JSON array of checks on stdout, nothing else.")
def check(clusters: tuple[str, ...], *, as_json: bool) -> None:
    """Connect to every system in the estate and report what answers, as whom, with what rights, and what is
    missing.

    Reads only: nothing is created, changed, written or registered. Without --cluster, it also names settings that do
    nothing, by the newest documents. Exit code 0 when discovery has everything it needs, 1 otherwise.
    """
    known = load_estate()
    checks = check_estate(known, clusters)
    idle = () if clusters else _idle(known)
    if as_json:
        click.echo(printed_json(checks))
        for sentence in idle:
            click.echo(f"note: {sentence}", err=True)
    else:
        click.echo(shown_lines(_text(checks, missing_clusters() if known.found.rules else (), idle)))
    if any(check.state != "ok" for check in checks):
        sys.exit(1)


estate.add_command(find)


@estate.command(short_help="Print the JSON Schema of estate files, for editors and generators.")
@click.option("--included", is_flag=True, help="The schema of files that an estate file includes.")
def schema(*, included: bool) -> None:
    """Print the JSON Schema (draft 2020-12) of the estate file.

    Editors use it for completion and checks: save it beside the file, and begin the file with
    `# yaml-language-server: $schema=estate.schema.json`.
    """
    click.echo(json.dumps(included_schema() if included else estate_schema(), indent=2, ensure_ascii=False))


def _idle(known: Estate) -> tuple[str, ...]:
    try:
        return read_idle_settings(known, InventoryStore(open_store(os.environ.get("MESH_STORE"))))
    except StoreError as error:
        return (f"not known, because the documents cannot be read: {error}",)


def _text(checks: Sequence[AccessCheck], missing_found: Sequence[str], idle: Sequence[str]) -> Iterator[str]:
    yield from _table([_HEADINGS, *(_row(check) for check in checks)])
    missing = [(check, sentence) for check in checks for sentence in check.missing]
    notes = [(check, sentence) for check in checks for sentence in check.notes]
    for heading, sentences in (("What is wrong", missing), ("Good to know", notes)):
        if sentences:
            yield from ("", heading)
            yield from (f"  {check.cluster}, {check.system}: {sentence}" for check, sentence in sentences)
    for heading, found in (("Missing in the clouds", missing_found), ("Settings that do nothing", idle)):
        if found:
            yield from ("", heading, *(f"  {sentence}" for sentence in found))
    yield ""
    yield _conclusion(checks)


def _conclusion(checks: Sequence[AccessCheck]) -> str:
    sound = sum(check.state == "ok" for check in checks)
    if sound < len(checks):
        return (
            f"{sound} of {counted(len(checks), 'system')} {plural(sound, 'is', 'are')} ready for discovery."
        )
    number = len({check.cluster for check in checks})
    return f"Discovery has everything it needs ({counted(number, 'cluster')} of {estate_path()})."


def _row(check: AccessCheck) -> tuple[str, ...]:
    seen = (check.endpoint, check.identity, facts_text(check.facts), check.rights)
    return (_STATES[check.state], check.cluster, check.system, *(cell or "-" for cell in seen))


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """One line per system, for grep. A narrow terminal gets its answers and rights on lines below it."""
    whole = list(aligned(rows))
    if not sys.stdout.isatty() or max(map(len, whole)) <= get_terminal_size().columns:
        yield from whole
        return
    headings, *heads = aligned([row[:_ON_THE_FIRST_LINE] for row in rows])
    yield headings
    for head, row in zip(heads, rows[1:], strict=True):
        yield head
        yield from (f"{' ' * 9}{cell}" for cell in row[_ON_THE_FIRST_LINE:] if cell != "-")
