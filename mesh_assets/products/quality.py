"""The quality score of a product: its parts, each with its basis. A part that is not known does not lower the
score and is listed as unknown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mesh_assets.findings.finding import Finding
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Topic
from mesh_assets.inventory.wording import counted, listed, plural
from mesh_assets.products.records import PartName, ProductFreshness, ScorePart, TopicPlace
from mesh_assets.profiling.records import TopicProfile

# Counted as parts of their own.
_OTHER_PARTS = ("missing_schema", "silent_topic", "data_fault")
_SEVERITY = {"critical": 0.0, "warning": 0.5, "info": 1.0}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about the estate's topics. `documents`: by cluster. `findings`: unmuted ones about
    topics; None: no analysis has judged them. `gaps`: the longest usual seconds between records, from
    readings."""

    documents: Mapping[str, Document]
    findings: Mapping[TopicPlace, Sequence[Finding]] | None = None
    profiles: Mapping[TopicPlace, TopicProfile] = field(default_factory=dict)
    gaps: Mapping[TopicPlace, float] = field(default_factory=dict)


def score_parts(topics: Sequence[tuple[TopicPlace, Topic]], evidence: Evidence) -> tuple[ScorePart, ...]:
    """The five parts, for topics that hold data."""
    return (
        _completeness(topics, evidence),
        _validity(topics, evidence),
        _freshness(topics, evidence),
        _schema(topics, evidence),
        _findings(topics, evidence),
    )


def score(parts: Iterable[ScorePart]) -> float | None:
    """The mean of the known parts."""
    known = [one.value for one in parts if one.value is not None]
    return sum(known) / len(known) if known else None


def freshness_of(topics: Sequence[tuple[TopicPlace, Topic]]) -> ProductFreshness:
    times = {
        place: topic.storage.newest_record_at
        for place, topic in topics
        if topic.storage is not None and topic.storage.newest_record_at is not None
    }
    stalest = min(times, key=lambda place: (times[place], place), default=None)
    return ProductFreshness(
        newest_record_at=max(times.values(), default=None),
        stalest=stalest,
        stalest_record_at=None if stalest is None else times[stalest],
        unknown=len(topics) - len(times),
    )


def _of(name: PartName, values: Sequence[float], total: int, said: str, unknown: str) -> ScorePart:
    """The mean over those of `total` topics whose value is known."""
    if not values:
        return ScorePart(name=name, value=None, reason=unknown)
    left = total - len(values)
    rest = f"; {counted(left, 'topic')} {plural(left, 'is', 'are')} not known" if left else ""
    return ScorePart(name=name, value=sum(values) / len(values), reason=said + rest)


def _profiled(topics: Sequence[tuple[TopicPlace, Topic]], evidence: Evidence) -> list[TopicProfile]:
    found = (evidence.profiles.get(place) for place, _ in topics)
    return [one for one in found if one is not None and one.error is None and one.sampled_records]


def _completeness(topics: Sequence[tuple[TopicPlace, Topic]], evidence: Evidence) -> ScorePart:
    """Over fields that the schema does not call optional: a field that may be missing is not incomplete."""
    values, fields = [], 0
    for profile in _profiled(topics, evidence):
        shares = [
            one.completeness
            for one in profile.fields
            if one.optional is not True and one.completeness is not None
        ]
        fields += len(shares)
        if shares:
            values.append(sum(shares) / len(shares))
    said = f"how often {counted(fields, 'field')} of {counted(len(values), 'sampled topic')} hold a value"
    return _of("completeness", values, len(topics), said, "no topic has a profile (docs/profiles.md)")


def _validity(topics: Sequence[tuple[TopicPlace, Topic]], evidence: Evidence) -> ScorePart:
    values = []
    for profile in _profiled(topics, evidence):
        if profile.decoded_share is None:
            continue
        conforming = [one.type_conformance for one in profile.fields if one.type_conformance is not None]
        mean = sum(conforming) / len(conforming) if conforming else 1.0
        values.append(profile.decoded_share * mean)
    said = f"what share of {counted(len(values), 'sampled topic')} decodes and has the declared types"
    return _of("validity", values, len(topics), said, "no topic has a profile (docs/profiles.md)")


def _freshness(topics: Sequence[tuple[TopicPlace, Topic]], evidence: Evidence) -> ScorePart:
    values, late = [], []
    for place, topic in topics:
        age, usual = _age_and_gap(place, topic, evidence)
        if age is None or usual is None:
            continue
        values.append(1.0 if age <= usual else 0.0)
        if age > usual:
            late.append(place.topic)
    said = f"{counted(len(values) - len(late), 'topic')} had a record within the time that is usual for it"
    if late:
        said += f"; late: {listed(late)}"
    return _of(
        "freshness",
        values,
        len(topics),
        said,
        "how long a topic usually waits for a record is not known for any of them",
    )


def _age_and_gap(place: TopicPlace, topic: Topic, evidence: Evidence) -> tuple[float | None, float | None]:
    """Seconds since the newest record, and the usual maximum: from the profile, else from the document and
    readings."""
    profile = evidence.profiles.get(place)
    if profile is not None and profile.freshness is not None and profile.freshness.age_seconds is not None:
        return profile.freshness.age_seconds, profile.freshness.usual_gap_seconds
    newest = None if topic.storage is None else topic.storage.newest_record_at
    read_at = evidence.documents[place.cluster].state("topics").collected_at
    if newest is None or read_at is None:
        return None, None
    return max(0.0, (read_at - newest).total_seconds()), evidence.gaps.get(place)


def _schema(topics: Sequence[tuple[TopicPlace, Topic]], evidence: Evidence) -> ScorePart:
    values = []
    for place, topic in topics:
        state = evidence.documents[place.cluster].state("schemas")
        if state.status != "not_configured" and state.collected_at is not None:
            values.append(1.0 if topic.schema.value_subjects or topic.schema.record_subjects else 0.0)
    said = f"{sum(values):.0f} of {counted(len(values), 'topic')} {plural(len(values), 'has', 'have')} a schema for the values"
    return _of("schema", values, len(topics), said, "the estate configures no registry, or it was never read")


def _findings(topics: Sequence[tuple[TopicPlace, Topic]], evidence: Evidence) -> ScorePart:
    """1 for a topic without a finding, 0.5 with a warning, 0 with a critical one."""
    if evidence.findings is None:
        return ScorePart(name="findings", value=None, reason="no analysis has judged the documents yet")
    values, wrong = [], []
    for place, _ in topics:
        found = [one for one in evidence.findings.get(place, ()) if one.kind not in _OTHER_PARTS]
        values.append(min((_SEVERITY[one.severity] for one in found), default=1.0))
        if values[-1] < 1:
            wrong.append(place.topic)
    said = f"{counted(len(values) - len(wrong), 'topic')} without a warning or worse"
    if wrong:
        said += f"; with: {listed(wrong)}"
    return _of("findings", values, len(topics), said, "it has no topic that holds data")
