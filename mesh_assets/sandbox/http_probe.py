"""Whether an HTTP server answers."""

import httpx


def http_answers(url: str, *, seconds: float) -> str | None:
    """None when it answers 200, else what happened instead."""
    try:
        # trust_env off: a proxy of the environment has no business between two ends of this machine.
        response = httpx.get(url, timeout=seconds, trust_env=False)
    except httpx.HTTPError as error:
        return f"{type(error).__name__}"
    return None if response.status_code == 200 else f"HTTP {response.status_code}"
