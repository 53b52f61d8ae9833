"""Rules about consumer groups: how far they are behind, what they lost, and whether anybody still needs them."""

from collections.abc import Iterator

from mesh_assets.findings.case import Case, minute
from mesh_assets.findings.finding import Figure, Found
from mesh_assets.findings.past import is_empty, positions_of
from mesh_assets.inventory.changes import Severity
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.lag import beyond_end
from mesh_assets.inventory.records import GroupTopicRate
from mesh_assets.inventory.wording import counted, duration, listed, named, plural


def judge_groups(case: Case) -> Iterator[Found]:
    """Growing lag and groups without readers, compared with the previous document; positions beyond the end."""
    before = case.before
    old = {group_id: group.lag_records for group_id, group in before.groups.items()} if before else {}
    for group in case.document.consumer_groups:
        yield from _elsewhere(group)
        lag = group.total_lag_records
        if not lag:
            continue
        earlier = old.get(group.group_id)
        grown = before is not None and earlier is not None and lag > earlier
        evidence = {"lag_records": lag, "lag_records_before": earlier}
        if is_empty(group):
            growth = (
                f", {earlier:,} at {minute(before.moment)}"
                if before is not None and earlier is not None
                else ""
            )
            sentence = (
                f"{named(group.group_id)}: nobody reads ({group.state}) and {counted(lag, 'record')} "
                f"{plural(lag, 'waits', 'wait')}{growth}"
            )
            yield Found("stopped_group", "warning" if grown else "info", group.group_id, sentence, evidence)
        elif grown and before is not None and lag >= case.thresholds.lag_records:
            sentence = (
                f"{named(group.group_id)}: {lag:,} records behind, {earlier:,} at {minute(before.moment)}"
            )
            yield Found("growing_lag", "warning", group.group_id, sentence, evidence)


def _elsewhere(group: ConsumerGroup) -> Iterator[Found]:
    """Positions that are useless on the present topic."""
    beyond = beyond_end(group.offsets or ())
    anew = [
        place
        for offset in group.offsets or ()
        if offset.lag_is == "topic_recreated"
        and (place := f"{offset.topic}[{offset.partition}]") not in beyond
    ]
    reasons = []
    if beyond:
        reasons.append(f"committed beyond the end of {listed(beyond)}: the topic was recreated or truncated")
    if anew:
        reasons.append(f"committed on an earlier topic of the same name: {listed(anew)}")
    if reasons:
        sentence = f"{named(group.group_id)}: {'; '.join(reasons)}"
        evidence = {"partitions": len(beyond) + len(anew)}
        yield Found("group_beyond_end", "warning", group.group_id, sentence, evidence)


def judge_retention(case: Case) -> Iterator[Found]:
    """Records that retention removed before the group read them, and groups that are close to that."""
    for group in case.document.consumer_groups:
        lost = {f"{o.topic}[{o.partition}]": o.lost_records for o in group.offsets or () if o.lost_records}
        if lost:
            total = sum(lost.values())
            sentence = (
                f"{named(group.group_id)}: {counted(total, 'record')} of {listed(list(lost))} removed by retention "
                "before the group read them"
            )
            severity: Severity = "info" if is_empty(group) else "warning"
            evidence = {"lost_records": total, "partitions": len(lost)}
            yield Found("records_lost", severity, group.group_id, sentence, evidence)
    yield from _near_retention(case)


def _near_retention(case: Case) -> Iterator[Found]:
    """Judged by the share of the topic's remaining records that waits for the group, and by the age of the lag as a share
    of the topic's retention.ms: each group once, for the topic where it is nearest."""
    limits = case.thresholds
    worst: dict[str, tuple[float, GroupTopicRate]] = {}
    for rate in case.document.metrics.group_topics if case.document.metrics else ():
        share = max(_share_by_offsets(rate), _share_by_age(rate))
        if share < limits.retention_share or rate.lag_records < limits.retention_records:
            continue
        if rate.group_id not in worst or share > worst[rate.group_id][0]:
            worst[rate.group_id] = share, rate
    for group_id, (_, rate) in worst.items():
        reasons = []
        if _share_by_offsets(rate) >= limits.retention_share:
            reasons.append(
                f"{_share_by_offsets(rate):.0%} of what a partition of {rate.topic} still holds waits for it"
            )
        if _share_by_age(rate) >= limits.retention_share and rate.lag_seconds is not None:
            left = max(rate.retention_left_seconds or 0.0, 0.0)
            reasons.append(
                f"its lag on {rate.topic} is {duration(rate.lag_seconds)} old, and retention leaves it {duration(left)}"
            )
        evidence: dict[str, Figure] = {
            "topic": rate.topic,
            "lag_records": rate.lag_records,
            "lag_seconds": rate.lag_seconds,
            "retention_used_percent": rate.retention_used_percent,
            "retention_left_seconds": rate.retention_left_seconds,
        }
        sentence = f"{named(group_id)}: close to losing records to retention: {'; '.join(reasons)}"
        yield Found("near_retention", "warning", group_id, sentence, evidence)


def _share_by_offsets(rate: GroupTopicRate) -> float:
    """0 if it is unknown, or retention removes nothing."""
    return (rate.retention_used_percent or 0.0) / 100


def _share_by_age(rate: GroupTopicRate) -> float:
    if rate.lag_seconds is None or rate.retention_left_seconds is None:
        return 0.0
    return rate.lag_seconds / max(rate.lag_seconds + rate.retention_left_seconds, 1.0)


def judge_abandoned_groups(case: Case) -> Iterator[Found]:
    """Groups without readers or progress for as long as the estate calls idle, and groups whose topics are gone. Connect's
    own groups are judged as connectors."""
    groups_of_connectors = {f"connect-{one.name}" for one in case.document.connectors} | {
        f"connect-{one.id}" for one in case.document.connectors if one.id
    }
    for group in case.document.consumer_groups:
        if group.protocol_type == "connect" or group.group_id in groups_of_connectors or group.error:
            continue
        if group.topics and case.is_read("topics") and case.topics.keys().isdisjoint(group.topics):
            if all(case.in_scope(topic) for topic in group.topics):
                yield Found(
                    "orphaned_group",
                    "info",
                    group.group_id,
                    f"{named(group.group_id)}: {listed(group.topics)}, which it read, {'is' if len(group.topics) == 1 else 'are'} gone",
                    {
                        "topics": group.topics[:5],
                        "members": None if group.members is None else len(group.members),
                    },
                )
            continue
        old = None if case.earlier is None else case.earlier.groups.get(group.group_id)
        if (
            case.earlier is None
            or old is None
            or not (is_empty(group) and old.empty)
            or group.total_lag_records
        ):
            continue
        stands = positions_of(group)
        if stands is not None and stands == old.positions and case.is_read("consumer_groups"):
            yield Found(
                "abandoned_group",
                "info",
                group.group_id,
                f"{named(group.group_id)}: no members and no progress since at least {minute(case.earlier.moment)}",
                {"committed_partitions": len(stands)},
            )
