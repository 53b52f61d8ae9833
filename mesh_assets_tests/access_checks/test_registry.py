from typing import Any

import httpx
import pytest

from mesh_assets.access_checks import AccessCheck
from mesh_assets.access_checks.registry import check_registry
from mesh_assets.estate.connections import SchemaRegistryConnection
from mesh_assets.platforms.schema_registry import RegisteredSchema
from mesh_assets_tests.platforms.schema_registry.fakes import FakeRegistry

URL = "http://registry.test/base"
OWN = ("discovery-events-value", "discovery-changes-value")


def registry_of(*subjects: str, **fields: Any) -> FakeRegistry:
    schemas = [
        RegisteredSchema(subject=subject, version=1, id=number, schema_type="AVRO", definition='"string"')
        for number, subject in enumerate(subjects, start=1)
    ]
    return FakeRegistry(schemas=schemas, **fields)


def check(registry: FakeRegistry, *, carries: bool = False, **fields: Any) -> AccessCheck:
    connection = SchemaRegistryConnection(url=URL, **fields)
    return check_registry("warehouse", connection, carries=carries, transport=httpx.MockTransport(registry))


def test_a_registry_that_can_be_read_is_enough() -> None:
    assert check(registry_of("orders-value", "users-value")) == AccessCheck(
        cluster="warehouse",
        system="schema registry",
        endpoint=URL,
        identity="anonymous",
        state="ok",
        facts={"subjects": 2, "mode": "READWRITE"},
        rights="reads",
    )


def test_nothing_is_registered_and_the_check_says_so() -> None:
    registry = registry_of("orders-value")
    assert check(registry, carries=True).rights == "reads; registering: not tried"
    assert {request.split()[0] for request in registry.requests} == {"GET"}


def test_thousands_of_subjects_take_a_handful_of_requests() -> None:
    registry = registry_of(*(f"s{number}-value" for number in range(5_000)))
    assert check(registry).facts["subjects"] == 5_000
    assert len(registry.requests) < 10


def test_an_empty_registry_passes() -> None:
    assert check(registry_of(), carries=True).state == "ok"


def test_an_unreadable_schema_fails_the_check_though_the_list_answers() -> None:
    def refuse_schemas(request: httpx.Request) -> httpx.Response | None:
        refused = request.url.path.endswith("/versions/latest")
        return (
            httpx.Response(403, json={"error_code": 40301, "message": "User is denied operation Read"})
            if refused
            else None
        )

    result = check(registry_of("orders-value", before=refuse_schemas))
    assert result.state == "failed"
    assert "refused an anonymous reader (403): User is denied operation Read" in result.missing[0]


def test_a_read_only_registry_will_not_take_the_event_schemas() -> None:
    assert check(registry_of(global_mode="READONLY"), carries=True).missing == (
        "its mode is READONLY and discovery-events-value and discovery-changes-value are not registered yet: a registry that enforces "
        "modes will refuse them, and nothing can be published; set the mode READWRITE",
    )


@pytest.mark.parametrize(("subjects", "carries"), [(OWN, True), ((), False)])
def test_a_read_only_registry_passes_where_nothing_needs_registering(
    subjects: tuple[str, ...], carries: bool
) -> None:
    assert check(registry_of(*subjects, global_mode="READONLY"), carries=carries).state == "ok"


@pytest.mark.parametrize("status", [403, 405, 501])
def test_a_hidden_mode_is_left_out(status: int) -> None:
    def refuse_mode(request: httpx.Request) -> httpx.Response | None:
        return (
            httpx.Response(status, json={"message": "denied"}) if request.url.path.endswith("/mode") else None
        )

    result = check(registry_of(before=refuse_mode))
    assert (result.state, result.facts) == ("ok", {"subjects": 0})


def test_a_wrong_password_is_the_registrys_own_sentence_without_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    registry = registry_of(before=lambda _: httpx.Response(401, json={"message": "Unauthorized: hunter2"}))
    result = check(registry, username="key", password="${SECRET}")
    assert (result.state, result.identity) == ("failed", "key")
    assert "refused username key (401): Unauthorized: ***" in result.missing[0]
    assert "hunter2" not in repr(result)
