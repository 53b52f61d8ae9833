"""What librdkafka's properties mean to the reader: trust, certificates, and logins of every kind."""

import base64
import hashlib
import hmac
import json
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest
import trustme
from confluent_kafka import KafkaError
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh_assets.errors import EstateError, MeshError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka.wire import sasl
from mesh_assets.platforms.kafka.wire.forms import BrokerError, MalformedError
from mesh_assets.platforms.kafka.wire.login import Login

HUSH = "hush-hush"
USER = {"sasl.username": "reader", "sasl.password": HUSH}


def login(**properties: Any) -> Login:
    return Login({name.replace("_", "."): value for name, value in properties.items()})


def words(properties: Mapping[str, Any], *received: bytes) -> list[bytes | None]:
    """What the client says, given the broker's answers."""
    conversation = Login({"security.protocol": "SASL_PLAINTEXT", **properties}).conversation("broker.shop")
    return [conversation.next_words(one) for one in (None, *received)]


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
        ({"client.dns.lookup": HUSH}, "client.dns.lookup: Kafka is read with use_all_dns_ips only"),
        ({"enable.sasl.oauthbearer.unsecure.jwt": "true"}, "unsecure.jwt: Kafka is read with false only"),
        (
            {"security.protocol": HUSH},
            "kafka.properties.security.protocol is none of PLAINTEXT, SSL, SASL_PLAINTEXT",
        ),
        ({"broker.address.family": HUSH}, "kafka.properties.broker.address.family is none of any, v4, v6"),
        (
            {"security.protocol": "SSL", "enable.ssl.certificate.verification": HUSH},
            "kafka.properties.enable.ssl.certificate.verification is neither true nor false",
        ),
        (
            {"security.protocol": "SSL", "ssl.endpoint.identification.algorithm": HUSH},
            "kafka.properties.ssl.endpoint.identification.algorithm is none of https, none",
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
        ({"security.protocol": "SSL", "ssl.cipher.suites": HUSH}, "ssl.cipher.suites names no cipher"),
        (
            {"security.protocol": "SSL", "ssl.keystore.location": "/no/such", "ssl.keystore.password": HUSH},
            "ssl.keystore.location: /no/such is no PKCS#12 keystore that can be read",
        ),
        (
            {"security.protocol": "SASL_SSL", "sasl.mechanism": HUSH},
            "kafka.properties.sasl.mechanism is none of PLAIN",
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
def test_a_property_that_is_not_understood_is_the_estates_error_and_shows_no_value(
    properties: dict[str, str], said: str
) -> None:
    with pytest.raises(EstateError) as raised:
        Login(properties)
    assert said in str(raised.value)
    assert HUSH not in str(raised.value)


def test_what_concerns_producers_and_queues_is_of_no_matter() -> None:
    made = Login({"debug": "all", "linger.ms": "5", "socket.timeout.ms": "1", "compression.type": "zstd"})
    assert (made.tls, made.mechanism, made.client_id) == (None, None, "mesh-assets")


def test_a_login_prints_no_secret() -> None:
    made = Login({"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", **USER})
    assert HUSH not in f"{made!r} {vars(made)} {made.conversation('broker')!r}"


# --- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(path := tmp_path / "ca.pem")
    return path


def test_certificates_and_names_are_checked_unless_the_estate_says_otherwise(ca_file: Path) -> None:
    ssl_with = {"security_protocol": "ssl", "ssl_ca_location": str(ca_file)}
    usual = login(**ssl_with).tls
    no_name = login(**ssl_with, ssl_endpoint_identification_algorithm="none").tls
    nothing = login(**ssl_with, enable_ssl_certificate_verification="false").tls
    assert [
        (context.verify_mode, context.check_hostname) for context in (usual, no_name, nothing) if context
    ] == [(ssl.CERT_REQUIRED, True), (ssl.CERT_REQUIRED, False), (ssl.CERT_NONE, False)]


def test_the_given_authorities_take_the_place_of_the_machines(ca_file: Path, authority: trustme.CA) -> None:
    pem = authority.cert_pem.bytes().decode()
    for properties in ({"ssl.ca.location": str(ca_file)}, {"ssl.ca.pem": pem}):
        context = Login({"security.protocol": "SSL", **properties}).tls
        assert context is not None
        assert len(context.get_ca_certs()) == 1


@pytest.fixture
def client(authority: trustme.CA, tmp_path: Path) -> SimpleNamespace:
    issued = authority.issue_cert("client.shop")
    chain, key = issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes()
    secret = load_pem_private_key(key, None)
    locked = secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(HUSH.encode()))
    files = {"chain": chain, "key": key, "locked": locked}
    files["store"] = pkcs12.serialize_key_and_certificates(
        b"client",
        secret,  # type: ignore[arg-type]
        load_pem_x509_certificate(chain),
        None,
        BestAvailableEncryption(HUSH.encode()),
    )
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return SimpleNamespace(folder=tmp_path, **files)


@pytest.mark.parametrize(
    "given_as", ["files", "files, locked", "texts", "texts, locked", "text and file", "keystore"]
)
def test_a_client_certificate_is_presented_however_it_is_given(
    given_as: str, client: SimpleNamespace, authority: trustme.CA, ca_file: Path
) -> None:
    folder: Path = client.folder
    kinds: dict[str, dict[str, str]] = {
        "files": {"ssl.certificate.location": str(folder / "chain"), "ssl.key.location": str(folder / "key")},
        "files, locked": {
            "ssl.certificate.location": str(folder / "chain"),
            "ssl.key.location": str(folder / "locked"),
            "ssl.key.password": HUSH,
        },
        "texts": {"ssl.certificate.pem": client.chain.decode(), "ssl.key.pem": client.key.decode()},
        "texts, locked": {
            "ssl.certificate.pem": client.chain.decode(),
            "ssl.key.pem": client.locked.decode(),
            "ssl.key.password": HUSH,
        },
        "text and file": {
            "ssl.certificate.pem": client.chain.decode(),
            "ssl.key.location": str(folder / "key"),
        },
        "keystore": {"ssl.keystore.location": str(folder / "store"), "ssl.keystore.password": HUSH},
    }
    made = Login({"security.protocol": "SSL", "ssl.ca.location": str(ca_file), **kinds[given_as]})
    assert made.tls is not None
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("broker.shop").configure_cert(server)
    server.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server)
    assert _subject_seen(server, made.tls) == "client.shop"


def _subject_seen(server: ssl.SSLContext, client: ssl.SSLContext) -> str:
    """Whom the server sees, in a handshake in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname="broker.shop")
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    seen = theirs.getpeercert()
    assert seen is not None
    names: Any = seen["subjectAltName"]
    return str(names[0][1])


@pytest.mark.parametrize(
    ("key", "password", "said"),
    [
        ("locked", None, "the client's private key is encrypted, and kafka.ssl_key_password is not set"),
        ("locked", "wrong", "cannot be used together"),
        ("chain", None, "cannot be used together"),
    ],
)
def test_a_key_that_cannot_be_used_is_a_sentence_and_nobody_is_asked_at_the_terminal(
    client: SimpleNamespace, key: str, password: str | None, said: str
) -> None:
    folder: Path = client.folder
    properties = {"ssl.certificate.location": str(folder / "chain"), "ssl.key.location": str(folder / key)}
    with pytest.raises(EstateError, match=said):
        Login(
            {"security.protocol": "SSL", **properties} | ({"ssl.key.password": password} if password else {})
        )


def test_no_file_is_left_of_a_key_that_was_given_as_a_text(
    client: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place := tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    seen: list[str] = []
    load = ssl.SSLContext.load_cert_chain

    def looked_at(self: ssl.SSLContext, certfile: Any, *rest: Any) -> None:
        seen.append(Path(certfile).read_text())
        load(self, certfile, *rest)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", looked_at)
    texts = {"ssl.certificate.pem": client.chain.decode(), "ssl.key.pem": client.key.decode()}
    Login({"security.protocol": "SSL", **texts})
    assert list(place.iterdir()) == []
    assert ["ENCRYPTED PRIVATE KEY" in text and client.key.decode() not in text for text in seen] == [True]


# --- PLAIN and SCRAM


def test_plain_says_name_and_password_once() -> None:
    assert words({"sasl.mechanism": "PLAIN", **USER}, b"") == [b"\0reader\0hush-hush", None]


def _scram_broker(
    mechanism: str, first: bytes, password: str, *, rounds: int = 4096
) -> tuple[str, Callable[[bytes], bytes]]:
    """A broker's side of RFC 5802, written down on its own: the challenge, and the answer to the client's proof."""
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
def test_scram_proves_the_password_and_has_the_broker_prove_it_too(mechanism: str) -> None:
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
def test_a_challenge_that_is_none_of_scrams_is_malformed(challenge: str) -> None:
    with pytest.raises(MalformedError):
        words({"sasl.mechanism": "SCRAM-SHA-256", **USER}, challenge.encode())


def test_a_challenge_to_another_client_is_refused() -> None:
    with pytest.raises(BrokerError) as raised:
        words({"sasl.mechanism": "SCRAM-SHA-256", **USER}, b"r=other,s=YQ==,i=4096")
    assert raised.value.code == KafkaError._AUTHENTICATION


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_challenge_ends_in_an_error_of_ours(challenge: bytes) -> None:
    with pytest.raises((MalformedError, BrokerError)):
        words({"sasl.mechanism": "SCRAM-SHA-256", **USER}, challenge)


# --- tokens


def test_a_token_serves_all_connections_until_most_of_its_life_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    asked: list[str] = []

    def ask(config: str) -> tuple[str, float]:
        asked.append(config)
        return f"token-{len(asked)}", now[0] + 100

    tokens = sasl.Tokens(ask, "some config")
    seen = []
    for seconds in (0, 40, 39, 2):
        now[0] += seconds
        seen.append(tokens.current()[0])
    assert (seen, asked) == (["token-1", "token-1", "token-1", "token-2"], ["some config"] * 2)


def test_a_bearer_token_is_said_with_its_extensions() -> None:
    given = {
        "sasl.mechanism": "OAUTHBEARER",
        "oauth_cb": lambda _: ("abc", time.time() + 60, "principal", {"logicalCluster": "lkc-1"}),
    }
    assert words(given, b"") == [b"n,,\x01auth=Bearer abc\x01logicalCluster=lkc-1\x01\x01", None]


def test_a_refused_token_is_a_refusal_even_when_the_broker_forgets_to_say_so() -> None:
    given = {"sasl.mechanism": "OAUTHBEARER", "oauth_cb": lambda _: ("abc", time.time() + 60)}
    with pytest.raises(BrokerError) as raised:
        words(given, b'{"status":"invalid_token"}', b"")
    assert raised.value.code == KafkaError._AUTHENTICATION


OIDC = {
    "sasl.mechanism": "OAUTHBEARER",
    "sasl.oauthbearer.method": "oidc",
    "sasl.oauthbearer.client.id": "reader",
    "sasl.oauthbearer.client.secret": HUSH,
    "sasl.oauthbearer.scope": "kafka",
    "sasl.oauthbearer.extensions": "logicalCluster=lkc-1, identityPoolId=pool-1",
    "sasl.oauthbearer.token.endpoint.url": "https://login.shop/token",
}


def jwt(**claims: Any) -> str:
    return (
        ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims)
        )
        + "."
    )


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Callable[[httpx.Response | Exception], list[httpx.Request]]:
    """Has the token endpoint give an answer; what it was asked."""

    def answering(answer: httpx.Response | Exception) -> list[httpx.Request]:
        asked: list[httpx.Request] = []

        def serve(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            if isinstance(answer, Exception):
                raise answer
            return answer

        def post(url: str, *, verify: Any, **options: Any) -> httpx.Response:
            assert isinstance(verify, ssl.SSLContext)
            options.pop("follow_redirects")
            with httpx.Client(transport=httpx.MockTransport(serve)) as client:
                return client.post(url, **options)

        monkeypatch.setattr(httpx, "post", post)
        return asked

    return answering


def test_oidc_asks_the_provider_as_the_client_and_says_what_it_got(
    endpoint: Callable[[httpx.Response], list[httpx.Request]],
) -> None:
    token = jwt(exp=time.time() + 60)
    asked = endpoint(httpx.Response(200, json={"access_token": token}))
    said = words(OIDC, b"")
    assert (
        said[0]
        == f"n,,\x01auth=Bearer {token}\x01logicalCluster=lkc-1\x01identityPoolId=pool-1\x01\x01".encode()
    )
    [request] = asked
    assert request.content == b"grant_type=client_credentials&scope=kafka"
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"reader:hush-hush").decode()


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (
            httpx.Response(401, json={"error": "invalid_client", "error_description": HUSH}),
            RefusedError,
            "the token endpoint https://login.shop/token refused the client reader (HTTP 401, invalid_client); check "
            "sasl.oauthbearer.client.id, client.secret and scope",
        ),
        (httpx.Response(503, text=HUSH), UnreachableError, "gave no token (HTTP 503)"),
        (httpx.Response(200, text=HUSH), UnexpectedAnswerError, "gave no token that can be used"),
        (
            httpx.Response(200, json={"access_token": "opaque"}),
            UnexpectedAnswerError,
            "does not say when its token ends",
        ),
        (httpx.ConnectError(HUSH), UnreachableError, "could not be reached: ConnectError"),
    ],
)
def test_a_provider_that_gives_no_token_is_a_sentence(
    answer: httpx.Response | Exception,
    kind: type[MeshError],
    said: str,
    endpoint: Callable[[httpx.Response | Exception], list[httpx.Request]],
) -> None:
    endpoint(answer)
    with pytest.raises(MeshError) as raised:
        words(OIDC)
    assert type(raised.value) is kind
    assert said in str(raised.value)
    assert HUSH not in str(raised.value)


# --- Kerberos


@pytest.fixture
def kerberos(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A `gssapi` whose context takes two turns; what was done with it."""
    done: list[Any] = []

    class Context:
        def __init__(self, *, name: str, usage: str) -> None:
            done.append((name, usage))
            self.steps = 0

        @property
        def complete(self) -> bool:
            return self.steps == 2

        def step(self, token: bytes | None) -> bytes:
            self.steps += 1
            done.append(token)
            return b"ticket-%d" % self.steps

        def unwrap(self, wrapped: bytes) -> Any:
            if wrapped == b"bad":
                raise failure(" the clock\nis wrong ")
            return SimpleNamespace(message=wrapped)

        def wrap(self, message: bytes, encrypt: bool) -> Any:
            done.append((message, encrypt))
            return SimpleNamespace(message=b"wrapped")

    failure = type("GSSError", (Exception,), {})
    module = ModuleType("gssapi")
    vars(module).update(
        Name=lambda text, _: text,
        NameType=SimpleNamespace(hostbased_service=None),
        SecurityContext=Context,
        exceptions=SimpleNamespace(GSSError=failure),
    )
    monkeypatch.setitem(sys.modules, "gssapi", module)
    return done


def test_kerberos_shows_its_ticket_and_wants_no_layer(kerberos: list[Any]) -> None:
    said = words({"sasl.mechanism": "GSSAPI"}, b"go on", b"\x07\0\xff\xff", b"")
    assert said == [b"ticket-1", b"ticket-2", b"wrapped", None]
    assert kerberos == [("kafka@broker.shop", "initiate"), None, b"go on", (b"\x01\0\0\0", False)]


@pytest.mark.parametrize(
    ("offer", "said"), [(b"bad", "Kerberos: the clock is wrong"), (b"\x04\0\0\0", "the broker wants a layer")]
)
@pytest.mark.usefixtures("kerberos")
def test_kerberos_that_fails_is_a_refusal(offer: bytes, said: str) -> None:
    with pytest.raises(BrokerError, check=lambda error: said in error.said):
        words({"sasl.mechanism": "GSSAPI"}, b"go on", offer)


def test_kerberos_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gssapi", None)
    with pytest.raises(EstateError, match="pip install gssapi"):
        words({"sasl.mechanism": "GSSAPI"})
