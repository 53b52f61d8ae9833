"""All findings of one cluster, from nothing but documents and settings."""

from collections import Counter
from datetime import date

from mesh_assets.findings.access import judge_acls, judge_unused_permissions
from mesh_assets.findings.brokers import judge_brokers, judge_log_directories
from mesh_assets.findings.case import Case
from mesh_assets.findings.data import judge_expectations, judge_profiles
from mesh_assets.findings.finding import Finding, Rule, finding_id, finding_position
from mesh_assets.findings.groups import judge_abandoned_groups, judge_groups, judge_retention
from mesh_assets.findings.health import judge_connectors, judge_partitions, judge_sections, judge_transactions
from mesh_assets.findings.kinds import KINDS
from mesh_assets.findings.links import judge_cluster_links, judge_mirror_topics
from mesh_assets.findings.policy import judge_policy
from mesh_assets.findings.use import (
    judge_schemas,
    judge_silence,
    judge_skew,
    judge_subjects,
    judge_throughput,
    judge_topics,
)

_RULES: tuple[Rule, ...] = (
    judge_sections,
    judge_connectors,
    judge_partitions,
    judge_brokers,
    judge_log_directories,
    judge_transactions,
    judge_cluster_links,
    judge_mirror_topics,
    judge_groups,
    judge_retention,
    judge_abandoned_groups,
    judge_silence,
    judge_schemas,
    judge_topics,
    judge_skew,
    judge_subjects,
    judge_throughput,
    judge_policy,
    judge_expectations,
    judge_profiles,
    judge_acls,
    judge_unused_permissions,
)


def judge(case: Case, *, today: date | None = None, only: tuple[Rule, ...] = _RULES) -> tuple[Finding, ...]:
    """The findings, worst first, then by kind and name; muted ones have the estate's reason.

    `today`: the day on which a mute must hold, in UTC; None: that of the document.
    """
    document = case.document
    names = Counter(connector.name for connector in document.connectors)
    day = document.discovery_timestamp.date() if today is None else today
    findings = []
    for rule in only:
        for found in rule(case):
            resource_type = KINDS[found.kind].resource_type
            muting = (
                mute
                for mute in case.thresholds.mute
                if mute.mutes(found.kind, found.resource, cluster=document.cluster.name, today=day)
            )
            findings.append(
                Finding(
                    id=finding_id(
                        document.cluster.id, found.kind, resource_type, found.resource, found.place
                    ),
                    kind=found.kind,
                    severity=found.severity,
                    cluster=document.cluster.name,
                    resource_type=resource_type,
                    resource=found.resource,
                    sentence=found.sentence,
                    evidence=dict(found.evidence),
                    connect=(found.place or None) if resource_type == "connector" else None,
                    shares_name=resource_type == "connector" and names[found.resource] > 1,
                    muted=next((mute.reason for mute in muting), None),
                )
            )
    return tuple(sorted(findings, key=finding_position))
