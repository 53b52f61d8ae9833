from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.changes import Change, change_line, headline_changes
from mesh_assets.inventory.data_contracts import DataContract, SchemaRule
from mesh_assets.inventory.records import RegistryFacts, Schema, SchemaReference, SubjectLevel
from mesh_assets_tests.documents import MOMENT, a_document, a_schema


def changes_of(before: Schema, after: Schema) -> list[tuple[str | None, str | None, str | None, str, str]]:
    """Field, before, after, severity, sentence."""
    changes = diff_documents(a_document(schemas=(before,)), a_document(schemas=(after,)))
    return [(c.field, c.before, c.after, c.severity, c.sentence) for c in changes]


def a_level(value: str | None, *, own: bool | None = True) -> Schema:
    return a_schema(compatibility=SubjectLevel(value=value, own=own))


def test_a_created_and_a_deleted_subject_carry_their_record() -> None:
    schema = a_schema("users-value", version=2, schema_type="AVRO")
    without, having = a_document(), a_document(schemas=(schema,))
    record = msgspec.json.encode(schema).decode()
    fields: Any = {"resource_type": "schema", "resource": "users-value", "field": None}
    assert diff_documents(without, having) == (
        Change(
            kind="created",
            before=None,
            after=record,
            severity="info",
            sentence="Schema users-value created: version 2, AVRO",
            **fields,
        ),
    )
    sentence = "Schema users-value deleted: its latest version was 2"
    assert diff_documents(having, without) == (
        Change(kind="deleted", before=record, after=None, severity="warning", sentence=sentence, **fields),
    )


def test_a_new_version_carries_its_id_and_definition() -> None:
    assert changes_of(
        a_schema(version=1, id=3, definition="old"), a_schema(version=2, id=7, definition="newer")
    ) == [
        ("definition", "old", "newer", "info", "Schema definition changed: 3 → 5 characters"),
        ("id", "3", "7", "info", "Schema id 3 → 7"),
        ("version", "1", "2", "info", "Schema version 1 → 2"),
    ]


def test_a_new_version_is_one_headline_that_names_the_subject() -> None:
    changes = diff_documents(
        a_document(schemas=(a_schema(version=1, id=3, definition="old"),)),
        a_document(
            schemas=(
                a_schema(
                    version=2,
                    id=7,
                    definition="new",
                    references=(SchemaReference(name="r", subject="s", version=1),),
                ),
            )
        ),
    )
    assert len(changes) == 4
    assert [change_line(change) for change in headline_changes(changes)] == [
        "users-value: Schema version 1 → 2"
    ]


def test_a_lower_version_is_a_warning_since_the_latest_was_deleted() -> None:
    assert changes_of(a_schema(version=2), a_schema(version=1)) == [
        ("version", "2", "1", "warning", "Schema version 2 → 1")
    ]


def test_another_definition_under_the_same_version_is_a_warning_and_a_headline() -> None:
    changes = diff_documents(
        a_document(schemas=(a_schema(definition="a"),)), a_document(schemas=(a_schema(definition="b"),))
    )
    assert [(c.field, c.severity) for c in headline_changes(changes)] == [("definition", "warning")]


def test_the_order_of_references_is_not_a_change_but_another_version_of_one_is() -> None:
    one, two = (
        SchemaReference(name="a", subject="a", version=1),
        SchemaReference(name="b", subject="b", version=1),
    )
    assert changes_of(a_schema(references=(one, two)), a_schema(references=(two, one))) == []
    ((field, _, after, _, sentence),) = changes_of(
        a_schema(references=(one,)), a_schema(references=(replace(one, version=2),))
    )
    assert (field, after) == ("references", '[{"name":"a","subject":"a","version":2}]')
    assert sentence == "Schema references a version 1 → a version 2"


def test_a_changed_type_is_a_warning() -> None:
    assert changes_of(a_schema(schema_type="JSON"), a_schema(schema_type="AVRO")) == [
        ("schema_type", "JSON", "AVRO", "warning", "Schema type JSON → AVRO")
    ]


def test_a_changed_own_level_is_a_change() -> None:
    assert changes_of(a_level("BACKWARD"), a_level("FULL")) == [
        ("compatibility", "BACKWARD", "FULL", "warning", "Schema compatibility BACKWARD → FULL")
    ]
    before, after = (
        a_schema(mode=SubjectLevel(value="READWRITE")),
        a_schema(mode=SubjectLevel(value="READONLY")),
    )
    assert changes_of(before, after) == [
        ("mode", "READWRITE", "READONLY", "warning", "Schema mode READWRITE → READONLY")
    ]


@pytest.mark.parametrize("own", [True, False, None])
def test_an_unknown_level_is_not_a_change_in_either_direction(own: bool | None) -> None:
    assert changes_of(a_level(None, own=None), a_level("FULL", own=own)) == []
    assert changes_of(a_level("FULL", own=own), a_level(None, own=None)) == []


def test_setting_or_removing_an_own_level_is_a_change() -> None:
    inherited, own = a_level("BACKWARD", own=False), a_level("FULL")
    assert changes_of(inherited, own) == [
        ("compatibility", None, "FULL", "warning", "Schema compatibility BACKWARD (inherited) → FULL")
    ]
    assert changes_of(own, inherited) == [
        ("compatibility", "FULL", None, "warning", "Schema compatibility FULL → BACKWARD (inherited)")
    ]


def test_a_changed_inherited_level_is_not_a_change_of_the_subject() -> None:
    assert changes_of(a_level("BACKWARD", own=False), a_level("FULL", own=False)) == []


def test_the_same_level_better_known_or_read_again_is_not_a_change() -> None:
    assert changes_of(a_level("FULL", own=None), a_level("FULL", own=False)) == []
    assert changes_of(a_level("FULL", own=True), a_level("FULL", own=None)) == []
    assert (
        changes_of(
            a_level("FULL"), a_schema(compatibility=SubjectLevel(value="FULL", own=True, read_at=MOMENT))
        )
        == []
    )


def test_naming_is_derived_and_not_a_change() -> None:
    assert (
        changes_of(a_schema(naming_strategy="topic"), a_schema(naming_strategy="record", record_name="User"))
        == []
    )


def test_the_registry_itself_changes_its_level_and_mode() -> None:
    facts = RegistryFacts(compatibility="BACKWARD", mode="READWRITE", contexts=(".",))
    after = RegistryFacts(compatibility="NONE", mode="READONLY", contexts=(".", ".new"))
    changes = diff_documents(a_document(schema_registry=facts), a_document(schema_registry=after))
    registry = ("schema_registry", "schema_registry")
    assert [
        (c.kind, c.resource_type, c.resource, c.field, c.before, c.after, c.severity, c.sentence)
        for c in changes
    ] == [
        (
            "updated",
            *registry,
            "compatibility",
            "BACKWARD",
            "NONE",
            "warning",
            "Schema registry: compatibility BACKWARD → NONE",
        ),
        (
            "updated",
            *registry,
            "mode",
            "READWRITE",
            "READONLY",
            "warning",
            "Schema registry: mode READWRITE → READONLY",
        ),
    ]


def test_a_registry_that_does_not_answer_has_not_changed() -> None:
    facts = RegistryFacts(compatibility="BACKWARD", mode="READWRITE", contexts=())
    for unknown in (None, RegistryFacts(compatibility=None, mode=None, contexts=())):
        assert diff_documents(a_document(schema_registry=facts), a_document(schema_registry=unknown)) == ()
        assert diff_documents(a_document(schema_registry=unknown), a_document(schema_registry=facts)) == ()


def a_rule(name: str, expr: str = "true") -> SchemaRule:
    return SchemaRule(phase="domain", name=name, type="CEL", expr=expr)


def test_each_property_and_tagged_path_of_a_contract_changes_on_its_own() -> None:
    before = DataContract(properties={"owner": "shop", "tier": "gold"}, tags={"**.ssn": ("PII",)})
    after = DataContract(
        properties={"owner": "sales"}, tags={"**.ssn": ("PII", "PRIVATE"), "**.iban": ("PII",)}
    )
    changes = changes_of(a_schema(version=1, contract=before), a_schema(version=2, contract=after))
    assert [(field, severity, sentence) for field, _, _, severity, sentence in changes] == [
        ("contract.properties.owner", "info", "Schema property owner shop → sales"),
        ("contract.properties.tier", "info", "Schema property tier gold → none"),
        ("contract.tags.**.iban", "info", "Schema tags of **.iban none → PII"),
        ("contract.tags.**.ssn", "info", "Schema tags of **.ssn PII → PII, PRIVATE"),
        ("version", "info", "Schema version 1 → 2"),
    ]


def test_added_removed_and_changed_rules_are_named() -> None:
    before = DataContract(rules=(a_rule("a"), a_rule("b"), a_rule("c")))
    after = DataContract(rules=(a_rule("b", "false"), a_rule("c"), a_rule("d")))
    changes = changes_of(a_schema(version=1, contract=before), a_schema(version=2, contract=after))
    assert changes[0][4] == "Schema domain rules: added d; removed a; changed b"
    turned = DataContract(rules=(a_rule("b"), a_rule("a"), a_rule("c")))
    changes = changes_of(a_schema(version=1, contract=before), a_schema(version=2, contract=turned))
    assert changes[0][4] == "Schema domain rules: run in a different order"


def test_a_contract_that_changed_under_the_same_version_is_a_warning() -> None:
    changes = changes_of(
        a_schema(contract=DataContract(rules=(a_rule("a"),))), a_schema(contract=DataContract())
    )
    assert [(field, severity) for field, _, _, severity, _ in changes] == [
        ("contract.rules.domain", "warning")
    ]


def test_a_contract_read_for_the_first_time_or_unknown_now_is_not_a_change() -> None:
    contract = DataContract(properties={"owner": "shop"}, rules=(a_rule("a"),))
    assert changes_of(a_schema(contract=None), a_schema(contract=contract)) == []
    assert changes_of(a_schema(contract=contract), a_schema(contract=None)) == []


def test_a_new_version_with_another_contract_is_one_headline() -> None:
    changes = diff_documents(
        a_document(schemas=(a_schema(version=1, contract=DataContract()),)),
        a_document(schemas=(a_schema(version=2, contract=DataContract(properties={"owner": "shop"})),)),
    )
    assert [change_line(change) for change in headline_changes(changes)] == [
        "users-value: Schema version 1 → 2"
    ]
