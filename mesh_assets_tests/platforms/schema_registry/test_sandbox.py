"""Against a real Apicurio: it answers like its fake."""

import uuid
from collections.abc import Iterator

import httpx
import pytest

from mesh_assets.errors import RefusedError
from mesh_assets.platforms.http import path_segment
from mesh_assets.platforms.schema_registry import (
    Level,
    RegisteredSchema,
    SchemaReference,
    SchemaRegistryClient,
    SubjectLevels,
)

pytestmark = pytest.mark.sandbox

MONEY = (
    '{"type": "record", "name": "Money", "namespace": "shop", "fields": [{"name": "cents", "type": "long"}]}'
)
ORDER = '{"type": "record", "name": "Order", "namespace": "shop", "fields": [{"name": "price", "type": "shop.Money"}]}'


class Subjects:
    """Subjects of one test: under their own prefix, and permanently deleted at its end."""

    def __init__(self, url: str) -> None:
        self.prefix = f"test-{uuid.uuid4().hex[:8]}"
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=30)
        self._made: list[str] = []

    def name(self, text: str) -> str:
        self._made.append(f"{self.prefix}-{text}")
        return self._made[-1]

    def is_ours(self, subject: str) -> bool:
        return subject.startswith(self.prefix)

    def delete_all(self) -> None:
        for subject in reversed(self._made):  # subjects that refer to others go first
            for permanent in ("false", "true"):
                self.http.delete(f"/subjects/{path_segment(subject)}", params={"permanent": permanent})
        self.http.close()


@pytest.fixture
def subjects(registry_url: str) -> Iterator[Subjects]:
    made = Subjects(registry_url)
    yield made
    made.delete_all()


def test_every_registered_subject_is_in_the_inventory_with_its_latest_version(
    registry: SchemaRegistryClient, subjects: Subjects
) -> None:
    plain, slashed, document, message = (
        subjects.name(text) for text in ("plain-value", "a/b c%é-value", "document-value", "message-value")
    )
    older = registry.register(plain, '"string"')
    newer = registry.register(plain, '["string","null"]')
    slash = registry.register(slashed, '"long"')
    schema = (
        '{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "title": "'
        + subjects.prefix
        + '"}'
    )
    described = registry.register(document, schema, schema_type="JSON")
    proto = 'syntax = "proto3";\nmessage A {\n  string a = 1;\n}\n'
    framed = registry.register(message, proto, schema_type="PROTOBUF")
    assert older != newer
    assert registry.read_latest_schemas(subjects.is_ours) == (
        RegisteredSchema(subject=slashed, version=1, id=slash, schema_type="AVRO", definition='"long"'),
        RegisteredSchema(subject=document, version=1, id=described, schema_type="JSON", definition=schema),
        RegisteredSchema(subject=message, version=1, id=framed, schema_type="PROTOBUF", definition=proto),
        RegisteredSchema(
            subject=plain, version=2, id=newer, schema_type="AVRO", definition='["string","null"]'
        ),
    )
    assert registry.has_bulk_list is False


def test_references_are_kept_with_the_version_they_are_pinned_to(
    registry: SchemaRegistryClient, subjects: Subjects
) -> None:
    money, order = subjects.name("money"), subjects.name("order-value")
    registry.register(money, MONEY)
    reference = {"name": "shop.Money", "subject": money, "version": 1}
    made = subjects.http.post(
        f"/subjects/{order}/versions", json={"schema": ORDER, "references": [reference]}
    )
    assert made.status_code == 200
    latest = registry.latest(order)
    assert latest is not None
    assert latest.references == (SchemaReference(name="shop.Money", subject=money, version=1),)
    by_id = registry.schema_by_id(latest.id)
    assert by_id is not None
    assert (by_id.schema_type, by_id.definition, by_id.references) == (
        "AVRO",
        latest.definition,
        latest.references,
    )


def test_registering_is_idempotent_and_an_incompatible_schema_is_refused(
    registry: SchemaRegistryClient, subjects: Subjects
) -> None:
    subject = subjects.name("events-value")
    first = registry.register(subject, MONEY)
    assert registry.register(subject, MONEY) == first
    with pytest.raises(RefusedError, match=rf"does not accept the AVRO schema for '{subject}' \(409\)"):
        registry.register(subject, MONEY.replace('"cents"', '"euros"'))


def test_a_deleted_subject_is_gone_from_the_inventory(
    registry: SchemaRegistryClient, subjects: Subjects
) -> None:
    kept, deleted, emptied = (
        subjects.name(text) for text in ("kept-value", "deleted-value", "emptied-value")
    )
    for subject in (kept, deleted, emptied):
        registry.register(subject, '"string"')
    subjects.http.delete(f"/subjects/{deleted}").raise_for_status()
    subjects.http.delete(f"/subjects/{emptied}/versions/1").raise_for_status()
    assert [schema.subject for schema in registry.read_latest_schemas(subjects.is_ours)] == [kept]
    assert registry.latest(deleted) is None


def test_levels_are_read_and_what_apicurio_cannot_report_stays_unknown(
    registry: SchemaRegistryClient, subjects: Subjects
) -> None:
    plain, strict = subjects.name("plain-value"), subjects.name("strict-value")
    for subject in (plain, strict):
        registry.register(subject, '"string"')
    subjects.http.put(f"/config/{strict}", json={"compatibility": "FULL_TRANSITIVE"}).raise_for_status()
    level, mode = registry.global_compatibility(), registry.global_mode()
    inherited = Level(level=mode, own=None)
    assert registry.subject_levels([plain, strict]) == [
        SubjectLevels(subject=plain, compatibility=Level(level=level, own=None), mode=inherited),
        SubjectLevels(subject=strict, compatibility=Level(level="FULL_TRANSITIVE", own=True), mode=inherited),
    ]


def test_the_registry_has_the_default_context(registry: SchemaRegistryClient) -> None:
    assert registry.contexts() == (".",)
