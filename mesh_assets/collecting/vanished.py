"""Decides whether something missing from a list is gone or only hidden.

A list can be filtered by missing rights without saying so (Kafka does that with topics and groups; whether
Confluent Cloud does it with connectors is not documented), or come from a server that does not know
everything yet. Taken at face value, it would delete everything that it leaves out. So anything that vanished is
asked for by name, and only "not found" makes it a deletion.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol
from uuid import uuid4

from msgspec.structs import replace

from mesh_assets.errors import RefusedError, UnexpectedAnswerError
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.records import Topic
from mesh_assets.inventory.wording import counted, plural
from mesh_assets.platforms import Presence
from mesh_assets.platforms.confluent_cloud.service import KAFKA_KEY_LACKS
from mesh_assets.platforms.kafka import KafkaReader, UnlistedGroups

ASKED_AT_MOST = 10
"""How many are asked for when more have vanished: enough to notice a filter with any pattern, and few enough for
every run and every tick of a sensor."""

_NAMED = 3


class HttpSource(Protocol):
    """A Connect endpoint or a registry: what collecting needs from either."""

    @property
    def url(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def requests(self) -> int: ...
    @property
    def stand_in(self) -> str | None: ...
    @property
    def rights_advice(self) -> str: ...
    def presence(self, name: str, /) -> Presence: ...


AskPresence = Callable[[Sequence[str]], Mapping[str, Presence]]


def confirm_gone(vanished: Collection[str], ask: AskPresence, *, noun: str, source: str, advice: str) -> None:
    """Returns if all of `vanished` is gone, as far as asking for ASKED_AT_MOST of them shows. Raises
    PlatformError otherwise.

    `ask`: asks `source` for names. `noun`: what they are, singular. `advice`: what to do about missing
    rights, as a clause. If there are more, names at even distances in sorted order are asked for, because
    rights go by prefix. For a name that cannot be asked for, the list decides: waiting for an answer would
    take forever.
    """
    names = sorted(vanished)
    asked = (
        names
        if len(names) <= ASKED_AT_MOST
        else [names[number * len(names) // ASKED_AT_MOST] for number in range(ASKED_AT_MOST)]
    )
    if not asked:
        return
    answers = ask(asked)
    here = [name for name in asked if answers[name] == "here"]
    refused = [name for name in asked if answers[name] == "refused"]
    if not here and not refused:
        return
    told = f"refuses to say whether {_some(refused)} there"
    if here:
        told = f"{_some(here)} there when asked for by name"
    raise UnexpectedAnswerError(
        f"{source} no longer lists {counted(len(names), noun)}, yet {told}: the list is incomplete or filtered by missing "
        f"rights, so nothing counts as deleted; {advice}"
    )


def one_by_one(presence: Callable[[str], Presence]) -> AskPresence:
    """For a source that needs one request per name; sends them all at the same time."""

    def ask(names: Sequence[str]) -> Mapping[str, Presence]:
        with ThreadPoolExecutor(max_workers=max(1, len(names)), thread_name_prefix="vanished") as pool:
            return dict(zip(names, pool.map(presence, names), strict=True))

    return ask


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown}{', …' if len(names) > _NAMED else ''} {plural(len(names), 'is', 'are')} still"


_TOPIC_RIGHTS = "grant DESCRIBE and DESCRIBE_CONFIGS on topic *"
_GROUP_RIGHTS = "grant DESCRIBE on the cluster and on group *"


def confirm_topics_gone(
    kafka: KafkaReader, cluster: Cluster, known: Iterable[Topic], *, listed: Collection[str]
) -> None:
    """`listed`: all topics, whatever the patterns select. Raises PlatformError if one of `known` is neither
    listed nor gone."""
    vanished = cluster.topics.select({topic.name for topic in known}.difference(listed))
    _confirm(kafka.topic_presence, cluster, vanished, noun="topic", advice=_TOPIC_RIGHTS)


def confirm_no_topics(kafka: KafkaReader, cluster: Cluster) -> None:
    """For a list without topics. Raises PlatformError if it may hide some: if the user may not describe topics of any name."""
    if refused_topics(kafka, [uuid4().hex]):
        advice = KAFKA_KEY_LACKS if cluster.on_confluent_cloud else _TOPIC_RIGHTS
        raise RefusedError(
            f"Kafka of {cluster.name} lists no topics, but only shows this user those granted by name or prefix: it is unknown whether "
            f"there are others; {advice}"
        )


def refused_topics(kafka: KafkaReader, names: Sequence[str]) -> set[str]:
    """Those that the user may not describe, whether they exist or not."""
    return {name for name, presence in kafka.topic_presence(names).items() if presence == "refused"}


def confirm_groups_gone(
    kafka: KafkaReader, cluster: Cluster, known: Iterable[ConsumerGroup], *, listed: Collection[str]
) -> None:
    """`known`: without those that no list can show at present (`unlisted_groups`). `listed`: the groups that the
    patterns select. Raises PlatformError if one of `known` is neither listed nor gone."""
    vanished = cluster.consumer_groups.select({group.group_id for group in known}.difference(listed))
    _confirm(kafka.group_presence, cluster, vanished, noun="consumer group", advice=_GROUP_RIGHTS)


def unlisted_groups(
    known: Iterable[ConsumerGroup], unlisted: UnlistedGroups | None, *, listed: Collection[str]
) -> dict[str, ConsumerGroup]:
    """Those of `known` that are not listed because no list can show them now, by name. What they are and what they read
    stays as last known; their progress is unknown. Asking for them by name would reveal no more."""
    if unlisted is None:
        return {}
    return {
        group.group_id: replace(
            group, members=None, offsets=None, total_lag_records=None, error=unlisted.reason
        )
        for group in known
        if group.group_id not in listed and group.group_id in unlisted
    }


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
