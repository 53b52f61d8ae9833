"""One reading of a cluster: the end of every topic and the position of every group, in one or two numbers
each."""

from collections.abc import Container
from datetime import datetime
from zlib import crc32

from msgspec import field

from mesh_assets.inventory.records import Record


class Reading(Record, frozen=True, kw_only=True):
    """What was read at one moment. Anything that could not be read completely is left out, never counted as
    zero.

    `ends`: the sum of a topic's end offsets, by series (`series_name`: the topic and its id, so that a topic
    deleted and created again is a new series). `commits`: the sum of a group's committed offsets, by the
    group and the partitions it has committed on, so that the first commit on a partition does not count as
    consumption. `lags`: by group. `topics` and `groups`: all that exist, whether read or not. `places`: the
    end of each partition that a group has committed on, by `place_name`. `unlisted`: the groups of which it is
    unknown whether they exist.
    """

    read_at: datetime
    ends: dict[str, int]
    commits: dict[str, int]
    lags: dict[str, int]
    topics: frozenset[str]
    groups: frozenset[str]
    places: dict[str, int] = field(default_factory=dict)
    unlisted: Container[str] = frozenset()


def series_name(name: str, identity: str) -> str:
    """`orders/1c291ca3`: a name and a checksum of its identity. Ids of 22 random letters would double the
    history.
    """
    return f"{name}/{crc32(identity.encode()):08x}"


def place_name(series: str, partition: int) -> str:
    """`orders/1c291ca3:0`: a partition of exactly that topic."""
    return f"{series}:{partition}"


def resource_of(series: str) -> str:
    """`orders/1c291ca3` → `orders`. A group's own slashes stay."""
    return series.rpartition("/")[0]
