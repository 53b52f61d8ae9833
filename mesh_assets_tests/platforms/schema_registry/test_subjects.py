"""All subjects with their latest schema: the same inventory from every kind of registry, in as few requests
as it allows."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.errors import PlatformError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.inventory.data_contracts import DataContract, SchemaRule
from mesh_assets.platforms.schema_registry import SchemaReference
from mesh_assets_tests.platforms.schema_registry.fakes import (
    STYLES,
    Apicurio,
    AxonOps,
    Confluent,
    FakeRegistry,
    Karapace,
    a_schema,
    by_subject,
    error,
    some_schemas,
)


@pytest.mark.parametrize("style", STYLES)
@given(count=st.integers(0, 60), page_size=st.integers(2, 25), hidden_rows=st.integers(0, 30))
def test_every_style_yields_the_same_inventory_whatever_the_number_of_subjects_and_the_page(
    style: type[FakeRegistry], count: int, page_size: int, hidden_rows: int
) -> None:
    registry = style(some_schemas(count))
    if isinstance(registry, Apicurio):
        registry.hidden_rows = hidden_rows
    with registry.client(page_size=page_size) as client:
        assert client.read_latest_schemas() == by_subject(registry.schemas)


@pytest.mark.parametrize(
    ("subjects", "requests"),
    [(1, 1), (37, 1), (499, 1), (999, 1), (1000, 2), (1001, 2), (1500, 2), (2500, 3), (5000, 6)],
)
def test_in_confluents_published_shape_a_page_is_one_request(subjects: int, requests: int) -> None:
    registry = Confluent(some_schemas(subjects))
    with registry.client() as client:
        assert client.read_latest_schemas() == by_subject(registry.schemas)
        assert (client.requests, client.has_bulk_list) == (requests, True)
    assert set(registry.requests) == {"GET /schemas"}


@pytest.mark.parametrize(
    ("style", "subjects", "requests"),
    [
        (Karapace, 37, 1),
        (Karapace, 1000, 3),  # as many as requested: two more show that the page does not move
        (Karapace, 2500, 1),
        (AxonOps, 37, 6),  # wildcard, contexts, names and their end, a look at the list, the list
        (AxonOps, 2500, 8),
        (Apicurio, 37, 5 + 37),  # wildcard, contexts, names and their end, a look at the list
    ],
)
def test_recognising_other_shapes_takes_a_few_more_requests(
    style: type[FakeRegistry], subjects: int, requests: int
) -> None:
    registry = style(some_schemas(subjects))
    with registry.client() as client:
        assert client.read_latest_schemas() == by_subject(registry.schemas)
        assert (client.requests, client.has_bulk_list) == (requests, style is not Apicurio)


@pytest.mark.parametrize("style", STYLES)
def test_an_empty_registry_is_empty_which_its_list_of_subjects_confirms(
    style: type[FakeRegistry],
) -> None:
    registry = style()
    with registry.client() as client:
        assert client.read_latest_schemas() == ()
        assert (client.requests, "GET /subjects" in registry.requests) == (3, True)


def test_everything_that_the_registry_says_about_a_schema_is_kept() -> None:
    schema = a_schema(
        "orders-value",
        schema_id=7,
        version=3,
        kind="JSON",
        definition='{"type": "object"}',
        references=(SchemaReference(name="money.json", subject="money", version=2),),
        contract=DataContract(
            properties={"owner": "shop"}, rules=(SchemaRule(phase="domain", name="positive", type="CEL"),)
        ),
    )
    with Confluent([schema]).client() as client:
        assert client.read_latest_schemas() == (schema,)
        assert client.latest("orders-value") == schema


@pytest.mark.parametrize("style", [Confluent, AxonOps])
def test_subjects_of_all_contexts_have_their_qualified_names(style: type[FakeRegistry]) -> None:
    schemas = [
        a_schema("orders-value", schema_id=1),
        a_schema(":.staging:orders-value", schema_id=2),
        a_schema(":.staging:users-value", schema_id=3),
    ]
    registry = style(schemas, contexts=[".", ".staging"])
    with registry.client() as client:
        assert client.read_latest_schemas() == by_subject(schemas)
    if style is Confluent:
        assert registry.requests == ["GET /schemas"]


def test_only_selected_subjects_are_read() -> None:
    registry = Apicurio(some_schemas(20))
    wanted = {schema.subject for schema in registry.schemas[:3]}
    with registry.client() as client:
        assert client.read_latest_schemas(wanted.__contains__) == by_subject(registry.schemas[:3])
        assert client.requests == 5 + 3


@pytest.mark.parametrize("limit", [50, 100, 250, 500])
def test_a_page_limit_lowered_by_the_operator_hides_nothing(limit: int) -> None:
    registry = Confluent(some_schemas(1234), page_limit=limit)
    with registry.client() as client:
        assert client.read_latest_schemas() == by_subject(registry.schemas)


@pytest.mark.slow
def test_more_subjects_than_apicurio_lists_by_default_are_all_found() -> None:
    registry = Apicurio(some_schemas(1500), max_subjects=1000, hidden_rows=300)
    with registry.client(workers=8) as client:
        assert len(client.read_latest_schemas()) == 1500


def test_a_registry_that_ignores_latest_only_still_gives_the_latest() -> None:
    versions = [a_schema("a-value", schema_id=n, version=n) for n in (1, 2, 3)]
    with Karapace(versions).client() as client:
        assert client.read_latest_schemas() == (versions[2],)


def test_a_registry_that_never_moves_the_page_is_read_subject_by_subject() -> None:
    registry = Confluent(some_schemas(30))

    def first_page_only(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/schemas"):
            return None
        limit = int(request.url.params["limit"])
        return httpx.Response(200, json=[registry.item(schema) for schema in registry.schemas[:limit]])

    registry.before = first_page_only
    with registry.client(page_size=10) as client:
        assert client.read_latest_schemas() == by_subject(registry.schemas)


def test_a_subject_deleted_between_two_pages_hides_no_other() -> None:
    registry = Confluent(some_schemas(25))
    gone = min(registry.schemas, key=lambda schema: schema.subject)

    def delete_before_the_second_page(_: httpx.Request) -> None:
        if len(registry.requests) == 2:
            registry.schemas.remove(gone)

    registry.before = delete_before_the_second_page
    with registry.client(page_size=10) as client:
        assert client.read_latest_schemas() == by_subject(registry.schemas)
    assert len(registry.schemas) == 24


def test_a_list_that_never_settles_is_read_subject_by_subject() -> None:
    registry = Confluent(some_schemas(30))

    def another_one(request: httpx.Request) -> None:
        if request.url.path.endswith("/schemas"):
            registry.schemas.append(a_schema(f"!{len(registry.requests)}", schema_id=9))

    registry.before = another_one
    with registry.client(page_size=10) as client:
        assert client.read_latest_schemas() == by_subject(registry.schemas)


@pytest.mark.parametrize("status", [403, 404, 405, 501])
def test_a_registry_without_the_bulk_list_is_read_subject_by_subject(status: int) -> None:
    registry = Confluent(some_schemas(12))
    registry.before = lambda request: (
        httpx.Response(status) if request.url.path.endswith("/schemas") else None
    )
    with registry.client() as client:
        assert client.read_latest_schemas() == by_subject(registry.schemas)
        assert client.has_bulk_list is False


def test_a_subject_deleted_between_list_and_read_is_absent() -> None:
    registry = Apicurio(some_schemas(12))
    gone = registry.schemas[4]

    def delete(request: httpx.Request) -> None:
        if request.url.path.endswith(f"/{gone.subject}/versions/latest") and gone in registry.schemas:
            registry.schemas.remove(gone)

    registry.before = delete
    with registry.client() as client:
        assert client.read_latest_schemas() == by_subject(registry.schemas)
    assert len(registry.schemas) == 11


def test_a_listed_subject_that_cannot_be_found_is_an_error_and_not_a_deletion() -> None:
    registry = AxonOps([a_schema("a/b-value"), a_schema("c-value")])
    registry.before = lambda request: httpx.Response(404) if request.url.path.endswith("/schemas") else None
    with (
        registry.client() as client,
        pytest.raises(
            UnexpectedAnswerError,
            match=r"lists the subject 'a/b-value' but says it has no version; it may not decode",
        ),
    ):
        client.read_latest_schemas()


def test_a_slash_in_a_subject_reaches_the_registry() -> None:
    registry = Apicurio([a_schema("a/b c-value")])
    with registry.client() as client:
        assert client.read_latest_schemas() == tuple(registry.schemas)
    assert registry.requests[-1] == "GET /subjects/a%2Fb%20c-value/versions/latest"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(500, json={"error_code": 50001, "message": "store"}), UnexpectedAnswerError),
        (httpx.Response(503), UnreachableError),
        (error(401, 401, "Unauthorized"), RefusedError),
        (error(403, 40301, "User is denied operation Read"), RefusedError),
        (httpx.Response(200, json={"schema": "without an id"}), UnexpectedAnswerError),
        (httpx.Response(200, content=b""), UnexpectedAnswerError),
    ],
)
def test_one_unreadable_subject_fails_the_whole_reading(
    answer: httpx.Response, kind: type[PlatformError]
) -> None:
    registry = Apicurio(some_schemas(12))
    failing = f"/{registry.schemas[7].subject}/versions/latest"
    registry.before = lambda request: (
        httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        if request.url.path.endswith(failing)
        else None
    )
    with registry.client() as client, pytest.raises(kind):
        client.read_latest_schemas()


@pytest.mark.parametrize(
    "items",
    [
        {"subjects": []},
        "oops",
        [{"subject": "a", "version": 1, "schema": "x"}],
        [{"subject": "a", "version": 1, "id": 1}],
    ],
)
def test_a_bulk_list_of_another_shape_is_an_unexpected_answer(items: object) -> None:
    registry = Confluent(before=lambda _: httpx.Response(200, json=items))
    with registry.client() as client, pytest.raises(UnexpectedAnswerError):
        client.read_latest_schemas()


def test_a_page_that_fails_midway_fails_the_whole_reading() -> None:
    registry = Confluent(some_schemas(2500))
    registry.before = lambda _: httpx.Response(500) if len(registry.requests) > 2 else None
    with registry.client() as client, pytest.raises(UnexpectedAnswerError):
        client.read_latest_schemas()


def test_a_429_at_first_shows_only_in_the_count() -> None:
    registry = Confluent(some_schemas(5))
    registry.before = lambda _: (
        httpx.Response(429, headers={"Retry-After": "1"}) if len(registry.requests) == 1 else None
    )
    with registry.client() as client:
        assert len(client.read_latest_schemas()) == 5
        assert client.requests == 2


def test_an_endless_list_of_subjects_is_abandoned() -> None:
    registry = Confluent()
    registry.before = lambda request: (
        None
        if request.url.path.endswith(("/schemas", "/contexts"))
        else httpx.Response(200, json=[f"s{len(registry.requests)}"])
    )
    with (
        registry.client() as client,
        pytest.raises(UnexpectedAnswerError, match="the list of subjects kept changing while it was read"),
    ):
        client.read_latest_schemas()
    assert len(registry.requests) < 20


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, json={"error_code": 50001, "message": "store"}),
        error(403, 40301, "User is denied operation Read"),
        httpx.Response(400),
        httpx.Response(200, json={"schema": "without an id"}),
    ],
)
def test_one_unreadable_subject_is_reported_and_the_others_are_read(answer: httpx.Response) -> None:
    registry = Apicurio(some_schemas(12))
    failing = registry.schemas[7]
    registry.before = lambda request: (
        httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        if request.url.path.endswith(f"/{failing.subject}/versions/latest")
        else None
    )
    unread: dict[str, PlatformError] = {}
    with registry.client() as client:
        read = client.read_latest_schemas(unread=unread.__setitem__)
    assert read == by_subject(schema for schema in registry.schemas if schema is not failing)
    assert list(unread) == [failing.subject]


def test_a_listed_subject_that_is_not_found_is_reported_and_not_deleted() -> None:
    registry = AxonOps([a_schema("a/b-value"), a_schema("c-value")])
    registry.before = lambda request: httpx.Response(404) if request.url.path.endswith("/schemas") else None
    unread: dict[str, PlatformError] = {}
    with registry.client() as client:
        assert client.read_latest_schemas(unread=unread.__setitem__) == (registry.schemas[1],)
    assert "it may not decode" in str(unread["a/b-value"])


@pytest.mark.parametrize(("status", "kind"), [(500, UnexpectedAnswerError), (503, UnreachableError)])
def test_a_registry_that_gives_no_subject_is_not_blamed_on_unreadable_subjects(
    status: int, kind: type[PlatformError]
) -> None:
    registry = Apicurio(some_schemas(12))
    registry.before = lambda request: (
        httpx.Response(status) if request.url.path.endswith("/versions/latest") else None
    )
    unread: dict[str, PlatformError] = {}
    with registry.client() as client, pytest.raises(kind):
        client.read_latest_schemas(unread=unread.__setitem__)
    assert unread == {}
