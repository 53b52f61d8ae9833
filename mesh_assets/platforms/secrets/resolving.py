"""From a text of the estate to the value it stands for, by the one reader of this process."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from pydantic import BaseModel

from mesh_assets.platforms.secrets.fields import Kept
from mesh_assets.platforms.secrets.reader import SecretReader
from mesh_assets.platforms.secrets.reference import SecretName, parse_reference, with_variables


def resolve(text: str, *, environment: Mapping[str, str] | None = None) -> str:
    """The value of a reference, or `text` with every `${NAME}` replaced by that environment variable's value.

    To be called as late as possible, by whoever makes a client. Raises EstateError naming the reference, and
    what is missing; no value.
    """
    reference = parse_reference(text, environment=environment)
    return (
        with_variables(text, environment=environment)
        if reference is None
        else _reader().read([reference])[reference]
    )


def shown(text: str, *, environment: Mapping[str, str] | None = None) -> str:
    """As `resolve`, for what is shown (a username): a secret that is kept somewhere is shown as its
    reference."""
    return (
        text
        if parse_reference(text, environment=environment) is not None
        else with_variables(text, environment=environment)
    )


def read_ahead(part: BaseModel) -> None:
    """Reads all secrets that a part of the estate names, in as few requests as the sources allow, for
    `resolve` to find.

    Raises EstateError as `resolve`.
    """
    references = [
        reference for text in _texts(part.model_dump()) if (reference := parse_reference(text)) is not None
    ]
    _reader().read(list(dict.fromkeys(references)))


def forget_secrets() -> None:
    """What comes next is read anew: for whoever knows that a secret has just changed."""
    _reader().forget()


@cache
def _reader() -> SecretReader:
    return SecretReader(
        {"ssm": _from_parameter_store, "secretsmanager": _from_secrets_manager, "vault": _from_vault}
    )


# boto3 and hvac are heavy, and only needed where the estate names such a secret.


def _from_parameter_store(references: Sequence[SecretName]) -> Mapping[str, Kept]:
    from mesh_assets.platforms.secrets.parameter_store import read_parameters

    return read_parameters(references)


def _from_secrets_manager(references: Sequence[SecretName]) -> Mapping[str, Kept]:
    from mesh_assets.platforms.secrets.secrets_manager import read_secrets

    return read_secrets(references)


def _from_vault(references: Sequence[SecretName]) -> Mapping[str, Kept]:
    from mesh_assets.platforms.secrets.vault import read_vault

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
