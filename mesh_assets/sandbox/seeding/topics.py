"""Makes the topics that are missing, all in one request."""

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined] # re-exported without saying so

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.estate.topic import PARTITIONS
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets.sandbox.kafka_admin import Login, admin_client
from mesh_assets.sandbox.progress import Progress

_SECONDS = 60.0


def seed_topics(bootstrap_servers: str, progress: Progress, *, login: Login | None = None) -> None:
    admin = admin_client(bootstrap_servers, login)
    try:
        existing = admin.list_topics(timeout=_SECONDS).topics
        missing = [t for t in TOPICS if t.name not in existing]
        if not missing:
            return
        progress.say(f"creating {len(missing)} topics of {PARTITIONS} partitions at {bootstrap_servers}")
        made = admin.create_topics(
            [
                NewTopic(t.name, num_partitions=PARTITIONS, replication_factor=1, config=dict(t.config))
                for t in missing
            ],
            operation_timeout=_SECONDS,
            request_timeout=_SECONDS,
        )
    except KafkaException as error:
        raise SandboxError(
            f"the broker at {bootstrap_servers} could not be asked for its topics: {error.args[0].str()}"
        ) from error
    for name, future in made.items():
        try:
            future.result(timeout=_SECONDS)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise SandboxError(f"topic {name} could not be created: {error.args[0].str()}") from error
