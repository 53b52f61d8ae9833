"""`mesh-assets findings`: what is wrong in the clusters of the estate, for people and for scripts."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import get_args

import click

from mesh_assets.cli.options import clusters_option
from mesh_assets.cli.stored import CannotCheckError, read_cases
from mesh_assets.cli.text import shown_lines
from mesh_assets.estate.findings import FINDING_KINDS
from mesh_assets.findings.case import Case, minute
from mesh_assets.findings.finding import Finding, count_muted
from mesh_assets.findings.judge import judge
from mesh_assets.findings.kinds import KINDS
from mesh_assets.inventory.changes import Severity
from mesh_assets.inventory.wording import brief_sentence, counted, printed_json

_SHOWN_OF_A_KIND = 20


@click.command(short_help="Show what is wrong, the worst first.")
@clusters_option
@click.option("--kind", "kinds", multiple=True, type=click.Choice(FINDING_KINDS), metavar="KIND")
@click.option("--severity", "severities", multiple=True, type=click.Choice(get_args(Severity)))
@click.option("--muted", is_flag=True, help="Include those that the estate mutes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array of findings on stdout, nothing else.")
def findings(
    clusters: tuple[str, ...],
    kinds: tuple[str, ...],
    severities: tuple[str, ...],
    muted: bool,
    as_json: bool,
) -> None:
    """Show what is wrong in each cluster according to its newest document, and what to do about it (docs/findings.md).

    Asks no cluster and writes nothing. Exit code 2: the estate or a document cannot be read; what the others show is printed
    first. A cluster that was never discovered is only noted, unless it was asked for by name.
    """
    cases = read_cases(clusters)
    found = []
    for case in cases.read:
        every = judge(case, today=datetime.now(UTC).date())
        chosen = [
            one
            for one in every
            if (not kinds or one.kind in kinds)
            and (not severities or one.severity in severities)
            and (muted or one.muted is None)
        ]
        found.append((case, chosen, count_muted(every)))
    unread_samples = dict.fromkeys(one for case, _, _ in found for one in case.samples.unread)
    for sentence in (*cases.undiscovered, *unread_samples):
        click.echo(f"note: {sentence}", err=True)
    if as_json:
        every_one = [finding for _, chosen, _ in found for finding in chosen]
        click.echo(printed_json(every_one))
    else:
        click.echo(shown_lines(_lines(found)))
    if cases.unread:
        raise CannotCheckError("\n".join(cases.unread))


def _lines(found: Sequence[tuple[Case, list[Finding], int]]) -> Iterator[str]:
    for number, (case, chosen, muted) in enumerate(found):
        document = case.document
        yield from ("",) if number else ()
        yield f"{document.cluster.name} ({document.cluster.id})   {minute(document.discovery_timestamp)}"
        for kind in dict.fromkeys(one.kind for one in chosen):
            of_kind = [one for one in chosen if one.kind == kind]
            yield f"  {kind} ({len(of_kind):,})   {KINDS[kind].advice}"
            for one in of_kind[:_SHOWN_OF_A_KIND]:
                mark = "" if one.muted is None else f"   [muted: {one.muted}]"
                yield f"    {one.severity:<8} {brief_sentence(one.sentence)}{mark}"
            if len(of_kind) > _SHOWN_OF_A_KIND:
                yield f"    and {len(of_kind) - _SHOWN_OF_A_KIND:,} more: --kind {kind} --json lists all"
        yield f"  {counted(len(chosen), 'finding')}{f'; {muted:,} muted' if muted else ''}"
