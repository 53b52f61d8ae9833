"""A reference to a secret, taken apart."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from mesh_assets.errors import EstateError

SourceName = Literal["ssm", "secretsmanager", "vault"]

_REFERENCE = re.compile(r"^(ssm|secretsmanager|vault):([^#\s]+)(?:#(\S+))?$")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class SecretName:
    """Where a secret is kept. `shown`: as the estate has it, which is what messages say. `field` None: the
    whole of what is kept there."""

    shown: str
    source: SourceName
    name: str
    field: str | None


def parse_reference(text: str, *, environment: Mapping[str, str] | None = None) -> SecretName | None:
    """The secret that `text` names; None for text that names none, or environment variables only.

    Variables in the reference are filled in (`ssm:/${STAGE}/key`). A variable's value never becomes a
    reference: it is the secret itself. Raises EstateError as `with_variables`.
    """
    if not text.startswith(("ssm:", "secretsmanager:", "vault:")):
        return None
    match = _REFERENCE.match(with_variables(text, environment=environment))
    if match is None:
        raise EstateError(
            f"{text} is no reference: expected ssm:/path, secretsmanager:arn#field or vault:path#field"
        )
    source, name, field = match.groups()
    if source == "ssm" and field is not None:
        raise EstateError(f"{text}: a parameter is one value and has no fields; leave #{field} out")
    if source == "vault" and field is None:
        raise EstateError(f"{text} names a secret of Vault, which has fields; say which one: {text}#field")
    return SecretName(text, cast(SourceName, source), name, field)


def with_variables(text: str, *, environment: Mapping[str, str] | None = None) -> str:
    """`text` with every `${NAME}` replaced by that environment variable's value.

    Raises EstateError naming the variable that is not set, never a value.
    """
    variables = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in variables:
            raise EstateError(
                f"the estate refers to ${{{name}}}, but the environment variable {name} is not set; set it before running"
            )
        return variables[name]

    return _VARIABLE.sub(value, text)
