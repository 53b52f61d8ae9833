"""The verdict: what offsets, members and counts together prove, and no more than that. Pure."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.proof.evidence import Counts, Member, Position
from mesh_assets.esm.proof.messages import PartitionProgress

Name = Literal[
    "processed", "committed, not processed", "partly", "behind", "unproven", "not processed", "inconclusive"
]

_LATE = "metrics can be minutes late: validate again with a longer --metrics-wait"


class Evidence(Struct, frozen=True, kw_only=True):
    """`members`: every one seen in the group. `counts` None: not read, because not everything was committed.

    `elapsed_seconds`: from the first test message to the last reading.
    """

    mapping: EventSourceMapping
    messages: int
    before: Position
    progress: tuple[PartitionProgress, ...]
    members: tuple[Member, ...]
    counts: Counts | None
    elapsed_seconds: float
    deadline_seconds: float


class Verdict(Struct, frozen=True, kw_only=True):
    """`sentence` states it with its figures. `advice` says what to do; empty where there is nothing to do."""

    name: Name
    sentence: str
    advice: str = ""
    facts: Mapping[str, str | int] = {}


def is_own(member: Member, mapping: EventSourceMapping) -> bool:
    """Whether a member looks like one of the mapping's pollers.

    An unverified inference: AWS does not document their names.
    """
    client_id = member.client_id.casefold()
    return mapping.uuid.casefold() in client_id or client_id.startswith("lambda")


def foreign_members(evidence: Evidence) -> tuple[str, ...]:
    """Members that do not look like the mapping's own, as `client id at host`."""
    found = {
        f"{member.client_id} at {member.host}"
        for member in evidence.members
        if not is_own(member, evidence.mapping)
    }
    return tuple(sorted(found))


def judge(evidence: Evidence) -> Verdict:
    """The strongest verdict that the evidence supports."""
    passed = [one for one in evidence.progress if one.passed]
    if len(passed) == len(evidence.progress):
        return _all_committed(evidence)
    if passed:
        return _partly(evidence)
    return _none_committed(evidence)


# --- all offsets are passed


def _all_committed(evidence: Evidence) -> Verdict:
    counts, foreign = evidence.counts, foreign_members(evidence)
    if counts is None:
        return Verdict(
            name="unproven",
            sentence="the offsets are passed, but no metrics were read",
            advice="read them again",
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
    facts: dict[str, str | int] = {
        **counts.known(),
        **({"foreign members": ", ".join(foreign)} if foreign else {}),
    }
    # When the mapping's own counts cover all messages, no other member took one, whatever the members are
    # called.
    covered = counts.per_mapping and (counts.invoked or 0) >= evidence.messages
    if foreign and not covered and not (counts.per_mapping and counts.seen >= evidence.messages):
        return Verdict(
            name="unproven",
            sentence=(
                f"the offsets are passed, but {_listed(foreign)} is also a member of group {evidence.before.group} "
                "and may have committed them"
            ),
            advice="stop it or give it a group of its own; two readers in one group take records from each other",
            facts=facts,
        )
    if bad:
        listed = ", ".join(f"{name} {number:,}" for name, number in bad.items())
        return Verdict(
            name="committed, not processed",
            sentence=f"the offsets of all {evidence.messages:,} messages are passed, but the window shows {listed}",
            advice=_advice(bad, evidence.mapping),
            facts=facts,
        )
    if counts.per_mapping:
        return _by_own_counts(evidence, counts, facts)
    possible = _losses_possible(evidence.mapping)
    if possible:
        return Verdict(
            name="unproven",
            sentence=f"the offsets are passed, but the mapping has {' and '.join(possible)} and does not count what it skips",
            advice="turn on its metrics (metrics: EventCount) and validate again",
            facts=facts,
        )
    if not counts.invocations:
        return _no_invocations(facts)
    return _processed(
        evidence,
        facts,
        how="by its members; the function's own counts show no error (it may have other callers)",
    )


def _by_own_counts(evidence: Evidence, counts: Counts, facts: Mapping[str, str | int]) -> Verdict:
    invoked, polled = counts.invoked or 0, counts.polled or 0
    if invoked >= evidence.messages:
        if not counts.invocations:
            return _no_invocations(facts)
        return _processed(
            evidence, facts, how=f"and the mapping counts {invoked:,} records delivered to the function"
        )
    if polled >= evidence.messages:
        return Verdict(
            name="committed, not processed",
            sentence=(
                f"the mapping read and committed all {evidence.messages:,} messages, but delivered only {invoked:,} of them to the function"
            ),
            advice="check the function's log and the mapping's last result; ask AWS support, with the UUID and the times",
            facts=facts,
        )
    return Verdict(
        name="unproven",
        sentence=f"the offsets are passed, but its metrics do not show it (polled {polled:,} of {evidence.messages:,})",
        advice=f"{_LATE}; otherwise something outside the mapping commits in its group",
        facts=facts,
    )


def _no_invocations(facts: Mapping[str, str | int]) -> Verdict:
    return Verdict(
        name="unproven",
        sentence="the offsets are passed, but CloudWatch shows no invocation of the function in the window",
        advice=f"{_LATE}; otherwise check the function's log",
        facts=facts,
    )


def _processed(evidence: Evidence, facts: Mapping[str, str | int], *, how: str) -> Verdict:
    took = f"{evidence.elapsed_seconds:.1f} s"
    return Verdict(
        name="processed",
        sentence=f"all {evidence.messages:,} messages were committed in {took} {how}; Errors, dropped, filtered, on-failure are zero",
        facts=facts,
    )


def _losses_possible(mapping: EventSourceMapping) -> list[str]:
    """Settings of the mapping that let it commit a record that the function did not process."""
    found = []
    if mapping.filter_patterns:
        found.append("filters")
    if mapping.retry_attempts is not None and mapping.retry_attempts >= 0:
        found.append("a retry limit")
    if mapping.max_record_age is not None and mapping.max_record_age >= 0:
        found.append("a maximum record age")
    if mapping.on_failure_destination:
        found.append("an on-failure destination")
    return found


def _advice(bad: Mapping[str, int], mapping: EventSourceMapping) -> str:
    if "filtered" in bad:
        patterns = ", ".join(mapping.filter_patterns)
        return (
            f"the filters rejected these ({patterns}); test with messages that match, or change the filters"
        )
    if "on-failure" in bad:
        return f"they are at {mapping.on_failure_destination}: the function's log says why it failed"
    if "dropped" in bad:
        return "the mapping gave them up after its retries or record age: check the function's log, and set an on-failure destination"
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
    moved = sum(one.moved for one in evidence.progress)
    ahead = sum(one.ahead or 0 for one in evidence.progress)
    facts: dict[str, str | int] = {
        "state": evidence.mapping.state or "unknown",
        "last result": evidence.mapping.last_processing_result or "none",
        **_foreign_facts(evidence),
        **({} if evidence.counts is None else evidence.counts.known()),
    }
    if moved > 0 and ahead > 0:
        rate = moved / max(evidence.elapsed_seconds, 0.001)
        return Verdict(
            name="behind",
            sentence=f"it is working, {ahead:,} records before the test messages at {rate:,.1f} a second: about {ahead / rate:,.0f} s more",
            advice="wait, or give it more pollers, a larger batch or a faster function",
            facts=facts,
        )
    fresh = not evidence.before.has_commits and not evidence.before.members
    if fresh and evidence.mapping.starting_position == "LATEST":
        return Verdict(
            name="inconclusive",
            sentence="the mapping starts at LATEST and had no member when the messages were written: it may rightly start after them",
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
        return "the group has no member: the pollers do not reach the brokers (security groups, subnets, IAM) or have not started yet"
    return "the group has members that commit nothing: check the function's duration, timeout and log"


def _foreign_facts(evidence: Evidence) -> dict[str, str | int]:
    foreign = foreign_members(evidence)
    return {"foreign members": ", ".join(foreign)} if foreign else {}


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
