"""A topic's sample in memory: the seam between reading, the figures made from it, and the rules that judge
it.

None of it is kept: whoever gets it passes on figures, partitions and offsets, never values.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mesh_assets.profiling.records import PartitionWindow, Undecodable

if TYPE_CHECKING:
    import pandas as pd

PARTITION, OFFSET, TIMESTAMP, KEY, TOMBSTONE, UNDECODABLE = (
    "__partition",
    "__offset",
    "__timestamp",
    "__key",
    "__tombstone",
    "__undecodable",
)
"""The columns of a frame besides those of the fields. A field with such a name is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSample:
    """The sampled records of one topic, decoded.

    `frame()`: built on request, each time, since only rules want it and pandas weighs more than everything
    else a profile needs. One row per record, by partition and offset. Columns: `__partition` and `__offset`
    (int64), `__timestamp` (UTC, NaT: none), `__key` (bytes or None, as Kafka has it), `__tombstone` (bool),
    `__undecodable` (why the value could not be decoded, or None), and each field of the values by its dotted
    path. A field that is missing or null is None or NaN. Nested records have a column per leaf and none of
    their own; an array or a map is one column of lists or dicts. A value that is not a record (a text, a
    number) has the path `value`.

    `array_values`: the values within arrays and maps, over all rows, by path (`items[].sku`, `labels{}`).
    `topic_id` None: brokers give topics no ids.
    `taken_at`: when its ends were looked up. `windows`: what was read of each partition. `bytes`: of keys and values.
    `inferred`: no schema describes the values.
    """

    cluster: str
    topic: str
    taken_at: datetime
    frame: "Callable[[], pd.DataFrame]"
    windows: tuple[PartitionWindow, ...]
    bytes: int
    inferred: bool
    undecodable: tuple[Undecodable, ...] = ()
    topic_id: str | None = None


OnSample = Callable[[TopicSample], None]
"""Called while profiling a cluster, for each sampled topic while its sample is in memory, even an empty
one."""
