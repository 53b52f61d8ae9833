"""Contexts, registration and schemas by id, from every kind of registry."""

import json

import httpx
import pytest

from mesh_assets.errors import PlatformError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.schema_registry import SchemaReference, SchemaText
from mesh_assets_tests.platforms.schema_registry.fakes import (
    STYLES,
    Apicurio,
    AxonOps,
    Confluent,
    FakeRegistry,
    Karapace,
    a_schema,
    error,
)


@pytest.mark.parametrize("style", STYLES)
def test_the_default_context_has_one_name_everywhere(style: type[FakeRegistry]) -> None:
    with style().client() as client:
        assert client.contexts() == (".",)


def test_further_contexts_come_after_the_default_one() -> None:
    with Confluent(contexts=[".staging", ".", ".a"]).client() as client:
        assert client.contexts() == (".", ".a", ".staging")


@pytest.mark.parametrize("style", STYLES)
def test_registering_twice_gives_the_same_id(style: type[FakeRegistry]) -> None:
    with style([a_schema("other-value")]).client() as client:
        assert client.register("events-value", '"string"') == client.register("events-value", '"string"') == 2


@pytest.mark.parametrize(
    ("kind", "content"), [("AVRO", {"schema": "s"}), ("JSON", {"schema": "s", "schemaType": "JSON"})]
)
def test_the_type_is_left_out_for_avro_as_confluent_does(kind: str, content: dict[str, str]) -> None:
    seen: list[tuple[str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.headers["Content-Type"], json.loads(request.content)))
        return httpx.Response(200, json={"id": 3})

    with Confluent(before=answer).client() as client:
        assert client.register("a/b", "s", schema_type=kind) == 3
    assert seen == [("application/vnd.schemaregistry.v1+json", content)]


def test_registering_is_repeated_when_the_registry_is_busy() -> None:
    registry = Confluent()
    registry.before = lambda _: httpx.Response(503) if len(registry.requests) < 3 else None
    with registry.client() as client:
        assert (client.register("a-value", '"string"'), client.requests) == (1, 3)


@pytest.mark.parametrize(
    ("answer", "kind", "sentence"),
    [
        (
            error(409, 409, "Schema being registered is incompatible"),
            RefusedError,
            "does not accept the AVRO schema for 'a-value' (409): Schema being registered is incompatible",
        ),
        (
            error(422, 42201, "Invalid schema"),
            RefusedError,
            "does not accept the AVRO schema for 'a-value' (42201): Invalid schema",
        ),
        (
            httpx.Response(422),
            RefusedError,
            "does not accept the AVRO schema for 'a-value' (422): it does not say why",
        ),
        (
            httpx.Response(200, json={}),
            UnexpectedAnswerError,
            "registered the schema for 'a-value' without returning its id",
        ),
        (httpx.Response(502), UnreachableError, "cannot answer now"),
    ],
)
def test_a_rejected_schema_says_why(answer: httpx.Response, kind: type[PlatformError], sentence: str) -> None:
    def again(_: httpx.Request) -> httpx.Response:
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    with Confluent(before=again).client() as client, pytest.raises(kind) as raised:
        client.register("a-value", '"string"')
    assert sentence in str(raised.value)


@pytest.mark.parametrize("style", STYLES)
def test_a_schema_is_found_by_its_id(style: type[FakeRegistry]) -> None:
    reference = SchemaReference(name="base", subject="base-value", version=2)
    registry = style(
        [
            a_schema("a-value", schema_id=7, kind="JSON", definition="{}", references=(reference,)),
            a_schema("b-value"),
        ]
    )
    with registry.client() as client:
        assert client.schema_by_id(7) == SchemaText(
            id=7, schema_type="JSON", definition="{}", references=(reference,)
        )
        assert client.schema_by_id(1) == SchemaText(id=1, schema_type="AVRO", definition='"string"')


@pytest.mark.parametrize("style", STYLES)
def test_a_missing_schema_is_none(style: type[FakeRegistry]) -> None:
    with style().client() as client:
        assert (client.schema_by_id(7), client.latest("a-value")) == (None, None)


@pytest.mark.parametrize("style", [Confluent, Apicurio, Karapace])
def test_a_subject_with_a_slash_is_found(style: type[FakeRegistry]) -> None:
    schema = a_schema("a/b-value")
    with style([schema]).client() as client:
        assert client.latest("a/b-value") == schema


def test_a_server_that_does_not_decode_paths_does_not_find_a_subject_with_a_slash() -> None:
    with AxonOps([a_schema("a/b-value")]).client() as client:
        assert client.latest("a/b-value") is None


def test_the_error_of_a_deleted_schema_counts_more_than_its_status() -> None:
    with Apicurio(before=lambda _: error(409, 40401, "gone")).client() as client:
        assert client.latest("a-value") is None
    with (
        Apicurio(before=lambda _: error(404, 50001, "store failed")).client() as client,
        pytest.raises(UnexpectedAnswerError),
    ):
        client.latest("a-value")


@pytest.mark.parametrize("style", STYLES)
def test_a_subject_requested_by_name_is_here_or_gone(style: type[FakeRegistry]) -> None:
    with style([a_schema("a-value")]).client() as client:
        assert (client.presence("a-value"), client.presence("b-value")) == ("here", "gone")


def test_a_hidden_subject_is_refused() -> None:
    denied = error(403, 40301, "User is denied operation Read on Subject: a-value")
    with Confluent(before=lambda _: denied).client() as client:
        assert client.presence("a-value") == "refused"


def test_a_failing_registry_proves_nothing_about_a_subject() -> None:
    for answer in (error(404, 50001, "store failed"), error(500, 50001, "store failed")):
        with (
            Confluent(before=lambda _, answer=answer: answer).client() as client,  # type: ignore[misc]
            pytest.raises(UnexpectedAnswerError),
        ):
            client.presence("a-value")


def test_a_name_too_long_for_an_address_leaves_the_decision_to_the_list() -> None:
    registry = Confluent([a_schema("orders-value")])
    with registry.client() as client:
        assert client.presence("x" * 70_000) == "unaskable"
        with pytest.raises(UnexpectedAnswerError, match="with 414: not asked: URL"):
            client.latest("x" * 70_000)
        assert registry.requests == []
