"""Data products as Markdown, for people to read before deciding about them."""

from collections.abc import Iterator

from mesh_assets.costs.records import CostRow, EstateCosts
from mesh_assets.inventory.wording import bytes_text, counted, figure, readable
from mesh_assets.products.records import DataProduct, DataProducts, JoinDraft

_UNITS = {
    "bytes_in_per_second": "written a second",
    "bytes_out_per_second": "read a second",
    "retained_bytes": "kept, each record once",
    "replica_bytes": "kept, all copies",
    "partitions": "partitions",
    "connector_tasks": "connector tasks",
}


def products_markdown(products: DataProducts, costs: EstateCosts) -> Iterator[str]:
    """The text, line by line, without line ends."""
    yield "# Data products"
    yield ""
    if not products.products:
        yield "No topic belongs to a product."
        yield ""
    for product in products.products:
        yield from _product(product, costs.currency)
    if products.outside:
        yield "## In no product"
        yield ""
        yield from (f"- `{text(str(one.place))}`: {text(one.reason)}" for one in products.outside)
        yield ""
    notes = (*products.notes, *costs.notes)
    if notes:
        yield "## To look at"
        yield ""
        yield from (f"- {text(note)}" for note in notes)
        yield ""


def text(value: str) -> str:
    """A foreign name or sentence within a line of Markdown, where it ends neither the line nor a table's cell."""
    line = " ".join(readable(value).split())
    return "".join(f"\\{sign}" if sign in "|`<>[]" else sign for sign in line)


def _product(one: DataProduct, currency: str | None) -> Iterator[str]:
    yield f"## {text(one.name)}"
    yield ""
    if one.description is not None:
        yield text(one.description)
        yield ""
    owner = (
        f"{text(one.owner)} ({text(one.owner_reason)})"
        if one.owner
        else f"not known: {text(one.owner_reason)}"
    )
    yield "| | |"
    yield "|---|---|"
    yield f"| id | `{one.id}`, {one.status} |"
    yield f"| domain | {text(one.domain or 'none')} |"
    yield f"| owner | {owner} |"
    score = "not known" if one.score is None else f"{one.score:.2f}, the mean of the known parts"
    yield f"| quality | {score} |"
    for part in one.parts:
        value = "not known" if part.value is None else f"{part.value:.2f}"
        yield f"| quality: {part.name} | {value}: {text(part.reason)} |"
    newest = one.freshness.newest_record_at
    yield f"| newest record | {'not known' if newest is None else f'{newest:%Y-%m-%d %H:%M} UTC'} |"
    for name, values in (
        ("entities", one.entities),
        ("producers", one.producers),
        ("connectors", one.connectors),
        ("applications", one.applications),
        ("consumers", one.consumers),
    ):
        if values:
            yield f"| {name} | {text(', '.join(values))} |"
    if one.costs is not None:
        yield from _costs(one.costs, currency)
    yield ""
    for note in (*(f"{gone.place}: {gone.reason}" for gone in one.vanished), *one.notes):
        yield f"- **{text(note)}**"
    yield ""
    yield "| Topic | Role | Why it belongs to it |"
    yield "|---|---|---|"
    for member in one.topics:
        yield f"| `{member.place}` | {member.role.replace('_', ' ')} | {text(member.reason)} |"
    yield ""
    for draft in one.joins:
        yield from _join(draft)


def _costs(row: CostRow, currency: str | None) -> Iterator[str]:
    for taken in row.taken:
        yield f"| {_UNITS[taken.driver]} | {taken_text(row, taken.driver)} |"
    if row.cost is not None:
        least = (
            f" at least: {', '.join(row.cost_unknown)} not known for all topics" if row.cost_unknown else ""
        )
        share = "" if row.cost_share is None else f", {row.cost_share:.1%} of the estate"
        yield f"| cost per month | {figure(row.cost)} {currency}{share}{least} |"


def taken_text(row: CostRow, driver: str) -> str:
    """`41 MB, 3.2% of the estate`; if it is not known for some or all topics, with the reason."""
    taken = next(one for one in row.taken if one.driver == driver)
    if taken.value is None:
        return f"not known: {text(taken.reason or 'no topic reports it')}"
    value = bytes_text(taken.value) if "bytes" in driver else figure(taken.value)
    share = "" if taken.share is None else f", {taken.share:.1%} of the estate"
    missing = (
        f"; not known for {counted(taken.unknown, 'topic')}: {text(taken.reason or '')}"
        if taken.unknown
        else ""
    )
    return f"{value}{share}{missing}"


def _join(draft: JoinDraft) -> Iterator[str]:
    yield f"### {text(draft.left.topic)} with {text(draft.right.topic)}, by {text(draft.key)}"
    yield ""
    if draft.sql is None:
        yield f"No draft: {text(draft.reason or '')}."
    else:
        fence = "```" if "```" not in draft.sql else "~~~~~~"
        yield f"{fence}sql"
        yield from draft.sql.split("\n")
        yield fence
    yield ""
