"""The group nobody is in: its offsets committed once."""

from confluent_kafka import Consumer, KafkaException, TopicPartition

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.estate.groups import EMPTY_GROUP, EMPTY_GROUP_TOPICS
from mesh_assets.sandbox.kafka_admin import quiet_settings
from mesh_assets.sandbox.offsets import committed_offsets, end_offsets
from mesh_assets.sandbox.progress import Progress


def seed_empty_group(bootstrap_servers: str, progress: Progress) -> None:
    if committed_offsets(bootstrap_servers, EMPTY_GROUP):
        return
    progress.say(f"committing the offsets of the empty group {EMPTY_GROUP}")
    # It read most of what there is, and stopped.
    read = [
        TopicPartition(topic, p, end * 7 // 10)
        for (topic, p), end in end_offsets(bootstrap_servers, EMPTY_GROUP_TOPICS).items()
    ]
    consumer = Consumer(
        {**quiet_settings(bootstrap_servers), "group.id": EMPTY_GROUP, "enable.auto.commit": False}
    )
    try:
        consumer.commit(offsets=read, asynchronous=False)
    except KafkaException as error:
        raise SandboxError(
            f"the offsets of group {EMPTY_GROUP} could not be committed: {error.args[0].str()}"
        ) from error
    finally:
        consumer.close()
