"""Confluent's own table sources: Snowflake, and Oracle through LogMiner.

Sources: https://docs.confluent.io/cloud/current/connectors/cc-snowflake-source/cc-snowflake-source.html and
https://docs.confluent.io/kafka-connectors/oracle-cdc/current/configuration-properties.html. Both select tables by regular
expressions for their full names, and name topics after them.
"""

import re
from collections.abc import Callable, Iterator

from mesh_assets.analysis.graph import Node
from mesh_assets.connector_rules.datasets import WHOLE, Database, database, dataset, snowflake_namespace
from mesh_assets.connector_rules.facts import Facts, Names, OwnTopic, Rules, Source
from mesh_assets.connector_rules.routing import Routing
from mesh_assets.connector_rules.tables import Selection, not_followed, split_entries

_PARTS = ("databaseName", "schemaName", "tableName")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_NOT_IN_TOPICS = re.compile(r"[^A-Za-z0-9._-]")
_UNKNOWN = "its config does not say, or hides, which database it reads"


def snowflake_source(facts: Facts) -> Source:
    """Topics are `<topic.prefix><database.schema.table>`."""
    namespace = snowflake_namespace(facts.value("connection.url"))
    if namespace is None:
        return Source(notes=[_UNKNOWN])
    return _of_tables(
        facts,
        template=f"{facts.value('topic.prefix') or ''}${{databaseName}}.${{schemaName}}.${{tableName}}",
        included=facts.names("table.include.list", "table.whitelist"),
        excluded=facts.names("table.exclude.list"),
        by="its config table.include.list",
        table=lambda name: dataset(namespace, name),
        whole=dataset(namespace, WHOLE),
        row="",
    )


def oracle_cdc(facts: Facts) -> Source:
    """Topics by a template, which may be a constant, or empty: then only the redo log is written. The connector itself
    reads the redo log's topic back."""
    host = facts.value("oracle.server")
    name = facts.value("oracle.pdb.name", "oracle.service.name", "oracle.sid")
    template = facts.connector.config.get("table.topic.name.template")
    if host is None or name is None:
        return Source(notes=[_UNKNOWN])
    db = database("oracle", host, facts.value("oracle.port"), name)
    included, excluded = (facts.value(f"table.{kind}.regex") for kind in ("inclusion", "exclusion"))
    found = _of_tables(
        facts,
        template="${databaseName}.${schemaName}.${tableName}" if template is None else template.strip(),
        included=[] if included is None else [included],
        excluded=[] if excluded is None else [excluded],
        by="its config table.inclusion.regex",
        table=lambda full: dataset(db.namespace, full),
        whole=db.whole,
    )
    found.own += _redo_log(facts, db)
    return found


def _redo_log(facts: Facts, db: Database) -> Iterator[OwnTopic]:
    named = facts.value("redo.log.topic.name") or "${connectorName}-${databaseName}-redo-log"
    known = {"connectorName": facts.connector.name, "databaseName": db.name or ""}
    name = _VARIABLE.sub(lambda found: known.get(found[1], found[0]), named)
    if "${" not in name:
        for reads in (False, True):
            yield OwnTopic(name=name, by="its config redo.log.topic.name: the redo log", reads=reads)


def _of_tables(
    facts: Facts,
    *,
    template: str,
    included: list[str],
    excluded: list[str],
    by: str,
    table: Callable[[str], Node],
    whole: Node,
    row: str | None = None,
) -> Source:
    """`table`: the dataset of a full name."""
    found = Source(row=row)
    variables = _VARIABLE.findall(template)
    names, patterns = split_entries(included)
    if not template or not set(variables) <= {*_PARTS, "connectorName"}:
        found.datasets.append((whole, by))
        if template:
            found.notes.append(f"its topics are named by {template}, which could not be followed")
        return found
    for name in names:
        topic = _topic(template, name, facts)
        if topic is not None:
            found.pair(table(name), topic, by)
    if names and not patterns:
        return found
    if "tableName" not in variables:
        topic = _topic(template, ".".join(_PARTS), facts) if not variables else None
        if topic is None:
            found.datasets.append((whole, by))
        else:
            found.pair(whole, topic, "its config table.topic.name.template")
        return found
    selection = Selection(patterns, excluded)
    told = {pair.topic for pair in found.pairs}
    before = len(found.pairs)
    if Routing(facts.connector.config).keeps_names:
        for topic, name in _candidates(template, facts):
            if topic not in told and selection.selects(name):
                found.pair(
                    table(name), topic, f"the topic's name, and {by}", known="inferred", is_routed=True
                )
    if len(found.pairs) == before:
        found.datasets.append((whole, by))
        found.notes.append("its config has patterns of tables, and there is no topic named after one")
    if selection.unread:
        found.notes.append(not_followed(selection.unread))
    return found


def _topic(template: str, name: str, facts: Facts) -> str | None:
    parts = name.split(".")
    if len(parts) != len(_PARTS):
        return None
    values = {**dict(zip(_PARTS, parts, strict=True)), "connectorName": facts.connector.name}
    return _NOT_IN_TOPICS.sub("_", _VARIABLE.sub(lambda found: values[found[1]], template))


def _candidates(template: str, facts: Facts) -> Iterator[tuple[str, str]]:
    """The topics that are named by the template, with the table's full name. A topic's name identifies the table only if
    the template has all parts of it."""
    if sorted(set(_VARIABLE.findall(template)) - {"connectorName"}) != sorted(_PARTS):
        return
    template = template.replace("${connectorName}", facts.connector.name)
    first = template.partition("${")[0]
    text = re.sub(r"\\\$\\\{(\w+)\\\}", r"(?P<\1>[^.]+)", re.escape(template))
    pattern = re.compile(text)
    observed = Names(facts.observed)
    for topic in (observed if any(observed) else facts.topics).starting_with(first):
        if (match := pattern.fullmatch(topic)) is not None:
            yield topic, ".".join(match[part] for part in _PARTS)


TABLE_SOURCES: Rules = {
    "SnowflakeSource": snowflake_source,
    "OracleCdcSource": oracle_cdc,
    "io.confluent.connect.oracle.cdc.OracleCdcSourceConnector": oracle_cdc,
}
