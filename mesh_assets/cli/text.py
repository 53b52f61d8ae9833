"""What commands print for people: sizes, and the summary of a discovery. Long names are shortened here and whole
in --json."""

from collections.abc import Iterable, Iterator

from mesh_assets.inventory.key_figures import key_figures_text
from mesh_assets.inventory.sections import SectionName
from mesh_assets.inventory.wording import brief, brief_sentence, counted, plural, readable
from mesh_assets.snapshot.report import DiscoveryReport


def discovery_text(report: DiscoveryReport, *, verbose: bool = False) -> str:
    """The summary of a discovery; every figure comes from the report."""
    return shown_lines(_lines(report, verbose=verbose))


def shown_lines(lines: Iterable[str]) -> str:
    """Lines for a person: anyone who may write to Kafka chooses names, which must not control the terminal."""
    return "\n".join(map(readable, lines))


def _lines(report: DiscoveryReport, *, verbose: bool) -> Iterator[str]:
    identity = ", ".join(part for part in (report.cluster_id, report.environment) if part)
    yield (
        f"{report.cluster} ({identity})   sequence {report.sequence}   {report.seconds:.1f} s   "
        f"{report.kafka_requests:,} requests to Kafka, {report.http_requests - report.level_requests:,} over HTTP "
        f"plus {report.level_requests:,} for compatibility levels   "
        f"trigger: {brief_sentence(str(report.trigger))}"
    )
    yield from _counts(report)
    yield from _changes(report)
    event = report.event
    size = size_text(event.bytes) + (
        "" if event.compressed_bytes is None else f", {size_text(event.compressed_bytes)} compressed"
    )
    claim = ", claim check" if event.claim_check else ""
    yield f"  event           {event.topic}[{event.partition}]@{event.offset}   {size}, about {event.approximate_tokens:,} tokens{claim}"
    yield f"  document        {report.inventory_location}"
    for name, state in report.sections.items():
        if state.status == "stale":
            as_of = (
                f"as of {state.collected_at:%Y-%m-%d %H:%M:%S} UTC" if state.collected_at else "nothing known"
            )
            yield f"  STALE           {name} ({as_of}): {state.error}"
        elif state.error is not None:
            yield f"  INCOMPLETE      {name}: {state.error}"
    yield from (f"  NOTE            {note}" for note in report.notes)
    if verbose:
        yield from (f"  {seconds:7.2f} s       {phase}" for phase, seconds in sorted(report.phases.items()))


def _counts(report: DiscoveryReport) -> Iterator[str]:
    summary = report.summary
    messages = "unknown" if summary.total_messages is None else f"{summary.total_messages:,}"
    if _never_read(report, "topics"):
        yield "       ? topics      unknown"
    else:
        yield f"  {summary.total_topics:6,} topics      {summary.total_partitions:,} partitions   {messages} messages"
    if _never_read(report, "connectors"):
        yield "       ? connectors  unknown"
    elif report.sections["connectors"].status != "not_configured":
        inactive = report.inactive_connectors
        rest = (
            f"   not active: {', '.join(map(brief, inactive[:5]))}{' …' if len(inactive) > 5 else ''}"
            if inactive
            else ""
        )
        yield f"  {summary.total_connectors:6,} connectors  {summary.active_connectors:,} active{rest}"
    if _never_read(report, "schemas"):
        yield "       ? schemas     unknown"
    elif report.sections["schemas"].status != "not_configured":
        types = ", ".join(f"{count:,} {name}" for name, count in report.schemas_by_type.items())
        yield f"  {summary.total_schemas:6,} schemas     {types}"
    if _never_read(report, "consumer_groups"):
        yield "       ? consumer groups   unknown"
    else:
        yield f"  {summary.total_consumer_groups:6,} consumer groups   {_behind(report)}"
    if report.sections["metrics"].status == "fresh" and (figures := key_figures_text(report.metrics)):
        yield f"         metrics     {figures}"
    yield from _brokers_and_access(report)


def _brokers_and_access(report: DiscoveryReport) -> Iterator[str]:
    """Leaves out what a platform never reports."""
    summary = report.summary
    if summary.total_brokers is None:
        yield "       ? brokers     unknown"
    else:
        controller = "unknown" if report.controller is None else report.controller
        fenced = f"   {summary.fenced_brokers:,} fenced" if summary.fenced_brokers else ""
        yield f"  {summary.total_brokers:6,} {plural(summary.total_brokers, 'broker'):<11} controller {controller}{fenced}"
    known = (
        (summary.total_acls, "ACL"),
        (summary.total_client_quotas, "client quota"),
        (summary.total_scram_users, "SCRAM user"),
    )
    if parts := [counted(count, noun) for count, noun in known if count is not None]:
        yield f"         access      {', '.join(parts)}"
    ids, opened = summary.total_transactional_ids, summary.open_transactions
    if ids or opened or summary.hanging_transactions:
        number = f"{'?':>6}" if ids is None else f"{ids:6,}"
        parts = [] if opened is None else [counted(opened, "open transaction")]
        parts += [f"{summary.hanging_transactions:,} hanging"] if summary.hanging_transactions else []
        yield f"  {number} {plural(ids or 0, 'transactional id')}   {', '.join(parts)}".rstrip()
    if summary.total_cluster_links:
        links = plural(summary.total_cluster_links, "cluster link")
        count = summary.total_mirror_topics
        mirrors = "mirror topics unknown" if count is None else counted(count, "mirror topic")
        yield f"  {summary.total_cluster_links:6,} {links}   {mirrors}"


def _behind(report: DiscoveryReport) -> str:
    unknown = report.groups_of_unknown_lag
    if report.groups_behind:
        behind = f"{report.groups_behind} behind by {report.summary.total_lag_records:,} records"
        return f"{behind}, lag of {unknown} unknown" if unknown else behind
    return f"lag of {unknown} unknown, none of the others behind" if unknown else "none behind"


def _never_read(report: DiscoveryReport, name: SectionName) -> bool:
    """Whether its count of 0 means "unknown"."""
    state = report.sections[name]
    return state.status == "stale" and state.collected_at is None


def _changes(report: DiscoveryReport) -> Iterator[str]:
    if report.total_changes is None:
        yield "       - changes     the first snapshot: nothing to compare with"
        return
    noun = plural(report.total_changes, "change")
    for position, sentence in enumerate(report.first_changes):
        shown = brief_sentence(sentence)
        yield (
            f"  {report.total_changes:6,} {noun:<11} {shown}"
            if position == 0
            else f"                     {shown}"
        )
    if not report.total_changes:
        yield "       0 changes"
    elif report.total_changes > len(report.first_changes):
        yield f"                     and {report.total_changes - len(report.first_changes):,} more: `mesh-assets diff` shows all"


def size_text(count: int) -> str:
    if count < 1_000:
        return f"{count} B"
    return f"{count / 1_000:,.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:,.1f} MB"
