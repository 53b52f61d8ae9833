"""References to secrets: parsing them, and picking a value out of what its source keeps."""

import json
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
    """Where a secret is kept. `shown`: the estate's text, for messages. `field` None: everything kept there."""

    shown: str
    source: SourceName
    name: str
    field: str | None


def parse_reference(text: str, *, environment: Mapping[str, str] | None = None) -> SecretName | None:
    """The secret that `text` names; None for text that names none, or only environment variables.

    Variables inside the reference are filled in (`ssm:/${STAGE}/key`). A variable's value is the secret
    itself and is never read as a reference. Raises EstateError for a malformed reference, and as
    `with_variables` does.
    """
    if not text.startswith(("ssm:", "secretsmanager:", "vault:")):
        return None
    match = _REFERENCE.match(with_variables(text, environment=environment))
    if match is None:
        raise EstateError(
            f"{text} is not a reference: expected ssm:/path, secretsmanager:arn#field or vault:path#field"
        )
    source, name, field = match.groups()
    if source == "ssm" and field is not None:
        raise EstateError(f"{text}: a parameter is one value and has no fields; leave #{field} out")
    if source == "vault" and field is None:
        raise EstateError(f"{text} names a secret of Vault, which has fields; say which one: {text}#field")
    return SecretName(text, cast(SourceName, source), name, field)


def with_variables(text: str, *, environment: Mapping[str, str] | None = None) -> str:
    """`text` with every `${NAME}` replaced by that environment variable's value.

    Raises EstateError when a variable is not set, naming it.
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


Kept = str | Mapping[str, object]
"""What a source keeps under one name: a text, or fields."""


def pick(reference: SecretName, kept: Kept) -> str:
    """The reference's value in `kept`: the whole text or one field.

    Raises EstateError that names the reference and the existing fields, never a value.
    """
    if reference.field is None:
        if isinstance(kept, str):
            return kept
        raise EstateError(f"{reference.shown} has fields; say which one: {_listed(kept)}")
    fields = _json_fields(kept) if isinstance(kept, str) else kept
    if fields is None:
        raise EstateError(
            f"{reference.shown}: the secret is not a JSON object; leave #{reference.field} out for its whole text"
        )
    if reference.field not in fields:
        raise EstateError(
            f"{reference.shown}: the secret has no field {reference.field!r}; it has: {_listed(fields)}"
        )
    value = fields[reference.field]
    if isinstance(value, bool | int | float):  # `{"pin": 1234}`: as written
        return json.dumps(value)
    if not isinstance(value, str):
        raise EstateError(f"{reference.shown}: field {reference.field!r} is not text; expected one value")
    return value


def _json_fields(text: str) -> Mapping[str, object] | None:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:  # carries the whole text, so it must not be chained
        return None
    return value if isinstance(value, dict) else None


def _listed(fields: Mapping[str, object]) -> str:
    return ", ".join(sorted(fields)) or "none"
