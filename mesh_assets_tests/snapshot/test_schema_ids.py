import pytest
from msgspec.structs import replace

from mesh_assets.errors import PublishError, RefusedError, UnreachableError
from mesh_assets.inventory.store.pointers import SchemaIds
from mesh_assets.snapshot.avro_form import schema_text
from mesh_assets.snapshot.schema_ids import register_schemas


class ARegistry:
    """Gives 1 for the events and 2 for the changes, or raises `fails`."""

    url = "http://registry:8081"

    def __init__(self, fails: Exception | None = None) -> None:
        self.fails = fails
        self.registered: dict[str, str] = {}

    @property
    def requests(self) -> int:
        return len(self.registered)

    def register(self, subject: str, schema: str, schema_type: str = "AVRO") -> int:
        assert schema_type == "AVRO"
        if self.fails is not None:
            raise self.fails
        self.registered[subject] = schema
        return 1 if schema == schema_text("discovery_event") else 2


def _register(registry: ARegistry, cached: SchemaIds | None = None) -> tuple[SchemaIds, str | None]:
    return register_schemas(
        registry, events_topic="discovery-events", changes_topic="discovery-changes", cached=cached
    )


@pytest.fixture
def known() -> SchemaIds:
    return _register(ARegistry())[0]


def test_both_schemas_are_registered_for_the_values_of_their_topics() -> None:
    registry = ARegistry()
    ids, note = _register(registry)
    assert registry.registered == {
        "discovery-events-value": schema_text("discovery_event"),
        "discovery-changes-value": schema_text("change_event"),
    }
    assert (ids.event_id, ids.change_id, note) == (1, 2, None)


@pytest.mark.parametrize("error", [UnreachableError("connection refused"), RefusedError("401")])
def test_a_registry_that_fails_leaves_the_ids_known_from_before_and_a_note(
    error: Exception, known: SchemaIds
) -> None:
    ids, note = _register(ARegistry(error), known)
    assert ids == known
    assert note == f"the event schemas were published under the ids known from before: {error}"


def test_a_registry_that_fails_at_the_first_run_is_an_error() -> None:
    with pytest.raises(PublishError, match="no ids of them are known from before: connection refused"):
        _register(ARegistry(UnreachableError("connection refused")))


@pytest.mark.parametrize(
    "other", [{"registry": "http://other"}, {"event_fingerprint": "x"}, {"change_fingerprint": "x"}]
)
def test_ids_of_another_registry_or_schema_do_not_count(other: dict[str, str], known: SchemaIds) -> None:
    with pytest.raises(PublishError):
        _register(ARegistry(UnreachableError("connection refused")), replace(known, **other))
