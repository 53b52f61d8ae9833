"""What librdkafka's properties mean to the reader: trust, certificates, and logins of every kind."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.errors import EstateError
from mesh_assets.platforms.kafka.wire.forms import BrokerError, MalformedError
from mesh_assets.platforms.kafka.wire.login import Login
from mesh_assets_tests.platforms.kafka.wire.asking import HUSH, words

USER = {"sasl.username": "reader", "sasl.password": HUSH}


# --- properties


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        (
            {"ssl.sigalgs.list": "x"},
            "kafka.properties.ssl.sigalgs.list: Kafka cannot be read with this property",
        ),
        ({"sasl.kerberos.keytab": "x"}, "kafka.properties.sasl.kerberos.keytab: Kafka cannot be read with"),
        (
            {"bootstrap.server": "x"},
            "kafka.properties.bootstrap.server: Kafka cannot be read with this property",
        ),
        ({"client.dns.lookup": HUSH}, "client.dns.lookup: Kafka can only be read with use_all_dns_ips"),
        ({"enable.sasl.oauthbearer.unsecure.jwt": "true"}, "unsecure.jwt: Kafka can only be read with false"),
        (
            {"security.protocol": HUSH},
            "kafka.properties.security.protocol is not one of PLAINTEXT, SSL, SASL_PLAINTEXT",
        ),
        ({"broker.address.family": HUSH}, "kafka.properties.broker.address.family is not one of any, v4, v6"),
        (
            {"security.protocol": "SSL", "enable.ssl.certificate.verification": HUSH},
            "kafka.properties.enable.ssl.certificate.verification is neither true nor false",
        ),
        (
            {"security.protocol": "SSL", "ssl.endpoint.identification.algorithm": HUSH},
            "kafka.properties.ssl.endpoint.identification.algorithm is not one of https, none",
        ),
        ({"security.protocol": "SSL", "ssl.ca.pem": HUSH}, "ssl.ca.pem holds no certificates in PEM form"),
        (
            {"security.protocol": "SSL", "ssl.ca.location": "/no/such"},
            "ssl.ca.location: /no/such holds no certificates",
        ),
        (
            {"security.protocol": "SSL", "ssl.crl.location": "/no/such"},
            "ssl.crl.location: /no/such holds no revocation",
        ),
        ({"security.protocol": "SSL", "ssl.cipher.suites": HUSH}, "ssl.cipher.suites names no known cipher"),
        (
            {"security.protocol": "SSL", "ssl.keystore.location": "/no/such", "ssl.keystore.password": HUSH},
            "ssl.keystore.location: /no/such is not a readable PKCS#12 keystore",
        ),
        (
            {"security.protocol": "SASL_SSL", "sasl.mechanism": HUSH},
            "kafka.properties.sasl.mechanism is not one of PLAIN",
        ),
        (
            {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"},
            "sasl.username is not set; PLAIN needs it",
        ),
        (
            {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-256", "sasl.username": "reader"},
            "sasl.password is not set; SCRAM-SHA-256 needs it",
        ),
        (
            {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"},
            "is not oidc, so nothing says where tokens",
        ),
        (
            {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "OAUTHBEARER",
                "sasl.oauthbearer.method": "oidc",
                "sasl.oauthbearer.client.id": "reader",
            },
            "sasl.oauthbearer.client.secret is not set; the method oidc needs it",
        ),
    ],
)
def test_an_unknown_property_is_an_estate_error_and_shows_no_value(
    properties: dict[str, str], said: str
) -> None:
    with pytest.raises(EstateError) as raised:
        Login(properties)
    assert said in str(raised.value)
    assert HUSH not in str(raised.value)


def test_settings_for_producers_and_queues_are_ignored() -> None:
    made = Login({"debug": "all", "linger.ms": "5", "socket.timeout.ms": "1", "compression.type": "zstd"})
    assert (made.tls, made.mechanism, made.client_id) == (None, None, "mesh-assets")


def test_a_login_prints_no_secret() -> None:
    made = Login({"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", **USER})
    assert HUSH not in f"{made!r} {vars(made)} {made.conversation('broker')!r}"


# --- PLAIN and SCRAM


def test_plain_sends_name_and_password_once() -> None:
    assert words({"sasl.mechanism": "PLAIN", **USER}, b"") == [b"\0reader\0hush-hush", None]


def _scram_broker(
    mechanism: str, first: bytes, password: str, *, rounds: int = 4096
) -> tuple[str, Callable[[bytes], bytes]]:
    """The broker's side of RFC 5802, implemented independently: the challenge, and the answer to the client's proof."""
    algorithm = mechanism.replace("SCRAM-", "").replace("-", "").lower()
    bare = first.removeprefix(b"n,,").decode()
    nonce = bare.partition(",r=")[2]
    salt = b"some salt"
    challenge = f"r={nonce}THEIRS,s={base64.b64encode(salt).decode()},i={rounds}"
    salted = hashlib.pbkdf2_hmac(algorithm, password.encode(), salt, rounds)

    def answer(last: bytes) -> bytes:
        without, _, proof = last.decode().partition(",p=")
        signed = f"{bare},{challenge},{without}".encode()
        key = hmac.new(salted, b"Client Key", algorithm).digest()
        stored = hashlib.new(algorithm, key).digest()
        signature = hmac.new(stored, signed, algorithm).digest()
        assert bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True)) == key
        server = hmac.new(hmac.new(salted, b"Server Key", algorithm).digest(), signed, algorithm).digest()
        return b"v=" + base64.b64encode(server)

    return challenge, answer


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_scram_proves_the_password_and_makes_the_broker_prove_it_too(mechanism: str) -> None:
    def talk() -> Any:
        properties = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": mechanism, **USER}
        return Login(properties).conversation("broker.shop")

    conversation = talk()
    first = conversation.next_words(None)
    challenge, answer = _scram_broker(mechanism, first, HUSH)
    last = conversation.next_words(challenge.encode())
    assert conversation.next_words(answer(last)) is None

    impostor = talk()
    challenge, _ = _scram_broker(mechanism, impostor.next_words(None), HUSH)
    impostor.next_words(challenge.encode())
    with pytest.raises(BrokerError) as raised:
        impostor.next_words(b"v=" + base64.b64encode(b"anything"))
    assert (raised.value.code, raised.value.said) == (
        KafkaError._AUTHENTICATION,
        "the broker does not know the user's password",
    )


def test_scram_writes_names_as_its_rfc_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: "nonce")
    given = {"sasl.mechanism": "SCRAM-SHA-256", "sasl.username": "a=b,c", "sasl.password": HUSH}
    assert words(given) == [b"n,,n=a=3Db=2Cc,r=nonce"]


def test_scram_is_what_rfc_7677_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: "rOprNGfwEbeRWgbNEkqO")
    said = words(
        {"sasl.mechanism": "SCRAM-SHA-256", "sasl.username": "user", "sasl.password": "pencil"},
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    )
    assert said[1:] == [
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        None,
    ]


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        "hello",
        "x=1",
        "r=a,s=YQ==",
        "r=a,s=YQ==,i=few",
        "r=a,s=YQ==,i=1",
        "r=a,s=YQ==,i=9000000",
        "r=a,s=*,i=5000",
    ],
)
def test_a_challenge_outside_scram_is_malformed(challenge: str) -> None:
    with pytest.raises(MalformedError):
        words({"sasl.mechanism": "SCRAM-SHA-256", **USER}, challenge.encode())


def test_a_challenge_to_another_client_is_refused() -> None:
    with pytest.raises(BrokerError) as raised:
        words({"sasl.mechanism": "SCRAM-SHA-256", **USER}, b"r=other,s=YQ==,i=4096")
    assert raised.value.code == KafkaError._AUTHENTICATION


@given(st.binary(max_size=80))
def test_any_challenge_ends_in_one_of_our_errors(challenge: bytes) -> None:
    with pytest.raises((MalformedError, BrokerError)):
        words({"sasl.mechanism": "SCRAM-SHA-256", **USER}, challenge)
