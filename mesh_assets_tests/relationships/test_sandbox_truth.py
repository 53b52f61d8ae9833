"""What belongs together by the sandbox's own definitions is found from schemas, connectors and groups alone."""

import pytest
from msgspec.structs import replace

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import ConnectorTopic, SchemaReference, Topic
from mesh_assets.relationships.domains import DomainRules, find_domains
from mesh_assets.relationships.relating import find_relationships
from mesh_assets.sandbox.estate.belonging import TRUE_DOMAINS, true_keys
from mesh_assets.sandbox.estate.clusters import (
    CLOUD_GROUPS,
    DATAGENS,
    EMPTY_GROUP,
    EMPTY_GROUP_TOPICS,
    LIVE_GROUPS,
)
from mesh_assets.sandbox.estate.subjects import Subject, all_subjects, cloud_subjects
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets_tests.documents import a_connector, a_group, a_topic
from mesh_assets_tests.relationships.estates import a_cluster, a_registered, found_domains, found_keys


def topics() -> tuple[Topic, ...]:
    made = [a_topic(topic.name) for topic in TOPICS]
    policies = [topic.config.get("cleanup.policy", "delete") for topic in TOPICS]
    return tuple(
        replace(one, details=replace(one.details, cleanup_policy=policy))
        for one, policy in zip(made, policies, strict=True)
    )


def registered(subjects: tuple[Subject, ...]) -> list[object]:
    return [
        a_registered(
            one.name,
            one.schema_type,
            one.versions[-1],
            version=len(one.versions),
            references=tuple(
                SchemaReference(name=file, subject=subject, version=1)
                for subject, file in one.references.items()
            ),
        )
        for one in subjects
    ]


def the_warehouse() -> Document:
    groups = [a_group(group.name, topics=group.topics) for group in LIVE_GROUPS]
    groups.append(a_group(EMPTY_GROUP, topics=EMPTY_GROUP_TOPICS))
    return a_cluster(*registered(all_subjects()), topics=topics(), consumer_groups=tuple(groups))  # type: ignore[arg-type]


def the_cloud() -> Document:
    connectors = tuple(
        a_connector(
            one.name,
            type="source",
            quickstart=one.topic.name.upper(),
            topics=(ConnectorTopic(name=one.topic.name, known="declared"),),
        )
        for one in DATAGENS
    )
    groups = tuple(a_group(group.name, topics=group.topics) for group in CLOUD_GROUPS)
    return a_cluster(
        *registered(cloud_subjects()),  # type: ignore[arg-type]
        topics=topics(),
        connectors=connectors,
        consumer_groups=groups,
        name="data-mesh-cluster",
    )


@pytest.mark.parametrize("document", [the_warehouse(), the_cloud()], ids=["warehouse", "data-mesh-cluster"])
def test_every_true_relationship_is_found_and_no_other(document: Document) -> None:
    found = find_relationships([document])
    assert found_keys(found) == true_keys()
    assert [gap for gap in found.gaps if gap.subject is not None] == []


def test_where_datagen_fills_the_topics_every_true_domain_is_found_and_no_other() -> None:
    document = the_cloud()
    found = find_domains([document], find_relationships([document]))
    assert found_domains(found) == set(TRUE_DOMAINS.values())
    assert found.unassigned == ()


def test_from_names_and_keys_alone_no_domain_is_false_and_undecidable_ones_stay_open() -> None:
    document = the_warehouse()
    found = find_domains([document], find_relationships([document]))
    true = list(TRUE_DOMAINS.values())
    assert [one for one in found_domains(found) if not any(one <= domain for domain in true)] == []
    exact = [name for name, domain in TRUE_DOMAINS.items() if domain in found_domains(found)]
    assert len(exact) == 9
    # A topic alone, the one that all refer to, and those that only they share.
    assert {one.topic for one in found.unassigned} == {"campaign_finance", "stock_trades", "stores", "users"}


def test_with_the_estates_patterns_for_those_every_true_domain_is_found() -> None:
    document = the_warehouse()
    patterns = {
        "shop": ["users", "product", "orders", "purchases", "inventory", "stores", "ratings"],
        "trading": ["stock_*"],
        "donations": ["campaign_*"],
    }
    found = find_domains([document], find_relationships([document]), DomainRules(patterns=patterns))
    assert found_domains(found) == set(TRUE_DOMAINS.values())


def test_every_topic_of_the_sandbox_is_in_one_true_domain() -> None:
    named = [topic for domain in TRUE_DOMAINS.values() for topic in domain]
    assert sorted(named) == sorted(topic.name for topic in TOPICS)
