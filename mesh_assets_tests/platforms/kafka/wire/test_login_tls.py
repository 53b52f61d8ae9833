"""Both sides' certificates, as configured by librdkafka's properties."""

import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509 import load_pem_x509_certificate

from mesh_assets.errors import EstateError
from mesh_assets.platforms.kafka.wire.login import Login
from mesh_assets_tests.platforms.kafka.wire.asking import HUSH


def login(**properties: Any) -> Login:
    return Login({name.replace("_", "."): value for name, value in properties.items()})


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


def test_the_given_authorities_replace_the_machines(ca_file: Path, authority: trustme.CA) -> None:
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
    """The client that the server sees in an in-memory handshake."""
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
        ("locked", None, "the client's private key is encrypted, but kafka.ssl_key_password is not set"),
        ("locked", "wrong", "cannot be used together"),
        ("chain", None, "cannot be used together"),
    ],
)
def test_an_unusable_key_is_a_sentence_and_never_a_prompt(
    client: SimpleNamespace, key: str, password: str | None, said: str
) -> None:
    folder: Path = client.folder
    properties = {"ssl.certificate.location": str(folder / "chain"), "ssl.key.location": str(folder / key)}
    with pytest.raises(EstateError, match=said):
        Login(
            {"security.protocol": "SSL", **properties} | ({"ssl.key.password": password} if password else {})
        )


def test_no_file_is_left_of_a_key_given_as_text(
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
