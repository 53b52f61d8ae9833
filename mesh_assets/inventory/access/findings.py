"""What a check found out about one system."""

from collections.abc import Collection, Sequence
from typing import Literal

from mesh_assets.inventory.records import Record

System = Literal["kafka", "events", "schema registry", "connect", "control plane", "metrics"]
State = Literal["ok", "incomplete", "failed"]

_NAMES_SHOWN = 3


class AccessFinding(Record, frozen=True, kw_only=True):
    """One system of one cluster: whether discovery can do its work there.

    system: `events` is the cluster as the carrier of the events. endpoint, identity: where, and as whom;
    empty when the estate's references to them cannot be resolved. state: `failed` when it could not be asked,
    `incomplete` when something is missing. facts: what it says of itself, in the order to show. rights: what
    the user may do there. missing: what discovery needs and has not, a sentence each: what, the consequence,
    what to do. notes: what is good to know though discovery works.
    """

    cluster: str
    system: System
    endpoint: str
    identity: str
    state: State
    facts: dict[str, int | str]
    rights: str = ""
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def answered(
    cluster: str,
    system: System,
    endpoint: str,
    identity: str,
    *,
    facts: dict[str, int | str],
    rights: str,
    missing: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> AccessFinding:
    return AccessFinding(
        cluster=cluster,
        system=system,
        endpoint=endpoint,
        identity=identity,
        state="incomplete" if missing else "ok",
        facts=facts,
        rights=rights,
        missing=tuple(missing),
        notes=tuple(notes),
    )


def failed(cluster: str, system: System, endpoint: str, identity: str, sentence: str) -> AccessFinding:
    return AccessFinding(
        cluster=cluster,
        system=system,
        endpoint=endpoint,
        identity=identity,
        state="failed",
        facts={},
        missing=(sentence,),
    )


def some(names: Collection[str]) -> str:
    """The names, or the first of many."""
    shown = ", ".join(sorted(names)[:_NAMES_SHOWN])
    return shown if len(names) <= _NAMES_SHOWN else f"{shown}, …"


def stand_in_notes(text: str | None) -> tuple[str, ...]:
    """The note for a service that says it stands in for another; none for one that does not."""
    return () if text is None else (f"this is a stand-in: {text}",)


def counted(number: int, noun: str) -> str:
    """`1 topic`, `9,000 topics`: `noun` is the plural."""
    return f"{number:,} {noun[:-1] if number == 1 else noun}"
