"""Brokers and access, part by part: what one broker refuses or lacks has a reason and does not affect the others."""

import asyncio
import re
from typing import Any

import pytest
from confluent_kafka import KafkaError

from mesh_assets.inventory.broker_records import BrokerConfig, BrokerConfigs
from mesh_assets.inventory.parts import Unread
from mesh_assets.platforms.kafka.values import AccessReading, BrokersReading
from mesh_assets.platforms.kafka.wire.access import read_access
from mesh_assets.platforms.kafka.wire.brokers import read_brokers
from mesh_assets.platforms.kafka.wire.forms import Answer, BrokerError, Request
from mesh_assets_tests.platforms.kafka.wire import cluster_messages as messages
from mesh_assets_tests.platforms.kafka.wire.cluster_messages import Told
from mesh_assets_tests.platforms.kafka.wire.messages import written

ACCESS: dict[str, Any] = {
    "DescribeAcls": messages.ACLS,
    "DescribeClientQuotas": messages.QUOTAS,
    "DescribeUserScramCredentials": messages.SCRAM_USERS,
}
BROKERS: dict[str, Any] = {
    "DescribeCluster": messages.CLUSTER,
    "DescribeQuorum": messages.QUORUM_WITH_NODES,
    "DescribeConfigs": lambda broker: messages.broker_configs(broker, cluster_wide=broker == 1),
}
REFUSED = {"error_code": KafkaError.CLUSTER_AUTHORIZATION_FAILED}


def access_of(answers: dict[str, Any]) -> AccessReading:
    return asyncio.run(read_access(Told(answers)))


def brokers_of(answers: dict[str, Any]) -> BrokersReading:
    return asyncio.run(read_brokers(Told(answers)))


def test_what_all_brokers_share_is_listed_once() -> None:
    assert brokers_of(BROKERS).brokers.configs == BrokerConfigs(
        brokers=(1, 2),
        entries=(
            BrokerConfig(name="log.retention.ms", value="1000", source="dynamic_cluster"),
            BrokerConfig(name="node.id", value="1", source="static", brokers=(1,)),
            BrokerConfig(name="node.id", value="2", source="static", brokers=(2,)),
            BrokerConfig(name="num.io.threads", value="8", source="default"),
            BrokerConfig(name="ssl.key.password", value=None, source="static", sensitive=True),
        ),
        cluster_wide={"log.retention.ms": "1000"},
    )


def test_the_controller_is_the_leader_of_the_quorum_and_not_the_broker_in_metadata() -> None:
    assert brokers_of(BROKERS).brokers.controller == 100


def test_with_zookeeper_the_controller_is_the_broker_in_metadata() -> None:
    def configs(broker: int) -> dict[str, Any]:
        told = messages.broker_configs(broker, cluster_wide=broker == 1)
        told["results"][0]["configs"].append(messages.config("zookeeper.connect", "zk:2181", 4))
        return told

    answers = {"DescribeCluster": messages.CLUSTER, "DescribeConfigs": configs}
    reading = brokers_of(answers)
    assert (reading.brokers.controller, reading.brokers.quorum) == (2, None)
    assert reading.brokers.unknown["quorum"] == "the broker at one:9092 has no DescribeQuorum"


def test_without_quorum_and_configs_the_controller_is_unknown() -> None:
    assert brokers_of({"DescribeCluster": messages.CLUSTER}).brokers.controller is None


def test_a_fenced_broker_is_listed_and_not_asked() -> None:
    two, one = messages.TWO_BROKERS
    fenced = {**messages.CLUSTER, "brokers": [{**two, "is_fenced": True}, one]}
    reading = brokers_of({**BROKERS, "DescribeCluster": fenced})
    assert [(broker.id, broker.fenced) for broker in reading.brokers.brokers] == [(1, False), (2, True)]
    assert reading.brokers.configs is not None
    assert reading.brokers.configs.brokers == (1,)


def test_a_refused_part_is_unknown_with_the_missing_right() -> None:
    reading = access_of({**ACCESS, "DescribeClientQuotas": REFUSED})
    assert reading.access.quotas is None
    assert len(reading.access.acls or ()) == 3
    reason = reading.access.unknown["quotas"]
    assert reason.startswith("CLUSTER_AUTHORIZATION_FAILED: ")
    assert reason.endswith("; needs DESCRIBE_CONFIGS on the cluster")
    assert reading.unread == {"quotas": Unread(reason=reason, expected=True)}


def test_a_user_who_may_not_know_the_scram_users_asks_for_a_made_up_one_and_not_for_all() -> None:
    """To the refused question for all of them, brokers give no answer, nor to anything that follows on the connection."""
    asked: list[bytes] = []

    class Refusing(Told):
        async def ask(self, request: Request[Answer], *, broker: int | None = None) -> Answer:
            if request.name == "DescribeUserScramCredentials":
                asked.append(written(request, 0))
            return await super().ask(request, broker=broker)

    reading = asyncio.run(read_access(Refusing({**ACCESS, "DescribeUserScramCredentials": REFUSED})))

    assert reading.access.scram_users is None
    assert reading.unread["scram_users"].expected
    [body] = asked
    assert re.fullmatch(rb"\x02\x21[0-9a-f]{32}\0\0", body)


def test_brokers_without_an_authorizer_have_no_acls_to_list() -> None:
    answer = {"error_code": KafkaError.SECURITY_DISABLED, "error_message": "No Authorizer is configured."}
    reading = access_of({**ACCESS, "DescribeAcls": answer})
    assert (reading.access.acls, reading.access.unknown) == (
        None,
        {"acls": "SECURITY_DISABLED: No Authorizer is configured."},
    )
    assert reading.unread["acls"].expected


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(KafkaError._TIMED_OUT, False), (KafkaError.UNKNOWN, False), (KafkaError.UNSUPPORTED_VERSION, True)],
)
def test_a_failing_broker_differs_from_one_without_the_feature(failure: int, expected: bool) -> None:
    reading = access_of({**ACCESS, "DescribeAcls": BrokerError(failure, "it said so")})
    assert reading.unread["acls"].expected is expected
    assert "it said so" in reading.access.unknown["acls"]


def test_configs_of_some_brokers_are_not_those_of_the_cluster() -> None:
    def configs(broker: int) -> Any:
        return messages.broker_configs(1, cluster_wide=True) if broker == 1 else BrokerError(-185, "silent")

    reading = brokers_of({**BROKERS, "DescribeConfigs": configs})
    assert reading.brokers.configs is None
    assert not reading.unread["configs"].expected
    assert reading.brokers.quorum is not None


def test_a_login_that_ends_ends_the_whole_reading() -> None:
    with pytest.raises(BrokerError):
        access_of({**ACCESS, "DescribeAcls": BrokerError(KafkaError._AUTHENTICATION, "expired")})


def test_the_number_of_requests_depends_on_the_brokers_alone() -> None:
    brokers, access = Told(BROKERS), Told(ACCESS)
    asyncio.run(read_brokers(brokers))
    asyncio.run(read_access(access))
    assert brokers.asked == {"DescribeCluster": 1, "DescribeQuorum": 1, "DescribeConfigs": 2}
    assert access.asked == {**dict.fromkeys(ACCESS, 1), "DescribeUserScramCredentials": 2}
