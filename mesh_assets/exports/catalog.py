"""What catalogs want to know about a topic besides its name: schemas, owner, domain, description, tags."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mesh_assets.analysis.schema_fields import told_owner_and_text
from mesh_assets.connector_rules.datasets import kafka_namespace
from mesh_assets.inventory.broker_records import Brokers
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Schema, Topic
from mesh_assets.relationships.records import Domains


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """`keys`, `values`: the schemas of its records' keys and values that the document has. `owner`, `description`: from the
    first of `values` that has them, in the registry or in its own text. `domain`, `domain_reason`: None if it has
    none."""

    topic: Topic
    keys: tuple[Schema, ...]
    values: tuple[Schema, ...]
    owner: str | None
    description: str | None
    domain: str | None
    domain_reason: str | None


def topic_facts(document: Document, domains: Domains) -> Iterator[TopicFacts]:
    """For each topic of the document, in order."""
    schemas = {schema.subject: schema for schema in document.schemas}
    placed = {
        one.topic: (domain.name, one.reason)
        for domain in domains.domains
        if domain.cluster == document.cluster.name
        for one in domain.topics
    }
    for topic in document.topics:
        values = _known(schemas, (*topic.schema.value_subjects, *topic.schema.record_subjects))
        owner, description = told_owner_and_text(values)
        domain, reason = placed.get(topic.name, (None, None))
        yield TopicFacts(
            topic=topic,
            keys=_known(schemas, topic.schema.key_subjects),
            values=values,
            owner=owner,
            description=description,
            domain=domain,
            domain_reason=reason,
        )


def _known(schemas: Mapping[str, Schema], subjects: tuple[str, ...]) -> tuple[Schema, ...]:
    return tuple(schemas[subject] for subject in subjects if subject in schemas)


def bootstrap_servers(addresses: tuple[str, ...], document: Document | None) -> tuple[str, ...]:
    """The cluster's addresses: the estate's or, where that names the cluster by its ARN, those that the brokers give
    themselves. None if unknown."""
    brokers: Brokers | None = None if document is None else document.brokers
    return addresses or tuple(
        f"{one.host}:{one.port}" for one in (() if brokers is None else brokers.brokers)
    )


def namespace_of(cluster: str, servers: tuple[str, ...]) -> str:
    """OpenLineage's namespace of the cluster's topics; `kafka://` and its name in the estate if no address is known."""
    return kafka_namespace(servers) or f"kafka://{cluster}"
