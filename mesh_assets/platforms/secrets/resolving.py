"""From a text in the estate to its value, with a short memory: one reading serves all clients created within
a minute."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache

from pydantic import BaseModel

from mesh_assets.importing import importing
from mesh_assets.platforms.secrets.references import (
    Kept,
    SecretName,
    SourceName,
    parse_reference,
    pick,
    with_variables,
)

KEPT_SECONDS = 60.0
"""A run creates its clients within seconds, a sensor every few minutes: long enough for one request in either
case, and short enough that a rotation causes refusals for no longer than this."""

Source = Callable[[Sequence[SecretName]], Mapping[str, Kept]]
"""Returns what is kept under each name. Raises EstateError when one cannot be read."""


class SecretReader:
    """Secrets by reference. Safe to use from many threads; two that ask at the same time may both ask the
    source.

    Only values are remembered, so the next caller retries after a failure. Values exist in memory only and in
    no `repr`.
    """

    def __init__(
        self,
        sources: Mapping[SourceName, Source],
        *,
        kept_seconds: float = KEPT_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources = sources
        self._kept_seconds = kept_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: dict[tuple[SourceName, str], tuple[float, Kept]] = {}

    def read(self, references: Collection[SecretName]) -> dict[SecretName, str]:
        """The values of `references`; one call to each source fetches what is not remembered. Raises
        EstateError."""
        with self._lock:
            oldest = self._monotonic() - self._kept_seconds
            self._kept = {key: (at, kept) for key, (at, kept) in self._kept.items() if at > oldest}
            known = {key: kept for key, (_, kept) in self._kept.items()}
        missing: dict[SourceName, list[SecretName]] = {}
        for reference in references:
            if (reference.source, reference.name) not in known:
                missing.setdefault(reference.source, []).append(reference)
        for source, wanted in missing.items():
            read = {(source, name): kept for name, kept in self._sources[source](wanted).items()}
            known |= read
            with self._lock:
                now = self._monotonic()
                self._kept |= {key: (now, kept) for key, kept in read.items()}
        return {
            reference: pick(reference, known[reference.source, reference.name]) for reference in references
        }

    def forget(self) -> None:
        """Drops every remembered value."""
        with self._lock:
            self._kept.clear()


def resolve(text: str, *, environment: Mapping[str, str] | None = None) -> str:
    """The value of a reference, or `text` with every `${NAME}` replaced by that environment variable's value.

    Call it as late as possible, when creating a client. Raises EstateError naming the reference and what is
    missing, never a value.
    """
    reference = parse_reference(text, environment=environment)
    return (
        with_variables(text, environment=environment)
        if reference is None
        else _reader().read([reference])[reference]
    )


def shown(text: str, *, environment: Mapping[str, str] | None = None) -> str:
    """Like `resolve`, but fit to be shown (a username): a secret kept elsewhere is shown as its reference.

    Raises EstateError when an environment variable is not set.
    """
    return (
        text
        if parse_reference(text, environment=environment) is not None
        else with_variables(text, environment=environment)
    )


def read_ahead(part: BaseModel) -> None:
    """Reads all secrets that a part of the estate names, in as few requests as possible, for `resolve` to
    find.

    Raises EstateError as `resolve` does.
    """
    references = [
        reference for text in _texts(part.model_dump()) if (reference := parse_reference(text)) is not None
    ]
    _reader().read(list(dict.fromkeys(references)))


def forget_secrets() -> None:
    """Makes the next readings ask the sources again, for callers that know that a secret has just changed."""
    _reader().forget()


@cache
def _reader() -> SecretReader:
    return SecretReader(
        {"ssm": _from_parameter_store, "secretsmanager": _from_secrets_manager, "vault": _from_vault}
    )


# boto3 and hvac are heavy, and needed only if the estate names such a secret.


def _from_parameter_store(references: Sequence[SecretName]) -> Mapping[str, Kept]:
    with importing:
        from mesh_assets.platforms.secrets.stores import read_parameters

    return read_parameters(references)


def _from_secrets_manager(references: Sequence[SecretName]) -> Mapping[str, Kept]:
    with importing:
        from mesh_assets.platforms.secrets.stores import read_secrets

    return read_secrets(references)


def _from_vault(references: Sequence[SecretName]) -> Mapping[str, Kept]:
    with importing:
        from mesh_assets.platforms.secrets.stores import read_vault

    return read_vault(references)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
