"""The lasting state of a cluster: everything in a document that is neither volatile, derived nor unknown, as
flat text. And how a consumer of the changes gets from one state to the next.

The whole contract: `created` adds the record that `after` holds as JSON, `deleted` removes the resource,
`updated` sets one field to `after`, or removes the field if `after` is None. What becomes known for the first
time (the baseline of a section, a config that could not be read before) is not a change; it is in the
snapshot.
"""

from collections.abc import Iterable

import msgspec

from mesh_assets.diff.connectors import connector_fields, full_name
from mesh_assets.diff.consumer_groups import EPHEMERAL_GROUPS, group_fields, lasting_groups
from mesh_assets.diff.fields import known_fields
from mesh_assets.diff.schemas import SCHEMA_REGISTRY, registry_fields, schema_fields
from mesh_assets.diff.topics import topic_fields
from mesh_assets.inventory.changes import Change, ResourceType
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Connector, ConsumerGroup, Schema, Topic

State = dict[ResourceType, dict[str, dict[str, str]]]
"""Resource type → resource → field → value; fields and values as in changes. A connector's key is
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
    """With endpoint and name, because a change names a connector by its name alone if that is unique."""
    return {"connect": connector.connect, "name": connector.name, **known_fields(connector_fields(connector))}


_topic = msgspec.json.Decoder(Topic)
_connector = msgspec.json.Decoder(Connector)
_schema = msgspec.json.Decoder(Schema)
_group = msgspec.json.Decoder(ConsumerGroup)


def apply_changes(state: State, changes: Iterable[Change]) -> State:
    """`state` with the changes applied; `state` itself is left alone. Applying the same changes again alters
    nothing.

    A change of a resource that is not in the state is skipped: a later change, already seen, deleted the
    resource. Raises ValueError for the creation of a schema registry, which no diff makes.
    """
    present: State = {
        resource_type: {key: dict(fields) for key, fields in resources.items()}
        for resource_type, resources in state.items()
    }
    for change in changes:
        resources = present.setdefault(change.resource_type, {})
        if change.kind == "created":
            key, fields = _resource(change.resource_type, change.resource, change.after or "")
            resources[key] = fields
            continue
        found = _find(resources, change)
        if found is None:
            continue
        if change.kind == "deleted":
            del resources[found]
        elif change.field is not None and change.after is not None:
            resources[found][change.field] = change.after
        elif change.field is not None:
            resources[found].pop(change.field, None)
    return present


def _resource(resource_type: ResourceType, resource: str, record: str) -> tuple[str, dict[str, str]]:
    match resource_type:
        case "topic":
            return resource, known_fields(topic_fields(_topic.decode(record)))
        case "connector":
            connector = _connector.decode(record)
            return full_name(connector), connector_state(connector)
        case "schema":
            return resource, known_fields(schema_fields(_schema.decode(record)))
        case "consumer_group":
            return resource, known_fields(group_fields(_group.decode(record)))
        case "schema_registry":
            raise ValueError("a schema registry is never created by a change")


def _find(resources: dict[str, dict[str, str]], change: Change) -> str | None:
    if change.resource_type != "connector" or "/" in change.resource:
        return change.resource if change.resource in resources else None
    return next((key for key, fields in resources.items() if fields["name"] == change.resource), None)
