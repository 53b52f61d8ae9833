"""Kafka Connect's REST interface: all connectors with their states in one request.

Sources: KIP-465 (`expand`, Kafka 2.3), KIP-558 (`/topics`, 2.5), KIP-875 (STOPPED), and `ConnectorsResource`
of Apache Kafka 4.3.
"""

from dataclasses import dataclass, replace
from typing import Any

from mesh_assets.errors import PlatformError, UnreachableError
from mesh_assets.estate.connections import KafkaConnectEndpoint
from mesh_assets.platforms import Presence
from mesh_assets.platforms.connect.connectors import (
    Connector,
    ShapeError,
    connector_of,
    text_or_none,
    those_read,
)
from mesh_assets.platforms.http import (
    SYSTEM_CLOCK,
    Answer,
    Clock,
    HttpService,
    RetryPolicy,
    ServiceClient,
    Transport,
    path_segment,
)
from mesh_assets.platforms.in_flight import in_flight

# While its group rebalances, a worker answers 409 to any request that it would have to forward.
_REBALANCING = frozenset({409})
_NOT_SUPPORTED = frozenset({404, 405, 501})
# The answers of a worker that cannot say what a plugin declares: it is older than Kafka 3.2 (KIP-769), does
# not have the plugin, or the plugin's own `config()` fails.
_NOT_DECLARED = frozenset({400, 404, 405, 500, 501})
_NO_CONNECTOR = "mesh-assets-asks-whether-the-worker-has-started"
_IN_FLIGHT = 8
_READ_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """What a worker reports about itself; None for what it leaves out (old workers: `kafka_cluster_id`)."""

    version: str | None
    commit: str | None
    kafka_cluster_id: str | None


class KafkaConnectClient(ServiceClient):
    """Reads one Connect cluster through any of its workers. Safe to use from many threads; changes nothing."""

    def __init__(
        self,
        endpoint: KafkaConnectEndpoint,
        *,
        policy: RetryPolicy | None = None,
        transport: Transport | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(
            HttpService.open(endpoint, name="Kafka Connect", policy=policy, transport=transport, clock=clock)
        )
        self._name = endpoint.name

    @property
    def name(self) -> str:
        """The endpoint's name in the estate; its address if it has none."""
        return self._name or self.address

    def connectors(self) -> tuple[Connector, ...]:
        """Every connector, by name: one request if the worker knows `expand` and every entry is complete.

        What an entry lacks is requested separately. A connector that is gone by then is left out; one that
        has no status yet has state UNKNOWN, and one that the worker does not answer about (it refuses some
        names in paths) has an error. A worker older than Kafka 2.3 lists only names, which costs two requests
        for each connector. Raises PlatformError when the worker as a whole does not answer.

        Kafka leaves a connector out of the expanded list until its first status, some milliseconds after its
        creation. A starting worker lists none before it has read which ones exist (seen with 4.3.1;
        KAFKA-10816); it answers about a single connector only after that, so after an empty list we make such
        a request and then ask for the list once more.
        """
        answer = self._ask("/connectors", expand=["info", "status"])
        value = answer.json()
        if not value:
            self.presence(_NO_CONNECTOR)
            answer = self._ask("/connectors", expand=["info", "status"])
            value = answer.json()
        if isinstance(value, list):
            value = {name: {} for name in value}
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise answer.unexpected("with something other than a map of connectors")
        read = in_flight(
            lambda entry: self._connector(answer, *entry),
            sorted(value.items()),
            workers=_IN_FLIGHT,
            within_seconds=_READ_SECONDS,
            what=f"reading {len(value)} connectors of {self._service}",
        )
        names = sorted(value)
        return those_read({name: found for name, found in zip(names, read, strict=True) if found is not None})

    def topics(self, name: str) -> tuple[str, ...] | None:
        """The topics that the connector has used since its creation or the last reset of its topics, sorted.

        None when the worker does not track them (switched off, or older than Kafka 2.5). Raises
        PlatformError.
        """
        answer = self._ask(f"/connectors/{path_segment(name)}/topics")
        if answer.status in _NOT_SUPPORTED or (
            answer.status == 403 and "tracking is disabled" in answer.message
        ):
            return None
        value = answer.json()
        entry = value.get(name) if isinstance(value, dict) else None
        topics = entry.get("topics") if isinstance(entry, dict) else None
        if not isinstance(topics, list) or not all(isinstance(topic, str) for topic in topics):
            raise answer.unexpected("without a list of topics")
        return tuple(sorted(topics))

    def password_keys(self, plugin_class: str) -> frozenset[str] | None:
        """The config keys that the plugin (connector, converter, transform, predicate) declares as passwords
        (ConfigDef.Type.PASSWORD, which Connect hides in its own logs).

        None when the worker does not say. Raises PlatformError.
        """
        answer = self._ask(f"/connector-plugins/{path_segment(plugin_class)}/config")
        if answer.status in _NOT_DECLARED:
            return None
        value = answer.json()
        if not isinstance(value, list):
            raise answer.unexpected("with something other than a list of config definitions")
        return frozenset(
            entry["name"]
            for entry in value
            if isinstance(entry, dict)
            and entry.get("type") == "PASSWORD"
            and isinstance(entry.get("name"), str)
        )

    def presence(self, name: str) -> Presence:
        """Whether connector `name` exists, whatever the list says. Raises PlatformError."""
        return self._ask(f"/connectors/{path_segment(name)}").presence()

    def worker_info(self) -> WorkerInfo:
        """The version and the Kafka cluster of the worker that answers. Raises PlatformError."""
        answer = self._ask("/")
        value = answer.json()
        if not isinstance(value, dict):
            raise answer.unexpected(
                "with something other than a description of a worker; is this Kafka Connect?"
            )
        return WorkerInfo(
            version=text_or_none(value.get("version")),
            commit=text_or_none(value.get("commit")),
            kafka_cluster_id=text_or_none(value.get("kafka_cluster_id")),
        )

    def _ask(self, path: str, **params: list[str]) -> Answer:
        return self._service.ask("GET", path, params=params, also_retry=_REBALANCING)

    def _connector(self, answer: Answer, name: str, entry: Any) -> Connector | PlatformError | None:
        """The connector, as far as the worker returns it; an error when it returns none of it, None when it
        is gone."""
        if not isinstance(entry, dict):
            return answer.unexpected(f"with an entry for {name!r} that is not an object")
        info, status = entry.get("info"), entry.get("status")
        errors: list[PlatformError] = []
        if info is None:
            # An old worker lists names only; or the connector was deleted while the worker built its list
            # (old workers then answer null).
            info = self._part(f"/connectors/{path_segment(name)}")
            if info is None:
                return None
        if status is None:
            status = self._part(f"/connectors/{path_segment(name)}/status") or {}
        if isinstance(info, PlatformError) and isinstance(status, PlatformError):
            return info
        if isinstance(info, PlatformError):
            errors, info = [info], {"config": {}}
        elif isinstance(info, dict) and info.get("config") is None:
            errors, info = (
                [answer.unexpected(f"with a connector {name!r} without a config")],
                {**info, "config": {}},
            )
        if isinstance(status, PlatformError):
            errors, status = [*errors, status], {}
        try:
            read = connector_of(name, info, status)
        except ShapeError as error:
            return answer.unexpected(f"with a connector {name!r} {error}")
        return replace(read, error="; ".join(map(str, errors)) or None)

    def _part(self, path: str) -> Any:
        """The value at `path`, None when there is none, the error of this one path."""
        answer = self._ask(path)
        try:
            return None if answer.status == 404 else answer.json()
        except UnreachableError:
            raise
        except PlatformError as error:
            return error
