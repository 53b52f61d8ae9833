"""Whose request it is: the keys are checked as Confluent Cloud does, each kind where it belongs."""

import base64
import binascii
from dataclasses import dataclass
from hmac import compare_digest

from mesh_assets.sandbox.cloud.errors import Family
from mesh_assets.sandbox.keys import Key, Keys

# The discovery's Schema Registry key may write these, as its role bindings say (DeveloperWrite).
WRITABLE_SUBJECTS = frozenset({"discovery-events-value", "discovery-changes-value"})

_UNAUTHENTICATED = {
    "connect": "Unauthorized",
    "control_plane": "Valid authentication credentials must be provided",
    "metrics": "Valid authentication credentials must be provided",
    "registry": "Unauthorized",
}
_FORBIDDEN = {
    "connect": "Forbidden Access",
    "control_plane": "The owner of the API key is not allowed to access this resource",
    "metrics": "The owner of the API key is not allowed to read metrics of this resource",
    "registry": "User is denied operation Read on this subject",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """401: nobody this place knows. 403: somebody without the role."""

    status: int
    message: str


def refusal(keys: Keys, family: Family, authorization: str | None) -> Refusal | None:
    """None for a request that may read."""
    given = _basic(authorization)
    accepted, powerless = (
        (keys.schema_registry, keys.unprivileged_schema_registry)
        if family == "registry"
        else (keys.cloud, keys.unprivileged_cloud)
    )
    if given is not None and _same(given, accepted):
        return None
    if given is not None and _same(given, powerless):
        return Refusal(403, _FORBIDDEN[family])
    return Refusal(401, _UNAUTHENTICATED[family])


def _basic(authorization: str | None) -> Key | None:
    kind, _, encoded = (authorization or "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Key(name, secret) if colon else None


def _same(given: Key, known: Key) -> bool:
    return compare_digest(given.id.encode(), known.id.encode()) and compare_digest(
        given.secret.encode(), known.secret.encode()
    )
