"""What is wrong with the data in topics, by the latest samples of the job `profiling`."""

from collections.abc import Iterator

from mesh_assets.findings.case import Case, minute
from mesh_assets.findings.finding import Found
from mesh_assets.findings.policy import SEVERITY_OF_LEVEL

_UNREADABLE = "undecodable_records"
"""Faults that break consumers. Other faults may be normal for the topic."""


def judge_expectations(case: Case) -> Iterator[Found]:
    """Those that a sample certainly does not meet, for topics that still exist and were not recreated."""
    for one in case.samples.results.get(case.document.cluster.id, ()):
        if not case.still_has(one.topic, one.topic_id):
            continue
        origin = "the policy" if one.origin == "policy" else f"the contract {one.origin}"
        sampled_at = minute(case.samples.judged_at)
        yield Found(
            "broken_expectation",
            SEVERITY_OF_LEVEL[one.level],
            one.topic,
            f"{one.sentence} (rule {one.rule} of {origin}, sample of {sampled_at})",
            {
                "rule": one.rule,
                "origin": one.origin,
                "level": one.level,
                "measured": one.measured,
                "unit": one.unit,
                "failing_records": one.failing,
                "sampled_records": one.sampled,
                "sampled_at": sampled_at,
            },
            place=f"{one.origin}/{one.rule}",
        )


def judge_profiles(case: Case) -> Iterator[Found]:
    """Faults that the newest profiles report."""
    for profile in case.samples.profiles.get(case.document.cluster.id, ()):
        if not case.still_has(profile.topic, profile.topic_id):
            continue
        sampled_at = minute(profile.taken_at)
        for fault in profile.faults:
            yield Found(
                "data_fault",
                "warning" if fault.kind == _UNREADABLE else "info",
                profile.topic,
                f"{profile.topic}: {fault.sentence} (sample of {sampled_at})",
                {"fault": fault.kind, "field": fault.path, "share": fault.share, "sampled_at": sampled_at},
                place=f"{fault.kind}/{fault.path or ''}",
            )
