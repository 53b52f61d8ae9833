"""What the clients of Confluent Cloud's services share: how they open, how long they wait, how they read
pages."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from mesh_assets.estate.connections import HttpConnection
from mesh_assets.platforms.http import (
    SYSTEM_CLOCK,
    Answer,
    Clock,
    Credential,
    HttpService,
    RateLimiter,
    RetryPolicy,
    ServiceClient,
    Transport,
)

PAGE_SIZE = 100
"""The largest page that the API serves; its default is 10."""

_MOST_PAGES = 100

# Confluent Cloud counts requests by the minute (`rateLimit-reset`, `X-RateLimit-Reset`: relative seconds), so
# a wait of up to a minute is normal. A connection whose timeout is shorter than the estate's default belongs
# to a sensor, which has 25 s for each cluster.
_MINUTE = 60.0
_DEFAULT_TIMEOUT_SECONDS = 15.0
_CAP_SECONDS = 10.0

# A Schema Registry allows 75 reads a second over all keys of an environment (Confluent's documentation of its
# packages). 50 a second and a burst of 25 stay below that; if others read at the same time, the retries wait
# out the 429.
_READS_PER_SECOND = 50.0
_READS_AT_ONCE = 25

Connection = TypeVar("Connection", bound=HttpConnection)


class ConfluentCloudClient(ServiceClient, Generic[Connection]):
    """A client of one of Confluent Cloud's services. Safe to use from many threads.

    A subclass names its service and the kind of key that opens it, and messages repeat both.
    """

    service_name: ClassVar[str]
    key: ClassVar[Credential]

    def __init__(
        self,
        connection: Connection,
        *,
        policy: RetryPolicy | None = None,
        transport: Transport | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Contacts nothing. Raises EstateError when a reference in `connection` cannot be resolved."""
        super().__init__(
            HttpService.open(
                connection,
                name=self.service_name,
                policy=policy or patient(connection.timeout_seconds),
                credential=self.key,
                transport=transport,
                clock=clock,
            )
        )
        self._connection = connection

    def _items(self, path: str, params: Mapping[str, str]) -> list[tuple[Answer, Any]]:
        """Every item of the list at `path`, each with the answer it came in. Raises PlatformError.

        A list is complete or an error: one that is shorter than its own `metadata.total_size` is an error.
        """
        items: list[tuple[Answer, Any]] = []

        def read(page: Mapping[str, str]) -> tuple[Answer, str | None]:
            answer = self._service.ask("GET", path, params={**params, "page_size": PAGE_SIZE, **page})
            data, metadata = _page(answer)
            items.extend((answer, item) for item in data)
            token, total = page_token(answer, metadata.get("next")), metadata.get("total_size")
            if token is None and isinstance(total, int) and len(items) < total:
                raise answer.unexpected(
                    f"with {len(items):,} of {total:,} items and no further page; the list is incomplete"
                )
            return answer, token

        self._follow_pages(read)
        return items

    def _follow_pages(self, read: Callable[[Mapping[str, str]], tuple[Answer, str | None]]) -> None:
        """Calls `read` with the parameters of page after page; it returns the answer and the next page's
        token.

        Raises UnexpectedAnswerError when a token repeats or 100 pages are not enough.
        """
        tokens: set[str] = set()
        page: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            answer, token = read(page)
            if token is None:
                return
            if token in tokens:
                raise answer.unexpected("with the same page token twice; the list would never end")
            tokens.add(token)
            page = {"page_token": token}
        raise answer.unexpected(f"with more than {_MOST_PAGES} pages")


def page_token(answer: Answer, link: object) -> str | None:
    """The token in the link to the next page; None after the last page. Raises UnexpectedAnswerError.

    Only the token is taken: the address in the link could lead elsewhere, with the key.
    """
    if link is None or link == "":
        return None
    tokens = parse_qs(urlsplit(link).query).get("page_token", []) if isinstance(link, str) else []
    if len(tokens) != 1:
        raise answer.unexpected("with a link to the next page that holds no page token")
    return tokens[0]


def patient(timeout_seconds: float) -> RetryPolicy:
    """The retries of a service that throttles by the minute; `timeout_seconds` is the connection's own."""
    if timeout_seconds < _DEFAULT_TIMEOUT_SECONDS:
        return RetryPolicy()
    return RetryPolicy(budget_seconds=max(_MINUTE, timeout_seconds), cap_seconds=_CAP_SECONDS)


def registry_rate_limiter(clock: Clock) -> RateLimiter:
    """Keeps a client below the limit that all keys of an environment share."""
    return RateLimiter(per_second=_READS_PER_SECOND, burst=_READS_AT_ONCE, clock=clock)


def _page(answer: Answer) -> tuple[list[Any], dict[str, Any]]:
    value = answer.json()
    data, metadata = (
        (value.get("data"), value.get("metadata") or {}) if isinstance(value, dict) else (None, {})
    )
    if not isinstance(data, list) or not isinstance(metadata, dict):
        raise answer.unexpected("with something other than a page of a list")
    return data, metadata
