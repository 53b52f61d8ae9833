"""The ids under which the schema registry knows the two event schemas: registered at each run, remembered for
when it is silent."""

from typing import Protocol

from mesh_assets.errors import PlatformError, PublishError
from mesh_assets.inventory.store.pointers import SchemaIds
from mesh_assets.snapshot.avro_form import fingerprint, schema_text


class Registrar(Protocol):
    """What is needed of a SchemaRegistryClient."""

    @property
    def url(self) -> str: ...

    @property
    def requests(self) -> int: ...

    def register(self, subject: str, schema: str, schema_type: str = "AVRO") -> int: ...


def register_schemas(
    registrar: Registrar, *, events_topic: str, changes_topic: str, cached: SchemaIds | None
) -> tuple[SchemaIds, str | None]:
    """The ids, and a sentence when they are the remembered ones because the registry failed.

    `cached` counts only for the same registry and the same schemas. Raises PublishError when there is
    neither.
    """
    event_fingerprint, change_fingerprint = fingerprint("discovery_event"), fingerprint("change_event")
    try:
        ids = SchemaIds(
            registry=registrar.url,
            event_id=registrar.register(f"{events_topic}-value", schema_text("discovery_event")),
            event_fingerprint=event_fingerprint,
            change_id=registrar.register(f"{changes_topic}-value", schema_text("change_event")),
            change_fingerprint=change_fingerprint,
        )
    except PlatformError as error:
        known = (
            None if cached is None else (cached.registry, cached.event_fingerprint, cached.change_fingerprint)
        )
        if cached is None or known != (registrar.url, event_fingerprint, change_fingerprint):
            raise PublishError(
                f"the event schemas could not be registered, and no ids of them are known from before: {error}"
            ) from error
        return cached, f"the event schemas were published under the ids known from before: {error}"
    return ids, None
