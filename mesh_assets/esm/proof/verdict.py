"""The verdict: exactly what offsets, members and counts together prove. Pure."""

import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.proof.evidence import Counts, Member, Position
from mesh_assets.esm.proof.messages import PartitionProgress

Name = Literal[
    "processed", "committed, not processed", "partly", "behind", "unproven", "not processed", "inconclusive"
]

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TWO_READERS = "stop it or give it a group of its own; two readers in one group take records from each other"
_LATE = "metrics can be minutes late: validate again with a longer --metrics-wait"


class Evidence(Struct, frozen=True, kw_only=True):
    """`members`: every one seen in the group, with all partitions it held then. `counts` None: not read.

    `committed_by_group`: the most records that the group can have committed on the whole topic from before the
    counts begin until after they were read. `at_least`: the group may be further than its progress says
    (`Position`). `changed`: the mapping's settings have changed since it began. `elapsed_seconds`: from the first
    test message to the last reading.
    """

    mapping: EventSourceMapping
    messages: int
    before: Position
    progress: tuple[PartitionProgress, ...]
    members: tuple[Member, ...]
    counts: Counts | None
    committed_by_group: int
    at_least: bool = False
    changed: bool = False
    elapsed_seconds: float
    deadline_seconds: float


class Verdict(Struct, frozen=True, kw_only=True):
    """`sentence` states it with its figures. `advice` says what to do; empty if there is nothing to do."""

    name: Name
    sentence: str
    advice: str = ""
    facts: Mapping[str, str | int] = {}


def is_own(member: Member, mapping: EventSourceMapping) -> bool:
    """Whether a member looks like one of the mapping's pollers.

    An unverified inference: AWS does not document their names. A member that names another mapping is that one's.
    """
    client_id = member.client_id.casefold()
    named = _UUID.findall(client_id)
    return mapping.uuid.casefold() in named if named else client_id.startswith("lambda")


def foreign_members(evidence: Evidence) -> tuple[str, ...]:
    """Members that do not look like the mapping's own, as `client id at host`."""
    found = {_named(member) for member in evidence.members if not is_own(member, evidence.mapping)}
    return tuple(sorted(found))


def judge(evidence: Evidence) -> Verdict:
    """The strongest verdict that the evidence supports."""
    passed = [one for one in evidence.progress if one.passed]
    if len(passed) == len(evidence.progress):
        return _all_committed(evidence)
    if evidence.at_least:
        return Verdict(
            name="unproven",
            sentence=(
                "the brokers do not say how many records a share group is done with (Kafka before 4.2), and where the next "
                "delivery begins is not beyond the messages"
            ),
            advice="check the function's log for the test id; with Kafka 4.2 or later it can be proven",
        )
    if passed:
        return _partly(evidence)
    return _none_committed(evidence)


# --- all offsets are passed


def _all_committed(evidence: Evidence) -> Verdict:
    counts = evidence.counts
    if counts is None:
        return Verdict(
            name="unproven",
            sentence="the offsets are passed, but no metrics were read",
            advice="read them again",
        )
    facts: dict[str, str | int] = {**counts.known(), **_foreign_facts(evidence)}
    doubt = None if _all_by_the_mapping(evidence, counts) else _not_held(evidence)
    if doubt is not None:
        return Verdict(
            name="unproven",
            sentence=f"the offsets are passed, but {doubt}",
            advice=_TWO_READERS,
            facts=facts,
        )
    bad = {
        name: number
        for name, number in (
            ("Errors", counts.errors),
            ("dropped", counts.dropped),
            ("filtered", counts.filtered),
            ("on-failure", counts.on_failure),
        )
        if number
    }
    if bad:
        listed = ", ".join(f"{name} {number:,}" for name, number in bad.items())
        return Verdict(
            name="committed, not processed",
            sentence=f"the offsets of all {evidence.messages:,} messages are passed, but the window shows {listed}",
            advice=_advice(bad, evidence.mapping),
            facts=facts,
        )
    if evidence.changed:
        return _unproven("the mapping was changed while the messages were under way", "validate again", facts)
    if counts.unread:
        listed = ", ".join(f"{name} ({said})" for name, said in counts.unread.items())
        return _unproven(f"CloudWatch did not give all of {listed}", "validate again", facts)
    if counts.per_mapping:
        unproven = _doubt_of_own_counts(evidence, counts, facts)
        how = (
            f"and the mapping counts {counts.delivered:,} records delivered to the function; Errors, dropped, filtered and "
            "on-failure are zero"
        )
    else:
        possible = _losses_possible(evidence.mapping)
        unproven = None
        # It does not count what it drops, filters or sends elsewhere, so these are unknown, not zero.
        how = "by its members, and its settings lose none; the function's own counts show no error (it may have other callers)"
        if possible:
            unproven = _unproven(
                f"the mapping has {' and '.join(possible)} and does not count what it skips",
                "turn on its metrics (metrics: EventCount) and validate again",
                facts,
            )
    if unproven is not None:
        return unproven
    if not counts.invocations:
        return _unproven(
            "CloudWatch shows no invocation of the function in the window",
            f"{_LATE}; otherwise check the function's log",
            facts,
        )
    if counts.errors is None:
        return _unproven("CloudWatch does not show yet whether the function raised", _LATE, facts)
    return Verdict(
        name="processed",
        sentence=(
            f"all {evidence.messages:,} messages were committed in {evidence.elapsed_seconds:.1f} s {how}"
        ),
        facts=facts,
    )


def _all_by_the_mapping(evidence: Evidence, counts: Counts) -> bool:
    """Whether the mapping counts as many committed records as its group can have committed on the topic: then nobody
    else committed one, whatever the members are called."""
    return evidence.committed_by_group > 0 and (counts.committed or 0) >= evidence.committed_by_group


def _not_held(evidence: Evidence) -> str | None:
    """Evidence against the mapping's own members having committed the test messages; None if there is none."""
    for one in evidence.progress:
        holders = [member for member in evidence.members if one.partition in member.partitions]
        foreign = sorted(_named(member) for member in holders if not is_own(member, evidence.mapping))
        if foreign:
            return (
                f"{_listed(tuple(foreign))} is also a member of group {evidence.before.group}, held partition "
                f"{one.partition} and may have committed them"
            )
        if not holders:
            return f"nobody in group {evidence.before.group} was seen with partition {one.partition}: it is unknown who committed them"
    return None


def _doubt_of_own_counts(
    evidence: Evidence, counts: Counts, facts: Mapping[str, str | int]
) -> Verdict | None:
    """What the mapping's own counts leave open; None when it delivered everything that it committed."""
    mapping = evidence.mapping
    committed = taken(counts, mapping)
    if committed < evidence.messages:
        late = (
            _LATE
            if mapping.is_provisioned
            else "metrics of a mapping need provisioned pollers, which this one does not have; with them they can be minutes late"
        )
        return _unproven(
            f"its metrics do not show it (committed {committed:,} of {evidence.messages:,})",
            f"{late}; otherwise something outside the mapping commits in its group",
            facts,
        )
    if (counts.invoked or 0) < evidence.messages:
        return Verdict(
            name="committed, not processed",
            sentence=(
                f"the mapping committed all {evidence.messages:,} messages, but delivered only {counts.invoked or 0:,} of them "
                "to the function"
            ),
            advice="check the function's log and the mapping's last result; ask AWS support, with the UUID and the times",
            facts=facts,
        )
    if counts.delivered < committed:
        return _unproven(
            f"the mapping committed {committed:,} records in the window and delivered only {counts.delivered:,}",
            f"{_LATE}; a quieter moment gives clearer counts",
            facts,
        )
    if mapping.report_batch_item_failures and counts.failed_invokes is None and _gives_up(mapping):
        return _unproven(
            f"the function reports single failures, the mapping has {' and '.join(_gives_up(mapping))}, and "
            "FailedInvokeEventCount has not arrived",
            _LATE,
            facts,
        )
    return None


def taken(counts: Counts, mapping: EventSourceMapping) -> int:
    """The mapping's records that it is done with. In queue mode it commits nothing and may count nothing as
    committed, but has to deliver whatever it polls, each time."""
    if mapping.is_queue and counts.committed is None:
        return counts.polled or 0
    return counts.committed or 0


def _unproven(doubt: str, advice: str, facts: Mapping[str, str | int]) -> Verdict:
    return Verdict(
        name="unproven", sentence=f"the offsets are passed, but {doubt}", advice=advice, facts=facts
    )


def _losses_possible(mapping: EventSourceMapping) -> list[str]:
    """Settings of the mapping that let it commit a record that the function did not process."""
    found = []
    if mapping.filter_patterns:
        found.append("filters")
    elif mapping.unknown_filters is not None:
        found.append(f"filters that cannot be read ({mapping.unknown_filters})")
    if mapping.schema_registry is not None:
        found.append("a schema registry")
    return found + _gives_up(mapping)


def _gives_up(mapping: EventSourceMapping) -> list[str]:
    """Settings that let it give up on a record that keeps failing."""
    found = []
    if mapping.retry_attempts is not None and mapping.retry_attempts >= 0:
        found.append("a retry limit")
    elif mapping.is_queue:
        found.append("queue mode's limit of deliveries")
    if mapping.max_record_age is not None and mapping.max_record_age >= 0:
        found.append("a maximum record age")
    if mapping.on_failure_destination:
        found.append("an on-failure destination")
    return found


def _advice(bad: Mapping[str, int], mapping: EventSourceMapping) -> str:
    if "filtered" in bad:
        patterns = ", ".join(mapping.filter_patterns) or mapping.unknown_filters
        return (
            f"the filters rejected these ({patterns}); test with messages that match, or change the filters"
        )
    if "on-failure" in bad:
        read = ", unless they could not be deserialized" if mapping.schema_registry is not None else ""
        return f"they are at {mapping.on_failure_destination}: the function's log says why it failed{read}"
    if "dropped" in bad:
        read = " or could not deserialize them" if mapping.schema_registry is not None else ""
        return (
            f"the mapping gave up on them after its retries or record age{read}: check the function's log, "
            "and set an on-failure destination"
        )
    return "check the function's log: it raised at least once in this window"


# --- some or none are


def _partly(evidence: Evidence) -> Verdict:
    open_ones = [one for one in evidence.progress if not one.passed]
    named = ", ".join(
        f"{one.partition} (committed {'nothing yet' if one.committed is None else one.committed}, needs {one.last + 1})"
        for one in open_ones
    )
    return Verdict(
        name="partly",
        sentence=(
            f"{len(evidence.progress) - len(open_ones)} of {len(evidence.progress)} partitions are passed after "
            f"{evidence.elapsed_seconds:.0f} s; not passed: {named}"
        ),
        advice="a record that keeps failing blocks its partition; or it needs more time: validate again with a longer --deadline",
        facts=_foreign_facts(evidence),
    )


def _none_committed(evidence: Evidence) -> Verdict:
    held = {
        partition
        for member in evidence.members
        if not is_own(member, evidence.mapping)
        for partition in member.partitions
    }
    moving = [one for one in evidence.progress if one.moved > 0]
    own = [one for one in moving if one.partition not in held]
    ahead = sum(one.ahead or 0 for one in evidence.progress)
    facts: dict[str, str | int] = {
        "state": evidence.mapping.state or "unknown",
        "last result": evidence.mapping.last_processing_result or "none",
        **_foreign_facts(evidence),
        **({} if evidence.counts is None else evidence.counts.known()),
    }
    if own and ahead > 0:
        rate = sum(one.moved for one in own) / max(evidence.elapsed_seconds, 0.001)
        return Verdict(
            name="behind",
            sentence=f"it is working, {ahead:,} records before the test messages at {rate:,.1f} a second: about {ahead / rate:,.0f} s more",
            advice="wait, or give it more pollers, a larger batch or a faster function",
            facts=facts,
        )
    if moving:
        return Verdict(
            name="unproven",
            sentence=(
                f"the group committed records before the test messages, but only where {_listed(foreign_members(evidence))} "
                "reads along, who may have committed them"
            ),
            advice=_TWO_READERS,
            facts=facts,
        )
    begun = any(one.committed is not None for one in evidence.progress)
    if evidence.mapping.is_queue and evidence.members and not begun:
        return Verdict(
            name="inconclusive",
            sentence="the share group has not started on any of these partitions: it may legitimately start after the messages",
            advice="validate again; if it never starts, check the mapping's connection and the group's share.auto.offset.reset",
            facts=facts,
        )
    fresh = not evidence.before.has_commits and not evidence.before.members
    if fresh and evidence.mapping.starting_position == "LATEST":
        return Verdict(
            name="inconclusive",
            sentence="the mapping starts at LATEST and had no members when the messages were written: it may legitimately start after them",
            advice="validate again once it has members",
            facts=facts,
        )
    return Verdict(
        name="not processed",
        sentence=(
            f"nothing was committed within {evidence.elapsed_seconds:.0f} s; the mapping is {facts['state']}, "
            f"its last result: {facts['last result']}"
        ),
        advice=_why_not(evidence),
        facts=facts,
    )


def _why_not(evidence: Evidence) -> str:
    result = (evidence.mapping.last_processing_result or "").casefold()
    if evidence.mapping.state != "Enabled":
        return "enable the mapping"
    if "function" in result:
        return "the function fails, and its records are retried until they expire: check its log"
    if result.startswith("problem"):
        return f"check the mapping's own connection: mesh-assets esm connection --mapping {evidence.mapping.uuid}"
    if not evidence.members:
        if evidence.mapping.is_queue:
            return "the share group has no member: the pollers do not reach the brokers, or these are older than Kafka 4.2"
        return "the group has no member: the pollers do not reach the brokers (security groups, subnets, IAM) or have not started yet"
    return "the group has members that commit nothing: check the function's duration, timeout and log"


def _foreign_facts(evidence: Evidence) -> dict[str, str | int]:
    foreign = foreign_members(evidence)
    return {"foreign members": ", ".join(foreign)} if foreign else {}


def _named(member: Member) -> str:
    return f"{member.client_id} at {member.host}"


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
