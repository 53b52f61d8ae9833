"""Causes are distinguished by the identities of the records in the changes."""

import msgspec
from hypothesis import given

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import SectionName
from mesh_assets.sensing.observations.comparison import Identity, identities_of
from mesh_assets_tests.arbitrary_documents import documents, property_of_documents

OBSERVED = ("topic", "connector", "schema", "consumer_group")
COMPARED: tuple[SectionName, ...] = ("topics", "connectors", "schemas", "consumer_groups")


@property_of_documents
@given(documents(fresh=True), documents(fresh=True))
def test_a_created_or_deleted_resource_is_identified_by_its_record(before: Document, after: Document) -> None:
    changes = diff_documents(before, after)
    identities = {
        key: identity
        for name in COMPARED
        for key, identity in identities_of(changes, name, before, after).items()
    }
    for change in changes:
        if change.kind != "updated" and change.resource_type in OBSERVED:
            record = msgspec.json.decode(change.after or change.before or "{}")
            expected = Identity(record.get("id"), record.get("version"))
            assert (
                identities.get((change.kind, change.resource_type, change.resource), Identity()) == expected
            )
