"""The contents of the section `brokers`: the brokers, their configs, the cluster's features and its controller quorum.

A part that could not be read is None, with the reason in `unknown` under the part's name.
"""

from datetime import datetime
from typing import Literal

from msgspec import field

from mesh_assets.inventory.records import Record

ConfigSource = Literal["dynamic_broker", "dynamic_cluster", "static", "default", "unknown"]
"""Where a value is set, by Kafka's ConfigSource: on one broker, for the whole cluster, in the broker's own file, or
nowhere, so that Kafka's default applies."""


class ClusterBroker(Record, frozen=True, kw_only=True):
    """One broker, at the listener through which it was reached. `fenced`: it is registered but serves nothing; None:
    brokers before 4.0 list only serving brokers, and do not say."""

    id: int
    host: str
    port: int
    rack: str | None = None
    fenced: bool | None = None


class BrokerConfig(Record, frozen=True, kw_only=True):
    """A config with one value and source. `value` None: not set, or `sensitive`, which Kafka never reveals. `brokers`:
    those with this value; empty: all whose configs are known."""

    name: str
    value: str | None
    source: ConfigSource
    sensitive: bool = False
    brokers: tuple[int, ...] = ()


class BrokerConfigs(Record, frozen=True, kw_only=True):
    """`brokers`: whose configs these are; those of fenced ones as last known. `entries`: by name; a name appears once for each
    value that it has on them. `cluster_wide`: the cluster's dynamic defaults, which apply where a broker sets no value of its own;
    the value of a sensitive one is None."""

    brokers: tuple[int, ...]
    entries: tuple[BrokerConfig, ...]
    cluster_wide: dict[str, str | None]


class Feature(Record, frozen=True, kw_only=True):
    """A feature of the cluster (KIP-584). `level`: the one the cluster has agreed on; None: none. `minimum` and
    `maximum`: what the broker that was asked supports; None: it does not know the feature."""

    name: str
    level: int | None
    minimum: int | None = None
    maximum: int | None = None


class Features(Record, frozen=True, kw_only=True):
    """`epoch`: of the levels; it grows with each change of one or, with KRaft, with any record of the metadata log (measured
    with 4.3); None: no level was ever agreed on. `broker`: the one that was asked."""

    epoch: int | None
    broker: int | None
    features: tuple[Feature, ...]


class QuorumReplica(Record, frozen=True, kw_only=True):
    """One copy of the metadata log. `directory_id` None: brokers before 3.9 have none. `lag_records`: how far it is
    behind the leader's; None, as with `log_end_offset`: the leader does not know. The times are by the leader's clock;
    None: never, or not reported (brokers before 3.5).
    `endpoints`: where a controller listens, as `name://host:port`; empty if not reported."""

    id: int
    log_end_offset: int | None
    lag_records: int | None
    directory_id: str | None = None
    last_fetch: datetime | None = None
    last_caught_up: datetime | None = None
    endpoints: tuple[str, ...] = ()


class Quorum(Record, frozen=True, kw_only=True):
    """The controllers of a KRaft cluster. `leader` None: none is elected now."""

    leader: int | None
    epoch: int
    high_watermark: int
    voters: tuple[QuorumReplica, ...]
    observers: tuple[QuorumReplica, ...]


BrokerPart = Literal["configs", "features", "quorum"]


class Brokers(Record, frozen=True, kw_only=True):
    """`controller`: the active one: the quorum's leader, or with ZooKeeper the broker that the others name; None: not
    known. The broker that KRaft's brokers name to clients is a random one of them, not the controller. `unknown`: part →
    why it could not be read."""

    brokers: tuple[ClusterBroker, ...]
    controller: int | None = None
    configs: BrokerConfigs | None = None
    features: Features | None = None
    quorum: Quorum | None = None
    unknown: dict[str, str] = field(default_factory=dict)

    @property
    def fenced(self) -> int:
        return sum(1 for broker in self.brokers if broker.fenced)
