"""Contexts: separate spaces of subjects and ids inside one registry, written `:.name:subject` by Confluent."""

from typing import Any

from mesh_assets.platforms.http import HttpService, path_segment
from mesh_assets.platforms.schema_registry.protocol import is_not_offered

DEFAULT_CONTEXT = "."
ALL_CONTEXTS = ":*:"
"""As `subjectPrefix`, every context (Confluent). Karapace ignores it; Apicurio and AxonOps look for subjects
that begin so: none."""


def read_contexts(service: HttpService) -> tuple[str, ...]:
    """The contexts as Confluent writes them, the default one first: Apicurio says `:.:` for it, Karapace 404.
    Raises PlatformError."""
    answer = service.ask("GET", "/contexts")
    names: Any = [] if is_not_offered(answer) else answer.json()
    if names is None:
        names = []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise answer.unexpected("with something that is no list of contexts")
    found = {name.strip(":") or DEFAULT_CONTEXT for name in names}
    return (DEFAULT_CONTEXT, *sorted(found - {DEFAULT_CONTEXT}))


def path_prefix(context: str) -> str:
    """What goes before a path to mean the same path in `context`."""
    return "" if context == DEFAULT_CONTEXT else f"/contexts/:{path_segment(context)}:"


def qualified(subject: str, context: str) -> str:
    """`subject` with its context: AxonOps leaves it out of the answers of a context's own path, Confluent
    does not."""
    return subject if context == DEFAULT_CONTEXT or is_qualified(subject) else f":{context}:{subject}"


def is_qualified(subject: str) -> bool:
    """Whether `subject` says its context."""
    return subject.startswith(":.")
