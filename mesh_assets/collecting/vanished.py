"""Whether what a list shows no more is gone, or only not shown.

A list can be filtered by missing rights without a word (Kafka does so with topics and groups; whether
Confluent Cloud does so with connectors is not documented), or come from a server that does not know
everything yet. Taken for the truth it would be a deletion of everything that it leaves out. So what vanished
is asked for by its name: only "not found" makes it a deletion.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.records import Connector, ConsumerGroup, Topic
from mesh_assets.platforms import Presence
from mesh_assets.platforms.confluent_cloud.keys import KAFKA_KEY_LACKS
from mesh_assets.platforms.kafka import KafkaReader

ASKED_AT_MOST = 10
"""Of what vanished at once: enough to notice a filter, whatever its pattern, and few enough for every run and
every look of a sensor."""

_NAMED = 3

AskPresence = Callable[[Sequence[str]], Mapping[str, Presence]]


def confirm_gone(vanished: Collection[str], ask: AskPresence, *, noun: str, source: str, advice: str) -> None:
    """Returns when what `vanished` is gone, as far as asking for ASKED_AT_MOST of it tells. Raises
    PlatformError otherwise.

    ask: asks `source` for some by their names. noun: what they are, in the plural. advice: what to do about
    missing rights, as a clause. More than can be asked for are asked for at even distances in the order of
    their names, since rights go by prefixes.
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
    told = (
        f"{_some(here)} there when asked for by name"
        if here
        else f"refuses to say whether {_some(refused)} there"
    )
    raise UnexpectedAnswerError(
        f"{source} lists {len(names):,} {noun[:-1] if len(names) == 1 else noun} no more, yet {told}: the list is filtered by missing "
        f"rights or not whole, so nothing is taken for deleted; {advice}"
    )


def one_by_one(presence: Callable[[str], Presence]) -> AskPresence:
    """For a source that has a request for each; all of them at the same time."""

    def ask(names: Sequence[str]) -> Mapping[str, Presence]:
        with ThreadPoolExecutor(max_workers=max(1, len(names)), thread_name_prefix="vanished") as pool:
            return dict(zip(names, pool.map(presence, names), strict=True))

    return ask


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown}{', …' if len(names) > _NAMED else ''} {'is' if len(names) == 1 else 'are'} still"


# Topics and groups that the brokers list no more: gone, or hidden by missing rights (vanished.py).

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


# Managed connectors that the list does not show, told from their consumer groups: what a key saw too little
# of from the start.
#
# Confluent Cloud runs a sink connector as the consumer group `connect-<id>`. A group of that name with
# members,
# and no connector of that id in the list, is a connector that this key may not see. Sources have no groups,
# so
# this finds some of what is hidden, not all.

_GROUP_OF_A_CONNECTOR = re.compile(r"^connect-(lcc-[a-z0-9]+)$")


def hidden_connectors(connectors: Iterable[Connector], groups: Iterable[ConsumerGroup]) -> tuple[str, ...]:
    """Ids of managed connectors that consume and are not among `connectors`, sorted. A group without members
    may be left over."""
    consuming = {
        match.group(1)
        for group in groups
        if group.members and (match := _GROUP_OF_A_CONNECTOR.match(group.group_id))
    }
    return tuple(sorted(consuming - {connector.id for connector in connectors}))


def hidden_connectors_note(hidden: tuple[str, ...]) -> str:
    shown = ", ".join(hidden[:_NAMED]) + (", …" if len(hidden) > _NAMED else "")
    noun = (
        "a managed connector that consumes is"
        if len(hidden) == 1
        else f"{len(hidden):,} managed connectors that consume are"
    )
    return (
        f"{noun} not in the list of connectors ({shown}): the list is filtered by missing rights; grant Operator on the cluster, and "
        "DeveloperRead on connector *"
    )
