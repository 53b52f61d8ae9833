"""What discovery needs from a schema registry: reading it, and registering the events' schemas where it
serves their carrier.
"""

from mesh_assets.access_checks.access_check import (
    AccessCheck,
    answered,
    failed,
    http_endpoint,
    http_identity,
    stand_in_notes,
)
from mesh_assets.errors import EstateError, PlatformError, RefusedError, UnexpectedAnswerError
from mesh_assets.estate.connections import SchemaRegistryConnection
from mesh_assets.estate.fields import CHANGES_TOPIC, EVENTS_TOPIC
from mesh_assets.platforms.http import SYSTEM_CLOCK, HttpService, Transport
from mesh_assets.platforms.schema_registry.levels import MODE, LevelReader
from mesh_assets.platforms.schema_registry.records import NAME, open_registry, path_prefix, read_contexts
from mesh_assets.platforms.schema_registry.subjects import list_subjects, read_latest


def check_registry(
    cluster: str, connection: SchemaRegistryConnection, *, carries: bool, transport: Transport | None = None
) -> AccessCheck:
    """Asks the registry: a handful of requests, however many subjects it has. `carries`: whether the events'
    schemas are registered there.
    """
    endpoint, identity = http_endpoint(connection, name=NAME), http_identity(connection, name=NAME)
    try:
        with open_registry(connection, transport=transport) as service:
            identity = service.identity
            contexts = read_contexts(service)
            names = [
                name for context in contexts for name in list_subjects(service, prefix=path_prefix(context))
            ]
            facts: dict[str, int | str] = {"subjects": len(names)}
            if len(contexts) > 1:
                facts["contexts"] = len(contexts)
            if names:
                # Listing subjects and reading a schema are separate rights on Confluent Cloud.
                read_latest(service, names[0])
            mode = _mode(service)
            stand_in = service.stand_in
    except (EstateError, PlatformError) as error:
        return failed(cluster, "schema registry", endpoint, identity, str(error))
    if mode is not None:
        facts["mode"] = mode
    missing = []
    unregistered = [
        subject for subject in (f"{EVENTS_TOPIC}-value", f"{CHANGES_TOPIC}-value") if subject not in names
    ]
    if carries and unregistered and (mode or "").startswith("READONLY"):
        missing.append(
            f"its mode is {mode} and {' and '.join(unregistered)} are not registered yet: a registry that enforces modes will refuse them, "
            "and nothing can be published; set the mode READWRITE"
        )
    rights = "reads; registering: not tried" if carries else "reads"
    notes = [*stand_in_notes(stand_in)]
    if not names and connection.id is not None:
        notes.append(
            "no subjects are listed: there are none, or this key may not see any; to see all it needs DeveloperRead on subject *"
        )
    return answered(
        cluster,
        "schema registry",
        endpoint,
        identity,
        facts=facts,
        rights=rights,
        missing=missing,
        notes=notes,
    )


def _mode(service: HttpService) -> str | None:
    """The registry's mode; None where it has none, does not offer it, or does not show it to this user."""
    try:
        return LevelReader(service, SYSTEM_CLOCK).global_level(MODE)
    except (RefusedError, UnexpectedAnswerError):
        return None
