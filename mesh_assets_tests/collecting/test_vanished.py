"""What a list no longer shows counts as deleted only when a request by name does not find it either."""

import threading
from collections.abc import Mapping, Sequence

import pytest
from msgspec.structs import replace

from mesh_assets.collecting.sections import collect_sections
from mesh_assets.collecting.vanished import (
    ASKED_AT_MOST,
    confirm_gone,
    one_by_one,
)
from mesh_assets.diff import diff_documents
from mesh_assets.errors import UnexpectedAnswerError, UnreachableError
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import ConsumerGroupsSection, MetricsSection, Section, SectionName
from mesh_assets.platforms import Presence
from mesh_assets.platforms.kafka import ConsumerGroup, UnlistedGroups
from mesh_assets.platforms.kafka.values import partition_of
from mesh_assets_tests.collecting.cluster_fakes import FakeKafka, a_cluster, opened
from mesh_assets_tests.collecting.collected import a_kafka_group
from mesh_assets_tests.documents import a_document, a_group, a_topic


class Source:
    """Gives each name its answer in `answers`; all others are gone."""

    def __init__(self, answers: Mapping[str, Presence] | None = None) -> None:
        self.asked: list[str] = []
        self._answers = answers or {}
        self._lock = threading.Lock()

    def __call__(self, name: str) -> Presence:
        with self._lock:
            self.asked.append(name)
        return self._answers.get(name, "gone")


def confirm(source: Source, *names: str) -> None:
    confirm_gone(
        names, one_by_one(source), noun="connector", source="Connect at https://x", advice="grant Operator"
    )


def test_no_request_is_made_when_nothing_vanished() -> None:
    source = Source()
    confirm(source)
    assert source.asked == []


def test_what_is_not_found_by_name_is_gone() -> None:
    source = Source()
    confirm(source, "b", "a")
    assert sorted(source.asked) == ["a", "b"]


def test_one_name_that_still_exists_marks_the_list_as_filtered() -> None:
    with pytest.raises(UnexpectedAnswerError) as caught:
        confirm(Source({"b": "here"}), "a", "b", "c")
    assert str(caught.value) == (
        "Connect at https://x no longer lists 3 connectors, yet b is still there when asked for by name: the list is incomplete or "
        "filtered by missing rights, so nothing counts as deleted; grant Operator"
    )


def test_one_without_an_answer_does_not_count_as_deleted() -> None:
    with pytest.raises(
        UnexpectedAnswerError, match="yet refuses to say whether a, b are still there: the list is incomplete"
    ):
        confirm(Source({"a": "refused", "b": "refused"}), "a", "b")


def test_a_name_that_cannot_be_requested_leaves_the_decision_to_the_list() -> None:
    source = Source({"a/b": "unaskable"})
    confirm(source, "a/b", "c")
    assert sorted(source.asked) == ["a/b", "c"]


def test_a_name_that_cannot_be_requested_does_not_excuse_another_that_still_exists() -> None:
    with pytest.raises(UnexpectedAnswerError, match="yet c is still there when asked for by name"):
        confirm(Source({"a/b": "unaskable", "c": "here"}), "a/b", "c")


def test_of_many_a_bounded_number_spread_over_their_names_is_requested() -> None:
    source = Source()
    confirm(source, *(f"team-{team}-{number}" for team in "abcde" for number in range(100)))
    assert len(source.asked) == ASKED_AT_MOST
    assert {name[:6] for name in source.asked} == {f"team-{team}" for team in "abcde"}


def test_a_source_that_cannot_be_asked_leaves_the_question_open() -> None:
    def away(_: str) -> Presence:
        raise UnreachableError("it is away")

    with pytest.raises(UnreachableError, match="it is away"):
        confirm_gone(["a"], one_by_one(away), noun="subject", source="s", advice="")


# Topics and groups hidden by the brokers are not deletions, neither in a discovery nor for a sensor.


def collect(kafka: FakeKafka, previous: Document, **cluster: object) -> dict[SectionName, Section]:
    return collect_sections(
        a_cluster(**cluster),
        ["topics", "consumer_groups"],
        previous=lambda _: previous,
        clients=opened(kafka),
        sleep=lambda _: None,
    )


def test_a_deleted_topic_costs_one_call_and_is_deleted() -> None:
    kafka = FakeKafka(topics={"orders": [1]})
    topics = collect(kafka, a_document(topics=(a_topic("orders"), a_topic("users"))))["topics"]
    assert (topics.state.status, [topic.name for topic in topics.records or ()]) == ("fresh", ["orders"])  # type: ignore[union-attr]
    assert kafka.requests["topic_presence"] == 1


def test_a_topic_hidden_by_missing_rights_keeps_its_last_known_state() -> None:
    previous = a_document(topics=(a_topic("orders"), a_topic("users")))
    topics = collect(FakeKafka(topics={"orders": [1]}, hidden={"users": "refused"}), previous)["topics"]
    assert topics.records == previous.topics
    assert topics.state.status == "stale"
    assert topics.state.error == (
        "Kafka of warehouse no longer lists 1 topic, yet refuses to say whether users is still there: the list is incomplete or "
        "filtered by missing rights, so nothing counts as deleted; grant DESCRIBE and DESCRIBE_CONFIGS on topic *"
    )


def test_a_list_without_topics_is_unknown_if_it_may_hide_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: FakeKafka, names: Sequence[str]) -> dict[str, Presence]:
        return dict.fromkeys(names, "refused")

    assert collect(FakeKafka(), a_document())["topics"].state.status == "fresh"
    monkeypatch.setattr(FakeKafka, "topic_presence", refused)
    state = collect(FakeKafka(), a_document())["topics"].state
    assert (state.status, state.error) == (
        "stale",
        "Kafka of warehouse lists no topics, but only shows this user those granted by name or prefix: it is unknown whether there "
        "are others; grant DESCRIBE and DESCRIBE_CONFIGS on topic *",
    )


def test_a_topic_that_the_estate_now_excludes_is_not_requested() -> None:
    kafka = FakeKafka(topics={"orders": [1]}, hidden={"users": "refused"})
    topics = collect(
        kafka, a_document(topics=(a_topic("orders"), a_topic("users"))), topics={"exclude": ("users",)}
    )["topics"]
    assert topics.state.status == "fresh"
    assert kafka.requests["topic_presence"] == 0


def test_a_group_hidden_by_missing_rights_keeps_its_last_known_state() -> None:
    previous = a_document(consumer_groups=(a_group("fraud"), a_group("billing")))
    left = ConsumerGroup(
        group_id="billing",
        type="classic",
        protocol_type="consumer",
        state="Empty",
        coordinator=1,
        members=(),
        offsets=(),
    )
    groups = collect(FakeKafka(consumer_groups=(left,), hidden={"fraud": "refused"}), previous)[
        "consumer_groups"
    ]
    assert groups.records == previous.consumer_groups
    assert "no longer lists 1 consumer group, yet refuses to say whether fraud is still there" in (
        groups.state.error or ""
    )


def test_a_group_still_reads_a_topic_hidden_by_missing_rights() -> None:
    """Brokers leave what it committed there out of their answers."""
    billing = a_group("billing", topics=("orders", "users"), state="Empty")
    kafka = FakeKafka(
        topics={"orders": [10]}, consumer_groups=(a_kafka_group(4),), hidden={"users": "refused"}
    )
    section = collect(kafka, a_document(consumer_groups=(billing,)))["consumer_groups"]
    assert isinstance(section, ConsumerGroupsSection)
    (group,) = section.records
    before, now = a_document(consumer_groups=(billing,)), a_document(consumer_groups=(group,))

    assert [(one.topic, one.lag_is) for one in group.offsets or ()] == [
        ("orders", "known"),
        ("users", "unreadable"),
    ]
    assert diff_documents(before, now) == ()


def test_a_group_with_an_empty_name_that_is_gone_leaves_groups_and_metrics_fresh() -> None:
    sections = collect(FakeKafka(hidden={"": "unaskable"}), a_document(consumer_groups=(a_group(""),)))
    assert (sections["consumer_groups"].state.status, sections["consumer_groups"].records) == ("fresh", ())


def test_a_group_that_expired_is_gone() -> None:
    groups = collect(FakeKafka(), a_document(consumer_groups=(a_group("fraud"),)))["consumer_groups"]
    assert (groups.state.status, groups.records) == ("fresh", ())


def test_groups_without_a_coordinator_keep_their_last_known_state_and_the_others_are_read() -> None:
    read = a_kafka_group(4)
    lost, gone = (
        next(name for number in range(99) if partition_of(name := f"{word}-{number}", 2) == place)
        for word, place in (
            ("lost", 1 - partition_of(read.group_id, 2)),
            ("gone", partition_of(read.group_id, 2)),
        )
    )
    unlisted = UnlistedGroups(partitions=frozenset({partition_of(lost, 2)}), of=2, reason="no coordinator")
    kafka = FakeKafka({"orders": [10]}, consumer_groups=(read,), unlisted=unlisted, hidden={lost: "here"})
    previous = a_document(
        topics=(a_topic("orders"),), consumer_groups=(a_group(lost), a_group(gone), a_group(read.group_id))
    )

    sections = collect_sections(
        a_cluster(), ("consumer_groups", "metrics"), previous=lambda _: previous, clients=opened(kafka)
    )
    section, metrics = sections["consumer_groups"], sections["metrics"]

    assert isinstance(section, ConsumerGroupsSection)
    groups = {group.group_id: group for group in section.records}
    assert groups.keys() == {read.group_id, lost}
    assert groups[read.group_id].total_lag_records == 6
    kept = replace(a_group(lost), members=None, offsets=None, total_lag_records=None, error="no coordinator")
    assert groups[lost] == kept
    assert section.state.status == "fresh"
    assert section.state.error == "no coordinator; 1 known group of them is kept"
    changes = diff_documents(previous, replace(previous, consumer_groups=section.records))
    assert [(change.kind, change.resource) for change in changes if change.resource != read.group_id] == [
        ("deleted", gone)
    ]
    back = replace(previous, consumer_groups=(*section.records, a_group(gone)))
    assert [one.resource for one in diff_documents(back, previous) if one.resource == lost] == []
    assert isinstance(metrics, MetricsSection)
    assert metrics.records is not None
    rates = {rate.group_id: rate.lag_records for rate in metrics.records.consumer_groups}
    assert rates == {read.group_id: 6, lost: None}
    assert metrics.records.errors == (f"no figures for some consumer groups: {section.state.error}",)
