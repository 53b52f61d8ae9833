"""What discovery needs from the brokers: to see the cluster, its topics with their configs, and its consumer
groups.
"""

from collections.abc import Iterator, Mapping

from mesh_assets.access_checks.access_check import (
    ANONYMOUS,
    AccessCheck,
    answered,
    some,
)
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import counted
from mesh_assets.platforms.kafka.rights import (
    EVERY_CLUSTER_OPERATION,
    EVERY_TOPIC_OPERATION,
    ClusterRights,
    GroupsRights,
    ResourceRights,
)


class KafkaRights(Record, frozen=True, kw_only=True):
    """What the user may do on a cluster.

    `topics`: those that the estate's patterns select. `groups` None: they could not be listed, for the reason
    in `groups_error`. `transactional_ids_are_hidden` None: these brokers cannot list them for anyone.
    """

    cluster: ClusterRights
    topics: dict[str, ResourceRights]
    every_topic_is_visible: bool
    groups: GroupsRights | None
    groups_error: str | None = None
    transactional_ids_are_hidden: bool | None = None


def judge_kafka(cluster: Cluster, rights: KafkaRights, *, endpoint: str, identity: str) -> AccessCheck:
    return answered(
        cluster.name,
        "kafka",
        endpoint,
        identity,
        facts=_facts(rights),
        rights=_rights(rights, identity),
        missing=[
            *_wrong_cluster(cluster, rights.cluster.cluster_id, endpoint),
            *_missing_on_topics(rights),
            *_missing_on_groups(rights),
        ],
        notes=list(_notes(rights)),
    )


def holds_everything(cluster: ClusterRights, topics: Mapping[str, ResourceRights]) -> bool:
    """Whether the user holds every operation: a super user, or brokers without an authorizer."""
    described = [access.operations or frozenset() for access in topics.values() if access.state == "here"]
    return (cluster.operations or frozenset()) >= EVERY_CLUSTER_OPERATION and all(
        held >= EVERY_TOPIC_OPERATION for held in described
    )


def everything(identity: str) -> str:
    """Says so: anyone may do what an anonymous client may; for a named user the two reasons look the same."""
    return "all, and so may everyone" if identity == ANONYMOUS else "all (a super user, or no authorizer)"


def _facts(rights: KafkaRights) -> dict[str, int | str]:
    facts: dict[str, int | str] = {
        "cluster_id": rights.cluster.cluster_id or "none",
        "brokers": rights.cluster.brokers,
    }
    facts["topics"] = len(rights.cluster.topics)
    if len(rights.topics) != len(rights.cluster.topics):
        facts["selected_topics"] = len(rights.topics)
    if rights.groups is not None:
        facts["groups"] = len(rights.groups.groups) + rights.groups.excluded
        if rights.groups.excluded:
            facts["selected_groups"] = len(rights.groups.groups)
    return facts


def _rights(rights: KafkaRights, identity: str) -> str:
    if holds_everything(rights.cluster, rights.topics):
        return everything(identity)
    if _reports_no_rights(rights):
        return "the brokers do not report them"
    parts = ["cluster DESCRIBE" if _describes_cluster(rights) else "cluster none"]
    if rights.topics:
        shares = [
            f"{operation} {_share(rights.topics, operation)}"
            for operation in ("DESCRIBE", "DESCRIBE_CONFIGS")
        ]
        parts.append(f"topics {', '.join(shares)}")
    if rights.groups is not None and rights.groups.groups:
        parts.append(f"groups DESCRIBE {_share(rights.groups.groups, 'DESCRIBE')}")
    return "; ".join(parts)


def _wrong_cluster(cluster: Cluster, cluster_id: str | None, endpoint: str) -> Iterator[str]:
    if cluster_id is None:
        yield "the brokers give no cluster id, which is the key of events: discovery refuses the cluster; Kafka 0.10.1 and later have one"
    elif cluster.cluster_id is not None and cluster.cluster_id != cluster_id:
        yield (
            f"the estate says cluster_id {cluster.cluster_id}, but {endpoint} is cluster {cluster_id}: discovery refuses it; "
            "correct cluster_id or bootstrap_servers"
        )


def _missing_on_topics(rights: KafkaRights) -> Iterator[str]:
    if not rights.cluster.topics and not rights.every_topic_is_visible:
        yield (
            "no topic is visible, because Kafka hides topics without DESCRIBE: the picture would be empty; "
            "grant DESCRIBE and DESCRIBE_CONFIGS on topic *"
        )
    for operation, consequence in (
        ("DESCRIBE", "partitions and offsets will be unknown"),
        ("DESCRIBE_CONFIGS", "configs will be unknown"),
    ):
        lacking = _lacking(rights.topics, operation)
        if lacking:
            what = _share_of(lacking, rights.topics, "topic")
            yield f"no {operation} on {what}: their {consequence}; grant {operation} on topic *, or on these"


def _missing_on_groups(rights: KafkaRights) -> Iterator[str]:
    if rights.groups is None:
        yield f"{rights.groups_error}: the section consumer_groups keeps its last good data"
        return
    if (
        not _describes_cluster(rights)
        and not rights.groups.every_group_is_visible
        and not _reports_no_rights(rights)
    ):
        visible = counted(len(rights.groups.groups) + rights.groups.excluded, "group")
        yield (
            f"no DESCRIBE on the cluster: Kafka lists only the groups this user may describe ({visible}), and all others would seem not to "
            "exist; grant DESCRIBE on the cluster"
        )
    lacking = _lacking(rights.groups.groups, "DESCRIBE")
    if lacking:
        what = _share_of(lacking, rights.groups.groups, "group")
        yield f"no DESCRIBE on {what}: their members, offsets and lag will be unknown; grant DESCRIBE on group *, or on these"


def _notes(rights: KafkaRights) -> Iterator[str]:
    if not _describes_cluster(rights) and not _reports_no_rights(rights):
        yield (
            "no DESCRIBE on the cluster: bytes on disk, log directories and reassignments will be unknown; grant DESCRIBE on "
            "the cluster if they are wanted"
        )
    if _reports_no_rights(rights):
        yield (
            "the brokers do not report rights (Kafka does since 2.3), so it is unknown whether configs can be read and "
            "whether groups are hidden"
        )
    if rights.cluster.topics and not rights.every_topic_is_visible:
        yield (
            "Kafka shows this user only the topics granted by name or prefix, and all others seem not to exist; "
            "for the whole picture grant DESCRIBE and DESCRIBE_CONFIGS on topic *"
        )
    yield from _unknown_parts(rights)
    yield from _unknown_transactions(rights)
    if rights.cluster.topics and not rights.topics:
        yield f"the estate's patterns select none of {counted(len(rights.cluster.topics), 'topic')}"


_PARTS = {
    "DESCRIBE": "ACLs, SCRAM users and the controller quorum",
    "DESCRIBE_CONFIGS": "broker configs and client quotas",
}


def _unknown_parts(rights: KafkaRights) -> Iterator[str]:
    """The parts of `brokers` and `access` that stay unknown. Not a failure: managed clusters never report them."""
    held = rights.cluster.operations
    if held is None:
        return
    for operation, parts in _PARTS.items():
        if operation not in held:
            yield f"no {operation} on the cluster: {parts} will be unknown; where the platform has it, grant {operation} on the cluster"


def _unknown_transactions(rights: KafkaRights) -> Iterator[str]:
    """The parts of `transactions` that stay unknown: nothing else that is read needs these rights."""
    lacking = _lacking(rights.topics, "READ")
    if lacking:
        what = _share_of(lacking, rights.topics, "topic")
        yield (
            f"no READ on {what}: their producers and open transactions will be unknown; grant READ on topic * if they are wanted, "
            "which also allows reading records"
        )
    if rights.transactional_ids_are_hidden:
        yield (
            "no DESCRIBE on every transactional id: the list of them will be unknown; grant DESCRIBE on transactional id * if they "
            "are wanted"
        )


def _describes_cluster(rights: KafkaRights) -> bool:
    return "DESCRIBE" in (rights.cluster.operations or frozenset())


def _reports_no_rights(rights: KafkaRights) -> bool:
    """Whether the brokers report no rights at all."""
    described = [access for access in rights.topics.values() if access.state == "here"]
    return rights.cluster.operations is None and all(access.operations is None for access in described)


def _lacking(resources: Mapping[str, ResourceRights], operation: str) -> list[str]:
    """Those on which the operation is known not to be granted. Whatever could be described has DESCRIBE."""
    return [
        name
        for name, access in resources.items()
        if access.state == "refused"
        or (operation != "DESCRIBE" and access.operations is not None and operation not in access.operations)
    ]


def _share(resources: Mapping[str, ResourceRights], operation: str) -> str:
    return f"{len(resources) - len(_lacking(resources, operation)):,}/{len(resources):,}"


def _share_of(lacking: list[str], resources: Mapping[str, ResourceRights], noun: str) -> str:
    """`3 of 37 topics (orders, users, …)`."""
    whole = counted(len(resources), noun)
    share = (
        whole
        if len(resources) == 1
        else f"{'any' if len(lacking) == len(resources) else f'{len(lacking):,}'} of {whole}"
    )
    return f"{share} ({some(lacking)})"
