"""A registry's HTTP service, as its kind asks for: keys, pace and patience are Confluent Cloud's own."""

from mesh_assets.estate.http import SchemaRegistryConnection
from mesh_assets.platforms.confluent_cloud.keys import SCHEMA_REGISTRY_KEY, is_confluent_registry
from mesh_assets.platforms.confluent_cloud.limits import patient, registry_pace
from mesh_assets.platforms.http import (
    ANY_CREDENTIAL,
    SYSTEM_CLOCK,
    Clock,
    HttpService,
    RetryPolicy,
    Transport,
)
from mesh_assets.platforms.secrets import resolve

NAME = "Schema Registry"
_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"


def open_registry(
    connection: SchemaRegistryConnection,
    *,
    policy: RetryPolicy | None = None,
    transport: Transport | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> HttpService:
    """Nothing is contacted. Raises EstateError when a reference cannot be resolved."""
    managed = is_confluent_registry(connection, url=resolve(connection.url))
    return HttpService.open(
        connection,
        name=NAME,
        media_type=_MEDIA_TYPE,
        policy=policy if policy is not None or not managed else patient(connection.timeout_seconds),
        credential=SCHEMA_REGISTRY_KEY if managed else ANY_CREDENTIAL,
        pace=registry_pace(clock) if managed else None,
        transport=transport,
        clock=clock,
    )
