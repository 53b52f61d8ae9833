"""What is kept of librdkafka's side channels."""

import logging

import pytest
from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka import connection_log
from mesh_assets.platforms.kafka.connection_log import ConnectionLog
from mesh_assets.platforms.kafka.errors import Endpoint

REFUSED = KafkaError(KafkaError._TRANSPORT, "one:9092/bootstrap: Connect failed: Connection refused")
DOWN = KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(connection_log, "time", clock)
    return clock


@pytest.fixture
def log() -> ConnectionLog:
    return ConnectionLog(Endpoint({"bootstrap.servers": "one:9092", "sasl.password": "hush"}))


def test_brokers_count_as_down_for_as_long_as_connections_are_refused(
    log: ConnectionLog, clock: Clock
) -> None:
    started = clock.now
    log.on_error(REFUSED)
    log.on_error(DOWN)
    clock.now += 2
    log.on_error(REFUSED)
    assert log.seconds_down(started) == 2
    assert log.seconds_down(since=started + 1.5) == 0.5


def test_a_connection_that_breaks_during_the_login_is_not_a_refusal(log: ConnectionLog) -> None:
    said = "SASL OAUTHBEARER mechanism handshake failed: Local: Broker transport failure: broker's supported mechanisms: (n/a)"
    log.on_error(KafkaError(KafkaError._AUTHENTICATION, said))
    assert {"refusal": log.refusal, "failure": log.failure} == {"refusal": None, "failure": said}


def test_an_old_report_does_not_mean_that_brokers_are_down_now(log: ConnectionLog, clock: Clock) -> None:
    log.on_error(REFUSED)
    log.on_error(DOWN)
    clock.now += 60
    assert log.seconds_down(100.0) == 0


def test_a_failure_seen_only_in_the_log_is_kept(log: ConnectionLog) -> None:
    line = "[rdkafka#producer-1] [thrd:one:9092/bootstrap]: one:9092/bootstrap: Disconnected: connection closed by peer"
    log.log(logging.INFO, "%s %s", "FAIL", line)
    assert log.failure == "one:9092/bootstrap: Disconnected: connection closed by peer"


def test_the_log_passes_lines_on_once_and_without_secrets(
    log: ConnectionLog, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "mesh_assets.kafka"):
        for milliseconds in (1, 2, 3):
            log.log(
                logging.ERROR,
                "%s",
                f"FAIL [client] [thrd:x]: password hush was wrong (after {milliseconds}ms in state UP)",
            )
    assert [record.getMessage() for record in caplog.records] == [
        "FAIL [client] [thrd:x]: password *** was wrong (after 1ms in state UP)"
    ]


def test_a_refusal_is_kept_apart_from_later_failures(log: ConnectionLog) -> None:
    log.on_error(KafkaError(KafkaError._AUTHENTICATION, "wrong password hush"))
    log.on_error(REFUSED)
    assert (log.refusal, log.failure) == ("wrong password ***", REFUSED.str())
