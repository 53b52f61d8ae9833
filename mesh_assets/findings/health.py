"""Rules about what works right now: sections, connectors, partitions, transactions."""

from collections.abc import Iterator

from mesh_assets.estate.findings import FindingKind
from mesh_assets.findings.case import Case, minute
from mesh_assets.findings.finding import Figure, Found
from mesh_assets.inventory.changes import Severity
from mesh_assets.inventory.records import Connector, Partition, Topic
from mesh_assets.inventory.sections import SECTION_NAMES
from mesh_assets.inventory.transaction_records import OpenTransaction
from mesh_assets.inventory.wording import counted, listed, shortened

_TRACE_CHARACTERS = 200
_PARTITIONS_NAMED = 10


def judge_sections(case: Case) -> Iterator[Found]:
    """A section that is not current; findings based on its last good data still count."""
    for name in SECTION_NAMES:
        state = case.document.sections.get(name)
        if state is None or (state.status != "stale" and state.error is None):
            continue
        read = state.collected_at
        words = name.replace("_", " ")
        if state.status == "stale":
            since = f"last read {minute(read)}" if read else "never read"
            sentence = f"{words} are not current ({since}): {state.error or 'no reason given'}"
        else:
            sentence = f"{words} are not complete: {state.error}"
        age = None if read is None else round((case.document.discovery_timestamp - read).total_seconds())
        yield Found("section_not_current", "warning", name, sentence, {"age_seconds": age})


def judge_connectors(case: Case) -> Iterator[Found]:
    for connector in case.document.connectors:
        uses = _uses(connector)
        counts = {"tasks": len(connector.tasks), "failed_tasks": connector.failed_tasks}
        if connector.status == "FAILED" or connector.failed_tasks:
            what = (
                f"{connector.failed_tasks} of {len(connector.tasks)} tasks FAILED"
                if connector.failed_tasks
                else f"is {connector.status}"
            )
            sentence = f"{connector.name}: {what}; {uses}{_reason(connector)}"
            yield Found(
                "failed_connector", "critical", connector.name, sentence, counts, place=connector.connect
            )
        elif not connector.active and connector.status not in ("PAUSED", "STOPPED"):
            states = ", ".join(sorted({task.state for task in connector.tasks})) or "no task"
            sentence = f"{connector.name}: is {connector.status} with {states}; {uses}"
            yield Found(
                "connector_not_running",
                "warning",
                connector.name,
                sentence,
                counts,
                place=connector.connect,
            )


def _uses(connector: Connector) -> str:
    names = [topic.name for topic in connector.topics]
    verb = {"source": "writes", "sink": "reads"}.get(connector.type, "uses")
    if not names:
        return f"{verb} unknown topics ({connector.topics_note or 'its config names none'})"
    return f"{verb} {listed(names)}"


def _reason(connector: Connector) -> str:
    trace = next(
        (task.trace for task in connector.tasks if task.state == "FAILED" and task.trace), connector.trace
    )
    if not trace:
        return ""
    lines = [line.strip() for line in trace.splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    reason = causes[-1] if causes else lines[0] if lines else ""
    return f": {shortened(reason, _TRACE_CHARACTERS)}"


def judge_partitions(case: Case) -> Iterator[Found]:
    """Each partition counts once, by its worst state."""
    for topic in case.document.topics:
        needed = _min_insync_replicas(topic)
        leaderless: list[int] = []
        refusing: list[int] = []
        under: list[int] = []
        for partition in topic.partitions:
            if partition.leader is None:
                leaderless.append(partition.partition)
            elif needed is not None and _is_under(partition, needed):
                refusing.append(partition.partition)
            elif len(partition.isr) < len(partition.replicas):
                under.append(partition.partition)
        if leaderless:
            yield _partitions(topic, "leaderless_partitions", leaderless, "without a leader")
        if refusing:
            words = f"with fewer replicas in sync than min.insync.replicas ({needed}): writes with acks=all are refused"
            yield _partitions(topic, "under_min_isr", refusing, words)
        if under:
            yield _partitions(
                topic, "under_replicated", under, "with fewer replicas in sync than it should have"
            )


def judge_transactions(case: Case) -> Iterator[Found]:
    """One finding per topic, however many transactions it has: readers of committed records wait for all of them."""
    transactions = case.document.transactions
    by_topic: dict[str, list[OpenTransaction]] = {}
    for one in transactions.hanging if transactions else ():
        by_topic.setdefault(one.topic, []).append(one)
    for topic, ones in by_topic.items():
        places = [f"{one.partition} at {one.start_offset}" for one in ones[:_PARTITIONS_NAMED]]
        more = ", …" if len(ones) > _PARTITIONS_NAMED else ""
        sentence = (
            f"{topic}: {counted(len(ones), 'open transaction')} that will not end by itself, by {_producers(ones)}; readers of "
            f"committed records stop on partition {', '.join(places)}{more}"
        )
        evidence: dict[str, Figure] = {
            "hanging_transactions": len(ones),
            "affected_partitions": len({one.partition for one in ones}),
            "unknown_to_coordinator": sum(1 for one in ones if one.hanging == "unknown_to_coordinator"),
        }
        yield Found("hanging_transaction", "warning", topic, sentence, evidence)


def _producers(ones: list[OpenTransaction]) -> str:
    names = {one.transactional_id or f"producer {one.producer_id}": None for one in ones}
    return listed(list(names))


def _partitions(topic: Topic, kind: FindingKind, numbers: list[int], words: str) -> Found:
    more = ", …" if len(numbers) > _PARTITIONS_NAMED else ""
    which = ", ".join(map(str, numbers[:_PARTITIONS_NAMED])) + more
    of = f"{len(numbers)} of {len(topic.partitions)} partitions"
    evidence = {"partitions": len(topic.partitions), "affected_partitions": len(numbers)}
    severity: Severity = "warning" if kind == "under_replicated" else "critical"
    return Found(kind, severity, topic.name, f"{topic.name}: {of} {words}: {which}", evidence)


def _min_insync_replicas(topic: Topic) -> int | None:
    """None: the configs could not be read."""
    value = (topic.config or {}).get("min.insync.replicas")
    return int(value) if value is not None and value.isdecimal() else None


def _is_under(partition: Partition, needed: int) -> bool:
    """Kafka lowers the setting to the number of replicas, so fewer replicas can meet it."""
    return len(partition.isr) < min(needed, len(partition.replicas))
