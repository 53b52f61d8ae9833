"""JDBC sources and sinks: Confluent's, Aiven's and Debezium's, and Confluent Cloud's managed classes for one database each.

Sources: https://docs.confluent.io/kafka-connectors/jdbc/current/source-connector/source_config_options.html and the
sink's page beside it, https://docs.confluent.io/cloud/current/connectors/cc-postgresql-source.html (and -sink),
https://github.com/Aiven-Open/jdbc-connector-for-apache-kafka/tree/master/docs,
https://debezium.io/documentation/reference/stable/connectors/jdbc.html
"""

import re
from collections.abc import Callable

from msgspec.structs import replace

from mesh_assets.analysis.graph import Known, Node
from mesh_assets.analysis.sql import UnreadableSqlError, tables_of_query
from mesh_assets.connector_rules.datasets import Database, database, database_of_url
from mesh_assets.connector_rules.facts import Facts, Rules, Sink, Source
from mesh_assets.connector_rules.routing import Routing
from mesh_assets.connector_rules.tables import Selection, not_followed, split_entries

_HOSTS = ("connection.url", "aws.redshift.domain", "azure.sql.dw.server.name")
_INCLUDED = ("table.whitelist", "table.include.list", "tables")
_EXCLUDED = ("table.blacklist", "table.exclude.list")
_NAMING = (".DefaultCollectionNamingStrategy", ".DefaultTableNamingStrategy")
_NORMAL = re.compile(r"[^A-Za-z0-9_]")
_UNKNOWN = "its config does not say, or hides, which database it uses"
_FORM = "its connection.url has a form that is not known here, so its database is not known"
_QUOTES = re.compile(r'["`\[\]]')

DatabaseOf = Callable[[Facts], Database | None]


def _by_url(facts: Facts) -> Database | None:
    url = facts.value("connection.url")
    found = None if url is None else database_of_url(url, schema=_schema(facts))
    if found is None or found.name is not None or found.has_schemas:
        return found
    return replace(found, name=_alone(facts.value("catalog.pattern")))


def _managed(kind: str) -> DatabaseOf:
    def of(facts: Facts) -> Database | None:
        host = facts.value("connection.host")
        if host is None:
            return None
        name = facts.value("db.name", "connection.database", "oracle.service.name", "oracle.sid")
        return database(kind, host, facts.value("connection.port"), name, schema=_schema(facts))

    return of


def _redshift(facts: Facts) -> Database | None:
    host = facts.value("aws.redshift.domain")
    name = facts.value("aws.redshift.database")
    return None if host is None else database("redshift", host, facts.value("aws.redshift.port"), name)


def _synapse(facts: Facts) -> Database | None:
    host = facts.value("azure.sql.dw.server.name")
    return (
        None if host is None else database("sqlserver", host, None, facts.value("azure.sql.dw.database.name"))
    )


def _schema(facts: Facts) -> str | None:
    """The schema that the config names for tables without one; None if it is a pattern of several."""
    return _alone(facts.value("schema.pattern", "db.schema"))


def _alone(pattern: str | None) -> str | None:
    return pattern if pattern and not set(pattern) & set("%_*,") else None


def _unknown(facts: Facts) -> str:
    return _FORM if facts.value("connection.url") else _UNKNOWN


def _table(db: Database, name: str) -> tuple[Node, Known]:
    """The table of that name, and whether the name alone identifies it: without a schema it is where the database looks
    first, unless configured otherwise."""
    parts = _QUOTES.sub("", name).split(".")
    if len(parts) == 1:
        return db.table(parts[0]), "inferred" if db.has_schemas else "declared"
    if not db.has_schemas:
        return replace(db, name=parts[-2]).table(parts[-1]), "declared"
    if len(parts) >= 3:
        db = replace(db, name=parts[-3])
    return db.table(parts[-1], parts[-2]), "declared"


def _last(name: str) -> str:
    return _QUOTES.sub("", name).split(".")[-1]


def _source(database_of: DatabaseOf) -> Callable[[Facts], Source]:
    def rule(facts: Facts) -> Source:
        db = database_of(facts)
        prefix = facts.value("topic.prefix") or ""
        query = facts.value("query")
        if db is None:
            return _topics_alone(facts, prefix, is_query=query is not None)
        if query is not None:
            return _of_query(db, query, prefix)
        found = Source(row="")
        names, patterns = split_entries(facts.names(*_INCLUDED))
        key = f"its config {next((key for key in _INCLUDED if facts.value(key)), 'topic.prefix')}"
        for name in names:
            node, known = _table(db, name)
            by = key if known == "declared" else f"{key}, in the schema where the database looks first"
            found.pair(node, f"{prefix}{_last(name)}", by, known=known)
        if patterns or not names:
            _of_topics(facts, db, prefix, found, Selection(patterns, facts.names(*_EXCLUDED)), key)
        return found

    return rule


def _topics_alone(facts: Facts, prefix: str, *, is_query: bool) -> Source:
    """What the config says about topics where it hides the database."""
    names = [] if is_query else split_entries(facts.names(*_INCLUDED))[0]
    topics = [f"{prefix}{_last(name)}" for name in names] or ([prefix] if is_query and prefix else [])
    key = "query" if is_query else next((key for key in _INCLUDED if facts.value(key)), "topic.prefix")
    return Source(topics=[(topic, f"its config {key}") for topic in topics], notes=[_unknown(facts)])


def _of_query(db: Database, query: str, topic: str) -> Source:
    """A query's records go to the topic named by `topic.prefix`, unchanged."""
    if not topic:
        return Source(
            datasets=[(db.whole, "its config query")], notes=["its config names no topic for its query"]
        )
    try:
        tables = tables_of_query(query)
    except UnreadableSqlError as error:
        return Source(
            datasets=[(db.whole, "its config query")],
            topics=[(topic, "its config topic.prefix")],
            notes=[f"the tables of its query are not known: {error}"],
        )
    found = Source(topics=[] if tables else [(topic, "its config topic.prefix")])
    for name in tables:
        found.pair(_table(db, name)[0], topic, "its config query", known=_table(db, name)[1])
    return found


def _of_topics(
    facts: Facts, db: Database, prefix: str, found: Source, selection: Selection, key: str
) -> None:
    """Without table names: those whose topics Connect saw it use."""
    selected = []
    if Routing(facts.connector.config).keeps_names:
        told = {pair.topic for pair in found.pairs}
        for topic in sorted(facts.observed - told):
            name = topic.removeprefix(prefix)
            if topic.startswith(prefix) and name:
                selected.append(topic)
                found.pair(
                    db.table(name), topic, f"the topic's name, and {key}", known="inferred", is_routed=True
                )
    if not selected:
        found.datasets.append((db.whole, key))
        has = "only patterns" if facts.names(*_INCLUDED) else "no list"
        found.notes.append(
            f"its config has {has} of table names, so it is not known which tables of the database it reads"
        )
    if selection.unread:
        found.notes.append(not_followed(selection.unread))


def _sink(
    database_of: DatabaseOf, *, keys: tuple[str, ...] = ("table.name.format",), dots: str = "."
) -> Callable[[Facts], Sink]:
    """`dots`: what happens to the dots in a topic's name."""

    def rule(facts: Facts) -> Sink:
        db = database_of(facts)
        if db is None:
            unknown = _unknown(facts)
            return Sink(whole=None, by="", table=lambda _: unknown)
        named = facts.value(*keys) or "${topic}"
        mapped = facts.pairs("topics.to.tables.mapping")
        key = next((key for key in (*keys, *_HOSTS) if facts.value(key)), "connection.host")
        strategy = facts.value("collection.naming.strategy", "table.naming.strategy") or ""
        is_own = bool(strategy) and not strategy.endswith(_NAMING)

        def table(topic: str) -> Node | str:
            if is_own:
                return f"its tables are named by a class that is not known here: {strategy}"
            own = topic.replace(".", dots)
            name = mapped.get(topic) or named.replace("${topic}", own)
            if "${" in name:
                return f"its {key} {named} takes the table from each record"
            if facts.is_set("table.name.normalize"):
                name = _NORMAL.sub("_", name)
            return _table(db, name)[0]

        # Debezium's sink takes rows out of their envelopes; the others name columns after the fields as they are.
        makes_tables = dots == "." and facts.is_set("auto.create") and not facts.value("fields.whitelist")
        return Sink(
            whole=db.whole,
            by=f"its config {key}",
            table=table,
            column=(lambda field: field) if makes_tables else None,
        )

    return rule


_JDBC_SOURCE, _JDBC_SINK = _source(_by_url), _sink(_by_url)

RELATIONAL: Rules = {
    "RedshiftSink": _sink(_redshift),
    "io.confluent.connect.aws.redshift.RedshiftSinkConnector": _sink(_redshift),
    "AzureSqlDwSink": _sink(_synapse),
    "io.confluent.connect.jdbc.JdbcSourceConnector": _JDBC_SOURCE,
    "io.confluent.connect.jdbc.JdbcSinkConnector": _JDBC_SINK,
    "io.aiven.connect.jdbc.JdbcSourceConnector": _JDBC_SOURCE,
    "io.aiven.connect.jdbc.JdbcSinkConnector": _JDBC_SINK,
    "io.debezium.connector.jdbc.JdbcSinkConnector": _sink(
        _by_url, keys=("collection.name.format", "table.name.format"), dots="_"
    ),
    **{
        name: rule
        for system, kind in (
            ("Postgres", "postgresql"),
            ("MySql", "mysql"),
            ("MicrosoftSqlServer", "sqlserver"),
            ("OracleDatabase", "oracle"),
            ("IbmDb2", "db2"),
        )
        for name, rule in (
            (f"{system}Source", _source(_managed(kind))),
            (f"{system}Sink", _sink(_managed(kind))),
        )
    },
}
