"""A cluster as an AsyncAPI 3.0 document, with the Kafka bindings 0.5.0
(https://www.asyncapi.com/docs/reference/specification/v3.0.0, https://github.com/asyncapi/bindings/tree/master/kafka).

A channel is a topic; an operation is what an application, connector, statement or mapping does with it. Addresses contain
no user or password, and values that only the environment provides (`${NAME}`) are left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mesh_assets.analysis.graph import Edge, LineageGraph
from mesh_assets.estate.model import Cluster
from mesh_assets.exports.asyncapi_schemas import Ids, Schemas
from mesh_assets.exports.catalog import TopicFacts, bootstrap_servers, topic_facts
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.links import sink_group
from mesh_assets.inventory.records import Schema
from mesh_assets.inventory.wording import counted
from mesh_assets.relationships.records import Domains

_BINDING = "0.5.0"
_NUMBERS = {"retention.ms": -1, "retention.bytes": -1, "delete.retention.ms": 0, "max.message.bytes": 0}
_FLAGS = ("confluent.key.schema.validation", "confluent.value.schema.validation")
_TEXTS = ("confluent.key.subject.name.strategy", "confluent.value.subject.name.strategy")
_STRATEGIES = {
    "topic": "TopicNameStrategy",
    "record": "RecordNameStrategy",
    "topic_record": "TopicRecordNameStrategy",
}
_MECHANISMS = {"PLAIN": "plain", "SCRAM-SHA-256": "scramSha256", "SCRAM-SHA-512": "scramSha512"}
_READERS = ("application", "connector", "statement", "event_source_mapping")


def asyncapi_document(
    document: Document, cluster: Cluster, addresses: tuple[str, ...], graph: LineageGraph, domains: Domains
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The AsyncAPI document, as JSON values, and notes on what it lacks. `addresses`: the brokers', as the estate has
    them."""
    schemas = Schemas(document.schemas)
    registry = _registry_url(cluster)
    servers = _servers(cluster, bootstrap_servers(addresses, document), registry)
    facts = list(topic_facts(document, domains))
    tags = sorted({one.domain for one in facts if one.domain is not None})
    notes = []
    if not servers:
        notes.append(f"the document of {cluster.name} has no servers: no broker address is known")
    if schemas.left_out:
        subject, why = next(iter(schemas.left_out.items()))
        notes.append(
            f"{counted(len(schemas.left_out), 'schema')} of {cluster.name} left out, the first being {subject}: {why}"
        )
    made: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {
            "title": cluster.name,
            "version": str(document.sequence),
            "description": f"Kafka cluster {document.cluster.id}, as discovered at {document.discovery_timestamp.isoformat()}.",
            **({"tags": [{"name": name} for name in tags]} if tags else {}),
        },
        **({"servers": servers} if servers else {}),
        "channels": {
            one.topic.name: _channel(one, schemas, has_registry=registry is not None) for one in facts
        },
        "operations": dict(_operations(document, graph)),
    }
    components: dict[str, Any] = {}
    if schemas.components:
        components["schemas"] = schemas.components
    if (scheme := _security(cluster)) is not None and servers:
        components["securitySchemes"] = {"login": scheme}
    return made | ({"components": components} if components else {}), tuple(notes)


def _servers(cluster: Cluster, addresses: tuple[str, ...], registry: str | None) -> dict[str, Any]:
    secure = cluster.kafka.security_protocol in ("SSL", "SASL_SSL")
    binding = {"bindingVersion": _BINDING} | ({} if registry is None else {"schemaRegistryUrl": registry})
    server: dict[str, Any] = {
        "protocol": "kafka-secure" if secure else "kafka",
        "bindings": {"kafka": binding},
    }
    if _security(cluster) is not None:
        server["security"] = [{"$ref": "#/components/securitySchemes/login"}]
    known = [one for one in addresses if "${" not in one]
    return {f"bootstrap-{number}": {"host": host, **server} for number, host in enumerate(known, 1)}


def _security(cluster: Cluster) -> dict[str, str] | None:
    """How clients log in; None: they do not, or in a way that AsyncAPI has no name for (IAM)."""
    kafka = cluster.kafka
    if kafka.security_protocol.startswith("SASL"):
        kind = _MECHANISMS.get(kafka.sasl_mechanism or "")
        return None if kind is None else {"type": kind}
    return {"type": "X509"} if kafka.ssl_certificate_location is not None else None


def _registry_url(cluster: Cluster) -> str | None:
    """Addresses in the estate contain no credentials, but may refer to them."""
    url = None if cluster.schema_registry is None else cluster.schema_registry.url
    return None if url is None or "${" in url or "@" in url else url


def _channel(facts: TopicFacts, schemas: Schemas, *, has_registry: bool) -> dict[str, Any]:
    topic = facts.topic
    binding: dict[str, Any] = {"topic": topic.name, "bindingVersion": _BINDING}
    if topic.details.partitions > 0:
        binding["partitions"] = topic.details.partitions
    if topic.details.replication_factor > 0:
        binding["replicas"] = topic.details.replication_factor
    if configuration := _configuration(topic.config or {}):
        binding["topicConfiguration"] = configuration
    ids = Ids()
    key = facts.keys[0] if facts.keys else None
    messages = {
        ids.of(schema.subject): _message(schema, key, schemas, has_registry=has_registry)
        for schema in facts.values
    }
    if not messages and key is not None:
        messages["record"] = {"bindings": {"kafka": _message_binding(key, schemas)}}
    return {
        "address": topic.name,
        **({"description": facts.description} if facts.description else {}),
        **({"tags": [{"name": facts.domain, "description": facts.domain_reason}]} if facts.domain else {}),
        **({"messages": messages} if messages else {}),
        "bindings": {"kafka": binding},
        **({"x-owner": facts.owner} if facts.owner else {}),
    }


def _configuration(config: Mapping[str, str | None]) -> dict[str, Any]:
    """The configs that the binding supports; hidden, unknown or out-of-range ones are left out."""
    found: dict[str, Any] = {}
    policies = [one.strip() for one in (config.get("cleanup.policy") or "").split(",") if one.strip()]
    if policies and set(policies) <= {"delete", "compact"}:
        found["cleanup.policy"] = policies
    for name, least in _NUMBERS.items():
        value = config.get(name) or ""
        if value.removeprefix("-").isdecimal() and int(value) >= least:
            found[name] = int(value)
    found |= {name: config[name] == "true" for name in _FLAGS if config.get(name) in ("true", "false")}
    return found | {name: config[name] for name in _TEXTS if config.get(name)}


def _message(schema: Schema, key: Schema | None, schemas: Schemas, *, has_registry: bool) -> dict[str, Any]:
    binding = _message_binding(key, schemas)
    if has_registry:  # the specification allows these only beside the registry's address
        binding["schemaIdLocation"] = "payload"
        binding["schemaIdPayloadEncoding"] = "4"
        if schema.naming_strategy in _STRATEGIES:
            binding["schemaLookupStrategy"] = _STRATEGIES[schema.naming_strategy]
    payload = schemas.pointer(schema)
    return {
        "name": schema.subject,
        **({"title": schema.record_name} if schema.record_name else {}),
        **(
            {"description": f"The schema is left out: {schemas.left_out.get(schema.subject)}."}
            if payload is None
            else {"payload": payload}
        ),
        "bindings": {"kafka": binding},
        "x-schema-id": schema.id,
        "x-schema-version": schema.version,
    }


def _message_binding(key: Schema | None, schemas: Schemas) -> dict[str, Any]:
    binding: dict[str, Any] = {"bindingVersion": _BINDING}
    if key is not None:
        name, value = schemas.key(key)
        binding[name] = value
    return binding


def _operations(document: Document, graph: LineageGraph) -> Iterator[tuple[str, dict[str, Any]]]:
    """What reads and writes the cluster's topics now. A topic that a system keeps for itself is not an interface."""
    here = document.cluster.name
    topics = {topic.name for topic in document.topics}
    groups = {(one.connect, one.name): sink_group(one) for one in document.connectors}
    ids = Ids()
    for edge in _flows(graph.edges):
        reads = edge.source.kind == "topic"
        topic, who = (edge.source, edge.target) if reads else (edge.target, edge.source)
        if topic.cluster != here or topic.name not in topics or who.kind not in _READERS:
            continue
        action = "receive" if reads else "send"
        within = f"{who.namespace}." if who.kind == "connector" and who.namespace else ""
        operation: dict[str, Any] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{topic.name}"},
            "title": f"{who} {'receives' if reads else 'sends'}",
            "summary": f"Known by {edge.by}.",
            "x-known": edge.known,
        }
        group = who.name if who.kind == "application" else groups.get((who.namespace or "", who.name))
        if reads and group is not None:
            operation["bindings"] = {
                "kafka": {"groupId": {"type": "string", "enum": [group]}, "bindingVersion": _BINDING}
            }
        yield ids.of(f"{action}.{topic.name}.{who.kind}.{within}{who.name}.{edge.purpose}"), operation


def _flows(edges: Iterable[Edge]) -> Iterator[Edge]:
    for edge in edges:
        if edge.purpose in ("data", "dead_letter") and edge.known != "permitted" and edge.active is not False:
            yield edge
