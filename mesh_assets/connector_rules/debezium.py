"""Debezium: change data capture for every engine, and Confluent Cloud's managed classes of it.

Sources: https://debezium.io/documentation/reference/stable/connectors/ (one page per engine: "Topic names", "Connector
configuration properties") and https://docs.confluent.io/cloud/current/connectors/cc-postgresql-cdc-source-v2-debezium/.
Up to 1.9 the prefix was `database.server.name`, lists were called whitelists, and the history had another prefix.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property

from mesh_assets.analysis.graph import Known, Node
from mesh_assets.connector_rules.datasets import WHOLE, database, dataset, mongo_namespace, sql_server
from mesh_assets.connector_rules.facts import Facts, Names, OwnTopic, Rules, Source
from mesh_assets.connector_rules.routing import Routing
from mesh_assets.connector_rules.tables import Selection, not_followed, split_entries
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import listed

_PREFIX = ("topic.prefix", "database.server.name", "mongodb.name")
_HISTORY = ("schema.history.internal", "database.history")
_NOT_IN_TOPICS = re.compile(r"[^A-Za-z0-9._-]")


class Engine(Record, frozen=True, kw_only=True):
    """How an engine names its tables. `parts`: of a table's name in its topic, after the prefix (`schema`, `table`,
    `database`). `has_history`: whether it keeps the history of its schemas, and reports changes to them in the topic named
    like its prefix."""

    kind: str
    parts: tuple[str, ...]
    has_history: bool = False
    tables: str = "table"


_POSTGRES = Engine(kind="postgresql", parts=("schema", "table"))
_MYSQL = Engine(kind="mysql", parts=("database", "table"), has_history=True)
_SQL_SERVER = Engine(kind="sqlserver", parts=("database", "schema", "table"), has_history=True)
_OLD_SQL_SERVER = Engine(kind="sqlserver", parts=("schema", "table"), has_history=True)
_ORACLE = Engine(kind="oracle", parts=("schema", "table"), has_history=True)
_DB2 = Engine(kind="db2", parts=("schema", "table"), has_history=True)
_MONGO = Engine(kind="mongodb", parts=("database", "table"), tables="collection")
# As in its task, which builds topics from schema and table, like Db2's.
_INFORMIX = Engine(kind="informix", parts=("schema", "table"), has_history=True)
_SPANNER = Engine(kind="spanner", parts=("table",))
_VITESS = Engine(kind="vitess", parts=("database", "table"))


class _Table(Record, frozen=True, kw_only=True):
    database: str | None
    schema: str | None
    name: str


class _Connector:
    """One connector's tables and topics."""

    def __init__(self, facts: Facts, engine: Engine) -> None:
        self._facts = facts
        self._engine = engine
        self._prefix = facts.value(*_PREFIX)
        if engine is _SPANNER:  # always derived from the connector: its id in Confluent Cloud
            self._prefix = facts.connector.id or facts.connector.name
        self._delimiter = facts.value("topic.delimiter") or "."
        self._databases = self._known_databases()
        self._namespace = self._known_namespace()
        tables = engine.tables
        self._included = facts.names(f"{tables}.include.list", f"{tables}.whitelist")
        self._key = f"its config {tables}.include.list"
        self._keeps_names = Routing(facts.connector.config).keeps_names

    def read(self) -> Source:
        facts = self._facts
        found = Source(own=list(self._own_topics()), row=self._row())
        if self._prefix is None:
            found.notes.append("its config does not say, or hides, the prefix of its topics")
            return found
        names, patterns = split_entries(self._included)
        strategy = facts.value("topic.naming.strategy") or ""
        if strategy and not strategy.endswith((".SchemaTopicNamingStrategy", ".DefaultTopicNamingStrategy")):
            found.notes.append(f"its topics are named by a class that is not known here: {strategy}")
            if self._namespace is not None:
                found.datasets += [(self._dataset(table), self._key) for table in self._of_names(names)]
            if patterns or not names:
                found.datasets += [(node, self._key) for node in self._wholes()]
            return found
        if self._namespace is None:
            found.notes.append("its config does not say, or hides, which server it reads")
            found.topics += [(self._topic(table), self._key) for table in self._of_names(names)]
            return found
        for table in self._of_names(names):
            self._pair(found, table)
        if patterns or not names:
            self._select(found, patterns)
        return found

    def _pair(self, found: Source, table: _Table) -> None:
        """The table and its topic. Lists ignore case: of a table listed in other letters, the topic shows the name."""
        topic = self._topic(table)
        if self._facts.is_gone(topic) and self._keeps_names:
            others = self._in_other_letters.get(topic.lower(), [])
            real = self._table_of(others[0]) if len(others) == 1 else None
            if real is not None:
                by = f"the topic's name, and {self._key}"
                found.pair(self._dataset(real), others[0], by, known="inferred", is_routed=True)
                return
        found.pair(self._dataset(table), topic, self._key)

    def _select(self, found: Source, patterns: Sequence[str]) -> None:
        """The tables for which the config has only a pattern, or nothing: those whose topics exist, named as it names them."""
        facts, tables = self._facts, self._engine.tables
        if not self._keeps_names:
            found.datasets += [(node, self._key) for node in self._wholes()]
            found.notes.append(
                f"it is not known which {tables}s become which topics: its config does not name them, and a transform may rename topics"
            )
            return
        selection = Selection(patterns, facts.names(f"{tables}.exclude.list", f"{tables}.blacklist"))
        within = [
            (
                part,
                Selection(
                    facts.names(f"{part}.include.list", f"{part}.whitelist"),
                    facts.names(f"{part}.exclude.list", f"{part}.blacklist"),
                ),
            )
            for part in ("schema", "database")
        ]
        unread = [*selection.unread, *(entry for _, one in within for entry in one.unread)]
        if unread:
            found.notes.append(not_followed(unread))
        by = self._key if patterns else "its config topic.prefix"
        own = {topic.name for topic in found.own}
        any_found = False
        for topic, known in self._candidates():
            table = self._table_of(topic)
            if table is None or topic in own:
                continue
            name = self._listed_name(table)
            if selection.selects(name) and all(
                value is None or one.selects(value)
                for part, one in within
                for value in [table.schema if part == "schema" else table.database]
            ):
                any_found = True
                found.pair(
                    self._dataset(table), topic, f"the topic's name, and {by}", known=known, is_routed=True
                )
        if not any_found:
            found.datasets += [(node, by) for node in self._wholes()]
            named = f"{listed(list(map(repr, patterns)))} selects" if patterns else "it reads"
            found.notes.append(
                f"no topic is named after a {tables} that {named}, so it is not known which {tables}s these are"
            )

    def _row(self) -> str | None:
        """Where in a record the row is. MongoDB's documents are text there. In Confluent Cloud the records may be just the
        rows."""
        if self._engine is _MONGO:
            return None
        return "" if self._facts.is_set("after.state.only") else "after."

    def _candidates(self) -> Iterator[tuple[str, Known]]:
        """The topics that Connect saw it use; else those of the cluster that begin with its prefix and not with a longer prefix
        of another connector."""
        prefix = f"{self._prefix}{self._delimiter}"
        observed = Names(self._facts.observed)
        others = tuple(f"{other}{self._delimiter}" for other in self._facts.prefixes.starting_with(prefix))
        for topic in (observed if any(observed) else self._facts.topics).starting_with(prefix):
            if not topic.startswith(others):
                yield topic, "inferred"

    @cached_property
    def _in_other_letters(self) -> dict[str, list[str]]:
        """Its candidates by their names in lower case."""
        found: dict[str, list[str]] = {}
        for topic, _ in self._candidates():
            found.setdefault(topic.lower(), []).append(topic)
        return found

    def _of_names(self, names: Iterable[str]) -> Iterator[_Table]:
        for name in names:
            parts = name.split(".")
            first = self._engine.parts[0]
            if self._engine.parts == ("database", "table") and len(parts) >= 2:
                yield _Table(database=parts[0], schema=None, name=".".join(parts[1:]))
            elif len(parts) == 3:
                yield _Table(database=parts[0], schema=parts[1], name=parts[2])
            elif self._engine.parts == ("table",):
                yield _Table(database=next(iter(self._databases), None), schema=None, name=name)
            elif len(parts) == 2:
                for one in self._databases if first == "database" else self._databases[:1] or (None,):
                    yield _Table(database=one, schema=parts[0], name=parts[1])

    def _table_of(self, topic: str) -> _Table | None:
        """The table whose topic this is; None if it is not named like one."""
        rest = topic.removeprefix(f"{self._prefix}{self._delimiter}").split(self._delimiter)
        parts = self._engine.parts
        if parts == ("database", "table") and len(rest) >= 2 and self._engine is _MONGO:
            rest = [rest[0], self._delimiter.join(rest[1:])]  # collection names contain dots
        if len(rest) != len(parts) or not all(rest):
            return None
        named = dict(zip(parts, rest, strict=True))
        return _Table(
            database=named.get("database") or next(iter(self._databases), None),
            schema=named.get("schema"),
            name=named["table"],
        )

    def _topic(self, table: _Table) -> str:
        values = {"database": table.database, "schema": table.schema, "table": table.name}
        parts = [self._prefix, *(values[part] for part in self._engine.parts)]
        return _NOT_IN_TOPICS.sub("_", self._delimiter.join(part for part in parts if part))

    def _listed_name(self, table: _Table) -> str:
        """As the lists in its config say."""
        first = table.database if self._engine.parts == ("database", "table") else table.schema
        return f"{first}.{table.name}" if first else table.name

    def _dataset(self, table: _Table) -> Node:
        parts = (table.database, table.schema, table.name)
        return dataset(self._namespace or "", ".".join(part for part in parts if part))

    def _wholes(self) -> list[Node]:
        if self._namespace is None:
            return []
        return [dataset(self._namespace, name) for name in self._databases or (WHOLE,)]

    def _known_namespace(self) -> str | None:
        """The namespace of the server that it reads; None if its config does not say."""
        facts, kind = self._facts, self._engine.kind
        if kind == "mongodb":
            hosts = facts.value("mongodb.connection.string", "mongodb.hosts")
            return None if hosts is None else mongo_namespace(hosts)
        if kind == "spanner":
            project, instance = (facts.value(f"gcp.spanner.{part}.id") for part in ("project", "instance"))
            return f"spanner://{project}:{instance}" if project and instance else None
        host = facts.value("database.hostname", "vitess.vtgate.host")
        port = facts.value("database.port", "vitess.vtgate.port")
        if host is None:
            return None
        if kind == "sqlserver":
            return sql_server(host, port, facts.value("database.instance"), None).namespace
        return database(kind, host, port, None).namespace

    def _known_databases(self) -> tuple[str, ...]:
        facts = self._facts
        match self._engine.kind:
            case "oracle":
                names = facts.names("database.pdb.name") or facts.names("database.dbname")
            case "mysql" | "mongodb":
                names = split_entries(facts.names("database.include.list", "database.whitelist"))[0]
            case "spanner":
                names = facts.names("gcp.spanner.database.id")
            case "vitess":
                names = facts.names("vitess.keyspace")
            case _:
                names = facts.names("database.names") or facts.names("database.dbname")
        return tuple(names)

    def _own_topics(self) -> Iterator[OwnTopic]:
        facts, prefix = self._facts, self._prefix
        for history in _HISTORY:
            if name := facts.value(f"{history}.kafka.topic"):
                there = facts.cluster_at(facts.value(f"{history}.kafka.bootstrap.servers"))
                cluster = None if there is None else there.cluster
                yield OwnTopic(
                    name=name,
                    by=f"its config {history}.kafka.topic: the schema history",
                    cluster=cluster,
                )
        if prefix is None:
            return
        if (facts.value("heartbeat.interval.ms") or "0") != "0":
            heartbeat = (
                facts.value("topic.heartbeat.prefix", "heartbeat.topics.prefix") or "__debezium-heartbeat"
            )
            yield OwnTopic(
                name=f"{heartbeat}{self._delimiter}{prefix}",
                by="its config heartbeat.interval.ms: heartbeats",
            )
        if facts.is_set("provide.transaction.metadata"):
            ending = facts.value("topic.transaction") or "transaction"
            yield OwnTopic(
                name=f"{prefix}{self._delimiter}{ending}",
                by="its config provide.transaction.metadata: transactions",
            )
        if self._engine.has_history and facts.is_set("include.schema.changes", default=True):
            yield OwnTopic(name=prefix, by="its config include.schema.changes: schema changes")
        if "kafka" in facts.names("signal.enabled.channels"):
            name = facts.value("signal.kafka.topic") or f"{prefix}-signal"
            yield OwnTopic(name=name, by="its config signal.enabled.channels: signals", reads=True)
        if "sink" in facts.names("notification.enabled.channels") and (
            name := facts.value("notification.sink.topic.name")
        ):
            yield OwnTopic(name=name, by="its config notification.sink.topic.name: notifications")


def _rule(engine: Engine) -> Callable[[Facts], Source]:
    return lambda facts: _Connector(facts, engine).read()


def _sql_server(facts: Facts) -> Source:
    """Since 2.0 a connector may read several databases, whose names are part of the topics' names."""
    one = facts.value("database.names") is None and facts.value("database.dbname") is not None
    return _Connector(facts, _OLD_SQL_SERVER if one else _SQL_SERVER).read()


DEBEZIUM: Rules = {
    "io.debezium.connector.postgresql.PostgresConnector": _rule(_POSTGRES),
    "PostgresCdcSource": _rule(_POSTGRES),
    "PostgresCdcSourceV2": _rule(_POSTGRES),
    "io.debezium.connector.mysql.MySqlConnector": _rule(_MYSQL),
    "io.debezium.connector.mariadb.MariaDbConnector": _rule(_MYSQL),
    "MySqlCdcSource": _rule(_MYSQL),
    "MySqlCdcSourceV2": _rule(_MYSQL),
    "MariaDbCdcSource": _rule(_MYSQL),
    "io.debezium.connector.sqlserver.SqlServerConnector": _sql_server,
    "SqlServerCdcSource": _sql_server,
    "SqlServerCdcSourceV2": _sql_server,
    "io.debezium.connector.oracle.OracleConnector": _rule(_ORACLE),
    "OracleXStreamSource": _rule(_ORACLE),
    "io.confluent.connect.oracle.xstream.cdc.OracleXStreamSourceConnector": _rule(_ORACLE),
    "io.debezium.connector.db2.Db2Connector": _rule(_DB2),
    "io.debezium.connector.informix.InformixConnector": _rule(_INFORMIX),
    "io.debezium.connector.spanner.SpannerConnector": _rule(_SPANNER),
    "SpannerCdcSource": _rule(_SPANNER),
    "MongoDbCdcSource": _rule(_MONGO),
    "io.debezium.connector.mongodb.MongoDbConnector": _rule(_MONGO),
    "io.debezium.connector.vitess.VitessConnector": _rule(_VITESS),
}
