"""Changes of consumer groups. Who the members are, offsets, lag, coordinators, epochs and rebalances vary by themselves:
they are not changes. The number of members of an active group is, and so is what a streams group runs."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from mesh_assets.diff.fields import (
    Fields,
    created,
    deleted,
    differing_fields,
    json_text,
    updated,
)
from mesh_assets.inventory.changes import Change, Severity
from mesh_assets.inventory.groups import ConsumerGroup, GroupMember
from mesh_assets.inventory.wording import counted, listed, named, plural

EPHEMERAL_GROUPS: tuple[str, ...] = ("console-consumer-*",)
"""Groups that tools create to read a topic once; they say nothing about the estate."""

_WITHOUT_MEMBERS = frozenset({"empty", "dead"})
_REBALANCING = frozenset(
    {
        "preparingrebalance",
        "preparingrebalancing",
        "completingrebalance",
        "completingrebalancing",
        "assigning",
        "reconciling",
    }
)


def lasting_groups(groups: Iterable[ConsumerGroup], ephemeral: tuple[str, ...]) -> dict[str, ConsumerGroup]:
    return {
        group.group_id: group
        for group in groups
        if not any(fnmatchcase(group.group_id, pattern) for pattern in ephemeral)
    }


def group_fields(group: ConsumerGroup) -> Fields:
    """`state` is `active` or `empty`. A rebalancing group is active: its members are being assigned
    partitions, so their number is transient. An empty group has none: its state says so to readers, and this to whoever
    applies the changes. `topology`: the topics of each subtopology, without the epoch, which grows even when clients
    merely resend it."""
    # During assignment, a group that has committed nothing seems to read no topics.
    assigning = _plain(group.state) in _REBALANCING and not any(
        offset.committed is not None for offset in group.offsets or ()
    )
    unread = group.error is not None or group.offsets is None or group.members is None
    return {
        "type": None if _plain(group.type) in ("", "unknown") else group.type,
        "state": _activity(group.state),
        "topics": None if unread or assigning else json_text(_topics(group)),
        "members": _members(group),
        "topology": None if group.topology is None else json_text(group.topology.subtopologies),
    }


def _members(group: ConsumerGroup) -> str | None:
    match _activity(group.state):
        case "empty":
            return "0"
        case "active" if group.members is not None and _plain(group.state) not in _REBALANCING:
            return str(len(group.members))
        case _:
            return None


def diff_consumer_groups(
    before: Iterable[ConsumerGroup], after: Iterable[ConsumerGroup], *, ephemeral: tuple[str, ...]
) -> Iterator[Change]:
    old, new = lasting_groups(before, ephemeral), lasting_groups(after, ephemeral)
    for group_id, group in old.items():
        if group_id not in new:
            yield deleted(
                "consumer_group",
                group_id,
                group,
                sentence=f"Consumer group {named(group_id)} deleted{_reading(group, 'read')}",
            )
    for group_id, group in new.items():
        previous = old.get(group_id)
        if previous is None:
            sentence = (
                f"Consumer group {named(group_id)} created: {_activity(group.state) or 'state unknown'}"
                f"{_reading(group, 'reads')}"
            )
            yield created("consumer_group", group_id, group, sentence=sentence, severity="info")
        elif not _unchanged(previous, group):
            yield from _diff_group(previous, group)


def _unchanged(before: ConsumerGroup, after: ConsumerGroup) -> bool:
    return (
        before.type == after.type
        and before.state == after.state
        and before.topics == after.topics
        and before.error == after.error
        and _count(before.members) == _count(after.members)
        and before.topology == after.topology
    )


def _count(members: tuple[GroupMember, ...] | None) -> int | None:
    return None if members is None else len(members)


def _diff_group(before: ConsumerGroup, after: ConsumerGroup) -> Iterator[Change]:
    for field, old, new in differing_fields(group_fields(before), group_fields(after), learned=("state",)):
        yield updated(
            "consumer_group",
            after.group_id,
            field,
            before=old,
            after=new,
            severity=_severity(field, new),
            sentence=f"Consumer group {named(after.group_id)}: {_what(field, old, new, before, after)}",
        )


def _severity(field: str, after: str | None) -> Severity:
    return "warning" if field == "type" or (field == "state" and after == "empty") else "info"


def _what(field: str, old: str | None, new: str | None, before: ConsumerGroup, after: ConsumerGroup) -> str:
    match field:
        case "topics":
            return _topics_read(before, after)
        case "state":
            return f"state now known, {new}" if old is None else f"{old} → {new}"
        case "members":
            return f"{old} → {counted(int(new or 0), 'member')}"
        case "topology":
            return _topologies(before, after)
        case _:
            return f"{field} {old} → {new}"


def _topics_read(before: ConsumerGroup, after: ConsumerGroup) -> str:
    old, new = set(before.topics), set(after.topics)
    parts = []
    if new - old:
        parts.append(f"now {'also ' if old else ''}reads {listed(sorted(new - old))}")
    if old - new:
        parts.append(f"no longer reads {listed(sorted(old - new))}")
    return ", ".join(parts)


def _topologies(before: ConsumerGroup, after: ConsumerGroup) -> str:
    """What was added and removed, by subtopology; or that a part with the same id now uses different topics."""
    old, new = (
        {part.id: part for part in group.topology.subtopologies} if group.topology else {}
        for group in (before, after)
    )
    parts = []
    if added := sorted(new.keys() - old.keys()):
        parts.append(f"new {plural(len(added), 'subtopology', 'subtopologies')} {listed(added)}")
    if removed := sorted(old.keys() - new.keys()):
        parts.append(f"no longer {plural(len(removed), 'subtopology', 'subtopologies')} {listed(removed)}")
    if other := sorted(one for one in new.keys() & old.keys() if new[one] != old[one]):
        parts.append(
            f"different topics in {plural(len(other), 'subtopology', 'subtopologies')} {listed(other)}"
        )
    return f"its topology changed: {', '.join(parts) or 'its subtopologies are in a different order'}"


def _topics(group: ConsumerGroup) -> list[str]:
    return sorted(set(group.topics))


def _activity(state: str) -> str | None:
    plain = _plain(state)
    if plain in ("", "unknown"):
        return None
    return "empty" if plain in _WITHOUT_MEMBERS else "active"


def _plain(state: str) -> str:
    """Different clients write the same state as `PreparingRebalance`, `PREPARING_REBALANCING` or `preparing
    rebalance`."""
    return state.replace("_", "").replace(" ", "").lower()


def _reading(group: ConsumerGroup, verb: str) -> str:
    return f", {verb} {listed(_topics(group))}" if group.topics else ""
