"""Costs as lines of text, for a terminal."""

from collections.abc import Iterator, Sequence

from mesh_assets.costs.records import CostRow, EstateCosts, Taken, TakerKind
from mesh_assets.estate.costs import DRIVERS, Driver
from mesh_assets.inventory.wording import brief, bytes_text, counted, figure

HEADS: dict[Driver, str] = {
    "bytes_in_per_second": "in/s",
    "bytes_out_per_second": "out/s",
    "retained_bytes": "kept once",
    "replica_bytes": "all copies",
    "partitions": "partitions",
    "connector_tasks": "tasks",
}
KINDS: dict[TakerKind, str] = {
    "product": "data products",
    "domain": "domains",
    "application": "applications and connectors",
    "topic": "topics",
}
_NOBODY: dict[TakerKind, str] = {
    "product": "(in no product)",
    "domain": "(without a domain)",
    "application": "(not of one application)",
    "topic": "(connectors without a topic)",
}
_SHOWN = 20


def cost_lines(costs: EstateCosts, kinds: Sequence[TakerKind], *, most: int = _SHOWN) -> Iterator[str]:
    """A table for each kind, its largest rows first. A `+` marks a sum that is partly unknown, `?` a wholly unknown figure;
    the reasons follow."""
    reasons: dict[str, None] = {}
    for kind in kinds:
        rows = costs.rows_of(kind)
        yield f"{KINDS[kind]} ({sum(1 for one in rows if one.name is not None):,})"
        yield from _table(costs, rows[:most])
        if len(rows) > most:
            yield f"  and {counted(len(rows) - most, 'more row')}: --kind {kind} --json lists all"
        reasons.update(
            (f"{HEADS[one.driver]}: {one.reason}", None) for row in rows for one in row.taken if one.reason
        )
        yield ""
    if costs.currency is None:
        yield "no prices: the estate has no `costs` (docs/products.md)"
    elif costs.cost is None:
        yield "no costs: no figure with a price is known"
    else:
        least = "at least " if any(one.cost_unknown for one in costs.rows_of("topic")) else ""
        yield f"{least}{costs.cost:,.2f} {costs.currency} a month, at the rates and sizes of the newest documents"
    yield from (f"  not known  {reason}" for reason in list(reasons)[:_SHOWN])
    yield from (f"  NOTE  {note}" for note in costs.notes)


def _table(costs: EstateCosts, rows: Sequence[CostRow]) -> Iterator[str]:
    money = [] if costs.currency is None else [f"{costs.currency}/month", "share"]
    lines = [["", *money, *(text for driver in DRIVERS for text in (HEADS[driver], ""))]]
    for row in rows:
        of = "" if row.cluster is None or row.kind == "product" else f"{row.cluster}: "
        cells = [f"{of}{brief(row.name) if row.name is not None else _NOBODY[row.kind]}"]
        if money:
            more = "+" if row.cost_unknown and row.cost is not None else ""
            cells += [
                "?" if row.cost is None else f"{row.cost:,.2f}{more}",
                "" if row.cost_share is None else f"{row.cost_share:.1%}",
            ]
        cells += [cell for taken in row.taken for cell in (value_text(taken), share_text(taken))]
        lines.append(cells)
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    for line in lines:
        cells = [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]
        yield f"  {'  '.join(cells)}".rstrip()


def value_text(taken: Taken) -> str:
    if taken.value is None:
        return "?"
    value = bytes_text(taken.value) if "bytes" in taken.driver else figure(taken.value)
    return f"{value}+" if taken.unknown else value


def share_text(taken: Taken) -> str:
    return "" if taken.share is None else f"{taken.share:.1%}"
