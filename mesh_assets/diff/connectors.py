"""Changes of connectors. Not changes: which worker runs what, which is volatile; declared topics and the
quickstart, which follow from the config; and the platform's id, because a connector recreated under its name is
the same connector to its users.

Topics that Connect has observed are not part of the config, so a newly observed one is a change. One that is
no longer observed is not a change: Connect forgets topics on a reset, and a failed reading looks the same.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec.structs import replace

from mesh_assets.diff.fields import (
    Fields,
    because,
    created,
    deleted,
    differing_fields,
    json_text,
    shown,
    updated,
)
from mesh_assets.inventory.changes import Change, Severity
from mesh_assets.inventory.records import Connector
from mesh_assets.inventory.wording import listed
from mesh_assets.masking.configs import MASK, is_reference, mask_config, mask_trace, mask_value
from mesh_assets.masking.names import is_plain_key

ConnectorKey = tuple[str, str]
"""Endpoint and name: two Connect clusters can each have a connector of the same name."""

SecretPlace = tuple[str, str, str]
"""Endpoint, name, and key of the config."""

_CONFIG = "config."
_TASKS = "tasks."
# A connector whose status becomes known as FAILED must not go unnoticed, nor one that recovered while its
# status was unknown.
_LEARNED = ("status", "tasks")
_BROKEN = frozenset({"FAILED", "DEGRADED"})
_NOT_WORKING = frozenset({"PAUSED", "STOPPED", "UNASSIGNED"})


def connector_key(connector: Connector) -> ConnectorKey:
    return connector.connect, connector.name


def full_name(connector: Connector) -> str:
    return f"{connector.connect}/{connector.name}"


def connector_fields(connector: Connector) -> Fields:
    fields: Fields = {"type": _known(connector.type), "status": _known(connector.status)}
    if fields["status"] is None and not connector.tasks:
        fields |= {"tasks": None, _TASKS: None}  # no status was read at all, so neither were its tasks
    else:
        fields["tasks"] = str(len(connector.tasks))
        fields.update((f"{_TASKS}{task.id}.state", _known(task.state)) for task in connector.tasks)
    if not connector.config:
        # Every connector has a config: this one could not be read.
        fields |= {_CONFIG: None, "connector_class": None}
    else:
        fields.update((_CONFIG + key, value) for key, value in connector.config.items() if value is not None)
        if "connector.class" not in connector.config and connector.connector_class is not None:
            fields["connector_class"] = connector.connector_class
    if observed := _observed(connector):
        fields["observed_topics"] = json_text(observed)
    return fields


def _observed(connector: Connector) -> list[str]:
    return sorted({topic.name for topic in connector.topics if topic.known == "observed"})


def diff_connectors(
    before: Iterable[Connector],
    after: Iterable[Connector],
    *,
    changed_secrets: Collection[SecretPlace] = (),
) -> Iterator[Change]:
    old, new = {connector_key(c): c for c in before}, {connector_key(c): c for c in after}
    if old == new and not changed_secrets:
        return
    secrets: dict[ConnectorKey, set[str]] = {}
    for connect, name, config in changed_secrets:
        secrets.setdefault((connect, name), set()).add(config)
    resources = _resources(old, new)
    for key, connector in old.items():
        if key not in new:
            sentence = f"Connector {resources[key]} deleted: {connector.type}, was {connector.status}"
            yield deleted("connector", resources[key], _masked(connector), sentence=sentence)
    for key, connector in new.items():
        previous = old.get(key)
        if previous is None:
            broken = connector.status in _BROKEN or connector.failed_tasks > 0
            sentence = f"Connector {resources[key]} created: {connector.type}, {connector.status}{_reason(connector) if broken else ''}"
            yield created(
                "connector",
                resources[key],
                connector,
                sentence=sentence,
                severity="critical" if broken else "info",
            )
        elif previous != connector or key in secrets:
            yield from _diff_connector(resources[key], previous, connector, secrets.get(key, set()))


def _resources(
    old: Mapping[ConnectorKey, Connector], new: Mapping[ConnectorKey, Connector]
) -> dict[ConnectorKey, str]:
    """By key, the name people know it by, with its endpoint if the name alone is ambiguous.

    A name that contains a slash always gets its endpoint, so `a/b` can only mean the connector `b` of `a`.
    """
    shared = {
        name
        for keys in (old, new)
        for name, number in Counter(name for _, name in keys).items()
        if number > 1
    }
    return {
        (connect, name): f"{connect}/{name}" if name in shared or "/" in name else name
        for connect, name in {**old, **new}
    }


def _diff_connector(
    resource: str, before: Connector, after: Connector, secrets: Collection[str]
) -> Iterator[Change]:
    unseen = {key for key in secrets if key in before.config and before.config[key] == after.config.get(key)}
    for key in sorted(unseen):
        yield updated(
            "connector",
            resource,
            _CONFIG + key,
            before=before.config[key],
            after=after.config[key],
            severity="info",
            sentence=f"Connector {resource}: {key} changed",
        )
    for field, old, new in differing_fields(
        connector_fields(before), connector_fields(after), learned=_LEARNED
    ):
        if field == "observed_topics" and new is None:
            continue
        changed_secret = False
        if field.startswith(_CONFIG):
            key = field.removeprefix(_CONFIG)
            shown_before, shown_after = _shown_config(key, old, new)
            changed_secret = shown_after != new
            old, new = shown_before, shown_after
        yield updated(
            "connector",
            resource,
            field,
            before=old,
            after=new,
            severity=_severity(field, new, before, after),
            sentence=f"Connector {resource}: {f'{key} changed' if changed_secret else _what(field, old, new, after)}",
        )


def _shown_config(key: str, old: str | None, new: str | None) -> tuple[str | None, str | None]:
    """Both values by today's rules. If one is masked, so is the other, which is the same secret unless known not to
    be one."""
    old, new = (None if value is None else mask_value(key, value) for value in (old, new))
    if not is_plain_key(key):
        if old == MASK and new and not is_reference(new):
            new = MASK
        if new == MASK and old and not is_reference(old):
            old = MASK
    return old, new


def _severity(field: str, new: str | None, before: Connector, after: Connector) -> Severity:
    if field == "status" or field.startswith(_TASKS):
        if new in _BROKEN:
            return "critical"
        return "warning" if new in _NOT_WORKING else "info"
    if field == "tasks":
        return "warning" if len(after.tasks) < len(before.tasks) else "info"
    return "warning" if field in ("type", "connector_class", "config.connector.class") else "info"


def _what(field: str, old: str | None, new: str | None, after: Connector) -> str:
    if field == "status":
        reason = _reason(after) if new in _BROKEN else ""
        return f"status now known, {new}{reason}" if old is None else f"{old} → {new}{reason}"
    if field == "tasks":
        return f"tasks now known, {new}" if old is None else f"tasks {old} → {new}"
    if field.startswith(_TASKS):
        return _task(field, old, new, after)
    if field == "observed_topics":
        return f"topics seen are now {listed(_observed(after))}"
    if field == "connector_class":
        return f"class {shown(old)} → {shown(new)}"
    key = field.removeprefix(_CONFIG)
    if old is None:
        return f"{key} set to {shown(new)}"
    if new is None:
        return f"{key} removed, was {shown(old)}"
    if old == new:
        return f"{key} is masked now"
    if old == MASK and not is_reference(new):
        return f"{key} is shown now, {shown(new)}"
    return f"{key} {shown(old)} → {shown(new)}"


def _task(field: str, old: str | None, new: str | None, after: Connector) -> str:
    number = field.removeprefix(_TASKS).removesuffix(".state")
    if new is None:
        return f"task {number} is gone, was {old}"
    trace = (
        next((task.trace for task in after.tasks if str(task.id) == number), None) if new in _BROKEN else None
    )
    return (
        f"task {number} is {new}{because(trace)}"
        if old is None
        else f"task {number} {old} → {new}{because(trace)}"
    )


def _reason(connector: Connector) -> str:
    """The connector's own trace or, if it has none, that of its first failed task, which must be what broke it."""
    traces = [
        connector.trace,
        *(task.trace for task in sorted(connector.tasks, key=lambda t: t.id) if task.state in _BROKEN),
    ]
    return next((reason for trace in traces if (reason := because(trace))), "")


def _masked(connector: Connector) -> Connector:
    """The connector masked by today's rules: an older version may have stored a value that is now known to be a
    secret."""
    return replace(
        connector,
        config=mask_config(connector.config),
        trace=mask_trace(connector.trace),
        tasks=tuple(replace(task, trace=mask_trace(task.trace)) for task in connector.tasks),
    )


def _known(word: str) -> str | None:
    return None if word.strip().upper() in ("", "UNKNOWN") else word
