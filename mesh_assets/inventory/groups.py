"""What is known about consumer groups of every kind, as immutable records: who is in them, what their members are
assigned, and their positions.

Unless a docstring says otherwise, None means unknown: the value could not be read, or groups of this kind do not
have it.
"""

from typing import Literal

from mesh_assets.inventory.records import Record

LagIs = Literal[
    "known",
    "records_lost",
    "beyond_end",
    "topic_recreated",
    "never_committed",
    "expired",
    "end_unknown",
    "unreadable",
    "not_counted",
]
"""What `lag_records` says about a partition, or why it says nothing (None).

- `known`: the records from the commit to the end wait.
- `records_lost`: the commit is before the log's first record. Records from `start` on wait; `start - committed`
  offsets before it are gone and were not read.
- `beyond_end`: None. The log ends before the commit: the topic was recreated or truncated.
- `topic_recreated`: None. The topic's id has changed since the group committed.
- `never_committed`: None. No commit is known, now or earlier.
- `expired`: None. An earlier document had a commit: Kafka dropped it after `offsets.retention.minutes`, or somebody
  deleted it. What the group reads next depends on its `auto.offset.reset`.
- `end_unknown`: None. The partition's end could not be read.
- `unreadable`: None. The commit could not be read; the group's `error` says why.
- `not_counted`: None. A share group on brokers before 4.3, which do not count its lag.
"""


class StreamsTasks(Record, frozen=True, kw_only=True):
    """Tasks of one subtopology that a member has. `active` ones process, `standby` ones keep a copy of the state,
    `warmup` ones build one up before they take over. `partitions`: the tasks' numbers."""

    subtopology: str
    role: Literal["active", "standby", "warmup"]
    partitions: tuple[int, ...]


class StreamsMember(Record, frozen=True, kw_only=True):
    """What a member of a streams group (KIP-1071) reports in addition. Members with the same `process_id` share a process.
    `endpoint`: where it answers interactive queries, as host:port; None: nowhere.

    `task_lag_records`: how far a task's state is behind its changelogs, by the task's name (`0_2`: subtopology and
    partition), as far as the coordinator reports it; Kafka 4.3 reports none.
    """

    process_id: str
    topology_epoch: int
    tasks: tuple[StreamsTasks, ...]
    target_tasks: tuple[StreamsTasks, ...]
    task_lag_records: dict[str, int]
    client_tags: dict[str, str]
    endpoint: str | None = None


class Subtopology(Record, frozen=True, kw_only=True):
    """A part of a streams application whose tasks can run separately from the others. It reads `source_topics` and
    `repartition_source_topics`, writes `repartition_sink_topics`, and keeps its state in `changelog_topics`."""

    id: str
    source_topics: tuple[str, ...]
    repartition_source_topics: tuple[str, ...]
    repartition_sink_topics: tuple[str, ...]
    changelog_topics: tuple[str, ...]


class StreamsTopology(Record, frozen=True, kw_only=True):
    """What a streams group runs. `epoch` grows when the application changes."""

    epoch: int
    subtopologies: tuple[Subtopology, ...]


class GroupMember(Record, frozen=True, kw_only=True):
    """A live member. `assignment`: topic → partitions, sorted; empty for non-consumers (Connect's workers). In a streams
    group, what its active tasks read.

    Only the protocols since KIP-848 report the rest. `epoch`: the group epoch that the member has reached.
    `target_assignment`: what it will have once the group has settled. `subscribed_topics` and `subscribed_regex`: what
    it asked for. `is_classic`: it uses the older protocol; None: the coordinator does not say.
    """

    member_id: str
    client_id: str
    host: str
    group_instance_id: str | None
    assignment: dict[str, tuple[int, ...]]
    epoch: int | None = None
    rack: str | None = None
    subscribed_topics: tuple[str, ...] = ()
    subscribed_regex: str | None = None
    target_assignment: dict[str, tuple[int, ...]] | None = None
    is_classic: bool | None = None
    streams: StreamsMember | None = None


class CommittedOffset(Record, frozen=True, kw_only=True):
    """A group's position on one partition.

    `start` and `end`: the offsets of the partition's first record and of its next one. `committed`: the record that the
    group reads next; None: nothing, or unknown; for a share group, which commits nothing, it is the group's start offset,
    before which it is done with every record. `lag_records`: the records that wait, without those that retention
    removed; in a share group, those from its start offset on that it is not done with, as the brokers count them.
    `lag_is` says what it means; None in documents of earlier versions.
    """

    topic: str
    partition: int
    committed: int | None
    end: int | None
    lag_records: int | None
    start: int | None = None
    lag_is: LagIs | None = None

    def undecided_records(self, stable: int) -> int:
        """Those of `lag_records` that are behind an open transaction. `stable`: the partition's last stable offset."""
        if self.lag_records is None or self.end is None or self.committed is None:
            return 0
        return max(0, self.end - max(self.committed, self.start or 0, stable))

    @property
    def lost_records(self) -> int | None:
        """The offsets that were removed before the group read them, an upper bound of the records: a compacted log and
        transactions leave offsets without records. None if that cannot be known."""
        if self.lag_is == "known":
            return 0 if self.start is not None else None
        if self.lag_is == "records_lost" and self.start is not None and self.committed is not None:
            return self.start - self.committed
        return None


class ConsumerGroup(Record, frozen=True, kw_only=True):
    """`type` is the group protocol's name (classic, consumer, share, streams) or `unknown` (later kinds).

    `protocol_type` distinguishes Connect's workers (`connect`) from consumers. `total_lag_records` is the sum
    of the known lags, None if none is known; `lost_records` that of the known losses, None if none is known.
    `members` and `offsets` are None if they could not be read; `error` says why.

    Only the protocols since KIP-848 report the rest. `epoch` grows whenever members or their subscriptions change;
    `assignment_epoch` is the one that the assignment was made for. `assignor`: the name of the server's assignor.
    `topology`: of a streams group; None also before its first member has sent one.
    """

    group_id: str
    type: str
    protocol_type: str | None
    state: str
    coordinator: int | None
    members: tuple[GroupMember, ...] | None
    offsets: tuple[CommittedOffset, ...] | None
    topics: tuple[str, ...]
    total_lag_records: int | None
    error: str | None = None
    lost_records: int | None = None
    epoch: int | None = None
    assignment_epoch: int | None = None
    assignor: str | None = None
    topology: StreamsTopology | None = None
