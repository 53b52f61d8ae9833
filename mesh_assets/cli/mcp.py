"""`mesh-assets mcp`: the MCP server, for AI agents."""

from pathlib import Path

import click

from mesh_assets.cli.options import oauth_options
from mesh_assets.mcp_server.settings import (
    DEFAULT_CALL_SECONDS,
    DEFAULT_IDLE_SECONDS,
    TOOLSETS,
    HttpSettings,
    ServerSettings,
    Toolset,
)
from mesh_assets.service.identity import oauth_by


class _Toolsets(click.ParamType[tuple[Toolset, ...]]):
    name = "toolsets"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Toolset, ...]:
        wanted = {name.strip() for name in str(value).split(",")}
        unknown = sorted(wanted - set(TOOLSETS))
        if unknown:
            self.fail(f"{unknown[0]!r} is not one of {', '.join(TOOLSETS)}", param, ctx)
        return tuple(name for name in TOOLSETS if name in wanted)


@click.command(short_help="The MCP server, for AI agents.")
@click.option(
    "--transport", type=click.Choice(["stdio", "streamable-http"]), default="stdio", show_default=True
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Anything but loopback needs a token or OAuth, and --allowed-host.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="0: any free port, printed to stderr.",
)
@click.option(
    "--toolsets",
    type=_Toolsets(),
    default=",".join(TOOLSETS),
    show_default=True,
    help="Which tools to offer, comma-separated.",
)
@click.option(
    "--allow-writes",
    is_flag=True,
    help="Let tools change things. Without it they only plan, or refuse.",
)
@click.option(
    "--idle-timeout",
    type=click.FloatRange(min=0),
    default=DEFAULT_IDLE_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Exit after this long without a request; 0: never.",
)
@click.option(
    "--call-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULT_CALL_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="The time limit of a call; ten times that for discoveries, Flink and messages.",
)
@click.option(
    "--audit-log",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="One JSON line per call. Default: stderr.",
)
@click.option(
    "--token-sha256",
    "token_hashes",
    multiple=True,
    envvar="MESH_MCP_TOKEN_SHA256",
    metavar="[NAME=]HEX",
    help="SHA-256 of a bearer token that HTTP clients may send, and a name for the audit log. Repeatable.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="HOST[:PORT]",
    help="A host name that HTTP clients may use to reach it. Repeatable.",
)
@oauth_options
@click.option(
    "--max-body",
    type=click.IntRange(min=1024),
    default=4 * 1024 * 1024,
    show_default=True,
    metavar="BYTES",
    help="The largest HTTP request body.",
)
def mcp(
    transport: str,
    host: str,
    port: int,
    toolsets: tuple[Toolset, ...],
    allow_writes: bool,
    idle_timeout: float,
    call_timeout: float,
    audit_log: Path | None,
    token_hashes: tuple[str, ...],
    allowed_hosts: tuple[str, ...],
    oauth_issuer: str | None,
    oauth_audience: str | None,
    oauth_jwks: str | None,
    oauth_scopes: tuple[str, ...],
    max_body: int,
) -> None:
    """Serve the estate to AI agents over the Model Context Protocol, on stdio or HTTP.

    Tools read the estate (MESH_ESTATE) and the store (MESH_STORE) when they need them, so the server starts
    without either. The audit log records every call. `mesh-assets configure --mcp-client` writes a client's
    entry.
    """
    from mesh_assets.mcp_server.assembly import build_server
    from mesh_assets.mcp_server.serving import check_http, serve_http, serve_stdio

    oauth = oauth_by(oauth_issuer, oauth_audience, jwks_url=oauth_jwks, scopes=oauth_scopes)
    settings = ServerSettings(
        toolsets=toolsets,
        allow_writes=allow_writes,
        idle_seconds=idle_timeout,
        call_seconds=call_timeout,
        audit_log=audit_log,
        oauth=oauth,
    )
    http = HttpSettings(
        host=host, port=port, token_hashes=token_hashes, allowed_hosts=allowed_hosts, max_body_bytes=max_body
    )
    if transport == "stdio":
        serve_stdio(build_server(settings))
    else:
        check_http(settings, http)
        serve_http(build_server(settings), http)
