"""Warehouses and lakes: BigQuery, ClickHouse, Iceberg.

Sources: https://github.com/confluentinc/kafka-connect-bigquery (its configs),
https://docs.confluent.io/cloud/current/connectors/cc-gcp-bigquery-storage-sink.html,
https://clickhouse.com/docs/integrations/kafka/clickhouse-kafka-connect-sink,
https://iceberg.apache.org/docs/latest/kafka-connect/.
"""

import re
from urllib.parse import urlsplit

from msgspec.structs import replace

from mesh_assets.analysis.graph import Node
from mesh_assets.connector_rules.datasets import WHOLE, database, dataset, web_address
from mesh_assets.connector_rules.facts import Facts, OwnTopic, Rules, Sink, unknown_sink
from mesh_assets.patterns.java import java_pattern, replaced

_NOT_BIGQUERY = re.compile(r"[^a-zA-Z0-9_]")


def bigquery(facts: Facts) -> Sink:
    """One dataset for all topics, or, in versions before 2, by patterns of topics (`.*=lake`)."""
    project = facts.value("project")
    if project is None:
        return unknown_sink("project")
    by_pattern = facts.pairs("datasets", between="=")
    single = facts.value("defaultDataset") or (None if by_pattern else facts.value("datasets"))
    mapped = facts.pairs("topic2TableMap", "topic2table.map")
    by_regex = facts.pairs("topicsToTables", between="=")
    is_managed = "." not in (facts.connector.config.get("connector.class") or "")
    cleans = facts.is_set("sanitizeTopics", default=is_managed) and facts.is_set(
        "sanitize.topics", default=True
    )

    def table(topic: str) -> Node | str:
        name = mapped.get(topic) or _first_replaced(by_regex, topic)
        if name is None:
            return "a pattern in its topicsToTables could not be followed"
        # A router may put the dataset before the table's name (`lake:orders`), unless there is a map.
        own, _, rest = name.partition(":")
        routed = rest and not mapped and ":" not in rest
        found = own if routed else single or _matching(by_pattern, topic)
        name = rest if routed else name
        if found is None:
            return f"its config does not say which dataset of {project} has the table of {topic}"
        if cleans:
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


def _first_replaced(by_regex: dict[str, str], topic: str) -> str | None:
    """The topic's table by the first pattern that matches the whole topic, else the topic; None if it cannot be known."""
    for text, table in by_regex.items():
        pattern = java_pattern(text)
        if pattern is None:
            return None
        if pattern.fullmatch(topic):
            return replaced(pattern, table, topic)
    return topic


def clickhouse(facts: Facts) -> Sink:
    named = facts.value("hostname", "clickhouse.hostname", "connection.host")
    found = None if named is None else web_address(named)
    if found is None:
        return unknown_sink("host")
    host, _, own_port = found[0].partition("://")[2].partition(":")
    port = own_port or facts.value("port", "connection.port")
    port = port or ("8443" if facts.is_set("ssl", default=True) else "8123")
    db = database("clickhouse", host, port, facts.value("database") or "default")
    mapped = facts.pairs("topic2TableMap", between="=")
    splits = facts.is_set("enableDbTopicSplit")
    separator = facts.value("dbTopicSplitChar") or ""

    def table(topic: str) -> Node | str:
        if not splits:
            return db.table(mapped.get(topic) or topic)
        parts = topic.split(separator) if separator else []
        if len(parts) != 2 or not all(parts):
            return f"it takes the database from the topic's name, and that of {topic} does not have two parts"
        return replace(db, name=parts[0]).table(mapped.get(parts[1]) or parts[1])

    return Sink(
        whole=dataset(db.namespace, WHOLE) if splits else db.whole, by="its config hostname", table=table
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
        sink = unknown_sink("catalog or warehouse")
        sink.own = own
        return sink
    try:
        parts = urlsplit(location)
    except ValueError:  # brackets without an address
        sink = unknown_sink("catalog or warehouse")
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


WAREHOUSES: Rules = {
    "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector": bigquery,
    "BigQuerySink": bigquery,
    "BigQueryStorageSink": bigquery,
    "com.clickhouse.kafka.connect.ClickHouseSinkConnector": clickhouse,
    "ClickHouseSink": clickhouse,
    "org.apache.iceberg.connect.IcebergSinkConnector": iceberg,
    "io.tabular.iceberg.connect.IcebergSinkConnector": iceberg,
}
