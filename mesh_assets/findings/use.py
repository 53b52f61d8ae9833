"""Rules about use: what is not written, not read, not described or no longer needed."""

from collections.abc import Iterator

from mesh_assets.findings.case import Case, minute
from mesh_assets.findings.finding import Figure, Found
from mesh_assets.findings.past import Past, positions_of
from mesh_assets.inventory.changes import Severity
from mesh_assets.inventory.links import sink_group, split_topic_name, without_context
from mesh_assets.inventory.records import Connector
from mesh_assets.inventory.wording import counted, figure, listed


def judge_silence(case: Case) -> Iterator[Found]:
    """Topics without new records in the last window, though a running source connector feeds them or records
    arrived in the previous window."""
    metrics, before = case.document.metrics, case.before
    if metrics is None or metrics.window_seconds is None:
        return
    window = metrics.window_seconds
    if window < case.thresholds.silent_seconds:
        return  # a first discovery measures over one second, in which most topics are silent
    fed: dict[str, str] = {}
    for connector in case.document.connectors:
        if connector.type == "source" and connector.active:
            fed.update((topic.name, connector.name) for topic in connector.topics)
    earlier = before.rates if before else {}
    for rate in metrics.topics:
        if rate.records_in_per_second != 0:
            continue
        was = earlier.get(rate.topic)
        if rate.topic in fed:
            why = f"though {fed[rate.topic]} is running"
        elif was:
            why = f"{was:,.1f} a second before"
        else:
            continue
        yield Found(
            "silent_topic",
            "info",
            rate.topic,
            f"{rate.topic}: no record came in over {window:,.0f} s, {why}",
            {"window_seconds": window, "records_in_per_second_before": was},
        )


def judge_schemas(case: Case) -> Iterator[Found]:
    """Topics without a schema, if the registry was read: without a registry, no topic needs one."""
    state = case.document.sections.get("schemas")
    if state is None or state.status == "not_configured" or state.collected_at is None:
        return
    for topic in case.document.topics:
        if case.is_bookkeeping(topic) or topic.schema.value_subjects or topic.schema.record_subjects:
            continue
        yield Found(
            "missing_schema",
            "info",
            topic.name,
            f"{topic.name}: no subject in the registry describes its values",
            {},
        )


def judge_topics(case: Case) -> Iterator[Found]:
    """Topics that have been empty, unused or unread since `earlier`, each by the most telling one."""
    if case.earlier is None or not case.is_read("topics"):
        return
    since = minute(case.earlier.moment)
    for topic in case.document.topics:
        arrived = case.records_since.get(topic.name)
        if arrived is None or topic.name in case.mirrors or not case.is_judged_by_use(topic):
            continue
        held = topic.details.message_count
        readers = case.readers.get(topic.name, [])
        if held == 0 and arrived == 0:
            if not case.is_set_aside(topic.name):
                read_by = f"; read by {listed(readers)}" if readers else ""
                sentence = f"{topic.name}: empty, and nothing was written since {since}{read_by}"
                yield Found(
                    "empty_topic", "info", topic.name, sentence, {"partitions": len(topic.partitions)}
                )
            continue
        if readers or topic.name in case.earlier.read_topics or not case.knows_readers:
            continue
        held_words = "an unknown number of records" if held is None else counted(held, "record")
        others = (
            f", apart from those of {counted(case.document.excluded_consumer_groups, 'group')} that the estate leaves out"
            if case.document.excluded_consumer_groups
            else ""
        )
        if arrived == 0:
            sentence = f"{topic.name}: {held_words}, none written since {since}, and no group or sink reads it{others}"
            yield Found("unused_topic", "info", topic.name, sentence, {"message_count": held})
        elif arrived > 0:
            sentence = f"{topic.name}: {counted(arrived, 'record')} written since {since}, and no group or sink reads it{others}"
            evidence = {"message_count": held, "records_written": arrived}
            yield Found("unread_topic", "info", topic.name, sentence, evidence)


def judge_skew(case: Case) -> Iterator[Found]:
    """Topics in which one partition holds far more than the others. Not known for compacted ones."""
    limits = case.thresholds
    for topic in case.document.topics:
        if len(topic.partitions) < 2 or not case.is_judged_by_use(topic):
            continue
        counts = [
            partition.latest - partition.earliest
            for partition in topic.partitions
            if partition.latest is not None and partition.earliest is not None
        ]
        total = sum(counts)
        if len(counts) < len(topic.partitions) or total < limits.skew_records:
            continue
        largest = max(counts)
        rest = (total - largest) / (len(counts) - 1)
        if largest > limits.skew_factor * rest:
            number = topic.partitions[counts.index(largest)].partition
            sentence = (
                f"{topic.name}: partition {number} holds {largest / total:.0%} of {total:,} records, "
                f"the other {len(counts) - 1} hold {figure(rest)} each on average"
            )
            evidence = {"partition": number, "records": largest, "message_count": total}
            yield Found("skewed_partitions", "info", topic.name, sentence, evidence)


def judge_subjects(case: Case) -> Iterator[Found]:
    """Subjects named after a topic that does not exist. Those that other schemas refer to are in use, and those in a
    context belong to another registry's topics."""
    earlier = case.earlier
    if earlier is None or case.topics_elsewhere is None or not case.is_read("topics", "schemas"):
        return
    referred = {reference.subject for schema in case.document.schemas for reference in schema.references}
    for schema in case.document.schemas:
        split = split_topic_name(schema.subject)
        if split is None or without_context(schema.subject) != schema.subject or schema.subject in referred:
            continue
        topic, _ = split
        if (
            topic in case.topics
            or topic in case.topics_elsewhere
            or topic in earlier.topics
            or schema.subject not in earlier.subjects
            or schema.naming_strategy != "unknown"
            or not case.in_scope(topic)
        ):
            continue
        sentence = f"{schema.subject}: topic {topic}, which it is named after, does not exist and did not at {minute(earlier.moment)}"
        evidence: dict[str, Figure] = {"topic": topic, "version": schema.version}
        yield Found("orphaned_subject", "info", schema.subject, sentence, evidence)


def judge_throughput(case: Case) -> Iterator[Found]:
    """Running connectors that have moved nothing since `earlier`: a source whose topics received no records, a sink for
    which records wait while its group does not move."""
    earlier = case.earlier
    if earlier is None or not case.is_read("topics", "connectors", "consumer_groups"):
        return
    groups = {group.group_id: group for group in case.document.consumer_groups}
    for connector in case.document.connectors:
        if not connector.active or earlier.connectors.get((connector.connect, connector.name)) != (
            connector.id,
            True,
        ):
            continue
        names = [topic.name for topic in connector.topics]
        if connector.type == "source":
            arrived = [case.records_since.get(name) for name in names]
            if names and connector.topics_note is None and all(count == 0 for count in arrived):
                yield _idle(
                    earlier, connector, "info", f"wrote no record to {listed(names)}", {"topics": len(names)}
                )
        elif connector.type == "sink":
            group_id = sink_group(connector) or ""
            group, before = groups.get(group_id), earlier.groups.get(group_id)
            waiting = 0 if group is None else group.total_lag_records or 0
            if (
                group is not None
                and before is not None
                and waiting
                and before.positions is not None
                and positions_of(group) == before.positions
            ):
                words = (
                    f"read nothing though {counted(waiting, 'record')} {'waits' if waiting == 1 else 'wait'}"
                )
                yield _idle(earlier, connector, "warning", words, {"lag_records": waiting})


def _idle(
    earlier: Past, connector: Connector, severity: Severity, words: str, evidence: dict[str, int]
) -> Found:
    sentence = f"{connector.name}: is RUNNING and {words} since {minute(earlier.moment)}"
    return Found("idle_connector", severity, connector.name, sentence, evidence, place=connector.connect)
