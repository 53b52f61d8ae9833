"""How each of Confluent Cloud's interfaces says what is wrong: four published shapes."""

import uuid
from typing import Any, Literal

from starlette.responses import JSONResponse

Family = Literal["connect", "control_plane", "metrics", "registry"]

_CONTROL_PLANE = {
    400: ("invalid_filter", "Invalid Filter"),
    401: ("user_unauthenticated", "Authentication Required"),
    403: ("user_unauthorized", "User Access Unauthorized"),
    404: ("resource_not_found", "Resource Not Found"),
    429: ("rate_limit_exceeded", "Rate Limit Exceeded"),
}
# Schema Registry's codes are the status with two digits more; these are the ones its documentation names.
_REGISTRY_CODES = {401: 401, 403: 40301, 404: 404, 429: 429}


def error_body(family: Family, status: int, message: str, *, code: int | None = None) -> Any:
    """`code`: Schema Registry's own, where it is not the usual one of the status."""
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
