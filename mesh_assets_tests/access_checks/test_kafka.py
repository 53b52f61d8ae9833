import threading
from typing import Any

import pytest
from confluent_kafka import KafkaError

from mesh_assets.access_checks import AccessCheck
from mesh_assets.access_checks.brokers import check_brokers
from mesh_assets.estate.model import Cluster, Events
from mesh_assets_tests.access_checks.fakes import (
    DISCOVERY,
    EVERYTHING,
    SINCE_2_3,
    SINCE_2_8,
    FakeBrokers,
    Rights,
)

TOPICS = {"orders": "delete", "users": "compact"}


ORDERS_AND_USERS = (
    "no READ on any of 2 topics (orders, users): their producers and open transactions will be unknown; grant READ on topic * if "
    "they are wanted, which also allows reading records"
)
TRANSACTIONAL_IDS = (
    "no DESCRIBE on every transactional id: the list of them will be unknown; grant DESCRIBE on transactional id "
    "* if they are wanted"
)


def check(brokers: FakeBrokers, **fields: Any) -> AccessCheck:
    cluster = Cluster.model_validate(
        {"name": "warehouse", "kafka": {"bootstrap_servers": "broker.test:9092"}, **fields}
    )
    (result,) = check_brokers(cluster, Events(), discovered=True, carried=(), connect=brokers)
    return result


def with_rights(**rights: Any) -> FakeBrokers:
    return FakeBrokers(rights=Rights(**rights), topics=TOPICS, groups=("g1", "g2"))


def test_the_rights_of_discovery_are_enough() -> None:
    assert check(FakeBrokers(rights=DISCOVERY, topics=TOPICS, groups=("g1",))) == AccessCheck(
        cluster="warehouse",
        system="kafka",
        endpoint="broker.test:9092",
        identity="anonymous",
        state="ok",
        facts={"cluster_id": "the-cluster", "brokers": 1, "topics": 2, "groups": 1},
        rights="cluster DESCRIBE; topics DESCRIBE 2/2, DESCRIBE_CONFIGS 2/2; groups DESCRIBE 1/1",
        notes=(ORDERS_AND_USERS, TRANSACTIONAL_IDS),
    )


def test_producers_and_transactions_need_rights_that_nothing_else_needs() -> None:
    rights = Rights(
        cluster=DISCOVERY.cluster,
        topics={"*": ["DESCRIBE", "DESCRIBE_CONFIGS"], "orders": ["READ"]},
        groups=DISCOVERY.groups,
        transactional_ids=["DESCRIBE"],
    )
    [note] = check(FakeBrokers(rights=rights, topics=TOPICS)).notes
    assert note.startswith("no READ on 1 of 2 topics (users): ")


def test_everyone_may_do_what_an_anonymous_client_may() -> None:
    assert check(FakeBrokers(rights=EVERYTHING, topics=TOPICS)).rights == "all, and so may everyone"


def test_a_super_user_looks_the_same_as_no_authorizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "hunter2")
    kafka = {
        "bootstrap_servers": "b:1",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "username": "alice",
    }
    result = check(FakeBrokers(rights=EVERYTHING, topics=TOPICS), kafka={**kafka, "password": "${PASSWORD}"})
    assert (result.identity, result.rights) == ("alice (PLAIN)", "all (a super user, or no authorizer)")


def test_an_empty_cluster_passes() -> None:
    result = check(FakeBrokers(rights=DISCOVERY))
    assert (result.state, result.notes, result.facts["topics"]) == ("ok", (TRANSACTIONAL_IDS,), 0)


def test_cluster_facts_that_the_user_may_not_read_are_a_note_and_fail_nothing() -> None:
    result = check(
        with_rights(
            cluster=["DESCRIBE"],
            topics={"*": ["DESCRIBE", "DESCRIBE_CONFIGS"]},
            groups={"*": ["DESCRIBE"]},
        )
    )
    assert (result.state, result.missing) == ("ok", ())
    assert result.notes == (
        "no DESCRIBE_CONFIGS on the cluster: broker configs and client quotas will be unknown; where the platform has it, "
        "grant DESCRIBE_CONFIGS on the cluster",
        ORDERS_AND_USERS,
        TRANSACTIONAL_IDS,
    )


def test_a_topic_without_describe_configs_fails_the_check_with_the_consequence() -> None:
    brokers = with_rights(
        cluster=["DESCRIBE"],
        topics={"*": ["DESCRIBE"], "users": ["DESCRIBE_CONFIGS"]},
        groups={"*": ["DESCRIBE"]},
    )
    result = check(brokers)
    assert result.missing == (
        "no DESCRIBE_CONFIGS on 1 of 2 topics (orders): their configs will be unknown; grant DESCRIBE_CONFIGS on topic *, or on these",
    )
    assert (result.state, result.rights) == (
        "incomplete",
        "cluster DESCRIBE; topics DESCRIBE 2/2, DESCRIBE_CONFIGS 1/2; groups DESCRIBE 2/2",
    )


@pytest.mark.slow
def test_nine_thousand_topics_are_counted_and_not_listed() -> None:
    brokers = FakeBrokers(
        rights=Rights(cluster=["DESCRIBE"], topics={"*": ["DESCRIBE"]}, groups={"*": ["DESCRIBE"]}),
        topics={f"t{number:04}": "delete" for number in range(9_000)},
    )
    assert check(brokers).missing == (
        "no DESCRIBE_CONFIGS on any of 9,000 topics (t0000, t0001, t0002, …): their configs will be unknown; "
        "grant DESCRIBE_CONFIGS on topic *, or on these",
    )
    few = with_rights(cluster=["DESCRIBE"], topics={"*": ["DESCRIBE"]})
    check(few)
    assert len(brokers.asked) + 1 == len(few.asked)  # which describes its groups, and this one has none


def test_only_selected_topics_count() -> None:
    brokers = with_rights(
        cluster=["DESCRIBE"],
        topics={"*": ["DESCRIBE"], "users": ["DESCRIBE_CONFIGS"]},
        groups={"*": ["DESCRIBE"]},
    )
    result = check(brokers, topics={"include": ["users"]}, consumer_groups={"exclude": ["g1"]})
    assert (result.state, result.facts) == (
        "ok",
        {
            "cluster_id": "the-cluster",
            "brokers": 1,
            "topics": 2,
            "selected_topics": 1,
            "groups": 2,
            "selected_groups": 1,
        },
    )


def test_patterns_that_select_nothing_get_a_note() -> None:
    result = check(FakeBrokers(rights=DISCOVERY, topics=TOPICS), topics={"include": ["order"]})
    assert (result.state, result.notes) == (
        "ok",
        (TRANSACTIONAL_IDS, "the estate's patterns select none of 2 topics"),
    )


def test_topics_that_may_be_hidden_get_a_note() -> None:
    result = check(
        with_rights(
            cluster=["DESCRIBE", "DESCRIBE_CONFIGS"],
            topics={"orders": ["DESCRIBE", "DESCRIBE_CONFIGS"]},
            groups={"*": ["DESCRIBE"]},
        )
    )
    assert (result.state, result.facts["topics"]) == ("ok", 1)
    assert result.notes == (
        "Kafka shows this user only the topics granted by name or prefix, and all others seem not to exist; "
        "for the whole picture grant DESCRIBE and DESCRIBE_CONFIGS on topic *",
        "no READ on 1 topic (orders): their producers and open transactions will be unknown; grant READ on topic * if they are wanted, "
        "which also allows reading records",
        TRANSACTIONAL_IDS,
    )


def test_a_user_without_any_right_sees_nothing_and_learns_why() -> None:
    result = check(with_rights())
    assert result.rights == "cluster none"
    assert result.missing == (
        "no topic is visible, because Kafka hides topics without DESCRIBE: the picture would be empty; "
        "grant DESCRIBE and DESCRIBE_CONFIGS on topic *",
        "no DESCRIBE on the cluster: Kafka lists only the groups this user may describe (0 groups), and all others would seem not to "
        "exist; grant DESCRIBE on the cluster",
    )


def test_the_list_of_groups_may_be_filtered_without_describe_on_the_cluster() -> None:
    result = check(with_rights(topics=DISCOVERY.topics, groups={"g1": ["DESCRIBE"]}))
    assert result.missing == (
        "no DESCRIBE on the cluster: Kafka lists only the groups this user may describe (1 group), and all others would seem not to "
        "exist; grant DESCRIBE on the cluster",
    )


def test_describe_on_every_group_makes_up_for_the_cluster() -> None:
    assert check(with_rights(topics=DISCOVERY.topics, groups={"*": ["DESCRIBE"]})).state == "ok"


def test_a_group_that_may_not_be_described_fails_the_check() -> None:
    assert check(
        with_rights(cluster=["DESCRIBE"], topics=DISCOVERY.topics, groups={"g1": ["DESCRIBE"]})
    ).missing == (
        "no DESCRIBE on 1 of 2 groups (g2): their members, offsets and lag will be unknown; grant DESCRIBE on group *, or on these",
    )


@pytest.mark.parametrize("topics", [TOPICS, {}])
def test_brokers_that_do_not_report_rights_do_not_count_as_refusing_them(topics: dict[str, str]) -> None:
    result = check(FakeBrokers(newest=SINCE_2_3, topics=topics, groups=("g1",)))
    assert (result.state, result.rights) == ("ok", "the brokers do not report them")
    assert result.notes == (
        "the brokers do not report rights (Kafka does since 2.3), so it is unknown whether configs can be read and "
        "whether groups are hidden",
    )


def test_a_cluster_other_than_the_estates_is_reported() -> None:
    assert check(FakeBrokers(), cluster_id="lkc-1").missing == (
        "the estate says cluster_id lkc-1, but broker.test:9092 is cluster the-cluster: discovery refuses it; "
        "correct cluster_id or bootstrap_servers",
    )
    assert check(FakeBrokers(), cluster_id="the-cluster").state == "ok"


def test_nothing_is_changed() -> None:
    brokers = with_rights(cluster=["DESCRIBE"])
    check(brokers)
    # The fake takes no other requests: an alter or a produce would have failed.
    assert {name for name, _, _ in brokers.asked} == {
        "Metadata",
        "DescribeCluster",
        "ListGroups",
        "DescribeGroups",
        "DescribeTransactions",
    }


@pytest.mark.parametrize("newest", [{}, SINCE_2_8])
def test_the_rights_of_discovery_are_enough_whatever_the_brokers_version(newest: dict[str, int]) -> None:
    result = check(FakeBrokers(rights=DISCOVERY, topics=TOPICS, groups=("g1",), newest=newest))
    assert (result.state, result.rights) == (
        "ok",
        "cluster DESCRIBE; topics DESCRIBE 2/2, DESCRIBE_CONFIGS 2/2; groups DESCRIBE 1/1",
    )


def test_an_invalid_address_is_one_sentence() -> None:
    result = check(FakeBrokers(), kafka={"bootstrap_servers": "broker.test:none"})
    assert (result.state, result.identity) == ("failed", "anonymous")
    assert result.missing == (
        "kafka.bootstrap_servers: broker.test:none is not an address; expected host:port",
    )


def test_the_rest_is_checked_when_groups_cannot_be_listed() -> None:
    brokers = with_rights(cluster=["DESCRIBE"], topics=DISCOVERY.topics)
    brokers.newest["ListGroups"] = -1
    result = check(brokers)
    assert (result.state, "groups" in result.facts, result.facts["topics"]) == ("incomplete", False, 2)
    (sentence,) = result.missing
    assert sentence.endswith(": the section consumer_groups keeps its last good data")


@pytest.mark.parametrize("failure", [None, KafkaError._TIMED_OUT])
def test_a_check_leaves_no_connection_open(failure: int | None) -> None:
    check(FakeBrokers(topics=TOPICS, failure=failure))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mesh-kafka")]


def test_without_describe_on_the_cluster_topic_storage_is_unknown_which_is_only_a_note() -> None:
    brokers = with_rights(topics={"*": ["DESCRIBE", "DESCRIBE_CONFIGS"]}, groups={"*": ["DESCRIBE"]})
    (note,) = [note for note in check(brokers).notes if "log directories" in note]
    assert note.startswith(
        "no DESCRIBE on the cluster: bytes on disk, log directories and reassignments will be unknown"
    )
    assert not any(
        "log directories" in note for note in check(FakeBrokers(rights=DISCOVERY, topics=TOPICS)).notes
    )
