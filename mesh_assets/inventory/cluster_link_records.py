"""The contents of the section `cluster_links`: the links between this cluster and others, and the topics here that mirror
topics there.

A part that could not be read is None, with the reason in `unknown` under the part's name.
"""

from collections.abc import Collection, Iterator
from datetime import datetime

from msgspec import field

from mesh_assets.inventory.links import kafka_addresses
from mesh_assets.inventory.records import Record

NO_LINK_ERROR = "NO_ERROR"
"""Confluent's word in `link_error` if there is none."""

ENDED_MIRRORS = frozenset({"STOPPED"})
"""A value of `MirrorTopic.status`: it was promoted or failed over, and has since been an ordinary topic."""

BROKEN_MIRRORS = frozenset({"FAILED", "LINK_FAILED", "SOURCE_UNAVAILABLE"})
PAUSED_MIRRORS = frozenset({"PAUSED", "LINK_PAUSED"})


class LinkTask(Record, frozen=True, kw_only=True):
    """What a link does besides mirroring (`ConsumerOffsetSync`, `AclSync`, …). `state`: Confluent's word (ACTIVE,
    IN_ERROR, NOT_CONFIGURED, …)."""

    name: str
    state: str
    errors: tuple[str, ...] = ()


class ClusterLink(Record, frozen=True, kw_only=True):
    """A link as the cluster knows it at its own end.

    `source_cluster_id`: given if this cluster is the link's destination; `destination_cluster_id`: if it is the source;
    `remote_cluster_id`: the other end of a bidirectional link. `state`: Confluent's word (ACTIVE, PAUSED, …); `error`:
    its word for what is wrong, with its sentence in `error_message`; None: nothing is, or it does not say. `config`:
    masked; None: could not be read, for the reason in `config_error`.
    """

    name: str
    id: str
    source_cluster_id: str | None = None
    destination_cluster_id: str | None = None
    remote_cluster_id: str | None = None
    state: str | None = None
    error: str | None = None
    error_message: str | None = None
    tasks: tuple[LinkTask, ...] = ()
    config: dict[str, str | None] | None = None
    config_error: str | None = None

    @property
    def origin_id(self) -> str | None:
        """The cluster that the link's mirror topics come from; None: not reported, or there are none at this end."""
        return self.source_cluster_id or self.remote_cluster_id


class MirrorTopic(Record, frozen=True, kw_only=True):
    """A topic of this cluster that a link fills, or once filled, from a topic of another. Its name is unique in the cluster.

    `status`: Confluent's word (ACTIVE, PAUSED, FAILED, STOPPED, …), since `status_since`. `lag_records`: what the source
    has and the mirror lacks, over all partitions, and on the partition with the most; None: not reported.
    """

    name: str
    link: str
    source_topic: str
    status: str
    partitions: int
    status_since: datetime | None = None
    lag_records: int | None = None
    largest_lag_records: int | None = None
    errors: tuple[str, ...] = ()


class ClusterLinks(Record, frozen=True, kw_only=True):
    """`links`: by name. `mirror_topics`: by name, including ended ones."""

    links: tuple[ClusterLink, ...] | None = None
    mirror_topics: tuple[MirrorTopic, ...] | None = None
    unknown: dict[str, str] = field(default_factory=dict)

    def mirrors_of(self, cluster_id: str, addresses: Collection[str]) -> Iterator[MirrorTopic]:
        """Those that copy a topic of the cluster with that id or one of these addresses, and have not ended."""
        known = frozenset(kafka_addresses(",".join(addresses)))
        of = {
            link.name
            for link in self.links or ()
            if link.origin_id == cluster_id
            or known.intersection(kafka_addresses((link.config or {}).get("bootstrap.servers")))
        }
        for mirror in self.mirror_topics or ():
            if mirror.link in of and mirror.status not in ENDED_MIRRORS:
                yield mirror
