"""Topics and groups that the brokers list no more: gone, or hidden by missing rights (vanished.py)."""

from collections.abc import Collection, Iterable

from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.records import ConsumerGroup, Topic
from mesh_assets.inventory.vanished import AskPresence, confirm_gone
from mesh_assets.platforms.confluent_cloud.keys import KAFKA_KEY_LACKS
from mesh_assets.platforms.kafka import KafkaReader

_TOPIC_RIGHTS = "grant DESCRIBE and DESCRIBE_CONFIGS on topic *"
_GROUP_RIGHTS = "grant DESCRIBE on the cluster and on group *"


def confirm_topics_gone(
    kafka: KafkaReader, cluster: Cluster, known: Iterable[Topic], *, listed: Collection[str]
) -> None:
    """`listed`: all topics, whatever the patterns select. Raises PlatformError when one of `known` is not
    listed and not gone."""
    vanished = cluster.topics.select({topic.name for topic in known}.difference(listed))
    _confirm(kafka.topic_presence, cluster, vanished, noun="topics", advice=_TOPIC_RIGHTS)


def confirm_groups_gone(
    kafka: KafkaReader, cluster: Cluster, known: Iterable[ConsumerGroup], *, listed: Collection[str]
) -> None:
    """`listed`: the groups that the patterns select. Raises PlatformError when one of `known` is not listed
    and not gone."""
    vanished = cluster.consumer_groups.select({group.group_id for group in known}.difference(listed))
    _confirm(kafka.group_presence, cluster, vanished, noun="consumer groups", advice=_GROUP_RIGHTS)


def _confirm(
    ask: AskPresence, cluster: Cluster, vanished: Collection[str], *, noun: str, advice: str
) -> None:
    source = f"Kafka of {cluster.name}"
    confirm_gone(
        vanished,
        ask,
        noun=noun,
        source=source,
        advice=KAFKA_KEY_LACKS if cluster.on_confluent_cloud else advice,
    )
