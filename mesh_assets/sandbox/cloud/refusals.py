"""What the stand-in refuses, and the faults that a test can order."""

import base64
import binascii
import threading
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hmac import compare_digest
from typing import Any, Literal, get_args

from starlette.responses import JSONResponse

from mesh_assets.sandbox.credentials import Key, Keys

# Which keys each of Confluent Cloud's interfaces refuses, and the four published shapes of their errors.

Family = Literal["connect", "control_plane", "metrics", "registry", "kafka_rest"]

_CONTROL_PLANE = {
    400: ("invalid_filter", "Invalid Filter"),
    401: ("user_unauthenticated", "Authentication Required"),
    403: ("user_unauthorized", "User Access Unauthorized"),
    404: ("resource_not_found", "Resource Not Found"),
    429: ("rate_limit_exceeded", "Rate Limit Exceeded"),
}
# Schema Registry's codes are the status plus two digits; these are the exceptions its documentation names.
_REGISTRY_CODES = {401: 401, 403: 40301, 404: 404, 429: 429}


# Kafka REST's codes are the status, or the status plus two digits; these have more.
_KAFKA_REST_CODES = {401: 40101, 403: 40301}


def error_body(family: Family, status: int, message: str, *, code: int | None = None) -> Any:
    """An error as the interface reports it. `code`: Schema Registry's own, if not the usual one for the status."""
    if family == "connect":
        return {"error": {"code": status, "message": message}}
    if family == "kafka_rest":
        return {"error_code": _KAFKA_REST_CODES.get(status, status), "message": message}
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
    "kafka_rest": "Authentication failed",
}
_FORBIDDEN = {
    "connect": "Forbidden Access",
    "control_plane": "The owner of the API key is not allowed to access this resource",
    "metrics": "The owner of the API key is not allowed to read metrics of this resource",
    "registry": "User is denied operation Read on this subject",
    "kafka_rest": "Cluster authorization failed",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """401: an unknown key. 403: a key whose owner lacks the role."""

    status: int
    message: str


def refusal(keys: Keys, family: Family, authorization: str | None) -> Refusal | None:
    """Why this request is refused; None if it may read. Each kind of key opens only the interfaces it is for."""
    given = _basic(authorization)
    accepted, powerless = {
        "registry": (keys.schema_registry, keys.unprivileged_schema_registry),
        "kafka_rest": (keys.kafka, keys.unprivileged_kafka),
    }.get(family, (keys.cloud, keys.unprivileged_cloud))
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


# What the stand-in has been told to do wrong or to pretend. Kept in memory only.
#
# PUT /_stand-in/faults   [{"path": "/connect/", "kind": "throttle", "seconds": 2, "times": 1}]
# PUT /_stand-in/shown    {"connectors": 20}
# PUT /_stand-in/scale    {"connectors": 1000, "subjects": 2500, "clusters": 12, "page_size": 5}

FaultKind = Literal["fail", "throttle", "truncate", "slow"]
Listed = Literal["connectors", "subjects", "clusters"]


class OrderError(ValueError):
    """An order that makes no sense; the message says what would."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """`path`: what a request's path must contain. `times`: how many more requests it affects; None: all, until revoked.

    `fail` answers `status`, as an HTML page if `html`; `throttle` answers 429 and how long to wait, `seconds`;
    `truncate` cuts the body in the middle; `slow` waits `seconds` first.
    """

    path: str
    kind: FaultKind
    status: int = 500
    html: bool = False
    seconds: float = 1.0
    times: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise OrderError(f"kind {self.kind!r} is not one of {', '.join(get_args(FaultKind))}")


@dataclass(slots=True, kw_only=True)
class Scale:
    """How many of each there are: the real ones, then made-up ones, whose names say so. `page_size`: the largest page."""

    connectors: int = 0
    subjects: int = 0
    clusters: int = 0
    page_size: int = 100


@dataclass(slots=True)
class _Told:
    faults: list[Fault] = field(default_factory=list)
    shown: dict[str, int] = field(default_factory=dict)
    scale: Scale = field(default_factory=Scale)
    links: list[dict[str, Any]] = field(default_factory=list)


class Orders:
    """The orders in force. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told = _Told()

    def tell_faults(self, faults: Any) -> None:
        if not isinstance(faults, list):
            raise OrderError("expected a list of faults")
        read = [_read(Fault, fault) for fault in faults]
        with self._lock:
            self._told.faults = read

    def tell_shown(self, shown: Any) -> None:
        """How much of a list this key sees, as if it lacked the role for the rest. Raises `OrderError`."""
        if not isinstance(shown, Mapping) or not set(shown) <= set(get_args(Listed)):
            raise OrderError(f"expected an object with some of {', '.join(get_args(Listed))}")
        with self._lock:
            self._told.shown = {str(name): int(count) for name, count in shown.items()}

    def tell_scale(self, scale: Any) -> None:
        read = _read(Scale, scale)
        with self._lock:
            self._told.scale = read

    def tell_links(self, links: Any) -> None:
        """What the cluster is linked with (links.py). Raises `OrderError`."""
        if not isinstance(links, list) or not all({"name", "source"} <= set(one) for one in links):
            raise OrderError("expected a list of links, each with at least a name and a source")
        with self._lock:
            self._told.links = links

    @property
    def links(self) -> list[dict[str, Any]]:
        with self._lock:
            return self._told.links

    def forget(self) -> None:
        with self._lock:
            self._told = _Told()

    def take_fault(self, path: str) -> Fault | None:
        """The first fault meant for a request to `path`; this uses it up by one."""
        with self._lock:
            for fault in self._told.faults:
                if fault.path in path and fault.times != 0:
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None

    def shown(self, what: Listed) -> int | None:
        """None: all."""
        with self._lock:
            return self._told.shown.get(what)

    @property
    def scale(self) -> Scale:
        with self._lock:
            return self._told.scale

    def told(self) -> dict[str, Any]:
        with self._lock:
            return asdict(self._told)


def _read(kind: Any, given: Any) -> Any:
    if not isinstance(given, Mapping):
        raise OrderError(f"expected an object for {kind.__name__}, found {given!r}")
    try:
        return kind(**given)
    except TypeError as error:
        raise OrderError(str(error)) from error
