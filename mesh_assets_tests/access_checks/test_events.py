from typing import Any

import pytest

from mesh_assets.access_checks import AccessCheck
from mesh_assets.access_checks.brokers import check_brokers
from mesh_assets.estate.model import Cluster, Events
from mesh_assets_tests.access_checks.fakes import (
    DISCOVERY,
    EVERYTHING,
    SINCE_2_3,
    FakeBrokers,
    Rights,
)

BOTH = {"discovery-events": "compact", "discovery-changes": "delete"}
RECIPE = "create discovery-events (1 partition, cleanup.policy=compact) and discovery-changes (1 partition, cleanup.policy=delete)"
GRANTS = "grant WRITE and READ on discovery-events and WRITE on discovery-changes"
PUBLISHER = {"discovery-events": ["WRITE", "READ", "DESCRIBE"], "discovery-changes": ["WRITE", "DESCRIBE"]}
CONFIGS = ["DESCRIBE", "DESCRIBE_CONFIGS"]


def check(
    brokers: FakeBrokers, *, registry: bool = True, carried: tuple[str, ...] = ("warehouse",), **events: Any
) -> AccessCheck:
    cluster = {"name": "warehouse", "kafka": {"bootstrap_servers": "broker.test:9092"}}
    if registry:
        cluster["schema_registry"] = {"url": "http://registry.test"}
    (result,) = check_brokers(
        Cluster.model_validate(cluster),
        Events.model_validate(events),
        discovered=False,
        carried=carried,
        connect=brokers,
    )
    return result


def test_existing_writable_topics_are_enough() -> None:
    brokers = FakeBrokers(rights=Rights(topics={"*": CONFIGS, **PUBLISHER}), topics=BOTH)
    assert check(brokers) == AccessCheck(
        cluster="warehouse",
        system="events",
        endpoint="broker.test:9092",
        identity="anonymous",
        state="ok",
        facts={"discovery-events": "compact", "discovery-changes": "delete"},
        rights="WRITE on discovery-events, READ on discovery-events, WRITE on discovery-changes",
    )


def test_a_carrier_of_several_clusters_says_how_many() -> None:
    assert check(FakeBrokers(topics=BOTH), carried=("warehouse", "lake")).facts["carried_clusters"] == 2


def test_missing_topics_pass_where_they_may_be_created() -> None:
    result = check(FakeBrokers(rights=EVERYTHING))
    assert result.state == "ok"
    assert set(result.facts.values()) == {"absent (the first discovery creates it)"}


@pytest.mark.parametrize(
    "rights",
    [
        Rights(cluster=["DESCRIBE", "CREATE"], topics=DISCOVERY.topics),
        # A new cluster of Confluent Cloud: the key's role is on the topics' names, and grants nothing on the cluster.
        Rights(topics={"*": CONFIGS, **{topic: ["CREATE"] for topic in BOTH}}),
        Rights(cluster=["DESCRIBE"], topics={"*": CONFIGS, **{topic: ["CREATE"] for topic in BOTH}}),
    ],
)
def test_topics_that_the_first_discovery_creates_pass_wherever_the_right_comes_from(
    rights: Rights,
) -> None:
    result = check(FakeBrokers(rights=rights))
    assert (result.state, result.rights) == ("ok", "CREATE of discovery-events, CREATE of discovery-changes")
    assert set(result.facts.values()) == {"absent (the first discovery creates it)"}
    assert result.notes == (
        "whether this user may write to discovery-events and discovery-changes cannot be determined before they exist",
    )


def test_only_a_topic_that_may_not_be_created_fails_the_check() -> None:
    rights = Rights(topics={"*": CONFIGS, "discovery-events": ["CREATE"]})
    result = check(FakeBrokers(rights=rights))
    assert result.facts == {
        "discovery-events": "absent (the first discovery creates it)",
        "discovery-changes": "absent",
    }
    assert result.missing == (
        "discovery-changes is missing and this user may not create topics of such names: nothing can be published; "
        "create discovery-changes (1 partition, cleanup.policy=delete) and grant WRITE on discovery-changes, "
        "or grant CREATE on these topics or on the cluster",
    )


@pytest.mark.parametrize(
    ("cluster", "events", "sentence"),
    [
        (
            ["DESCRIBE"],
            {},
            "discovery-events and discovery-changes are missing and this user may not create topics of such names: nothing can be "
            f"published; {RECIPE} and {GRANTS}, or grant CREATE on these topics or on the cluster",
        ),
        (
            ["DESCRIBE", "CREATE"],
            {"create_topics": False},
            "discovery-events and discovery-changes are missing and events.create_topics is false: nothing can be published; "
            f"{RECIPE}, or set it to true",
        ),
        (
            ["DESCRIBE", "CREATE"],
            {"replication_factor": 3},
            "discovery-events and discovery-changes are missing and Kafka would refuse to create what discovery asks for (Unable to "
            "replicate the partition 3 time(s): only 1 broker(s) are registered.): nothing can be published; "
            f"{RECIPE} and {GRANTS}",
        ),
    ],
)
def test_missing_topics_that_will_not_be_created_fail_the_check(
    cluster: list[str], events: dict[str, Any], sentence: str
) -> None:
    brokers = FakeBrokers(rights=Rights(cluster=cluster, topics=DISCOVERY.topics))
    assert check(brokers, **events).missing == (sentence,)


def test_invisible_topics_may_or_may_not_exist() -> None:
    result = check(FakeBrokers(rights=Rights(cluster=["DESCRIBE"]), topics=BOTH))
    assert set(result.facts.values()) == {"not visible"}
    assert result.missing == (
        "discovery-events and discovery-changes are not visible: without DESCRIBE Kafka does not say whether a topic exists, "
        f"and nothing can be published; {GRANTS} (they include DESCRIBE), and create what does not exist",
    )


def test_missing_rights_on_the_topics_are_named_one_by_one() -> None:
    result = check(FakeBrokers(rights=DISCOVERY, topics=BOTH))
    assert result.rights == "none"
    assert result.missing == (
        "no WRITE on discovery-events: snapshots cannot be published; grant WRITE on topic discovery-events",
        "no READ on discovery-events: the newest snapshot cannot be read back (mesh-assets snapshot show); "
        "grant READ on topic discovery-events",
        "no WRITE on discovery-changes: changes cannot be published; grant WRITE on topic discovery-changes",
    )


def test_cleanup_policies_that_lose_events_fail_the_check() -> None:
    result = check(FakeBrokers(topics={"discovery-events": "delete", "discovery-changes": "compact"}))
    assert result.missing == (
        "discovery-events has cleanup.policy=delete: the newest snapshot of a cluster would eventually be deleted; "
        "set cleanup.policy=compact",
        "discovery-changes has cleanup.policy=compact: all but the newest change of a cluster would be lost; set cleanup.policy=delete",
    )


def test_a_policy_that_also_deletes_gets_a_note() -> None:
    result = check(FakeBrokers(topics={**BOTH, "discovery-events": "compact,delete"}))
    assert (result.state, result.notes) == (
        "ok",
        (
            "discovery-events has cleanup.policy=compact,delete: snapshots older than its retention are deleted",
        ),
    )


def test_a_policy_that_cannot_be_read_is_not_guessed() -> None:
    result = check(FakeBrokers(rights=Rights(topics=PUBLISHER), topics=BOTH))
    assert (result.state, set(result.facts.values())) == ("ok", {"(cleanup policy unknown)"})
    assert result.notes == (
        "no DESCRIBE_CONFIGS on discovery-events and discovery-changes: the cleanup policy is not checked; "
        "grant it on topic discovery-events and discovery-changes",
    )


def test_without_a_schema_registry_nothing_can_be_published() -> None:
    assert check(FakeBrokers(topics=BOTH), registry=False).missing == (
        "warehouse has no schema_registry in the estate, and the events are Avro: nothing can be published; "
        "add one, or let a cluster that has one carry the events (events: {cluster: NAME})",
    )


def test_brokers_that_do_not_report_rights_do_not_count_as_refusing_them() -> None:
    result = check(FakeBrokers(newest=SINCE_2_3, topics=BOTH))
    assert (result.state, result.rights) == ("ok", "the brokers do not report them")
