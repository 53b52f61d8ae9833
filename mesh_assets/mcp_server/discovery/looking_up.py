"""Looking one thing up in a document: what is not there is said with what comes near, so that the next try
succeeds."""

from collections.abc import Iterable
from difflib import get_close_matches

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Connector, ConsumerGroup, Schema, Topic
from mesh_assets.inventory.sections import SectionName
from mesh_assets.mcp_server.answers import shown
from mesh_assets.mcp_server.known_estate import UnknownError


def the_topic(document: Document, name: str) -> Topic:
    for topic in document.topics:
        if topic.name == name:
            return topic
    raise _unknown(document, "topics", "topic", name, (topic.name for topic in document.topics))


def the_connector(document: Document, name: str) -> Connector:
    for connector in document.connectors:
        if connector.name == name:
            return connector
    raise _unknown(
        document, "connectors", "connector", name, (connector.name for connector in document.connectors)
    )


def the_schema(document: Document, subject: str) -> Schema:
    for schema in document.schemas:
        if schema.subject == subject:
            return schema
    raise _unknown(document, "schemas", "subject", subject, (schema.subject for schema in document.schemas))


def the_group(document: Document, name: str) -> ConsumerGroup:
    for group in document.consumer_groups:
        if group.group_id == name:
            return group
    raise _unknown(
        document,
        "consumer_groups",
        "consumer group",
        name,
        (group.group_id for group in document.consumer_groups),
    )


def _unknown(
    document: Document, section: SectionName, kind: str, name: str, names: Iterable[str]
) -> UnknownError:
    known = list(names)
    wanted = name[:200]
    near = [other for other in known if wanted.casefold() in other.casefold()][:5] or get_close_matches(
        wanted, known[:20_000], n=5
    )
    hint = (
        f"; near it: {', '.join(near)}"
        if near
        else f"; list_{section} shows all {len(known):,}"
        if known
        else ""
    )
    state = document.sections.get(section)
    doubt = (
        f" ({section.replace('_', ' ')} are not current: {state.error})"
        if state is not None and state.status == "stale"
        else ""
    )
    if state is None or state.status == "not_configured":
        doubt = f" (the estate names nothing to ask {section.replace('_', ' ')} from)"
    return UnknownError(f"cluster {document.cluster.name} has no {kind} {shown(name)}{doubt}{hint}")
