"""The rows of the page's data. Each is written as a JSON array, in the order of its fields, whose names go
with the data: a large estate has tens of thousands of rows.

A field called after a thing holds the place of its row (`cluster`, `topic`), one ending in `_text` the place
of a text that many rows share; -1 means none. None means unknown; times are seconds since 1970, UTC.
"""

from mesh_assets.inventory.records import Record


class _Row(Record, frozen=True, kw_only=True, array_like=True):
    pass


class ClusterRow(_Row, frozen=True, kw_only=True):
    name: str
    id: str
    environment: str | None
    discovered: int
    sections: dict[str, str]


class TopicRow(_Row, frozen=True, kw_only=True):
    """`message_count_is` 1: an upper bound. `subjects`: places of schemas, with the part of a record they
    describe. `config`: what is set on the topic itself; None: it could not be read."""

    cluster: int
    name: str
    partitions: int
    replication: int
    cleanup_text: int
    message_count: int | None
    message_count_is: int
    records_in: float | None
    bytes: int | None
    internal: int
    domain: int
    reason_text: int
    subjects: tuple[tuple[int, str], ...]
    config: dict[str, str | None] | None
    error: str | None


class ProfileRow(_Row, frozen=True, kw_only=True):
    """What the newest sample showed about a topic. `faults`: kind and sentence. `fields`: path, types,
    completeness, distinct values, and what looks personal."""

    topic: int
    taken_at: int
    records: int
    partitions: int
    format: str | None
    inferred: int | None
    decoded: float | None
    null_keys: float | None
    duplicate_keys: float | None
    tombstones: float | None
    latest_schema: float | None
    age_seconds: float | None
    usual_gap_seconds: float | None
    error: str | None
    faults: tuple[tuple[str, str], ...]
    fields: tuple[tuple[str, str, float | None, int | None, str], ...]
    fields_left_out: int


class ConnectorRow(_Row, frozen=True, kw_only=True):
    """`trace`: of the connector or its first failed task, cut."""

    cluster: int
    name: str
    connect_text: int
    type_text: int
    class_text: int
    status_text: int
    tasks: int
    failed_tasks: int
    active: int
    records_in: float | None
    records_out: float | None
    trace: str | None
    note: str | None
    error: str | None


class SchemaRow(_Row, frozen=True, kw_only=True):
    """`fields`: places in the table of fields, at most 200; None: the text cannot be read; `note` says why.
    `inherited`: whether the compatibility is the registry's."""

    cluster: int
    subject: str
    version: int
    id: int
    type_text: int
    compatibility_text: int
    inherited: int | None
    owner: str | None
    fields: tuple[int, ...] | None
    fields_left_out: int
    note: str | None
    error: str | None


class GroupRow(_Row, frozen=True, kw_only=True):
    """`lag_is_more` 1: some of its lag is unknown. `lag_seconds_at_least` 1: a lower bound."""

    cluster: int
    name: str
    type_text: int
    state_text: int
    members: int | None
    lag: int | None
    lag_is_more: int
    lost: int | None
    lag_seconds: float | None
    lag_seconds_at_least: int
    error: str | None


class ReadRow(_Row, frozen=True, kw_only=True):
    """A group on a topic. `topic` -1: the inventory has no such topic; `name` says which it is."""

    group: int
    topic: int
    name: str | None
    lag: int | None
    lost: int | None
    lag_seconds: float | None
    retention_used: float | None
    note_text: int


class NodeRow(_Row, frozen=True, kw_only=True):
    """`topic`: the place of its row; the name is then left out."""

    kind_text: int
    cluster: int
    namespace_text: int
    name: str
    topic: int
    note: str | None


class EdgeRow(_Row, frozen=True, kw_only=True):
    source: int
    target: int
    known_text: int
    purpose_text: int
    by_text: int
    active: int | None


class FindingRow(_Row, frozen=True, kw_only=True):
    """`connect`: the endpoint of a connector that shares its name. `evidence`: the figures of the sentence, with units in
    their names. `muted`: why the estate mutes it."""

    cluster: int
    kind_text: int
    severity_text: int
    resource_type_text: int
    resource: str
    connect: str | None
    sentence: str
    evidence: dict[str, int | float | str | tuple[str, ...] | None]
    since: int | None
    muted: str | None


class ChangeRow(_Row, frozen=True, kw_only=True):
    cluster: int
    at: int
    kind_text: int
    resource_type_text: int
    resource: str
    severity_text: int
    sentence: str


class DomainRow(_Row, frozen=True, kw_only=True):
    cluster: int
    name: str
    owners: tuple[str, ...]
    topics: int


class EntityRow(_Row, frozen=True, kw_only=True):
    """`uses`: topic, path of the field, 1 if it is in the records' key."""

    cluster: int
    name: str
    key: str
    reason: str
    uses: tuple[tuple[int, str, int], ...]
