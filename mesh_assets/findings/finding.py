"""A finding: something wrong with a resource, as a sentence with the figures it rests on."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple, TypeAlias

from msgspec import field

from mesh_assets.estate.findings import FINDING_KINDS, FindingKind
from mesh_assets.findings.case import Case
from mesh_assets.findings.kinds import FindingResource
from mesh_assets.inventory.changes import Severity
from mesh_assets.inventory.records import Record

SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
_ID_CHARACTERS = 16

Figure: TypeAlias = int | float | str | tuple[str, ...] | None


class Finding(Record, frozen=True, kw_only=True):
    """Something wrong with a resource of a cluster.

    `id` stays the same as long as the same thing is wrong with the same resource. `cluster`: the name in the estate.
    `evidence`: the figures of the sentence, with units in their names. `muted`: why the estate mutes it; None: it does
    not. `since`: when an analysis first saw it (UTC); None: no analysis has kept it yet. `connect`: for a connector, its
    Connect endpoint, which distinguishes it from others with its name (`shares_name`: the cluster has some); None: it is
    about something else, or an earlier version kept it.
    """

    id: str
    kind: FindingKind
    severity: Severity
    cluster: str
    resource_type: FindingResource
    resource: str
    sentence: str
    evidence: dict[str, Figure] = field(default_factory=dict)
    muted: str | None = None
    since: datetime | None = None
    connect: str | None = None
    shares_name: bool = False


class Found(NamedTuple):
    """What a rule yields. `place` distinguishes findings of one kind on one resource: a connector's Connect endpoint, a
    policy's requirement."""

    kind: FindingKind
    severity: Severity
    resource: str
    sentence: str
    evidence: Mapping[str, Figure]
    place: str = ""


Rule: TypeAlias = Callable[[Case], Iterator[Found]]


def finding_id(cluster_id: str, kind: str, resource_type: str, resource: str, place: str) -> str:
    """Sixteen hexadecimal digits: the chance that two of 50,000 findings share one is about one in ten billion."""
    parts = "\0".join((cluster_id, kind, resource_type, resource, place))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:_ID_CHARACTERS]


def finding_position(finding: Finding) -> tuple[int, int, str, str]:
    """The worst first, then by kind and name."""
    return (
        SEVERITIES.index(finding.severity),
        FINDING_KINDS.index(finding.kind),
        finding.resource,
        finding.id,
    )


def shown_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The unmuted ones."""
    return tuple(finding for finding in findings if finding.muted is None)


def count_findings(findings: Iterable[Finding]) -> dict[str, int]:
    """How many there are of each kind, without muted ones."""
    counts = Counter(finding.kind for finding in findings if finding.muted is None)
    return {kind: counts[kind] for kind in FINDING_KINDS if counts[kind]}


def count_muted(findings: Iterable[Finding]) -> int:
    return sum(1 for finding in findings if finding.muted is not None)
