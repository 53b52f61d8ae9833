"""Schema registries that speak Confluent's REST interface: Confluent's own, Apicurio, Karapace, AxonOps,
others."""

from mesh_assets.platforms.schema_registry.client import SchemaRegistryClient
from mesh_assets.platforms.schema_registry.records import (
    Level,
    RegisteredSchema,
    SchemaReference,
    SchemaText,
    SubjectLevels,
)
from mesh_assets.platforms.schema_registry.subjects import Unread

__all__ = [
    "Level",
    "RegisteredSchema",
    "SchemaReference",
    "SchemaRegistryClient",
    "SchemaText",
    "SubjectLevels",
    "Unread",
]
