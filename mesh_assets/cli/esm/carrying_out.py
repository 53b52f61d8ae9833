"""What every command that changes something does: show the plan, or apply the one whose id is given, and wait
if asked to."""

from collections.abc import Callable
from typing import Any

import click
import msgspec

from mesh_assets.cli.esm.plan_text import applied_text, plan_text
from mesh_assets.esm.applying import Applied
from mesh_assets.esm.plan import Plan
from mesh_assets.esm.service import MappingService
from mesh_assets.esm.waiting import DEFAULT_DEADLINE_SECONDS, Progress, Wanted


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
