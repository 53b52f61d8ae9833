import threading
from functools import partial
from typing import Any

import httpx
import pytest

from mesh_assets.access_checks import AccessCheck, check_estate
from mesh_assets.access_checks.check import side_by_side
from mesh_assets.errors import EstateError
from mesh_assets.estate.model import Estate
from mesh_assets.platforms import listeners
from mesh_assets_tests.access_checks.fakes import FakeBrokers, worker
from mesh_assets_tests.platforms.schema_registry.fakes import FakeRegistry

EVENT_TOPICS = {"discovery-events": "compact", "discovery-changes": "delete"}
REGISTRY = {"url": "http://registry.test/base"}
CONNECT = {"kind": "kafka_connect", "url": "http://connect.test:8083"}


def cluster(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "kafka": {"bootstrap_servers": f"{name}.test:9092"}, **fields}


def estate_of(*clusters: dict[str, Any], **events: Any) -> Estate:
    return Estate.model_validate(
        {"clusters": {fields["name"]: fields for fields in clusters}, "events": events}
    )


class Services:
    """The tests' registry and worker, by host; remembers the requests."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self._registry = FakeRegistry()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(f"{request.method} {request.url}")
        return self._registry(request) if request.url.host == "registry.test" else worker(request)


def check(
    estate: Estate, *names: str, brokers: FakeBrokers | None = None, **options: Any
) -> tuple[AccessCheck, ...]:
    brokers = brokers or FakeBrokers(topics=EVENT_TOPICS)
    return check_estate(estate, names, connect=brokers, transport=httpx.MockTransport(Services()), **options)


def systems(checks: tuple[AccessCheck, ...]) -> list[tuple[str, str]]:
    return [(result.cluster, result.system) for result in checks]


def test_every_system_of_every_cluster_is_checked_in_the_order_of_the_estate() -> None:
    checks = check(
        estate_of(
            cluster("b", schema_registry=REGISTRY, connect=[CONNECT, CONNECT]),
            cluster("a", schema_registry=REGISTRY),
        ),
        brokers=FakeBrokers(topics=EVENT_TOPICS, other_ids={"a.test:9092": "another"}),
    )
    assert systems(checks) == [
        ("b", "kafka"),
        ("b", "events"),
        ("b", "schema registry"),
        ("b", "connect"),
        ("b", "connect"),
        ("a", "kafka"),
        ("a", "events"),
        ("a", "schema registry"),
    ]
    assert {result.state for result in checks} == {"ok"}
    assert checks[3].facts["belongs_to"] == "this cluster"


def test_a_second_name_for_a_cluster_fails_the_check_since_discovery_refuses_it() -> None:
    first, _, second, _ = check(estate_of(cluster("a"), cluster("b")))
    assert (first.state, second.state) == ("ok", "incomplete")
    assert second.missing == (
        "it is the same cluster as a (the-cluster): discovery refuses a second name for it; name it once in the estate, "
        "with the patterns of both",
    )


def test_only_the_named_clusters_are_checked() -> None:
    estate = estate_of(*(cluster(name, schema_registry=REGISTRY) for name in "abc"))
    assert {name for name, _ in systems(check(estate, "c", "a"))} == {"a", "c"}


def test_a_name_that_is_not_in_the_estate_is_refused() -> None:
    with pytest.raises(EstateError, match="no cluster 'x'; it has: a, b"):
        check(estate_of(cluster("a"), cluster("b")), "x")


def test_a_cluster_that_carries_the_events_is_checked_for_that_whatever_is_named() -> None:
    estate = estate_of(
        cluster("a"), cluster("b"), cluster("hub", schema_registry=REGISTRY, connect=[CONNECT]), cluster="hub"
    )
    checks = check(estate, "a", "b")
    assert systems(checks) == [
        ("a", "kafka"),
        ("b", "kafka"),
        ("hub", "events"),
        ("hub", "schema registry"),
    ]
    assert checks[2].facts["carried_clusters"] == 2
    assert checks[3].rights == "reads; registering: not tried"
    assert systems(check(estate)) == [
        ("a", "kafka"),
        ("b", "kafka"),
        ("hub", "kafka"),
        ("hub", "events"),
        ("hub", "schema registry"),
        ("hub", "connect"),
    ]


def test_a_registry_beside_the_carrier_is_only_read() -> None:
    estate = estate_of(
        cluster("a", schema_registry=REGISTRY), cluster("hub", schema_registry=REGISTRY), cluster="hub"
    )
    assert check(estate, "a")[1].rights == "reads"


def test_an_unresolvable_secret_is_one_line_for_its_system_and_the_others_are_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    registry = {**REGISTRY, "username": "key", "password": "${NOWHERE}"}
    kafka, events, schemas, connect = check(
        estate_of(cluster("a", schema_registry=registry, connect=[CONNECT]))
    )
    assert (kafka.state, events.state, connect.state) == ("ok", "ok", "ok")
    assert (schemas.state, schemas.endpoint) == ("failed", "http://registry.test/base")
    assert schemas.missing == (
        "the estate refers to ${NOWHERE}, but the environment variable NOWHERE is not set; set it before running",
    )


def test_an_unresolvable_secret_of_kafka_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    kafka = {
        "bootstrap_servers": "b:1",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "username": "a",
        "password": "${NOWHERE}",
    }
    brokers, events, registry, connect = check(
        estate_of(cluster("a", schema_registry=REGISTRY, connect=[CONNECT]) | {"kafka": kafka})
    )
    assert brokers.missing == (
        "kafka.password: the estate refers to ${NOWHERE}, but the environment variable NOWHERE is not set; set it before running",
    )
    assert events.missing == ("not checked, because kafka of a failed",)
    assert (registry.state, connect.state, connect.facts["belongs_to"]) == ("ok", "ok", "unknown")


def test_a_worker_is_compared_with_the_estate_when_the_brokers_do_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    fields = {"cluster_id": "lkc-1", "connect": [CONNECT], "kafka": {"bootstrap_servers": "${NOWHERE}"}}
    assert check(estate_of({"name": "a", **fields}))[-1].facts["belongs_to"] == "another cluster"


def test_a_system_that_hangs_is_reported_when_the_time_is_over() -> None:
    forever = threading.Event()

    def hang(request: httpx.Request) -> httpx.Response:
        forever.wait()
        return worker(request)

    estate = estate_of(cluster("a", connect=[CONNECT]))
    try:
        checks = check_estate(
            estate,
            connect=FakeBrokers(topics=EVENT_TOPICS),
            transport=httpx.MockTransport(hang),
            within_seconds=0.5,
        )
    finally:
        forever.set()
    assert checks[-1].state == "failed"
    assert checks[-1].missing == (
        "no complete answer within 0.5 s; is it overloaded? try it alone: --cluster a",
    )


def test_only_get_requests_are_sent() -> None:
    services = Services()
    estate = estate_of(cluster("a", schema_registry=REGISTRY, connect=[CONNECT]))
    check_estate(estate, connect=FakeBrokers(), transport=httpx.MockTransport(services))
    assert {request.split()[0] for request in services.requests} == {"GET"}


def test_no_secret_is_in_any_check(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {"KAFKA": "kafka-hunter2", "REGISTRY": "registry-hunter2", "CONNECT": "connect-hunter2"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    kafka = {
        "bootstrap_servers": "b:1",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "username": "a",
        "password": "${KAFKA}",
    }
    estate = estate_of(
        {
            "name": "a",
            "kafka": kafka,
            "schema_registry": {**REGISTRY, "username": "b", "password": "${REGISTRY}"},
            "connect": [{"kind": "kafka_connect", "url": "http://c:${CONNECT}@connect.test:8083"}],
        }
    )
    brokers = FakeBrokers()
    checks = check(estate, brokers=brokers)
    assert brokers.configurations[0]["sasl.password"] == "kafka-hunter2"
    assert [result.identity for result in checks] == ["a (PLAIN)", "a (PLAIN)", "b", "c"]
    assert "hunter2" not in repr(checks)


def test_results_come_in_the_order_of_the_work() -> None:
    work = [partial(int, number) for number in range(100)]
    assert side_by_side(work, workers=4, within_seconds=10) == list(range(100))


def test_no_work_gives_no_results() -> None:
    assert side_by_side([], workers=4, within_seconds=10) == []


def test_pieces_run_concurrently() -> None:
    both = threading.Barrier(2, timeout=10)
    assert sorted(side_by_side([both.wait, both.wait], workers=2, within_seconds=10)) == [0, 1]  # type: ignore[type-var]


def test_a_piece_that_hangs_gives_none_and_holds_up_neither_the_rest_nor_the_caller() -> None:
    forever = threading.Event()
    try:
        assert side_by_side(
            [forever.wait, lambda: True, forever.wait, lambda: True], workers=2, within_seconds=0.2
        ) == [
            None,
            True,
            None,
            None,
        ]
    finally:
        forever.set()


def test_an_exception_is_raised_to_the_caller() -> None:
    def fail() -> int:
        raise ValueError("oops")

    with pytest.raises(ValueError, match="oops"):
        side_by_side([fail, lambda: 1], workers=2, within_seconds=10)


@pytest.mark.parametrize(
    ("url", "noted"),
    [
        ("http://registry.test:8081", True),
        ("https://registry.test:8081", False),
        ("http://127.0.0.1:8081", False),
        ("http://localhost:8081", False),
        ("http://[::1]:8081", False),
        ("http://127.example.com", True),
        ("http://localhost.example.com", True),
    ],
)
def test_a_password_over_plain_http_gets_a_note_and_one_line_in_the_log(
    url: str, noted: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MESH_TEST_SECRET", "hush")
    listeners.warn_once.cache_clear()
    registry = {"url": url, "username": "alice", "password": "${MESH_TEST_SECRET}"}
    estate = estate_of(cluster("warehouse", schema_registry=registry))

    for _ in range(2):
        found = next(one for one in check(estate) if one.system == "schema registry")

        assert any("in clear text" in note for note in found.notes) is noted
    lines = [record.message for record in caplog.records if "in clear text" in record.message]
    assert len(lines) == noted
    assert "hush" not in f"{lines}{found}"


def test_plain_http_without_a_credential_gets_no_note() -> None:
    estate = estate_of(cluster("warehouse", schema_registry={"url": "http://registry.test:8081"}))

    assert not any("in clear text" in note for one in check(estate) for note in one.notes)


@pytest.mark.parametrize(
    ("protocol", "mechanism", "servers", "noted"),
    [
        ("SASL_PLAINTEXT", "PLAIN", "broker.test:9092", True),
        ("SASL_PLAINTEXT", "PLAIN", "127.0.0.1:9092,broker.test:9092", True),
        ("SASL_PLAINTEXT", "PLAIN", "127.0.0.1:9092,localhost:9092", False),
        ("SASL_PLAINTEXT", "SCRAM-SHA-512", "broker.test:9092", False),
        ("SASL_SSL", "PLAIN", "broker.test:9092", False),
    ],
)
def test_a_password_sent_to_brokers_without_tls_gets_a_note(
    protocol: str, mechanism: str, servers: str, noted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MESH_TEST_SECRET", "hush")
    kafka = {
        "bootstrap_servers": servers,
        "security_protocol": protocol,
        "sasl_mechanism": mechanism,
        "username": "alice",
        "password": "${MESH_TEST_SECRET}",
    }
    found = check(estate_of({"name": "warehouse", "kafka": kafka}))[0]

    assert any("in clear text" in note for note in found.notes) is noted
