"""Observing connectors: all of them with their states, one list per endpoint. Those that keep failing are held back."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec.structs import replace

from mesh_assets.collecting.connectors import ConnectReader, collect_connectors
from mesh_assets.errors import PlatformError
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Connector
from mesh_assets.inventory.sections import ConnectorsSection
from mesh_assets.inventory.triggers import Trigger
from mesh_assets.platforms.connect import connectors as platform
from mesh_assets.platforms.presence import Presence
from mesh_assets.sensing.cursor import Flaps
from mesh_assets.sensing.observations.comparison import (
    Compared,
    cause_of,
    compare_section,
    seen_now,
    shortened,
)
from mesh_assets.sensing.observations.observation import Cause, Observation, ObservationContext

# Connectors that fail again and again: the first failure and the first recovery are told, further ones are
# counted and held.
#
# A window opens with a failure and lasts the quiet period. What fails once more within it is flapping:
# nothing
# more is told until the window ends, then one trigger says how often it failed. While it goes on, each
# further
# window ends with one trigger. What a sensor cannot see (a failure and a recovery between two ticks) is not
# counted.

Verdict = Literal["tell", "hold", "flapped"]
"""`tell`: what the comparison says. `hold`: nothing now. `flapped`: one trigger with the number of failures,
`flaps.failures`."""


def judge(
    flaps: Flaps | None, *, failed: bool, changed: bool, now: float, quiet: timedelta
) -> tuple[Verdict, Flaps | None]:
    """What to say of a connector, and what to remember of it. `changed`: it failed or recovered since the
    latest document."""
    if flaps is None:
        return "tell", Flaps(since=now, failures=1, failed=True) if failed and changed else None
    fails_again = failed and not flaps.failed
    current = replace(flaps, failures=flaps.failures + fails_again, failed=failed)
    if now < flaps.since + quiet.total_seconds():
        return "hold" if _flaps(current) else "tell", current
    if current.failures > (0 if flaps.flapping else 1):
        return "flapped", Flaps(since=now, failed=failed, flapping=True)
    return judge(None, failed=failed, changed=changed, now=now, quiet=quiet)


def _flaps(flaps: Flaps) -> bool:
    return flaps.flapping or flaps.failures > 1


# A look at the connectors: all with their states by one list an endpoint.

_BROKEN = ("FAILED", "DEGRADED")


class ListedConnectors:
    """A ConnectReader that gives the list alone: a connector's topics and a class's passwords would cost a
    request each."""

    def __init__(self, endpoint: ConnectReader) -> None:
        self._endpoint = endpoint

    @property
    def url(self) -> str:
        return self._endpoint.url

    @property
    def requests(self) -> int:
        return self._endpoint.requests

    @property
    def stand_in(self) -> str | None:
        return self._endpoint.stand_in

    @property
    def rights_advice(self) -> str:
        return self._endpoint.rights_advice

    def connectors(self) -> Sequence[platform.Connector]:
        return self._endpoint.connectors()

    def topics(self, name: str) -> tuple[str, ...] | None:  # noqa: ARG002 - the protocol's
        return None

    def password_keys(self, connector_class: str) -> frozenset[str]:  # noqa: ARG002 - the protocol's
        return frozenset()

    def presence(self, name: str) -> Presence:
        return self._endpoint.presence(name)


def observe_connectors(look: ObservationContext) -> Observation:
    """Connectors that failed, degraded or lost a task, and those that recovered."""
    if not look.clients.connect:
        return Observation(findings=(), notes=("no Connect endpoint",), cursor=look.cursor)
    try:
        compared, observed = compare_connectors(look.clients.connect, look.document, look.now)
    except PlatformError as error:
        return Observation(findings=(), notes=(str(error),), cursor=look.cursor)
    if compared.findings or (compared.notes and not compared.changes):
        # The list as a whole is in doubt: resource_changes sees to that.
        return Observation(
            findings=(), notes=compared.notes or ("many connectors are gone at once",), cursor=look.cursor
        )
    quiet = timedelta(minutes=look.cluster.sensors.quiet_minutes)
    findings, flaps = _judged(observed, compared.changes, look, quiet)
    held = [name for name, state in flaps.items() if state.flapping or state.failures > 1]
    notes = (f"{len(held)} flapping: {', '.join(sorted(held)[:5])}",) if held else ()
    return Observation(findings=findings, notes=notes, cursor=replace(look.cursor, flaps=flaps))


def compare_connectors(
    endpoints: Sequence[ConnectReader], document: Document, now: datetime
) -> tuple[Compared, tuple[Connector, ...]]:
    """Raises PlatformError when one endpoint cannot be read: the section is whole or not at all."""
    records = collect_connectors(
        [ListedConnectors(endpoint) for endpoint in endpoints], previous=document.connectors, turn=0
    )
    # No config leaves here, since nobody was asked which of its values are passwords. Without one it is
    # unknown, and so no change.
    observed = tuple(replace(record, config={}) for record in records)
    section = ConnectorsSection(cluster_id=document.cluster.id, state=seen_now(now), records=observed)
    return compare_section("connectors", section, document, now=now), observed


def _judged(
    observed: Iterable[Connector], changes: Iterable[Change], look: ObservationContext, quiet: timedelta
) -> tuple[tuple[Cause, ...], dict[str, Flaps]]:
    by_resource: defaultdict[str, list[Change]] = defaultdict(list)
    for change in changes:
        if change.resource_type == "connector":
            by_resource[change.resource].append(change)
    before = {(connector.connect, connector.name): connector for connector in look.document.connectors}
    findings: list[Cause] = []
    remembered: dict[str, Flaps] = {}
    for connector in observed:
        key = f"{connector.connect}/{connector.name}"
        # A name that two endpoints share stands with its endpoint in the changes.
        told = _told(
            connector,
            before.get((connector.connect, connector.name)),
            by_resource.get(key) or by_resource.get(connector.name, []),
        )
        verdict, flaps = judge(
            look.cursor.flaps.get(key),
            failed=_broken(connector),
            changed=told is not None,
            now=look.now.timestamp(),
            quiet=quiet,
        )
        if flaps is not None:
            remembered[key] = flaps
        if verdict == "flapped":
            findings.append(_flapped(connector, look.cursor.flaps[key], look.now))
        elif verdict == "tell" and told is not None:
            findings.append(told)
    return tuple(findings), remembered


def _told(connector: Connector, before: Connector | None, changes: Sequence[Change]) -> Cause | None:
    """What its changes say: something of it broke, or nothing of it is broken any more."""
    breaking = [change for change in changes if _is_state(change) and change.after in _BROKEN]
    if breaking:
        return cause_of("connector_failed", breaking)
    if before is None:
        created = [change for change in changes if change.kind == "created" and change.severity == "critical"]
        return cause_of("connector_failed", created) if created else None
    if _broken(before) and not _broken(connector) and connector.status == "RUNNING":
        mending = [change for change in changes if _is_state(change)]
        return cause_of("connector_recovered", mending) if mending else None
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
    status = "failed" if failed else connector.status
    details = f"Connector {connector.name}: failed {failures} times in {minutes:.0f} minutes, now {status}"
    return Cause(
        trigger=Trigger(type="connector_failed", resource=connector.name, details=shortened(details)),
        cause=f"connector {connector.connect}/{connector.name} flapped from {before.since:.0f} on",
    )
