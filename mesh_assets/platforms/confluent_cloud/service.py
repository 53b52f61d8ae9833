"""What Confluent Cloud's services share: kinds of keys and roles, opening a client, pages, patience."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from mesh_assets.estate.connections import HttpConnection, SchemaRegistryConnection, is_confluent_host
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

# Confluent Cloud's kinds of keys: each opens only its own systems, and a refusal names the expected kind and
# the missing role.
#
# | Key | Opens |
# |---|---|
# | Cloud key | organization, environments, clusters, registries; managed connectors; metrics |
# | Kafka cluster key | the brokers |
# | Schema Registry key | the registry |
# | Flink API key | Flink's statements in one region |
#
# 401 means that the service does not know the key, most often because it is of the wrong kind; 403 means that
# the key's owner lacks a role. The roles named here are the weakest that suffice (docs/confluent-cloud.md).


def cloud_key(*, field: str, lacking: str) -> Credential:
    """A Cloud key. `field` is its place in the estate, `lacking` the roles that it needs."""
    return Credential(
        kind="Cloud key",
        unknown=(
            f"expected a Cloud key, not one of a Kafka cluster or a Schema Registry; check username and password of {field} in the estate"
        ),
        lacking=f"the owner of this Cloud key needs {lacking}",
    )


CONNECT_KEY = cloud_key(
    field="connect (kind: confluent_cloud)",
    lacking="the role Operator on the cluster to see connectors, and DeveloperRead on connector * to see their configs",
)
CONTROL_PLANE_KEY = cloud_key(field="control_plane", lacking="the role Operator on the environment")
METRICS_KEY = cloud_key(
    field="metrics (kind: confluent_cloud)", lacking="the role MetricsViewer, granted on the organization"
)
FLINK_KEY = Credential(
    kind="Flink API key",
    unknown="expected a Flink API key of this region; check username and password of flink in the estate",
    lacking="the owner of this Flink API key needs the role FlinkDeveloper on the environment",
)

KAFKA_KEY_EXPECTED = (
    "expected an API key of this Kafka cluster, not a Cloud key or one of a Schema Registry; check kafka.username and kafka.password in "
    "the estate"
)
_ROLE_OF = {
    "READ": "the role DeveloperRead on it",
    "WRITE": "the role DeveloperWrite on it",
    "CREATE": "the role DeveloperManage on it (or let somebody create it who may)",
}


def role_for(right: str) -> str:
    """The role that grants `right`, which begins with Kafka's name for an operation: `WRITE on the topic
    orders`."""
    return f"{_ROLE_OF.get(right.split()[0], 'the role Operator on the cluster')}; on Basic clusters an ACL"


KAFKA_KEY_LACKS = (
    "the owner of this Kafka API key needs the role Operator on the cluster (on Basic clusters: ACLs)"
)

SCHEMA_REGISTRY_KEY = Credential(
    kind="Schema Registry key",
    unknown=(
        "expected a Schema Registry key made for this registry, not a Cloud key or one of a Kafka cluster; check username and password of "
        "schema_registry in the estate"
    ),
    lacking=(
        "the owner of this Schema Registry key needs the role DeveloperRead on subject *, and DeveloperWrite on discovery-events-value and "
        "discovery-changes-value to publish"
    ),
)


def is_confluent_registry(connection: SchemaRegistryConnection, *, url: str) -> bool:
    """Whether the registry at `url` (the connection's, resolved) is Confluent Cloud's: only those have an
    `lsrc-…` id."""
    return connection.id is not None or is_confluent_host(url)


# What the clients of Confluent Cloud's services share: how they open, how long they wait, how they read
# pages.

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
