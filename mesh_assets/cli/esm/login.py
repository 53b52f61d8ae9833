"""How the commands of `esm` get in: to an AWS account by its region, to Kafka by a secret, a mapping's access, or by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mesh_assets.esm.aws_account import AwsAccess, aws_account
from mesh_assets.esm.connection import KafkaLogin, find_login
from mesh_assets.esm.connection.login import MECHANISMS, PROTOCOLS, Protocol
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.service import MappingService
from mesh_assets.estate.file import estate_path, load_estate
from mesh_assets.estate.model import Estate

# What the commands of `esm` share: which account and region they work in.


def region_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--region", metavar="REGION", help="AWS region. Default: AWS_REGION, else the estate's only account."
    )(command)


def estate_if_any() -> Estate | None:
    """The estate, which these commands can do without; a file that is there must be right."""
    return load_estate() if estate_path().exists() else None


def aws_access(region: str | None) -> AwsAccess:
    """Checked at the start: a region, and credentials that AWS knows. Raises EstateError or RefusedError."""
    access = AwsAccess(aws_account(estate_if_any(), region=region))
    _ = access.identity
    return access


def mapping_service(region: str | None) -> MappingService:
    """As `aws_access`, with the estate's connections for looking topics up."""
    return MappingService(aws_access(region), estate_if_any())


# Options that say how Kafka is reached, shared by the commands that reach it. A password is asked for
# without echo, and only here.

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OPTIONS = (
    click.option(
        "--secret",
        "secret_arn",
        metavar="ARN",
        help="A secret of AWS Secrets Manager with the credentials; goes before all else.",
    ),
    click.option(
        "--bootstrap-servers",
        metavar="HOST:PORT,…",
        help="The brokers, where neither secret nor mapping names them.",
    ),
    click.option("--cluster-arn", metavar="ARN", help="An MSK cluster, whose brokers are asked from AWS."),
    click.option(
        "--protocol",
        type=click.Choice(PROTOCOLS, case_sensitive=False),
        help="Default: PLAINTEXT, or what the mechanism needs.",
    ),
    click.option(
        "--mechanism", type=click.Choice(MECHANISMS, case_sensitive=False), help="How to log in (SASL)."
    ),
    click.option(
        "--username",
        metavar="NAME",
        help="By hand: the password is asked for, without echo, and forgotten at the end.",
    ),
    click.option("--ca", type=_FILE, help="PEM file of the authority that signed the brokers' certificates."),
    click.option(
        "--certificate",
        type=_FILE,
        help="PEM file of the client's certificate (mutual TLS); with --private-key.",
    ),
    click.option("--private-key", type=_FILE, help="PEM file of the client's private key."),
)


class AccessOnce:
    """The way into AWS, opened when it is first needed: a test of plain Kafka needs none."""

    def __init__(self, opening: Callable[[], AwsAccess]) -> None:
        self._opening = opening
        self._opened: AwsAccess | None = None

    def __call__(self) -> AwsAccess:
        if self._opened is None:
            self._opened = self._opening()
        return self._opened


def login_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def chosen_login(
    access: Callable[[], AwsAccess], mapping: EventSourceMapping | None, options: dict[str, Any]
) -> tuple[KafkaLogin, bool]:
    """The login that the options mean, and whether AWS had to be asked for it. `access` is called only then."""
    given = _given(options, mapping)
    secret_arn = options["secret_arn"]
    needs_aws = (
        secret_arn is not None or mapping is not None or (given is not None and given.cluster_arn is not None)
    )
    # By hand goes before the mapping's own only where something was given by hand.
    own = None if given is not None and secret_arn is None else mapping
    if not needs_aws and given is not None and given.sasl_mechanism != "AWS_MSK_IAM":
        return given.checked(), False
    return find_login(access(), secret_arn=secret_arn, mapping=own, given=given), True


def _given(options: dict[str, Any], mapping: EventSourceMapping | None) -> KafkaLogin | None:
    """None: nothing was given by hand."""
    names = (
        "bootstrap_servers",
        "cluster_arn",
        "protocol",
        "mechanism",
        "username",
        "ca",
        "certificate",
        "private_key",
    )
    if not any(options[name] for name in names):
        return None
    mechanism, secret = options["mechanism"], options["secret_arn"]
    password = None
    if options["username"] and secret is None:
        click.echo(
            "The password is used for this session only: it is not stored, not logged, and not shown.",
            err=True,
        )
        password = click.prompt(f"Password of {options['username']}", hide_input=True, err=True)
    tls = bool(options["ca"] or options["certificate"])
    protocol: Protocol = options["protocol"] or ("SASL_SSL" if mechanism else "SSL" if tls else "PLAINTEXT")
    arn = options["cluster_arn"] or (mapping.event_source_arn if mapping is not None else None)
    servers = options["bootstrap_servers"] or ("" if mapping is None else ",".join(mapping.bootstrap_servers))
    return KafkaLogin(
        bootstrap_servers=servers,
        security_protocol=protocol,
        sasl_mechanism=mechanism,
        username=options["username"],
        password=password,
        authority=_text(options["ca"]),
        certificate=_text(options["certificate"]),
        key=_text(options["private_key"]),
        origin="given by hand, for this session only",
        topic=None if mapping is None else mapping.topic,
        cluster_arn=arn,
    )


def _text(path: Path | None) -> str | None:
    return None if path is None else path.read_text()
