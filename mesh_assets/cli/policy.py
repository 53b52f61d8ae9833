"""`mesh-assets policy check`: where topics differ from the estate's policy, for people and for CI."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import click

from mesh_assets.cli.options import clusters_option
from mesh_assets.cli.stored import CannotCheckError, read_cases
from mesh_assets.cli.text import shown_lines
from mesh_assets.findings.case import Case, minute
from mesh_assets.findings.finding import Finding, count_muted, shown_findings
from mesh_assets.findings.judge import judge
from mesh_assets.findings.policy import for_no_cluster, judge_policy, not_checked, unusable_names
from mesh_assets.fleet.loading import load_estate
from mesh_assets.inventory.wording import brief_sentence, counted, printed_json

_LEVELS = ("warning", "error")


@click.group(short_help="Check the clusters against the estate's policy.")
def policy() -> None:
    """Check the clusters against the policy of the estate file."""


@policy.command(short_help="Show where topics differ from the policy.")
@clusters_option
@click.option(
    "--fail-on",
    type=click.Choice(_LEVELS),
    default="error",
    show_default=True,
    help="The lowest level of violation that makes the exit code 1.",
)
@click.option(
    "--live", is_flag=True, help="Read topics and schemas from the cluster now; default: the newest document."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON array of violations on stdout, nothing else.")
def check(clusters: tuple[str, ...], fail_on: str, live: bool, as_json: bool) -> None:
    """Compare the topics of the clusters with the estate's policy. Writes nothing.

    Violations are sorted by cluster, level, topic and requirement. Exit code 1: there is one of the level --fail-on or
    worse that the estate does not mute. Exit code 2: the policy is empty, or a cluster could not be read or was never
    discovered; what the others show is printed first.
    """
    cases, *missing = read_cases(clusters, live=("topics", "schemas") if live else ())
    if not any(case.policy.rules for case in cases):
        if any(case.policy.expectations for case in cases):
            raise CannotCheckError(
                "the estate's policy has no rules, only expectations: the job `profiling` judges these, and "
                "`mesh-assets findings --kind broken_expectation` lists those that are not met"
            )
        raise CannotCheckError("the estate has no policy; write one under `policy:` (docs/policy.md)")
    if problems := {problem for case in cases for problem in unusable_names(case.policy)}:
        raise CannotCheckError("; ".join(sorted(problems)))
    found = [(case, judge(case, today=datetime.now(UTC).date(), only=(judge_policy,))) for case in cases]
    notes = [note for case in cases for note in not_checked(case)]
    if not clusters:
        notes += for_no_cluster(cases[0].policy, load_estate().clusters)
    for note in notes:
        click.echo(f"note: {note}", err=True)
    if as_json:
        everything = [finding for _, findings in found for finding in findings]
        click.echo(printed_json(everything))
    else:
        click.echo(shown_lines(_lines(found)))
    if unchecked := [sentence for sentences in missing for sentence in sentences]:
        raise CannotCheckError("\n".join(unchecked))
    failing = _LEVELS[_LEVELS.index(fail_on) :]
    if any(one.evidence["level"] in failing for _, findings in found for one in shown_findings(findings)):
        sys.exit(1)


def _lines(found: Sequence[tuple[Case, tuple[Finding, ...]]]) -> Iterator[str]:
    for number, (case, findings) in enumerate(found):
        if number:
            yield ""
        document = case.document
        yield f"{document.cluster.name} ({document.cluster.id})   {minute(document.discovery_timestamp)}"
        shown = shown_findings(findings)
        for finding in shown:
            yield f"  {finding.evidence['level']:<8} {brief_sentence(finding.sentence)}"
        yield f"  {_count(case, shown, count_muted(findings))}"


def _count(case: Case, shown: Sequence[Finding], muted: int) -> str:
    rules = [rule for rule in case.policy.rules if rule.clusters.selects(case.document.cluster.name)]
    against = f"{counted(len(case.document.topics), 'topic')} against {counted(len(rules), 'rule')}"
    levels = [(sum(1 for one in shown if one.evidence["level"] == level), level) for level in _LEVELS[::-1]]
    numbers = ", ".join(counted(number, level) for number, level in levels if number) or "no violation"
    return f"{numbers}: {against}{f'; {muted:,} muted' if muted else ''}"
