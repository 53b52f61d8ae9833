"""Options that several commands have."""

from collections.abc import Callable
from typing import Any

import click

clusters_option = click.option(
    "--cluster",
    "clusters",
    multiple=True,
    metavar="NAME",
    help="A cluster of the estate. Repeatable. Default: all.",
)
cluster_option = click.option("--cluster", required=True, metavar="NAME", help="A cluster of the estate.")


def oauth_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which tokens a server accepts: `oauth_issuer`, `oauth_audience`, `oauth_jwks`, `oauth_scopes`."""
    for option in (
        click.option(
            "--oauth-scope",
            "oauth_scopes",
            multiple=True,
            metavar="SCOPE",
            help="A scope that tokens must have. Repeatable.",
        ),
        click.option(
            "--oauth-jwks", metavar="URL", help="The issuer's keys. Default: ISSUER/.well-known/jwks.json."
        ),
        click.option(
            "--oauth-audience",
            metavar="URL",
            help="This server's own URL, which must be the tokens' audience.",
        ),
        click.option(
            "--oauth-issuer", metavar="URL", help="OAuth resource server: who issues the tokens (JWTs)."
        ),
    ):
        command = option(command)
    return command
