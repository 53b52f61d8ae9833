"""From changes to triggers: one for each resource and type, with a cause that is the same whenever the same
event is seen again."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from mesh_assets.diff import headline_changes
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.observing.observation import Finding
from mesh_assets.inventory.triggers import Trigger, TriggerType

# So many triggers of one type are told apart; more of them at once (a new cluster, a mass deployment) are one
# trigger with their number.
TOLD_APART = 20
_NAMED = 5
# Stands in a run's tag, which the UI shows on one line.
_DETAILS_CHARACTERS = 500

# A topic's replicas move whenever brokers are balanced: no reason for a discovery of its own.
_TOPIC_FIELDS = ("partitions", "replication_factor")


class _Identity(msgspec.Struct, frozen=True):
    """What tells a resource from an earlier one of the same name; most have only the name."""

    id: str | int | None = None
    version: int | None = None


_identity = msgspec.json.Decoder(_Identity)


def trigger_type(change: Change) -> TriggerType | None:
    """The trigger that a change is a reason for; None: it can wait for the next discovery. Connectors'
    states: see connectors.py.

    A subject that comes is `schema_updated` and one that goes `schema_deleted`, whoever sees it: two sensors
    that see the same event make one trigger.
    """
    match change.resource_type:
        case "schema" | "schema_registry":
            return "schema_deleted" if change.kind == "deleted" else "schema_updated"
        case _ if change.kind == "created":
            return "resource_created"
        case _ if change.kind == "deleted":
            return "resource_deleted"
        case "topic" if change.field in _TOPIC_FIELDS or (change.field or "").startswith("config."):
            return "topic_changed"
        case _:
            return None


def findings_of(changes: Iterable[Change]) -> tuple[Finding, ...]:
    by_event: defaultdict[tuple[TriggerType, str, str], list[Change]] = defaultdict(list)
    for change in changes:
        type_ = trigger_type(change)
        if type_ is not None:
            by_event[type_, change.resource_type, change.resource].append(change)
    by_type: defaultdict[TriggerType, list[Finding]] = defaultdict(list)
    for (type_, _, _), of_resource in by_event.items():
        by_type[type_].append(finding(type_, of_resource))
    return tuple(told for type_, found in by_type.items() for told in _told_apart(type_, found))


def finding(type_: TriggerType, changes: Sequence[Change]) -> Finding:
    """The trigger for these changes of one resource."""
    first = changes[0]
    sentences = [change.sentence for change in headline_changes(changes)]
    return Finding(
        trigger=Trigger(type=type_, resource=first.resource, details=shortened("; ".join(sentences))),
        cause=f"{first.resource_type} {first.resource}: {', '.join(sorted(_event(change) for change in changes))}",
    )


def shortened(text: str) -> str:
    return text if len(text) <= _DETAILS_CHARACTERS else f"{text[: _DETAILS_CHARACTERS - 1]}…"


def _event(change: Change) -> str:
    if change.kind == "updated":
        return f"{change.field}={change.after}"
    # The record itself has offsets and times: only what says which one it is.
    identity = _identity.decode(change.after or change.before or "{}")
    return f"{change.kind} {identity.id} {identity.version}"


def _told_apart(type_: TriggerType, found: list[Finding]) -> list[Finding]:
    if len(found) <= TOLD_APART:
        return found
    names = [str(one.trigger.resource) for one in found]
    details = f"{len(found)} at once: {', '.join(names[:_NAMED])} and {len(found) - _NAMED} more"
    return [
        Finding(
            trigger=Trigger(type=type_, resource=None, details=shortened(details)),
            cause="\n".join(sorted(f.cause for f in found)),
        )
    ]
