"""HTTP to the sandbox's own servers: whether they answer, and requests that fill them."""

import time
from typing import Any

import httpx

from mesh_assets.errors import SandboxError

# No proxy between two ends of this machine, and no TLS: loading the trusted certificates takes 30 ms, at each poll.
_LOCAL: Any = {"trust_env": False, "verify": False}
_RETRY_SECONDS = 0.3


def http_answers(url: str, *, seconds: float) -> str | None:
    """None when the server answers 200, else what happened instead."""
    try:
        response = httpx.get(url, timeout=seconds, **_LOCAL)
    except httpx.HTTPError as error:
        return f"{type(error).__name__}"
    return None if response.status_code == 200 else f"HTTP {response.status_code}"


def local_client(url: str, *, group: str | None = None) -> httpx.Client:
    """A client of one server. `group`: a space in the registry whose subjects are invisible from other groups."""
    return httpx.Client(
        base_url=url,
        timeout=30,
        **_LOCAL,
        headers={"X-Registry-GroupId": group} if group else {},
    )


def send(
    client: httpx.Client,
    method: str,
    path: str,
    body: Any = None,
    *,
    retry: tuple[int, ...] = (),
    seconds: float = 300.0,
) -> httpx.Response:
    """The answer; 404 counts as one. Until the deadline, statuses in `retry` are tried again, and so is a request without an
    answer: requests that fill the servers may be repeated, and on a busy machine a new registry takes half a
    minute.

    Raises `SandboxError` for every other status and for a failed connection.
    """
    deadline = time.monotonic() + seconds
    url = f"{str(client.base_url).rstrip('/')}{path}"
    while True:
        try:
            response = client.request(method, path, json=body)
        except httpx.HTTPError as error:
            if isinstance(error, httpx.TimeoutException) and time.monotonic() < deadline:
                continue
            raise SandboxError(f"{method} {url} failed: {type(error).__name__}") from error
        if response.is_success or response.status_code == 404:
            return response
        if response.status_code not in retry or time.monotonic() > deadline:
            raise SandboxError(f"{method} {url} was answered {response.status_code}: {response.text[:300]}")
        time.sleep(_RETRY_SECONDS)
