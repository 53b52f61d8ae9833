"""The server's settings."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from mesh_assets.service.identity import OAuth

Toolset: TypeAlias = Literal["discovery", "esm"]
TOOLSETS: tuple[Toolset, ...] = get_args(Toolset)

DEFAULT_IDLE_SECONDS = 3600.0
DEFAULT_CALL_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """`token_hashes`: the SHA-256 of each accepted bearer token, in the form that KnownTokens takes.
    `allowed_hosts`: host names by which clients may reach this server, besides loopback (`mesh.example.com`,
    `10.0.0.5:8000`). `max_body_bytes`: the limit for a request.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token_hashes: tuple[str, ...] = field(default=(), repr=False)
    allowed_hosts: tuple[str, ...] = ()
    max_body_bytes: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """`idle_seconds`: the process ends after this long without a request; 0: never. `call_seconds`: how long
    a call may take; discoveries and anything that waits for messages may take ten times that. `audit_log`
    None: stderr. `estate` and `store` None: those of MESH_ESTATE and MESH_STORE. `oauth`: who may talk to the
    server over HTTP.
    """

    toolsets: tuple[Toolset, ...] = TOOLSETS
    allow_writes: bool = False
    idle_seconds: float = DEFAULT_IDLE_SECONDS
    call_seconds: float = DEFAULT_CALL_SECONDS
    audit_log: Path | None = None
    estate: Path | None = None
    store: str | None = None
    oauth: OAuth | None = None
