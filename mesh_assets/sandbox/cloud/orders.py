"""What the stand-in has been told to do wrong or to pretend. Kept in memory only.

PUT /_stand-in/faults   [{"path": "/connect/", "kind": "throttle", "seconds": 2, "times": 1}]
PUT /_stand-in/shown    {"connectors": 20}
PUT /_stand-in/scale    {"connectors": 1000, "subjects": 2500, "clusters": 12, "page_size": 5}
"""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

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
