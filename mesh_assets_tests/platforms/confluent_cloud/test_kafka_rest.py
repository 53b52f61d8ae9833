"""Cluster links in their published shapes; what a cluster lacks or hides is a part with a reason."""

from typing import Any

import httpx
import pytest

from mesh_assets.errors import RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.estate.connections import KafkaRestConnection
from mesh_assets.inventory.cluster_link_records import ClusterLinks
from mesh_assets.inventory.parts import Unread
from mesh_assets.masking.configs import MASK
from mesh_assets.platforms.confluent_cloud.kafka_rest import KafkaRestClient
from mesh_assets_tests.platforms.http.fakes import FakeTime
from mesh_assets_tests.sandbox.cloud.shapes import examples

URL = "https://pkc-1.eu-west-1.aws.confluent.cloud"
LINKS = "/kafka/v3/clusters/lkc-1/links"
PUBLISHED = examples("kafka-rest-v3")
EMPTY = {"kind": "", "metadata": {"self": URL, "next": None}, "data": []}


class Service:
    """Answers by path: JSON, or a response."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {LINKS: EMPTY, f"{LINKS}/-/mirrors": EMPTY, **answers}
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        self.asked.append(path)
        assert request.headers["authorization"].startswith("Basic ")
        answer = self.answers.get(path, EMPTY)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def read(self) -> tuple[ClusterLinks, dict[str, Unread]]:
        connection = KafkaRestConnection(url=URL, username="KAFKAKEY", password="${KAFKA_SECRET}")
        with KafkaRestClient(
            connection, transport=httpx.MockTransport(self), clock=FakeTime().clock
        ) as client:
            return client.cluster_links("lkc-1")


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SECRET", "s3cr3t-of-the-key")


def error(status: int, code: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error_code": code, "message": message})


def one_link(**fields: Any) -> dict[str, Any]:
    return {**EMPTY, "data": [{**PUBLISHED["links"]["data"][0], **fields}]}


def test_the_published_examples_are_read_completely() -> None:
    service = Service(
        **{
            LINKS: PUBLISHED["links"],
            f"{LINKS}/my-new-link-1/configs": PUBLISHED["configs"],
            f"{LINKS}/-/mirrors": PUBLISHED["mirrors"],
        }
    )
    found, unread = service.read()

    assert unread == {}
    assert found.links is not None
    assert found.mirror_topics is not None
    assert [
        (one.name, one.origin_id, one.destination_cluster_id, one.state, one.error) for one in found.links
    ] == [
        ("my-new-link-1", "src-cluster-id", None, "ACTIVE", None),
        ("my-new-link-2", "src-cluster-id", None, "UNAVAILABLE", "AUTHENTICATION_ERROR"),
        ("my-new-link-3", None, "dest-cluster-id", "ACTIVE", None),
    ]
    assert found.links[1].error_message == "Please check your api key and secret"
    assert found.links[0].config == {"acl.sync.ms": "5000", "consumer.offset.sync.ms": "3825940"}
    assert [
        (one.name, one.status, one.partitions, one.lag_records, one.largest_lag_records)
        for one in found.mirror_topics
    ] == [("topic-1", "ACTIVE", 3, 50_000, 40_000), ("topic-2", "STOPPED", 3, 50_000, 40_000)]
    assert f"{found.mirror_topics[0].status_since:%Y-%m-%d}" == "2021-02-05"
    assert service.asked[0] == LINKS
    assert len(service.asked) == 5


def test_a_cluster_without_links_has_none_in_two_requests() -> None:
    service = Service()
    assert service.read() == (ClusterLinks(links=(), mirror_topics=()), {})
    assert service.asked == [LINKS, f"{LINKS}/-/mirrors"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            error(403, 40301, "Cluster authorization failed"),
            "refused Kafka API key KAFKAKEY (403: Cluster authorization failed); "
            "the owner of this Kafka API key needs the role Operator on the cluster",
        ),
        (
            error(401, 401, "Not authorized"),
            "refused Kafka API key KAFKAKEY (401: Not authorized); the owner of this",
        ),
        (error(404, 404, "HTTP 404 Not Found"), "has no cluster links to report (404: HTTP 404 Not Found)"),
        (
            error(400, 400, "Cluster Linking is not enabled"),
            "has no cluster links to report (400: Cluster Linking is",
        ),
    ],
)
def test_a_refused_or_missing_part_is_unknown_with_its_reason_and_the_other_is_read(
    answer: httpx.Response, reason: str
) -> None:
    found, unread = Service(**{f"{LINKS}/-/mirrors": answer}).read()

    assert (found.links, found.mirror_topics) == ((), None)
    assert reason in found.unknown["mirror_topics"]
    assert unread["mirror_topics"].expected


@pytest.mark.parametrize(
    ("answer", "raised", "sentence"),
    [
        (
            error(401, 40101, "Authentication failed"),
            RefusedError,
            "expected an API key of this Kafka cluster",
        ),
        (
            httpx.Response(429, html="<html><title>Error 429</title></html>"),
            UnreachableError,
            "cannot answer now",
        ),
        (httpx.Response(200, json={"data": {}}), UnexpectedAnswerError, "something other than a list"),
        (
            httpx.Response(200, json={**EMPTY, "metadata": {"next": "x"}}),
            UnexpectedAnswerError,
            "a list that continues",
        ),
        (
            httpx.Response(200, json=one_link(link_name=None)),
            UnexpectedAnswerError,
            "an entry whose shape differs",
        ),
        (
            httpx.Response(200, json={**EMPTY, "data": ["x"]}),
            UnexpectedAnswerError,
            "an entry whose shape differs",
        ),
    ],
)
def test_a_wrong_key_or_answer_is_an_error(
    answer: httpx.Response, raised: type[Exception], sentence: str
) -> None:
    with pytest.raises(raised, match=sentence):
        Service(**{LINKS: answer}).read()


def test_secrets_of_a_link_are_masked_by_flag_or_by_name() -> None:
    def config(name: str, value: str, **flags: bool) -> dict[str, Any]:
        return {**PUBLISHED["configs"]["data"][0], "name": name, "value": value, **flags}

    configs = {
        **EMPTY,
        "data": [
            config("bootstrap.servers", "afar:9092"),
            config("sasl.jaas.config", 'PlainLoginModule required password="hidden"'),
            config("some.new.thing", "hidden", is_sensitive=True),
            config("another.thing", "hidden", sensitive=True),
        ],
    }
    found, _ = Service(**{LINKS: one_link(), f"{LINKS}/my-new-link-1/configs": configs}).read()

    assert found.links is not None
    assert found.links[0].config == {
        "another.thing": MASK,
        "bootstrap.servers": "afar:9092",
        "sasl.jaas.config": MASK,
        "some.new.thing": MASK,
    }


def test_a_link_with_unreadable_configs_is_still_a_link() -> None:
    link = one_link(
        link_name="a/b",
        link_error="NO_ERROR",
        tasks=[
            {
                "task_name": "AclSync",
                "state": "IN_ERROR",
                "errors": [{"error_code": "ACL_LIMIT", "error_message": "too many"}],
            }
        ],
    )
    found, unread = Service(
        **{LINKS: link, f"{LINKS}/a%2Fb/configs": error(500, 500, "Internal Server Error")}
    ).read()

    assert unread == {}
    assert found.links is not None
    assert (found.links[0].name, found.links[0].error, found.links[0].config) == ("a/b", None, None)
    assert "Internal Server Error" in (found.links[0].config_error or "")
    assert found.links[0].tasks[0].errors == ("ACL_LIMIT: too many",)


def test_a_lag_unknown_for_one_partition_is_unknown() -> None:
    mirror = {
        **PUBLISHED["mirrors"]["data"][0],
        "mirror_lags": [{"partition": 0, "lag": -1, "last_source_fetch_offset": 0}],
    }
    found, _ = Service(
        **{f"{LINKS}/-/mirrors": {**EMPTY, "data": [mirror, {**mirror, "mirror_lags": []}]}}
    ).read()

    assert found.mirror_topics is not None
    assert [(one.lag_records, one.largest_lag_records) for one in found.mirror_topics] == [
        (None, None),
        (None, None),
    ]
