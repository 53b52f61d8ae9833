"""What discovery needs of the brokers: to see the cluster, its topics with their configs, and its consumer
groups."""

from collections.abc import Iterator, Mapping

from mesh_assets.access_checks.access_check import (
    ANONYMOUS,
    AccessCheck,
    answered,
    counted,
    some,
)
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.records import Record
from mesh_assets.platforms.kafka.rights import (
    EVERY_CLUSTER_OPERATION,
    EVERY_TOPIC_OPERATION,
    ClusterAccess,
    GroupsAccess,
    ResourceAccess,
)


class KafkaRights(Record, frozen=True, kw_only=True):
    """What was told. `topics`: those in the picture. `groups` None: they could not be listed, with the reason
    in `groups_error`."""

    cluster: ClusterAccess
    topics: dict[str, ResourceAccess]
    every_topic_is_visible: bool
    groups: GroupsAccess | None
    groups_error: str | None = None


def judge_kafka(cluster: Cluster, reading: KafkaRights, *, endpoint: str, identity: str) -> AccessCheck:
    return answered(
        cluster.name,
        "kafka",
        endpoint,
        identity,
        facts=_facts(reading),
        rights=_rights(reading, identity),
        missing=[
            *_wrong_cluster(cluster, reading.cluster.cluster_id, endpoint),
            *_missing_on_topics(reading),
            *_missing_on_groups(reading),
        ],
        notes=list(_notes(reading)),
    )


def holds_everything(cluster: ClusterAccess, topics: Mapping[str, ResourceAccess]) -> bool:
    """Whether every operation there is was told: a super user, or brokers without an authorizer."""
    described = [access.operations or frozenset() for access in topics.values() if access.state == "here"]
    return (cluster.operations or frozenset()) >= EVERY_CLUSTER_OPERATION and all(
        told >= EVERY_TOPIC_OPERATION for told in described
    )


def everything(identity: str) -> str:
    """How to say so: what an anonymous client may do, everyone may; for others the two reasons look the same."""
    return "all, and so may everyone" if identity == ANONYMOUS else "all (a super user, or no authorizer)"


def _facts(reading: KafkaRights) -> dict[str, int | str]:
    facts: dict[str, int | str] = {
        "cluster_id": reading.cluster.cluster_id or "none",
        "brokers": reading.cluster.brokers,
    }
    facts["topics"] = len(reading.cluster.topics)
    if len(reading.topics) != len(reading.cluster.topics):
        facts["selected_topics"] = len(reading.topics)
    if reading.groups is not None:
        facts["groups"] = len(reading.groups.groups) + reading.groups.excluded
        if reading.groups.excluded:
            facts["selected_groups"] = len(reading.groups.groups)
    return facts


def _rights(reading: KafkaRights, identity: str) -> str:
    if holds_everything(reading.cluster, reading.topics):
        return everything(identity)
    if _untold(reading):
        return "the brokers do not tell"
    parts = ["cluster DESCRIBE" if _describes_cluster(reading) else "cluster none"]
    if reading.topics:
        shares = [
            f"{operation} {_share(reading.topics, operation)}"
            for operation in ("DESCRIBE", "DESCRIBE_CONFIGS")
        ]
        parts.append(f"topics {', '.join(shares)}")
    if reading.groups is not None and reading.groups.groups:
        parts.append(f"groups DESCRIBE {_share(reading.groups.groups, 'DESCRIBE')}")
    return "; ".join(parts)


def _wrong_cluster(cluster: Cluster, cluster_id: str | None, endpoint: str) -> Iterator[str]:
    if cluster_id is None:
        yield "the brokers give no cluster id, which events are keyed by: discovery refuses the cluster; Kafka 0.10.1 or later has one"
    elif cluster.cluster_id is not None and cluster.cluster_id != cluster_id:
        yield (
            f"the estate says cluster_id {cluster.cluster_id}, but {endpoint} is cluster {cluster_id}: discovery refuses it; "
            "correct cluster_id or bootstrap_servers"
        )


def _missing_on_topics(reading: KafkaRights) -> Iterator[str]:
    if not reading.cluster.topics and not reading.every_topic_is_visible:
        yield (
            "no topic is visible, because Kafka hides topics without DESCRIBE: the picture would be empty; "
            "grant DESCRIBE and DESCRIBE_CONFIGS on topic *"
        )
    for operation, consequence in (
        ("DESCRIBE", "partitions and offsets will be unknown"),
        ("DESCRIBE_CONFIGS", "configs will be unknown"),
    ):
        lacking = _lacking(reading.topics, operation)
        if lacking:
            what = _share_of(lacking, reading.topics, "topics")
            yield f"no {operation} on {what}: their {consequence}; grant {operation} on topic *, or on these"


def _missing_on_groups(reading: KafkaRights) -> Iterator[str]:
    if reading.groups is None:
        yield f"{reading.groups_error}: the section consumer groups stays as it was last known"
        return
    if not _describes_cluster(reading) and not reading.groups.every_group_is_visible and not _untold(reading):
        visible = counted(len(reading.groups.groups) + reading.groups.excluded, "groups")
        yield (
            f"no DESCRIBE on the cluster: Kafka lists only the groups this user may describe ({visible}), and others would look as if they "
            "did not exist; grant DESCRIBE on the cluster"
        )
    lacking = _lacking(reading.groups.groups, "DESCRIBE")
    if lacking:
        what = _share_of(lacking, reading.groups.groups, "groups")
        yield f"no DESCRIBE on {what}: their members, offsets and lag will be unknown; grant DESCRIBE on group *, or on these"


def _notes(reading: KafkaRights) -> Iterator[str]:
    if _untold(reading):
        yield "the brokers do not tell rights (Kafka does since 2.3): whether configs can be read, and groups are hidden, is not known"
    if reading.cluster.topics and not reading.every_topic_is_visible:
        yield (
            "Kafka shows this user only the topics granted by name or prefix, and others look as if they did not exist; "
            "for the whole picture grant DESCRIBE and DESCRIBE_CONFIGS on topic *"
        )
    if reading.cluster.topics and not reading.topics:
        yield f"the estate's patterns select none of {counted(len(reading.cluster.topics), 'topics')}"


def _describes_cluster(reading: KafkaRights) -> bool:
    return "DESCRIBE" in (reading.cluster.operations or frozenset())


def _untold(reading: KafkaRights) -> bool:
    """Who describes a topic holds DESCRIBE on it; brokers that do not even say that say nothing about rights."""
    described = [access for access in reading.topics.values() if access.state == "here"]
    return (
        bool(described)
        and reading.cluster.operations is None
        and all(access.operations is None for access in described)
    )


def _lacking(resources: Mapping[str, ResourceAccess], operation: str) -> list[str]:
    """Those on which the operation is not granted, as far as it was told. What was described is granted
    DESCRIBE."""
    return [
        name
        for name, access in resources.items()
        if access.state == "refused"
        or (operation != "DESCRIBE" and access.operations is not None and operation not in access.operations)
    ]


def _share(resources: Mapping[str, ResourceAccess], operation: str) -> str:
    return f"{len(resources) - len(_lacking(resources, operation)):,}/{len(resources):,}"


def _share_of(lacking: list[str], resources: Mapping[str, ResourceAccess], noun: str) -> str:
    """`3 of 37 topics (orders, users, …)`."""
    whole = counted(len(resources), noun)
    share = (
        whole
        if len(resources) == 1
        else f"{'any' if len(lacking) == len(resources) else f'{len(lacking):,}'} of {whole}"
    )
    return f"{share} ({some(lacking)})"
