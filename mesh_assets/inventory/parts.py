"""Sections whose parts each need a right, a version or a platform of their own: one part that cannot be read leaves
the others as they are.

What a platform never told stays unknown, with the reason, and is no failure: on managed clusters refusals are normal.
A part that was known and cannot be read now keeps its last good data, and the section says so: its state names the
part in `stale_sources`, as it names a Connect cluster that does not answer. So nothing of it counts as changed, while
the changes of the other parts are published.
"""

from typing import TypeVar

from msgspec.structs import replace

from mesh_assets.inventory.access_records import Access
from mesh_assets.inventory.cluster_link_records import ClusterLinks
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.sections import (
    AccessSection,
    BrokersSection,
    ClusterLinksSection,
    SectionName,
    SectionOfParts,
    StaleSource,
)

_S = TypeVar("_S", bound=SectionOfParts)


class Unread(Record, frozen=True, kw_only=True):
    """Why a part could not be read. `expected`: for lack of a right, or because this version or platform does not
    have it; otherwise the broker failed, and trying again can help."""

    reason: str
    expected: bool


def failed_parts(parts: dict[str, Unread]) -> tuple[StaleSource, ...]:
    """Those that must not go unnoticed, as a section's `stale_sources` names them before it is settled."""
    return tuple(
        StaleSource(source=name, collected_at=None, error=part.reason)
        for name, part in sorted(parts.items())
        if not part.expected
    )


def settle_parts(section: _S, previous: Document | None) -> _S:
    """`section`, with what `previous` knew in place of each part that could not be read. Doing it again, against a
    later document, changes what it has to."""
    records, state = section.records, section.state
    if records is None or state.status != "fresh":
        return section
    failed = {**records.unknown, **{one.source: one.error for one in state.stale_sources}}
    if not failed:
        return section
    must_be_noticed = {one.source for one in state.stale_sources}
    old = None if previous is None else previous.section(_name(section))
    assert old is None or isinstance(old, SectionOfParts)
    kept: dict[str, object] = {}
    unknown = dict(records.unknown)
    stale: list[StaleSource] = []
    for part, reason in sorted(failed.items()):
        value = None if old is None or old.records is None else getattr(old.records, part)
        if value is None and part not in must_be_noticed:
            continue
        read_at = None
        if value is not None and old is not None:
            kept[part] = value
            unknown.pop(part, None)
            read_at = next(
                (one.collected_at for one in old.state.stale_sources if one.source == part),
                old.state.collected_at,
            )
        stale.append(StaleSource(source=part, collected_at=read_at, error=reason))
    if (
        old is not None
        and kept
        and isinstance(records, Access | ClusterLinks)
        and records == type(records)(unknown=records.unknown)
    ):
        # Nothing at all was read.
        assert isinstance(old, type(section))
        return replace(old, state=replace(old.state, status="stale", error=_error(stale), scope_note=None))
    return replace(
        section,
        records=replace(records, unknown=unknown, **kept),
        state=replace(state, stale_sources=tuple(stale), error=_error(stale)),
    )


def _error(stale: list[StaleSource]) -> str | None:
    return (
        "; ".join(
            f"{one.source.replace('_', ' ')} {'is' if one.source == 'quorum' else 'are'} "
            f"{'the last known' if one.collected_at else 'unknown'}: {one.error}"
            for one in stale
        )
        or None
    )


def _name(section: SectionOfParts) -> SectionName:
    if isinstance(section, BrokersSection):
        return "brokers"
    if isinstance(section, ClusterLinksSection):
        return "cluster_links"
    return "access" if isinstance(section, AccessSection) else "transactions"
