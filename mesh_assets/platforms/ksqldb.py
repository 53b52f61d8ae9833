"""ksqlDB: its queries, and which topics they read and write.

Source: ksqlDB's REST API (https://docs.ksqldb.io/en/latest/developer-guide/ksqldb-rest-api/) and the entities that its
server sends (`QueryDescription`, `SourceInfo` and `ServerInfo` of confluentinc/ksql). A query names streams
and tables, and the lists of these say which topic each one is: we parse no SQL. It takes one request, plus
one for the server itself.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.estate.connections import KsqlDbConnection
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.platforms.http import SYSTEM_CLOCK, Answer, Clock, HttpService, ServiceClient, Transport

NAME = "ksqlDB"
_MEDIA_TYPE = "application/vnd.ksql.v1+json"
_LISTS = "LIST STREAMS; LIST TABLES; LIST QUERIES EXTENDED;"
_GROUP_PREFIX = "_confluent-ksql-"

Wanted = TypeVar("Wanted")


class ServerInfo(Record, frozen=True, kw_only=True, rename="camel"):
    """What a server says about itself. `service_id`: the names of its groups and internal topics begin with
    it."""

    version: str
    kafka_cluster_id: str
    service_id: str = msgspec.field(name="ksqlServiceId")


class KsqlQuery(Record, frozen=True, kw_only=True):
    """A query that runs until it is terminated. `group`: its consumer group, the application id of Kafka
    Streams; with a shared runtime, several queries have the same. `reads`, `writes`: topics. `unknown`:
    streams and tables whose topic no list names. `states`: those of its hosts, each once (`RUNNING`, `ERROR`,
    `PAUSED`, `UNRESPONSIVE`)."""

    id: str
    group: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    states: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class KsqlDbClient(ServiceClient):
    """Lists what a ksqlDB server, and with it its whole cluster, runs. Changes nothing. Safe to use from many threads."""

    def __init__(
        self, connection: KsqlDbConnection, *, transport: Transport | None = None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """Contacts nothing. Raises EstateError."""
        super().__init__(
            HttpService.open(connection, name=NAME, media_type=_MEDIA_TYPE, transport=transport, clock=clock)
        )

    def info(self) -> ServerInfo:
        """Raises PlatformError."""
        return _decoded(self._service.ask("GET", "/info"), _Info).server

    def queries_on(self, cluster_id: str) -> tuple[KsqlQuery, ...]:
        """The queries of `queries`. Raises PlatformError, even if the server works on another Kafka
        cluster."""
        info = self.info()
        if info.kafka_cluster_id != cluster_id:
            raise UnexpectedAnswerError(
                f"{self._service} works on the Kafka cluster {info.kafka_cluster_id}, not on {cluster_id}; list it in the estate "
                "under the cluster that it belongs to"
            )
        return self.queries(info)

    def queries(self, info: ServerInfo) -> tuple[KsqlQuery, ...]:
        """All that write, and those that keep a table, by id. Raises PlatformError."""
        answer = self._service.ask(
            "POST", "/ksql", content={"ksql": _LISTS, "streamsProperties": {}}, idempotent=True
        )
        entities = _decoded(answer, tuple[_Entity, ...])
        queries = [one for entity in entities for one in entity.queries or ()]
        topics = {one.name: one.topic for entity in entities for one in (*entity.streams, *entity.tables)}
        if all(entity.queries is None for entity in entities):
            raise answer.unexpected("without a list of queries")
        return tuple(
            _query(one, topics, info.service_id)
            for one in sorted(queries, key=lambda one: one.id)
            if one.type == "PERSISTENT"
        )


def _query(described: "_Query", topics: Mapping[str, str], service_id: str) -> KsqlQuery:
    return KsqlQuery(
        id=described.id,
        # Older servers do not name the group, but build it like this.
        group=described.group or f"{_GROUP_PREFIX}{service_id}query_{described.id}",
        reads=_topics(described.sources, topics),
        writes=_topics(described.sinks, topics),
        states=tuple(sorted(set(described.states.values()))),
        unknown=tuple(sorted(name for name in {*described.sources, *described.sinks} if name not in topics)),
    )


def _topics(names: Iterable[str], topics: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted({topics[name] for name in names if name in topics}))


class _Source(msgspec.Struct, gc=False):
    name: str
    topic: str


class _Query(msgspec.Struct, gc=False):
    id: str
    sources: tuple[str, ...]
    sinks: tuple[str, ...]
    states: dict[str, str] = msgspec.field(name="ksqlHostQueryStatus", default_factory=dict)
    # Older servers do not say it, and list no others.
    type: str = msgspec.field(name="queryType", default="PERSISTENT")
    group: str | None = msgspec.field(name="consumerGroupId", default=None)


class _Entity(msgspec.Struct):
    """The answer to one statement. `queries`: None for one that was not asked for them."""

    streams: tuple[_Source, ...] = ()
    tables: tuple[_Source, ...] = ()
    queries: tuple[_Query, ...] | None = msgspec.field(name="queryDescriptions", default=None)


class _Info(msgspec.Struct):
    server: ServerInfo = msgspec.field(name="KsqlServerInfo")


def _decoded(answer: Answer, kind: type[Wanted]) -> Wanted:
    """Raises PlatformError."""
    if not answer.ok:
        raise answer.error()
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except UNDECODABLE as error:
        raise answer.unexpected(
            f"with something that ksqlDB does not send ({error}); is the url right?"
        ) from error
