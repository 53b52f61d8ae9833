"""Topics and groups that the brokers hide are no deletions, in a discovery and under a sensor's eye."""

from mesh_assets.inventory.collect import collect_sections
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import Section, SectionName
from mesh_assets.platforms.kafka import ConsumerGroup
from mesh_assets_tests.documents import a_document, a_group, a_topic
from mesh_assets_tests.inventory.cluster_fakes import FakeKafka, a_cluster, opened


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


def test_a_topic_that_missing_rights_hide_stays_as_it_was_known() -> None:
    previous = a_document(topics=(a_topic("orders"), a_topic("users")))
    topics = collect(FakeKafka(topics={"orders": [1]}, hidden={"users": "refused"}), previous)["topics"]
    assert topics.records == previous.topics
    assert topics.state.status == "stale"
    assert topics.state.error == (
        "Kafka of warehouse lists 1 topic no more, yet refuses to say whether users is still there: the list is filtered by missing rights "
        "or not whole, so nothing is taken for deleted; grant DESCRIBE and DESCRIBE_CONFIGS on topic *"
    )


def test_a_topic_that_the_estate_leaves_out_now_is_not_asked_for() -> None:
    kafka = FakeKafka(topics={"orders": [1]}, hidden={"users": "refused"})
    topics = collect(
        kafka, a_document(topics=(a_topic("orders"), a_topic("users"))), topics={"exclude": ("users",)}
    )["topics"]
    assert topics.state.status == "fresh"
    assert kafka.requests["topic_presence"] == 0


def test_a_group_that_missing_rights_hide_stays_as_it_was_known() -> None:
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
    assert "lists 1 consumer group no more, yet refuses to say whether fraud is still there" in (
        groups.state.error or ""
    )


def test_a_group_that_expired_is_gone() -> None:
    groups = collect(FakeKafka(), a_document(consumer_groups=(a_group("fraud"),)))["consumer_groups"]
    assert (groups.state.status, groups.records) == ("fresh", ())
