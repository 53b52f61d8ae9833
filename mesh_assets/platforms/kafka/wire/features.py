"""The features of the cluster (KIP-584), which brokers report with the requests that they accept:
ApiVersions.

We ask for version 4 if the broker speaks it: in version 3, brokers leave out features that begin at level 0
(KAFKA-17011), such as `kraft.version`.
"""

from importlib.metadata import version as version_of_package

from mesh_assets.inventory.broker_records import Feature, Features
from mesh_assets.platforms.kafka.wire.forms import (
    BrokerError,
    Connections,
    MalformedError,
    Reader,
    Request,
    Writer,
)

_SOFTWARE = "mesh-assets"
# The tagged fields of the answer.
_SUPPORTED, _EPOCH, _FINALIZED = 0, 1, 2


async def read_features(connections: Connections, broker: int) -> Features:
    """Raises BrokerError, and UnsupportedError with brokers before 2.4."""
    told = await connections.ask(_FEATURES, broker=broker)
    if isinstance(told, BrokerError):
        raise told
    epoch, levels, supported = told
    return Features(
        epoch=epoch,
        broker=broker,
        features=tuple(
            Feature(
                name=name,
                level=levels.get(name),
                minimum=supported[name][0] if name in supported else None,
                maximum=supported[name][1] if name in supported else None,
            )
            for name in sorted(levels.keys() | supported.keys())
        ),
    )


_Ranges = dict[str, tuple[int, int]]


def _write(w: Writer, _version: int) -> None:
    w.text(_SOFTWARE)
    w.text(version_of_package(_SOFTWARE))
    w.tags()


def _read(r: Reader, _version: int) -> tuple[int | None, dict[str, int], _Ranges] | BrokerError:
    code = r.int16()
    for _ in range(max(0, r.count())):
        r.int16(), r.int16(), r.int16()
        r.tags()
    r.throttle()
    epoch: int | None = None
    levels: dict[str, int] = {}
    supported: _Ranges = {}
    for _ in range(r.varint()):
        tag = r.varint()
        field = Reader(r.take(r.varint()), flexible=True)
        if tag == _SUPPORTED:
            supported = _ranges(field)
        elif tag == _EPOCH:
            number = field.int64()
            epoch = number if number >= 0 else None
        elif tag == _FINALIZED:
            levels = {name: highest for name, (highest, _) in _ranges(field).items()}
        else:
            continue
        field.finish()
    return BrokerError(code) if code else (epoch, levels, supported)


def _ranges(r: Reader) -> _Ranges:
    found: _Ranges = {}
    for _ in range(r.length()):
        name, one, other = r.text(), r.int16(), r.int16()
        r.tags()
        if name in found:
            raise MalformedError("a feature that is listed twice")
        found[name] = (one, other)
    return found


_FEATURES: Request[tuple[int | None, dict[str, int], _Ranges] | BrokerError] = Request(
    "ApiVersions", 18, 3, 4, 3, _write, _read
)
