"""Observing connectors: all of them with their states, one list per endpoint.

A connector that keeps failing is held back: its first failure and first recovery are reported, further ones
are counted. A window opens with a failure and lasts the quiet period. A second failure within it is flapping:
nothing more is reported until the window ends, then one trigger says how often the connector failed; the same
goes for each further window while the flapping lasts. A failure and a recovery between two ticks cannot be
seen, so they are not counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from msgspec.structs import replace

from mesh_assets.collecting.connectors import ConnectReader, collect_connectors
from mesh_assets.collecting.scopes import connectors_scope, known_connectors
from mesh_assets.diff.connectors import ConnectorKey, connector_key
from mesh_assets.errors import PlatformError
from mesh_assets.inventory.changes import Change, Trigger
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Connector
from mesh_assets.inventory.sections import ConnectorsSection, SecretFingerprints
from mesh_assets.inventory.wording import listed
from mesh_assets.joining.join import with_stale_sources
from mesh_assets.sensing.cursor import Flaps
from mesh_assets.sensing.observations.comparison import (
    Compared,
    Identities,
    at_most,
    cause_of,
    compare_section,
    details_text,
    observed_now,
)
from mesh_assets.sensing.observations.observation import (
    Cause,
    KnownSecrets,
    Observation,
    ObservationContext,
)
from mesh_assets.store.fingerprints import others_than

Verdict = Literal["report", "hold", "flapped"]
"""`report`: what the comparison says. `hold`: nothing for now. `flapped`: one trigger with the number of
failures, `flaps.failures`.
"""


def judge_flaps(
    flaps: Flaps | None, *, failed: bool, changed: bool, now: float, quiet: timedelta
) -> tuple[Verdict, Flaps | None]:
    """What to report about a connector, and what to remember. `changed`: it failed or recovered since the
    latest document.
    """
    if flaps is None:
        return "report", Flaps(since=now, failures=1, failed=True) if failed and changed else None
    fails_again = failed and not flaps.failed
    since = min(flaps.since, now)  # a window in the future was opened before the clock was set back
    current = replace(flaps, since=since, failures=flaps.failures + fails_again, failed=failed)
    if now < since + quiet.total_seconds():
        return "hold" if _flaps(current) else "report", current
    if current.failures > (0 if flaps.flapping else 1):
        return "flapped", Flaps(since=now, failed=failed, flapping=True)
    return judge_flaps(None, failed=failed, changed=changed, now=now, quiet=quiet)


def _flaps(flaps: Flaps) -> bool:
    return flaps.flapping or flaps.failures > 1


_BROKEN = ("FAILED", "DEGRADED")


def observe_connectors(context: ObservationContext) -> Observation:
    """Connectors that failed, degraded or lost a task, and those that recovered."""
    if not context.clients.connect:
        return Observation(causes=(), notes=("no Connect endpoint",), cursor=context.cursor)
    try:
        compared, observed, unread, _ = compare_connectors(
            context.clients.connect, context.document, context.now
        )
    except PlatformError as error:
        return Observation(causes=(), notes=(str(error),), cursor=context.cursor)
    if compared.causes or (compared.notes and not compared.changes):
        # The whole list is in doubt: `resource_changes` deals with that.
        return Observation(
            causes=(),
            notes=(*(compared.notes or ("many connectors are gone at once",)), *unread),
            cursor=context.cursor,
        )
    quiet = timedelta(minutes=context.cluster.sensors.quiet_minutes)
    causes, flaps = _judged(observed, compared, context, quiet)
    held = [name for name, state in flaps.items() if state.flapping or state.failures > 1]
    notes = (f"{len(held)} flapping: {', '.join(sorted(held)[:5])}",) if held else ()
    return Observation(causes=causes, notes=(*notes, *unread), cursor=replace(context.cursor, flaps=flaps))


class ComparedConnectors(NamedTuple):
    """`observed`: the connectors, without their configs. `unread`: why endpoints could not be read; their
    connectors are then as in the document. `config_causes`: for configs that changed."""

    compared: Compared
    observed: tuple[Connector, ...]
    unread: tuple[str, ...]
    config_causes: tuple[Cause, ...]


def compare_connectors(
    endpoints: Sequence[ConnectReader],
    document: Document,
    now: datetime,
    *,
    known_secrets: KnownSecrets | None = None,
) -> ComparedConnectors:
    """Compares the connectors of all endpoints with the document. Raises PlatformError when none can be read.

    Without `known_secrets`, a rotated secret looks unchanged.
    """
    scope = connectors_scope(endpoints)
    known = known_connectors(document, scope)
    key, secrets = known_secrets or (None, None)
    collected = collect_connectors(endpoints, previous=known, scope="list", fingerprint_key=key)
    section = with_stale_sources(
        ConnectorsSection(
            cluster_id=document.cluster.id, state=observed_now(now, scope), records=collected.records
        ),
        collected.failed,
        document,
    )
    # Configs are dropped, since we did not ask which of their values are passwords. A connector without a
    # config has an unknown config, and so no change to it.
    observed = tuple(replace(record, config={}) for record in section.records)
    compared = compare_section("connectors", replace(section, records=observed), document, now=now)
    before = {connector_key(connector): connector for connector in known}
    changed = {
        connector_key(connector): keys
        for connector in collected.records
        if (old := before.get(connector_key(connector))) is not None
        and (keys := _changed_keys(old, connector, secrets, collected.fingerprints))
    }
    return ComparedConnectors(
        compared, observed, tuple(collected.failed.values()), _config_causes(changed, document.sequence)
    )


def _changed_keys(
    before: Connector,
    observed: Connector,
    secrets: SecretFingerprints | None,
    now: SecretFingerprints | None,
) -> tuple[str, ...]:
    """The keys whose values in the config differ. None if the document has a config from an earlier reading,
    with the reason, or if this one could not be read: the discovery would not find a change."""
    if before.error is not None or observed.error is not None or not before.config or not observed.config:
        return ()
    names = before.config.keys() | observed.config.keys()
    changed = {name for name in names if before.config.get(name) != observed.config.get(name)}
    if secrets is not None and now is not None:
        changed.update(others_than(secrets, now, before.connect, before.name))
    return tuple(sorted(changed))


def _config_causes(changed: Mapping[ConnectorKey, tuple[str, ...]], sequence: int) -> tuple[Cause, ...]:
    """Keys only: we did not ask which of the values are passwords."""
    causes = [
        Cause(
            trigger=Trigger(
                type="connector_changed",
                resource=name,
                details=details_text(f"Connector {name}: {listed(keys)} changed"),
            ),
            # The same until the next document, however often it changes: a secret's fingerprint stays in the
            # store.
            cause_id=f"connector {connect}/{name} config after {sequence}: {', '.join(keys)}",
        )
        for (connect, name), keys in changed.items()
    ]
    return tuple(at_most("connector_changed", causes))


def _judged(
    observed: Iterable[Connector], compared: Compared, context: ObservationContext, quiet: timedelta
) -> tuple[tuple[Cause, ...], dict[str, Flaps]]:
    by_resource: defaultdict[str, list[Change]] = defaultdict(list)
    for change in compared.changes:
        if change.resource_type == "connector":
            by_resource[change.resource].append(change)
    before = {(connector.connect, connector.name): connector for connector in context.document.connectors}
    causes: list[Cause] = []
    remembered: dict[str, Flaps] = {}
    for connector in observed:
        key = f"{connector.connect}/{connector.name}"
        # Changes give a name that two endpoints share together with its endpoint.
        cause = _cause(
            connector,
            before.get((connector.connect, connector.name)),
            by_resource.get(key) or by_resource.get(connector.name, []),
            compared.identities,
        )
        verdict, flaps = judge_flaps(
            context.cursor.flaps.get(key),
            failed=_broken(connector),
            changed=cause is not None,
            now=context.now.timestamp(),
            quiet=quiet,
        )
        if flaps is not None:
            remembered[key] = flaps
        if verdict == "flapped":
            causes.append(_flapped(connector, context.cursor.flaps[key], context.now))
        elif verdict == "report" and cause is not None:
            causes.append(cause)
    return tuple(causes), remembered


def _cause(
    connector: Connector, before: Connector | None, changes: Sequence[Change], identities: Identities
) -> Cause | None:
    """The cause in its changes: part of it broke, or no part is broken any more."""
    breaking = [change for change in changes if _is_state(change) and change.after in _BROKEN]
    if breaking:
        return cause_of("connector_failed", breaking, identities)
    if before is None:
        created = [change for change in changes if change.kind == "created" and change.severity == "critical"]
        return cause_of("connector_failed", created, identities) if created else None
    if _broken(before) and not _broken(connector) and connector.status == "RUNNING":
        mending = [change for change in changes if _is_state(change)]
        return cause_of("connector_recovered", mending, identities) if mending else None
    return None


def _is_state(change: Change) -> bool:
    return change.field is not None and (
        change.field == "status" or (change.field.startswith("tasks.") and change.field.endswith(".state"))
    )


def _broken(connector: Connector) -> bool:
    return connector.status in _BROKEN or any(task.state in _BROKEN for task in connector.tasks)


def _flapped(connector: Connector, before: Flaps, now: datetime) -> Cause:
    failed = _broken(connector)
    failures = before.failures + (failed and not before.failed)
    minutes = (now.timestamp() - before.since) / 60
    state = "failed" if failed else connector.status
    details = f"Connector {connector.name}: failed {failures} times in {minutes:.0f} minutes, now {state}"
    return Cause(
        trigger=Trigger(type="connector_failed", resource=connector.name, details=details_text(details)),
        cause_id=f"connector {connector.connect}/{connector.name} flapped from {before.since:.0f} on",
    )
