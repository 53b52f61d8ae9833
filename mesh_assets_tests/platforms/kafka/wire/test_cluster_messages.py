"""The messages about brokers and access: read as another implementation writes them, in every version."""

from datetime import UTC, datetime
from math import inf, nan
from sys import float_info
from typing import Any

import pytest

from mesh_assets.inventory.access_records import Acl, ClientQuota, ScramCredential, ScramUser
from mesh_assets.inventory.broker_records import ClusterBroker, Quorum, QuorumReplica
from mesh_assets.platforms.kafka.wire import access, features, quorum
from mesh_assets.platforms.kafka.wire.described_cluster import DESCRIBED_CLUSTER, DescribedCluster
from mesh_assets.platforms.kafka.wire.forms import BrokerError, MalformedError, Request
from mesh_assets_tests.platforms.kafka.wire import cluster_messages as told
from mesh_assets_tests.platforms.kafka.wire.cluster_messages import CONFIGS
from mesh_assets_tests.platforms.kafka.wire.messages import answer_of, read


@pytest.mark.parametrize("version", [0, 1, 2])
def test_brokers_are_sorted_and_fenced_where_they_say_so(version: int) -> None:
    fenced = False if version >= 2 else None
    assert answer_of(DESCRIBED_CLUSTER, version, told.CLUSTER) == DescribedCluster(
        brokers=(
            ClusterBroker(id=1, host="one", port=9092, rack="a", fenced=fenced),
            ClusterBroker(id=2, host="two", port=9092, fenced=fenced),
        ),
        controller=2,
        operations=None,
    )


@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_quorum_has_lags_against_its_leader_and_times_where_they_are_told(version: int) -> None:
    moments = (
        datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        datetime(2023, 11, 14, 22, 13, 20, 500_000, UTC),
    )
    expected = Quorum(
        leader=100,
        epoch=7,
        high_watermark=49,
        voters=(
            QuorumReplica(
                id=100,
                log_end_offset=50,
                lag_records=0,
                last_caught_up=moments[0] if version >= 1 else None,
                endpoints=("CONTROLLER://c:60000",) if version >= 2 else (),
            ),
        ),
        observers=(
            QuorumReplica(
                id=2, log_end_offset=47, lag_records=3, last_fetch=moments[1] if version >= 1 else None
            ),
        ),
    )
    values = told.QUORUM_WITH_NODES if version >= 2 else told.QUORUM
    assert answer_of(quorum._QUORUM, version, values) == expected


def test_a_replica_unknown_to_the_leader_has_no_lag() -> None:
    partition = {**told.PARTITION, "observers": [{"replica_id": 3, "log_end_offset": -1}]}
    values = {"topics": [{"topic_name": "__cluster_metadata", "partitions": [partition]}]}
    answer = answer_of(quorum._QUORUM, 1, values)
    assert isinstance(answer, Quorum)
    assert answer.observers == (QuorumReplica(id=3, log_end_offset=None, lag_records=None),)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_acls_are_sorted_and_words_of_later_versions_stay_numbers(version: int) -> None:
    def acl(**fields: str) -> Acl:
        return Acl(**{"host": "*", "pattern": "literal", "permission": "allow", **fields})

    assert answer_of(access._ACLS, version, told.ACLS) == (
        acl(
            principal="User:a",
            permission="deny",
            operation="all",
            resource_type="topic",
            resource="orders",
            pattern="prefixed",
            host="10.0.0.1",
        ),
        acl(
            principal="User:b",
            operation="read",
            resource_type="topic",
            resource="orders",
            pattern="prefixed",
        ),
        acl(principal="User:a", operation="unknown (99)", resource_type="unknown (9)", resource="x"),
    )


@pytest.mark.parametrize("version", [0, 1])
def test_a_quota_of_a_default_has_null_for_its_name(version: int) -> None:
    assert answer_of(access._QUOTAS, version, told.QUOTAS) == (
        ClientQuota(entity={"client-id": None, "user": "alice"}, limits={"producer_byte_rate": 1024.5}),
    )


@pytest.mark.parametrize("value", [inf, nan])
def test_a_quota_that_never_throttles_is_the_largest_number_and_hides_no_other(value: float) -> None:
    """Kafka accepts both as percentages, and JSON has a word for neither."""
    entries = [
        *told.QUOTAS["entries"],
        {"entity": [], "values": [{"key": "request_percentage", "value": value}]},
    ]
    quotas = answer_of(access._QUOTAS, 1, {"entries": entries})

    assert not isinstance(quotas, BrokerError)
    assert len(quotas) == 2
    assert quotas[0].limits == {"request_percentage": float_info.max}


def test_missing_quotas_without_an_error_are_not_none() -> None:
    with pytest.raises(MalformedError):
        answer_of(access._QUOTAS, 1, {"entries": None})


def test_scram_users_are_sorted_with_their_mechanisms() -> None:
    assert answer_of(access._SCRAM_USERS, 0, told.SCRAM_USERS) == (
        ScramUser(
            name="alice",
            credentials=(
                ScramCredential(mechanism="SCRAM-SHA-256", iterations=4096),
                ScramCredential(mechanism="SCRAM-SHA-512", iterations=4096),
            ),
        ),
        ScramUser(name="bob", credentials=(ScramCredential(mechanism="SCRAM-SHA-512", iterations=8192),)),
    )


@pytest.mark.parametrize("version", [3, 4])
def test_features_have_an_agreed_level_or_none_and_a_range(version: int) -> None:
    answer = read(features._FEATURES, version, told.features(version))
    assert answer == (9, {"metadata.version": 25}, {"metadata.version": (7, 29), "kraft.version": (0, 1)})


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_what_kafka_marks_as_sensitive_is_never_kept(version: int) -> None:
    answer = answer_of(CONFIGS, version, told.broker_configs(1, cluster_wide=False))
    assert not isinstance(answer["1"], BrokerError)
    entry = answer["1"]["ssl.key.password"]
    assert (entry.value, entry.source, entry.sensitive) == (None, "static", True)


@pytest.mark.parametrize(
    "request_", [access._ACLS, access._QUOTAS, access._SCRAM_USERS, DESCRIBED_CLUSTER, quorum._QUORUM]
)
def test_an_error_is_an_error_and_not_an_empty_list(request_: Request[Any]) -> None:
    answer = answer_of(request_, request_.newest, {"error_code": 31})
    assert isinstance(answer, BrokerError)
    assert answer.code == 31
