"""What lineage needs to know about a cluster, besides its document."""

from mesh_assets.analysis.graph import Node
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.records import Record


class MappedTopic(Record, frozen=True, kw_only=True):
    """What lineage needs from an event source mapping: the function, the topic it reads, its state (None: unknown)."""

    uuid: str
    function: str
    topic: str
    state: str | None = None


class SqlStatement(Record, frozen=True, kw_only=True):
    """A statement that runs on the cluster's topics. `phase`: Flink's own (`RUNNING`, `FAILED`, …).
    `catalog`, `database`: where it looks for a table whose name gives neither; on Confluent Cloud, the
    environment and the cluster."""

    name: str
    sql: str
    phase: str
    catalog: str | None = None
    database: str | None = None


class KsqlQuery(Record, frozen=True, kw_only=True):
    """A query that ksqlDB runs on the cluster. `group`: its consumer group, which several may share. `reads`,
    `writes`: topics. `states`: those of the hosts that run it, each once (`RUNNING`, `ERROR`, …). `unknown`:
    streams and tables whose topic is not known."""

    id: str
    group: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    states: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class ClusterFacts(Record, frozen=True, kw_only=True):
    """A cluster of the estate. `bootstrap_servers`: its addresses in the estate, which other systems know it
    by."""

    document: Document
    bootstrap_servers: tuple[str, ...] = ()
    mappings: tuple[MappedTopic, ...] = ()
    statements: tuple[SqlStatement, ...] = ()
    queries: tuple[KsqlQuery, ...] = ()

    @property
    def name(self) -> str:
        return self.document.cluster.name

    def topic(self, name: str) -> Node:
        return Node(kind="topic", cluster=self.name, name=name)

    def application(self, group: ConsumerGroup) -> Node:
        return Node(kind="application", cluster=self.name, name=group.group_id)


def possible_readers(document: Document) -> tuple[str, ...]:
    """The groups whose topics are not known (share groups, refused ones): each may read any topic."""
    return tuple(
        group.group_id for group in document.consumer_groups if group.offsets is None and not group.topics
    )
