"""The fields of a Protobuf schema, by message."""

from collections.abc import Iterator

from mesh_assets.analysis.field_walk import Branch, SchemaField, SchemaFields, walk
from mesh_assets.inventory.definitions import ProtobufMessage, parse_protobuf


def protobuf_fields(definition: str) -> SchemaFields:
    """Fields by their message; those of the first message, which is the record that is sent, without its name. Raises
    UnreadableDefinitionError."""
    messages = parse_protobuf(definition).messages
    first = messages[0].path[0] if messages else ""
    return walk([_branch(message, first) for message in messages])


def _branch(message: ProtobufMessage, first: str) -> Branch:
    around = message.path[1:] if message.path[0] == first else message.path

    def fields() -> Iterator[tuple[SchemaField, Branch | None]]:
        for field in message.fields:
            yield (
                SchemaField(
                    path=".".join([*around, field.name]),
                    type=f"array<{field.type}>" if field.label == "repeated" else field.type,
                    optional=field.label == "optional" or field.in_oneof,
                ),
                None,
            )

    return fields
