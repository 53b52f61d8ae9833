"""`mesh-assets esm connection`."""

import sys
from typing import Any

import click

from mesh_assets.esm.connection import Step, check_connection
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.inventory.wording import printed_json
from mesh_assets.mapping_commands.login import AccountOnce, chosen_login, login_options
from mesh_assets.mapping_commands.plans import aws_account, region_option

_SIGNS = {"ok": "ok     ", "failed": "FAILED ", "skipped": "-      "}


@click.command(short_help="Check a connection to Kafka, step by step.")
@click.option(
    "--mapping", "uuid", metavar="UUID", help="Use this mapping's own brokers, secret, topic and group."
)
@click.option("--topic", metavar="NAME", help="Also: does it exist, and may it be read.")
@click.option("--group", metavar="NAME", help="Also: may this consumer group be used.")
@click.option(
    "--timeout",
    "timeout_seconds",
    type=click.FloatRange(min=1),
    default=10.0,
    show_default=True,
    help="Seconds per step.",
)
@login_options
@region_option
@click.option("--json", "as_json", is_flag=True, help="The report as JSON on stdout, nothing else.")
def connection(
    uuid: str | None,
    topic: str | None,
    group: str | None,
    timeout_seconds: float,
    region: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Check a connection to Kafka as a mapping makes it: name, TCP, TLS with the certificate's facts, login,
    metadata, topic, rights.

    Credentials are those of --secret, else those given by hand, else the --mapping's own. It connects from
    this machine: Lambda's pollers are in the mapping's network, where names and security groups may differ.
    Reads only. Exit code 0 when no step failed, 1 otherwise.
    """
    account = AccountOnce(lambda: aws_account(region))
    mapping = None if uuid is None else get_mapping(account(), uuid)
    login, uses_aws = chosen_login(account, mapping, options)
    if not as_json:
        click.echo(f"{login.bootstrap_servers}   {login.authentication}   credentials of {login.origin}\n")
    report = check_connection(
        login,
        account=account() if uses_aws else None,
        topic=topic or (mapping.topic if mapping is not None else None),
        group=group or (mapping.consumer_group_id if mapping is not None else None),
        timeout_seconds=timeout_seconds,
        on_step=(lambda step: None) if as_json else _print_step,  # noqa: ARG005 - printed as JSON at the end
    )
    if as_json:
        click.echo(printed_json(report))
    elif report.ok:
        click.echo("\nNothing failed.")
    if not report.ok:
        sys.exit(1)


def _print_step(step: Step) -> None:
    facts = ", ".join(f"{name} {value}" for name, value in step.facts.items())
    click.echo(
        f"{_SIGNS[step.state]} {step.name:<16} {'; '.join(part for part in (step.said, facts) if part)}".rstrip()
    )
    if step.cause:
        click.echo(f"{'':25}likely: {step.cause}")
