"""The value of a reference within what its source keeps: the whole, or one field of it."""

import json
from collections.abc import Mapping

from mesh_assets.errors import EstateError
from mesh_assets.platforms.secrets.reference import SecretName

Kept = str | Mapping[str, object]
"""What a source keeps under a name: one text, or fields."""


def pick(reference: SecretName, kept: Kept) -> str:
    """Raises EstateError that names the reference and the fields there are, never a value."""
    if reference.field is None:
        if isinstance(kept, str):
            return kept
        raise EstateError(f"{reference.shown} has fields; say which one: {_listed(kept)}")
    fields = _json_fields(kept) if isinstance(kept, str) else kept
    if fields is None:
        raise EstateError(
            f"{reference.shown}: the secret is no JSON object; leave #{reference.field} out for its whole text"
        )
    if reference.field not in fields:
        raise EstateError(
            f"{reference.shown}: the secret has no field {reference.field!r}; it has: {_listed(fields)}"
        )
    value = fields[reference.field]
    if isinstance(value, bool | int | float):  # `{"pin": 1234}`: the text that stands there
        return json.dumps(value)
    if not isinstance(value, str):
        raise EstateError(f"{reference.shown}: field {reference.field!r} is no text; expected one value")
    return value


def _json_fields(text: str) -> Mapping[str, object] | None:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:  # which carries the whole text, and must not be chained to anything
        return None
    return value if isinstance(value, dict) else None


def _listed(fields: Mapping[str, object]) -> str:
    return ", ".join(sorted(fields)) or "none"
