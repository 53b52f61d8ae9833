"""The section of cluster links: found automatically where Confluent Cloud gives the address, and never empty for lack of
one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from mesh_assets.collecting.clients import ClusterClients
from mesh_assets.collecting.cluster_links import ClusterLinksReader
from mesh_assets.collecting.sections import collect_sections
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import ClusterLinksSection
from mesh_assets_tests.collecting.cluster_fakes import CLUSTER_ID, FakeKafka
from mesh_assets_tests.documents import MOMENT, a_document, some_links
from mesh_assets_tests.platforms.http.fakes import FakeTime
from mesh_assets_tests.sandbox.cloud.shapes import examples

REST = "https://pkc-1.eu-west-1.aws.confluent.cloud"
EMPTY = {"metadata": {"next": None}, "data": []}


class Cloud:
    """Control plane and Kafka REST by host; `rest`: the address of the latter according to the former. `failing`: host →
    status, 0: unreachable."""

    def __init__(self, rest: str | None = REST, *, failing: dict[str, int] | None = None) -> None:
        self.rest, self.failing = rest, failing or {}
        self.asked: list[str] = []
        self.keys: dict[str, set[str]] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        self.asked.append(f"{host}{request.url.path}")
        self.keys.setdefault(host, set()).add(request.headers.get("authorization", ""))
        status = self.failing.get(host)
        if status == 0:
            raise httpx.ConnectError("refused")
        if status is not None:
            return httpx.Response(status, json={"error_code": status, "message": "as told"})
        if host == "api.confluent.cloud":
            spec = {} if self.rest is None else {"http_endpoint": self.rest}
            return httpx.Response(200, json={"metadata": {}, "data": [{"id": CLUSTER_ID, "spec": spec}]})
        parts = {"links": examples("kafka-rest-v3")["links"], "mirrors": examples("kafka-rest-v3")["mirrors"]}
        return httpx.Response(200, json=parts.get(request.url.path.rpartition("/")[2], EMPTY))


def a_cluster(**fields: Any) -> Cluster:
    key = {"username": "KAFKAKEY", "password": "${KAFKA_SECRET}"}
    return Cluster.model_validate(
        {
            "name": "warehouse",
            "environment": {"id": "env-1"},
            "kafka": {
                "bootstrap_servers": "b:9092",
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": "PLAIN",
                **key,
            },
            "control_plane": {
                "kind": "confluent_cloud",
                "username": "CLOUDKEY",
                "password": "${CLOUD_SECRET}",
            },
            **fields,
        }
    )


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SECRET", "s3cr3t-of-kafka")
    monkeypatch.setenv("CLOUD_SECRET", "s3cr3t-of-the-cloud")


def collected(
    cloud: Cloud, cluster: Cluster | None = None, previous: Document | None = None
) -> ClusterLinksSection:
    reader = ClusterLinksReader(
        cluster or a_cluster(), transport=httpx.MockTransport(cloud), clock=FakeTime().clock
    )

    @contextmanager
    def clients(_: Cluster) -> Iterator[ClusterClients]:
        with reader:
            yield ClusterClients(kafka=FakeKafka(), registry=None, connect=(), links=reader)

    section = collect_sections(
        cluster or a_cluster(), ["cluster_links"], previous=lambda _: previous, clients=clients
    )["cluster_links"]
    assert isinstance(section, ClusterLinksSection)
    return section


def unknown(section: ClusterLinksSection) -> str:
    assert section.records is not None
    assert section.records.links is None
    assert section.records.mirror_topics is None
    [reason] = set(section.records.unknown.values())
    return reason


def test_the_control_plane_gives_the_address_and_the_brokers_key_opens_it() -> None:
    cloud = Cloud()
    section = collected(cloud)

    assert section.state.status == "fresh"
    assert section.state.error is None
    assert section.records is not None
    assert [one.name for one in section.records.mirror_topics or ()] == ["topic-1", "topic-2"]
    assert cloud.asked[:2] == [
        "api.confluent.cloud/cmk/v2/clusters",
        f"{httpx.URL(REST).host}/kafka/v3/clusters/{CLUSTER_ID}/links",
    ]
    assert section.cost.http_requests == len(cloud.asked) == 6
    assert all(len(keys) == 1 for keys in cloud.keys.values())
    assert cloud.keys["api.confluent.cloud"].isdisjoint(cloud.keys[httpx.URL(REST).host])


def test_only_an_address_in_the_estate_is_asked() -> None:
    cloud = Cloud()
    collected(cloud, a_cluster(kafka_rest={"url": "https://rest.example"}))
    assert {one.partition("/")[0] for one in cloud.asked} == {"rest.example"}


@pytest.mark.parametrize("told", ["https://pkc-1.example.com", "http://pkc-1.eu-west-1.aws.confluent.cloud"])
def test_a_key_is_sent_only_to_confluents_own_hosts_and_never_in_clear(told: str) -> None:
    cloud = Cloud(told)
    reason = unknown(collected(cloud))

    assert reason.startswith(
        f"Confluent Cloud names {told} for Kafka REST, which is not one of its own hosts, so the key is not sent there"
    )
    assert set(cloud.keys) == {"api.confluent.cloud"}


@pytest.mark.parametrize(
    ("cloud", "fields", "reason"),
    [
        (
            Cloud(None),
            {},
            "cannot see the Kafka REST address of lkc-1 in env-1; grant its owner Operator on the environment",
        ),
        (
            Cloud(failing={"api.confluent.cloud": 403}),
            {},
            "the address of the Kafka REST interface is not known: Confluent Cloud",
        ),
        (Cloud(), {"environment": None}, "which the estate does not give; add `environment: {id: env-…}`"),
        (
            Cloud(),
            {"kafka": {"bootstrap_servers": "b:9092"}},
            "the estate's brokers have no username and password (PLAIN)",
        ),
        (Cloud(failing={httpx.URL(REST).host: 403}), {}, "needs the role Operator on the cluster"),
    ],
)
def test_hidden_links_are_unknown_with_what_to_do_and_fail_nothing(
    cloud: Cloud, fields: dict[str, Any], reason: str
) -> None:
    section = collected(cloud, a_cluster(**fields))

    assert reason in unknown(section)
    assert (section.state.status, section.state.error) == ("fresh", None)


@pytest.mark.parametrize("host", ["api.confluent.cloud", httpx.URL(REST).host])
def test_an_unreachable_system_leaves_the_last_good_section(host: str) -> None:
    cloud = Cloud(failing={host: 0})
    first, later = collected(cloud), collected(cloud, previous=a_document(cluster_links=some_links()))

    assert (first.state.status, first.records) == ("stale", None)
    assert (later.state.status, later.state.collected_at, later.records) == ("stale", MOMENT, some_links())
    assert "cannot be reached" in (later.state.error or "")


def test_revoked_rights_keep_what_was_known_and_say_so() -> None:
    cloud = Cloud(failing={httpx.URL(REST).host: 403})
    section = collected(cloud, previous=a_document(cluster_links=some_links()))

    assert section.records == some_links()
    assert (section.state.status, section.state.collected_at) == ("stale", MOMENT)
    assert "links are the last known: Kafka REST" in (section.state.error or "")


def test_a_missing_secret_fails_this_section_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOUD_SECRET")
    section = collected(Cloud())

    assert "CLOUD_SECRET" in unknown(section)
    assert [one.source for one in section.state.stale_sources] == ["links", "mirror_topics"]


def test_a_cluster_without_links_in_the_estate_has_no_such_section() -> None:
    @contextmanager
    def clients(_: Cluster) -> Iterator[ClusterClients]:
        yield ClusterClients(kafka=FakeKafka(), registry=None, connect=())

    section = collect_sections(
        a_cluster(control_plane=None), ["cluster_links"], previous=lambda _: None, clients=clients
    )["cluster_links"]
    assert (section.state.status, section.records) == ("not_configured", None)
