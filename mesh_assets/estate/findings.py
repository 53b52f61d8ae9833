"""When something in a cluster counts as wrong, and which known findings not to show."""

from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from mesh_assets.estate.fields import EstateModel

FindingKind = Literal[
    "failed_connector",
    "leaderless_partitions",
    "offline_log_directory",
    "under_min_isr",
    "under_replicated",
    "fenced_broker",
    "hanging_transaction",
    "cluster_link_failed",
    "cluster_link_paused",
    "cluster_link_task_failed",
    "mirror_topic_failed",
    "mirror_topic_paused",
    "section_not_current",
    "connector_not_running",
    "records_lost",
    "near_retention",
    "stopped_group",
    "group_beyond_end",
    "overridden_acl",
    "growing_lag",
    "policy_violation",
    "broken_expectation",
    "data_fault",
    "idle_connector",
    "silent_topic",
    "missing_schema",
    "unread_topic",
    "unused_topic",
    "empty_topic",
    "skewed_partitions",
    "abandoned_group",
    "orphaned_group",
    "orphaned_subject",
    "redundant_acl",
    "unmatched_acl",
    "unused_principal",
]
FINDING_KINDS: tuple[FindingKind, ...] = get_args(FindingKind)


class MutedFindings(EstateModel):
    """Known findings that stay out of lists, checks and reports, where they are still counted.

    `kind` None: every kind. `resource` and `cluster`: shell patterns of names. `until`: the last day (UTC) on which they
    are muted; None: for good.
    """

    kind: FindingKind | None = None
    resource: str = "*"
    cluster: str = "*"
    reason: Annotated[str, Field(min_length=1)]
    until: date | None = None

    @model_validator(mode="after")
    def _not_everything(self) -> "MutedFindings":
        if self.kind is None and self.resource == "*":
            raise ValueError("would mute everything; name a kind, a pattern of resources, or both")
        return self

    def mutes(self, kind: FindingKind, resource: str, *, cluster: str, today: date) -> bool:
        return (
            self.kind in (None, kind)
            and (self.until is None or today <= self.until)
            and fnmatchcase(resource, self.resource)
            and fnmatchcase(cluster, self.cluster)
        )


class FindingThresholds(EstateModel):
    """When something counts as wrong.

    `idle_days`: how long a thing must have been idle (without records, readers or progress), and have existed, to count
    as unused. `silent_seconds`: the shortest window between two readings in which a silent topic counts. `lag_records`:
    the smallest lag that counts as growing. `skew_factor`: how many times the mean of the other partitions a partition
    must hold, in a topic of at least `skew_records`. `retention_share`: how much of what retention leaves a group's lag
    may take, from 0 to 1, where at least `retention_records` wait.
    """

    idle_days: float = Field(default=7.0, ge=0, le=3650)
    silent_seconds: float = Field(default=300.0, ge=1)
    lag_records: int = Field(default=100, ge=1)
    skew_factor: float = Field(default=5.0, gt=1)
    skew_records: int = Field(default=10_000, ge=1)
    retention_share: float = Field(default=0.8, gt=0, le=1)
    retention_records: int = Field(default=100, ge=1)
    mute: tuple[MutedFindings, ...] = ()
