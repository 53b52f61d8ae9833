"""How topics are sampled for their profiles, and which values may be named. Which topics: `allow_message_reading`."""

from typing import Annotated, Literal

from pydantic import Field

from mesh_assets.estate.fields import EstateModel

_Pattern = Annotated[str, Field(min_length=1, max_length=512)]


class ProfilingSettings(EstateModel):
    """`strategy`: the newest records of each partition, runs of them at random offsets, or at even distances of time.

    Bounds of one topic's sample: `records_per_partition`; `records`, `bytes` (of keys and values) and `seconds` in all.
    `name_values`: shell patterns of `topic/field` whose few values are named and not only counted by hash:
    `orders/status`.
    """

    strategy: Literal["latest", "random", "stratified"] = "latest"
    records_per_partition: int = Field(default=1_000, ge=1, le=100_000)
    records: int = Field(default=20_000, ge=1, le=1_000_000)
    bytes: int = Field(default=64_000_000, ge=1_000, le=1_000_000_000)
    seconds: float = Field(default=30.0, ge=1, le=3_600)
    name_values: tuple[_Pattern, ...] = ()
