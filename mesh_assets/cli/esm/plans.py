"""A plan shown, or the one applied whose id is given: what every command that changes something does."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import click
import msgspec

from mesh_assets.esm.applying import Applied
from mesh_assets.esm.lookup import DEFAULT_DEADLINE_SECONDS, Progress, Wanted
from mesh_assets.esm.plan import Plan, PlannedCall
from mesh_assets.esm.service import MappingService

# A plan for people: what would be sent, what rights change, what to know, and how to apply it.


def plan_text(plan: Plan, *, how: str) -> Iterator[str]:
    """`how`: the command that would apply it, without the id."""
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
    for finding in plan.warnings:
        yield f"  note          {finding}"
    yield ""
    if not plan.calls:
        yield "Nothing to do: everything is as asked."
        return
    if plan.blocked is not None:
        yield f"Applying will refuse: {plan.blocked}"
        if plan.permissions is not None and plan.permissions.statement:
            yield "Hand this policy to an administrator of the role:"
            yield plan.permissions.statement
    yield f"Nothing has been done. To do it: {how} --apply {plan.id}"


def applied_text(applied: Applied) -> Iterator[str]:
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
        new = "a new inline policy" if rights.change.before is None else "our inline policy, extended"
        yield f"  rights        {rights.change.policy_name} of role {rights.change.role_name}: {new}"
        yield from (f"    {line}" for line in rights.change.lines())
        return
    words = {"granted": "the role has all it needs", "unknown": "not known", "denied": "denied"}
    yield f"  rights        {words.get(rights.state, rights.state)}{f': {rights.why}' if rights.why else ''}"


def _shown(call: PlannedCall) -> dict[str, object]:
    """A policy's document stands above as a diff."""
    return {name: value for name, value in call.arguments.items() if name != "PolicyDocument"}


def _indented(value: object) -> Iterator[str]:
    yield from (f"    {line}" for line in json.dumps(value, indent=2, default=str).splitlines())


# What every command that changes something does: show the plan, or apply the one whose id is given, and
# wait
# if asked to.


def plan_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option(
        "--json", "as_json", is_flag=True, help="The plan, or what was done, as JSON on stdout, nothing else."
    )(command)
    return click.option(
        "--apply", "plan_id", metavar="PLAN-ID", help="Carry out this plan. Default: only show it."
    )(command)


def wait_option(command: Callable[..., Any]) -> Callable[..., Any]:
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
    command = click.option(
        "--continue-without-permissions",
        is_flag=True,
        help="Go on when the role's rights are not known or cannot be given.",
    )(command)
    return click.option("--no-permissions", is_flag=True, help="Leave the role's rights alone.")(command)


def show(plan: Plan, *, how: str, as_json: bool) -> None:
    click.echo(_json(plan) if as_json else "\n".join(plan_text(plan, how=how)))


def show_applied(applied: Applied, *, as_json: bool) -> None:
    click.echo(_json(applied) if as_json else "\n".join(applied_text(applied)))


def wait(service: MappingService, uuid: str, wanted: Wanted, seconds: float) -> None:
    """Waits with each state on stderr. Raises WaitTimeoutError after the time."""
    if seconds <= 0:
        return
    service.wait(uuid, wanted, deadline_seconds=seconds, progress=_tell)


def _tell(progress: Progress) -> None:
    click.echo(
        f"{progress.seconds:6.1f} s  {progress.state or 'gone'}{f' ({progress.reason})' if progress.reason else ''}",
        err=True,
    )


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()
