"""What an asset says about each thing, from its record."""

from collections.abc import Mapping

from mesh_assets.analysis.graph import Node
from mesh_assets.analysis.schema_fields import schema_fields, told_owner_and_text, told_properties
from mesh_assets.components.mesh_asset import Column, MeshAsset
from mesh_assets.components.names import Key, asset_key, dataset_key, function_key
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.records import Connector, Schema, Topic
from mesh_assets.inventory.wording import counted, listed

MOST_COLUMNS = 200
"""A schema with thousands of fields would make the code location's definitions heavy; the rest is counted."""


def topic_asset(cluster: str, topic: Topic, schemas: Mapping[str, Schema]) -> MeshAsset:
    subjects = (*topic.schema.value_subjects, *topic.schema.record_subjects)
    described = [schemas[subject] for subject in subjects if subject in schemas]
    details = topic.details
    facts: dict[str, str | int] = {
        "partitions": details.partitions,
        "replication_factor": details.replication_factor,
    }
    if details.cleanup_policy is not None:
        facts["cleanup_policy"] = details.cleanup_policy
    if topic.id is not None:
        facts["topic_id"] = topic.id
    if subjects:
        facts["subjects"] = listed(subjects)
    if topic.error is not None:
        facts["error"] = topic.error
    columns: tuple[Column, ...] | None = None
    owner, text = told_owner_and_text(described)
    domain = next((one for schema in described if (one := told_properties(schema).get("domain"))), None)
    if described:
        first = described[0]
        columns, note = _columns(first)
        notes = [note] if note else []
        if len(described) > 1:
            notes.append(f"those of {first.subject}, one of {counted(len(described), 'subject')}")
        if notes:
            facts["columns"] = "; ".join(notes)
    described_by = f", described by {listed(subjects)}" if subjects else ""
    return MeshAsset(
        key=asset_key(cluster, "topics", topic.name),
        kind="topics",
        cluster=cluster,
        name=topic.name,
        description=f"Topic of {counted(details.partitions, 'partition')}{described_by}."
        + (f"\n\n{text}" if text else ""),
        domain=domain,
        owner=owner,
        kinds=("kafka", *sorted({schema.schema_type.lower() for schema in described})[:3]),
        columns=columns,
        facts=facts,
    )


def _columns(schema: Schema) -> tuple[tuple[Column, ...] | None, str | None]:
    read = schema_fields(schema.schema_type, schema.definition)
    if read is None:
        return None, f"{schema.subject} cannot be read as {schema.schema_type}"
    shown = tuple(
        Column(path=field.path, type=field.type, optional=field.optional, doc=field.doc)
        for field in read.fields[:MOST_COLUMNS]
    )
    left = len(read.fields) - len(shown)
    return shown, read.note if not left else f"{counted(left, 'more field')} are not shown"


def connector_asset(key: Key, connector: Connector) -> MeshAsset:
    facts: dict[str, str | int] = {"connect": connector.connect}
    if connector.connector_class is not None:
        facts["connector_class"] = connector.connector_class
    if connector.topics_note is not None:
        facts["topics"] = connector.topics_note
    what = {"source": "Source", "sink": "Sink"}.get(connector.type, "Connector")
    return MeshAsset(
        key=key,
        kind="connectors",
        cluster=key[0],
        name=connector.name,
        description=f"{what} on {connector.connect}: {connector.connector_class or 'its class is unknown'}.",
        kinds=("kafka", "connector"),
        facts=facts,
    )


def group_asset(cluster: str, group: ConsumerGroup) -> MeshAsset:
    facts: dict[str, str | int] = {"type": group.type}
    if group.error is not None:
        facts["error"] = group.error
    reads = f"reads {listed(group.topics)}" if group.topics else "it is not known what it reads"
    return MeshAsset(
        key=asset_key(cluster, "consumer_groups", group.group_id),
        kind="consumer_groups",
        cluster=cluster,
        name=group.group_id,
        description=f"Consumer group: {reads}.",
        kinds=("kafka", "consumer_group"),
        facts=facts,
    )


def outside_asset(node: Node) -> MeshAsset:
    """A dataset or a function."""
    return _function_asset(node) if node.kind == "function" else _dataset_asset(node)


def _function_asset(node: Node) -> MeshAsset:
    return MeshAsset(
        key=function_key(node.name),
        kind="functions",
        cluster=None,
        name=node.name,
        description=f"Lambda function {node.name}, called with records by event source mappings.",
        domain="functions",
        kinds=("lambda",),
    )


def _dataset_asset(node: Node) -> MeshAsset:
    namespace = node.namespace or ""
    system = namespace.partition("://")[0]
    return MeshAsset(
        key=dataset_key(node.namespace, node.name),
        kind="datasets",
        cluster=None,
        name=node.name,
        description=f"{node.name} in {namespace}." if node.name != "/" else f"{namespace}.",
        domain="datasets",
        kinds=(system.lower(),) if system.isalnum() else (),
    )
