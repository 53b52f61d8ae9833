"""Managed connectors that the list does not show, told from their consumer groups: what a key saw too little
of from the start.

Confluent Cloud runs a sink connector as the consumer group `connect-<id>`. A group of that name with members,
and no connector of that id in the list, is a connector that this key may not see. Sources have no groups, so
this finds some of what is hidden, not all.
"""

import re
from collections.abc import Iterable

from mesh_assets.inventory.records import Connector, ConsumerGroup

_GROUP_OF_A_CONNECTOR = re.compile(r"^connect-(lcc-[a-z0-9]+)$")
_NAMED = 3


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
