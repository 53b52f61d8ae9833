"""Addresses: which part of them may be shown, and how a name becomes part of a path."""

from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from mesh_assets.errors import EstateError


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """A service's address. `shown` has no userinfo, query or trailing slash: safe in messages and logs.

    `username` and `password` are those in the address itself (`https://user:secret@host`), None without.
    """

    shown: str
    is_loopback: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def parse_base_url(text: str, *, name: str) -> BaseUrl:
    """The parts of `text`, the address of the service called `name`.

    Userinfo is removed because httpx logs the address of every request. Raises EstateError without repeating
    the text, which may hold a secret.
    """
    expected = f"the url of {name} must look like https://host:port/path"
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise EstateError(f"{expected}; its host or port cannot be understood") from error
    if parts.scheme not in ("http", "https") or not host:
        raise EstateError(f"{expected}; got scheme {parts.scheme!r} and host {host!r}")
    if parts.query or parts.fragment:
        raise EstateError(
            f"{expected}, without a query or a fragment; credentials go into username and password"
        )
    location = f"[{host}]" if ":" in host else host
    if port is not None:
        location = f"{location}:{port}"
    return BaseUrl(
        shown=urlunsplit((parts.scheme, location, parts.path.rstrip("/"), "", "")),
        is_loopback=host in ("localhost", "::1") or host.startswith("127."),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def path_segment(name: str) -> str:
    """`name` as one segment of a path: everything reserved is escaped, the slash too.

    All but the colon: it is allowed in a path, and a server that does not decode paths (AxonOps) would not
    find `:.context:subject`. `.` and `..` are escaped because clients and servers would fold them away and
    address something else.
    """
    return name.replace(".", "%2E") if name in (".", "..") else quote(name, safe=":")
