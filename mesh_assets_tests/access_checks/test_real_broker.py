"""Against a real broker with an authorizer: the checks report the rights that it reports."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from mesh_assets.access_checks import AccessCheck, check_estate
from mesh_assets.estate.model import Estate
from mesh_assets.platforms.kafka import WireReader
from mesh_assets_tests.access_checks.broker_with_acls import BrokerWithAcls

pytestmark = pytest.mark.sandbox


@dataclass(frozen=True)
class Outcome:
    kafka: AccessCheck
    events: AccessCheck


@pytest.fixture
def check_as(broker: BrokerWithAcls, monkeypatch: pytest.MonkeyPatch) -> Iterator["CheckAs"]:
    before = broker.topics()
    yield CheckAs(broker.bootstrap_servers, monkeypatch)
    assert broker.topics() == before, "a check must not create a topic"


@dataclass
class CheckAs:
    bootstrap_servers: str
    environment: pytest.MonkeyPatch

    def __call__(self, user: str, *, password: str | None = None) -> Outcome:
        self.environment.setenv("PASSWORD", password or f"{user}-password")
        kafka = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "username": user,
            "password": "${PASSWORD}",
        }
        estate = Estate.model_validate({"clusters": {"c": {"name": "c", "kafka": kafka}}})
        kafka_check, events = check_estate(estate)
        assert "-password" not in repr((kafka_check, events))
        return Outcome(kafka_check, events)


def missing_registry(result: AccessCheck) -> tuple[str, ...]:
    """What is missing apart from the schema registry, which no test here has."""
    return tuple(sentence for sentence in result.missing if "schema_registry" not in sentence)


def test_a_super_user_may_do_everything(check_as: "CheckAs") -> None:
    found = check_as("admin")
    assert (found.kafka.state, found.kafka.identity, found.kafka.rights) == (
        "ok",
        "admin (PLAIN)",
        "all (a super user, or no authorizer)",
    )
    assert found.kafka.facts["topics"] == 4  # with __consumer_offsets
    assert found.events.facts == {
        "discovery-events": "compact",
        "discovery-changes": "absent (the first discovery creates it)",
    }


def test_the_rights_that_discovery_needs_are_enough(check_as: "CheckAs") -> None:
    found = check_as("discovery")
    assert found.kafka.state == "ok"
    assert [note.split(":")[0] for note in found.kafka.notes] == [
        "no READ on any of 2 topics (orders, users)",
        "no DESCRIBE on every transactional id",
    ]
    assert (
        found.kafka.rights
        == "cluster DESCRIBE; topics DESCRIBE 2/2, DESCRIBE_CONFIGS 2/2; groups DESCRIBE 2/2"
    )
    assert missing_registry(found.events) == ()
    assert (
        found.events.rights
        == "WRITE on discovery-events, READ on discovery-events, CREATE of discovery-changes"
    )


def test_a_topic_that_may_be_created_by_name_passes_and_is_not_created(
    check_as: "CheckAs", broker: BrokerWithAcls
) -> None:
    found = check_as("creator")
    assert found.events.facts["discovery-changes"] == "absent (the first discovery creates it)"
    assert missing_registry(found.events) == ()
    assert "discovery-changes" not in broker.topics()


def test_missing_rights_on_some_topics_and_groups_are_counted(check_as: "CheckAs") -> None:
    found = check_as("without_configs")
    assert found.kafka.missing == (
        "no DESCRIBE_CONFIGS on 1 of 2 topics (orders): their configs will be unknown; grant DESCRIBE_CONFIGS on topic *, or on these",
        "no DESCRIBE on 1 of 2 groups (g2): their members, offsets and lag will be unknown; grant DESCRIBE on group *, or on these",
    )
    assert [sentence.split(":")[0] for sentence in missing_registry(found.events)] == [
        "discovery-changes is missing and this user may not create topics of such names",
        "no WRITE on discovery-events",
        "no READ on discovery-events",
    ]


def test_hidden_topics_and_groups_are_noticed(check_as: "CheckAs") -> None:
    found = check_as("without_groups")
    assert (found.kafka.facts["topics"], found.kafka.facts["groups"]) == (1, 1)
    assert found.kafka.missing[0].startswith(
        "no DESCRIBE on the cluster: Kafka lists only the groups this user may describe (1 group)"
    )
    beginnings = [note.partition(":")[0] for note in found.kafka.notes]
    assert beginnings[0] == "no DESCRIBE on the cluster"
    assert beginnings[1].startswith("Kafka shows this user only the topics granted by name or prefix")
    assert set(found.events.facts.values()) == {"not visible"}


def test_a_user_without_rights_sees_an_empty_cluster_and_learns_why(check_as: "CheckAs") -> None:
    found = check_as("nobody")
    assert (found.kafka.facts["topics"], found.kafka.facts["groups"]) == (0, 0)
    assert found.kafka.missing[0].startswith(
        "no topic is visible, because Kafka hides topics without DESCRIBE"
    )


def test_a_wrong_password_is_one_sentence(check_as: "CheckAs") -> None:
    found = check_as("discovery", password="wrong-password")
    assert found.kafka.state == "failed"
    assert (
        "refused user discovery (PLAIN): SASL authentication error: Authentication failed"
        in found.kafka.missing[0]
    )
    assert found.events.missing == ("not checked, because kafka of c failed",)


def test_what_a_real_broker_hides_is_distinguished_from_what_is_gone(broker: BrokerWithAcls) -> None:
    def presence(user: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
        properties = {
            "bootstrap.servers": broker.bootstrap_servers,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": user,
            "sasl.password": f"{user}-password",
        }
        with WireReader(properties, 15) as reader:
            return reader.topic_presence(["orders", "users", "never"]), reader.group_presence(
                ["g1", "g2", "g9"]
            )

    assert presence("discovery") == (
        {"orders": "here", "users": "here", "never": "gone"},
        {"g1": "here", "g2": "here", "g9": "gone"},
    )
    assert presence("without_groups") == (
        {"orders": "here", "users": "refused", "never": "refused"},
        {"g1": "here", "g2": "refused", "g9": "refused"},
    )
