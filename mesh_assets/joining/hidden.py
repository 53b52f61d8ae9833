"""What is hidden from the user, as far as consumer groups show it.

Brokers leave what groups have committed on topics that the user may not describe out of their answers without a word, so it
looks as if it had never been committed, or had expired.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from uuid import uuid4

from msgspec.structs import replace

from mesh_assets.inventory.groups import CommittedOffset, ConsumerGroup
from mesh_assets.inventory.records import Connector
from mesh_assets.inventory.wording import listed

_REFUSED = "TOPIC_AUTHORIZATION_FAILED"
_NAMED = 3


def with_hidden(
    groups: Sequence[ConsumerGroup],
    before: Mapping[str, ConsumerGroup],
    *,
    seen: Collection[str],
    refused: Callable[[Sequence[str]], Collection[str]],
) -> tuple[ConsumerGroup, ...]:
    """The groups, with what they have committed on hidden topics as unreadable.

    `before`: the last known groups, by id. `seen`: the listed topics. `refused`: which of these topics the user may not
    describe; asked only about those that groups read, or did `before`, and no list shows. Kafka keeps no group without members
    and commits for long: one that seems so has hidden commits if the user may not describe topics of any name.
    """
    bare = {group.group_id for group in groups if _is_bare(group)}
    asked = {topic for group in groups for topic in _topics(group, before)}.difference(seen)
    of_any_name = uuid4().hex
    names = sorted(asked | ({of_any_name} if bare else set()))
    hidden = frozenset(refused(names)) if names else frozenset()
    if not hidden:
        return tuple(groups)
    found = []
    for group in groups:
        topics = sorted(hidden.intersection(_topics(group, before)))
        if topics and group.offsets is not None:
            group = _with_hidden(group, before.get(group.group_id), topics)
        elif of_any_name in hidden and group.group_id in bare:
            group = replace(group, offsets=None, error=group.error or _error(""))
        found.append(group)
    return tuple(found)


def _is_bare(group: ConsumerGroup) -> bool:
    """Coordinators that refuse to describe a group because of its topics omit what it has committed on them as well."""
    if group.error is not None:
        return group.offsets == () and group.error.startswith(_REFUSED)
    return group.members == () == group.offsets


def _topics(group: ConsumerGroup, before: Mapping[str, ConsumerGroup]) -> Iterator[str]:
    yield from group.topics
    known = before.get(group.group_id)
    yield from () if known is None else known.topics


def _with_hidden(group: ConsumerGroup, before: ConsumerGroup | None, topics: Sequence[str]) -> ConsumerGroup:
    offsets = {(one.topic, one.partition): one for one in group.offsets or ()}
    for one in (*(before.offsets or () if before is not None else ()), *offsets.values()):
        place = one.topic, one.partition
        if one.topic in topics and (place not in offsets or offsets[place].committed is None):
            offsets[place] = CommittedOffset(
                topic=one.topic,
                partition=one.partition,
                committed=None,
                end=None,
                lag_records=None,
                lag_is="unreadable",
            )
    return replace(
        group,
        offsets=tuple(offsets[place] for place in sorted(offsets)),
        topics=tuple(sorted({*group.topics, *topics})),
        error=group.error or _error(f" on {listed(topics)}"),
    )


def _error(where: str) -> str:
    return f"{_REFUSED}: what the group has committed{where} is hidden; needs DESCRIBE on the topics"


# Confluent Cloud runs a sink connector as the consumer group `connect-<id>`. If a group of that name has
# members and no connector with that id is listed, this key may not see the connector. Sources have no groups,
# so this finds some hidden connectors, not all.

_GROUP_OF_A_CONNECTOR = re.compile(r"^connect-(lcc-[a-z0-9]+)$")


def hidden_connectors(connectors: Iterable[Connector], groups: Iterable[ConsumerGroup]) -> tuple[str, ...]:
    """Ids of managed connectors that consume and are not among `connectors`, sorted. A group without members
    may be a leftover."""
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
