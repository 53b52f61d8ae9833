"""Warehouses and lakes: Snowflake, BigQuery, ClickHouse, Iceberg.

Sources: https://docs.snowflake.com/en/user-guide/kafka-connector-install,
https://github.com/confluentinc/kafka-connect-bigquery (its configs),
https://docs.confluent.io/cloud/current/connectors/cc-gcp-bigquery-storage-sink.html,
https://clickhouse.com/docs/integrations/kafka/clickhouse-kafka-connect-sink,
https://iceberg.apache.org/docs/latest/kafka-connect/.
"""

import re
from urllib.parse import urlsplit

from mesh_assets.analysis.graph import Node
from mesh_assets.connector_rules.datasets import WHOLE, database, dataset, web_address
from mesh_assets.connector_rules.facts import Facts, OwnTopic, Rules, Sink
from mesh_assets.inventory.java_patterns import java_pattern

_IDENTIFIER = re.compile(r"[_a-zA-Z][_$a-zA-Z0-9]*")
_NOT_SNOWFLAKE = re.compile(r"[^_$a-zA-Z0-9]")
_NOT_BIGQUERY = re.compile(r"[^a-zA-Z0-9_]")


def snowflake(facts: Facts) -> Sink:
    """Tables are named after the topics, in the form of a Snowflake name; unquoted names are upper case there."""
    url = facts.value("snowflake.url.name")
    host = None if url is None else web_address(url)
    if host is None:
        return _unknown("account")
    account = host[0].partition("://")[2].partition(":")[0].removesuffix(".snowflakecomputing.com")
    namespace = f"snowflake://{account}"
    names = [facts.value("snowflake.database.name"), facts.value("snowflake.schema.name")]
    within = [name.upper() for name in names if name]
    mapped = facts.pairs("snowflake.topic2table.map")

    def table(topic: str) -> Node | str:
        name = mapped.get(topic)
        if name is None:
            patterns = {pattern: java_pattern(pattern) for pattern in mapped}
            name = next(
                (mapped[text] for text, one in patterns.items() if one is not None and one.fullmatch(topic)),
                None,
            ) or _snowflake_name(topic)
        return dataset(namespace, ".".join((*within, name.upper() if _IDENTIFIER.fullmatch(name) else name)))

    # Without schematization a table has just two columns.
    has_columns = facts.is_set("snowflake.enable.schematization")
    return Sink(
        whole=dataset(namespace, ".".join(within) or WHOLE),
        by="its config snowflake.url.name",
        table=table,
        column=_snowflake_column if has_columns else None,
    )


def _snowflake_column(field: str) -> str:
    return field.upper() if _IDENTIFIER.fullmatch(field) else field


def _snowflake_name(topic: str) -> str:
    """A topic name that is not a valid table name gets underscores and its Java hash, so that no two become one (the
    connector's `Utils.tableName`)."""
    if _IDENTIFIER.fullmatch(topic) and len(topic) > 1:
        return topic
    value = 0
    for character in topic:
        value = (value * 31 + ord(character)) & 0xFFFFFFFF
    signed = value - 0x1_0000_0000 if value & 0x8000_0000 else value
    first = topic[0] if re.match(r"[_a-zA-Z]", topic) else "_"
    rest = topic[1:] if first == topic[0] else topic
    return f"{first}{_NOT_SNOWFLAKE.sub('_', rest)}_{abs(signed)}"


def bigquery(facts: Facts) -> Sink:
    """One dataset for all topics, or, in versions before 2, by patterns of topics (`.*=lake`)."""
    project = facts.value("project")
    if project is None:
        return _unknown("project")
    by_pattern = facts.pairs("datasets", between="=")
    single = facts.value("defaultDataset") or (None if by_pattern else facts.value("datasets"))
    mapped = facts.pairs("topic2TableMap", "topic2table.map") | facts.pairs("topicsToTables", between="=")
    is_managed = "." not in (facts.connector.config.get("connector.class") or "")
    cleans = facts.is_set("sanitizeTopics", default=is_managed) and facts.is_set(
        "sanitize.topics", default=True
    )

    def table(topic: str) -> Node | str:
        found = single or _matching(by_pattern, topic)
        if found is None:
            return f"its config does not say which dataset of {project} has the table of {topic}"
        name = mapped.get(topic) or topic
        if topic not in mapped and cleans:
            name = _NOT_BIGQUERY.sub("_", name)
            name = f"_{name}" if name[0].isdigit() else name
        return dataset("bigquery", f"{project}.{found}.{name}")

    return Sink(
        whole=dataset("bigquery", f"{project}.{single}" if single else project),
        by="its config project",
        table=table,
        column=(lambda field: field) if facts.is_set("autoCreateTables") else None,
    )


def _matching(by_pattern: dict[str, str], topic: str) -> str | None:
    """The value of the first pattern that matches the whole topic."""
    return next(
        (
            value
            for text, value in by_pattern.items()
            if (pattern := java_pattern(text)) is not None and pattern.fullmatch(topic)
        ),
        None,
    )


def clickhouse(facts: Facts) -> Sink:
    named = facts.value("hostname", "clickhouse.hostname", "connection.host")
    found = None if named is None else web_address(named)
    if found is None:
        return _unknown("host")
    host, _, own_port = found[0].partition("://")[2].partition(":")
    port = own_port or facts.value("port", "connection.port")
    port = port or ("8443" if facts.is_set("ssl", default=True) else "8123")
    db = database("clickhouse", host, port, facts.value("database") or "default")
    mapped = facts.pairs("topic2TableMap", between="=")
    return Sink(
        whole=db.whole, by="its config hostname", table=lambda topic: db.table(mapped.get(topic) or topic)
    )


def iceberg(facts: Facts) -> Sink:
    """Without a field that routes records, every topic goes to every listed table."""
    tables = facts.names("iceberg.tables")
    location = facts.value("iceberg.catalog.warehouse", "iceberg.catalog.uri")
    control = facts.value("iceberg.control.topic") or "control-iceberg"
    own = [
        OwnTopic(name=control, by="its config iceberg.control.topic: how its tasks coordinate", reads=reads)
        for reads in (False, True)
    ]
    if location is None:
        sink = _unknown("catalog or warehouse")
        sink.own = own
        return sink
    try:
        parts = urlsplit(location)
    except ValueError:  # brackets without an address
        sink = _unknown("catalog or warehouse")
        sink.own = own
        return sink
    scheme = {"s3a": "s3", "s3n": "s3"}.get(parts.scheme, parts.scheme)
    is_store = scheme in ("s3", "gs", "abfss", "hdfs")
    # A catalog's address may contain a user; before the @ of a store's is its container.
    where = parts.netloc if is_store else parts.netloc.rpartition("@")[2]
    namespace = f"{scheme}://{where}" if where else location
    folder = parts.path.strip("/") if is_store else ""
    nodes = [dataset(namespace, f"{folder}/{name}" if folder else name) for name in tables]
    routes = facts.value("iceberg.tables.route-field")
    key = "iceberg.tables" if tables else "iceberg.catalog"

    def table(topic: str) -> Node | str:
        if routes is not None or facts.is_set("iceberg.tables.dynamic-enabled"):
            return f"a field of each record, {routes or '(unknown)'}, says which table it goes to"
        if len(nodes) == 1:
            return nodes[0]
        return (
            "it writes every topic to each of its tables"
            if nodes
            else f"its config names no table for {topic}"
        )

    return Sink(
        whole=nodes[0] if len(nodes) == 1 else dataset(namespace, folder or WHOLE),
        by=f"its config {key}",
        table=table,
        own=own,
        others=nodes if len(nodes) > 1 else [],
    )


def _unknown(what: str) -> Sink:
    return Sink(
        whole=None, by="", table=lambda _: f"its config does not say, or hides, which {what} it writes to"
    )


WAREHOUSES: Rules = {
    "com.snowflake.kafka.connector.SnowflakeSinkConnector": snowflake,
    "com.snowflake.kafka.connector.SnowflakeStreamingSinkConnector": snowflake,
    "SnowflakeSink": snowflake,
    "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector": bigquery,
    "BigQuerySink": bigquery,
    "BigQueryStorageSink": bigquery,
    "com.clickhouse.kafka.connect.ClickHouseSinkConnector": clickhouse,
    "ClickHouseSink": clickhouse,
    "org.apache.iceberg.connect.IcebergSinkConnector": iceberg,
    "io.tabular.iceberg.connect.IcebergSinkConnector": iceberg,
}
