"""What Confluent Cloud's services have in common: how long a wait is worth, and lists in pages, whole or an error."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mesh_assets.platforms.http import Answer, Clock, HttpService, Pace, RetryPolicy

# What Confluent Cloud allows, and how long it is worth waiting for it.

# Reads of a Schema Registry: 75 a second, over all keys of an environment (Confluent's documentation of its
# packages). 50 and a burst of 25 stay below that; whoever else reads there at the same time is served by
# waiting out the 429 that then comes.
_READS_PER_SECOND = 50.0
_READS_AT_ONCE = 25

# Limits here are counted by the minute (`rateLimit-reset`, `X-RateLimit-Reset`: relative seconds), so a wait
# of up to one is normal. A connection with a shorter timeout than the estate's usual one belongs to somebody
# in a hurry: a sensor, whose look at a cluster may take 25 s.
_MINUTE = 60.0
_USUAL_TIMEOUT_SECONDS = 15.0
_CAP_SECONDS = 10.0


def registry_pace(clock: Clock) -> Pace:
    return Pace(per_second=_READS_PER_SECOND, burst=_READS_AT_ONCE, clock=clock)


def patient(timeout_seconds: float) -> RetryPolicy:
    """For a service that throttles by the minute. `timeout_seconds`: the connection's own."""
    if timeout_seconds < _USUAL_TIMEOUT_SECONDS:
        return RetryPolicy()
    return RetryPolicy(budget_seconds=max(_MINUTE, timeout_seconds), cap_seconds=_CAP_SECONDS)


# Confluent Cloud's lists: pages by token, to their end, whole or an error.

PAGE_SIZE = 100
"""The largest that the API takes; its default is 10."""

_MOST_PAGES = 100


def read_pages(service: HttpService, path: str, params: Mapping[str, str]) -> list[tuple[Answer, Any]]:
    """Every item of the list at `path`, with the answer it came in. Raises PlatformError.

    Of `metadata.next` only the token is taken, since the address in it could lead elsewhere with the key. A
    token that comes again, more than 100 pages, and fewer items than `metadata.total_size` are errors: a list
    is whole or none.
    """
    items: list[tuple[Answer, Any]] = []
    tokens: set[str] = set()
    page: dict[str, str | int] = {**params, "page_size": PAGE_SIZE}
    for _ in range(_MOST_PAGES):
        answer = service.ask("GET", path, params=page)
        value = answer.json()
        data, metadata = (
            (value.get("data"), value.get("metadata") or {}) if isinstance(value, dict) else (None, {})
        )
        if not isinstance(data, list) or not isinstance(metadata, dict):
            raise answer.unexpected("with something that is no page of a list")
        items.extend((answer, item) for item in data)
        token = _token(answer, metadata.get("next"))
        if token is None:
            total = metadata.get("total_size")
            if isinstance(total, int) and len(items) < total:
                raise answer.unexpected(
                    f"with {len(items):,} of {total:,} items and no further page; the list is not whole"
                )
            return items
        if token in tokens:
            raise answer.unexpected("with a page token for the second time; the list would never end")
        tokens.add(token)
        page["page_token"] = token
    raise answer.unexpected(f"with page after page, more than {_MOST_PAGES} times")


def _token(answer: Answer, link: object) -> str | None:
    """The token in the link to the next page; None: this was the last one."""
    if link is None or link == "":
        return None
    tokens = parse_qs(urlsplit(link).query).get("page_token", []) if isinstance(link, str) else []
    if len(tokens) != 1:
        raise answer.unexpected("with a link to the next page that holds no page token")
    return tokens[0]
