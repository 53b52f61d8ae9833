"""The configs of topics, all of them, in chunks.

89 % of the time goes to confluent-kafka's conversion of entries and their synonyms to Python, whatever the
chunk (measured). So the chunk only bounds memory and the size of an answer.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from sys import intern

from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka.admin_api import ConfigEntry, ConfigResource, ConfigSource, ResourceType
from mesh_assets.platforms.kafka.chunks import in_chunks
from mesh_assets.platforms.kafka.errors import AUTHENTICATION, NO_ANSWER, item_error
from mesh_assets.platforms.kafka.session import Deadline, Session, outcome
from mesh_assets.platforms.kafka.values import TopicConfigs

TOPICS_A_CALL = 500
CALLS_IN_FLIGHT = 4

_DOING = "reading the topic configs"
_RIGHT = "DESCRIBE_CONFIGS on the topic"
# confluent-kafka says ConfigSource and gives its number.
_ON_THE_TOPIC = (ConfigSource.DYNAMIC_TOPIC_CONFIG, ConfigSource.DYNAMIC_TOPIC_CONFIG.value)


def read_configs(session: Session, topics: Iterable[str]) -> dict[str, TopicConfigs]:
    """The configs of each of `topics`, with the error in place of the values where Kafka refused them or the
    topic has gone.

    Raises UnreachableError or RefusedError when nothing could be read.
    """
    names = sorted(set(topics))
    if not names:
        return {}
    session.connect()
    deadline = Deadline(session.timeout_seconds)

    def call(chunk: list[str]) -> Callable[[], Mapping[ConfigResource, Future[dict[str, ConfigEntry]]]]:
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in chunk]
        return lambda: session.start(
            "describe_configs",
            session.admin.describe_configs,
            resources,
            request_timeout=deadline.call_seconds,
        )

    configs: dict[str, TopicConfigs] = {}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    calls = ((None, call(chunk)) for chunk in in_chunks(names, TOPICS_A_CALL))
    for _, answers in session.run(calls, window=CALLS_IN_FLIGHT, deadline=deadline, doing=_DOING):
        for resource, future in answers.items():
            answer = outcome(future)
            if isinstance(answer, KafkaError):
                if answer.code() in NO_ANSWER | AUTHENTICATION:
                    raise session.failed(answer, doing=_DOING, right=_RIGHT)
                configs[resource.name] = TopicConfigs(
                    topic=resource.name, values=None, error=item_error(answer, _RIGHT)
                )
            else:
                configs[resource.name] = _configs(resource.name, answer, shared)
    return {name: configs[name] for name in names}


def _configs(
    topic: str, entries: Mapping[str, ConfigEntry], shared: dict[tuple[str, ...], tuple[str, ...]]
) -> TopicConfigs:
    """Names and values are interned: thousands of topics differ in a handful of them, and each answer brings
    its own copies."""
    values: dict[str, str | None] = {}
    overridden: list[str] = []
    for entry in entries.values():
        name = intern(entry.name)
        values[name] = None if entry.is_sensitive or entry.value is None else intern(entry.value)
        if entry.source in _ON_THE_TOPIC:
            overridden.append(name)
    names = tuple(sorted(overridden))
    return TopicConfigs(
        topic=topic, values=dict(sorted(values.items())), overridden=shared.setdefault(names, names)
    )
