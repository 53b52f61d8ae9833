"""How old the first and the newest records are, and what tiered storage holds."""

import asyncio

import pytest
from confluent_kafka import KafkaError

from mesh_assets.inventory.storage_records import TieredPartition
from mesh_assets.platforms.kafka.storage import RecordTimes
from mesh_assets.platforms.kafka.wire.forms import BrokerError, UnsupportedError
from mesh_assets.platforms.kafka.wire.retained import NOT_LOOKED_FOR, read_record_times, read_tiered
from mesh_assets_tests.platforms.kafka.wire.oracle import Cluster

FIRST, NEWEST, LOCAL, TIERED = 0, -3, -4, -5


def test_a_topics_ages_are_those_of_its_oldest_and_newest_record() -> None:
    cluster = Cluster({"orders": {0: 1, 1: 2}, "untimed": {0: 1}})
    cluster.times = {
        ("orders", 0, FIRST): (5, 1_000),
        ("orders", 1, FIRST): (0, 900),
        ("orders", 0, NEWEST): (9, 5_000),
        ("orders", 1, NEWEST): (3, 4_000),
        ("untimed", 0, FIRST): (-1, -1),
        ("untimed", 0, NEWEST): (-1, -1),
    }
    found = asyncio.run(read_record_times(cluster.brokers, {"orders": [1, 0], "untimed": [0]}))
    assert found == {
        "orders": RecordTimes(oldest_ms=900, newest_ms=5_000),
        "untimed": RecordTimes(oldest_ms=None, newest_ms=None),
    }
    assert sorted({at for _, at, _ in cluster.asked()}) == [NEWEST, FIRST]


def test_brokers_before_3_0_report_the_first_record_but_not_the_newest() -> None:
    cluster = Cluster({"orders": {0: 1}}, newest=6)
    cluster.times = {("orders", 0, FIRST): (5, 1_000)}
    [times] = asyncio.run(read_record_times(cluster.brokers, {"orders": [0]})).values()
    assert (times.oldest_ms, times.newest_ms, times.oldest_error) == (1_000, None, None)
    assert (times.newest_error or "").startswith("UNSUPPORTED_VERSION")


def test_a_topic_with_an_unreadable_partition_has_an_unknown_age() -> None:
    cluster = Cluster({"orders": {0: 1, 1: 1}, "users": {0: 1}})
    cluster.times = {
        (topic, number, at): (1, 7)
        for topic, number in (("orders", 1), ("users", 0))
        for at in (FIRST, NEWEST)
    }
    cluster.codes = {("orders", 0, FIRST): [int(KafkaError.TOPIC_AUTHORIZATION_FAILED)] * 9}
    found = asyncio.run(read_record_times(cluster.brokers, {"orders": [0, 1], "users": [0]}))
    assert found["users"] == RecordTimes(oldest_ms=7, newest_ms=7)
    assert (found["orders"].oldest_ms, found["orders"].newest_ms) == (None, 7)
    assert (found["orders"].oldest_error or "").startswith("TOPIC_AUTHORIZATION_FAILED")


def test_the_first_record_is_not_looked_for_in_tiered_storage() -> None:
    cluster = Cluster({"orders": {0: 1}})
    cluster.times = {("orders", 0, NEWEST): (9, 5_000)}
    [times] = asyncio.run(read_record_times(cluster.brokers, {"orders": [0]}, tiered={"orders"})).values()
    assert times == RecordTimes(oldest_ms=None, newest_ms=5_000, oldest_error=NOT_LOOKED_FOR)
    assert {at for _, at, _ in cluster.asked()} == {NEWEST}


def test_the_first_record_is_not_looked_for_where_only_the_newest_is_wanted() -> None:
    cluster = Cluster({"orders": {0: 1}, "users": {0: 1}})
    cluster.times = {
        ("orders", 0, NEWEST): (9, 5_000),
        ("users", 0, NEWEST): (9, 6_000),
        ("users", 0, FIRST): (1, 1_000),
    }
    wanted = {"orders": [0], "users": [0]}
    found = asyncio.run(read_record_times(cluster.brokers, wanted, newest_only={"orders"}))
    assert found == {
        "orders": RecordTimes(oldest_ms=None, newest_ms=5_000),
        "users": RecordTimes(oldest_ms=1_000, newest_ms=6_000),
    }


def test_offsets_show_what_is_stored_remotely_and_what_is_on_disk() -> None:
    cluster = Cluster({"orders": {0: 1, 1: 2, 2: 1}})
    cluster.times = {("orders", number, LOCAL): (50, -1) for number in range(3)}
    cluster.times[("orders", 0, TIERED)] = (49, -1)
    cluster.codes = {("orders", 2, TIERED): [int(KafkaError.TOPIC_AUTHORIZATION_FAILED)] * 9}
    [told] = asyncio.run(read_tiered(cluster.brokers, {"orders": [0, 1, 2]})).values()
    assert told[:2] == (
        TieredPartition(partition=0, earliest_local=50, latest_tiered=49),
        TieredPartition(partition=1, earliest_local=50, latest_tiered=None),
    )
    assert (told[2].latest_tiered, (told[2].error or "")[:26]) == (None, "TOPIC_AUTHORIZATION_FAILED")


@pytest.mark.parametrize("newest", [7, 8])
def test_brokers_before_3_9_do_not_report_what_is_stored_remotely(newest: int) -> None:
    cluster = Cluster({"orders": {0: 1}}, newest=newest)
    with pytest.raises(UnsupportedError):
        asyncio.run(read_tiered(cluster.brokers, {"orders": [0]}))


def test_without_any_answer_there_are_no_times() -> None:
    cluster = Cluster({"orders": {0: 1}})
    cluster.silent = {1: 99}
    with pytest.raises(BrokerError):
        asyncio.run(read_record_times(cluster.brokers, {"orders": [0]}, patience_seconds=0.05))


def test_nothing_to_ask_about_needs_no_request() -> None:
    cluster = Cluster({})
    assert asyncio.run(read_record_times(cluster.brokers, {})) == {}
    assert asyncio.run(read_tiered(cluster.brokers, {})) == {}
    assert cluster.brokers.asked == []
