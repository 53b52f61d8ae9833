"""Every client logs in to a real broker through a callback that returns tokens, as with MSK's IAM.

The broker accepts unsigned tokens: the point is that librdkafka asks for one in time, without being polled.
"""

import time

import pytest

from mesh_assets.platforms.kafka import WireReader
from mesh_assets.platforms.kafka.settings import ClientProperties
from mesh_assets.snapshot.connection import EventsConnection
from mesh_assets_tests.access_checks.broker_with_acls import BrokerWithAcls, Tokens

pytestmark = pytest.mark.sandbox

# More than twice the second that a broker requires between two logins on a connection, even on a busy machine.
LIFE_SECONDS = 6.0


def _properties(broker: BrokerWithAcls, tokens: Tokens) -> ClientProperties:
    return ClientProperties(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "OAUTHBEARER",
            "oauth_cb": tokens,
        }
    )


def test_the_reader_logs_in_and_asks_for_another_token_before_the_first_ends(broker: BrokerWithAcls) -> None:
    tokens = Tokens(LIFE_SECONDS)
    with WireReader(_properties(broker, tokens), 15) as reader:
        assert [topic.name for topic in reader.metadata().topics if topic.name == "orders"] == ["orders"]
        assert reader.offsets({"orders": (0,)}).topics
        deadline = time.monotonic() + 30
        while tokens.asked < 2:
            assert time.monotonic() < deadline, "no token was asked for in place of one that ran out"
            reader.metadata()
            time.sleep(0.1)


def test_the_clients_that_publish_log_in_too(broker: BrokerWithAcls) -> None:
    tokens = Tokens(LIFE_SECONDS)
    connection = EventsConnection(
        cluster="warehouse", properties=_properties(broker, tokens), timeout_seconds=15
    )
    with connection.admin() as admin:
        assert "orders" in admin.list_topics(timeout=15).topics
    producer = connection.producer(timeout_seconds=15, statistics=lambda _: None)
    producer.produce("discovery-events", b"1")
    assert producer.flush(15) == 0
    consumer = connection.consumer()
    assert "orders" in consumer.list_topics(timeout=15).topics
    consumer.close()
    assert tokens.asked >= 3
