"""Relationships of the whole estate: which older versions are read, and what the notes say where that fails."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from mesh_assets.answering.belonging import (
    MOST_PINNED,
    keep_estate_relationships,
    read_estate_domains,
    read_estate_relationships,
    relationship_results,
)
from mesh_assets.errors import UnreachableError
from mesh_assets.estate.connections import SchemaRegistryConnection
from mesh_assets.estate.file import parse_estate
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Schema, SchemaReference
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.documents import MOMENT
from mesh_assets_tests.published import publish
from mesh_assets_tests.relationships.estates import a_cluster, avro

KAFKA = "kafka: {bootstrap_servers: '127.0.0.1:1'}"
WITHOUT_REGISTRY = f"clusters: {{warehouse: {{{KAFKA}}}, payments: {{{KAFKA}}}}}"
WITH_REGISTRY = f"clusters: {{warehouse: {{{KAFKA}, schema_registry: {{url: 'http://127.0.0.1:3'}}}}}}"


class Versions:
    """What a registry has besides the latest versions. `asked`: the requests in order."""

    def __init__(self, *schemas: Schema) -> None:
        self._schemas = {(schema.subject, schema.version): schema for schema in schemas}
        self.asked: list[tuple[str, int]] = []

    def __call__(
        self, _connection: SchemaRegistryConnection, wanted: Sequence[tuple[str, int]]
    ) -> Mapping[tuple[str, int], Schema]:
        self.asked += wanted
        return {key: self._schemas[key] for key in wanted if key in self._schemas}


def refers(name: str, subject: str, version: int) -> tuple[SchemaReference, ...]:
    return (SchemaReference(name=name, subject=subject, version=version),)


def a_document_that_refers_to_an_older_version() -> Document:
    return a_cluster(
        avro("orders-value", ("who", "shop.Person"), references=refers("shop.Person", "person", 1)),
        avro("users-value", ("user_id", "string")),
        avro("person", ("ref", "string"), record="shop.Person", version=3),
        topics=("orders", "users"),
    )


@pytest.fixture
def store(tmp_path: Path) -> InventoryStore:
    return InventoryStore(FolderStore(tmp_path))


def test_versions_that_the_document_lacks_are_read_with_those_they_refer_to(
    store: InventoryStore,
) -> None:
    publish(store, a_document_that_refers_to_an_older_version())
    person = avro(
        "person",
        ("contact", "shop.Contact"),
        record="shop.Person",
        references=refers("shop.Contact", "contact", 2),
    )
    versions = Versions(person, avro("contact", ("user_id", "string"), record="shop.Contact", version=2))
    found = read_estate_relationships(parse_estate(WITH_REGISTRY, source="x"), store, read_versions=versions)
    assert versions.asked == [("person", 1), ("contact", 2)]
    [user] = [one for one in found.relationships.entities if one.name == "user"]
    assert [(use.topic, use.path) for use in user.uses] == [
        ("orders", "who.contact.user_id"),
        ("users", "user_id"),
    ]
    assert found.relationships.gaps == ()


def test_a_failing_or_missing_registry_or_a_lost_version_leaves_gaps_not_guesses(
    store: InventoryStore,
) -> None:
    publish(store, a_document_that_refers_to_an_older_version())

    def fails(*_: object) -> Mapping[tuple[str, int], Schema]:
        raise UnreachableError("Schema Registry at http://127.0.0.1:3 does not answer")

    with_registry = parse_estate(WITH_REGISTRY, source="x")
    own = "version 1 of person, which it refers to, is not known: the inventory holds version 3"
    failed = read_estate_relationships(with_registry, store, read_versions=fails).relationships
    assert [gap.reason for gap in failed.gaps] == [
        "1 version that schemas refer to could not be read: Schema Registry at http://127.0.0.1:3 does not answer",
        own,
    ]
    lost = read_estate_relationships(with_registry, store, read_versions=Versions()).relationships
    assert [gap.reason for gap in lost.gaps] == [own]
    without = read_estate_relationships(parse_estate(WITHOUT_REGISTRY, source="x"), store).relationships
    assert [gap.reason for gap in without.gaps] == [
        "has not been discovered yet",
        "1 version that schemas refer to: the estate configures no registry",
        own,
    ]


def test_at_most_five_hundred_versions_are_requested(store: InventoryStore) -> None:
    schemas = [
        avro(f"s{number}", ("a", "T"), references=refers("T", f"t{number}", 1))
        for number in range(MOST_PINNED + 1)
    ]
    publish(store, a_cluster(*schemas))
    versions = Versions()
    found = read_estate_relationships(parse_estate(WITH_REGISTRY, source="x"), store, read_versions=versions)
    assert versions.asked == []
    assert found.relationships.gaps[0].reason.startswith("more than 500 older versions")


def test_domains_use_relationships_kept_for_the_same_documents(store: InventoryStore) -> None:
    publish(store, a_document_that_refers_to_an_older_version())
    person = avro("person", ("user_id", "string"), record="shop.Person")
    estate = parse_estate(WITH_REGISTRY, source="x")
    found = read_estate_relationships(estate, store, read_versions=Versions(person))
    keep_estate_relationships(store, found, made_at=MOMENT)
    kept = relationship_results(store).get()
    assert kept is not None
    assert (kept.result, kept.documents) == (found.relationships, found.documents)
    domains = read_estate_domains(estate, store).domains  # asks no registry: none answers at this address
    assert [(one.name, [member.topic for member in one.topics]) for one in domains.domains] == [
        ("around user", ["orders", "users"])
    ]
