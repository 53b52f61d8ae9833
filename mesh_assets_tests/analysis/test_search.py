from msgspec.structs import replace

from mesh_assets.analysis.search import find_things
from mesh_assets_tests.documents import a_connector, a_document, a_group, a_schema, a_topic

DEFINITION = '{"type": "object", "title": "Users", "owner": "team-people", "properties": {"email": {"type": "string"}}}'
DOCUMENT = a_document(
    topics=(a_topic("orders"), a_topic("orders-eu")),
    connectors=(a_connector("sink", config={"owner": "team-people", "file": "/data/email.txt"}),),
    schemas=(a_schema("users-value", definition=DEFINITION),),
    consumer_groups=(a_group("billing"),),
)


def test_whole_names_come_before_parts_and_everything_else() -> None:
    found = find_things(DOCUMENT, "ORDERS")
    assert [(match.kind, match.name, match.by) for match in found] == [
        ("topic", "orders", "name"),
        ("topic", "orders-eu", "name"),
        ("connector", "sink", "text"),
    ]


def test_a_field_is_found_with_its_type_and_once() -> None:
    assert [(match.name, match.by, match.where) for match in find_things(DOCUMENT, "email", by="field")] == [
        ("users-value", "field", "email: string")
    ]


def test_owners_are_found_in_schemas_and_configs() -> None:
    assert [(match.kind, match.where) for match in find_things(DOCUMENT, "people", by="owner")] == [
        ("connector", "owner = team-people"),
        ("schema", "owner: team-people"),
    ]


def test_only_the_requested_kinds_are_found() -> None:
    assert [match.name for match in find_things(DOCUMENT, "email", kinds=frozenset({"connector"}))] == [
        "sink"
    ]


def test_configs_set_on_a_topic_are_found_and_inherited_ones_are_not() -> None:
    config: dict[str, str | None] = {"cleanup.policy": "compact", "retention.ms": "604800000"}
    ledger = a_topic("ledger", config=config, config_overrides=("cleanup.policy",))
    document = a_document(topics=(ledger, a_topic("unread", config=None)))

    found = find_things(document, "COMPACT")

    assert [(match.kind, match.name, match.by, match.where) for match in found] == [
        ("topic", "ledger", "text", "cleanup.policy = compact")
    ]
    assert find_things(document, "cleanup", kinds=frozenset({"topic"})) == [replace(found[0])]
    assert find_things(document, "retention") == []
