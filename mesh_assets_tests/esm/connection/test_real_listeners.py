"""Every login method against the sandbox's real listeners, and each step failing for its own reason."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from socket import create_server

import pytest
import trustme

from mesh_assets.errors import EstateError
from mesh_assets.esm import connection
from mesh_assets.esm.connection import ConnectionReport, KafkaLogin
from mesh_assets.sandbox.credentials import WarehouseAccess, sandbox_keys, warehouse_access
from mesh_assets.sandbox.servers import Endpoints, Sandbox

pytestmark = pytest.mark.sandbox


@pytest.fixture
def own(sandbox: Sandbox) -> WarehouseAccess:
    return warehouse_access(sandbox.folder)


@pytest.fixture
def logins(endpoints: Endpoints, own: WarehouseAccess) -> dict[str, KafkaLogin]:
    authority = own.authority.read_text()
    sasl = KafkaLogin(
        bootstrap_servers=str(endpoints.sasl_bootstrap_servers),
        security_protocol="SASL_SSL",
        username=own.username,
        password=own.password,
        authority=authority,
    )
    return {
        "PLAINTEXT": KafkaLogin(bootstrap_servers=endpoints.bootstrap_servers),
        "TLS": KafkaLogin(
            bootstrap_servers=str(endpoints.tls_bootstrap_servers),
            security_protocol="SSL",
            authority=authority,
        ),
        "mTLS": KafkaLogin(
            bootstrap_servers=str(endpoints.mtls_bootstrap_servers),
            security_protocol="SSL",
            authority=authority,
            certificate=own.certificate.read_text(),
            key=own.key.read_text(),
        ),
        "PLAIN": replace(sasl, sasl_mechanism="PLAIN"),
        "SCRAM-SHA-256": replace(sasl, sasl_mechanism="SCRAM-SHA-256"),
        "SCRAM-SHA-512": replace(sasl, sasl_mechanism="SCRAM-SHA-512"),
    }


def tried(login: KafkaLogin, *, topic: str | None = "orders", group: str | None = None) -> ConnectionReport:
    return connection.check_connection(login, topic=topic, group=group, timeout_seconds=6)


def failure(report: ConnectionReport) -> tuple[str, str, str]:
    assert report.failure is not None, report
    return report.failure.name, report.failure.said, report.failure.cause


@pytest.mark.parametrize("way", ["PLAINTEXT", "TLS", "mTLS", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_every_login_passes_step_by_step(logins: dict[str, KafkaLogin], way: str) -> None:
    report = tried(logins[way])

    assert report.failure is None
    assert [step.name for step in report.steps if step.state == "skipped"] == (
        ["TLS"] if way == "PLAINTEXT" else []
    )
    steps = {step.name: step.facts for step in report.steps}
    assert steps["metadata"]["brokers"] == 1
    assert steps["rights"]["topic"] == "DESCRIBE, READ, WRITE"
    if way != "PLAINTEXT":
        assert str(steps["TLS"]["subject"]).startswith("CN=warehouse broker,")
        assert "authority" in str(steps["TLS"]["issuer"])
        assert int(steps["TLS"]["days left"]) > 100


def test_no_secret_is_shown(logins: dict[str, KafkaLogin], own: WarehouseAccess) -> None:
    for way in ("mTLS", "PLAIN", "SCRAM-SHA-512"):
        login = logins[way]
        shown = (
            f"{login!r} {tried(replace(login, password='wrong-but-secret' if login.password else None))!r}"
        )
        assert own.password not in shown
        assert "wrong-but-secret" not in shown
        assert "PRIVATE KEY" not in shown


def test_an_unresolvable_name() -> None:
    name, said, cause = failure(tried(KafkaLogin(bootstrap_servers="b-1.kafka.invalid:9092,nothing")))
    assert name == "name resolution"
    assert "b-1.kafka.invalid" in said
    assert "nothing" in said or "no port" in said
    assert "inside their VPC" in cause


def test_a_port_without_a_listener() -> None:
    name, said, cause = failure(tried(KafkaLogin(bootstrap_servers="127.0.0.1:1")))
    assert (name, "127.0.0.1:1: Connection refused" in said, "9098 IAM" in cause) == ("TCP", True, True)


def test_an_unknown_authority(logins: dict[str, KafkaLogin]) -> None:
    name, said, cause = failure(tried(replace(logins["TLS"], authority=None)))
    assert (name, "could not be verified" in said, "private authority" in cause) == ("TLS", True, True)


def test_an_authority_other_than_the_one_that_signed(logins: dict[str, KafkaLogin]) -> None:
    other = trustme.CA().cert_pem.bytes().decode()
    report = tried(replace(logins["TLS"], authority=other))
    name, _, cause = failure(report)
    assert (name, "another authority than the given one" in cause) == ("TLS", True)
    assert report.failure is not None
    assert str(report.failure.facts["subject"]).startswith(
        "CN=warehouse broker,"
    )  # shown although not trusted


def test_tls_to_a_plain_text_listener(logins: dict[str, KafkaLogin]) -> None:
    name, _, cause = failure(
        tried(replace(logins["TLS"], bootstrap_servers=logins["PLAINTEXT"].bootstrap_servers))
    )
    assert (name, "does not speak TLS" in cause) == ("TLS", True)


def test_plain_text_to_a_tls_listener(logins: dict[str, KafkaLogin]) -> None:
    name, said, cause = failure(
        tried(replace(logins["PLAINTEXT"], bootstrap_servers=logins["TLS"].bootstrap_servers))
    )
    assert (name, "TLS" in said + cause) == ("authentication", True)


def test_no_client_certificate_where_one_is_required(logins: dict[str, KafkaLogin]) -> None:
    name, _, cause = failure(tried(replace(logins["mTLS"], certificate=None, key=None)))
    assert name == "authentication"
    assert "certificate" in cause


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_wrong_password(logins: dict[str, KafkaLogin], mechanism: str) -> None:
    name, said, cause = failure(tried(replace(logins[mechanism], password="wrong")))
    assert (name, "refused user warehouse-app" in said, "a wrong username" in cause) == (
        "authentication",
        True,
        True,
    )


def test_a_topic_that_does_not_exist(logins: dict[str, KafkaLogin]) -> None:
    name, said, cause = failure(tried(logins["PLAINTEXT"], topic="Orders"))
    assert (name, said, cause) == ("topic", "topic Orders does not exist", "did you mean orders?")


def test_a_user_without_rights(
    sandbox: Sandbox, endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The sandbox's only broker with ACLs has no TLS, which Lambda requires; its answers about rights are the same.
    monkeypatch.setattr("mesh_assets.esm.connection.check.lambda_refusal", lambda _: None)
    key = sandbox_keys(sandbox.folder).unprivileged_kafka
    login = KafkaLogin(
        bootstrap_servers=str(endpoints.cloud_bootstrap_servers),
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        username=key.id,
        password=key.secret,
    )
    name, said, cause = failure(tried(login))
    assert (name, "may not be described" in said, "kafka-cluster:DescribeTopic" in cause) == (
        "topic",
        True,
        True,
    )


def test_steps_left_out_without_a_topic_are_named(logins: dict[str, KafkaLogin]) -> None:
    report = tried(logins["PLAINTEXT"], topic=None)
    assert {step.name: step.said for step in report.steps if step.state == "skipped"}[
        "rights"
    ] == "no topic was named"


@pytest.mark.parametrize(
    "login",
    [
        KafkaLogin(bootstrap_servers="h:1", security_protocol="SASL_SSL"),
        KafkaLogin(
            bootstrap_servers="h:1", security_protocol="SASL_SSL", sasl_mechanism="PLAIN", username="u"
        ),
        KafkaLogin(bootstrap_servers="h:1", security_protocol="SSL", certificate="x"),
        KafkaLogin(bootstrap_servers="h:1", sasl_mechanism="PLAIN", username="u", password="p"),
        KafkaLogin(bootstrap_servers=""),
    ],
)
def test_an_incomplete_login_is_refused_before_any_request(login: KafkaLogin) -> None:
    with pytest.raises(EstateError):
        tried(login)


# --- certificates that no broker in the sandbox has


@contextmanager
def a_tls_server(
    tmp_path: Path, authority: trustme.CA, certificate: trustme.LeafCert
) -> Iterator[KafkaLogin]:
    """It completes the handshake and hangs up."""
    pem = tmp_path / "server.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    listener = create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                plain, _ = listener.accept()
            except TimeoutError:
                continue
            try:
                context.wrap_socket(plain, server_side=True).close()
            except OSError:
                plain.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        text = authority.cert_pem.bytes().decode()
        yield KafkaLogin(
            bootstrap_servers=f"127.0.0.1:{listener.getsockname()[1]}",
            security_protocol="SSL",
            authority=text,
        )
    finally:
        ended.set()
        thread.join()
        listener.close()


def test_an_expired_certificate_says_since_when(tmp_path: Path) -> None:
    authority = trustme.CA()
    before, after = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    with a_tls_server(
        tmp_path, authority, authority.issue_cert("127.0.0.1", not_before=before, not_after=after)
    ) as login:
        name, said, cause = failure(tried(login))
    assert (name, "expired" in said, "expired on 2025-01-01" in cause) == ("TLS", True, True)


def test_a_certificate_for_another_name(tmp_path: Path) -> None:
    authority = trustme.CA()
    with a_tls_server(tmp_path, authority, authority.issue_cert("kafka.example")) as login:
        name, _, cause = failure(tried(login))
    assert (name, "it was not issued for 127.0.0.1" in cause) == ("TLS", True)
