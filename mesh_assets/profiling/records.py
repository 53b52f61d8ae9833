"""What the analysis `data_quality` finds, as records; their JSON form is that of the store.

A share is from 0 to 1, of the sampled records unless stated otherwise. None: not known, e.g. for an empty
sample.
"""

from datetime import datetime
from typing import Literal

from mesh_assets.analysis.personal_values import LooksPersonal
from mesh_assets.inventory.records import Record

Strategy = Literal["latest", "random", "stratified"]
"""Which records are sampled: the newest of each partition, runs at random offsets, or runs at even distances of time."""


FaultKind = Literal[
    "incomplete_field",
    "undecodable_records",
    "silent_topic",
    "duplicate_keys",
    "wrong_type",
    "old_schema",
    "personal_data",
]


class PartitionWindow(Record, frozen=True, kw_only=True):
    """What a partition held and what was read of it. `earliest`, `latest`: its offsets when sampling began;
    None if unknown. `first`, `last`: of the records read; None: none was. `error`: why all or part of it is
    missing from the sample."""

    partition: int
    earliest: int | None
    latest: int | None
    first: int | None
    last: int | None
    records: int
    error: str | None = None


class Undecodable(Record, frozen=True, kw_only=True):
    """Records that could not be decoded, by reason. `reason` does not quote them. `unread`: their schema could not
    be read, so they are unknown, not wrong."""

    part: Literal["key", "value"]
    reason: str
    records: int
    share: float
    unread: bool = False


class SchemaUse(Record, frozen=True, kw_only=True):
    """Values that name the schema `id`. `latest`: whether it is the newest of a subject of the topic; None: the document has
    no subject for the topic."""

    id: int
    records: int
    latest: bool | None


class Freshness(Record, frozen=True, kw_only=True):
    """`age_seconds`: from the newest sampled record's timestamp to the sampling; None: no record, or none
    with a timestamp.

    `usual_gap_seconds`: the longest time that the topic usually waits for its next record: known from two weeks of readings,
    else the longest between sampled records (`sample`), None: too few are known."""

    newest_at: datetime | None
    age_seconds: float | None
    usual_gap_seconds: float | None
    usual_gap_from: Literal["readings", "sample"] | None


class TypeShare(Record, frozen=True, kw_only=True):
    """`type`: `string`, `integer`, `number`, `boolean`, `bytes`, `timestamp`, `date`, `time`, `decimal`, `uuid`, `array`,
    `object`. `share`: of the values that are not null."""

    type: str
    share: float


class Quantile(Record, frozen=True, array_like=True):
    """`value`: the value below which the share `at` of the sampled values lies: exact, interpolated between
    two."""

    at: float
    value: float


class Histogram(Record, frozen=True, kw_only=True):
    """`counts[i]` values lie between `edges[i]` and `edges[i + 1]`; the last bin includes its end."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


class EnumeratedValue(Record, frozen=True, kw_only=True):
    """One value of a field that has few. `hash`: keyed by the store, of the value in its field. `name`: the
    value itself, only if the estate allows naming it."""

    hash: str
    records: int
    name: str | None = None


class FieldProfile(Record, frozen=True, kw_only=True):
    """One field. `path`: dots into records, `[]` into arrays, `{}` into maps.

    `records`: how many of the decoded records have it, not null. `completeness`: their share. `optional`: the
    schema allows it to be null or missing; None: no schema says. `distinct`: the exact number of distinct
    values in the sample. `declared`: the schema's type. `type_conformance`: the share of values of the
    declared type or, if none is declared, of the most frequent type.

    `minimum` to `histogram` are for numbers as they are, for times as seconds since 1970 (UTC), and for
    strings and bytes as their lengths (`figures_of` says which). They are None, with the reason in
    `withheld`, if they would give away values. `values`: for fields with few distinct values, the most
    frequent first.
    """

    path: str
    types: tuple[TypeShare, ...]
    records: int
    completeness: float | None
    optional: bool | None
    distinct: int | None
    declared: str | None = None
    type_conformance: float | None = None
    figures_of: Literal["number", "time", "length"] | None = None
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    quantiles: tuple[Quantile, ...] = ()
    histogram: Histogram | None = None
    withheld: str | None = None
    values: tuple[EnumeratedValue, ...] = ()
    looks_personal: tuple[LooksPersonal, ...] = ()


class TrendPoint(Record, frozen=True, kw_only=True):
    """What an earlier profile showed. `completeness`: of the fields that were not complete, by path."""

    taken_at: datetime
    sampled_records: int
    decoded_share: float | None
    null_key_share: float | None
    tombstone_share: float | None
    duplicate_key_share: float | None
    age_seconds: float | None
    completeness: dict[str, float]


class Fault(Record, frozen=True, kw_only=True):
    """Something in a profile that is likely wrong. `path` None: it concerns the whole topic. `share`: how
    much of the sample."""

    kind: FaultKind
    path: str | None
    share: float | None
    sentence: str


class TopicProfile(Record, frozen=True, kw_only=True):
    """The figures of one topic's sample.

    `topic_id`: the sampled topic's; deleted and recreated, it has no profile until it is sampled (`results.py`). None: brokers
    give topics no ids.
    `sampled_records` of `sampled_partitions` partitions, `sampled_bytes` of keys and values. `error`: why the topic could not
    be sampled, or the schemas of its values could not be read; figures that need them are None or empty then.
    `format`: what most values are. `decoded_share`: of the values that are not tombstones and whose schema
    could be read. `duplicate_key_share`: of the records with a key, those whose key occurs in an earlier record
    of the sample; normal in streams of changes, a warning sign where each record is a new thing. `inferred`: no
    schema describes the values, so the fields are what the sample shows.
    `fields_left_out`: beyond the first 500. `trend`: earlier profiles, oldest first.
    """

    cluster: str
    cluster_id: str
    topic: str
    topic_id: str | None = None
    taken_at: datetime
    strategy: Strategy
    sampled_records: int = 0
    sampled_bytes: int = 0
    sampled_partitions: int = 0
    windows: tuple[PartitionWindow, ...] = ()
    error: str | None = None
    note: str | None = None
    format: str | None = None
    decoded_share: float | None = None
    undecodable: tuple[Undecodable, ...] = ()
    null_key_share: float | None = None
    tombstone_share: float | None = None
    duplicate_key_share: float | None = None
    freshness: Freshness | None = None
    schemas: tuple[SchemaUse, ...] = ()
    latest_schema_share: float | None = None
    inferred: bool | None = None
    fields: tuple[FieldProfile, ...] = ()
    fields_left_out: int = 0
    faults: tuple[Fault, ...] = ()
    trend: tuple[TrendPoint, ...] = ()

    def field(self, path: str) -> FieldProfile | None:
        """The field's profile; None if the sample has no such field."""
        return next((one for one in self.fields if one.path == path), None)


class KeyOverlap(Record, frozen=True, kw_only=True):
    """How many values two fields of two topics of one cluster share, by sketches of their samples.

    `contained`: of the distinct values of the field that has fewer of them, the share that the other has as
    well, estimated from `compared` values. The samples are not the topics: a low share may only mean that
    different records were sampled."""

    cluster: str
    topic: str
    path: str
    other_topic: str
    other_path: str
    contained: float
    compared: int
    distinct: int
    other_distinct: int


class Unprofiled(Record, frozen=True, kw_only=True):
    """A cluster without new profiles, and why. `nothing_allowed`: the estate does not allow reading any of
    its topics."""

    cluster: str
    reason: str
    nothing_allowed: bool = False


class DataQuality(Record, frozen=True, kw_only=True):
    """The result `analysis/data_quality.json`: a profile of every topic of the estate that may be read, by cluster and name,
    the overlaps found, the clusters left out, and how many topics may not be read."""

    profiles: tuple[TopicProfile, ...]
    overlaps: tuple[KeyOverlap, ...]
    unprofiled: tuple[Unprofiled, ...]
    not_allowed: int

    def profile(self, cluster: str, topic: str) -> TopicProfile | None:
        """None: the topic was not profiled."""
        return next((one for one in self.profiles if (one.cluster, one.topic) == (cluster, topic)), None)
