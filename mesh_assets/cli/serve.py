"""`mesh-assets serve`: metrics, health, and discoveries for holders of a token."""

import logging
import sys
from typing import get_args

import click

from mesh_assets.cli.options import oauth_options
from mesh_assets.estate.fields import NamePatterns
from mesh_assets.service.discoveries import AT_ONCE
from mesh_assets.service.families import SERIES, USUAL, Series
from mesh_assets.service.health import read_bounds
from mesh_assets.service.identity import oauth_by
from mesh_assets.service.launching import Launcher
from mesh_assets.service.otlp import PUSH_SECONDS
from mesh_assets.service.scrape import REFRESH_SECONDS
from mesh_assets.service.selection import MOST, Selection
from mesh_assets.service.serving import PORT, ServiceSettings
from mesh_assets.service.serving import serve as serve_until_stopped


class _Series(click.ParamType[tuple[Series, ...]]):
    name = "series"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Series, ...]:
        wanted = {"cluster", *(name.strip() for name in str(value).split(","))}
        if unknown := sorted(wanted - set(SERIES)):
            self.fail(f"{unknown[0]!r} is not one of {', '.join(SERIES)}", param, ctx)
        return tuple(name for name in SERIES if name in wanted)


@click.command(short_help="Metrics, health, and discoveries for programs.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Anything but loopback needs a token or OAuth."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="0: any free port, printed to stderr.",
)
@click.option(
    "--token-sha256",
    "token_hashes",
    multiple=True,
    envvar="MESH_SERVICE_TOKEN_SHA256",
    metavar="[NAME=]HEX",
    help="SHA-256 of a bearer token that callers may send, and its holder. Repeatable.",
)
@oauth_options
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="HOST",
    help="A host name that clients may use to reach it, e.g. through a proxy on this machine. Repeatable.",
)
@click.option(
    "--open-metrics",
    is_flag=True,
    help="Answer /metrics without a token on any address: for networks that control who can connect.",
)
@click.option(
    "--series",
    type=_Series(),
    default=",".join(USUAL),
    show_default=True,
    help=f"Kinds of things that get their own series, comma-separated, from {', '.join(SERIES)}.",
)
@click.option(
    "--topics", multiple=True, metavar="PATTERN", help="Topics that get series. Repeatable. Default: all."
)
@click.option("--exclude-topics", multiple=True, metavar="PATTERN", help="Topics that get none. Repeatable.")
@click.option("--groups", multiple=True, metavar="PATTERN", help="Like --topics, for consumer groups.")
@click.option("--exclude-groups", multiple=True, metavar="PATTERN", help="Consumer groups that get none.")
@click.option(
    "--most",
    type=click.IntRange(min=0),
    default=MOST,
    show_default=True,
    help="The most topics, groups, … of each cluster that get series.",
)
@click.option(
    "--refresh",
    type=click.FloatRange(min=0.1),
    default=REFRESH_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How often it looks into the store.",
)
@click.option(
    "--otlp", metavar="URL", help="Also push the metrics to this URL, e.g. http://collector:4318/v1/metrics."
)
@click.option(
    "--otlp-every",
    type=click.FloatRange(min=0.1),
    default=PUSH_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How often.",
)
@click.option(
    "--max-age",
    "max_ages",
    multiple=True,
    metavar="[CLUSTER=]HOURS",
    help="How old a snapshot may be for /readyz. Repeatable. Default: 13.",
)
@click.option(
    "--launch",
    type=click.Choice(get_args(Launcher)),
    default="here",
    show_default=True,
    help="What runs discoveries: a process beside this one, or Dagster, whose sensors look into the inbox.",
)
@click.option(
    "--at-once", type=click.IntRange(1, 64), default=AT_ONCE, show_default=True, help="Discoveries at a time."
)
def serve(
    host: str,
    port: int,
    token_hashes: tuple[str, ...],
    oauth_issuer: str | None,
    oauth_audience: str | None,
    oauth_jwks: str | None,
    oauth_scopes: tuple[str, ...],
    allowed_hosts: tuple[str, ...],
    open_metrics: bool,
    series: tuple[Series, ...],
    topics: tuple[str, ...],
    exclude_topics: tuple[str, ...],
    groups: tuple[str, ...],
    exclude_groups: tuple[str, ...],
    most: int,
    refresh: float,
    otlp: str | None,
    otlp_every: float,
    max_ages: tuple[str, ...],
    launch: Launcher,
    at_once: int,
) -> None:
    """Answer programs over HTTP (docs/service.md): metrics of the estate (MESH_ESTATE, MESH_STORE), its health,
    and, for holders of a token, discoveries."""
    oauth = oauth_by(oauth_issuer, oauth_audience, jwks_url=oauth_jwks, scopes=oauth_scopes)
    settings = ServiceSettings(
        host=host,
        port=port,
        token_hashes=token_hashes,
        oauth=oauth,
        allowed_hosts=allowed_hosts,
        open_metrics=open_metrics,
        selection=Selection(
            series=series,
            topics=NamePatterns(include=topics or ("*",), exclude=exclude_topics),
            consumer_groups=NamePatterns(include=groups or ("*",), exclude=exclude_groups),
            most=most,
        ),
        refresh_seconds=refresh,
        otlp=otlp,
        otlp_seconds=otlp_every,
        bounds=read_bounds(max_ages),
        launcher=launch,
        at_once=at_once,
    )
    _say_what_is_asked_for()
    serve_until_stopped(settings)


def _say_what_is_asked_for() -> None:
    """Who asked for which discovery belongs in the log, though it is not a warning."""
    own = logging.getLogger("mesh_assets.service")
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(
        lambda record: record.levelno < logging.WARNING
    )  # the command line already prints those
    own.addHandler(handler)
    own.setLevel(logging.INFO)
