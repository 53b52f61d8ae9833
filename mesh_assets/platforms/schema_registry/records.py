"""A registry's interface, regardless of vendor: its contents as values, how to open it, what its errors mean,
and its contexts."""

from dataclasses import dataclass
from typing import Any, TypeGuard

from mesh_assets.estate.connections import SchemaRegistryConnection
from mesh_assets.inventory.data_contracts import DataContract
from mesh_assets.platforms.confluent_cloud.service import (
    SCHEMA_REGISTRY_KEY,
    is_confluent_registry,
    patient,
    registry_rate_limiter,
)
from mesh_assets.platforms.http import (
    ANY_CREDENTIAL,
    SYSTEM_CLOCK,
    Answer,
    Clock,
    HttpService,
    RetryPolicy,
    Transport,
    path_segment,
)
from mesh_assets.platforms.schema_registry.data_contracts import ContractError, data_contract
from mesh_assets.platforms.secrets import resolve

_NO_CONTRACT = DataContract()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaReference:
    """A schema that another one refers to by `name`: exactly this version of this subject."""

    name: str
    subject: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredSchema:
    """One version of a subject.

    subject: with its context, as Confluent writes it (`:.ctx:orders-value`); plain in the default context.
    schema_type: `AVRO`, `JSON`, `PROTOBUF` or the registry's word. definition: the text as the registry keeps
    it (Apicurio removes white space from Avro). contract: masked; empty if there is none or the registry
    drops it (Apicurio, Karapace).
    """

    subject: str
    version: int
    id: int
    schema_type: str
    definition: str
    references: tuple[SchemaReference, ...] = ()
    contract: DataContract = _NO_CONTRACT


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaText:
    """A schema by its id, which several subjects may share."""

    id: int
    schema_type: str
    definition: str
    references: tuple[SchemaReference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A subject's compatibility level or mode.

    level: the one in force; None when the registry has none at all. own: True when it is set on the subject,
    False when it is inherited, None when the registry does not distinguish the two (Apicurio, when the
    subject's equals the global one).
    """

    level: str | None
    own: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectLevels:
    """Compatibility and mode of one subject; None when unknown, and then `error` says why."""

    subject: str
    compatibility: Level | None = None
    mode: Level | None = None
    error: str | None = None


class ShapeError(ValueError):
    """An item breaks the protocol; the message says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenItem:
    """An item of a list that names its subject and version but otherwise breaks the protocol. `reason`:
    how."""

    subject: str
    version: int
    reason: str


def has_subject(item: Any) -> bool:
    """Whether an item of the bulk list names its subject and version, which Apicurio's items do not."""
    return isinstance(item, dict) and isinstance(item.get("subject"), str) and _is_number(item.get("version"))


def schema_or_broken(item: Any) -> RegisteredSchema | BrokenItem:
    """What an item that `has_subject` describes."""
    try:
        return registered_schema(item)
    except ShapeError as error:
        return BrokenItem(subject=item["subject"], version=item["version"], reason=str(error))


def registered_schema(item: Any, *, subject: str | None = None) -> RegisteredSchema:
    """The version that `item` describes; `subject` wins over the item's own. Raises ShapeError."""
    if not isinstance(item, dict):
        raise ShapeError("a schema that is not an object")
    name = subject if subject is not None else item.get("subject")
    if not isinstance(name, str):
        raise ShapeError("a schema without a subject")
    version, schema_id = item.get("version"), item.get("id")
    if not _is_number(version) or not _is_number(schema_id):
        raise ShapeError(f"subject {name!r} without a version or an id")
    try:
        contract = data_contract(item.get("metadata"), item.get("ruleSet"))
    except ContractError as error:
        raise ShapeError(f"{name!r} with a data contract whose {error}") from error
    return RegisteredSchema(
        subject=name,
        version=version,
        id=schema_id,
        schema_type=_schema_type(item),
        definition=_definition(item, name),
        references=_references(item, name),
        contract=contract,
    )


def schema_text(item: Any, *, schema_id: int) -> SchemaText:
    """The schema that `item`, an answer of `/schemas/ids/…`, describes. Raises ShapeError."""
    if not isinstance(item, dict):
        raise ShapeError("a schema that is not an object")
    name = f"id {schema_id}"
    return SchemaText(
        id=schema_id,
        schema_type=_schema_type(item),
        definition=_definition(item, name),
        references=_references(item, name),
    )


def _schema_type(item: dict[str, Any]) -> str:
    # Confluent and Apicurio leave it out for Avro.
    kind = item.get("schemaType")
    return kind.upper() if isinstance(kind, str) and kind else "AVRO"


def _definition(item: dict[str, Any], name: str) -> str:
    text = item.get("schema")
    if not isinstance(text, str):
        raise ShapeError(f"{name!r} without a schema text")
    return text


def _references(item: dict[str, Any], name: str) -> tuple[SchemaReference, ...]:
    found = item.get("references") or []  # Karapace: null
    if not isinstance(found, list):
        raise ShapeError(f"{name!r} with references that are not a list")
    references = []
    for reference in found:
        if not (
            isinstance(reference, dict)
            and isinstance(reference.get("name"), str)
            and isinstance(reference.get("subject"), str)
            and _is_number(reference.get("version"))
        ):
            raise ShapeError(f"{name!r} with a reference that lacks name, subject or version")
        references.append(
            SchemaReference(
                name=reference["name"], subject=reference["subject"], version=reference["version"]
            )
        )
    return tuple(references)


def _is_number(value: Any) -> TypeGuard[int]:
    """Whether it is an id or a version, which are 32 bits wide in every registry; -1 is the latest version."""
    return isinstance(value, int) and not isinstance(value, bool) and -1 <= value < 2**31


NAME = "Schema Registry"
_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"


def open_registry(
    connection: SchemaRegistryConnection,
    *,
    policy: RetryPolicy | None = None,
    transport: Transport | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> HttpService:
    """The registry's HTTP service; Confluent Cloud's has its own keys, rate limit and retries. Contacts
    nothing.

    Raises EstateError when a reference cannot be resolved.
    """
    managed = is_confluent_registry(connection, url=resolve(connection.url))
    return HttpService.open(
        connection,
        name=NAME,
        media_type=_MEDIA_TYPE,
        policy=policy if policy is not None or not managed else patient(connection.timeout_seconds),
        credential=SCHEMA_REGISTRY_KEY if managed else ANY_CREDENTIAL,
        rate_limiter=registry_rate_limiter(clock) if managed else None,
        transport=transport,
        clock=clock,
    )


# Subject, version or schema not found (40401 to 40403), no level or mode of its own (40408, 40409).
_ABSENT = frozenset({404, 40401, 40402, 40403, 40408, 40409})
_NOT_OFFERED = frozenset({403, 404, 405, 406, 501})  # as statuses: 40301 is a 403


def is_absent(answer: Answer) -> bool:
    """Whether the requested thing does not exist, which is not a failure. The body's code outranks the
    status."""
    return not answer.ok and answer.error_code in _ABSENT


def is_not_offered(answer: Answer) -> bool:
    """Whether the registry does not know the path or does not grant it, so that another way may still work."""
    code = answer.error_code
    return not answer.ok and (code // 100 if code >= 10_000 else code) in _NOT_OFFERED


# Contexts are separate spaces of subjects and ids inside one registry; Confluent writes `:.name:subject`.

DEFAULT_CONTEXT = "."
ALL_CONTEXTS = ":*:"
"""As `subjectPrefix`, every context (Confluent). Karapace ignores it; Apicurio and AxonOps find no such
subject."""


def read_contexts(service: HttpService) -> tuple[str, ...]:
    """The contexts as Confluent writes them, the default one first; Apicurio calls it `:.:`, Karapace answers
    404.

    Raises PlatformError.
    """
    answer = service.ask("GET", "/contexts")
    names: Any = [] if is_not_offered(answer) else answer.json()
    if names is None:
        names = []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise answer.unexpected("with something other than a list of contexts")
    found = {name.strip(":") or DEFAULT_CONTEXT for name in names}
    return (DEFAULT_CONTEXT, *sorted(found - {DEFAULT_CONTEXT}))


def path_prefix(context: str) -> str:
    """The prefix that makes a path mean the same path in `context`."""
    return "" if context == DEFAULT_CONTEXT else f"/contexts/:{path_segment(context)}:"


def qualified(subject: str, context: str) -> str:
    """`subject` with its context, which AxonOps leaves out in answers under a context's own path."""
    return subject if context == DEFAULT_CONTEXT or is_qualified(subject) else f":{context}:{subject}"


def is_qualified(subject: str) -> bool:
    """Whether `subject` names its context."""
    return subject.startswith(":.")
