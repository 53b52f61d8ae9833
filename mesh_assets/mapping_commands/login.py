"""Options for logging in to Kafka, shared by the commands that need it.

A password is asked for without echo, and only here.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mesh_assets.errors import EstateError
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.connection import KafkaLogin, find_login
from mesh_assets.esm.connection.login import MECHANISMS, PROTOCOLS, Protocol
from mesh_assets.esm.errors import AUTHS, Auth, TwoLoginsError
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.estate.text import decoded_text

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OPTIONS = (
    click.option(
        "--secret",
        "secret_arn",
        metavar="ARN",
        help="A secret in AWS Secrets Manager with the credentials; overrides everything else.",
    ),
    click.option(
        "--auth",
        type=click.Choice(AUTHS),
        help="Which login, if the secret holds two. Default: you are asked.",
    ),
    click.option(
        "--bootstrap-servers",
        metavar="HOST:PORT,…",
        help="The brokers, if neither the secret nor the mapping names them.",
    ),
    click.option("--cluster-arn", metavar="ARN", help="An MSK cluster; AWS names its brokers."),
    click.option(
        "--protocol",
        type=click.Choice(PROTOCOLS, case_sensitive=False),
        help="Default: PLAINTEXT, or what the mechanism needs.",
    ),
    click.option(
        "--mechanism", type=click.Choice(MECHANISMS, case_sensitive=False), help="How to log in (SASL)."
    ),
    click.option(
        "--username", metavar="NAME", help="By hand: the password is asked for without echo and not kept."
    ),
    click.option("--ca", type=_FILE, help="PEM file of the authority that signed the brokers' certificates."),
    click.option(
        "--certificate",
        type=_FILE,
        help="PEM file of the client's certificate (mutual TLS); with --private-key.",
    ),
    click.option("--private-key", type=_FILE, help="PEM file of the client's private key."),
)


class AccountOnce:
    """The AWS account, opened when first needed: checking plain Kafka does not need one."""

    def __init__(self, opening: Callable[[], AwsAccount]) -> None:
        self._opening = opening
        self._opened: AwsAccount | None = None

    def __call__(self) -> AwsAccount:
        if self._opened is None:
            self._opened = self._opening()
        return self._opened


def login_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that `chosen_login` reads."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def chosen_login(
    account: Callable[[], AwsAccount], mapping: EventSourceMapping | None, options: dict[str, Any]
) -> tuple[KafkaLogin, bool]:
    """The login that the options ask for, and whether it needs AWS; `account` is called only if it does.

    Raises as `find_login` does.
    """
    if options["auth"] is not None and options["secret_arn"] is None:
        raise EstateError("--auth chooses between two logins of a secret, and none is named; add --secret")
    given = _given(options, mapping)
    secret_arn = options["secret_arn"]
    needs_aws = (
        secret_arn is not None or mapping is not None or (given is not None and given.cluster_arn is not None)
    )
    # What was given by hand overrides the mapping's own access.
    own = None if given is not None and secret_arn is None else mapping
    if not needs_aws and given is not None and given.sasl_mechanism != "AWS_MSK_IAM":
        return given.checked(), False
    try:
        found = find_login(account(), secret_arn=secret_arn, mapping=own, given=given, auth=options["auth"])
    except TwoLoginsError as error:
        auth = _asked_login(error)
        found = find_login(account(), secret_arn=secret_arn, mapping=own, given=given, auth=auth)
    return found, True


def _asked_login(error: TwoLoginsError) -> Auth:
    """Which login of the secret the person means. Raises the error itself if nobody answers."""
    try:
        asked: Auth = click.prompt("Which login of the secret", type=click.Choice(AUTHS), err=True)
    except click.Abort:
        raise error from None
    return asked


def _given(options: dict[str, Any], mapping: EventSourceMapping | None) -> KafkaLogin | None:
    """What was given by hand; None if nothing was."""
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
    if options["username"] and secret is None and mechanism is None:
        raise EstateError(
            f"--username logs in by a mechanism, and none is given; add --mechanism, one of {', '.join(MECHANISMS)}"
        )
    if options["username"] and secret is None:
        click.echo(
            "The password is used for this session only: it is not stored, not logged, not shown.", err=True
        )
        password = click.prompt(f"Password of {options['username']}", hide_input=True, err=True)
    tls = bool(options["ca"] or options["certificate"])
    protocol: Protocol = options["protocol"] or ("SASL_SSL" if mechanism else "SSL" if tls else "PLAINTEXT")
    arn = options["cluster_arn"] or (mapping.event_source_arn if mapping is not None else None)
    own = () if mapping is None or options["cluster_arn"] else mapping.bootstrap_servers
    servers = options["bootstrap_servers"] or ",".join(own)
    return KafkaLogin(
        bootstrap_servers=servers,
        security_protocol=protocol,
        sasl_mechanism=mechanism,
        username=options["username"],
        password=password,
        authority=_pem(options["ca"]),
        certificate=_pem(options["certificate"]),
        key=_pem(options["private_key"]),
        origin="given by hand, for this session only",
        topic=None if mapping is None else mapping.topic,
        cluster_arn=arn,
    )


def _pem(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        text = decoded_text(path.read_bytes())
    except OSError as error:
        raise EstateError(
            f"{path} cannot be read: {error.strerror}; see that it is a file that you may read"
        ) from error
    except UnicodeDecodeError:
        text = ""
    if "-----BEGIN " not in text:
        raise EstateError(
            f"{path} is no PEM file; expected text with -----BEGIN …-----: convert another form with openssl"
        )
    return text
