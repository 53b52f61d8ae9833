"""A registry's interface, whoever wrote it: how it is opened, what its errors mean, and its contexts."""

from typing import Any

from mesh_assets.estate.connections import SchemaRegistryConnection
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
    """Whether what was asked for does not exist, which is not a failure. The body's code outranks the status."""
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
