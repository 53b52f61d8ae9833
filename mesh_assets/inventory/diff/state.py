"""The lasting state of a cluster: all of a document that is neither volatile nor derived nor unknown, as flat
text."""

from mesh_assets.inventory.changes import ResourceType
from mesh_assets.inventory.diff.connectors import connector_fields, full_name
from mesh_assets.inventory.diff.consumer_groups import EPHEMERAL_GROUPS, group_fields, lasting_groups
from mesh_assets.inventory.diff.fields import known_fields
from mesh_assets.inventory.diff.schemas import SCHEMA_REGISTRY, registry_fields, schema_fields
from mesh_assets.inventory.diff.topics import topic_fields
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Connector

State = dict[ResourceType, dict[str, dict[str, str]]]
"""Resource type → resource → field → value, fields and values as in changes. A connector stands under
`endpoint/name`."""


def stable_state(document: Document, *, ephemeral_groups: tuple[str, ...] = EPHEMERAL_GROUPS) -> State:
    registry = document.schema_registry
    return {
        "topic": {topic.name: known_fields(topic_fields(topic)) for topic in document.topics},
        "connector": {full_name(connector): connector_state(connector) for connector in document.connectors},
        "schema": {schema.subject: known_fields(schema_fields(schema)) for schema in document.schemas},
        "schema_registry": {}
        if registry is None
        else {SCHEMA_REGISTRY: known_fields(registry_fields(registry))},
        "consumer_group": {
            group_id: known_fields(group_fields(group))
            for group_id, group in lasting_groups(document.consumer_groups, ephemeral_groups).items()
        },
    }


def connector_state(connector: Connector) -> dict[str, str]:
    """With endpoint and name, since changes name a connector by its name alone where that is unique."""
    return {"connect": connector.connect, "name": connector.name, **known_fields(connector_fields(connector))}
