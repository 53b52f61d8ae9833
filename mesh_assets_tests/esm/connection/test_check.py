"""The steps after the login: what the brokers say about the cluster, the topic and the group."""

from collections.abc import Callable, Iterable
from socket import create_server

import pytest

from mesh_assets.esm.connection import ConnectionReport, KafkaLogin, Step, check_connection
from mesh_assets_tests.access_checks.fakes import EVERYTHING, SINCE_2_3, FakeBrokers, Rights
from mesh_assets_tests.platforms.kafka.wire.broker import METADATA, ScriptedBroker, hangs_up

READER = {"orders": ["READ", "DESCRIBE"]}
Tried = Callable[..., ConnectionReport]


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Tried:
    """The report on these brokers, whose listener accepts connections."""

    def of(brokers: FakeBrokers, *, topic: str, group: str | None = None) -> ConnectionReport:
        monkeypatch.setattr("mesh_assets.esm.connection.check.RunningCluster", brokers)
        with create_server(("127.0.0.1", 0)) as listener:
            login = KafkaLogin(bootstrap_servers=f"127.0.0.1:{listener.getsockname()[1]}")
            return check_connection(login, topic=topic, group=group, timeout_seconds=2)

    return of


def rights_of(report: ConnectionReport) -> Step:
    return next(step for step in report.steps if step.name == "rights")


def test_a_login_that_may_read_passes_every_step(tried: Tried) -> None:
    brokers = FakeBrokers(rights=EVERYTHING, topics={"orders": ""}, groups=("billing",), numbers=(1, 2))
    report = tried(brokers, topic="orders", group="billing")
    assert report.failure is None
    facts = {step.name: step.facts for step in report.steps}
    assert facts["metadata"] == {"cluster id": "the-cluster", "brokers": 2, "visible topics": 1}
    assert facts["rights"] == {"topic": "DESCRIBE, READ, WRITE", "group": "may be described"}
    assert [broker for name, broker, _ in brokers.asked if name == "Metadata" and broker is not None] == [
        1,
        2,
    ]


@pytest.mark.parametrize(
    ("groups", "group", "state"),
    [
        (["seen"], "seen", "may be described"),
        (["seen"], "other", "may not be described"),  # it exists
        (["seen"], "new", "may not be described"),
        (["seen", "new"], "new", "does not exist yet"),
        (["*"], "new", "does not exist yet"),
        ([], "other", "does not exist yet, or is hidden"),
    ],
)
def test_a_group_hidden_from_the_list_does_not_count_as_missing(
    tried: Tried, groups: Iterable[str], group: str, state: str
) -> None:
    rights = Rights(topics=READER, groups={name: ["DESCRIBE"] for name in groups})
    brokers = FakeBrokers(rights=rights, topics={"orders": ""}, groups=("seen", "other"))
    step = rights_of(tried(brokers, topic="orders", group=group))
    assert step.facts["group"] == state
    assert step.state == ("failed" if state == "may not be described" else "ok")
    if step.state == "failed":
        assert step.said == f"no DESCRIBE on group {group}"


def test_a_group_is_not_requested_by_name_where_the_list_is_complete(tried: Tried) -> None:
    brokers = FakeBrokers(rights=Rights(cluster=["DESCRIBE"], topics=READER), topics={"orders": ""})
    assert rights_of(tried(brokers, topic="orders", group="new")).facts["group"] == "does not exist yet"
    assert brokers.requests("FindCoordinator") == []


def test_a_missing_right_on_the_topic_is_named(tried: Tried) -> None:
    brokers = FakeBrokers(rights=Rights(topics={"orders": ["DESCRIBE"]}), topics={"orders": ""})
    step = rights_of(tried(brokers, topic="orders"))
    assert (step.state, step.said) == ("failed", "no READ on topic orders")


def test_brokers_that_do_not_report_rights_do_not_count_as_refusing_them(tried: Tried) -> None:
    step = rights_of(tried(FakeBrokers(topics={"orders": ""}, newest=SINCE_2_3), topic="orders"))
    assert (step.state, step.facts["topic"]) == ("ok", "the brokers do not report rights")


@pytest.mark.parametrize(
    ("topic", "rights", "said", "cause"),
    [
        ("Orders", EVERYTHING, "topic Orders does not exist", "did you mean orders?"),
        ("none", EVERYTHING, "topic none does not exist", "a typo, or the topic is on another cluster"),
        ("orders", Rights(), "topic orders may not be described, if it exists", "no DESCRIBE on the topic"),
    ],
)
def test_a_missing_topic_differs_from_a_hidden_one(
    tried: Tried, topic: str, rights: Rights, said: str, cause: str
) -> None:
    failure = tried(FakeBrokers(rights=rights, topics={"orders": ""}), topic=topic).failure
    assert failure is not None
    assert (failure.name, failure.said) == ("topic", said)
    assert cause in failure.cause


# --- over a socket


def test_a_broker_that_advertises_an_unreachable_address_is_found() -> None:
    with ScriptedBroker(nodes={7: "127.0.0.1:1"}) as broker:
        report = check_connection(
            KafkaLogin(bootstrap_servers=broker.address), topic="orders", timeout_seconds=1
        )
    failure = report.failure
    assert failure is not None
    assert failure.name == "metadata"
    assert "broker 7, whose advertised listener is 127.0.0.1:1: " in failure.said
    assert "Connection refused" in failure.said
    assert "advertised.listeners" in failure.cause


def test_a_listener_that_hangs_up_on_clients_without_a_login_does_not_fail_the_metadata_step() -> None:
    with ScriptedBroker({METADATA: hangs_up}) as broker:
        report = check_connection(KafkaLogin(bootstrap_servers=broker.address), timeout_seconds=1)
    failure = report.failure
    assert failure is not None
    assert failure.name == "authentication"
    assert "it wants TLS or a login" in failure.cause
