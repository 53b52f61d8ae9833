"""Whether topics and groups exist that a list does not show: Kafka leaves out of its lists what the user may
not describe, and does not say so; asked for by name it answers "not authorized".
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka.access import read_topic_access
from mesh_assets.platforms.kafka.admin_api import ConsumerGroupDescription
from mesh_assets.platforms.kafka.errors import AUTHORIZATION
from mesh_assets.platforms.kafka.group_listing import DEAD, state_name
from mesh_assets.platforms.kafka.session import Deadline, Session, outcome
from mesh_assets.platforms.presence import Presence

_DOING = "asking for consumer groups by name"
_OF_STATE: dict[str, Presence] = {"here": "here", "absent": "gone", "refused": "refused"}


def topic_presence(session: Session, names: Sequence[str]) -> dict[str, Presence]:
    """One call. Raises PlatformError."""
    access = read_topic_access(session, names, Deadline(session.timeout_seconds))
    return {name: _OF_STATE[access[name].state] for name in names}


def group_presence(session: Session, names: Sequence[str]) -> dict[str, Presence]:
    """One call, for groups that were there once: describing one makes the broker create `__consumer_offsets`
    where there is none yet.

    What is gone is described as dead before Kafka 4.0, and not found since. Raises PlatformError.
    """
    deadline = Deadline(session.timeout_seconds)

    def call() -> Mapping[str, Future[ConsumerGroupDescription]]:
        return session.start(
            "describe_consumer_groups",
            session.admin.describe_consumer_groups,
            list(names),
            request_timeout=deadline.call_seconds,
        )

    calls: list[tuple[None, Callable[[], Mapping[str, Future[ConsumerGroupDescription]]]]] = (
        [(None, call)] if names else []
    )
    found: dict[str, Presence] = {}
    for _, answers in session.run(calls, window=1, deadline=deadline, doing=_DOING):
        for name, future in answers.items():
            answer = outcome(future)
            if not isinstance(answer, KafkaError):
                found[name] = "gone" if state_name(answer.state) == DEAD else "here"
            elif answer.code() in AUTHORIZATION:
                found[name] = "refused"
            elif answer.code() == KafkaError.GROUP_ID_NOT_FOUND:
                found[name] = "gone"
            else:
                raise session.failed(answer, doing=_DOING, right="DESCRIBE on the groups")
    return found
