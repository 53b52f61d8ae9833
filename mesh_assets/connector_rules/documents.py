"""Documents, keys and services: MongoDB, Elasticsearch, OpenSearch, Redis, HTTP, and records made up by Datagen.

Sources: https://www.mongodb.com/docs/kafka-connector/current/ (source and sink properties),
https://docs.confluent.io/kafka-connectors/elasticsearch/current/configuration_options.html,
https://github.com/Aiven-Open/opensearch-connector-for-apache-kafka,
https://redis-field-engineering.github.io/redis-kafka-connect/,
https://github.com/jcustenborder/kafka-connect-redis,
https://docs.confluent.io/kafka-connectors/http/current/connector_config.html,
https://github.com/Aiven-Open/http-connector-for-apache-kafka,
https://github.com/confluentinc/kafka-connect-datagen.
"""

from collections.abc import Callable

import msgspec

from mesh_assets.analysis.graph import Node
from mesh_assets.connector_rules.datasets import WHOLE, dataset, mongo_namespace, web_address
from mesh_assets.connector_rules.facts import Facts, Rules, Sink, Source


def _mongo(facts: Facts) -> tuple[str | None, str]:
    """The namespace, and the config that says it."""
    key = "connection.uri" if facts.value("connection.uri") else "connection.host"
    address = facts.value(key)
    if address is None:
        return None, key
    if key == "connection.host" and "://" not in address:
        return f"mongodb://{address}", key  # Atlas: a name in DNS that stands for its hosts
    return mongo_namespace(address), key


def mongo_source(facts: Facts) -> Source:
    namespace, key = _mongo(facts)
    if namespace is None:
        return Source(notes=["its config does not say, or hides, which server it reads"])
    name, collection = facts.value("database"), facts.value("collection")
    if name is None:
        return Source(
            datasets=[(dataset(namespace, WHOLE), f"its config {key}")],
            notes=["it reads every database of the server, so its topics are not known"],
        )
    whole = dataset(namespace, name if collection is None else f"{name}.{collection}")
    if facts.value("topic.mapper"):
        return Source(
            datasets=[(whole, f"its config {key}")],
            notes=["its topics are named by a class of its own, topic.mapper"],
        )
    if collection is None:
        return Source(
            datasets=[(whole, f"its config {key}")],
            notes=[f"it reads every collection of {name}, so its topics are not known"],
        )
    topic = _mongo_topic(facts, name, collection)
    if topic is None:
        return Source(
            datasets=[(whole, f"its config {key}")], notes=["its topic.namespace.map could not be followed"]
        )
    found = Source()
    found.pair(whole, topic, f"its config {key}")
    return found


def _mongo_topic(facts: Facts, name: str, collection: str) -> str | None:
    separator = facts.value("topic.separator") or "."
    middle = f"{name}{separator}{collection}"
    if text := facts.value("topic.namespace.map"):
        try:
            mapped = msgspec.json.decode(text, type=dict[str, str])
        except (msgspec.DecodeError, UnicodeError):
            return None
        if any("/" in key or ("*" in key and key != "*") for key in mapped):
            return None  # patterns of its own kind
        whole, half = mapped.get(f"{name}.{collection}"), mapped.get(name)
        middle = whole or (f"{half}{separator}{collection}" if half else mapped.get("*") or middle)
        if "{" in middle:
            return None
    parts = (facts.value("topic.prefix"), middle, facts.value("topic.suffix"))
    return separator.join(part for part in parts if part)


def mongo_sink(facts: Facts) -> Sink:
    namespace, key = _mongo(facts)
    name = facts.value("database")
    if namespace is None:
        return _unknown("server")
    mapper = facts.value("namespace.mapper") or ""
    by_record = bool(mapper) and not mapper.endswith(".DefaultNamespaceMapper")

    def table(topic: str) -> Node | str:
        if by_record:
            return "its namespace.mapper takes the collection from each record"
        own = facts.value(f"topic.override.{topic}.database") or name
        collection = facts.value(f"topic.override.{topic}.collection", "collection") or topic
        return dataset(namespace, f"{own}.{collection}") if own else "its config names no database"

    return Sink(whole=dataset(namespace, name or WHOLE), by=f"its config {key}", table=table)


def _search(scheme: str) -> Callable[[Facts], Sink]:
    """An index a topic, in small letters, as the servers want them."""

    def rule(facts: Facts) -> Sink:
        urls = facts.names("connection.url", "connection.urls")
        found = web_address(sorted(urls)[0], scheme=scheme, port=9200) if urls else None
        if found is None:
            return _unknown("server")
        mapped = facts.pairs("topic.to.external.resource.mapping", "topic.index.map", "topic.to.resource.map")

        def table(topic: str) -> Node | str:
            return dataset(found[0], mapped.get(topic) or topic.lower())

        return Sink(whole=dataset(found[0], WHOLE), by="its config connection.url", table=table)

    return rule


def redis(facts: Facts) -> Sink:
    """Keys of all topics are in one database; their names begin with the topic where the keyspace says so."""
    key = next(
        (key for key in ("redis.uri", "redis.hosts", "redis.hostname", "redis.host") if facts.value(key)),
        None,
    )
    addresses = [] if key is None else facts.names(key)
    if key is None or not addresses:
        return _unknown("server")
    address = addresses[0]
    port = None if key in ("redis.uri", "redis.hosts") else facts.value("redis.port", "redis.portnumber")
    found = web_address(f"{address}:{port}" if port else address, scheme="redis", port=6379)
    if found is None:
        return _unknown("server")
    number = facts.value("redis.database") or (found[1] if found[1] != WHOLE else "0")
    node = dataset(found[0], number)
    return Sink(whole=node, by=f"its config {key}", table=lambda _: node)


def http(facts: Facts) -> Sink:
    key = next((key for key in ("http.api.url", "http.url", "http.api.base.url") if facts.value(key)), None)
    url = None if key is None else facts.value(key)
    whole = None if url is None else web_address(url.partition("${")[0])
    if key is None or url is None or whole is None:
        return _unknown("address")

    def table(topic: str) -> Node | str:
        found = web_address(url.replace("${topic}", topic))
        if found is None or "${" in found[1]:
            return f"its {key} takes parts of the address from each record"
        return dataset(*found)

    if key == "http.api.base.url":
        return _several_apis(facts, whole[0], key)
    return Sink(whole=dataset(whole[0], WHOLE), by=f"its config {key}", table=table)


def _several_apis(facts: Facts, base: str, key: str) -> Sink:
    """Confluent Cloud's second version: `api1.topics`, `api1.http.api.path`, up to fifteen of them."""
    paths: dict[str, str] = {}
    for number in range(1, 16):
        path = facts.value(f"api{number}.http.api.path")
        for topic in facts.names(f"api{number}.topics"):
            paths[topic] = path or WHOLE

    def table(topic: str) -> Node | str:
        path = paths.get(topic)
        if path is None or "${" in path:
            return f"its config does not say which path {topic} goes to"
        return dataset(base, path.strip("/") or WHOLE)

    return Sink(whole=dataset(base, WHOLE), by=f"its config {key}", table=table)


def datagen(facts: Facts) -> Source:
    """It makes its records up: there is no system behind it."""
    topic = facts.value("kafka.topic")
    return Source(topics=[] if topic is None else [(topic, "its config kafka.topic")])


def _unknown(what: str) -> Sink:
    return Sink(
        whole=None, by="", table=lambda _: f"its config does not say, or hides, which {what} it writes to"
    )


DOCUMENTS: Rules = {
    "com.mongodb.kafka.connect.MongoSourceConnector": mongo_source,
    "com.mongodb.kafka.connect.MongoSinkConnector": mongo_sink,
    "MongoDbAtlasSource": mongo_source,
    "MongoDbAtlasSink": mongo_sink,
    "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector": _search("elasticsearch"),
    "io.aiven.connect.elasticsearch.ElasticsearchSinkConnector": _search("elasticsearch"),
    "ElasticsearchSinkV2": _search("elasticsearch"),
    "ElasticsearchSink": _search("elasticsearch"),
    "io.aiven.kafka.connect.opensearch.OpensearchSinkConnector": _search("opensearch"),
    "OpenSearchSink": _search("opensearch"),
    "com.redis.kafka.connect.RedisSinkConnector": redis,
    "com.github.jcustenborder.kafka.connect.redis.RedisSinkConnector": redis,
    "RedisSink": redis,
    "io.confluent.connect.http.HttpSinkConnector": http,
    "io.aiven.kafka.connect.http.HttpSinkConnector": http,
    "HttpSink": http,
    "HttpSinkV2": http,
    "io.confluent.kafka.connect.datagen.DatagenConnector": datagen,
    "DatagenSource": datagen,
}
