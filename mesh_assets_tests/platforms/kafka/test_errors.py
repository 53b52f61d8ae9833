"""What librdkafka says, and the sentence that the user reads. The quoted lines were recorded from librdkafka
2.16 against real brokers."""

import pytest
from confluent_kafka import KafkaError

from mesh_assets.errors import PlatformError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka import errors
from mesh_assets.platforms.kafka.errors import (
    Endpoint,
    Redactor,
    authentication_refused,
    connection_failed,
    from_kafka_error,
    item_error,
)

PLAINTEXT = Endpoint({"bootstrap.servers": "one:9092"})
TLS = Endpoint({"bootstrap.servers": "one:9092,two:9092", "security.protocol": "SSL"})
SASL = Endpoint(
    {
        "bootstrap.servers": "one:9092",
        "security.protocol": "sasl_ssl",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "alice",
        "sasl.password": "hush",
    }
)


@pytest.mark.parametrize(
    ("endpoint", "said", "kind", "sentence"),
    [
        (
            PLAINTEXT,
            "one:9092/bootstrap: Connect to ipv4#10.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT)",
            UnreachableError,
            "Kafka at one:9092 could not be reached within 3 s: 10.0.0.1:9092: Connection refused"
            "; are the brokers running, and is kafka.bootstrap_servers right?",
        ),
        (
            PLAINTEXT,
            "one:9092/bootstrap: Connect to ipv4#10.0.0.1:9092 failed: Connection refused "
            "(after 0ms in state CONNECT, 30 identical error(s) suppressed)",
            UnreachableError,
            "Kafka at one:9092 could not be reached within 3 s: 10.0.0.1:9092: Connection refused"
            "; are the brokers running, and is kafka.bootstrap_servers right?",
        ),
        (
            PLAINTEXT,
            "one:9092/bootstrap: Failed to resolve 'one:9092': Name or service not known (after 0ms in state CONNECT)",
            UnreachableError,
            "Kafka at one:9092 could not be reached within 3 s: Failed to resolve 'one:9092': Name or service not known"
            "; are the brokers running, and is kafka.bootstrap_servers right?",
        ),
        (
            PLAINTEXT,
            "one:9092/bootstrap: Disconnected: connection closed by peer: receive 0 after POLLIN (after 0ms in state APIVERSION_QUERY)",
            UnreachableError,
            "Kafka at one:9092 could not be reached within 3 s: Disconnected: connection closed by peer: receive 0 after POLLIN "
            "(does the listener expect TLS? kafka.security_protocol is PLAINTEXT)",
        ),
        (
            PLAINTEXT,
            "one:9092/bootstrap: Disconnected: connection closed by peer: receive 0 after POLLIN (after 0ms in state UP)",
            UnreachableError,
            "Kafka at one:9092 could not be reached within 3 s: Disconnected: connection closed by peer: receive 0 after POLLIN "
            "(does the listener expect SASL? kafka.security_protocol is PLAINTEXT)",
        ),
        (
            PLAINTEXT,
            "one:9092/bootstrap: ApiVersionRequest failed: Local: Timed out: probably due to broker version < 0.10 "
            "(see api.version.request configuration) (after 4004ms in state APIVERSION_QUERY)",
            UnreachableError,
            "Kafka at one:9092 could not be reached within 3 s: the connection was accepted, but nothing answered on it "
            "(is that a Kafka broker?)",
        ),
        (
            TLS,
            "ssl://two:9092/bootstrap: SSL handshake failed: Disconnected: SSL connection closed by peer: "
            "connecting to a PLAINTEXT broker listener? (after 0ms in state SSL_HANDSHAKE)",
            UnreachableError,
            "Kafka at one:9092,two:9092 could not be reached within 3 s: two:9092: TLS handshake failed: the listener hung up "
            "(does it expect plain text? kafka.security_protocol is SSL)",
        ),
        (
            TLS,
            "ssl://two:9092/bootstrap: Disconnected: SSL connection closed by peer (after 0ms in state SSL_HANDSHAKE)",
            UnreachableError,
            "Kafka at one:9092,two:9092 could not be reached within 3 s: two:9092: TLS handshake failed: the listener hung up "
            "(does it expect plain text? kafka.security_protocol is SSL)",
        ),
        (
            TLS,
            "ssl://two:9092/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate "
            "could not be verified, verify that ssl.ca.location is correctly configured or root CA certificates are installed "
            "(install ca-certificates package) (after 7ms in state SSL_HANDSHAKE)",
            UnreachableError,
            "Kafka at one:9092,two:9092 could not be reached within 3 s: two:9092: TLS handshake failed: "
            "the broker's certificate could not be verified (check kafka.ssl_ca_location, and the broker's name)",
        ),
        (
            TLS,
            "ssl://two:9092/bootstrap: Receive failed: error:0A00045C:SSL routines::tlsv13 alert certificate required: "
            "SSL alert number 116 (after 0ms in state APIVERSION_QUERY)",
            RefusedError,
            "Kafka at one:9092,two:9092 refused the client's certificate (certificate required); "
            "check kafka.ssl_certificate_location and kafka.ssl_key_location",
        ),
    ],
)
def test_a_failed_connection_is_reported_in_one_sentence(
    endpoint: Endpoint, said: str, kind: type[PlatformError], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, "spoken_at", lambda *_: None)  # like one that no longer answers
    error = connection_failed(endpoint, said, seconds=3.1)
    assert (type(error), str(error)) == (kind, sentence)


def test_failures_without_a_retry_do_not_mention_time() -> None:
    line = (
        "one:9092/bootstrap: SSL handshake failed: certificate verify failed: the broker's certificate has expired (renew it on the "
        "broker) (after 0ms in state SSL_HANDSHAKE)"
    )
    assert str(connection_failed(Endpoint({"bootstrap.servers": "one:9092"}), line, seconds=0.2)) == (
        "Kafka at one:9092 could not be reached: TLS handshake failed: the broker's certificate has expired (renew it on the broker)"
    )


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "sasl_ssl://one:9092/bootstrap: SASL authentication error: Authentication failed: Invalid username or password "
            "(after 301ms in state AUTH_REQ)",
            "Kafka at one:9092 refused user alice (SCRAM-SHA-512): SASL authentication error: Authentication failed: "
            "Invalid username or password",
        ),
        (
            "sasl_ssl://one:9092/bootstrap: SASL SCRAM-SHA-512 mechanism handshake failed: Broker: Unsupported SASL mechanism: "
            "broker's supported mechanisms: PLAIN (after 0ms in state AUTH_HANDSHAKE)",
            "Kafka at one:9092 refused user alice (SCRAM-SHA-512): SASL SCRAM-SHA-512 mechanism handshake failed: Broker: "
            "Unsupported SASL mechanism: broker's supported mechanisms: PLAIN; check kafka.sasl_mechanism, and that this listener "
            "expects SASL at all",
        ),
    ],
)
def test_a_refused_login_names_user_and_mechanism(said: str, sentence: str) -> None:
    assert str(authentication_refused(SASL, said)) == sentence


@pytest.mark.parametrize(
    ("code", "kind", "sentence"),
    [
        (
            KafkaError._TIMED_OUT,
            UnreachableError,
            "Kafka at one:9092 could not be reached while reading the offsets: it said so",
        ),
        (
            KafkaError.COORDINATOR_NOT_AVAILABLE,
            UnreachableError,
            "Kafka at one:9092 could not be reached while reading the offsets: ",
        ),
        (
            KafkaError.CLUSTER_AUTHORIZATION_FAILED,
            RefusedError,
            "Kafka at one:9092 refused reading the offsets (it said so): user alice (SCRAM-SHA-512) needs DESCRIBE on the topic",
        ),
        (
            KafkaError._AUTHENTICATION,
            RefusedError,
            "Kafka at one:9092 refused user alice (SCRAM-SHA-512): it said so",
        ),
        (
            KafkaError._UNSUPPORTED_FEATURE,
            UnexpectedAnswerError,
            "Kafka at one:9092 does not support reading the offsets: it said so",
        ),
        (
            KafkaError.UNKNOWN,
            UnexpectedAnswerError,
            "Kafka at one:9092 failed reading the offsets: UNKNOWN: it said so",
        ),
    ],
)
def test_a_failed_call_becomes_an_error_that_a_caller_can_act_on(
    code: int, kind: type[PlatformError], sentence: str
) -> None:
    error = from_kafka_error(
        KafkaError(code, "it said so"),
        endpoint=SASL,
        doing="reading the offsets",
        right="DESCRIBE on the topic",
    )
    assert type(error) is kind
    assert str(error).startswith(sentence)


def test_librdkafkas_words_about_the_connection_outrank_timed_out() -> None:
    error = from_kafka_error(
        KafkaError(KafkaError._TIMED_OUT),
        endpoint=PLAINTEXT,
        doing="reading",
        right="DESCRIBE",
        cause="Connection refused",
    )
    assert str(error) == "Kafka at one:9092 could not be reached while reading: Connection refused"


def test_the_error_of_one_item_names_the_missing_right() -> None:
    refused = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, "Topic authorization failed.")
    assert item_error(refused, "DESCRIBE on the topic") == (
        "TOPIC_AUTHORIZATION_FAILED: Topic authorization failed.; needs DESCRIBE on the topic"
    )
    assert (
        item_error(KafkaError(KafkaError.UNKNOWN, "no idea"), "DESCRIBE on the topic") == "UNKNOWN: no idea"
    )


def test_a_refusal_does_not_repeat_the_request_as_the_broker_prints_it() -> None:
    printed = "Request Request(processor=3, session=org.apache.kafka.network.Session@4bd7c719, buffer=null) needs DESCRIBE permission."
    refused = KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED, printed)
    assert item_error(refused, "DESCRIBE on the cluster") == (
        "CLUSTER_AUTHORIZATION_FAILED: Broker: Cluster authorization failed; needs DESCRIBE on the cluster"
    )


def test_secrets_are_removed_from_any_text_the_longest_first() -> None:
    redact = Redactor(
        {
            "sasl.password": "hush",
            "ssl.key.password": "hush-hush",
            "sasl.username": "alice",
            "ssl.key.pem": "",
        }
    )
    assert redact("alice said hush-hush and hush") == "alice said *** and ***"


@pytest.mark.parametrize(
    "code",
    [
        KafkaError._TIMED_OUT,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError._AUTHENTICATION,
        KafkaError.UNKNOWN,
    ],
)
def test_no_error_repeats_a_password(code: int) -> None:
    error = from_kafka_error(
        KafkaError(code, 'Invalid value "hush"'), endpoint=SASL, doing="connecting", right="DESCRIBE"
    )
    assert "hush" not in str(error)


CLOUD = {
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "PLAIN",
    "sasl.username": "KEY",
    "sasl.password": "hush",
}


@pytest.mark.parametrize(
    "endpoint",
    [
        Endpoint({**CLOUD, "bootstrap.servers": "pkc-1.eu-west-1.aws.confluent.cloud:9092"}),
        Endpoint({**CLOUD, "bootstrap.servers": "127.0.0.1:9092"}, on_confluent_cloud=True),
    ],
)
def test_a_wrong_key_on_confluent_cloud_is_called_what_it_is(endpoint: Endpoint) -> None:
    error = authentication_refused(endpoint, "SASL authentication error: Authentication failed")
    assert isinstance(error, RefusedError)
    assert str(error) == (
        f"Kafka at {endpoint.servers} refused Kafka API key KEY: SASL authentication error: Authentication failed; expected an API key of "
        "this Kafka cluster, not a Cloud key or one of a Schema Registry; check kafka.username and kafka.password in the estate"
    )


@pytest.mark.parametrize(
    ("doing", "right", "role"),
    [
        (
            "listing the consumer groups",
            "DESCRIBE on the cluster",
            "the role Operator on the cluster; on Basic clusters an ACL",
        ),
        (
            "publishing to discovery-events",
            "WRITE on the topic discovery-events",
            "the role DeveloperWrite on it; on Basic clusters an ACL",
        ),
        (
            "reading discovery-events",
            "READ on the topic discovery-events",
            "the role DeveloperRead on it; on Basic clusters an ACL",
        ),
    ],
)
def test_a_key_without_rights_on_confluent_cloud_learns_the_role(doing: str, right: str, role: str) -> None:
    endpoint = Endpoint({**CLOUD, "bootstrap.servers": "pkc-1.confluent.cloud:9092"})
    error = from_kafka_error(
        KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, "denied"),
        endpoint=endpoint,
        doing=doing,
        right=right,
    )
    assert str(error) == (
        f"Kafka at pkc-1.confluent.cloud:9092 refused {doing} (denied): Kafka API key KEY needs {right}; on Confluent Cloud that is {role}"
    )


def test_elsewhere_a_user_is_called_a_user() -> None:
    assert (
        Endpoint({**CLOUD, "bootstrap.servers": "confluent.cloud.example:9092"}).identity
        == "user KEY (PLAIN)"
    )
    assert (
        Endpoint({"bootstrap.servers": "127.0.0.1:9092"}, on_confluent_cloud=True).identity
        == "an anonymous client"
    )
