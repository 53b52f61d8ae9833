"""What a sensor keeps between two ticks: where it stopped, and a little of each cluster. Small: clusters at
rest have no entry."""

import msgspec
from msgspec import field

from mesh_assets.inventory.records import Record


class Flaps(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A connector's recent failures. `since`: seconds since 1970, when the window began. `failed`: as it was
    last seen.

    `flapping`: it had failed more than once in the window before, so everything is held until this one ends.
    """

    since: float
    failures: int = 0
    failed: bool = False
    flapping: bool = False


class ClusterCursor(Record, frozen=True, kw_only=True, omit_defaults=True):
    """`…_after`: the last name of the last slice; None: everything fits into one. `bulk`: whether the
    registry has a bulk list, as far as known. `flaps`: by `endpoint/name`, only of connectors that failed
    lately.
    """

    versions_after: str | None = None
    levels_after: str | None = None
    configs_after: str | None = None
    bulk: bool = False
    flaps: dict[str, Flaps] = field(default_factory=dict)


class SensorCursor(Record, frozen=True, kw_only=True, omit_defaults=True):
    """`unreached`: clusters that the last tick had no time for; they come first. `hung`: those that did not
    answer in time, last."""

    unreached: tuple[str, ...] = ()
    hung: tuple[str, ...] = ()
    clusters: dict[str, ClusterCursor] = field(default_factory=dict)


_decoder = msgspec.json.Decoder(SensorCursor)
AT_REST = ClusterCursor()


def decode_cursor(text: str | None) -> SensorCursor:
    """An unreadable cursor (of another version) is a new one: it only says where to go on."""
    if not text:
        return SensorCursor()
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError:
        return SensorCursor()


def encode_cursor(cursor: SensorCursor) -> str:
    kept = {name: state for name, state in cursor.clusters.items() if state != AT_REST}
    return msgspec.json.encode(msgspec.structs.replace(cursor, clusters=kept)).decode()
