"""Checks the brokers of one cluster: what discovery reads there, and what publishing needs if the cluster
carries events.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial

from msgspec.structs import replace

from mesh_assets.access_checks.access_check import AccessCheck, System, failed, kafka_endpoint, kafka_identity
from mesh_assets.access_checks.events import EVENT_TOPICS, EventsRights, judge_events
from mesh_assets.access_checks.kafka import KafkaRights, judge_kafka
from mesh_assets.errors import EstateError, PlatformError
from mesh_assets.estate.model import Cluster, Events
from mesh_assets.platforms.kafka.errors import Endpoint
from mesh_assets.platforms.kafka.rights import (
    ClusterRights,
    every_topic_is_visible,
    read_cluster_rights,
    read_creation,
    read_groups_rights,
    read_topic_rights,
    transactional_ids_are_hidden,
)
from mesh_assets.platforms.kafka.settings import client_properties, in_clear_note
from mesh_assets.platforms.kafka.wire.configs import read_configs
from mesh_assets.platforms.kafka.wire.running import RunningCluster

Connect = Callable[..., RunningCluster]
"""`RunningCluster`, or what makes one to other brokers."""

_ROLES: dict[System, str] = {
    "kafka": "the role Operator on the cluster (on Basic clusters: ACLs)",
    "events": "the roles DeveloperWrite on topics discovery-events and discovery-changes and DeveloperRead on topic discovery-events "
    "and, where the first discovery is to create them, DeveloperManage on both topics (on Basic clusters: ACLs)",
}


def check_brokers(
    cluster: Cluster,
    events: Events,
    *,
    discovered: bool,
    carried: Sequence[str],
    connect: Connect = RunningCluster,
) -> tuple[AccessCheck, ...]:
    """Checks discovery and publishing over one connection.

    `discovered`: whether to check the cluster itself. `carried`: the clusters whose events it carries.
    """
    systems: list[System] = ["kafka"] if discovered else []
    if carried:
        systems.append("events")
    endpoint = kafka_endpoint(cluster.kafka)
    try:
        properties = client_properties(cluster.kafka)
    except (EstateError, PlatformError) as error:
        return _failed(cluster, systems, endpoint, "", str(error))
    known = Endpoint(properties, on_confluent_cloud=cluster.on_confluent_cloud)
    identity = known.identity if known.takes_api_key else kafka_identity(properties)
    try:
        running = connect(
            properties, cluster.kafka.timeout_seconds, on_confluent_cloud=cluster.on_confluent_cloud
        )
        with closing(running) as kafka:
            seen = read_cluster_rights(kafka)
            checks = []
            if discovered:
                checks.append(
                    judge_kafka(cluster, _read(kafka, cluster, seen), endpoint=endpoint, identity=identity)
                )
            if carried:
                rights = _read_events(kafka, events, seen)
                checks.append(
                    judge_events(cluster, events, carried, rights, endpoint=endpoint, identity=identity)
                )
    except (EstateError, PlatformError) as error:
        return _failed(cluster, systems, endpoint, identity, str(error))
    if known.takes_api_key:
        checks = [*map(_with_roles, checks)]
    note = in_clear_note(properties)
    if note is not None:
        checks[0] = replace(checks[0], notes=(*checks[0].notes, note))
    return tuple(checks)


def _read(kafka: RunningCluster, cluster: Cluster, seen: ClusterRights) -> KafkaRights:
    topics = read_topic_rights(kafka, cluster.topics.select(seen.topics))
    visible = every_topic_is_visible(kafka)
    complete = True if "DESCRIBE" in (seen.operations or frozenset()) else None
    try:
        groups = read_groups_rights(kafka, cluster.consumer_groups.selects, list_is_complete=complete)
        error = None
    except PlatformError as failure:
        groups, error = None, str(failure)
    return KafkaRights(
        cluster=seen,
        topics={name: access for name, access in topics.items() if access.state != "absent"},
        every_topic_is_visible=visible,
        groups=groups,
        groups_error=error,
        transactional_ids_are_hidden=transactional_ids_are_hidden(kafka),
    )


def _read_events(kafka: RunningCluster, events: Events, seen: ClusterRights) -> EventsRights:
    topics = read_topic_rights(kafka, EVENT_TOPICS)
    here = [name for name, access in topics.items() if access.state == "here"]
    configs = kafka.run(
        partial(read_configs, topics=here),
        doing="reading the topic configs",
        right="DESCRIBE_CONFIGS on the topic",
    )
    policies = {
        name: None if config.values is None else config.values.get("cleanup.policy")
        for name, config in configs.items()
    }
    absent = {
        name: {"cleanup.policy": EVENT_TOPICS[name]}
        for name, access in topics.items()
        if access.state == "absent"
    }
    creation = (
        read_creation(kafka, absent, replication_factor=events.replication_factor)
        if events.create_topics
        else {}
    )
    return EventsRights(cluster=seen, topics=topics, policies=policies, creation=creation)


def _with_roles(check: AccessCheck) -> AccessCheck:
    """Adds the roles that grant what is missing: on Confluent Cloud rights come with roles, except on Basic
    clusters.
    """
    if check.state != "incomplete":
        return check
    return replace(
        check, notes=(*check.notes, f"on Confluent Cloud these rights come with {_ROLES[check.system]}")
    )


def _failed(
    cluster: Cluster, systems: Sequence[System], endpoint: str, identity: str, sentence: str
) -> tuple[AccessCheck, ...]:
    """Gives the sentence once; other systems on the same connection refer to it."""
    first, *others = systems
    return (
        failed(cluster.name, first, endpoint, identity, sentence),
        *(
            failed(
                cluster.name,
                other,
                endpoint,
                identity,
                f"not checked, because {first} of {cluster.name} failed",
            )
            for other in others
        ),
    )
