"""The mapping service of the command line, and how a plan is shown and carried out."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import click

from mesh_assets.esm.applying import Applied
from mesh_assets.esm.aws_account import AwsAccount, open_account
from mesh_assets.esm.lookup import DEFAULT_DEADLINE_SECONDS, Progress, Wanted
from mesh_assets.esm.plan import Plan, PlannedCall
from mesh_assets.esm.service import MappingService
from mesh_assets.estate.file import estate_path
from mesh_assets.estate.model import Estate
from mesh_assets.fleet.loading import load_estate
from mesh_assets.inventory.wording import printed_json

# What the commands of `esm` share: the account of `--region`, the mapping service, the form of `--json`.


def region_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--region`."""
    return click.option(
        "--region", metavar="REGION", help="AWS region. Default: AWS_REGION, else the estate's only account."
    )(command)


def estate_if_any() -> Estate | None:
    """The estate; these commands can do without one.

    Raises EstateError for a file that exists but is wrong.
    """
    return load_estate() if estate_path().exists() else None


def aws_account(region: str | None) -> AwsAccount:
    """The account, checked up front.

    Raises EstateError without a region, RefusedError without working credentials.
    """
    return open_account(estate_if_any(), region=region)


def mapping_service(region: str | None) -> MappingService:
    """The service, with the estate's connections for looking up topics. Raises as `aws_account` does."""
    return MappingService(aws_account(region), estate_if_any())


# Plans in the terminal: shown, or applied by their id. Every command that changes something works this way.


def plan_text(plan: Plan) -> Iterator[str]:
    """The plan for people: what would be sent, which rights change, what to know, how to apply it."""
    yield f"Plan {plan.id}: {plan.summary}"
    yield f"  account {plan.observed.get('account', '-')}   region {plan.observed.get('region', '-')}"
    if plan.action == "delete_event_source_mapping":
        yield "  the mapping as it is"
        yield from _indented(plan.observed["mapping"])
    for difference in plan.differences:
        yield f"  changes       {difference}"
    yield from _rights(plan)
    for number, call in enumerate(plan.calls, 1):
        yield f"  request {number}     {call.service}:{call.operation}"
        yield from _indented(_shown(call))
    for violation in plan.warnings:
        yield f"  note          {violation}"
    yield ""
    if not plan.calls and plan.blocked is None:
        yield "Nothing to do: everything is as requested."
        return
    if plan.blocked is not None:
        yield f"Applying it will be refused: {plan.blocked}"
        if plan.permissions is not None and plan.permissions.statement:
            yield "Hand this policy to an administrator of the role:"
            yield plan.permissions.statement
    if plan.calls:
        yield f"Nothing has been done. To do it: the same command with --apply {plan.id}"


def applied_text(applied: Applied) -> Iterator[str]:
    """What was done, for people."""
    yield f"Done: {applied.plan.summary}"
    if applied.mapping is not None:
        yield f"  mapping       {applied.mapping.uuid}   {applied.mapping.state}"
    for text in applied.warnings:
        yield f"  warning       {text}"


def _rights(plan: Plan) -> Iterator[str]:
    rights = plan.permissions
    if rights is None:
        return
    if rights.change is not None:
        yield f"  rights        {rights.change.policy_name} of role {rights.change.role_name}: a new inline policy"
        yield from (f"    {line}" for line in rights.change.lines())
        return
    words = {"granted": "the role has all it needs"}
    yield f"  rights        {words.get(rights.state, rights.state.replace('_', ' '))}{f': {rights.why}' if rights.why else ''}"


def _shown(call: PlannedCall) -> dict[str, object]:
    """The arguments, minus the policy document: it is already shown as a diff."""
    return {name: value for name, value in call.arguments.items() if name != "PolicyDocument"}


def _indented(value: object) -> Iterator[str]:
    yield from (f"    {line}" for line in json.dumps(value, indent=2, default=str).splitlines())


def plan_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--apply` and `--json`."""
    command = click.option(
        "--json", "as_json", is_flag=True, help="The plan, or what was done, as JSON on stdout, nothing else."
    )(command)
    return click.option(
        "--apply", "plan_id", metavar="PLAN-ID", help="Carry out this plan. Default: only show it."
    )(command)


def wait_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--wait`."""
    return click.option(
        "--wait",
        "wait_seconds",
        type=click.FloatRange(min=0),
        default=DEFAULT_DEADLINE_SECONDS,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for the mapping to settle; 0: not at all.",
    )(command)


def rights_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options about the role's rights."""
    command = click.option(
        "--continue-without-permissions",
        is_flag=True,
        help="Continue when the role's rights are unknown or cannot be granted.",
    )(command)
    return click.option("--no-permissions", is_flag=True, help="Do not touch the role's rights.")(command)


def show(plan: Plan, *, as_json: bool) -> None:
    """Prints the plan."""
    click.echo(printed_json(plan) if as_json else "\n".join(plan_text(plan)))


def show_applied(applied: Applied, *, as_json: bool) -> None:
    """Prints what was done."""
    click.echo(printed_json(applied) if as_json else "\n".join(applied_text(applied)))


def wait(service: MappingService, uuid: str, wanted: Wanted, seconds: float) -> None:
    """Waits, printing each state on stderr. Raises as `wait_until` does."""
    if seconds <= 0:
        return
    service.wait(uuid, wanted, deadline_seconds=seconds, progress=_print_progress)


def _print_progress(progress: Progress) -> None:
    click.echo(
        f"{progress.seconds:6.1f} s  {progress.state or 'gone'}{f' ({progress.reason})' if progress.reason else ''}",
        err=True,
    )
