"""HTTP to the sandbox's own servers: do they answer, and what."""

import time
from typing import Any

import httpx

from mesh_assets.errors import SandboxError

# Whether an HTTP server answers.


def http_answers(url: str, *, seconds: float) -> str | None:
    """None when it answers 200, else what happened instead."""
    try:
        # trust_env off: a proxy of the environment has no business between two ends of this machine.
        response = httpx.get(url, timeout=seconds, trust_env=False)
    except httpx.HTTPError as error:
        return f"{type(error).__name__}"
    return None if response.status_code == 200 else f"HTTP {response.status_code}"


# HTTP to the sandbox's own servers while they are filled.

_RETRY_SECONDS = 0.3


def local_client(url: str, *, group: str | None = None) -> httpx.Client:
    """`group`: of the registry, whose own word for a space of subjects that others do not see."""
    # No proxy of the environment between two ends of this machine.
    return httpx.Client(
        base_url=url, timeout=30, trust_env=False, headers={"X-Registry-GroupId": group} if group else {}
    )


def send(
    client: httpx.Client,
    method: str,
    path: str,
    body: Any = None,
    *,
    retry: tuple[int, ...] = (),
    seconds: float = 60.0,
) -> httpx.Response:
    """The answer, with the statuses in `retry` tried again until the deadline. Another failure is a sentence;
    404 is an answer."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            response = client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise SandboxError(f"{method} {client.base_url}{path} failed: {type(error).__name__}") from error
        if response.is_success or response.status_code == 404:
            return response
        if response.status_code not in retry or time.monotonic() > deadline:
            raise SandboxError(
                f"{method} {client.base_url}{path} was answered {response.status_code}: {response.text[:300]}"
            )
        time.sleep(_RETRY_SECONDS)
