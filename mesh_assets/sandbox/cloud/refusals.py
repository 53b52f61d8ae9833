"""Which keys each of Confluent Cloud's interfaces refuses, and the four published shapes of their errors."""

import base64
import binascii
import uuid
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, Literal

from starlette.responses import JSONResponse

from mesh_assets.sandbox.credentials import Key, Keys

Family = Literal["connect", "control_plane", "metrics", "registry"]

_CONTROL_PLANE = {
    400: ("invalid_filter", "Invalid Filter"),
    401: ("user_unauthenticated", "Authentication Required"),
    403: ("user_unauthorized", "User Access Unauthorized"),
    404: ("resource_not_found", "Resource Not Found"),
    429: ("rate_limit_exceeded", "Rate Limit Exceeded"),
}
# Schema Registry's codes are the status plus two digits; these are the exceptions its documentation names.
_REGISTRY_CODES = {401: 401, 403: 40301, 404: 404, 429: 429}


def error_body(family: Family, status: int, message: str, *, code: int | None = None) -> Any:
    """An error as the interface reports it. `code`: Schema Registry's own, if not the usual one for the status."""
    if family == "connect":
        return {"error": {"code": status, "message": message}}
    if family == "registry":
        return {"error_code": code or _REGISTRY_CODES.get(status, status * 100 + 1), "message": message}
    error: dict[str, Any] = {"id": uuid.uuid4().hex, "status": str(status), "detail": message}
    if family == "control_plane":
        name, title = _CONTROL_PLANE.get(status, ("internal_error", "Internal Server Error"))
        error |= {"code": name, "title": title, "source": {}}
    return {"errors": [error]}


def error_answer(family: Family, status: int, message: str, *, code: int | None = None) -> JSONResponse:
    return JSONResponse(error_body(family, status, message, code=code), status_code=status)


# Subjects that the discovery's Schema Registry key may write, as by its role bindings (DeveloperWrite).
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
    """401: an unknown key. 403: a key whose owner lacks the role."""

    status: int
    message: str


def refusal(keys: Keys, family: Family, authorization: str | None) -> Refusal | None:
    """Why this request is refused; None if it may read. Each kind of key opens only the interfaces it is for."""
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
