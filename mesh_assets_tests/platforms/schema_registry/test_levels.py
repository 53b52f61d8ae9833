"""Compatibility and mode: the effective one, and whether it is the subject's own, as far as the registry shows."""

from urllib.parse import unquote

import httpx
import pytest

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.platforms.schema_registry import Level, SubjectLevels
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

TELLING = (Confluent, AxonOps, Karapace)


def a_registry(style: type[FakeRegistry]) -> FakeRegistry:
    schemas = [a_schema(name) for name in ("plain-value", "same-value", "strict-value")]
    return style(
        schemas,
        compatibility={"same-value": "BACKWARD", "strict-value": "FULL"},
        modes={"strict-value": "READONLY"},
    )


@pytest.mark.parametrize("style", STYLES)
def test_the_global_level_and_mode_are_read(style: type[FakeRegistry]) -> None:
    with a_registry(style).client() as client:
        assert (client.global_compatibility(), client.global_mode()) == ("BACKWARD", "READWRITE")
        assert (client.requests, client.level_requests) == (2, 2)


@pytest.mark.parametrize("style", STYLES)
def test_a_registry_without_a_level_or_mode_has_none(style: type[FakeRegistry]) -> None:
    registry = style(before=lambda _: httpx.Response(404))
    with registry.client() as client:
        assert (client.global_compatibility(), client.global_mode()) == (None, None)


@pytest.mark.parametrize("style", TELLING)
def test_a_subject_without_its_own_level_inherits_the_global_one(style: type[FakeRegistry]) -> None:
    with a_registry(style).client() as client:
        assert client.subject_compatibility("plain-value") == Level(level="BACKWARD", own=False)


@pytest.mark.parametrize("style", [Confluent, AxonOps])
def test_a_subject_without_its_own_mode_inherits_the_global_one(style: type[FakeRegistry]) -> None:
    with a_registry(style).client() as client:
        assert client.subject_mode("plain-value") == Level(level="READWRITE", own=False)


@pytest.mark.parametrize("style", STYLES)
def test_a_level_that_differs_from_the_global_one_is_the_subjects_own(style: type[FakeRegistry]) -> None:
    with a_registry(style).client() as client:
        assert client.subject_compatibility("strict-value") == Level(level="FULL", own=True)


def test_where_own_and_inherited_look_alike_it_stays_unknown_which_it_is() -> None:
    with a_registry(Apicurio).client() as client:
        assert [client.subject_compatibility(name) for name in ("plain-value", "same-value")] == [
            Level(level="BACKWARD", own=None)
        ] * 2
        assert client.subject_mode("plain-value") == Level(level="READWRITE", own=None)


def test_karapace_shows_one_mode_for_all_so_nothing_follows_from_it() -> None:
    with a_registry(Karapace).client() as client:
        assert client.subject_mode("strict-value") == Level(level="READWRITE", own=None)


@pytest.mark.parametrize("style", TELLING)
def test_a_registry_that_has_reported_inherited_levels_is_believed_when_it_gives_one(
    style: type[FakeRegistry],
) -> None:
    with a_registry(style).client(workers=1) as client:
        read = client.subject_levels(["same-value", "plain-value", "strict-value"])
        assert [levels.compatibility for levels in read] == [
            Level(level="BACKWARD", own=True),
            Level(level="BACKWARD", own=False),
            Level(level="FULL", own=True),
        ]


def test_a_level_inherited_from_elsewhere_does_not_count_as_the_subjects_own() -> None:
    """Apicurio falls back to its configuration file, not to the global level, unless asked with
    defaultToGlobal."""
    registry = a_registry(Apicurio)
    registry.global_compatibility = "FULL_TRANSITIVE"

    def from_the_file(request: httpx.Request) -> httpx.Response | None:
        if (
            unquote(request.url.path).endswith("/config/plain-value")
            and "defaultToGlobal" not in request.url.params
        ):
            return httpx.Response(200, json={"compatibilityLevel": "NONE"})
        return None

    registry.before = from_the_file
    with registry.client() as client:
        assert client.subject_compatibility("plain-value") == Level(level="FULL_TRANSITIVE", own=False)


def test_a_subject_of_another_context_inherits_what_applies_there() -> None:
    registry = Confluent([a_schema(":.staging:a-value")])

    def of_the_context(request: httpx.Request) -> httpx.Response | None:
        if (
            request.url.path.endswith("/config/:.staging:a-value")
            and request.url.params.get("defaultToGlobal") == "true"
        ):
            return httpx.Response(200, json={"compatibilityLevel": "NONE"})
        return None

    registry.before = of_the_context
    with registry.client() as client:
        assert client.subject_compatibility(":.staging:a-value") == Level(level="NONE", own=False)


@pytest.mark.parametrize(
    ("answer", "level"),
    [
        (
            error(409, 40408, "not configured"),
            Level(level="BACKWARD", own=False),
        ),  # the code counts, not the status
        (httpx.Response(404), Level(level="BACKWARD", own=False)),
        (httpx.Response(404, json="Not Found"), Level(level="BACKWARD", own=False)),
        (httpx.Response(404, html="<html>Not Found</html>"), Level(level="BACKWARD", own=False)),
        (httpx.Response(200, json={"compatibility": "FULL"}), Level(level="FULL", own=True)),
    ],
)
def test_an_absent_level_has_many_forms(answer: httpx.Response, level: Level) -> None:
    registry = Confluent()
    registry.before = lambda request: (
        httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        if request.url.path.endswith("/config/a-value")
        else None
    )
    with registry.client() as client:
        assert client.subject_compatibility("a-value") == level


def test_a_level_of_a_missing_subject_is_an_error() -> None:
    registry = Karapace()
    registry.before = lambda request: (
        error(404, 40401, "Subject 'x' not found.") if request.url.path.endswith("/config/x") else None
    )
    with registry.client() as client, pytest.raises(UnexpectedAnswerError, match="Subject 'x' not found"):
        client.subject_compatibility("x")


def test_the_levels_of_many_subjects_take_two_requests_each_and_are_counted_separately() -> None:
    registry = Confluent([a_schema(f"s{number}-value") for number in range(100)])
    with registry.client(workers=16) as client:
        subjects = [schema.subject for schema in client.read_latest_schemas()]
        backward, readwrite = Level(level="BACKWARD", own=False), Level(level="READWRITE", own=False)
        assert client.subject_levels(subjects) == [
            SubjectLevels(subject=s, compatibility=backward, mode=readwrite) for s in subjects
        ]
        assert (client.level_requests, client.requests) == (202, 2 + 202)


def test_no_subjects_need_no_request() -> None:
    with Confluent().client() as client:
        assert (client.subject_levels([]), client.requests) == ([], 0)


def test_a_subject_with_an_unreadable_level_says_why_and_the_others_are_read() -> None:
    registry = a_registry(Confluent)
    registry.before = lambda request: (
        error(403, 40301, "denied") if request.url.path.endswith("/mode/same-value") else None
    )
    with registry.client() as client:
        plain, same = client.subject_levels(["plain-value", "same-value"])
        assert plain.error is None
        assert (same.compatibility, same.mode) == (Level(level="BACKWARD", own=True), None)
        assert same.error is not None
        assert "refused an anonymous reader (403): denied" in same.error


@pytest.mark.parametrize("failing", ["/config", "/config/s0-value"])
def test_a_registry_that_goes_away_is_not_asked_about_every_subject(failing: str) -> None:
    registry = Confluent([a_schema(f"s{number}-value") for number in range(500)])
    down = False

    def go_down(request: httpx.Request) -> None:
        nonlocal down
        down = down or request.url.path.endswith(failing)
        if down:
            raise httpx.ConnectError("Connection refused")

    registry.before = go_down
    with registry.client(workers=1) as client:
        levels = client.subject_levels([schema.subject for schema in registry.schemas])
        assert {(level.compatibility, level.mode) for level in levels} == {(None, None)}
        assert all("cannot be reached" in (level.error or "") for level in levels)
        assert client.requests < 12


def test_when_time_is_up_the_rest_stays_unread_and_says_so() -> None:
    registry = a_registry(Confluent)
    with registry.client(workers=1) as client:
        read = client.subject_levels(["plain-value", "strict-value"], within_seconds=-1)
        assert [levels.error for levels in read] == ["not read: the -1 s for levels were over"] * 2


@pytest.mark.parametrize("status", [403, 405, 500, 501])
def test_a_registry_that_withholds_its_mode_still_gives_the_levels_of_subjects(status: int) -> None:
    registry = a_registry(Confluent)
    registry.before = lambda request: httpx.Response(status) if "/mode" in request.url.path else None
    with registry.client(workers=1) as client:
        plain, strict = client.subject_levels(["plain-value", "strict-value"])
    assert (plain.compatibility, strict.compatibility) == (
        Level(level="BACKWARD", own=False),
        Level(level="FULL", own=True),
    )
    assert (plain.mode, strict.mode) == (None, None)
    assert str(status) in (plain.error or "")
    if status in (405, 501):  # an unsupported request is made once, not once per subject
        assert sum("/mode" in path for path in registry.requests) == 1


def test_a_key_that_may_only_read_subjects_reads_their_levels_and_what_they_inherit() -> None:
    registry = a_registry(Confluent)
    registry.before = lambda request: (
        error(403, 40301, "denied") if request.url.path.endswith("/config") else None
    )
    with registry.client(workers=1) as client:
        plain, strict = client.subject_levels(["plain-value", "strict-value"])
    assert (plain.compatibility, strict.compatibility) == (
        Level(level="BACKWARD", own=False),
        Level(level="FULL", own=True),
    )


def test_a_possibly_inherited_level_does_not_count_as_the_subjects_own_while_the_global_one_is_unknown() -> (
    None
):
    registry = a_registry(Apicurio)
    registry.before = lambda request: (
        error(403, 40301, "denied") if request.url.path.endswith("/config") else None
    )
    with registry.client(workers=1) as client:
        (plain,) = client.subject_levels(["plain-value"])
    assert plain.compatibility == Level(level="BACKWARD", own=None)


def test_no_such_subject_for_one_that_inherits_is_understood() -> None:
    registry = a_registry(Confluent)

    def of_old(request: httpx.Request) -> httpx.Response | None:
        path = request.url.path
        own = {**registry.compatibility, **registry.modes} if "/config/" in path else registry.modes
        inherits = ("/config/" in path or "/mode/" in path) and path.rpartition("/")[2] not in own
        return error(404, 40401, "Subject not found.") if inherits else None

    registry.before = of_old
    with registry.client(workers=1) as client:
        read = client.subject_levels(["plain-value", "same-value", "strict-value"])
    assert [(one.compatibility, one.mode, one.error) for one in read] == [
        (Level(level="BACKWARD", own=False), Level(level="READWRITE", own=False), None),
        (Level(level="BACKWARD", own=True), Level(level="READWRITE", own=False), None),
        (Level(level="FULL", own=True), Level(level="READONLY", own=True), None),
    ]
    assert sum("/versions/latest" in path for path in registry.requests) == 2  # once for each kind of level
