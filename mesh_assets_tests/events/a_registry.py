"""A schema registry that accepts the contracts of both events."""

from mesh_assets.events.avro_form import schema_text
from mesh_assets.platforms.schema_registry import SchemaText


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

    def schema_by_id(self, schema_id: int) -> SchemaText | None:
        name = {1: "discovery_event", 2: "change_event"}[schema_id]
        return SchemaText(id=schema_id, schema_type="AVRO", definition=schema_text(name))
