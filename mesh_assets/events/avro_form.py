"""The Avro form of the events, known only here: from records to framed bytes and back; and the ids of the two
schemas in the registry.

The schemas in `avro/` are public contracts. A value is framed as every Confluent client expects: a zero byte,
the schema's id in the registry as four bytes, big-endian, then the Avro encoding without a header.
"""

import io
import json
import struct
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, Protocol, cast

import msgspec

from mesh_assets.errors import MeshError, PlatformError, PublishError, UnexpectedAnswerError
from mesh_assets.events.avro_encoding import encoder
from mesh_assets.events.model import ChangeEvent, DiscoveryEvent
from mesh_assets.importing import importing
from mesh_assets.inventory.document import sha256
from mesh_assets.inventory.wording import one_line
from mesh_assets.platforms.schema_registry import SchemaText
from mesh_assets.store.pointers import SchemaIds

_FRAME = struct.Struct(">bI")


@cache
def schema_text(name: str) -> str:
    """The schema `discovery_event` or `change_event` in its registered form: the committed file on one line."""
    text = files("mesh_assets.events").joinpath("avro", f"{name}.avsc").read_text(encoding="utf-8")
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)


def fingerprint(name: str) -> str:
    """The SHA-256 of the schema in its registered form."""
    return sha256(schema_text(name).encode())


def encode_discovery_event(event: DiscoveryEvent, schema_id: int) -> bytes:
    encode = encoder(json.loads(schema_text("discovery_event")))
    return _FRAME.pack(0, schema_id) + encode(event)


def encode_change_event(event: ChangeEvent, schema_id: int) -> bytes:
    return _FRAME.pack(0, schema_id) + encoder(_change_schema())(event)


def decode_discovery_event(value: bytes, schema_by_id: Callable[[int], str]) -> DiscoveryEvent:
    """The event, even if an older version wrote it. `schema_by_id` returns the text of the schema it was
    written with.

    Raises UnexpectedAnswerError if the value is not such an event, and whatever `schema_by_id` raises.
    """
    return cast(DiscoveryEvent, _decoded("discovery_event", DiscoveryEvent, value, schema_by_id))


def decode_change_event(value: bytes, schema_by_id: Callable[[int], str]) -> ChangeEvent:
    """Like decode_discovery_event."""
    return cast(ChangeEvent, _decoded("change_event", ChangeEvent, value, schema_by_id))


@cache
def _change_schema() -> Any:
    return json.loads(schema_text("change_event"))


@cache
def _parsed(text: str) -> Any:
    with importing:
        import fastavro  # only where events are read

    return fastavro.parse_schema(json.loads(text))


_SHOWN_CHARACTERS = 200


def _decoded(name: str, form: type, value: bytes, schema_by_id: Callable[[int], str]) -> object:
    if len(value) < _FRAME.size or value[0] != 0:
        raise UnexpectedAnswerError(
            "the record's value is not framed with a schema id; something else wrote it"
        )
    with importing:
        import fastavro
    _, schema_id = _FRAME.unpack_from(value)
    text = schema_by_id(schema_id)
    try:
        plain = fastavro.schemaless_reader(
            io.BytesIO(memoryview(value)[_FRAME.size :]), _parsed(text), _parsed(schema_text(name))
        )
        return msgspec.convert(plain, form)
    except MeshError:
        raise
    except (
        *(ValueError, TypeError, KeyError, EOFError, IndexError, OverflowError, AttributeError),
        RecursionError,
        fastavro.schema.SchemaParseException,
        fastavro.read.SchemaResolutionError,
        msgspec.ValidationError,
    ) as error:
        why = one_line(str(error), most=_SHOWN_CHARACTERS)  # it may quote both schemas in full
        raise UnexpectedAnswerError(
            f"the record's value is not a {name} that this version knows (schema id {schema_id}): {why}"
        ) from error


# The ids of the two event schemas in the schema registry: registered in each run, remembered for when the
# registry does not answer.


class Registrar(Protocol):
    """What registering needs from a SchemaRegistryClient."""

    @property
    def url(self) -> str: ...

    @property
    def requests(self) -> int: ...

    def register(self, subject: str, schema: str, schema_type: str = "AVRO") -> int: ...

    def schema_by_id(self, schema_id: int) -> SchemaText | None: ...


def register_schemas(
    registrar: Registrar, *, events_topic: str, changes_topic: str, cached: SchemaIds | None
) -> tuple[SchemaIds, str | None]:
    """The ids; with a sentence if the registry failed and they are the remembered ones.

    `cached` counts only for the same registry and the same schemas. Raises PublishError if there are none.
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
                f"the event schemas could not be registered, and no earlier ids of them are known: {error}"
            ) from error
        return cached, f"the event schemas could not be registered again; earlier ids were used: {error}"
    return ids, None
