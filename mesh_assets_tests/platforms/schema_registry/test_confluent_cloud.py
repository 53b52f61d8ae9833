"""A registry on Confluent Cloud: errors name its key and roles, and the pace stays below its limit."""

import httpx
import pytest

from mesh_assets.errors import RefusedError, UnreachableError
from mesh_assets.estate.connections import SchemaRegistryConnection
from mesh_assets.platforms.schema_registry import SchemaRegistryClient
from mesh_assets_tests.platforms.http.fakes import FakeTime
from mesh_assets_tests.platforms.schema_registry.fakes import Confluent, a_schema, error, some_schemas

HOST = "https://psrc-1.eu-west-1.aws.confluent.cloud"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SR_SECRET", "s3cr3t-of-the-registry-key")


def client_of(
    registry: Confluent, time: FakeTime, *, url: str = HOST, registry_id: str | None = None
) -> SchemaRegistryClient:
    connection = SchemaRegistryConnection(
        url=f"{url}/base", id=registry_id, username="SRKEY", password="${SR_SECRET}"
    )
    return SchemaRegistryClient(
        connection, workers=1, transport=httpx.MockTransport(registry), clock=time.clock
    )


@pytest.mark.parametrize(("url", "registry_id"), [(HOST, None), ("http://127.0.0.1:8081", "lsrc-12345")])
@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (
            error(401, 401, "Unauthorized"),
            "(401): Unauthorized; expected a Schema Registry key made for this registry, not a Cloud key or one of a Kafka cluster; check "
            "username and password of schema_registry in the estate (GET /schemas)",
        ),
        (
            error(403, 40301, "User is denied operation Read on Subject: a-value"),
            "(403): User is denied operation Read on Subject: a-value; the owner of this Schema Registry key needs the role "
            "DeveloperRead on subject *, and DeveloperWrite on discovery-events-value and discovery-changes-value to publish "
            "(GET /subjects)",
        ),
    ],
)
def test_a_refusal_names_the_kind_of_key_and_the_role(
    url: str, registry_id: str | None, answer: httpx.Response, advice: str
) -> None:
    registry = Confluent(before=lambda _: httpx.Response(answer.status_code, content=answer.content))
    with (
        client_of(registry, FakeTime(), url=url, registry_id=registry_id) as client,
        pytest.raises(RefusedError) as caught,
    ):
        client.read_latest_schemas()
    assert str(caught.value) == f"Schema Registry at {url}/base refused Schema Registry key SRKEY {advice}"


def test_many_single_reads_stay_below_75_in_any_second() -> None:
    time = FakeTime()
    moments: list[float] = []
    registry = Confluent(schemas=some_schemas(150), before=lambda _: moments.append(time.elapsed))
    with client_of(registry, time) as client:
        client.subject_levels([schema.subject for schema in registry.schemas])
    assert len(moments) == 302
    assert max(sum(start <= moment < start + 1 for moment in moments) for start in moments) <= 75


def test_elsewhere_single_reads_are_not_limited() -> None:
    time = FakeTime()
    connection = SchemaRegistryConnection(url="http://registry.test/base")
    registry = Confluent(schemas=some_schemas(150))
    with SchemaRegistryClient(
        connection, workers=1, transport=httpx.MockTransport(registry), clock=time.clock
    ) as client:
        client.subject_levels([schema.subject for schema in registry.schemas])
    assert time.elapsed == 0


def test_throttling_under_a_minute_is_waited_out_and_longer_is_reported_at_once() -> None:
    page = "<html><title>429 Too Many Requests</title></html>"
    for seconds, waited in ((40, True), (600, False)):
        time = FakeTime()
        throttled = [
            httpx.Response(
                429, headers={"rateLimit-reset": str(seconds), "Content-Type": "text/html"}, text=page
            )
        ]
        registry = Confluent(
            schemas=[a_schema("a-value")],
            before=lambda _, left=throttled: left.pop() if left else None,  # type: ignore[misc]
        )
        with client_of(registry, time) as client:
            if waited:
                assert [schema.subject for schema in client.read_latest_schemas()] == ["a-value"]
                assert 40 <= time.elapsed <= 42
            else:
                with pytest.raises(
                    UnreachableError,
                    match="it asks for a wait of 600 s, longer than the 60 s a call may take",
                ):
                    client.read_latest_schemas()
                assert time.elapsed < 1


def test_subjects_of_all_contexts_come_from_one_list() -> None:
    registry = Confluent(
        schemas=[
            a_schema("orders-value"),
            a_schema(":.eu:orders-value", schema_id=2),
            a_schema(":.us:orders-value", schema_id=3),
        ],
        contexts=[".", ".eu", ".us"],
    )
    with client_of(registry, FakeTime()) as client:
        assert [schema.subject for schema in client.read_latest_schemas()] == [
            ":.eu:orders-value",
            ":.us:orders-value",
            "orders-value",
        ]
        assert registry.requests == ["GET /schemas"]
