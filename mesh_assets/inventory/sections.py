"""A section: one of the inventories as collected, and how far it can be trusted."""

from datetime import datetime
from typing import Literal, get_args

from msgspec import field

from mesh_assets.inventory.access_records import Access
from mesh_assets.inventory.broker_records import Brokers
from mesh_assets.inventory.cluster_link_records import ClusterLinks
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.records import (
    Connector,
    Metrics,
    Record,
    RegistryFacts,
    Schema,
    Topic,
)
from mesh_assets.inventory.storage_records import LogDirectory
from mesh_assets.inventory.transaction_records import Transactions

SectionName = Literal[
    "topics",
    "connectors",
    "schemas",
    "consumer_groups",
    "metrics",
    "brokers",
    "access",
    "transactions",
    "cluster_links",
]
SECTION_NAMES: tuple[SectionName, ...] = get_args(SectionName)


class Source(Record, frozen=True, kw_only=True):
    """Where records come from. `name`: the estate's, which stays when the address changes. `address`: host, port and
    path, and on Confluent Cloud the cluster."""

    name: str
    address: str


class SectionScope(Record, frozen=True, kw_only=True):
    """What a reading covers: the names that the patterns select, at these sources (none for readings from the
    brokers, whose cluster id is checked)."""

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()


class StaleSource(Record, frozen=True, kw_only=True):
    """A source or part of a section that could not be read in this run, by name (`Source.name`, `acls`).

    The section has its last good data, read at `collected_at`; None: it was never read.
    """

    source: str
    collected_at: datetime | None
    error: str


class SectionState(Record, frozen=True, kw_only=True):
    """`fresh`: read in this run, except what `error` names: what could not be read, and what is kept from an earlier
    reading. `stale`: the last good data (or none), with the reason in `error`. `not_configured`: there is no
    source.

    `stale_sources`: if a section has several sources (Connect clusters) or parts (ACLs, quotas), those that could not
    be read.

    `collected_at` is when the data was read, which can be before this run; None if it never was. `held_since`
    is set while a mass disappearance is held back: the time of the first reading that lacked what is held.

    `scope` is that of the data; None: written before scopes were kept, or there is none. `scope_note` says
    what left and entered the scope with this document, and is not repeated in the next.
    """

    status: Literal["fresh", "stale", "not_configured"]
    collected_at: datetime | None
    error: str | None = None
    held_since: datetime | None = None
    scope: SectionScope | None = None
    scope_note: str | None = None
    stale_sources: tuple[StaleSource, ...] = ()


class HostClock(Record, frozen=True, kw_only=True):
    """Converts a machine's wall-clock times into its own monotonic time, which nobody sets. `machine`: one boot of one
    machine. `taken_at`: when a reading began, by the wall clock. `began_at`: when the machine booted, by the same clock;
    each adjustment of the clock moves it by the same amount. `taken_over`: a hold begun by another machine started over
    on this one."""

    machine: str
    taken_at: datetime
    began_at: datetime
    taken_over: bool = False


class Beginning(Record, frozen=True, kw_only=True):
    """What a collection noted before it read anything. A later collection has a higher `ticket`, whatever any clock says,
    as long as the store numbers in the same `series`. `newest_known`: the sequence of the newest snapshot in the topic
    that the store knew by then (0: none); this collection is newer. `clock`: of the collecting machine; None if there is
    no such clock. `waiting`: the ids of the triggers in the inbox, noted before the ticket was given."""

    ticket: int
    waiting: tuple[str, ...]
    series: str = ""
    newest_known: int | None = None
    clock: HostClock | None = None


class SectionCost(Record, frozen=True, kw_only=True):
    """What reading the section took: requests to Kafka and over HTTP, wall seconds in total and by phase (phases
    overlap).

    `level_requests`: how many of the HTTP requests asked for compatibility levels and modes of subjects,
    which no registry returns in bulk.
    """

    seconds: float = 0.0
    kafka_requests: int = 0
    http_requests: int = 0
    level_requests: int = 0
    phases: dict[str, float] = field(default_factory=dict)


class _CollectedSection(Record, frozen=True, kw_only=True):
    """What all sections have. `cluster_id`: the cluster it was read from.

    `ticket`: the number of the reading, given before it was taken; None if it has no place in an order (a sensor's,
    which is newer than the document it is compared with). `series` and `newest_known` as in Beginning, the latter None
    if an earlier version collected it. `waiting`: the ids of the triggers that waited before the ticket was given:
    whatever caused them is part of what was read.

    `held`: what is kept although a reading lacked it, until a second one also lacks it, by name; with the time of the
    first such reading, by `clock`: that of the machine that took this reading.
    """

    cluster_id: str
    state: SectionState
    held: dict[str, datetime] = field(default_factory=dict)
    ticket: int | None = None
    series: str = ""
    newest_known: int | None = None
    clock: HostClock | None = None
    waiting: tuple[str, ...] = ()
    cost: SectionCost = SectionCost()


class TopicsSection(_CollectedSection, frozen=True, kw_only=True, tag_field="section", tag="topics"):
    """`excluded`: how many topics the estate's patterns leave out. `topic_defaults`, `log_directories`, `unknown` (there
    `topics_unknown`): as in the document."""

    records: tuple[Topic, ...]
    topic_defaults: dict[str, str] | None = None
    log_directories: tuple[LogDirectory, ...] | None = None
    unknown: dict[str, str] = field(default_factory=dict)
    excluded: int = 0


class SecretFingerprints(Record, frozen=True, kw_only=True):
    """Keyed fingerprints of what is masked in connector configs, which only the store ever holds
    (store/fingerprints.py). `connectors`: endpoint and name → key of the config → fingerprint."""

    key_id: str
    connectors: dict[str, dict[str, str]]


class ConnectorsSection(_CollectedSection, frozen=True, kw_only=True, tag_field="section", tag="connectors"):
    """`stand_in`, here and in the other sections that come over HTTP: what the source says it stands in for;
    None: it is the real thing. `fingerprints`: of the secrets that were read; None: they were not asked for."""

    records: tuple[Connector, ...]
    stand_in: str | None = None
    fingerprints: SecretFingerprints | None = None


class SchemasSection(_CollectedSection, frozen=True, kw_only=True, tag_field="section", tag="schemas"):
    records: tuple[Schema, ...]
    registry: RegistryFacts | None = None
    stand_in: str | None = None


class ConsumerGroupsSection(
    _CollectedSection, frozen=True, kw_only=True, tag_field="section", tag="consumer_groups"
):
    records: tuple[ConsumerGroup, ...]
    excluded: int = 0


class MetricsSection(_CollectedSection, frozen=True, kw_only=True, tag_field="section", tag="metrics"):
    """`records` None: never read."""

    records: Metrics | None
    stand_in: str | None = None


class BrokersSection(_CollectedSection, frozen=True, kw_only=True, tag_field="section", tag="brokers"):
    """`records` None, here and in the next: never read. What single parts lack is in their `unknown`."""

    records: Brokers | None


class AccessSection(_CollectedSection, frozen=True, kw_only=True, tag_field="section", tag="access"):
    records: Access | None


class TransactionsSection(
    _CollectedSection, frozen=True, kw_only=True, tag_field="section", tag="transactions"
):
    records: Transactions | None


class ClusterLinksSection(
    _CollectedSection, frozen=True, kw_only=True, tag_field="section", tag="cluster_links"
):
    records: ClusterLinks | None
    stand_in: str | None = None


SectionOfParts = BrokersSection | AccessSection | TransactionsSection | ClusterLinksSection
"""Those whose parts each need their own right: one that cannot be read leaves the others intact (parts.py)."""

Section = (
    TopicsSection
    | ConnectorsSection
    | SchemasSection
    | ConsumerGroupsSection
    | MetricsSection
    | BrokersSection
    | AccessSection
    | TransactionsSection
    | ClusterLinksSection
)
