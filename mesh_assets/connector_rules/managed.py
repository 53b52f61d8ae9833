"""Confluent Cloud's managed classes for queues, streams, tables and services without a family of their own here.

One table for each direction says in which configs a class names the other system. Source: the page of each class below
https://docs.confluent.io/cloud/current/connectors/, with its defaults. Datasets are named as OpenLineage's
`spec/Naming.md` says (Pub/Sub, Cosmos DB, Spanner, remote files), and by its pattern where it gives no name.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from mesh_assets.analysis.graph import Node
from mesh_assets.connector_rules.datasets import WHOLE, dataset, web_address
from mesh_assets.connector_rules.facts import Facts, Rule, Rules, Sink, Source, unknown_sink

# `<key>` is the value of that config; `<key|value>` has a default; `:host` and `:path` are parts of an address.
_CONFIG = re.compile(r"<(?P<key>[\w.]+)(?P<part>:host|:path)?(?:\|(?P<default>[^>]*))?>")


class _Place(NamedTuple):
    """Where a class reads or writes, in terms of configs. `topic`: the config that names a source's topic. `mapped`: the
    config with pairs of topics and names."""

    namespace: str
    name: str
    topic: str = "kafka.topic"
    mapped: str | None = None


_READS: Mapping[str, _Place] = {
    "KinesisSource": _Place("kinesis://<kinesis.region>", "<kinesis.stream>"),
    "SqsSource": _Place("<sqs.url:host>", "<sqs.url:path>"),
    "PubSubSource": _Place("pubsub", "subscription:<gcp.pubsub.project.id>:<gcp.pubsub.subscription.id>"),
    "AzureEventHubsSource": _Place(
        "eventhubs://<azure.eventhubs.namespace>.servicebus.windows.net", "<azure.eventhubs.hub.name>"
    ),
    "AzureServiceBusSource": _Place(
        "servicebus://<azure.servicebus.namespace>.servicebus.windows.net", "<azure.servicebus.entity.name>"
    ),
    "RabbitMQSource": _Place("rabbitmq://<rabbitmq.host>:<rabbitmq.port|5672>", "<rabbitmq.queue>"),
    "IbmMQSource": _Place(
        "ibmmq://<mq.hostname>:<mq.port|1414>", "<mq.queue.manager>.<jms.destination.name>"
    ),
    "MqttSource": _Place("<mqtt.server.uri:host>", "<mqtt.topics>"),
    "SftpSource": _Place("file://<sftp.host>", "<input.path>"),
    "SalesforceCdcSource": _Place("<salesforce.instance:host>", "<salesforce.cdc.name>"),
    "CouchbaseSource": _Place("<couchbase.seed.nodes:host>", "<couchbase.bucket>", topic="couchbase.topic"),
    "RedisKafkaSource": _Place("redis://<redis.host>:<redis.port|6379>", "<redis.database|0>"),
}
_WRITES: Mapping[str, _Place] = {
    "DynamoDbSink": _Place("<aws.dynamodb.endpoint:host>", "<table.name.format|${topic}>"),
    "BigTableSink": _Place(
        "bigtable://<gcp.bigtable.project.id>:<gcp.bigtable.instance.id>", "<table.name.format|${topic}>"
    ),
    "SpannerSink": _Place(
        "spanner://<gcp.spanner.project.id>:<gcp.spanner.instance.id>",
        "<gcp.spanner.database.id>.<table.name.format|${topic}>",
    ),
    "DatabricksDeltaLakeSink": _Place(
        "databricks://<delta.lake.host.name>",
        "<delta.lake.database|default>.<delta.lake.table.format|${topic}>",
        mapped="delta.lake.topic2table.map",
    ),
    "AzureCognitiveSearchSink": _Place(
        "https://<azure.search.service.name>.search.windows.net", "<index.name>"
    ),
    "AzureFunctionsSink": _Place("<function.url:host>", "<function.url:path>"),
    "CouchbaseSink": _Place("<couchbase.seed.nodes:host>", "<couchbase.bucket>"),
    "SplunkSink": _Place("<splunk.hec.uri:host>", "<splunk.indexes|/>"),
    "Neo4jSink": _Place("<neo4j.uri:host>", "<neo4j.database|neo4j>"),
}


def _filled(facts: Facts, template: str) -> str | None:
    """The template filled in from configs; None if a value is not known."""
    is_complete = True

    def value(found: re.Match[str]) -> str:
        nonlocal is_complete
        text = facts.value(found["key"]) or found["default"]
        if text is not None and found["part"]:
            address = web_address(text.partition(",")[0])
            text = None if address is None else address[0 if found["part"] == ":host" else 1]
        is_complete = is_complete and text is not None
        return text or ""

    made = _CONFIG.sub(value, template)
    return made if is_complete else None


def _key(template: str) -> str:
    """The deciding config, for the evidence."""
    return next((found["key"] for found in _CONFIG.finditer(template)), "connector.class")


def _reads(place: _Place) -> Rule:
    def rule(facts: Facts) -> Source:
        topic, names = facts.value(place.topic), _filled(facts, place.name)
        namespace = _filled(facts, place.namespace)
        by = f"its config {_key(place.name)}"
        if namespace is None or names is None:
            topics = [] if topic is None else [(topic, f"its config {place.topic}")]
            return Source(topics=topics, notes=["its config does not say, or hides, what it reads"])
        nodes = [dataset(namespace, name.strip()) for name in names.split(",") if name.strip()]
        if topic is None:
            return Source(datasets=[(node, by) for node in nodes])
        found = Source()
        for node in nodes:
            found.pair(node, topic, by)
        return found

    return rule


def _writes(place: _Place) -> Rule:
    def rule(facts: Facts) -> Sink:
        namespace, template = _filled(facts, place.namespace), _filled(facts, place.name)
        if namespace is None or template is None:
            return unknown_sink("system")
        mapped = facts.pairs(place.mapped) if place.mapped else {}

        def table(topic: str) -> Node | str:
            name = template
            if topic in mapped:
                name = f"{template.rpartition('.')[0]}.{mapped[topic]}"
            name = name.replace("${topic}", topic)
            if "${" in name or "," in name:
                return f"its config {_key(place.name)} takes the name from each record"
            return dataset(namespace, name)

        by = f"its config {_key(place.namespace)}"
        return Sink(whole=dataset(namespace, WHOLE), by=by, table=table)

    return rule


def _lambda_sink(facts: Facts) -> Sink:
    """https://docs.confluent.io/cloud/current/connectors/cc-amazon-lambda-sink/cc-amazon-lambda-sink.html; a function
    is given by its name or ARN, possibly with a version or alias."""
    single = facts.value("aws.lambda.function.name")
    mapped = facts.pairs("aws.lambda.topic2function.map", between=";")

    def function(name: str) -> Node:
        return Node(kind="function", name=(name.partition(":function:")[2] or name).partition(":")[0])

    def table(topic: str) -> Node | str:
        name = mapped.get(topic) or single
        return function(name) if name else f"its config does not say which function {topic} goes to"

    return Sink(
        whole=None if single is None else function(single),
        by="its config aws.lambda.function.name",
        table=table,
    )


def _cosmos(facts: Facts, direction: str) -> tuple[str | None, dict[str, str]]:
    """The namespace, and container by topic (`topic#container,…`)."""
    endpoint = facts.value("azure.cosmos.account.endpoint", "connect.cosmos.connection.endpoint")
    name = facts.value(f"azure.cosmos.{direction}.database.name", "connect.cosmos.databasename")
    address = None if endpoint is None else web_address(endpoint)
    mapped = facts.pairs(
        f"azure.cosmos.{direction}.containers.topicMap", "connect.cosmos.containers.topicmap", between="#"
    )
    if address is None or name is None:
        return None, mapped
    host = address[0].partition("://")[2].partition(":")[0]
    return f"azurecosmos://{host}/dbs/{name}", mapped


def _cosmos_source(facts: Facts) -> Source:
    namespace, mapped = _cosmos(facts, "source")
    by = "its map of topics and containers"
    if namespace is None:
        return Source(
            topics=[(topic, by) for topic in mapped],
            notes=["its config does not say, or hides, what it reads"],
        )
    found = Source()
    for topic, container in mapped.items():
        found.pair(dataset(namespace, f"colls/{container}"), topic, by)
    return found


def _cosmos_sink(facts: Facts) -> Sink:
    namespace, mapped = _cosmos(facts, "sink")
    if namespace is None:
        return unknown_sink("database")

    def table(topic: str) -> Node | str:
        container = mapped.get(topic)
        if container is None:
            return f"its config does not say which container {topic} goes to"
        return dataset(namespace, f"colls/{container}")

    return Sink(whole=dataset(namespace, WHOLE), by="its map of topics and containers", table=table)


def _http_source(facts: Facts) -> Source:
    """One topic per entity (`topic.name.pattern`); in the second version up to fifteen APIs with a topic each."""
    base = facts.value("http.api.base.url")
    found = Source()
    if base is not None:
        for number in range(1, 16):
            address = web_address(
                f"{base.rstrip('/')}/{(facts.value(f'api{number}.http.api.path') or '').strip('/')}"
            )
            for topic in facts.names(f"api{number}.topics"):
                if address is not None:
                    found.pair(dataset(*address), topic, f"its config api{number}.http.api.path")
        return found
    url, pattern = facts.value("url"), facts.value("topic.name.pattern")
    whole = None if url is None else web_address(url.partition("${")[0])
    if whole is None:
        return Source(notes=["its config does not say, or hides, which address it reads"])
    for entity in facts.names("entity.names") if pattern else ():
        address = web_address((url or "").replace("${entityName}", entity).partition("?")[0])
        topic = (pattern or "").replace("${entityName}", entity)
        if address is not None and "${" not in topic and "${" not in address[1]:
            found.pair(dataset(*address), topic, "its config url")
    if not found.pairs:
        found.datasets.append((dataset(whole[0], WHOLE), "its config url"))
    return found


def _each(places: Mapping[str, _Place], rule: Callable[[_Place], Rule]) -> dict[str, Rule]:
    return {name: rule(place) for name, place in places.items()}


MANAGED: Rules = {
    **_each(_READS, _reads),
    **_each(_WRITES, _writes),
    "LambdaSink": _lambda_sink,
    "io.confluent.connect.aws.lambda.AwsLambdaSinkConnector": _lambda_sink,
    "CosmosDbSource": _cosmos_source,
    "CosmosDbSourceV2": _cosmos_source,
    "CosmosDbSink": _cosmos_sink,
    "CosmosDbSinkV2": _cosmos_sink,
    "HttpSource": _http_source,
    "HttpSourceV2": _http_source,
}
