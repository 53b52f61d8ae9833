"""Sections whose parts each need their own right, version or platform: one part that cannot be read leaves the others
as they are.

A part that a platform never reported stays unknown, with the reason, and is not a failure: on managed clusters refusals
are normal. A part that was known and cannot be read now keeps its last good data, and the section says so: its state
names the part in `stale_sources`, like a Connect cluster that does not answer. So none of it counts as changed, while
changes of the other parts are published.
"""

from typing import TypeVar

from msgspec.structs import replace

from mesh_assets.inventory.access_records import Access
from mesh_assets.inventory.broker_records import Brokers
from mesh_assets.inventory.cluster_link_records import ClusterLinks
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import (
    AccessSection,
    BrokersSection,
    ClusterLinksSection,
    SectionName,
    SectionOfParts,
    StaleSource,
    TransactionsSection,
)
from mesh_assets.inventory.transaction_records import Transactions
from mesh_assets.joining.silent_brokers import with_fenced

_S = TypeVar("_S", bound=SectionOfParts)


def settle_parts(section: _S, previous: Document | None) -> _S:
    """`section`, with what `previous` knew in place of each part that could not be read. Repeating it against a later
    document updates just what is needed."""
    records, state = section.records, section.state
    if records is None or state.status != "fresh":
        return section
    old = None if previous is None else previous.section(_name(section))
    assert old is None or isinstance(old, SectionOfParts)
    if isinstance(records, Transactions) and isinstance(old, TransactionsSection):
        records = _still_hanging(records, old.records)
        section = replace(section, records=records)
    if isinstance(records, Brokers) and isinstance(old, BrokersSection):
        records = with_fenced(records, old.records)
        section = replace(section, records=records)
    failed = {**records.unknown, **{one.source: one.error for one in state.stale_sources}}
    if not failed:
        return section
    must_be_noticed = {one.source for one in state.stale_sources}
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
        # Nothing was read.
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


def _still_hanging(now: Transactions, before: Transactions | None) -> Transactions:
    """`now`, with the hanging transactions that `before` has on partitions that could not be read now: they do not end by
    themselves, and nothing says that they have ended."""
    if before is None or now.open_transactions is None:
        return now
    unread = {
        (one.topic, partition)
        for one in now.producers or ()
        for partition, producers in enumerate(one.by_partition)
        if producers is None
    }
    there = {(one.topic, one.partition, one.start_offset) for one in now.open_transactions}
    kept = tuple(
        one
        for one in before.hanging
        if (one.topic, one.partition) in unread and (one.topic, one.partition, one.start_offset) not in there
    )
    return replace(now, open_transactions=(*kept, *now.open_transactions)) if kept else now
